"""Runs bodies: the functions behind tools. The only place of this package that calls one, and only
as the answer to a `tools/execute` request that names the tool.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import wire
from .errors import ProtocolError
from .notices import Notices
from .peer import Peer
from .pool import Pool
from .results import AmountLike, Fields, write_amounts

TOOL_FAILED = -32000
METHOD_NOT_FOUND = -32601
REQUEST_CANCELLED = -32800
# What the sidecar keeps of an error's text is 2 KiB.
_MESSAGE_MAX = 2000
_FAILURES_MAX = 1000
# What an answer holds beside its result: version, id, punctuation.
_ENVELOPE_SIZE = 1024


@dataclass(frozen=True)
class Answer:
    """What a body may return instead of its plain output, to say more about it.

    usage: what it used, e.g. {"usd": Decimal("0.031")}; see the sidecar's rules for what a report
    changes. documents: texts it read, each {"text": ..., "source": ...}.
    """

    output: Any
    usage: Mapping[str, AmountLike] | None = None
    documents: Sequence[Mapping[str, str]] | None = None


@dataclass(eq=False)
class Execution:
    """One body that was asked for. `until`: monotonic seconds; the sidecar waits no longer."""

    number: wire.Id
    action_id: str
    tool: str
    args: dict[str, Any]
    until: float
    cancelled: threading.Event = field(default_factory=threading.Event)


_current: contextvars.ContextVar[Execution | None] = contextvars.ContextVar(
    "tallygate_execution", default=None
)


def cancelled() -> bool:
    """Inside a body: whether nobody waits for it any more (cancelled, out of time, gate closed).

    A long body should look now and then, and raise. False outside of bodies, and in threads that a
    body starts, unless they run in `contextvars.copy_context()` of the body.
    """
    execution = _current.get()
    return execution is not None and execution.cancelled.is_set()


class Bodies:
    """The table of bodies, and what runs of them. Speaks to the sidecar through `peer`, set by the
    gate once there is one."""

    peer: Peer

    def __init__(self, workers: int, notices: Notices) -> None:
        self.pool = Pool(workers)
        self._notices = notices
        self._lock = threading.Lock()
        self._table: dict[str, Callable[..., object]] = {}
        self._running: dict[wire.Id, Execution] = {}
        self._failures: dict[str, BaseException] = {}  # by action id, until its result is taken

    def add(self, name: str, body: Callable[..., object]) -> None:
        with self._lock:
            if name in self._table:
                raise ValueError(f"tool {name!r} has a body already")
            self._table[name] = body

    def remove(self, name: str) -> None:
        with self._lock:
            self._table.pop(name, None)

    def current_action(self) -> str | None:
        """The call whose body is running in this context, if it is one of this gate's."""
        execution = _current.get()
        with self._lock:
            if execution is None or self._running.get(execution.number) is not execution:
                return None
        return execution.action_id

    def failure_of(self, action_id: str) -> BaseException | None:
        """What the body of this action raised in this process. Forgets it."""
        with self._lock:
            return self._failures.pop(action_id, None)

    # What the sidecar asks; called on the reader thread

    def on_request(self, number: wire.Id, method: str, params: dict[str, Any]) -> None:
        if method != "tools/execute":
            text = f"this client does not serve {method[:80]!r}"
            self.pool.submit(lambda: self.peer.refuse(number, METHOD_NOT_FOUND, text))
            return
        execution = _read_execute(number, params)
        with self._lock:
            if number in self._running:
                raise ProtocolError(f"tools/execute: id {number!r:.80} is in use")
            self._running[number] = execution
        self.pool.submit(lambda: self._run(execution))

    def on_notification(self, method: str, params: dict[str, Any]) -> None:
        number = params.get("id")
        if method == "$/cancelRequest" and isinstance(number, (int, str)):
            with self._lock:
                execution = self._running.get(number)
            if execution is not None:
                execution.cancelled.set()
        elif method == "actions/updated":
            self._notices.updated(params)

    def on_progress(self, request: dict[str, Any], params: dict[str, Any]) -> None:
        self._notices.progressed(request, params)

    def on_closed(self) -> None:
        """Nothing begins any more; what runs is told that nobody waits for it."""
        self.pool.close()
        self._notices.close()
        with self._lock:
            running = list(self._running.values())
        for execution in running:
            execution.cancelled.set()

    # On a thread of the pool; must not raise

    def _run(self, execution: Execution) -> None:
        # A context of its own: what one body sets must not reach the next on the same thread.
        send = contextvars.copy_context().run(self._outcome, execution)
        with self._lock:  # before the answer leaves: then the sidecar may use the id again
            self._running.pop(execution.number, None)
        send()

    def _outcome(self, execution: Execution) -> Callable[[], None]:
        """Runs the body if it may run. Returns what is to be answered."""
        number = execution.number
        with self._lock:
            body = self._table.get(execution.tool)
        if body is None:
            text = f"no body is registered here for tool {execution.tool!r}"
            return lambda: self.peer.refuse(number, TOOL_FAILED, text)
        if execution.cancelled.is_set() or time.monotonic() > execution.until:
            text = "cancelled before the body began"
            return lambda: self.peer.refuse(number, REQUEST_CANCELLED, text)
        try:
            _current.set(execution)
            result = _result_text(body(**execution.args))
        except BaseException as error:  # SystemExit and KeyboardInterrupt of a body end the body
            self._keep_failure(execution.action_id, error)
            text = describe(error)
            return lambda: self.peer.refuse(number, TOOL_FAILED, text)
        return lambda: self.peer.answer(number, result)

    def _keep_failure(self, action_id: str, error: BaseException) -> None:
        with self._lock:
            self._failures[action_id] = error
            if len(self._failures) > _FAILURES_MAX:  # of calls whose caller gave up
                del self._failures[next(iter(self._failures))]


def _read_execute(number: wire.Id, params: dict[str, Any]) -> Execution:
    fields = Fields(params, "tools/execute")
    deadline_ms = fields.optional_integer("deadlineMs")
    if deadline_ms is None or fields.optional_integer("attempt") is None:
        raise ProtocolError("tools/execute: attempt and deadlineMs are integers")
    return Execution(
        number=number,
        action_id=fields.text("actionId"),
        tool=fields.text("tool"),
        args=fields.inner("args").value,
        until=time.monotonic() + deadline_ms / 1000,
    )


def _result_text(value: object) -> bytes:
    answer = value if isinstance(value, Answer) else Answer(value)
    try:
        output = wire.to_text(answer.output, wire.DEPTH_MAX - wire.ENVELOPE_DEPTH)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the body's output is not JSON: {error}") from error
    if len(output) > wire.OUTPUT_MAX:
        size = f"{len(output)} bytes of at most {wire.OUTPUT_MAX}"
        raise ValueError(f"the body's output is too long: {size}")
    parts = [b'"output":' + output]
    if answer.usage is not None:
        parts.append(b'"usage":' + wire.to_text(write_amounts(answer.usage)))
    if answer.documents is not None:
        parts.append(b'"documents":' + wire.to_text([dict(item) for item in answer.documents]))
    text = b"{" + b",".join(parts) + b"}"
    if len(text) > wire.LINE_MAX - _ENVELOPE_SIZE:
        raise ValueError(f"the body's answer has {len(text)} bytes; a line cannot hold it")
    return text


def describe(error: BaseException) -> str:
    """The error as a line that can be sent: never raises, bounded, valid UTF-8."""
    try:
        text = str(error)
    except BaseException:
        text = "its text could not be made"
    text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return text.encode("utf-8", "replace")[:_MESSAGE_MAX].decode("utf-8", "ignore")
