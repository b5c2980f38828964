"""What a person does from a terminal while a vector is replayed, by the program's own commands."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vector_text import Mismatch

# Which member names what the act is about.
_TARGETS = {
    **dict.fromkeys(("cut", "freeze", "kill", "reopen"), "scope"),
    **dict.fromkeys(("approve", "deny", "reconcile"), "call"),
}
_CODE_WANTED = re.compile(rb"Type (\d+) to go on: $")


def command_words(act: dict[str, Any]) -> list[str]:
    """The command that does what an `operator` step says. Raises `Mismatch` for a misspelt one."""
    left = dict(act)
    name = left.pop("act", None)
    target = _TARGETS.get(name)
    if target is None or target not in left:
        raise Mismatch(f"no such act of an operator: {act}")
    words = [name, left.pop(target)]
    if name == "reconcile":
        words.append(left.pop("outcome", "completed or not-run"))
        for unit, amount in left.pop("spent", {}).items():
            words += ["--spent", f"{unit}={amount}"]
    reason = left.pop("reason", "")
    if left:
        raise Mismatch(f"an operator's {name} has no {sorted(left)}")
    return words + (["--reason", reason] if reason else [])


def run_at_terminal(
    command: list[str], *, cwd: Path, env: Mapping[str, str], patience: float
) -> None:
    """Runs the command at a terminal of its own and types the code it asks for. Raises `Mismatch`,
    with what the terminal showed, unless it exits with 0."""
    ours, its = pty.openpty()
    try:
        process = subprocess.Popen(
            command, stdin=its, stdout=its, stderr=its, cwd=cwd, env=env, start_new_session=True
        )
    finally:
        os.close(its)
    try:
        seen = _talk(ours, patience)
        code = process.wait(patience)
    except subprocess.TimeoutExpired:
        raise Mismatch(f"{command[1]} did not end") from None
    finally:
        process.kill()
        os.close(ours)
    if code != 0:
        raise Mismatch(f"{command[1]} ended with {code}; the terminal showed: {seen.decode()}")


def _talk(terminal: int, patience: float) -> bytes:
    """What the terminal showed until the command closed it, or fell silent."""
    seen = b""
    while select.select([terminal], [], [], patience)[0]:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:  # how Linux tells that nobody holds the other end any more
            break
        seen += chunk
        wanted = _CODE_WANTED.search(seen)
        if wanted:
            os.write(terminal, wanted[1] + b"\n")
    return seen
