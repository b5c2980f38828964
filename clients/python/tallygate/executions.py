"""One body that was asked for: how the request is read, and what its end is in the sidecar's words.
Used by both kinds of gate; runs nothing.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import wire
from .errors import ProtocolError
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


current: contextvars.ContextVar[Execution | None] = contextvars.ContextVar(
    "tallygate_execution", default=None
)


def cancelled() -> bool:
    """Inside a body: whether nobody waits for it any more (cancelled, out of time, gate closed).

    A long body should look now and then, and raise. False outside of bodies, and in threads that a
    body starts, unless they run in `contextvars.copy_context()` of the body.
    """
    execution = current.get()
    return execution is not None and execution.cancelled.is_set()


@dataclass(frozen=True)
class Reply:
    """What is answered to a `tools/execute`: `result` as JSON text, or an error."""

    result: bytes | None = None
    code: int = 0
    message: str = ""


def reply_line(number: wire.Id, reply: Reply) -> bytes:
    """The line that answers request `number` of the sidecar."""
    if reply.result is None:
        error = {"code": reply.code, "message": reply.message}
        return wire.message_line({"id": number, "error": error})
    head = wire.to_text({"jsonrpc": "2.0", "id": number})[:-1]
    return head + b',"result":' + reply.result + b"}\n"


def why_not_begin(execution: Execution, known: bool) -> Reply | None:
    """The answer instead of the body, where it must not run. `known`: there is one of that name."""
    if not known:
        text = f"no body is registered here for tool {execution.tool!r}"
        return Reply(code=TOOL_FAILED, message=text)
    if execution.cancelled.is_set() or time.monotonic() > execution.until:
        return Reply(code=REQUEST_CANCELLED, message="cancelled before the body began")
    return None


class Failures:
    """What bodies raised, by action, until whoever called takes it. For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._errors: dict[str, BaseException] = {}

    def keep(self, action_id: str, error: BaseException) -> Reply:
        """Remembers it. Returns what is to be answered."""
        with self._lock:
            self._errors[action_id] = error
            if len(self._errors) > _FAILURES_MAX:  # of calls whose caller gave up
                del self._errors[next(iter(self._errors))]
        return Reply(code=TOOL_FAILED, message=describe(error))

    def take(self, action_id: str) -> BaseException | None:
        with self._lock:
            return self._errors.pop(action_id, None)


def read_execute(number: wire.Id, params: dict[str, Any]) -> Execution:
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


def reply_of(value: object) -> Reply:
    """What a body that returned `value` is answered with. Raises ValueError or TypeError for what
    cannot be sent."""
    return Reply(result=_result_text(value))


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
