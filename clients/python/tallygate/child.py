"""The sidecar as a process with two pipes, and its output cut into lines. For both kinds of gate.

Fork: a child belongs to the process that made it. In a forked copy it is disowned: its pipes are
closed without a word to the sidecar, and nothing can be sent to it; start a gate of its own there.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import subprocess
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from .errors import ProtocolError
from .sigpipe import no_sigpipe
from .words import forward_words

# The longest line taken from the child: what it may send us (4 MiB), with room to spare. A child
# that never ends its line must not fill the memory.
LINE_IN_MAX = 16 * 1024 * 1024
# How often a reader looks whether a silent child still lives: seconds.
LOOK_AGAIN = 0.5
# A child whose output has ended is given so long to end by itself: seconds.
REAP_PATIENCE = 2.5
_CHUNK = 256 * 1024

Stderr = int | str | os.PathLike[str] | IO[bytes] | IO[str] | logging.Logger | None


class Broken(Exception):
    """The line was not handed over whole: the child, its stdin or this connection is gone."""


class NotBegun(Exception):
    """The time ran out before the first byte: the child has seen nothing of the line."""


@dataclass(frozen=True)
class Ending:
    """How a child ended. `exit_code` is negative for a signal, None where it is not known; `rest`
    is what stood after the last line end; `fault` is what the reader of a line raised, which ended
    it.
    """

    exit_code: int | None
    rest: bytes
    fault: Exception | None

    def __str__(self) -> str:
        if self.exit_code is None:
            text = "closed its output"
        elif self.exit_code < 0:
            text = f"was ended by signal {-self.exit_code}"
        else:
            text = f"ended with exit code {self.exit_code}"
        return text + (" in the middle of a line" if self.rest else "")


class LineCutter:
    """Lines without their end, from bytes as they come. Blank lines are passed over."""

    def __init__(self) -> None:
        self.rest = bytearray()  # the unfinished line

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The lines that end in `chunk`. Raises `ProtocolError` for one that does not end."""
        scanned, begin = len(self.rest), 0
        self.rest += chunk
        try:
            while (end := self.rest.find(b"\n", max(scanned, begin))) >= 0:
                line = bytes(self.rest[begin:end]).removesuffix(b"\r")
                begin = end + 1
                if line:
                    yield line
        finally:
            del self.rest[:begin]
        if len(self.rest) > LINE_IN_MAX:
            raise ProtocolError(f"a line from the sidecar is longer than {LINE_IN_MAX} bytes")


class Child:
    """Spawns `command`. Raises OSError where that fails, ValueError for a useless `stderr`.

    stderr: None (inherited), a path (appended to), an open file, subprocess.DEVNULL, or a Logger,
    which then hears line by line what the child says.
    env: the whole environment of the child; None: ours.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str] | None = None,
        stderr: Stderr = None,
    ) -> None:
        with contextlib.ExitStack() as files:
            self.process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=_open_stderr(stderr, files),
                cwd=cwd,
                env=None if env is None else dict(env),
                bufsize=0,
            )
        assert self.process.stdin is not None and self.process.stdout is not None
        self.stdin, self.stdout = self.process.stdin, self.process.stdout
        os.set_blocking(self.stdin.fileno(), False)
        os.set_blocking(self.stdout.fileno(), False)
        self.foreign = False  # whether this is a forked copy, which must leave the child alone
        _living.add(self)
        if isinstance(stderr, logging.Logger):
            assert self.process.stderr is not None
            forward_words(self.process.stderr, stderr)

    def write_some(self, data: memoryview) -> int:
        """How many bytes the pipe took now. Raises BlockingIOError where it is full."""
        with no_sigpipe():
            return os.write(self.stdin.fileno(), data)

    def read_some(self) -> bytes | None:
        """The next bytes, b"" at the end, None where there are none yet."""
        with contextlib.suppress(BlockingIOError):
            return os.read(self.stdout.fileno(), _CHUNK)
        return None

    def is_silent_for_good(self) -> bool:
        """Whether the child has ended and said all it had to say. A process of its own may hold
        its output open beyond that."""
        poll = select.poll()
        poll.register(self.stdout.fileno(), select.POLLIN)
        return self.process.poll() is not None and not poll.poll(0)

    def kill(self) -> None:
        """SIGKILL, if it still lives. Does not wait."""
        if not self.foreign:
            with contextlib.suppress(OSError):
                self.process.kill()

    def terminate(self) -> None:
        if not self.foreign:
            with contextlib.suppress(OSError):
                self.process.terminate()

    def disown(self) -> None:
        """In a forked child: the pipes are the parent's. Raw files, so no lock is touched."""
        self.foreign = True
        for pipe in (self.stdin, self.stdout):
            with contextlib.suppress(OSError):
                pipe.close()


def _open_stderr(stderr: Stderr, files: contextlib.ExitStack) -> int | IO[bytes] | IO[str] | None:
    if stderr in (subprocess.PIPE, subprocess.STDOUT):
        raise ValueError("stderr: PIPE would fill up unread, STDOUT would break the protocol")
    if isinstance(stderr, logging.Logger):
        return subprocess.PIPE
    if isinstance(stderr, (str, os.PathLike)):
        return files.enter_context(open(stderr, "ab"))
    return stderr


_living: weakref.WeakSet[Child] = weakref.WeakSet()


def _disown_all() -> None:
    for child in list(_living):
        child.disown()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_disown_all)
