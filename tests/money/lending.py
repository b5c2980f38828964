"""What runs do with slices of each other's budgets."""

from __future__ import annotations

import random
import subprocess
from typing import Any

from kernels import Kernels
from shapes import ADDED, Cost, Holder, Slice
from trail import Wish
from windows import HOUR
from worlds import GROUPS, UNITS, text_of

SLOTS = 6
SHARE_OF_WORLDS = 0.6


class Lending(Kernels):
    def __init__(self, gate: subprocess.Popen[str], dice: random.Random, folder: str) -> None:
        self.lends = dice.random() < SHARE_OF_WORLDS
        super().__init__(gate, dice, folder)
        if self.lends:
            self.edges /= 4  # slices end with the windows that they are from

    def some_run(self) -> Holder:
        """Any that has begun, or of the few that every world has."""
        if not self.lends or self.dice.random() < 0.3:
            return super().some_run()
        runs = [(slot.agent, slot.run) for slot in self.slots.values()]
        return self.dice.choice([*runs, *[one.child for one in self.open_slices()], super().some_run()])

    def some_slot(self) -> str:
        """Every other one is of a run that spends a slice, if there is any."""
        spend = [one.child for one in self.open_slices()]
        theirs = [name for name, slot in self.slots.items() if (slot.agent, slot.run) in spend]
        return self.dice.choice(theirs) if theirs and self.dice.random() < 0.5 else super().some_slot()

    def open_slices(self) -> list[Slice]:
        return [one for one in self.money.slices.values() if not one.ended]

    def some_child(self, giver: Holder) -> Holder:
        """Mostly one that it, or somebody else, has given to before, or one that has not begun."""
        mine = [one.child for one in self.open_slices() if one.holder == giver]
        taken = [giver, *self.trail.givers(giver), *[one.child for one in self.open_slices()]]
        idle = [one.child for one in self.money.slices.values() if one.child not in taken]
        fresh = self.dice.choice(list(GROUPS)), f"n{self.count}"
        return self.dice.choice([*mine * 3, *idle[-3:] * 3, fresh, fresh, self.some_run(), giver])

    def some_amounts(self) -> Cost:
        units = self.dice.choice((("usd", "tokens:x"),) * 4 + (("usd", "tokens:x", "calls"),) * 2 + (
            UNITS, ("usd",), ("calls",), ("seconds",), ("calls", "seconds")))
        most = {"usd": self.dice.choice((3 * 10**8, 3 * 10**9)), "tokens:x": self.dice.choice((60, 2000)),
                "calls": self.dice.choice((4, 30)), "seconds": self.dice.choice((10**6, 10**7))}
        return {unit: self.dice.randrange(most[unit]) for unit in units}

    def other_amounts(self, one: Slice) -> Cost:
        """The same, more, less, or of other units."""
        now = {unit: self.money.windows[one.claim(unit, 0).key][ADDED] for unit in one.cost}
        times = self.dice.choice((0, 50, 90, 100, 100, 110, 150, 300))
        changed = {unit: cap * times // 100 for unit, cap in now.items() if self.dice.random() < 0.9} or now
        return {**changed, **self.some_amounts()} if self.dice.random() < 0.1 else changed

    def some_wish(self, giver: Holder) -> Wish:
        child = self.some_child(giver)
        one, given = self.trail.slice_of(giver, child), self.money.call(giver, self.now).given
        amounts = self.other_amounts(one) if one else self.some_amounts()
        if not one and given and self.dice.random() < 0.8:  # a part of its own
            amounts = {unit: self.dice.randrange(left + 2) for unit, left in given.cost.items()}
        return Wish(child, amounts,
                    self.dice.choice((None, None, None, 1500, HOUR, 6 * HOUR, 24 * HOUR)))

    def saying(self, slot: str, wish: Wish) -> str:
        params: dict[str, Any] = {"run": wish.child[1], "amounts": {
            unit: text_of(unit, amount) for unit, amount in wish.amounts.items()}}
        if wish.child[0] != self.slots[slot].agent:
            params["agent"] = wish.child[0]
        return self.say(slot, "budgets/delegate", params if wish.ttl is None else {**params, "ttlMs": wish.ttl})

    def delegate(self) -> None:
        slot = self.some_slot()
        giver = self.slots[slot].agent, self.slots[slot].run
        wish = self.trail.wish = self.some_wish(giver)
        if self.dice.random() < 0.1:  # and its calls in the same turn
            self.turn(slot, self.saying(slot, wish), self.proposal(slot, "actions/govern"))
            self.trail.wish = None
            return
        self.turn(slot, self.saying(slot, wish))
        self.note_answer(giver, wish)
        if self.dice.random() < 0.5:
            self.employ()

    def note_answer(self, giver: Holder, wish: Wish) -> None:
        answer = next(line for line in self.lines if line.get("id") == self.count and "method" not in line)
        assert "result" in answer, answer
        if self.trail.wish is None:
            return  # the trail has told of it
        one, due = self.trail.slice_of(giver, wish.child), self.trail.against(giver, wish, self.now)
        assert one, f"{wish}: nothing was given, and nothing was told: {answer}"
        code = answer["result"].get("code", "")
        assert code.startswith(due) if due else not code, f"{wish}: answered {answer}, due was {due or 'a slice'}"
        now = {unit: self.money.windows[one.claim(unit, 0).key][ADDED] for unit in one.cost}
        assert due or self.trail.caps(one, wish.amounts) == now, f"{wish}: nothing was done"
        self.seen[f"{code or 'same'} of a slice"] += 1
        self.trail.wish = None

    def employ(self) -> None:
        """A host of a child begins."""
        runs = [(slot.agent, slot.run) for slot in self.slots.values()]
        jobless = [one.child for one in self.open_slices() if one.child not in runs]
        if not jobless:
            return self.tick()
        if len(self.slots) >= SLOTS:
            self.close_slot(self.some_slot())
        return self.open_slot(self.dice.choice(jobless))

    def take_back(self) -> None:
        slot = self.some_slot()
        mine = [one for one in self.money.slices.values() if one.holder[0] == self.slots[slot].agent]
        if not mine:
            return self.delegate()
        one = self.dice.choice([one for one in mine if not one.ended] or mine)
        self.trail.taken = one.start
        self.turn(slot, self.say(slot, "actions/cancel", {"actionId": self.names[one.start]}))
        self.trail.taken = 0
        assert one.ended, f"{one} was not taken back"
        return None

    def outlive(self) -> None:
        """Time passes, to the end of a slice."""
        ends = [one.until for one in self.open_slices() if one.until > self.now]
        if not ends:
            return self.delegate()
        return self.wait(max(1, min(ends) - self.now + self.dice.choice((-1, 0, 1))))

    def shut_giver(self) -> None:
        givers = [one.holder for one in self.open_slices()]
        if not givers:
            return self.delegate()
        agent, run = self.dice.choice(givers)
        scope = self.dice.choice((f"agent:{agent}", f"run:{agent}/{run}", f"run:{agent}/{run}"))
        return self.step(f"scope {scope} {self.dice.choice((1, 2, 3))}")
