"""tidy.py [CHECKOUT]: what a reader would stumble over, as PLACE: RULE: WHAT; fails if there is any.

What compilers, clang-format and clang-tidy see is left to them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import lengths
import rooms
import text
import words
from source import Finding, Source

SKIPPED_FOLDERS = {".git", "build", "__pycache__", "node_modules", "dist", "target", ".venv",
                   ".mypy_cache", ".cache", "Testing"}
# Inputs: their bytes are what they are for.
INPUTS = ("tests/fuzz/corpus/",)
TEXT = {"", ".bash", ".bats", ".cmake", ".cpp", ".h", ".html", ".js", ".json", ".md", ".mjs",
        ".ndjson", ".py", ".sh", ".toml", ".ts", ".txt", ".yaml", ".yml"}
EXCEPTIONS = "tests/tidy/exceptions.txt"


def files_of(root: Path) -> list[str]:
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders
                            if name not in SKIPPED_FOLDERS and not name.endswith(".egg-info"))
        for name in sorted(names):
            path = Path(folder, name)
            relative = path.relative_to(root).as_posix()
            if path.suffix in TEXT and not path.is_symlink() and not relative.startswith(INPUTS):
                found.append(relative)
    return found


def check_source(source: Source) -> None:
    text.check_bytes(source)
    text.check_blanks(source)
    text.check_header(source)
    words.check_bans(source)
    words.check_marks(source)
    rooms.check_includes(source)
    lengths.check_function_lengths(source)


def findings_of(root: Path) -> list[Finding]:
    sources = [Source.read(root, path) for path in files_of(root)]
    findings: list[Finding] = []
    for source in sources:
        check_source(source)
        findings += source.findings
    findings += rooms.check_dead_files(sources)
    if (root / EXCEPTIONS).exists():
        exceptions = lengths.Exceptions.read(root, EXCEPTIONS)
    else:
        exceptions = lengths.Exceptions(EXCEPTIONS, {}, [])
    return findings + lengths.check_file_lengths(sources, exceptions)


def main() -> int:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]
    findings = findings_of(root)
    for finding in findings:
        print(finding)
    print(f"{len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
