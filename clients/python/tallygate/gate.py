"""The gate: every tool call of a host goes through it, and none runs without it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import TracebackType
from typing import Any, NoReturn, TypeVar, overload

from .bodies import REQUEST_CANCELLED, Bodies
from .errors import (
    Cancelled,
    Denied,
    GateClosed,
    Held,
    InDoubt,
    NotCompleted,
    ProtocolError,
    RequestRefused,
    Running,
    TallygateError,
    ToolFailed,
)
from .peer import Peer
from .results import (
    ActionResult,
    AmountLike,
    Budget,
    Fields,
    Registration,
    Welcome,
    read_action_result,
    read_budgets,
    read_registration,
    write_amounts,
)
from .schema import input_schema
from .tool import P, R, Tool

T = TypeVar("T")

_ENDS: dict[str, type[NotCompleted]] = {
    "denied": Denied,
    "held": Held,
    "granted": Running,
    "failed": ToolFailed,
    "cancelled": Cancelled,
    "in_doubt": InDoubt,
}
Seconds = float | timedelta
# A wait for a person is asked for in pieces of so many seconds, so that any length will do: one
# request may wait for 30 days.
_PIECE = 60.0
# A sidecar leaves within 2 s of the end of its input.
_PATIENCE = 2.5


class Gate:
    """A running sidecar. Made by `tallygate.start`; use it in a `with` block, or `close` it.

    Any thread may use it, many at once. `session`, `policy`, `limits`, `server` are what the
    sidecar said at the start; `audit_head` is the newest head of the audit chain that it told
    (at the start, and again at the close): keep it elsewhere to notice a rewritten history.
    """

    def __init__(self, peer: Peer, bodies: Bodies, welcome: Welcome, timeout: float) -> None:
        self._peer = peer
        self._bodies = bodies
        self._timeout = timeout
        self._closing = threading.Lock()
        self.server = welcome.server
        self.session = welcome.session
        self.policy = welcome.policy
        self.limits = welcome.limits
        self.audit_head = welcome.audit_head

    # Tools

    @overload
    def tool(self, body: Callable[P, R], /) -> Tool[P, R]: ...

    @overload
    def tool(
        self, *, name: str | None = None, description: str | None = None
    ) -> Callable[[Callable[P, R]], Tool[P, R]]: ...

    def tool(
        self,
        body: Callable[..., Any] | None = None,
        *,
        name: str | None = None,
        description: str | None = None,
    ) -> Any:
        """Decorates a function as the body of a tool; see `Tool` for what calling it means.

        name: the function's own by default. description: the first line of its docstring.
        """
        if body is not None:
            return self.register(body.__name__, body)
        return lambda body: self.register(name or body.__name__, body, description=description)

    def register(
        self, name: str, body: Callable[P, R], *, description: str | None = None
    ) -> Tool[P, R]:
        """The plain form of `tool`. Raises ValueError for a name that is taken, TypeError for a
        function whose arguments cannot go by name, and as every request does."""
        tool = Tool(name, body, lambda tool_name, args: self.govern(tool_name, args).output)
        # In the table first: from the answer on, the sidecar may ask for it.
        self._bodies.add(name, body)
        try:
            tool.registration = self._register(name, body, description)
        except BaseException:
            self._bodies.remove(name)
            raise
        return tool

    def _register(
        self, name: str, body: Callable[..., object], description: str | None
    ) -> Registration:
        definition: dict[str, Any] = {"name": name}
        if text := description or (body.__doc__ or "").strip().split("\n")[0]:
            definition["description"] = text
        if (schema := input_schema(body)) is not None:
            definition["inputSchema"] = schema
        answer = self._ask("tools/register", {"tools": [definition]}, self._timeout)
        return self._read(lambda: read_registration(answer, name))

    # Calls

    def govern(
        self,
        tool: str,
        args: Mapping[str, Any],
        *,
        cost: Mapping[str, AmountLike] | None = None,
        call_id: str | None = None,
        timeout: float | None = None,
        wait_for_approval: Seconds = 0,
    ) -> ActionResult:
        """Proposes a call, waits for its end, and returns it if it completed.

        cost: the most it may cost, for a tool whose price the host states; Decimal, int or string.
        call_id: the name of this call within its run, such as the model's tool call id: a call
        with a name runs once, and its repeat gets the stored end. Needs `start(run=...)`.
        timeout: seconds to wait; None waits as long as the sidecar does, which ends bodies by the
        tool's own timeout. wait_for_approval: seconds to wait for a person, if the call is held;
        approved in this time it runs, and `timeout` does not bound that.

        Raises `Denied`, `Held`, `Running`, `ToolFailed`, `Cancelled`, `InDoubt` with the result; TypeError or
        ValueError for arguments that are not JSON (nothing was sent); `RequestRefused` for a call
        that the sidecar does not accept; `TimedOut`, `GateClosed`, `ProtocolError`.
        """
        params: dict[str, Any] = {"tool": tool, "args": dict(args)}
        if cost is not None:
            params["cost"] = write_amounts(cost)
        if call_id is not None:
            params["callId"] = call_id
        if (parent := self._bodies.current_action()) is not None:
            params["parentActionId"] = parent
        try:
            return self._run("actions/govern", params, timeout)
        except Held as held:
            if _seconds(wait_for_approval) <= 0:
                raise
            return self._await_approval(held.result.action_id, _seconds(wait_for_approval))

    def call(self, tool: str, /, **args: Any) -> Any:
        """The output of a governed call. Raises as `govern` does."""
        return self.govern(tool, args).output

    def resume(self, action_id: str, wait: Seconds | None = None) -> ActionResult:
        """Goes on with a call that was held, by this process or another of the same agent: runs it
        here if it is approved, and returns it if it completed, here or elsewhere.

        wait: seconds to wait for the approval, or for another host's body, where that is still to
        come; None does not wait. A call that runs once runs once, whoever resumes it, and how
        often. Raises as `govern` does.
        """
        params: dict[str, Any] = {"actionId": action_id}
        if wait is not None:
            params["waitMs"] = round(_seconds(wait) * 1000)
        return self._run("actions/resume", params, None)

    def extend(self, action_id: str | None = None) -> ActionResult:
        """Starts the timeout of a body anew, for the seconds that adds. By default it is the body
        that this is called in; a body of another process is another's to extend.

        Returns how the call stands: with `code` and `reason` where it keeps its old deadline. No
        error is raised for that, since the body goes on. Raises ValueError outside of bodies.
        """
        action_id = action_id or self._bodies.current_action()
        if action_id is None:
            raise ValueError("no body runs here: name the call to extend")
        answer = self._ask("actions/extend", {"actionId": action_id}, self._timeout)
        return self._read(lambda: read_action_result(answer))

    def record_usage(
        self,
        usage: Mapping[str, AmountLike],
        *,
        model: str | None = None,
        call_id: str | None = None,
    ) -> ActionResult:
        """Charges what was used already and nobody was asked about, such as a model's tokens. It
        is never refused for want of money; what does not fit under a cap is its overrun, and the
        next call that costs this unit is denied.

        call_id: its name within the run; a record of the same name is charged once.
        """
        params: dict[str, Any] = {"usage": write_amounts(usage)}
        params.update({"model": model} if model is not None else {})
        params.update({"callId": call_id} if call_id is not None else {})
        answer = self._ask("usage/record", params, self._timeout)
        result = self._read(lambda: read_action_result(answer))
        return result if result.status == "completed" else self._raise(result)

    def _run(self, method: str, params: dict[str, Any], timeout: float | None) -> ActionResult:
        """A request for which a body may run; the call, if it completed."""
        try:
            with self._bodies.pool.waiting():  # a body that calls lets another one run
                answer = self._ask(method, params, timeout)
        except RequestRefused as error:
            if error.code != REQUEST_CANCELLED or error.data is None:
                raise
            answer = error.data  # a cancelled request is answered with how the call ended
        result = self._read(lambda: read_action_result(answer))
        return result if result.status == "completed" else self._raise(result)

    def _await_approval(self, action_id: str, wait: float) -> ActionResult:
        until = time.monotonic() + wait
        while True:
            left = max(until - time.monotonic(), 0)
            try:
                return self.resume(action_id, min(left, _PIECE))
            except (Held, Running):
                if left <= _PIECE:
                    raise

    def _raise(self, result: ActionResult) -> NoReturn:
        raise _ENDS[result.status](result) from self._bodies.failure_of(result.action_id)

    # The rest

    def budgets(self, scope: str | None = None) -> list[Budget]:
        """The caps that bind this session, or those of one scope, as they stand now."""
        params = {} if scope is None else {"scope": scope}
        answer = self._ask("budgets/get", params, self._timeout)
        return self._read(lambda: read_budgets(answer))

    def ping(self) -> None:
        """Returns when the sidecar has answered."""
        self._ask("ping", {}, self._timeout)

    @property
    def closed(self) -> bool:
        """Whether this gate is of no use any more. False says nothing about the next moment."""
        return self._peer.leaving or self._peer.ended

    def close(self) -> None:
        """Ends the sidecar: asks it to, closes its input, waits 2.5 s, then uses force. Calls that
        are in flight raise `GateClosed`, or end in doubt. Never raises; a second time is nothing.
        """
        connection = self._peer.connection
        if connection.foreign:  # a fork: the sidecar is the parent's
            return
        with self._closing:
            self._shut_down()
            connection.close(_PATIENCE)
            connection.ended.wait(_PATIENCE)

    def _shut_down(self) -> None:
        if self._peer.leaving:
            return
        self._peer.leaving = True
        try:
            answer = self._peer.request("shutdown", {}, _PATIENCE)
            self.audit_head = Fields(answer, "shutdown").text("auditHead")
        except TallygateError:
            pass  # a sidecar that has died, or will not answer, is ended all the same

    def __enter__(self) -> Gate:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(self, method: str, params: dict[str, Any], timeout: float | None) -> Any:
        if self._peer.leaving:
            raise GateClosed("the gate was closed; this request was not sent")
        return self._peer.request(method, params, timeout)

    def _read(self, read: Callable[[], T]) -> T:
        """An answer that is not what the protocol says ends the gate."""
        try:
            return read()
        except ProtocolError as error:
            self._peer.fail(error)
            raise


def _seconds(length: Seconds) -> float:
    return length.total_seconds() if isinstance(length, timedelta) else length
