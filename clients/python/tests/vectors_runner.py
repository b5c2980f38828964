"""Replays protocol/vectors/*.ndjson against the real binary, line by line.

    TALLYGATE_BIN=... python vectors_runner.py [FILE.ndjson | FOLDER]...

Without arguments: the folder protocol/vectors of this repository. Exit code 0: all files agree or
were skipped; 1: one did not. An entry of a file is one JSON object on one line, one of

    {"note": TEXT}              for the reader
    {"policy": NAME}            the configuration, a file beside the vectors; else there is none
    {"host": MESSAGE}           sent as one line
    {"host_raw": PARTS}         sent as these bytes and a line end; see vector_text.py
    {"sidecar": MESSAGE}        what the sidecar must say next; see vector_text.py
    {"end_input": true}         closes the sidecar's stdin
    {"exit": CODE}              how it must end, if not with 0
    {"operator": ACT}           what a person does meanwhile; see operator_act.py
    {"restart": true}           kill -9, and a fresh sidecar on the same store
    {"advance_ms": N}           moves a clock: not here, such a file is skipped
    {"host_reads": false}       leaves what is said in the sidecar: likewise
"""

from __future__ import annotations

import os
import queue
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from operator_act import command_words, run_at_terminal  # noqa: E402
from vector_text import Mismatch, Number, compact, match, parse, raw_bytes, substitute  # noqa: E402

from tallygate.child import Broken, Ending, NotBegun  # noqa: E402
from tallygate.connection import Connection  # noqa: E402

VECTORS = HERE.parents[2] / "protocol" / "vectors"
# A sidecar that says nothing for so long will not say anything: seconds.
PATIENCE = 10.0
# Steps that only a runner inside the sidecar can follow, and why.
_BEYOND = {
    "advance_ms": "advance_ms needs a clock that can be set, which the binary has not",
    "host_reads": "host_reads needs a sidecar whose lines do not leave; a pipe takes them",
}


class Skipped(Exception):
    """This runner cannot replay the file; the message says why."""


class Replay:
    """One file against one sidecar at a time, started at the first entry that needs it."""

    def __init__(self, binary: str, vectors: Path, folder: Path) -> None:
        self.binary = binary
        self.vectors = vectors
        self.folder = folder
        self.names: dict[str, Any] = {}
        self.policy: str | None = None
        self.exit_code = 0
        self.input_ended = False
        self.heard: queue.SimpleQueue[bytes | Ending] = queue.SimpleQueue()
        self._connection: Connection | None = None

    @property
    def connection(self) -> Connection:
        if self._connection is None:
            with open(self.folder / "stderr", "ab") as stderr:
                self._connection = Connection(
                    self.command("serve"), cwd=self.folder, env=self.env(), stderr=stderr
                )
            self._connection.read(self.heard.put, self.heard.put)
        return self._connection

    def command(self, *words: str) -> list[str]:
        return [self.binary, *words] + (["-c", self.policy] if self.policy else [])

    def env(self) -> dict[str, str]:
        """Ours, but the state, the configuration and the home lie in the folder."""
        env = {key: text for key, text in os.environ.items() if key != "TALLYGATE_CONFIG"}
        places = ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME")
        return env | dict.fromkeys(places, str(self.folder))

    def play(self, entry: dict[str, Any]) -> None:
        """One entry. Raises `Mismatch`."""
        if len(entry) != 1:
            raise Mismatch(f"an entry has one member, not {sorted(entry)}")
        [(kind, value)] = entry.items()
        steps: dict[str, Callable[[Any], None]] = {
            "note": lambda _: None,
            "policy": self.use_policy,
            "host": lambda message: self.write(compact(substitute(message, self.names)).encode()),
            "host_raw": lambda parts: self.write(raw_bytes(parts)),
            "sidecar": self.expect_line,
            "end_input": lambda _: self.end_input(),
            "exit": self.expect_exit,
            "operator": self.act_as_operator,
            "restart": lambda _: self.restart(),
        }
        if kind not in steps:
            raise Mismatch(f"unknown entry {kind!r}")
        steps[kind](value)

    def finish(self) -> None:
        """After the last entry: the input ends, nothing more is said, and the exit code is the one
        that was stated, or 0."""
        self.end_input()
        got = self.hear_end()
        if got.exit_code != self.exit_code or got.rest:
            raise Mismatch(f"expected  exit code {self.exit_code}\ngot       the sidecar {got}")

    def end_input(self) -> None:
        self.connection.end_input()
        self.input_ended = True

    def act_as_operator(self, act: Any) -> None:
        words = command_words(substitute(act, self.names))
        self.connection  # there is a store to act on
        run_at_terminal(self.command(*words), cwd=self.folder, env=self.env(), patience=PATIENCE)

    def restart(self) -> None:
        """kill -9, but one whose input has ended ends by itself; the next entry starts another."""
        if not self.input_ended:
            self.connection.kill()
        got = self.hear_end()
        if self.input_ended and got.exit_code != 0:
            raise Mismatch(f"expected  exit code 0\ngot       the sidecar {got}")
        self.close()
        self._connection, self.input_ended = None, False

    def use_policy(self, name: str) -> None:
        if self._connection is not None:
            raise Mismatch("the policy comes before the first message")
        shutil.copyfile(self.vectors / name, self.folder / name)
        self.policy = name

    def write(self, line: bytes) -> None:
        try:
            self.connection.write(line + b"\n", timeout=PATIENCE)
        except (Broken, NotBegun) as error:
            raise Mismatch(f"the sidecar does not listen: {error}") from error

    def expect_line(self, expected: Any) -> None:
        got = self.hear()
        if isinstance(got, Ending):
            raise Mismatch(f"expected  {compact(expected)}\ngot       the sidecar {got}")
        try:
            value = parse(got.decode("utf-8"))
        except ValueError as error:
            raise Mismatch(f"expected  {compact(expected)}\ngot       {got!r}") from error
        if not match(expected, value, self.names):
            bound = "".join(f"\n{name} is {compact(what)}" for name, what in self.names.items())
            raise Mismatch(f"expected  {compact(expected)}\ngot       {compact(value)}{bound}")

    def expect_exit(self, code: Number) -> None:
        self.exit_code = int(code.text)

    def hear(self) -> bytes | Ending:
        self.connection  # a file may expect something before it has said anything
        try:
            return self.heard.get(timeout=PATIENCE)
        except queue.Empty:
            raise Mismatch(f"the sidecar said nothing for {PATIENCE:.0f} s") from None

    def hear_end(self) -> Ending:
        got = self.hear()
        if isinstance(got, Ending):
            return got
        raise Mismatch(f"expected  nothing more\ngot       {got.decode('utf-8', 'replace')}")

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


def replay(binary: str, vectors: Path) -> None:
    """Replays one file. Raises `Mismatch` with file and line, or `Skipped`."""
    lines = vectors.read_text("utf-8").splitlines()
    entries = [(number, parse(line)) for number, line in enumerate(lines, 1) if line.strip()]
    for step, why in _BEYOND.items():
        if any(step in entry for _, entry in entries):
            raise Skipped(why)
    with tempfile.TemporaryDirectory(prefix="tallygate-vectors-") as name:
        folder = Path(name)
        player = Replay(os.path.abspath(binary), vectors.parent, folder)
        number = 0
        try:
            for number, entry in entries:
                player.play(entry)
            player.finish()
        except Mismatch as error:
            raise Mismatch(f"{vectors}:{number}:\n{error}{stderr_of(folder)}") from error
        finally:
            player.close()


def stderr_of(folder: Path) -> str:
    said = folder / "stderr"
    text = said.read_text("utf-8", "replace").strip() if said.exists() else ""
    return f"\nits stderr: {text}" if text else ""


def find(places: list[Path]) -> list[Path]:
    """The files named, and those in the folders named."""
    found = [sorted(place.glob("*.ndjson")) if place.is_dir() else [place] for place in places]
    return [path for paths in found for path in paths]


def main(arguments: list[str]) -> int:
    binary = os.environ.get("TALLYGATE_BIN")
    if not binary:
        print("TALLYGATE_BIN is not set")
        return 2
    failed = 0
    for vectors in find([Path(argument) for argument in arguments] or [VECTORS]):
        try:
            replay(binary, vectors)
            print(f"ok       {vectors.name}")
        except Skipped as reason:
            print(f"skipped  {vectors.name}: {reason}")
        except Mismatch as error:
            failed += 1
            print(f"FAILED   {error}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
