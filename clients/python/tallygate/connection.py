"""A child and its lines, for threads. Knows bytes and line ends; knows no JSON.

One reader thread calls `on_line` for each line and at last `on_end`, once. It never writes, so a
child that waits for us to read before it reads itself cannot lock us up. Writers queue on one lock.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from .child import LOOK_AGAIN, REAP_PATIENCE, Broken, Child, Ending, LineCutter, NotBegun, Stderr

# A child that takes no byte of a begun line for so long is broken: seconds.
STALL_MAX = 30.0


class Connection:
    """Spawns `command`, as `Child` does."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str] | None = None,
        stderr: Stderr = None,
    ) -> None:
        self._child = Child(command, cwd=cwd, env=env, stderr=stderr)
        self._process = self._child.process
        self._stdin = self._child.stdin
        self._write_lock = threading.Lock()
        self._lines_written = 0
        self.ended = threading.Event()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def foreign(self) -> bool:
        """Whether this is a forked copy, which must leave the child alone."""
        return self._child.foreign

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
        if self.foreign:
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
                    view = view[self._child.write_some(view) :]
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
        cutter, fault = LineCutter(), None
        try:
            while chunk := self._read_some():
                for line in cutter.feed(chunk):
                    on_line(line)
        except Exception as error:  # whatever it is: a reader that stops must not leave a child
            fault = error
        ending = Ending(self._reap(at_once=fault is not None), bytes(cutter.rest), fault)
        try:
            on_end(ending)
        finally:
            self.ended.set()
            with self._write_lock:
                self._stdin.close()
            self._child.stdout.close()

    def _read_some(self) -> bytes:
        """The next bytes, or none at the end: of the output, or of a child whose output a process
        of its own still holds open."""
        poll = select.poll()
        poll.register(self._child.stdout.fileno(), select.POLLIN)
        while True:
            if poll.poll(LOOK_AGAIN * 1000):
                chunk = self._child.read_some()
                if chunk is not None:
                    return chunk
            elif self._child.is_silent_for_good():
                return b""

    # Ending

    def kill(self) -> None:
        """SIGKILL, if the child still lives. Does not wait; `on_end` follows."""
        self._child.kill()

    def close(self, patience: float = 2.5) -> int | None:
        """Closes stdin, waits `patience` seconds, then terminates, waits one more, kills.
        Returns the exit code; None where even that could not be learned."""
        if self.foreign:
            return None
        try:
            self.end_input(patience)
        except NotBegun:  # a writer is stuck: the child does not read, so it will not see the end
            patience = 0
        ways = ((patience, self._child.terminate), (1.0, self.kill), (5.0, None))
        for seconds, harder in ways:
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
            return self._process.wait(REAP_PATIENCE)
        self.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5.0)
        return None
