"""A child process and its lines. Knows bytes and line ends; knows no JSON.

One reader thread calls `on_line` for each line and at last `on_end`, once. It never writes, so a
child that waits for us to read before it reads itself cannot lock us up. Writers queue on one lock.

Fork: a connection belongs to the process that made it. In a forked child it is closed without a
word to the sidecar, and using it raises `Broken`; start a gate of its own there.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from .errors import ProtocolError
from .sigpipe import no_sigpipe

# The longest line taken from the child: what it may send us (4 MiB), with room to spare. A child
# that never ends its line must not fill the memory.
LINE_IN_MAX = 16 * 1024 * 1024
# A child that takes no byte of a begun line for so long is broken: seconds.
STALL_MAX = 30.0
# How often the reader looks whether a silent child still lives: seconds.
_LOOK_AGAIN = 0.5

Stderr = int | str | os.PathLike[str] | IO[bytes] | IO[str] | None


class Broken(Exception):
    """The line was not handed over whole: the child, its stdin or this connection is gone."""


class NotBegun(Exception):
    """The time ran out before the first byte: the child has seen nothing of the line."""


@dataclass(frozen=True)
class Ending:
    """How a connection ended. `exit_code` is negative for a signal, None where it is not known;
    `rest` is what stood after the last line end; `fault` is what `on_line` raised, which ended it.
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


class Connection:
    """Spawns `command`. Raises OSError where that fails, ValueError for a useless `stderr`.

    stderr: None (inherited), a path (appended to), an open file, or subprocess.DEVNULL.
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
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=_open_stderr(stderr, files),
                cwd=cwd,
                env=None if env is None else dict(env),
                bufsize=0,
            )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        os.set_blocking(self._stdin.fileno(), False)
        os.set_blocking(self._stdout.fileno(), False)
        self._write_lock = threading.Lock()
        self._lines_written = 0
        self._foreign = False
        self.ended = threading.Event()
        _living.add(self)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def foreign(self) -> bool:
        """Whether this is a forked copy, which must leave the child alone."""
        return self._foreign

    def read(self, on_line: Callable[[bytes], None], on_end: Callable[[Ending], None]) -> None:
        """Starts the reader. `on_line` gets lines without their end; blank lines are passed over.
        An exception from it kills the child and ends the connection."""
        reader = threading.Thread(
            target=self._read, args=(on_line, on_end), name="tallygate-reader", daemon=True
        )
        reader.start()

    # Writing

    def write(
        self,
        data: bytes,
        *,
        timeout: float | None = None,
        begun: Callable[[int], None] | None = None,
    ) -> None:
        """Hands over whole lines. `begun` hears the ordinal of the first (from 1) before any byte.

        timeout: seconds until the first byte; a line once begun is finished, since half a line
        would make the stream unreadable. Raises `NotBegun`, or `Broken`.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        if self._foreign:
            raise Broken("this gate belongs to the process that started it, not to a fork of it")
        if not self._write_lock.acquire(timeout=-1 if timeout is None else max(timeout, 0)):
            raise NotBegun
        try:
            self._await_room(deadline)
            if begun is not None:
                begun(self._lines_written + 1)
            self._lines_written += data.count(b"\n")
            self._write_all(data)
        finally:
            self._write_lock.release()

    def end_input(self, timeout: float | None = None) -> None:
        """Closes the child's stdin, after a write in progress. Raises `NotBegun`."""
        if not self._write_lock.acquire(timeout=-1 if timeout is None else timeout):
            raise NotBegun
        try:
            self._stdin.close()
        finally:
            self._write_lock.release()

    def _await_room(self, deadline: float | None) -> None:
        if self._stdin.closed:
            raise Broken("the sidecar's input is closed")
        if deadline is not None and not self._writable(max(deadline - time.monotonic(), 0)):
            raise NotBegun

    def _write_all(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                try:
                    with no_sigpipe():
                        view = view[os.write(self._stdin.fileno(), view) :]
                except BlockingIOError:
                    if not self._writable(STALL_MAX):
                        raise Broken(f"the sidecar read nothing for {STALL_MAX:.0f} s") from None
        except BaseException as error:
            # Perhaps half a line is out, and nothing that follows it could be read.
            self.kill()
            if isinstance(error, OSError):
                raise Broken(str(error)) from error
            raise

    def _writable(self, timeout: float) -> bool:
        poll = select.poll()
        poll.register(self._stdin.fileno(), select.POLLOUT)
        return bool(poll.poll(timeout * 1000))

    # Reading

    def _read(self, on_line: Callable[[bytes], None], on_end: Callable[[Ending], None]) -> None:
        rest, fault = bytearray(), None
        try:
            self._read_lines(rest, on_line)
        except Exception as error:  # whatever it is: a reader that stops must not leave a child
            fault = error
        ending = Ending(self._reap(at_once=fault is not None), bytes(rest), fault)
        try:
            on_end(ending)
        finally:
            self.ended.set()
            with self._write_lock:
                self._stdin.close()
            self._stdout.close()

    def _read_lines(self, rest: bytearray, on_line: Callable[[bytes], None]) -> None:
        """Until the end of the output. `rest` holds the unfinished line."""
        while chunk := self._read_some():
            scanned = len(rest)
            rest += chunk
            begin = 0
            while (end := rest.find(b"\n", max(scanned, begin))) >= 0:
                line = bytes(rest[begin:end]).removesuffix(b"\r")
                begin = end + 1
                if line:
                    on_line(line)
            del rest[:begin]
            if len(rest) > LINE_IN_MAX:
                raise ProtocolError(f"a line from the sidecar is longer than {LINE_IN_MAX} bytes")

    def _read_some(self) -> bytes:
        """The next bytes, or none at the end: of the output, or of a child whose output a process
        of its own still holds open."""
        poll = select.poll()
        poll.register(self._stdout.fileno(), select.POLLIN)
        while True:
            if poll.poll(_LOOK_AGAIN * 1000):
                with contextlib.suppress(BlockingIOError):
                    return os.read(self._stdout.fileno(), 256 * 1024)
            elif self._process.poll() is not None and not poll.poll(0):
                return b""

    # Ending

    def kill(self) -> None:
        """SIGKILL, if the child still lives. Does not wait; `on_end` follows."""
        if not self._foreign:
            with contextlib.suppress(OSError):
                self._process.kill()

    def terminate(self) -> None:
        if not self._foreign:
            with contextlib.suppress(OSError):
                self._process.terminate()

    def close(self, patience: float = 2.5) -> int | None:
        """Closes stdin, waits `patience` seconds, then terminates, waits one more, kills.
        Returns the exit code; None where even that could not be learned."""
        if self._foreign:
            return None
        try:
            self.end_input(patience)
        except NotBegun:  # a writer is stuck: the child does not read, so it will not see the end
            patience = 0
        for seconds, harder in ((patience, self.terminate), (1.0, self.kill), (5.0, None)):
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self._process.wait(seconds)
            if harder is not None:
                harder()
        return None

    def _reap(self, at_once: bool) -> int | None:
        """The exit code of a child that ended, or closed its output and will be ended."""
        if at_once:
            self.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(2.5)
        self.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5.0)
        return None

    def _disown(self) -> None:
        """In a forked child: the pipes are the parent's. Raw files, so no lock is touched."""
        self._foreign = True
        for pipe in (self._stdin, self._stdout):
            with contextlib.suppress(OSError):
                pipe.close()


def _open_stderr(stderr: Stderr, files: contextlib.ExitStack) -> int | IO[bytes] | IO[str] | None:
    if stderr in (subprocess.PIPE, subprocess.STDOUT):
        raise ValueError("stderr: PIPE would fill up unread, STDOUT would break the protocol")
    if isinstance(stderr, (str, os.PathLike)):
        return files.enter_context(open(stderr, "ab"))
    return stderr


_living: weakref.WeakSet[Connection] = weakref.WeakSet()


def _disown_all() -> None:
    for connection in list(_living):
        connection._disown()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_disown_all)
