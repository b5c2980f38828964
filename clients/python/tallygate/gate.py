"""The gate: every tool call of a host goes through it, and none runs without it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
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
    "failed": ToolFailed,
    "cancelled": Cancelled,
    "in_doubt": InDoubt,
}
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
    ) -> ActionResult:
        """Proposes a call, waits for its end, and returns it if it completed.

        cost: the most it may cost, for a tool whose price the host states; Decimal, int or string.
        call_id: the name of this call within its run, such as the model's tool call id: a call
        with a name runs once, and its repeat gets the stored end. Needs `start(run=...)`.
        timeout: seconds to wait; None waits as long as the sidecar does, which ends bodies by the
        tool's own timeout.

        Raises `Denied`, `Held`, `ToolFailed`, `Cancelled`, `InDoubt` with the result; TypeError or
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
            with self._bodies.pool.waiting():  # a body that calls lets another one run
                answer = self._ask("actions/govern", params, timeout)
        except RequestRefused as error:
            if error.code != REQUEST_CANCELLED or error.data is None:
                raise
            answer = error.data  # a cancelled request is answered with how the call ended
        result = self._read(lambda: read_action_result(answer))
        return result if result.status == "completed" else self._raise(result)

    def call(self, tool: str, /, **args: Any) -> Any:
        """The output of a governed call. Raises as `govern` does."""
        return self.govern(tool, args).output

    def _raise(self, result: ActionResult) -> NoReturn:
        kind = _ENDS.get(result.status)
        if kind is None:
            self._read(lambda: _unexpected(result))
        assert kind is not None
        raise kind(result) from self._bodies.failure_of(result.action_id)

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


def _unexpected(result: ActionResult) -> NoReturn:
    raise ProtocolError(f"actions/govern: a call that was governed cannot be {result.status}")
