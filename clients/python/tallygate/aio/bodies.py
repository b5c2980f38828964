"""Runs bodies on an event loop: `async def` as tasks, plain functions on a few threads. Only as the
answer to a `tools/execute` request that names the tool.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, cast

from .. import wire
from ..errors import ProtocolError
from ..executions import (
    METHOD_NOT_FOUND,
    REQUEST_CANCELLED,
    Execution,
    Failures,
    Reply,
    current,
    read_execute,
    reply_of,
    why_not_begin,
)
from ..notices import Listeners, Notices
from ..pool import Pool
from .peer import Peer

Body = Callable[..., object]


def is_async(body: Body) -> bool:
    """Whether calling it makes a coroutine; objects with such a `__call__` count."""
    return inspect.iscoroutinefunction(body) or inspect.iscoroutinefunction(
        getattr(body, "__call__", None)
    )


class Bodies:
    """The table of bodies, and what runs of them. Speaks to the sidecar through `peer`, set by the
    gate once there is one."""

    peer: Peer

    def __init__(self, workers: int, listeners: Listeners) -> None:
        self._loop = asyncio.get_running_loop()
        self._pool = Pool(workers)
        self._notices = Notices(listeners, self._deliver)
        self._table: dict[str, Body] = {}
        self._running: dict[wire.Id, Execution] = {}
        self._tasks: dict[wire.Id, asyncio.Task[None]] = {}
        self._listening: set[asyncio.Future[object]] = set()
        self.failures = Failures()

    def add(self, name: str, body: Body) -> None:
        if name in self._table:
            raise ValueError(f"tool {name!r} has a body already")
        self._table[name] = body

    def remove(self, name: str) -> None:
        self._table.pop(name, None)

    def current_action(self) -> str | None:
        """The call whose body is running in this context, if it is one of this gate's."""
        execution = current.get()
        if execution is None or self._running.get(execution.number) is not execution:
            return None
        return execution.action_id

    # What the sidecar asks

    def on_request(self, number: wire.Id, method: str, params: dict[str, Any]) -> None:
        if method != "tools/execute":
            text = f"this client does not serve {method[:80]!r}"
            self.peer.reply(number, Reply(code=METHOD_NOT_FOUND, message=text))
            return
        execution = read_execute(number, params)
        if number in self._running:
            raise ProtocolError(f"tools/execute: id {number!r:.80} is in use")
        self._running[number] = execution
        body = self._table.get(execution.tool)
        if body is not None and is_async(body):
            task = self._loop.create_task(self._run(execution, body))
            self._tasks[number] = task
        else:
            self._pool.submit(lambda: self._run_on_thread(execution, body))

    def on_notification(self, method: str, params: dict[str, Any]) -> None:
        number = params.get("id")
        if method == "$/cancelRequest" and isinstance(number, (int, str)):
            if number in self._running:
                self._cancel(self._running[number])
        else:
            self._notices.heard(method, params)

    def on_progress(self, request: dict[str, Any], params: dict[str, Any]) -> None:
        self._notices.progressed(request, params)

    def on_closed(self) -> None:
        """Nothing begins any more; what runs is told that nobody waits for it."""
        self._pool.close()
        for execution in list(self._running.values()):
            self._cancel(execution)

    def _cancel(self, execution: Execution) -> None:
        execution.cancelled.set()
        if task := self._tasks.get(execution.number):
            task.cancel()

    # Running

    async def _run(self, execution: Execution, body: Body) -> None:
        """A task of its own, so that what it sets in its context stays its own."""
        try:
            reply = await self._outcome(execution, body)
        except KeyboardInterrupt as error:  # the host's, before Python 3.11: it must not be lost
            self._end(execution, self.failures.keep(execution.action_id, error))
            raise
        self._end(execution, reply)

    async def _outcome(self, execution: Execution, body: Body) -> Reply:
        """Runs the body if it may run."""
        try:
            await asyncio.sleep(0)  # a cancel that came in the same piece is heard first
            if refusal := why_not_begin(execution, known=True):
                return refusal
            current.set(execution)
            return reply_of(await cast(Awaitable[object], body(**execution.args)))
        except KeyboardInterrupt:
            raise
        except asyncio.CancelledError as error:
            if not execution.cancelled.is_set():
                return self.failures.keep(execution.action_id, error)
            self.failures.keep(execution.action_id, error)
            return Reply(code=REQUEST_CANCELLED, message="the body was cancelled")
        except BaseException as error:  # SystemExit of a body ends the body
            return self.failures.keep(execution.action_id, error)

    def _run_on_thread(self, execution: Execution, body: Body | None) -> None:
        """On a thread of the pool; must not raise."""
        reply = contextvars.copy_context().run(self._outcome_on_thread, execution, body)
        try:
            self._loop.call_soon_threadsafe(self._end, execution, reply)
        except RuntimeError:  # the loop was closed, and the gate with it
            pass

    def _outcome_on_thread(self, execution: Execution, body: Body | None) -> Reply:
        refusal = why_not_begin(execution, known=body is not None)
        if body is None or refusal is not None:
            assert refusal is not None
            return refusal
        try:
            current.set(execution)
            return reply_of(body(**execution.args))
        except BaseException as error:  # SystemExit and KeyboardInterrupt of a body end the body
            return self.failures.keep(execution.action_id, error)

    def _end(self, execution: Execution, reply: Reply) -> None:
        # Before the answer leaves: then the sidecar may use the id again.
        self._running.pop(execution.number, None)
        self._tasks.pop(execution.number, None)
        self.peer.reply(execution.number, reply)

    # Listeners

    def _deliver(self, callback: Callable[[Any], object], value: Any) -> None:
        """What a callback raises is the loop's to report, and changes nothing."""
        self._loop.call_soon(self._listen, callback, value)

    def _listen(self, callback: Callable[[Any], object], value: Any) -> None:
        heard = callback(value)
        if inspect.isawaitable(heard):
            task: asyncio.Future[object] = asyncio.ensure_future(heard)
            self._listening.add(task)
            task.add_done_callback(self._listened)

    def _listened(self, task: asyncio.Future[object]) -> None:
        self._listening.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            context = {"message": "a listener of tallygate failed", "exception": error}
            self._loop.call_exception_handler(context)
