"""What the sidecar tells unasked, for hosts that want to hear it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .pool import Pool
from .results import ActionResult, Fields, read_action_result, read_seconds


@dataclass(frozen=True)
class Progress:
    """How far a request has come that has no answer yet.

    request: what was asked: `tool`, `args`, `callId` of a call, or the `actionId` that is resumed.
    stage: "queued" behind others, "throttled" for `retry_after` seconds, "held" while a resume
    waits for a person, "running".
    """

    request: dict[str, Any]
    stage: str
    retry_after: float | None


@dataclass(frozen=True)
class ScopeChange:
    """An operator, or a budget that ran dry, closed a scope of this session, or it was opened again.
    scope: "global", "group:NAME", "agent:NAME", "run:AGENT/RUN"; state: "cut", "frozen", "killed",
    "open". snapshot: keep now what is needed to go on, in another process if need be."""

    scope: str
    state: str
    reason: str | None
    snapshot: bool = False


@dataclass(frozen=True)
class Listeners:
    """The host's callbacks; None where it does not want to hear."""

    on_update: Callable[[ActionResult], object] | None = None
    on_progress: Callable[[Progress], object] | None = None
    on_scope: Callable[[ScopeChange], object] | None = None


# Calls a callback with a value, one after the other in the order they came, and not on the spot.
Deliver = Callable[[Callable[[Any], object], Any], None]


class Notices:
    """Reads notifications, also those that nobody listens to, and hands them to `deliver`."""

    def __init__(self, listeners: Listeners, deliver: Deliver) -> None:
        self._listeners = listeners
        self._deliver = deliver

    def heard(self, method: str, params: dict[str, Any]) -> None:
        """Raises `ProtocolError` for one of a known kind that is not what the protocol says."""
        if method == "actions/updated":
            self._tell(self._listeners.on_update, read_action_result(params))
        elif method == "scope/changed":
            self._tell(self._listeners.on_scope, _read_scope_change(params))

    def progressed(self, request: dict[str, Any], params: dict[str, Any]) -> None:
        fields = Fields(params, "$/progress")
        progress = Progress(request, fields.text("stage"), read_seconds(fields, "retryAfterMs"))
        self._tell(self._listeners.on_progress, progress)

    def _tell(self, callback: Callable[[Any], object] | None, value: object) -> None:
        if callback is not None:
            self._deliver(callback, value)


def _read_scope_change(params: dict[str, Any]) -> ScopeChange:
    fields = Fields(params, "scope/changed")
    return ScopeChange(
        scope=fields.text("scope"),
        state=fields.text("state"),
        reason=fields.optional_text("reason"),
        snapshot=params.get("snapshot") is True,
    )


class ThreadDelivery:
    """The reader thread must not wait for a host, so a thread of its own calls. What a callback
    raises is reported like the exception of any thread, and changes nothing."""

    def __init__(self) -> None:
        self._pool = Pool(1)

    def __call__(self, callback: Callable[[Any], object], value: Any) -> None:
        self._pool.submit(lambda: _call(callback, value))

    def close(self) -> None:
        """Nobody is called any more, once the callback in progress has returned."""
        self._pool.close()


def _call(callback: Callable[[Any], object], value: Any) -> None:
    try:
        callback(value)
    except BaseException:
        kind, error, trace = sys.exc_info()
        assert kind is not None
        threading.excepthook(
            threading.ExceptHookArgs((kind, error, trace, threading.current_thread()))
        )
