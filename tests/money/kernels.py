"""Kernels on a real store, behind money_gate: what is told to them, what they answer, and what is compared
with the model after each operation."""

from __future__ import annotations

import json
import random
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from model import Money
from shapes import Cost, Holder
from trail import Row, Trail, steps
from windows import HOUR, span
from worlds import GROUPS, Setting, some_setting, text_of

KINDS = {"2": "", "3": "agent:", "4": "run:", "5": "group:"}


@dataclass
class Slot:
    """One sidecar and its host."""

    agent: str
    run: str
    bodies: dict[int, tuple[int, int]] = field(default_factory=dict)  # by request: call, since when


@dataclass
class Grant:
    """A call that a host runs by itself."""

    agent: str
    name: str
    token: str


def key_of(name: str) -> int:
    """The store's key of an action."""
    number = UUID(name).int
    return number >> 80 << 12 | number >> 64 & 0xFFF


class Kernels:
    def __init__(self, gate: subprocess.Popen[str], dice: random.Random, folder: str) -> None:
        self.gate, self.dice = gate, dice
        self.setting: Setting = some_setting(dice)
        self.now = self.setting.starts
        self.money = Money(self.setting.budgets, GROUPS)
        self.trail = Trail(self.money, lambda row: self.costs.get(row.body.get("callId", "")))
        self.costs: dict[str, Cost] = {}  # of each proposal
        self.charges: dict[int, Cost] = {}  # what an end that was told must come to
        self.slots: dict[str, Slot] = {}
        self.grants: dict[int, Grant] = {}
        self.names: dict[int, str] = {}
        self.approved: set[int] = set()
        self.doubts: set[int] = set()
        self.decided: set[str] = set()  # names of proposals that the trail has told of
        self.store: dict[Any, list[int]] = {}
        self.seen: Counter[str] = Counter()
        self.count = 0
        self.act = "the beginning"
        self.edges = 0.2  # how often time passes to the edge of a window
        Path(folder, "policy.toml").write_text(self.setting.toml(), encoding="utf-8")
        self.step(f"world {folder} {self.now}")
        assert not self.refusals, self.refusals
        for _ in range(2):
            self.open_slot(self.some_run())

    # --- The pipe.
    def command(self, *lines: str) -> None:
        assert self.gate.stdin is not None and self.gate.stdout is not None
        self.gate.stdin.write("".join(line + "\n" for line in lines))
        self.gate.stdin.flush()
        left = len(lines)
        while left > 0:
            line = self.gate.stdout.readline()
            assert line, "the gate is gone"
            left -= line == ".\n"
            self.hear(line)

    def hear(self, line: str) -> None:
        if line[0] == "#":
            _, seq, at, kind, call, body = line.split(" ", 5)
            self.note_row(Row(int(seq), int(at), kind, int(call), json.loads(body)))
        elif line[0] == "=":
            self.note_window(line[2:-1])
        elif line[0] == ">":
            self.lines.append(json.loads(line[2:]))
        elif line[0] == "!":
            self.refusals.append(line[2:-1])

    def note_row(self, row: Row) -> None:
        told = self.charges.pop(row.call, None)
        if row.kind in ("completed", "failed", "cancelled", "reconciled") and "spent" in row.body:
            due = told if told is not None and not row.is_lapse else self.money.calls[row.call].cost
            assert steps(row.body["spent"]) == due, f"{row}: charged, due was {due}"
        if row.kind in ("granted", "held") and "callId" in row.body:
            due = self.costs[row.body["callId"]]
            assert steps(row.body["reserved"]) == due, f"{row}: reserved, due was {due}"
        self.seen[f"{row.kind} {row.body.get('code', '')}".strip()] += 1
        self.decided.add(row.body.get("callId", ""))
        wrong = self.trail.play(row)
        assert not wrong, f"{row}: {wrong}"
        if row.kind == "in_doubt":
            self.doubts.add(row.call)

    def note_window(self, text: str) -> None:
        name, *counters = text.rsplit(" ", 5)
        scope, unit, window, start = name.split("|")
        kind, scope = scope.split(" ", 1)
        key = (KINDS[kind] + scope, unit, window, start if window == "run" else int(start))
        reserved, spent, overrun, added, cap = map(int, counters)
        assert reserved + spent <= cap, f"{key} is above its cap"
        # A slice has no cap but what its giver set aside for it.
        self.store[key] = [reserved, spent, overrun, cap if window == "slice" else added]

    def compare(self) -> None:
        wrong = self.trail.rest()
        assert not wrong, wrong
        kept = {key: row for key, row in self.store.items() if any(row)}
        due = {key: row for key, row in self.money.windows.items() if any(row)}
        for key in sorted({*kept, *due}, key=str) if kept != due else ():
            assert kept.get(key) == due.get(key), f"{key} holds {kept.get(key)}, due {due.get(key)}"

    def step(self, *lines: str) -> None:
        """Commands, and what must be so after them."""
        self.lines: list[dict[str, Any]] = []
        self.refusals: list[str] = []
        self.command(*lines)

    # --- Sidecars.
    def some_slot(self) -> str:
        return self.dice.choice(list(self.slots))

    def some_run(self) -> Holder:
        return self.dice.choice(list(GROUPS)), self.dice.choice(("r1", "r2"))

    def open_slot(self, run: Holder) -> None:
        self.count += 1
        self.slots[f"s{self.count}"] = Slot(*run)
        self.step(f"start s{self.count} {run[0]} {run[1]}")
        self.compare()

    def close_slot(self, slot: str) -> None:
        self.step(f"die {slot}")
        del self.slots[slot]
        self.charges.clear()

    def say(self, slot: str, method: str, params: dict[str, Any]) -> str:
        self.count += 1
        message = {"jsonrpc": "2.0", "id": self.count, "method": method, "params": params}
        return f"say {slot} {json.dumps(message)}"

    def turn(self, slot: str, *says: str) -> None:
        """A turn of this sidecar, once its host has said that."""
        self.step(*says, f"turn {slot}")
        for line in self.lines:
            if line.get("method") == "tools/execute":
                call = key_of(line["params"]["actionId"])
                self.names[call] = line["params"]["actionId"]
                self.slots[slot].bodies[line["id"]] = (call, self.now)
            elif "status" in line.get("result", {}):
                self.note_result(slot, line["result"])

    def note_result(self, slot: str, result: dict[str, Any]) -> None:
        call = key_of(result["actionId"])
        self.names[call] = result["actionId"]
        if "grant" in result:
            self.grants[call] = Grant(self.slots[slot].agent, result["actionId"], result["grant"]["token"])

    def wait(self, ms: int) -> None:
        self.now += ms
        self.step(f"tick {ms}")
        self.turn(self.some_slot())

    def tick(self) -> None:
        """Time passes: a little, or to the edge of a window."""
        ms = self.dice.choice((1, 1, 700, 700, 1500, 20_000, 20_000, 31_000, 200_000, HOUR // 3))
        if self.dice.random() < self.edges and self.setting.budgets:
            budget = self.dice.choice(self.setting.budgets)
            edge = span(budget, self.now)[1]
            ms = max(1, edge - self.now + self.dice.choice((-1, 0, 1))) if edge else 1
        self.wait(ms)

    def proposal(self, slot: str, method: str) -> str:
        tool = self.dice.choice(list(self.setting.tools.values()))
        name, cost = f"c{self.count}", dict(tool.cost)
        params: dict[str, Any] = {"tool": tool.name, "args": {"n": self.count}, "callId": name}
        if tool.by_host:
            cost = {unit: self.dice.randrange(most // self.dice.choice((1, 20))) for unit, most in cost.items()}
            params["cost"] = {unit: text_of(unit, amount) for unit, amount in cost.items()}
        self.costs[name] = {**{unit: amount for unit, amount in cost.items() if amount}, "calls": 1,
                            "seconds": tool.timeout_ms}
        return self.say(slot, method, params)
