"""The gate: every tool call of a host goes through it, and none runs without it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, TypeVar, overload

from . import requests
from .bodies import Bodies
from .ends import raise_end
from .errors import GateClosed, ProtocolError, RequestRefused, TallygateError
from .executions import REQUEST_CANCELLED
from .grant import Grant, Grants
from .peer import Peer
from .requests import Seconds, may_wait, seconds_of
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
)
from .tool import P, R, Tool

T = TypeVar("T")
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
        self._grants = Grants()
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
        definition = requests.definition(name, body, description)
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

        Raises `Denied`, `Held`, `Running`, `ToolFailed`, `Cancelled`, `InDoubt` with the result;
        TypeError or ValueError for arguments that are not JSON (nothing was sent); `RequestRefused`
        for a call that the sidecar does not accept; `TimedOut`, `GateClosed`, `ProtocolError`.
        """
        params = requests.call(tool, args, cost, call_id, self._bodies.current_action())
        result = self._run("actions/govern", params, timeout)
        return self._completed(self._approved(result, wait_for_approval))

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
        return self._completed(self._resume(action_id, wait))

    # Calls whose bodies the host runs by itself

    def propose(
        self,
        tool: str,
        args: Mapping[str, Any],
        *,
        cost: Mapping[str, AmountLike] | None = None,
        call_id: str | None = None,
        timeout: float | None = None,
        wait_for_approval: Seconds = 0,
    ) -> Grant:
        """As `govern`, but the body is the caller's: run it once with `grant.args` and say how it
        ended, best in a `with` block. No tool need be registered.

        Raises as `govern` does, and `Completed` for a `call_id` whose call did; `Running` where a
        grant of it is out already, in this session too: nothing runs twice.
        """
        params = requests.call(tool, args, cost, call_id, self._bodies.current_action())
        result = self._run("actions/propose", params, timeout)
        return self._grant(self._approved(result, wait_for_approval))

    def resume_proposed(self, action_id: str, wait: Seconds | None = None) -> Grant:
        """As `resume`, for a call that was proposed."""
        return self._grant(self._resume(action_id, wait))

    def complete(
        self,
        action_id: str,
        token: str,
        *,
        output: Any = None,
        error: str | None = None,
        usage: Mapping[str, AmountLike] | None = None,
    ) -> ActionResult:
        """Says how a proposed call ended, also one of another process of the same agent: with
        `output`, or with `error`, then it failed. Returns how the call stands now."""
        params = requests.complete(action_id, token, output, error, usage)
        return self._grants.ended(self._stands("actions/complete", params))

    def _grant(self, result: ActionResult) -> Grant:
        return Grant(result, self._grants.hand_out(result), self.complete, self.extend)

    # Calls that are there already

    def get(self, action_id: str) -> ActionResult:
        """How a call of this agent stands, whatever that is; `granted` while its body runs."""
        return self._stands("actions/get", {"actionId": action_id})

    def cancel(self, action_id: str) -> ActionResult:
        """Asks for the end of a call of this session, or of a held one of this agent. Returns how
        it stands; a body that runs is told to stop, and whoever called hears how it ended."""
        return self._stands("actions/cancel", {"actionId": action_id})

    def extend(self, action_id: str | None = None) -> ActionResult:
        """Starts the timeout of a body anew, for the seconds that adds. By default it is the body
        that this is called in; a body of another process is another's to extend.

        Returns how the call stands: with `code` and `reason` where it keeps its old deadline. No
        error is raised for that, since the body goes on. Raises ValueError outside of bodies.
        """
        action_id = action_id or self._bodies.current_action()
        if action_id is None:
            raise ValueError("no body runs here: name the call to extend")
        return self._stands("actions/extend", {"actionId": action_id})

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
        return self._completed(
            self._stands("usage/record", requests.record(usage, model, call_id))
        )

    def delegate(
        self,
        run: str,
        amounts: Mapping[str, AmountLike],
        *,
        agent: str | None = None,
        ttl: Seconds | None = None,
    ) -> ActionResult:
        """Gives another run, by default of this agent, a slice of what this run may spend; its
        calls then spend that and no more. `amounts` are what it may spend in all: asking again sets
        them anew, where only what is free can be taken back, and the same again changes nothing.
        `cancel` takes the slice back.

        ttl: how long it lasts, a day at most. It never lasts longer than the windows it is of.

        Raises `Denied` where nothing was given. A slice that keeps what it had, for want of room,
        comes back with `code` and `reason`.
        """
        result = self._stands("budgets/delegate", requests.delegate(run, amounts, agent, ttl))
        if result.status == "denied":
            raise_end(result)
        return result

    # How they are asked

    def _stands(self, method: str, params: dict[str, Any]) -> ActionResult:
        answer = self._ask(method, params, self._timeout)
        return self._read(lambda: read_action_result(answer))

    def _run(self, method: str, params: dict[str, Any], timeout: float | None) -> ActionResult:
        """A request for which a body may run; how the call stands then."""
        try:
            with self._bodies.pool.waiting():  # a body that calls lets another one run
                answer = self._ask(method, params, timeout)
        except RequestRefused as error:
            if error.code != REQUEST_CANCELLED or error.data is None:
                raise
            answer = error.data  # a cancelled request is answered with how the call ended
        return self._read(lambda: read_action_result(answer))

    def _resume(self, action_id: str, wait: Seconds | None) -> ActionResult:
        return self._run("actions/resume", requests.resume(action_id, wait), None)

    def _approved(self, result: ActionResult, wait: Seconds) -> ActionResult:
        """The call, after a wait for a person, if it is held and there is time to wait."""
        until = time.monotonic() + seconds_of(wait)
        while may_wait(result) and (left := until - time.monotonic()) > 0:
            result = self._resume(result.action_id, min(left, requests.PIECE))
        return result

    def _completed(self, result: ActionResult) -> ActionResult:
        if result.status != "completed":
            raise_end(result, self._bodies.failures.take(result.action_id))
        return result

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
