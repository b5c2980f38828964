"""Lines and messages: JSON-RPC 2.0, one message per line. No I/O here.

Both directions are strict. What the sidecar would not read is refused before it is sent, with the
place of the fault; what the sidecar could never have written is nonsense (`ProtocolError`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from .errors import ProtocolError

# What the sidecar takes, unless `initialize` tells otherwise.
LINE_MAX = 4 * 1024 * 1024
OUTPUT_MAX = 3 * 1024 * 1024
DEPTH_MAX = 64

# A message wraps a value that stands in `result.output` or `params.args` in two objects.
ENVELOPE_DEPTH = 2

Id = int | str


def to_text(value: object, depth_left: int = DEPTH_MAX) -> bytes:
    """One JSON value, compact, UTF-8. Raises TypeError or ValueError for what JSON, or the sidecar,
    does not have: keys that are not strings, NaN, integers beyond 64 bits, deep nesting."""
    _check(value, depth_left)
    return _encoder.encode(value).encode("utf-8")


def message_line(message: Mapping[str, object]) -> bytes:
    """A whole message as a line, line end included. Raises as `to_text` does."""
    line = to_text({"jsonrpc": "2.0", **message}) + b"\n"
    if len(line) > LINE_MAX:
        raise ValueError(f"the message has {len(line)} bytes; a line holds at most {LINE_MAX}")
    return line


def _check(value: object, depth_left: int) -> None:
    if isinstance(value, dict):
        _check_depth(depth_left)
        for key, item in value.items():
            # json.dumps would write 1 and "1" as the same key, and the sidecar refuses the line.
            if not isinstance(key, str):
                raise TypeError(f"a JSON object has string keys, not {type(key).__name__}: {key!r}")
            _check(item, depth_left - 1)
    elif isinstance(value, (list, tuple)):
        _check_depth(depth_left)
        for item in value:
            _check(item, depth_left - 1)
    elif isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise ValueError("an integer does not fit into 64 bits; send it as a string")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"JSON has no {value}")


def _check_depth(depth_left: int) -> None:
    if depth_left <= 0:
        raise ValueError(f"nested deeper than {DEPTH_MAX} levels")


def read_line(line: bytes) -> dict[str, Any]:
    """The message on a line (without its end). Raises `ProtocolError` for anything else."""
    try:
        # Decoded here because json.loads would also guess UTF-16 and UTF-32.
        message = _decoder.decode(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"a line from the sidecar is not JSON ({error}): {excerpt(line)}")
    _check_envelope(message, line)
    assert isinstance(message, dict)
    return message


def _check_envelope(message: object, line: bytes) -> None:
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        _nonsense("is no JSON-RPC 2.0 message", line)
    if "method" in message:
        if not message.keys() <= {"jsonrpc", "id", "method", "params"}:
            _nonsense("is neither a request nor a response", line)
        if not isinstance(message["method"], str):
            _nonsense("has a method that is not a string", line)
        if not isinstance(message.get("params", {}), dict):
            _nonsense("has params that are not an object", line)
        if "id" in message and not is_id(message["id"]):
            _nonsense("has an id that is neither a string nor an integer", line)
    elif message.keys() not in ({"jsonrpc", "id", "result"}, {"jsonrpc", "id", "error"}):
        _nonsense("is neither a request nor a response", line)
    elif "error" in message:
        _check_error(message["error"], line)


def _check_error(error: object, line: bytes) -> None:
    good = isinstance(error, dict) and is_int(error.get("code"))
    if not good or not isinstance(error.get("message"), str):  # type: ignore[attr-defined]
        _nonsense("has an error without a code and a message", line)


def is_int(value: object) -> bool:
    """An integer in JSON. True and False are integers to Python alone."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_id(value: object) -> bool:
    return isinstance(value, str) or is_int(value)


def excerpt(line: bytes) -> str:
    """The start of a line for an error message: visible characters only, at most 120."""
    text = line[:120].decode("utf-8", "replace")
    return ascii(text) + ("..." if len(line) > 120 else "")


def _nonsense(fault: str, line: bytes) -> NoReturn:
    raise ProtocolError(f"a line from the sidecar {fault}: {excerpt(line)}")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("an object names a key twice")
    return value


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is beyond double")
    return value


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"JSON has no {text}")


# Made once: json.dumps and json.loads would make new ones for each line.
_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_decoder = json.JSONDecoder(
    object_pairs_hook=_no_duplicates, parse_float=_finite, parse_constant=_no_constant
)
