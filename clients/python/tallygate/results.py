"""What the sidecar answers, as values. Reading one refuses wrong types with `ProtocolError`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from .errors import ProtocolError

# What a host may give as an amount of money or of another unit. Never a float.
AmountLike = Decimal | int | str

STATUSES = frozenset("completed granted held denied failed cancelled in_doubt".split())
_AMOUNT = re.compile(r"-?[0-9]{1,24}(\.[0-9]{1,24})?")


@dataclass(frozen=True)
class Hold:
    """What a held call waits for: `have` of the `needed` approvals are there, and at `deadline`
    (RFC 3339, UTC) it ends. People name it by `request_id`, or by the id of the call."""

    request_id: str
    deadline: str
    args_digest: str
    needed: int
    have: int


@dataclass(frozen=True)
class Terms:
    """What a body that the host runs by itself may run with: these arguments, until `expires_at`
    (RFC 3339, UTC). `token` ends the call; it is a secret of this session, and not printed."""

    token: str = field(repr=False)
    args: dict[str, Any]
    expires_at: str


@dataclass(frozen=True)
class ActionResult:
    """How a call ended, or stands.

    `code` and `reason` are set where it did not complete; `reserved` and `spent` map a unit ("usd",
    "calls", ...) to its exact amount; `hold` is set while it waits for a person, `terms` while this
    session may run it by itself; `retry_after` are the seconds after which trying again makes
    sense; `replayed` says that this is the end of an earlier call of the same name; `delegation` is
    set where it is no call but a slice; `raw` is the whole answer, the token of `terms` included."""

    action_id: str
    status: str
    code: str | None
    reason: str | None
    output: Any
    reserved: dict[str, Decimal]
    spent: dict[str, Decimal]
    hold: Hold | None
    retry_after: float | None
    replayed: bool
    raw: dict[str, Any] = field(repr=False)
    terms: Terms | None = None
    delegation: Delegation | None = None


@dataclass(frozen=True)
class Budget:
    """One cap in its present window. available = cap - reserved - spent - overrun."""

    scope: str
    unit: str
    window: str
    cap: Decimal
    reserved: Decimal
    spent: Decimal
    overrun: Decimal
    available: Decimal
    state: str
    resets_at: str | None
    # Of a slice: the run "AGENT/RUN" that gave it, and until when it lasts (RFC 3339, UTC).
    given_by: str | None = None
    expires_at: str | None = None


@dataclass(frozen=True)
class Delegation:
    """A slice of this run's budgets that another run may spend; without `expires_at` it is over."""

    agent: str
    run: str
    expires_at: str | None
    budgets: tuple[Budget, ...]


@dataclass(frozen=True)
class Session:
    id: str
    agent: str
    run: str
    group: str | None


@dataclass(frozen=True)
class Policy:
    """`digest` names the exact policy text in force; `files` are where it was read from."""

    digest: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class Registration:
    """What the operator's policy makes of a tool. `status` is "ok", or "unconfigured" where the
    policy has no entry for it, so that every call will be denied. `executor` other than "host":
    the sidecar runs the tool itself and never asks this process."""

    name: str
    status: str
    level: int | None
    executor: str | None
    definition_digest: str | None


@dataclass(frozen=True)
class Welcome:
    """The answer to `initialize`."""

    server: str
    session: Session
    policy: Policy
    limits: dict[str, Any]
    capabilities: dict[str, Any]
    audit_head: str


class Fields:
    """Reads members of one answer; the first that is missing or mistyped raises."""

    def __init__(self, value: object, place: str) -> None:
        if not isinstance(value, dict):
            raise ProtocolError(f"{place}: expected an object, got {type(value).__name__}")
        self.value: dict[str, Any] = value
        self.place = place

    def text(self, key: str) -> str:
        value = self.optional_text(key)
        if value is None:
            raise ProtocolError(f"{self.place}.{key}: missing")
        return value

    def optional_text(self, key: str) -> str | None:
        value = self.value.get(key)
        if value is not None and not isinstance(value, str):
            raise ProtocolError(f"{self.place}.{key}: expected a string, got {value!r:.80}")
        return value

    def integer(self, key: str) -> int:
        value = self.optional_integer(key)
        if value is None:
            raise ProtocolError(f"{self.place}.{key}: missing")
        return value

    def optional_integer(self, key: str) -> int | None:
        value = self.value.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise ProtocolError(f"{self.place}.{key}: expected an integer, got {value!r:.80}")
        return value

    def items(self, key: str) -> list[Any]:
        value = self.value.get(key)
        if not isinstance(value, list):
            raise ProtocolError(f"{self.place}.{key}: expected an array, got {value!r:.80}")
        return value

    def inner(self, key: str) -> Fields:
        return Fields(self.value.get(key), f"{self.place}.{key}")

    def amount(self, key: str) -> Decimal:
        text = self.text(key)
        if not _AMOUNT.fullmatch(text):
            raise ProtocolError(f"{self.place}.{key}: {text!r:.80} is no amount")
        return Decimal(text)

    def amounts(self) -> dict[str, Decimal]:
        return {unit: self.amount(unit) for unit in self.value}


def read_action_result(value: object) -> ActionResult:
    fields = Fields(value, "ActionResult")
    status = fields.text("status")
    if status not in STATUSES:
        raise ProtocolError(f"ActionResult.status: unknown status {status!r:.80}")
    cost = fields.inner("cost")
    return ActionResult(
        action_id=fields.text("actionId"),
        status=status,
        code=fields.optional_text("code"),
        reason=fields.optional_text("reason"),
        output=fields.value.get("output"),
        reserved=cost.inner("reserved").amounts(),
        spent=cost.inner("spent").amounts(),
        hold=_read_hold(fields.inner("hold")) if "hold" in fields.value else None,
        retry_after=read_seconds(fields, "retryAfterMs"),
        replayed=fields.value.get("replayed") is True,
        raw=fields.value,
        terms=_read_terms(fields.inner("grant")) if "grant" in fields.value else None,
        delegation=(
            _read_delegation(fields.inner("delegation")) if "delegation" in fields.value else None
        ),
    )


def _read_delegation(given: Fields) -> Delegation:
    return Delegation(
        agent=given.text("agent"),
        run=given.text("run"),
        expires_at=given.optional_text("expiresAt"),
        budgets=tuple(_read_budget(Fields(row, "budgets[]")) for row in given.items("budgets")),
    )


def _read_terms(grant: Fields) -> Terms:
    return Terms(
        token=grant.text("token"),
        args=grant.inner("args").value,
        expires_at=grant.text("expiresAt"),
    )


def _read_hold(hold: Fields) -> Hold:
    return Hold(
        request_id=hold.text("requestId"),
        deadline=hold.text("deadline"),
        args_digest=hold.text("argsDigest"),
        needed=hold.integer("needed"),
        have=hold.integer("have"),
    )


def read_seconds(fields: Fields, key: str) -> float | None:
    """A length of time, which the wire counts in milliseconds."""
    milliseconds = fields.optional_integer(key)
    return None if milliseconds is None else milliseconds / 1000


def read_budgets(value: object) -> list[Budget]:
    rows = Fields(value, "result").items("budgets")
    return [_read_budget(Fields(row, "budgets[]")) for row in rows]


def _read_budget(row: Fields) -> Budget:
    return Budget(
        scope=row.text("scope"),
        unit=row.text("unit"),
        window=row.text("window"),
        cap=row.amount("cap"),
        reserved=row.amount("reserved"),
        spent=row.amount("spent"),
        overrun=row.amount("overrun"),
        available=row.amount("available"),
        state=row.text("state"),
        resets_at=row.optional_text("resetsAt"),
        given_by=row.optional_text("givenBy"),
        expires_at=row.optional_text("expiresAt"),
    )


def read_registration(value: object, name: str) -> Registration:
    """The answer for the one tool `name` that was registered."""
    rows = Fields(value, "result").items("tools")
    if len(rows) != 1:
        raise ProtocolError(f"result.tools: expected one entry, got {len(rows)}")
    row = Fields(rows[0], "tools[0]")
    if row.text("name") != name:
        raise ProtocolError(f"tools[0].name: expected {name!r}, got {row.text('name')!r:.80}")
    return Registration(
        name=name,
        status=row.text("status"),
        level=row.optional_integer("level"),
        executor=row.optional_text("executor"),
        definition_digest=row.optional_text("definitionDigest"),
    )


def read_welcome(value: object) -> Welcome:
    fields = Fields(value, "initialize")
    if fields.optional_integer("protocolVersion") != 1:
        raise ProtocolError("initialize.protocolVersion: expected 1")
    server, session = fields.inner("server"), fields.inner("session")
    policy = fields.inner("policy")
    return Welcome(
        server=f"{server.text('name')} {server.text('version')}",
        session=Session(
            id=session.text("id"),
            agent=session.text("agent"),
            run=session.text("run"),
            group=session.optional_text("group") or None,
        ),
        policy=Policy(policy.text("digest"), tuple(str(path) for path in policy.items("files"))),
        limits=fields.inner("limits").value,
        capabilities=fields.inner("capabilities").value,
        audit_head=fields.text("auditHead"),
    )


def write_amounts(amounts: Mapping[str, AmountLike]) -> dict[str, str]:
    """Amounts as they stand on the wire. TypeError for a float: money is exact."""
    return {unit: _write_amount(unit, amount) for unit, amount in amounts.items()}


def _write_amount(unit: str, amount: AmountLike) -> str:
    if isinstance(amount, str):
        return amount
    if isinstance(amount, bool) or not isinstance(amount, (int, Decimal)):
        raise TypeError(f"{unit}: an amount is a Decimal, an int or a string, not {amount!r}")
    exact = Decimal(amount)
    if not exact.is_finite():
        raise ValueError(f"{unit}: {amount} is no amount")
    text = format(exact, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
