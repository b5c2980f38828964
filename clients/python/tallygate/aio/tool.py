"""A function behind an AsyncGate: calling it governs, its body runs when the sidecar says so."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any, Generic, cast

from ..results import Registration
from ..schema import check_parameters
from ..tool import P, R, args_by_name


class AsyncTool(Generic[P, R]):
    """What `@gate.tool` makes of a function, `async def` or not; `await tool(...)` governs it. See
    `tallygate.Tool` for what is sent and what comes back.

    The sidecar was told of it when it was decorated. `await tool.registered()` is what it answered;
    every call waits for that first.
    """

    def __init__(
        self,
        name: str,
        body: Callable[P, Any],
        call: Callable[[str, dict[str, Any]], Awaitable[Any]],
        registered: Callable[[], Awaitable[Registration]],
    ) -> None:
        self.name = name
        self.body = body
        self._call = call
        self._registered = registered
        self._signature = check_parameters(body, may_be_async=True)
        functools.update_wrapper(self, body)

    async def registered(self) -> Registration:
        """What the operator's policy makes of the tool. Raises as every request does."""
        return await self._registered()

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        given = args_by_name(self._signature, *args, **kwargs)
        await self._registered()
        return cast(R, await self._call(self.name, given))

    def __repr__(self) -> str:
        return f"<tallygate.aio.AsyncTool {self.name!r}>"
