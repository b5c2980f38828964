"""JSON-RPC in both directions over a `Connection`: requests matched to answers by id.

Fails closed: the first thing that goes wrong (the child ends, says nonsense, answers what was never
asked) closes the peer for good, and every waiting and later request raises the same error.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from . import wire
from .child import Broken, Ending, NotBegun
from .connection import Connection
from .errors import GateClosed, ProtocolError, RequestRefused, TallygateError, TimedOut
from .executions import Reply, reply_line

UNKNOWN = "; the outcome of this request is unknown here, the sidecar's store knows it"
NOT_SENT = "; this request was not sent"
# How long a failed write waits to learn from the reader how the child ended: seconds.
_LEARN_WHY = 4.0


class Server(Protocol):
    """Takes what the sidecar asks. Called on the reader thread, so neither waits nor writes."""

    def on_request(self, number: wire.Id, method: str, params: dict[str, Any]) -> None: ...
    def on_notification(self, method: str, params: dict[str, Any]) -> None: ...
    def on_progress(self, request: dict[str, Any], params: dict[str, Any]) -> None: ...
    def on_closed(self) -> None: ...


class _Waiter:
    """One request that was not answered yet."""

    def __init__(self, params: dict[str, Any]) -> None:
        self.params = params  # what was asked
        self.done = threading.Event()
        self.answer: dict[str, Any] | None = None
        self.error: TallygateError | None = None
        self.line: int | None = None  # its ordinal among our lines; None: no byte was written

    def begun(self, line: int) -> None:
        self.line = line

    def take(self) -> Any:
        """The result. Raises what came instead."""
        if self.error is not None:
            raise self.error
        assert self.answer is not None
        return result_of(self.answer)


def result_of(answer: dict[str, Any]) -> Any:
    """Of a response whose envelope was checked. Raises `RequestRefused`."""
    if (error := answer.get("error")) is not None:
        raise RequestRefused(error["code"], error["message"], error.get("data"))
    return answer["result"]


class Peer:
    def __init__(self, connection: Connection, server: Server) -> None:
        self.connection = connection
        self._server = server
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._waiters: dict[int, _Waiter] = {}
        self._abandoned: set[int] = set()  # ids whose answer nobody waits for any more
        self._end: Callable[[str, bool], TallygateError] | None = None
        self.exit_code: int | None = None  # of a child that ended of itself
        self.leaving = False  # set before an end that this process wants

    @property
    def ended(self) -> bool:
        return self._end is not None

    def listen(self) -> None:
        """Starts to read. `server` is called from now on."""
        self.connection.read(self._on_line, self._on_end)

    # Asking

    def request(self, method: str, params: dict[str, Any], timeout: float | None = None) -> Any:
        """The result of a request. timeout: seconds for the whole of it.

        Raises TypeError or ValueError where `params` are not JSON (nothing was sent),
        `RequestRefused`, `TimedOut`, `GateClosed`, `ProtocolError`.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        number = self._next_number()
        line = wire.message_line({"id": number, "method": method, "params": params})
        waiter = self._add_waiter(number, params)
        try:
            self.connection.write(line, timeout=timeout, begun=waiter.begun)
            waiter.done.wait(None if deadline is None else max(deadline - time.monotonic(), 0))
        except NotBegun:
            self._abandon(number)
            raise TimedOut(f"{method}: not sent within {timeout} s", sent=False) from None
        except Broken as error:
            raise self._why_broken(number, error) from error
        except BaseException:  # KeyboardInterrupt: the host gives up
            self._give_up(number)
            raise
        if not waiter.done.is_set() and self._give_up(number):
            raise TimedOut(f"{method}: no answer within {timeout} s; it may still run", sent=True)
        waiter.done.wait()  # an answer that has just been matched is set in a moment
        return waiter.take()

    def _next_number(self) -> int:
        if self.connection.foreign:  # before the lock: a fork may have copied it locked
            raise GateClosed("this gate belongs to the process that started it, not to a fork")
        with self._lock:
            return next(self._numbers)

    def _add_waiter(self, number: int, params: dict[str, Any]) -> _Waiter:
        waiter = _Waiter(params)
        with self._lock:
            if self._end is not None:
                raise self._end(NOT_SENT, False)
            self._waiters[number] = waiter
        return waiter

    def _abandon(self, number: int) -> _Waiter | None:
        """The waiter, if no answer has come. Its answer will be dropped when it comes."""
        with self._lock:
            waiter = self._waiters.pop(number, None)
            if waiter is not None and waiter.line is not None:
                self._abandoned.add(number)
        return waiter

    def _give_up(self, number: int) -> bool:
        """Tells the sidecar that nobody waits. False: the answer has just come."""
        waiter = self._abandon(number)
        if waiter is not None and waiter.line is not None:
            # Best effort: a sidecar that does not read is not worth waiting for.
            with contextlib.suppress(Broken, NotBegun):
                self.notify("$/cancelRequest", {"id": number}, timeout=0.1)
        return waiter is not None

    def _why_broken(self, number: int, error: Broken) -> TallygateError:
        """A write failed; the reader knows how the child ended, or will in a moment."""
        self.connection.ended.wait(_LEARN_WHY)
        self._abandon(number)
        with self._lock:
            make = self._end
        # Half a line has no effect, so this request is known not to have been made.
        return make(NOT_SENT, False) if make else GateClosed(f"{error}{NOT_SENT}")

    # Telling

    def notify(self, method: str, params: dict[str, Any], timeout: float | None = None) -> None:
        line = wire.message_line({"method": method, "params": params})
        self.connection.write(line, timeout=timeout)

    def reply(self, number: wire.Id, reply: Reply) -> None:
        """Answers a request of the sidecar."""
        with contextlib.suppress(Broken):  # the gate has ended; whoever waited has been told
            self.connection.write(reply_line(number, reply))

    # Hearing

    def _on_line(self, line: bytes) -> None:
        try:
            self._dispatch(line)
        except Exception as error:
            self.fail(error)  # at once, so that nothing starts while the child is being reaped
            raise

    def _dispatch(self, line: bytes) -> None:
        message = wire.read_line(line)
        if "method" not in message:
            self._on_answer(message, line)
        elif "id" in message:
            self._server.on_request(message["id"], message["method"], message.get("params", {}))
        elif message["method"] == "$/progress":
            self._on_progress(message.get("params", {}))
        else:
            self._server.on_notification(message["method"], message.get("params", {}))

    def _on_answer(self, message: dict[str, Any], line: bytes) -> None:
        number = message["id"]
        if number is None and "error" in message:
            number = self._number_of_line(message["error"])
        with self._lock:
            known = wire.is_int(number)
            waiter = self._waiters.pop(number, None) if known else None
            if waiter is None and not (known and number in self._abandoned):
                raise ProtocolError(f"an answer to nothing that was asked: {wire.excerpt(line)}")
            self._abandoned.discard(number)
        if waiter is not None:
            waiter.answer = message
            waiter.done.set()

    def _on_progress(self, params: dict[str, Any]) -> None:
        number = params.get("id")
        if not isinstance(number, int):
            raise ProtocolError(f"$/progress of no request of ours: {number!r:.80}")
        with self._lock:
            waiter = self._waiters.get(number)
        if waiter is not None:  # else its answer overtook it, or nobody waits any more
            self._server.on_progress(waiter.params, params)

    def _number_of_line(self, error: dict[str, Any]) -> int | None:
        """Which request stood on the line that the sidecar could not read."""
        data = error.get("data")
        ordinal = data.get("line") if isinstance(data, dict) else None
        with self._lock:
            waiting = list(self._waiters.items())
        return next((number for number, waiter in waiting if waiter.line == ordinal), None)

    # Ending

    def fail(self, error: Exception) -> None:
        """Ends everything because of what the sidecar said. Kills it."""
        text = str(error)
        known = isinstance(error, ProtocolError)
        kind: type[ProtocolError] | type[GateClosed] = ProtocolError if known else GateClosed
        if not known:
            text = f"this client failed: {type(error).__name__}: {text}"
        self.close_with(lambda more, sent: kind(text + more, sent))
        self.connection.kill()

    def close_with(self, make: Callable[[str, bool], TallygateError]) -> None:
        """Closes for good; the first reason stays. Bodies know it before waiters are woken."""
        with self._lock:
            first = self._end is None
            if first:
                self._end = make
            waiters, self._waiters = self._waiters, {}
        if first:
            self._server.on_closed()
        for waiter in waiters.values():
            sent = waiter.line is not None
            waiter.error = make(UNKNOWN if sent else NOT_SENT, sent)
            waiter.done.set()

    def _on_end(self, ending: Ending) -> None:
        if ending.fault is not None:
            self.fail(ending.fault)
        else:
            self.exit_code = ending.exit_code
            text = "the gate was closed" if self.leaving else f"the sidecar {ending}"
            self.close_with(lambda more, sent: GateClosed(text + more, sent))
