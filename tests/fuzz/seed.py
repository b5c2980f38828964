"""seed.py CHECKOUT FOLDER: a corpus for each fuzz target, made of the vectors and the policies.

One input is one file in FOLDER/TARGET, named after where it stands, so that nothing is named by
chance. What somebody found or wrote by hand stands beside this file, in corpus/TARGET."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

LARGE = 64 * 1024  # what is larger only shows that it is refused, and the session target has it


def raw_bytes(parts: object) -> bytes:
    """What a `host_raw` step sends, as tests/transcripts/vectors.cpp reads it."""
    if isinstance(parts, list):
        return b"".join(raw_bytes(part) for part in parts)
    if isinstance(parts, dict):
        if "hex" in parts:
            return bytes.fromhex(parts["hex"])
        return str(parts["repeat"]).encode() * int(parts["times"])
    return str(parts).encode()


def said_by_host(path: Path) -> list[bytes]:
    """The lines that the host of a vector sends, and what others than it say."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        step = json.loads(line)
        if "host_raw" in step:
            lines.append(raw_bytes(step["host_raw"]))
        for who in ("host", "sidecar"):
            if who in step:
                lines.append(line[line.index(":") + 1:].strip()[:-1].encode())
    return lines


class Seeds:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.known: set[tuple[str, bytes]] = set()

    def add(self, target: str, name: str, text: bytes) -> None:
        if len(text) > LARGE or (target, text) in self.known:
            return
        self.known.add((target, text))
        place = self.folder / target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text)


def add_vectors(seeds: Seeds, vectors: Path) -> None:
    for path in sorted(vectors.glob("*.ndjson")):
        text = path.read_bytes()
        seeds.add("session", path.name, text)
        lines = said_by_host(path)
        for number, line in enumerate(lines, start=1):
            seeds.add("json", f"{path.stem}-{number}.json", line)
        stream = b"\n".join(lines) + b"\n"
        for bound in (8, 64, 255):
            seeds.add("line_buffer", f"{path.stem}-{bound}", bytes([bound, len(lines) % 256]) + stream)
        for number, amount in enumerate(sorted(set(re.findall(rb'"(\d+\.\d+)"', text)))):
            seeds.add("amounts", f"{path.stem}-{number}", b"9" + amount)


def main(checkout: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    seeds = Seeds(folder)
    vectors = checkout / "protocol/vectors"
    add_vectors(seeds, vectors)
    for path in sorted([*checkout.glob("policies/*.toml"), *vectors.glob("*.toml")]):
        seeds.add("policy", f"{path.parent.name}-{path.name}", path.read_bytes())
    for document in ("README.md", "policies/README.md"):
        text = (checkout / document).read_text(encoding="utf-8")
        blocks = re.findall(r"^```toml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        for number, block in enumerate(blocks, start=1):
            seeds.add("policy", f"{document.replace('/', '-')}-{number}.toml", block.encode())
    print(len(seeds.known), "inputs")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
