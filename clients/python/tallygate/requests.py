"""What a host asks, as the params of the wire. Used by both kinds of gate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from .results import ActionResult, AmountLike, write_amounts
from .schema import input_schema

PROTOCOL_VERSION = 1
Seconds = float | timedelta
# A wait for a person is asked for in pieces of so many seconds, so that any length will do: one
# request may wait for 30 days.
PIECE = 60.0


def seconds_of(length: Seconds) -> float:
    return length.total_seconds() if isinstance(length, timedelta) else length


def may_wait(result: ActionResult) -> bool:
    """Whether a resume may come to more: it is held, or runs in another host."""
    return result.status in ("held", "granted") and result.terms is None


def hello(
    version: str, agent: str | None, run: str | None, *, progress: bool
) -> dict[str, Any]:
    params: dict[str, Any] = {
        "protocolVersion": PROTOCOL_VERSION,
        "client": {"name": "tallygate-python", "version": version},
        "capabilities": {"execute": True, "progress": progress},
    }
    if session := _given(agent=agent, run=run):
        params["session"] = session
    return params


def definition(name: str, body: Callable[..., object], description: str | None) -> dict[str, Any]:
    """Of a tool. description: the first line of the body's docstring by default."""
    made: dict[str, Any] = {"name": name}
    if text := description or (body.__doc__ or "").strip().split("\n")[0]:
        made["description"] = text
    if (schema := input_schema(body)) is not None:
        made["inputSchema"] = schema
    return made


def call(
    tool: str,
    args: Mapping[str, Any],
    cost: Mapping[str, AmountLike] | None,
    call_id: str | None,
    parent: str | None,
) -> dict[str, Any]:
    """Of `actions/govern` and `actions/propose`."""
    amounts = None if cost is None else write_amounts(cost)
    more = _given(cost=amounts, callId=call_id, parentActionId=parent)
    return {"tool": tool, "args": dict(args), **more}


def resume(action_id: str, wait: Seconds | None) -> dict[str, Any]:
    wait_ms = None if wait is None else round(seconds_of(wait) * 1000)
    return {"actionId": action_id, **_given(waitMs=wait_ms)}


def complete(
    action_id: str,
    token: str,
    output: Any,
    error: str | None,
    usage: Mapping[str, AmountLike] | None,
) -> dict[str, Any]:
    """With `error`, `output` is not sent."""
    end = {"output": output} if error is None else {"error": error}
    amounts = None if usage is None else write_amounts(usage)
    return {"actionId": action_id, "token": token, **end, **_given(usage=amounts)}


def record(
    usage: Mapping[str, AmountLike], model: str | None, call_id: str | None
) -> dict[str, Any]:
    return {"usage": write_amounts(usage), **_given(model=model, callId=call_id)}


def delegate(
    run: str, amounts: Mapping[str, AmountLike], agent: str | None, ttl: Seconds | None
) -> dict[str, Any]:
    ttl_ms = None if ttl is None else round(seconds_of(ttl) * 1000)
    more = _given(agent=agent, ttlMs=ttl_ms)
    return {"run": run, "amounts": write_amounts(amounts), **more}


def _given(**members: object) -> dict[str, Any]:
    return {key: value for key, value in members.items() if value is not None}
