"""Random policies about money, in places and at moments where calendars are strange."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timezone

from shapes import Cost
from windows import HOUR, Budget

UNITS = ("usd", "calls", "seconds", "tokens:x")
# Clocks go forward and back, a date is left out, months end.
PLACES = (("Europe/Berlin", "2025-10-26"), ("Europe/Berlin", "2026-03-29"),
          ("America/New_York", "2025-11-02"), ("America/New_York", "2026-03-08"),
          ("Asia/Kolkata", "2026-02-28"), ("Australia/Lord_Howe", "2026-04-05"),
          ("Australia/Lord_Howe", "2025-10-05"), ("Pacific/Apia", "2011-12-30"),
          ("", "2025-12-31"))
GROUPS = {"a1": ["web", "company"], "a2": ["ops", "company"], "a3": []}
HEAD = """
[store]
url = "sqlite:store.db"
[agents.a1]
group = "web"
[agents.a2]
group = "ops"
[agents.a3]
[groups.web]
parent = "company"
[groups.ops]
parent = "company"
[groups.company]
[approvals]
timeout = "3h"
allow_unsigned = true
[[rules]]
id = "all"
match = { tool = "*" }
effect = "allow"
"""


@dataclass
class Tool:
    name: str
    cost: Cost
    timeout_ms: int = 30_000
    more: str = ""
    by_host: bool = False

    def toml(self) -> str:
        amounts = ", ".join(f'"{unit}" = "{text_of(unit, steps)}"' for unit, steps in self.cost.items())
        cost = "{ " + amounts + " }" if amounts else '"free"'
        if self.by_host:
            cost = "{ from = \"host\", max = " + cost + " }"
        return f'[tools.{self.name}]\ncost = {cost}\ntimeout = "{self.timeout_ms}ms"\n{self.more}\n'


@dataclass
class Setting:
    starts: int
    budgets: list[Budget]
    tools: dict[str, Tool] = field(default_factory=dict)

    def toml(self) -> str:
        return (HEAD + "".join(tool.toml() for tool in self.tools.values())
                + "".join(toml_of(budget) for budget in self.budgets))


def text_of(unit: str, steps: int) -> str:
    """An amount as the wire has it."""
    scale = {"usd": 9, "seconds": 3}.get(unit, 0)
    whole, rest = divmod(steps, 10**scale)
    return f"{whole}.{rest:0{scale}}".rstrip("0").rstrip(".") if scale else str(whole)


def toml_of(budget: Budget) -> str:
    lines = [f'scope = "{budget.scope}"', f'unit = "{budget.unit}"', f'window = "{budget.word}"',
             f'cap = "{text_of(budget.unit, budget.cap)}"', f'on_exhausted = "{budget.on_exhausted}"']
    lines += [f'timezone = "{budget.zone}"'] if budget.zone else []
    lines += ["overridable = true"] if budget.overridable else []
    lines += ["override = true"] if budget.override else []
    return "[[budgets]]\n" + "\n".join(lines) + "\n"


def some_cap(dice: random.Random, unit: str) -> int:
    most = {"usd": 4 * 10**9, "calls": 60, "seconds": 20_000_000, "tokens:x": 3000}[unit]
    return dice.choice((dice.randrange(most), *[3 * dice.randrange(most)] * 5, *[30 * most] * 3))


def some_budget(dice: random.Random, zone: str) -> Budget:
    unit, window = dice.choice(UNITS), dice.choice(
        ("run", "hour", "hour", "day", "day", "week", "month", "total", "rolling", "rolling", "rolling"))
    calendar = window in ("hour", "day", "week", "month")
    return Budget(
        scope=dice.choice(("global", "group:company", "group:web", "agent:a1", "agent:*", "run")),
        unit=unit, window=window, cap=some_cap(dice, unit),
        zone=zone if calendar and dice.random() < 0.8 else "",
        rolling_ms=dice.choice((60_000, 15 * 60_000, HOUR, HOUR, 24 * HOUR)) if window == "rolling" else 0,
        on_exhausted=dice.choice(("deny",) * 12 + ("cutoff", "freeze", "kill")))


def some_setting(dice: random.Random) -> Setting:
    zone, day = dice.choice(PLACES)
    starts = round(datetime.fromisoformat(day).replace(tzinfo=timezone.utc).timestamp() * 1000)
    budgets: dict[tuple[str, ...], Budget] = {}
    for _ in range(dice.randrange(3, 10)):
        budget = some_budget(dice, zone)
        budgets.setdefault((budget.scope, budget.unit, budget.window), budget)
    if dice.random() < 0.3:  # a narrower budget that hides a wider one
        for scope, mark in (("global", "overridable"), ("group:web", "override")):
            budgets[scope, "usd", "day"] = Budget(
                scope, "usd", "day", some_cap(dice, "usd"), zone,
                overridable=mark == "overridable", override=mark == "override")
    tools = (Tool("fixed", {"usd": dice.randrange(1, 10**8), "tokens:x": 7}, timeout_ms=HOUR // 2),
             Tool("lapsing", {"usd": 33_333_333}, more="idempotent = true"),
             Tool("free", {}, timeout_ms=dice.choice((1500, 600_000))),
             Tool("stated", {"usd": 10**9, "tokens:x": 500}, HOUR // 6, by_host=True),
             Tool("asked", {"usd": 70_000_001}, more="level = 4"))
    return Setting(starts - dice.randrange(60 * HOUR), list(budgets.values()),
                   {tool.name: tool for tool in tools})
