"""The kernel on a real store against a model of the rules: random operations, and after each of them
every counter is compared.

    test_model.py [--operations N] [--seed N]    20,000 operations where nothing is said; prints its seed"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from typing import Any

from lending import Lending
from shapes import Cost
from worlds import GROUPS, text_of

GATE = os.environ.get("TALLYGATE_MONEY_GATE", "")
OPERATIONS_PER_WORLD = 800


class World(Lending):
    """Operations. Each is one turn, or one act of a person."""

    def propose(self) -> None:
        slot, before = self.some_slot(), len(self.costs)
        method = self.dice.choice(("actions/govern",) * 3 + ("actions/propose",))
        says = [self.proposal(slot, method) for _ in range(self.dice.choice((1, 1, 1, 2, 5)))]
        self.turn(slot, *says)
        for name in list(self.costs)[before:]:
            assert name in self.decided, f"{name} was not decided"

    def some_usage(self) -> Cost:
        if self.dice.random() < 0.5:
            return {}
        most = {"usd": self.dice.choice((10**8, 5 * 10**9)), "tokens:x": self.dice.choice((20, 4000)),
                "calls": 3, "seconds": 900_000}
        return {unit: self.dice.randrange(1, most[unit]) for unit in self.dice.sample(list(most), 2)}

    def ended(self, call: int, since: int, usage: Cost) -> None:
        """What this end must be charged: time as it was measured, and what was used above the price."""
        if call in self.money.calls:
            cost = {**self.money.calls[call].cost, "seconds": self.now - since}
            due = {unit: max(cost.get(unit, 0), usage.get(unit, 0)) for unit in {*cost, *usage}}
            self.charges[call] = {unit: amount for unit, amount in due.items() if amount}

    def answer(self) -> None:
        slot = self.some_slot()
        bodies = self.slots[slot].bodies
        if not bodies:
            return self.propose()
        request = self.dice.choice(list(bodies))
        usage = self.some_usage()
        self.ended(*bodies.pop(request), usage)
        texts = {unit: text_of(unit, amount) for unit, amount in usage.items()}
        message: dict[str, Any] = {"jsonrpc": "2.0", "id": request, "result": {"output": 1, "usage": texts}}
        if not usage and self.dice.random() < 0.3:
            message = {"jsonrpc": "2.0", "id": request, "error": {"code": 1, "message": "broken"}}
        self.turn(slot, f"say {slot} {json.dumps(message)}")

    def complete(self) -> None:
        slot = self.some_slot()
        mine = [call for call, grant in self.grants.items() if grant.agent == self.slots[slot].agent]
        if not mine:
            return self.propose()
        call = self.dice.choice(mine)
        grant, usage = self.grants.pop(call), self.some_usage()
        if call in self.money.calls:
            self.ended(call, self.money.calls[call].at, usage)
        self.turn(slot, self.say(slot, "actions/complete", {
            "actionId": grant.name, "token": grant.token, "output": 1,
            "usage": {unit: text_of(unit, amount) for unit, amount in usage.items()}}))

    def record_usage(self) -> None:
        slot, usage = self.some_slot(), self.some_usage() or {"usd": 10**7}
        self.turn(slot, self.say(slot, "usage/record", {
            "usage": {unit: text_of(unit, amount) for unit, amount in usage.items()}}))

    def of_held(self) -> None:
        """A person's word, or the host's, about a call that waits."""
        held = [call for call, row in self.money.calls.items() if row.held]
        if not held:
            return self.propose()
        call = self.dice.choice(held)
        row, name = self.money.calls[call], self.names[call]
        if call not in self.approved:
            yes = self.dice.random() < 0.8
            self.step(f"resolve {name} {'yes' if yes else 'no'}")
            if yes and not self.refusals:
                self.approved.add(call)
            return None
        slot = next((name for name, one in self.slots.items() if one.agent == row.holder[0]), None)
        if slot is None:
            return self.tick()
        if self.dice.random() < 0.1:
            return self.turn(slot, self.say(slot, "actions/cancel", {"actionId": name}))
        self.turn(slot, self.say(slot, "actions/resume", {"actionId": name}))
        if call in self.money.calls and self.money.calls[call].held:
            shut = self.trail.closing(row.holder, self.now)
            full = self.money.refusing(row.holder, row.cost, self.now, row)
            assert shut or full, f"{name} was not granted, though nothing is in its way"
        return None

    def extend(self) -> None:
        slot = self.some_slot()
        running = [call for call, _ in self.slots[slot].bodies.values() if call in self.money.calls]
        if not running:
            return self.tick()
        name = self.names[self.dice.choice(running)]
        method = self.dice.choice(("actions/extend",) * 4 + ("actions/cancel",))
        return self.turn(slot, self.say(slot, method, {"actionId": name}))

    def reconcile(self) -> None:
        doubts = [call for call in self.doubts if call in self.money.calls and call in self.names]
        if not doubts:
            return self.tick()
        call = self.dice.choice(doubts)
        cost = dict(self.money.calls[call].cost)
        words = f"reconcile {self.names[call]} "
        if self.dice.random() < 0.3:
            return self.step(words + "not-run")
        if self.dice.random() < 0.5:
            unit = self.dice.choice(list(cost))
            cost[unit] = self.dice.randrange(3 * cost[unit])
            words += f"ran {unit}={cost[unit]}"
        else:
            words += "ran"
        self.charges[call] = {unit: amount for unit, amount in cost.items() if amount}
        return self.step(words)

    def top_up(self) -> None:
        if not self.setting.budgets:
            return
        budget = self.dice.choice(self.setting.budgets)
        agent, run = self.some_run()
        scope = f"agent:{agent}" if budget.scope == "agent:*" else budget.scope
        if "run" in (budget.scope, budget.window):
            scope = f"run:{agent}/{run}"
        self.step(f"topup {scope} {budget.unit} {budget.word} {self.dice.randrange(1, budget.cap // 2 + 50)}")

    def close(self) -> None:
        scope = self.dice.choice(("global", "group:company", "group:web", "agent:a1", "run:a2/r1"))
        self.step(f"scope {scope} {self.dice.choice((1, 2, 3))}", "tick 1")
        self.now += 1

    def reopen(self) -> None:
        closed = list(self.trail.closed)
        if not closed:
            return self.tick()
        return self.step(*[f"scope {scope} 0" for scope in closed])

    def die(self) -> None:
        """A sidecar is killed, perhaps while it commits, and another one begins."""
        slot = self.some_slot()
        if self.dice.random() < 0.6:
            self.step(f"break {self.dice.choice((1, 1, 2, 3))}")
            self.turn(slot, *[self.proposal(slot, "actions/govern") for _ in range(2)])
            self.step("heal")
            self.compare()
        self.close_slot(slot)
        self.open_slot(self.some_run())

    def live(self, operations: int) -> None:
        acts = {self.propose: 24, self.answer: 22, self.complete: 6, self.record_usage: 3, self.of_held: 12,
                self.extend: 5, self.reconcile: 5, self.top_up: 5, self.close: 1, self.reopen: 12,
                self.tick: 18, self.die: 3}
        if self.lends:
            acts.update({self.delegate: 12, self.employ: 4, self.take_back: 2, self.outlive: 1, self.shut_giver: 1})
        for act in self.dice.choices(list(acts), list(acts.values()), k=operations):
            self.act = act.__name__
            act()
            self.compare()


def run(seed: int, operations: int, seen: Counter[str]) -> str:
    """What was found wrong; empty: nothing."""
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with subprocess.Popen([GATE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as gate:
        done = 0
        while done < operations:
            with tempfile.TemporaryDirectory(dir=base) as folder:
                some = min(OPERATIONS_PER_WORLD, operations - done)
                world = None
                try:
                    world = World(gate, random.Random(seed), folder)
                    world.live(some)
                    seen.update(world.seen)
                except Exception as error:  # whatever it was, the seed is what matters
                    gate.kill()
                    act = world.act if world is not None else "the beginning"
                    return f"seed {seed}, in {act}: {type(error).__name__}: {error}"
            done += some
            seed += 1
            if done % (100 * OPERATIONS_PER_WORLD) == 0:
                print(f"{done} operations, no difference so far", flush=True)
    return ""


def main() -> int:
    words = argparse.ArgumentParser()
    words.add_argument("--operations", type=int, default=20_000)
    words.add_argument("--seed", type=int, default=1)
    given = words.parse_args()
    started = time.monotonic()
    print(f"seed {given.seed}, {given.operations} operations", flush=True)
    seen: Counter[str] = Counter()
    wrong = run(given.seed, given.operations, seen)
    print("rows of the trail:", ", ".join(f"{count} {kind}" for kind, count in seen.most_common()))
    print(wrong and f"FAILED {wrong}" or f"no difference, {time.monotonic() - started:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
