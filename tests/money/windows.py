"""Where the windows of budgets begin and end, worked out with zoneinfo from what policies/README.md says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, Callable
from zoneinfo import ZoneInfo

HOUR = 3_600_000
Key = tuple[str, str, str, Any]  # scope, unit, window, start


@dataclass(frozen=True)
class Budget:
    scope: str  # "global", "group:NAME", "agent:NAME", "agent:*" or "run"
    unit: str
    window: str  # "run", "hour", "day", "week", "month", "total" or "rolling"
    cap: int
    zone: str = ""
    rolling_ms: int = 0
    on_exhausted: str = "deny"
    overridable: bool = False
    override: bool = False

    @property
    def word(self) -> str:
        """The window as people write it."""
        for size, unit in ((HOUR, "h"), (60_000, "m"), (1000, "s")):
            if self.rolling_ms and self.rolling_ms % size == 0:
                return f"rolling:{self.rolling_ms // size}{unit}"
        return self.window

    @property
    def name(self) -> str:
        window = f"rolling:{self.rolling_ms}" if self.rolling_ms else self.window
        return f"{window} {self.zone}" if self.zone else window


@dataclass
class Claim:
    """What is asked of a budget, in the window that a moment falls into."""

    budget: Budget
    key: Key
    ends: int | None
    amount: int


def local(at: int, zone: str) -> datetime:
    seconds, ms = divmod(at, 1000)
    there = ZoneInfo(zone) if zone else timezone.utc
    return datetime.fromtimestamp(seconds, there).replace(microsecond=ms * 1000)


def first_that(is_so: Callable[[int], bool], low: int, high: int) -> int:
    """The first moment of which it is so; from then on it stays so."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if is_so(middle) else (middle + 1, high)
    return low


@lru_cache(maxsize=None)
def first_moment(day: date, zone: str) -> int:
    """Of that date, or of the next one that the place had."""
    near = round(datetime(day.year, day.month, day.day, tzinfo=timezone.utc).timestamp() * 1000)
    return first_that(lambda at: local(at, zone).date() >= day, near - 36 * HOUR, near + 36 * HOUR)


def span(budget: Budget, at: int) -> tuple[int, int | None]:
    """Where the window that holds this moment begins, and when what is in it counts no more."""
    if budget.rolling_ms:
        width = budget.rolling_ms // 60
        return at // width * width, at // width * width + width + budget.rolling_ms
    if budget.window in ("run", "total"):
        return 0, None
    now = local(at, budget.zone)
    day = now.date()
    if budget.window == "hour":
        begun = at - (now.minute * 60 + now.second) * 1000 - now.microsecond // 1000
        offset = now.utcoffset()
        return (first_that(lambda t: local(t, budget.zone).utcoffset() == offset, begun, at),
                first_that(lambda t: local(t, budget.zone).utcoffset() != offset, at, begun + HOUR))
    first, after = day, day + timedelta(days=1)
    if budget.window == "week":
        first = day - timedelta(days=day.weekday())
        after = first + timedelta(days=7)
    if budget.window == "month":
        first = day.replace(day=1)
        after = (first + timedelta(days=31)).replace(day=1)
    return first_moment(first, budget.zone), first_moment(after, budget.zone)
