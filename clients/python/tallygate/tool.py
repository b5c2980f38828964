"""A function behind the gate: calling it governs, its body runs only when the sidecar says so."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar, cast

from .results import Registration
from .schema import check_parameters

P = ParamSpec("P")
R = TypeVar("R")
Caller = Callable[[str, dict[str, Any]], Any]


def args_by_name(signature: inspect.Signature, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """The arguments that were given, without defaults. Raises TypeError as the call would."""
    given: dict[str, Any] = {}
    for name, value in signature.bind(*args, **kwargs).arguments.items():
        kind = signature.parameters[name].kind
        given.update(value if kind is inspect.Parameter.VAR_KEYWORD else {name: value})
    return given


class Tool(Generic[P, R]):
    """What `@gate.tool` makes of a function.

    Calling it sends the arguments through the gate and returns the output, or raises as
    `Gate.govern` does. Only the arguments that the caller gave are sent: rules and people judge
    what was said, and defaults are the body's. The output has been JSON: a tuple comes back as a
    list. `.body` is the function itself, which nobody governs; `.registration` is what the
    operator's policy makes of the tool.
    """

    def __init__(self, name: str, body: Callable[P, R], call: Caller) -> None:
        self.name = name
        self.body = body
        self.registration: Registration | None = None
        self._call = call
        self._signature = check_parameters(body)
        functools.update_wrapper(self, body)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return cast(R, self._call(self.name, args_by_name(self._signature, *args, **kwargs)))

    def __repr__(self) -> str:
        return f"<tallygate.Tool {self.name!r}>"
