"""What the sidecar tells unasked, for hosts that want to hear it: callbacks on a thread of their own."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from .pool import Pool
from .results import ActionResult, Fields, read_action_result, read_seconds

T = TypeVar("T")


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


class Notices:
    """Hands notifications to the host's callbacks, one after the other, in the order they came.

    The reader thread must not wait for a host, so a thread of its own calls. What a callback raises
    is reported like the exception of any thread, and changes nothing.
    """

    def __init__(
        self,
        on_update: Callable[[ActionResult], object] | None = None,
        on_progress: Callable[[Progress], object] | None = None,
    ) -> None:
        self._on_update = on_update
        self._on_progress = on_progress
        self._pool = Pool(1)

    @property
    def wants_progress(self) -> bool:
        return self._on_progress is not None

    def updated(self, params: dict[str, Any]) -> None:
        result = read_action_result(params)
        if self._on_update is not None:
            self._submit(self._on_update, result)

    def progressed(self, request: dict[str, Any], params: dict[str, Any]) -> None:
        fields = Fields(params, "$/progress")
        progress = Progress(request, fields.text("stage"), read_seconds(fields, "retryAfterMs"))
        if self._on_progress is not None:
            self._submit(self._on_progress, progress)

    def close(self) -> None:
        """Nobody is called any more, once the callback in progress has returned."""
        self._pool.close()

    def _submit(self, callback: Callable[[T], object], value: T) -> None:
        self._pool.submit(lambda: _call(callback, value))


def _call(callback: Callable[[T], object], value: T) -> None:
    try:
        callback(value)
    except BaseException:
        kind, error, trace = sys.exc_info()
        assert kind is not None
        threading.excepthook(
            threading.ExceptHookArgs((kind, error, trace, threading.current_thread()))
        )
