"""A JSON schema of a function's arguments from its type hints, or none at all.

Only what the hints say without doubt: str, int, float, bool, list, dict, their plain generics, and
None beside one of them. A single parameter beyond that, and the function gets no schema: half a
schema would promise checks that nobody makes.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable
from typing import Any

_NAMES = {str: "string", int: "integer", float: "number", bool: "boolean"}
_P = inspect.Parameter


def check_parameters(
    body: Callable[..., object], *, may_be_async: bool = False
) -> inspect.Signature:
    """The signature. TypeError where arguments could not go by name, as they do on the wire."""
    if inspect.iscoroutinefunction(body) and not may_be_async:
        raise TypeError("an async function needs an event loop: use tallygate.aio, or wrap it")
    if inspect.isasyncgenfunction(body) or inspect.isgeneratorfunction(body):
        raise TypeError("a generator has no output to answer with; wrap it in a function")
    signature = inspect.signature(body)
    for parameter in signature.parameters.values():
        if parameter.kind in (_P.POSITIONAL_ONLY, _P.VAR_POSITIONAL):
            raise TypeError(f"parameter {parameter.name!r}: arguments of a tool go by name")
    return signature


def input_schema(body: Callable[..., object]) -> dict[str, Any] | None:
    """An object schema with a property for each parameter. None: not all hints are simple."""
    try:
        hints = typing.get_type_hints(body)
        parameters = inspect.signature(body).parameters.values()
        named = [item for item in parameters if item.kind is not _P.VAR_KEYWORD]
        properties = {item.name: _schema_of(hints[item.name]) for item in named}
    except Exception:  # a missing hint, a name that does not resolve, a hint that is not simple
        return None
    return {
        "type": "object",
        "properties": properties,
        "required": [item.name for item in named if item.default is _P.empty],
        "additionalProperties": len(named) < len(parameters),
    }


def _schema_of(hint: object) -> dict[str, Any]:
    """Raises TypeError for a hint that is not simple."""
    for kind, name in _NAMES.items():
        if hint is kind:
            return {"type": name}
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _optional(inner)
    if hint is list or origin is list:
        return {"type": "array", **({"items": _schema_of(inner[0])} if inner else {})}
    if hint is dict or (origin is dict and inner[0] is str):
        more = {"additionalProperties": _schema_of(inner[1])} if inner else {}
        return {"type": "object", **more}
    raise TypeError(f"no simple schema for {hint!r}")


def _optional(inner: tuple[Any, ...]) -> dict[str, Any]:
    kinds = [kind for kind in inner if kind is not type(None)]
    if len(kinds) != 1 or len(inner) != 2:
        raise TypeError("no simple schema for a union")
    schema = _schema_of(kinds[0])
    return {**schema, "type": [schema["type"], "null"]}
