"""A child and its lines, on an event loop. Knows bytes and line ends; knows no JSON.

Everything here runs on the loop's thread. What cannot be written at once waits in a queue of lines;
reading never waits for writing, so a child that waits for us to read cannot lock us up.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

from .. import connection
from ..child import LOOK_AGAIN, REAP_PATIENCE, Broken, Child, Ending, LineCutter

# How often it is looked whether a child that should end has: seconds.
_POLL = 0.005


class Line:
    """One line on its way. `number`: its ordinal among ours from 1, once its first byte is out;
    `whole`: all of it is. Half a line has no effect, if no more of it follows."""

    def __init__(self, data: bytes) -> None:
        self.left = memoryview(data)
        self.number: int | None = None

    @property
    def begun(self) -> bool:
        return self.number is not None

    @property
    def whole(self) -> bool:
        return not self.left


class Connection:
    """`on_line` gets lines without their end; an exception from it kills the child and ends the
    connection. `on_end` is called once, at last."""

    def __init__(
        self, child: Child, on_line: Callable[[bytes], None], on_end: Callable[[Ending], None]
    ) -> None:
        self.child = child
        self._loop = asyncio.get_running_loop()
        self._on_line, self._on_end = on_line, on_end
        self._cutter = LineCutter()
        self._queue: deque[Line] = deque()
        self._lines_begun = 0
        self._stall: asyncio.TimerHandle | None = None
        self._reading = True
        self._reaper: asyncio.Task[None] | None = None
        self.ended = asyncio.Event()
        self._loop.add_reader(child.stdout.fileno(), self._readable)
        self._look = self._loop.call_later(LOOK_AGAIN, self._look_whether_it_lives)

    # Writing

    def write(self, data: bytes) -> Line:
        """Hands over a whole line, now or when there is room. Raises `Broken`."""
        if self.child.foreign:
            raise Broken("this gate belongs to the process that started it, not to a fork of it")
        if self.child.stdin.closed:
            raise Broken("the sidecar's input is closed")
        line = Line(data)
        self._queue.append(line)
        if len(self._queue) == 1:
            self._write_on()
        return line

    def withdraw(self, line: Line) -> bool:
        """Takes a line back. False: its first byte is out already."""
        if line.begun:
            return False
        with contextlib.suppress(ValueError):
            self._queue.remove(line)
        return True

    def _write_on(self) -> None:
        """Writes until the pipe is full or nothing is left."""
        self._set_stall(None)
        try:
            while self._queue:
                self._write_some_of(self._queue[0])
        except BlockingIOError:
            self._loop.add_writer(self.child.stdin.fileno(), self._write_on)
            if self._queue[0].begun:
                self._set_stall(connection.STALL_MAX)
        except OSError:  # the child is gone; the reader learns how
            self._stop_writing()
            self.child.kill()
        else:
            self._loop.remove_writer(self.child.stdin.fileno())

    def _write_some_of(self, line: Line) -> None:
        size = self.child.write_some(line.left)
        if not line.begun:
            self._lines_begun += 1
            line.number = self._lines_begun
        line.left = line.left[size:]
        if line.whole:
            self._queue.popleft()

    def _set_stall(self, seconds: float | None) -> None:
        """A child that takes no byte of a begun line for so long is broken."""
        if self._stall is not None:
            self._stall.cancel()
        self._stall = None if seconds is None else self._loop.call_later(seconds, self.child.kill)

    def _stop_writing(self) -> None:
        self._set_stall(None)
        self._queue.clear()
        if not self.child.stdin.closed:
            self._loop.remove_writer(self.child.stdin.fileno())

    async def end_input(self, patience: float) -> bool:
        """Closes the child's stdin once what waits is written. False: it did not read in time."""
        until = self._loop.time() + patience
        while self._queue and self._loop.time() < until:
            await asyncio.sleep(_POLL)
        stuck = bool(self._queue)
        self._stop_writing()
        self.child.stdin.close()
        return not stuck

    # Reading

    def _readable(self) -> None:
        try:
            chunk = self.child.read_some()
            if chunk == b"":
                self._end(None)
            for line in self._cutter.feed(chunk or b""):
                self._on_line(line)
        except Exception as error:  # whatever it is: a reader that stops must not leave a child
            self._end(error)

    def _look_whether_it_lives(self) -> None:
        if self._reading and self.child.is_silent_for_good():
            self._end(None)
        elif self._reading:
            self._look = self._loop.call_later(LOOK_AGAIN, self._look_whether_it_lives)

    # Ending

    def _end(self, fault: Exception | None) -> None:
        """Nothing is read any more."""
        if not self._reading:
            return
        self._reading = False
        self._look.cancel()
        self._loop.remove_reader(self.child.stdout.fileno())
        self._reaper = self._loop.create_task(self._reap(fault))

    async def _reap(self, fault: Exception | None) -> None:
        if fault is not None:
            self.child.kill()
        code = await self.exit_code(REAP_PATIENCE)
        if code is None:
            self.child.kill()
            await self.exit_code(5.0)
        self._stop_writing()
        try:
            self._on_end(Ending(code, bytes(self._cutter.rest), fault))
        finally:
            self.ended.set()
            self.child.stdin.close()
            self.child.stdout.close()

    async def exit_code(self, patience: float) -> int | None:
        """None: it lives on."""
        until = self._loop.time() + patience
        while (code := self.child.process.poll()) is None and self._loop.time() < until:
            await asyncio.sleep(_POLL)
        return code

    async def close(self, patience: float) -> None:
        """Closes stdin, waits `patience` seconds, then terminates, waits one more, kills."""
        if not await self.end_input(patience):
            patience = 0  # the child does not read, so it will not see the end
        for seconds, harder in ((patience, self.child.terminate), (1.0, self.child.kill)):
            if await self.exit_code(seconds) is not None:
                return
            harder()
        await self.exit_code(5.0)
