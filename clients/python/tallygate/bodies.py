"""Runs bodies, the functions behind tools, on threads: only as the answer to a `tools/execute`
request that names the tool.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import Any

from . import wire
from .errors import ProtocolError
from .executions import (
    METHOD_NOT_FOUND,
    Execution,
    Failures,
    Reply,
    current,
    read_execute,
    reply_of,
    why_not_begin,
)
from .notices import Listeners, Notices, ThreadDelivery
from .peer import Peer
from .pool import Pool


class Bodies:
    """The table of bodies, and what runs of them. Speaks to the sidecar through `peer`, set by the
    gate once there is one."""

    peer: Peer

    def __init__(self, workers: int, listeners: Listeners) -> None:
        self.pool = Pool(workers)
        self._delivery = ThreadDelivery()
        self._notices = Notices(listeners, self._delivery)
        self._lock = threading.Lock()
        self._table: dict[str, Callable[..., object]] = {}
        self._running: dict[wire.Id, Execution] = {}
        self.failures = Failures()

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
        execution = current.get()
        with self._lock:
            if execution is None or self._running.get(execution.number) is not execution:
                return None
        return execution.action_id

    # What the sidecar asks; called on the reader thread

    def on_request(self, number: wire.Id, method: str, params: dict[str, Any]) -> None:
        if method != "tools/execute":
            text = f"this client does not serve {method[:80]!r}"
            refusal = Reply(code=METHOD_NOT_FOUND, message=text)
            self.pool.submit(lambda: self.peer.reply(number, refusal))
            return
        execution = read_execute(number, params)
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
        else:
            self._notices.heard(method, params)

    def on_progress(self, request: dict[str, Any], params: dict[str, Any]) -> None:
        self._notices.progressed(request, params)

    def on_closed(self) -> None:
        """Nothing begins any more; what runs is told that nobody waits for it."""
        self.pool.close()
        self._delivery.close()
        with self._lock:
            running = list(self._running.values())
        for execution in running:
            execution.cancelled.set()

    # On a thread of the pool; must not raise

    def _run(self, execution: Execution) -> None:
        # A context of its own: what one body sets must not reach the next on the same thread.
        reply = contextvars.copy_context().run(self._outcome, execution)
        with self._lock:  # before the answer leaves: then the sidecar may use the id again
            self._running.pop(execution.number, None)
        self.peer.reply(execution.number, reply)

    def _outcome(self, execution: Execution) -> Reply:
        """Runs the body if it may run."""
        with self._lock:
            body = self._table.get(execution.tool)
        refusal = why_not_begin(execution, known=body is not None)
        if body is None or refusal is not None:
            assert refusal is not None
            return refusal
        try:
            current.set(execution)
            return reply_of(body(**execution.args))
        except BaseException as error:  # SystemExit and KeyboardInterrupt of a body end the body
            return self.failures.keep(execution.action_id, error)
