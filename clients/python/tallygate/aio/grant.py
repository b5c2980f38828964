"""A call that was admitted and that the host runs by itself, on an event loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Protocol

from ..executions import describe
from ..grant import GrantState, not_told
from ..results import ActionResult, AmountLike, Terms


class AsyncCompleter(Protocol):
    """`AsyncGate.complete`."""

    async def __call__(
        self,
        action_id: str,
        token: str,
        *,
        output: Any = None,
        error: str | None = None,
        usage: Mapping[str, AmountLike] | None = None,
    ) -> ActionResult: ...


class AsyncGrant(GrantState):
    """Made by `AsyncGate.propose`; as `tallygate.Grant`, with `async with`. A block that is left
    because its task was cancelled says so to the sidecar before it goes on."""

    def __init__(
        self,
        result: ActionResult,
        terms: Terms,
        complete: AsyncCompleter,
        extend: Callable[[str], Awaitable[ActionResult]],
    ) -> None:
        super().__init__(result, terms)
        self._complete = complete
        self._extend = extend

    async def complete(
        self, output: Any = None, usage: Mapping[str, AmountLike] | None = None
    ) -> ActionResult:
        """It ran. Raises TypeError or ValueError for an output that is not JSON, and as
        `AsyncGate.complete` does."""
        self.result = await self._complete(self.action_id, self.token, output=output, usage=usage)
        return self.result

    async def fail(
        self, error: BaseException | str, usage: Mapping[str, AmountLike] | None = None
    ) -> ActionResult:
        """It ran and failed; that is charged as well."""
        text = error if isinstance(error, str) else describe(error)
        self.result = await self._complete(self.action_id, self.token, error=text, usage=usage)
        return self.result

    async def extend(self) -> ActionResult:
        """The tool's timeout anew; see `Gate.extend`."""
        return self._extended(await self._extend(self.action_id))

    async def __aenter__(self) -> AsyncGrant:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.ended:
            return
        if error is not None:
            with not_told(self):
                await self.fail(error, self.usage)
            return
        try:
            await self.complete(self.output, self.usage)
        except (TypeError, ValueError) as wrong:  # it ran, but what it made cannot be told
            with not_told(self):
                await self.fail(wrong)
            raise
