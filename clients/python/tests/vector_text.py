"""What stands in a vector: JSON with its numbers as spelled, and placeholders."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

_NAME = re.compile(r"\$[A-Za-z0-9_]+")
# What these hold is passed on, not made anew: also its keys keep their order.
_PASSED_ON = ("args", "output")


class Mismatch(Exception):
    """The sidecar did not do what the vector says; the message says what it did."""


@dataclass(frozen=True)
class Number:
    """A JSON number as it was spelled: 1 is not 1.0, and 0.10 is sent as 0.10."""

    text: str


def parse(text: str) -> Any:
    """A JSON value with its numbers as spelled. Raises ValueError."""
    return json.loads(text, parse_int=Number, parse_float=Number)


def compact(value: Any) -> str:
    """The text of a parsed value, minified."""
    if isinstance(value, Number):
        return value.text
    if isinstance(value, dict):
        members = (f"{compact(key)}:{compact(item)}" for key, item in value.items())
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(compact(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def match(expected: Any, got: Any, names: dict[str, Any]) -> bool:
    """Whether `got` is exactly `expected`: same types, same keys, numbers spelled alike. "$_"
    stands for anything, "$name" for what it stood for first; bound in `names`."""
    if is_name(expected):
        return bool(expected == "$_") or compact(names.setdefault(expected, got)) == compact(got)
    if isinstance(expected, dict) and isinstance(got, dict):
        same = expected.keys() == got.keys()
        return same and all(match_member(key, expected[key], got[key], names) for key in expected)
    if isinstance(expected, list) and isinstance(got, list):
        pairs = zip(expected, got)
        return len(expected) == len(got) and all(match(one, two, names) for one, two in pairs)
    return type(expected) is type(got) and bool(expected == got)


def match_member(key: str, expected: Any, got: Any, names: dict[str, Any]) -> bool:
    if key in _PASSED_ON and '"$' not in compact(expected):
        return compact(expected) == compact(got)
    return match(expected, got, names)


def is_name(value: Any) -> bool:
    """"$name" is one; "$/cancelRequest" is a method."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def substitute(value: Any, names: dict[str, Any]) -> Any:
    """`value` with each "$name" replaced by what it is bound to."""
    if is_name(value):
        if value not in names:
            raise Mismatch(f"{value} stands for nothing yet")
        return names[value]
    if isinstance(value, dict):
        return {key: substitute(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [substitute(item, names) for item in value]
    return value


def raw_bytes(parts: Any) -> bytes:
    """The bytes of `host_raw`: a string, or a list of strings, repeats and hex."""
    if isinstance(parts, list):
        return b"".join(raw_bytes(part) for part in parts)
    if isinstance(parts, str):
        return parts.encode()
    if "hex" in parts:
        return bytes.fromhex(parts["hex"])
    text: str = parts["repeat"]
    return text.encode() * int(parts["times"].text)
