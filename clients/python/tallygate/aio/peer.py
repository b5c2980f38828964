"""JSON-RPC in both directions on an event loop: requests matched to answers by id.

Fails closed, as `tallygate.peer` does: the first thing that goes wrong closes the peer for good.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable
from typing import Any

from .. import wire
from ..child import Broken, Child, Ending
from ..errors import GateClosed, ProtocolError, TallygateError, TimedOut
from ..executions import Reply, reply_line
from ..peer import NOT_SENT, UNKNOWN, Server, result_of
from .connection import Connection, Line


class Waiter:
    """One request that was made. `answer` is a response, or the error that came instead."""

    def __init__(self, number: int, method: str, params: dict[str, Any], line: Line) -> None:
        self.number = number
        self.method = method
        self.params = params
        self.line = line
        self.answer: asyncio.Future[dict[str, Any] | TallygateError]
        self.answer = asyncio.get_running_loop().create_future()

    def come(self, answer: dict[str, Any] | TallygateError) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)

    def take(self) -> Any:
        answer = self.answer.result()
        if isinstance(answer, TallygateError):
            raise answer
        return result_of(answer)


class Peer:
    def __init__(self, child: Child, server: Server) -> None:
        self._server = server
        self._numbers = itertools.count(1)
        self._waiters: dict[int, Waiter] = {}
        self._abandoned: set[int] = set()  # ids whose answer nobody waits for any more
        self._end: Callable[[str, bool], TallygateError] | None = None
        self.exit_code: int | None = None  # of a child that ended of itself
        self.leaving = False  # set before an end that this process wants
        self.connection = Connection(child, self._on_line, self._on_end)

    @property
    def ended(self) -> bool:
        return self._end is not None

    # Asking

    def post(self, method: str, params: dict[str, Any]) -> Waiter:
        """Sends a request; `outcome` waits for its answer. Requests arrive in the order of their
        posts. Raises TypeError or ValueError where `params` are not JSON, and if it has ended."""
        number = next(self._numbers)
        data = wire.message_line({"id": number, "method": method, "params": params})
        if self._end is not None:
            raise self._end(NOT_SENT, False)
        try:
            waiter = Waiter(number, method, params, self.connection.write(data))
        except Broken as error:
            raise GateClosed(f"{error}{NOT_SENT}") from error
        self._waiters[number] = waiter
        return waiter

    async def outcome(self, waiter: Waiter, timeout: float | None = None) -> Any:
        """The result. A task that is cancelled meanwhile gives the request up, as a timeout does:
        the sidecar is told. Raises `RequestRefused`, `TimedOut`, `GateClosed`, `ProtocolError`."""
        try:
            await asyncio.wait({waiter.answer}, timeout=timeout)
        except asyncio.CancelledError:
            self._give_up(waiter)
            raise
        if waiter.answer.done():
            return waiter.take()
        sent = self._give_up(waiter)
        text = "no answer within {} s; it may still run" if sent else "not sent within {} s"
        raise TimedOut(f"{waiter.method}: {text.format(timeout)}", sent=sent)

    async def request(
        self, method: str, params: dict[str, Any], timeout: float | None = None
    ) -> Any:
        return await self.outcome(self.post(method, params), timeout)

    def _give_up(self, waiter: Waiter) -> bool:
        """Whether any of it was sent. Its answer will be dropped when it comes."""
        if self._waiters.pop(waiter.number, None) is None:
            return waiter.line.begun
        if self.connection.withdraw(waiter.line):
            return False
        self._abandoned.add(waiter.number)
        self._tell("$/cancelRequest", {"id": waiter.number})
        return True

    # Telling

    def _tell(self, method: str, params: dict[str, Any]) -> None:
        with contextlib.suppress(Broken):  # the gate has ended; whoever waited has been told
            self.connection.write(wire.message_line({"method": method, "params": params}))

    def reply(self, number: wire.Id, reply: Reply) -> None:
        """Answers a request of the sidecar."""
        with contextlib.suppress(Broken):
            self.connection.write(reply_line(number, reply))

    # Hearing

    def _on_line(self, line: bytes) -> None:
        try:
            self._dispatch(line)
        except Exception as error:
            self.fail(error)  # at once, so that nothing starts while the child is being reaped
            raise

    def _dispatch(self, line: bytes) -> None:
        if self._end is not None:
            return  # lines that came in one piece with the nonsense before them
        message = wire.read_line(line)
        params = message.get("params", {})
        if "method" not in message:
            self._on_answer(message, line)
        elif "id" in message:
            self._server.on_request(message["id"], message["method"], params)
        elif message["method"] == "$/progress":
            self._on_progress(params)
        else:
            self._server.on_notification(message["method"], params)

    def _on_answer(self, message: dict[str, Any], line: bytes) -> None:
        number = message["id"]
        if number is None and "error" in message:
            number = self._number_of_line(message["error"])
        known = wire.is_int(number)
        waiter = self._waiters.pop(number, None) if known else None
        if waiter is not None:
            waiter.come(message)
        elif known and number in self._abandoned:
            self._abandoned.discard(number)
        else:
            raise ProtocolError(f"an answer to nothing that was asked: {wire.excerpt(line)}")

    def _on_progress(self, params: dict[str, Any]) -> None:
        number = params.get("id")
        if not wire.is_int(number):
            raise ProtocolError(f"$/progress of no request of ours: {number!r:.80}")
        waiter = self._waiters.get(number) if isinstance(number, int) else None
        if waiter is not None:  # else its answer overtook it, or nobody waits any more
            self._server.on_progress(waiter.params, params)

    def _number_of_line(self, error: dict[str, Any]) -> int | None:
        """Which request stood on the line that the sidecar could not read."""
        data = error.get("data")
        ordinal = data.get("line") if isinstance(data, dict) else None
        waiting = self._waiters.values()
        return next((one.number for one in waiting if one.line.number == ordinal), None)

    # Ending

    def fail(self, error: Exception) -> None:
        """Ends everything because of what the sidecar said. Kills it."""
        text = str(error)
        known = isinstance(error, ProtocolError)
        kind: type[ProtocolError] | type[GateClosed] = ProtocolError if known else GateClosed
        if not known:
            text = f"this client failed: {type(error).__name__}: {text}"
        self._close_with(lambda more, sent: kind(text + more, sent))
        self.connection.child.kill()

    def _close_with(self, make: Callable[[str, bool], TallygateError]) -> None:
        """Closes for good; the first reason stays. Bodies know it before waiters are woken."""
        first = self._end is None
        if first:
            self._end = make
        waiters, self._waiters = self._waiters, {}
        if first:
            self._server.on_closed()
        for waiter in waiters.values():
            sent = waiter.line.whole
            waiter.come(make(UNKNOWN if sent else NOT_SENT, sent))

    def _on_end(self, ending: Ending) -> None:
        if ending.fault is not None:
            self.fail(ending.fault)
        else:
            self.exit_code = ending.exit_code
            text = "the gate was closed" if self.leaving else f"the sidecar {ending}"
            self._close_with(lambda more, sent: GateClosed(text + more, sent))
