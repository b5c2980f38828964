"""The gate for asyncio: every tool call of a host goes through it, and none runs without it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from types import TracebackType
from typing import Any, TypeVar, overload

from .. import requests
from ..ends import raise_end
from ..errors import GateClosed, ProtocolError, RequestRefused, TallygateError
from ..executions import REQUEST_CANCELLED
from ..grant import Grants
from ..requests import Seconds, may_wait, seconds_of
from ..results import (
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
from ..tool import P, R
from .bodies import Bodies
from .grant import AsyncGrant
from .peer import Peer, Waiter
from .soon import Soon
from .tool import AsyncTool

T = TypeVar("T")
# A sidecar leaves within 2 s of the end of its input.
PATIENCE = 2.5


class AsyncGate:
    """A running sidecar on an event loop. Made by `tallygate.aio.start`; belongs to that loop and
    its thread, where any number of tasks may use it at once. The methods are those of
    `tallygate.Gate`, awaited; what they say of arguments, waits and errors holds here.

    A task that is cancelled while it waits for a call gives the call up: the sidecar is told, and
    ends it or cancels its body. Whether it ran is in the sidecar's store.
    """

    def __init__(self, peer: Peer, bodies: Bodies, welcome: Welcome, timeout: float) -> None:
        self._peer = peer
        self._bodies = bodies
        self._timeout = timeout
        self._grants = Grants()
        self._closing = asyncio.Lock()
        self.server = welcome.server
        self.session = welcome.session
        self.policy = welcome.policy
        self.limits = welcome.limits
        self.audit_head = welcome.audit_head

    # Tools

    @overload
    def tool(self, body: Callable[P, Coroutine[Any, Any, R]], /) -> AsyncTool[P, R]: ...

    @overload
    def tool(self, body: Callable[P, R], /) -> AsyncTool[P, R]: ...

    @overload
    def tool(
        self, *, name: str | None = None, description: str | None = None
    ) -> Callable[[Callable[P, Any]], AsyncTool[P, Any]]: ...

    def tool(
        self,
        body: Callable[..., Any] | None = None,
        *,
        name: str | None = None,
        description: str | None = None,
    ) -> Any:
        """Decorates a function as the body of a tool; see `AsyncTool` for what calling it means."""
        if body is not None:
            return self.register(body.__name__, body)
        return lambda body: self.register(name or body.__name__, body, description=description)

    def register(
        self, name: str, body: Callable[P, Any], *, description: str | None = None
    ) -> AsyncTool[P, Any]:
        """The plain form of `tool`. The sidecar is told at once, and not waited for."""
        registration: Waiter | Registration | TallygateError | None = None

        async def registered() -> Registration:
            nonlocal registration
            if isinstance(registration, Waiter):
                registration = await self._registered(name, registration)
            if isinstance(registration, TallygateError):
                raise registration
            assert registration is not None
            return registration

        async def call(tool_name: str, args: dict[str, Any]) -> Any:
            return (await self.govern(tool_name, args)).output

        tool: AsyncTool[P, Any] = AsyncTool(name, body, call, registered)
        # In the table first: from the answer on, the sidecar may ask for it.
        self._bodies.add(name, body)
        try:
            params = {"tools": [requests.definition(name, body, description)]}
            registration = self._post("tools/register", params)
        except BaseException:
            self._bodies.remove(name)
            raise
        return tool

    async def _registered(self, name: str, asked: Waiter) -> Registration | TallygateError:
        """Several calls may wait for this at once; a cancelled one takes nothing back."""
        await asyncio.wait({asked.answer}, timeout=self._timeout)
        try:
            answer = await self._peer.outcome(asked, 0)
            return self._read(lambda: read_registration(answer, name))
        except TallygateError as error:
            self._bodies.remove(name)
            return error

    # Calls

    async def govern(
        self,
        tool: str,
        args: Mapping[str, Any],
        *,
        cost: Mapping[str, AmountLike] | None = None,
        call_id: str | None = None,
        timeout: float | None = None,
        wait_for_approval: Seconds = 0,
    ) -> ActionResult:
        """Proposes a call, waits for its end, and returns it if it completed; see `Gate.govern`."""
        params = requests.call(tool, args, cost, call_id, self._bodies.current_action())
        result = await self._run("actions/govern", params, timeout)
        return self._completed(await self._approved(result, wait_for_approval))

    async def call(self, tool: str, /, **args: Any) -> Any:
        """The output of a governed call. Raises as `govern` does."""
        return (await self.govern(tool, args)).output

    async def resume(self, action_id: str, wait: Seconds | None = None) -> ActionResult:
        """Goes on with a call that was held; see `Gate.resume`."""
        return self._completed(await self._resume(action_id, wait))

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
    ) -> Soon[AsyncGrant]:
        """`async with gate.propose(...) as grant`, or `await` it; see `Gate.propose`."""

        async def make() -> AsyncGrant:
            params = requests.call(tool, args, cost, call_id, self._bodies.current_action())
            result = await self._run("actions/propose", params, timeout)
            return self._grant(await self._approved(result, wait_for_approval))

        return Soon(make)

    def resume_proposed(self, action_id: str, wait: Seconds | None = None) -> Soon[AsyncGrant]:
        """As `resume`, for a call that was proposed."""

        async def make() -> AsyncGrant:
            return self._grant(await self._resume(action_id, wait))

        return Soon(make)

    async def complete(
        self,
        action_id: str,
        token: str,
        *,
        output: Any = None,
        error: str | None = None,
        usage: Mapping[str, AmountLike] | None = None,
    ) -> ActionResult:
        """Says how a proposed call ended; see `Gate.complete`."""
        params = requests.complete(action_id, token, output, error, usage)
        return self._grants.ended(await self._stands("actions/complete", params))

    def _grant(self, result: ActionResult) -> AsyncGrant:
        return AsyncGrant(result, self._grants.hand_out(result), self.complete, self.extend)

    # Calls that are there already

    async def get(self, action_id: str) -> ActionResult:
        """How a call of this agent stands, whatever that is."""
        return await self._stands("actions/get", {"actionId": action_id})

    async def cancel(self, action_id: str) -> ActionResult:
        """Asks for the end of a call; see `Gate.cancel`."""
        return await self._stands("actions/cancel", {"actionId": action_id})

    async def extend(self, action_id: str | None = None) -> ActionResult:
        """Starts the timeout of a body anew; see `Gate.extend`."""
        action_id = action_id or self._bodies.current_action()
        if action_id is None:
            raise ValueError("no body runs here: name the call to extend")
        return await self._stands("actions/extend", {"actionId": action_id})

    async def record_usage(
        self,
        usage: Mapping[str, AmountLike],
        *,
        model: str | None = None,
        call_id: str | None = None,
    ) -> ActionResult:
        """Charges what was used without asking; see `Gate.record_usage`."""
        params = requests.record(usage, model, call_id)
        return self._completed(await self._stands("usage/record", params))

    async def delegate(
        self,
        run: str,
        amounts: Mapping[str, AmountLike],
        *,
        agent: str | None = None,
        ttl: Seconds | None = None,
    ) -> ActionResult:
        """Gives another run a slice of what this run may spend; see `Gate.delegate`."""
        params = requests.delegate(run, amounts, agent, ttl)
        result = await self._stands("budgets/delegate", params)
        if result.status == "denied":
            raise_end(result)
        return result

    # How they are asked

    async def _stands(self, method: str, params: dict[str, Any]) -> ActionResult:
        answer = await self._ask(method, params, self._timeout)
        return self._read(lambda: read_action_result(answer))

    async def _run(
        self, method: str, params: dict[str, Any], timeout: float | None
    ) -> ActionResult:
        """A request for which a body may run; how the call stands then."""
        try:
            answer = await self._ask(method, params, timeout)
        except RequestRefused as error:
            if error.code != REQUEST_CANCELLED or error.data is None:
                raise
            answer = error.data  # a cancelled request is answered with how the call ended
        return self._read(lambda: read_action_result(answer))

    async def _resume(self, action_id: str, wait: Seconds | None) -> ActionResult:
        return await self._run("actions/resume", requests.resume(action_id, wait), None)

    async def _approved(self, result: ActionResult, wait: Seconds) -> ActionResult:
        """The call, after a wait for a person, if it is held and there is time to wait."""
        until = time.monotonic() + seconds_of(wait)
        while may_wait(result) and (left := until - time.monotonic()) > 0:
            result = await self._resume(result.action_id, min(left, requests.PIECE))
        return result

    def _completed(self, result: ActionResult) -> ActionResult:
        if result.status != "completed":
            raise_end(result, self._bodies.failures.take(result.action_id))
        return result

    # The rest

    async def budgets(self, scope: str | None = None) -> list[Budget]:
        """The caps that bind this session, or those of one scope, as they stand now."""
        params = {} if scope is None else {"scope": scope}
        answer = await self._ask("budgets/get", params, self._timeout)
        return self._read(lambda: read_budgets(answer))

    async def ping(self) -> None:
        """Returns when the sidecar has answered."""
        await self._ask("ping", {}, self._timeout)

    @property
    def closed(self) -> bool:
        """Whether this gate is of no use any more. False says nothing about the next moment."""
        return self._peer.leaving or self._peer.ended

    async def close(self) -> None:
        """Ends the sidecar: asks it to, closes its input, waits 2.5 s, then uses force. Bodies that
        still run are cancelled. A second time is nothing."""
        connection = self._peer.connection
        if connection.child.foreign:  # a fork: the sidecar is the parent's
            return
        async with self._closing:
            try:
                await self._shut_down()
                await connection.close(PATIENCE)
                await asyncio.wait_for(connection.ended.wait(), 2 * PATIENCE)
            except asyncio.CancelledError:  # no time to wait: it is told, and leaves by itself
                connection.child.terminate()
                raise

    async def _shut_down(self) -> None:
        if self._peer.leaving:
            return
        self._peer.leaving = True
        try:
            answer = await self._peer.request("shutdown", {}, PATIENCE)
            self.audit_head = Fields(answer, "shutdown").text("auditHead")
        except TallygateError:
            pass  # a sidecar that has died, or will not answer, is ended all the same

    async def __aenter__(self) -> AsyncGate:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def _post(self, method: str, params: dict[str, Any]) -> Waiter:
        if self._peer.leaving:
            raise GateClosed("the gate was closed; this request was not sent")
        return self._peer.post(method, params)

    async def _ask(self, method: str, params: dict[str, Any], timeout: float | None) -> Any:
        return await self._peer.outcome(self._post(method, params), timeout)

    def _read(self, read: Callable[[], T]) -> T:
        """An answer that is not what the protocol says ends the gate."""
        try:
            return read()
        except ProtocolError as error:
            self._peer.fail(error)
            raise
