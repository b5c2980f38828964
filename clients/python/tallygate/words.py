"""What the sidecar says to people, on its stderr, as records of a `logging` logger."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import threading
from typing import IO, cast

# As the sidecar writes them: "2026-01-31T12:00:00.000Z warning: what happened".
_LINE = re.compile(r"\S+Z (trace|debug|info|warning|error|critical): (.*)", re.DOTALL)
_LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}
# A child that never ends its line must not fill the memory.
_LINE_MAX = 8192


def forward_words(pipe: IO[bytes], logger: logging.Logger) -> None:
    """Hands each line of the child to `logger`, on a thread of its own, until the child ends. A
    handler that raises is logging's to report; the reading goes on, lest the pipe fill up."""
    threading.Thread(
        target=_forward, args=(pipe, logger), name="tallygate-words", daemon=True
    ).start()


def _forward(pipe: IO[bytes], logger: logging.Logger) -> None:
    with contextlib.suppress(OSError, ValueError), pipe:
        lines = io.BufferedReader(cast(io.RawIOBase, pipe))  # a raw one reads byte by byte
        while line := lines.readline(_LINE_MAX):
            level, text = read_words(line)
            with contextlib.suppress(Exception):
                logger.log(level, "%s", text)


def read_words(line: bytes) -> tuple[int, str]:
    """Level and text of a line. Its time is left out, since a record has its own; a line of another
    kind is a warning: sidecars say nothing else, so something went wrong before they could."""
    text = _visible(line.decode("utf-8", "replace").rstrip("\r\n"))
    known = _LINE.fullmatch(text)
    return (_LEVELS[known[1]], known[2]) if known else (logging.WARNING, text)


def _visible(text: str) -> str:
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
