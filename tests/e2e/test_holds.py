"""Calls that wait for a person: held by some processes, answered by commands, resumed by others."""

from __future__ import annotations

import itertools
import json
import os
import random
import subprocess
import threading
import time
import unittest
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from books import Books
from support import Sidecar, StoreTest

PRICE = Decimal("0.25")
LONG_MS = 600_000  # no test lasts so long
POLICY = """
[store]
url = "sqlite:store.db"
durability = "process"
[session]
allow_any_agent = true
[approvals]
{approvals}
[[budgets]]
scope = "global"
unit = "usd"
window = "total"
cap = "{cap}"
[tools.pay]
level = 4
cost = {{usd = "0.25"}}
[[rules]]
id = "ordinary"
match = {{tool = "pay"}}
effect = "allow"
"""


class HoldTest(StoreTest):
    """Each test has a store, and a policy under which every call of `pay` waits for a person."""

    room = 4  # how many calls the budget has room for
    approvals = "allow_unsigned = true"

    def setUp(self) -> None:
        super().setUp()
        self.set_policy(self.approvals)

    def set_policy(self, approvals: str) -> None:
        self.config.write_text(POLICY.format(approvals=approvals, cap=PRICE * self.room))

    def listed(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(self.run_to("approvals", "--json"))["approvals"]
        return rows

    def run_to(self, *arguments: str, code: int = 0) -> str:
        """A command that must end with this code; what it printed."""
        done = self.tallygate(*arguments)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout + done.stderr

    def approve(self, request: str, code: int = 0, typed: str | None = None,
                env: dict[str, str] | None = None) -> str:
        """The command at a terminal, which must end with this code; what was seen there."""
        ended, seen = self.at_terminal("approve", request, code=typed, env=env)
        self.assertEqual(ended, code, seen)
        return seen

    def assert_money(self, reserved: Decimal, spent: Decimal) -> None:
        usd = self.usd()
        self.assertEqual((Decimal(usd["reserved"]), Decimal(usd["spent"])), (reserved, spent))


# --- A thousand at once


@dataclass(eq=False)
class HeldCall:
    """One call, what a person says of it, and what its hosts saw."""

    agent: str
    text: str  # its arguments as they are kept, shown and run
    is_approved: bool
    reason: str  # why it is denied
    named_by: Callable[[HeldCall], str]  # what the person types to name it
    action: str = ""
    request: str = ""
    answered: bool = False  # by the person; the command has ended
    ran: list[str] = field(default_factory=list)  # the arguments of each run
    ends: list[dict[str, Any]] = field(default_factory=list)  # what resuming answered

    @property
    def output(self) -> dict[str, str]:
        return {"paid by": self.action}


def spelled(n: int, chance: random.Random) -> str:
    """Arguments whose spelling a reader of JSON would not give back."""
    members = [f'"n":{n}']
    members.append('"amount":' + chance.choice(["1.50", "1e2", "-0.0", "15E-1", "100000000000001"]))
    members.append('"to":' + chance.choice(['"K\\u00f6ln"', '"Köln"', '"a\\/b"', '"\\ud83d\\ude80"', '"🚀"']))
    members.append('"note":' + chance.choice(['[]', '{"b":1,"a":[]}', 'null', '" "']))
    chance.shuffle(members)
    return "{" + ",".join(members) + "}"


def govern_line(request: str, args: str) -> bytes:
    """A request whose arguments are spelled as given, with blanks around them that are dropped."""
    return (f'{{"jsonrpc":"2.0","id":"{request}","method":"actions/govern",'
            f'"params":{{"tool":"pay","args": {{ {args[1:-1]} }} }}}}\n').encode()


def args_of(execute_line: bytes) -> str:
    """The arguments of a tools/execute as they came."""
    return execute_line.split(b'"args":', 1)[1].rsplit(b',"attempt":', 1)[0].decode()


class Resumer(threading.Thread):
    """A host of one agent: resumes calls, runs what it is asked to, and notes what it is told."""

    def __init__(self, gate: Sidecar, calls: Iterable[HeldCall],
                 wait_ms: Callable[[], int | None]) -> None:
        super().__init__(daemon=True)
        self.gate = gate
        self.open = {f"r{n}": call for n, call in enumerate(calls)}  # not answered yet
        self._wait_ms = wait_ms
        self._by_action = {call.action: call for call in self.open.values()}

    def run(self) -> None:
        for request, call in list(self.open.items()):
            self._ask(request, call, self._wait_ms())
        while self.open and (message := self.gate.receive(60)) is not None:
            if message.get("method") == "tools/execute":
                self._run_body(message)
            elif "id" in message:
                self._note(message["id"], message["result"])

    def _ask(self, request: str, call: HeldCall, wait_ms: int | None) -> None:
        wait = {} if wait_ms is None else {"waitMs": wait_ms}
        self.gate.send({"id": request, "method": "actions/resume",
                        "params": {"actionId": call.action, **wait}})

    def _run_body(self, execute: dict[str, Any]) -> None:
        call = self._by_action[execute["params"]["actionId"]]
        call.ran.append(args_of(self.gate.line))
        self.gate.send({"id": execute["id"], "result": {"output": call.output}})

    def _note(self, request: str, result: dict[str, Any]) -> None:
        call = self.open[request]
        if result["status"] == "granted":  # another host runs it at this moment
            return self._ask(request, call, LONG_MS)
        call.ends.append(result)
        del self.open[request]

    def is_up_to_date(self) -> bool:
        """Whether every call that a person has answered has been told of."""
        return not any(call.answered for call in list(self.open.values()))


NAMES: list[Callable[[HeldCall], str]] = [
    lambda call: call.request, lambda call: call.action, lambda call: call.action[-14:]]


class Thousand(HoldTest):
    # Each answer is a process of its own, and under a sanitizer that takes its time.
    room = int(os.environ.get("TALLYGATE_HELD_CALLS", 1000))
    agents = [f"agent{n}" for n in range(10)]  # none may have more than 100 calls that wait

    def setUp(self) -> None:
        super().setUp()
        seed = int(os.environ.get("TALLYGATE_SEED", time.time_ns() % 10**6))
        print(f"seed {seed}")
        self.chance = random.Random(seed)
        self.calls = self.draw()
        self.began = time.monotonic()

    def draw(self) -> list[HeldCall]:
        approved = set(self.chance.sample(range(self.room), self.room // 2))
        return [HeldCall(agent, spelled(n, self.chance), n in approved, f'№ {n} is "too much"',
                         self.chance.choice(NAMES))
                for n, agent in zip(range(self.room), itertools.cycle(self.agents))]

    def test_what_a_person_approved_runs_once_and_nothing_else_does(self) -> None:
        self.hold_all()
        self.say(f"{self.room} calls held, every sidecar killed")
        self.check_that_all_are_held()
        first, lonely, last = self.in_three_parts()
        watchers = self.resume_by(self.watched())
        self.answer(first)
        self.say(f"{len(first)} answered while hosts wait")
        self.kill_once_up_to_date(watchers)
        self.answer(lonely)
        self.say(f"{len(lonely)} answered while no sidecar lives")
        watchers = self.resume_by(self.watched())
        self.answer(last)
        self.say(f"{len(last)} answered while hosts wait")
        resumers = self.resume_by([calls for calls in self.by_agent() for _ in range(2)],
                                  lambda: self.chance.choice([None, 0, 5000]))
        self.join(watchers + resumers)
        self.say(f"all resumed, by {len(resumers)} sidecars at once")
        self.check_ends()
        self.check_books()
        self.say("checked")

    def say(self, what: str) -> None:
        print(f"{time.monotonic() - self.began:5.1f} s  {what}")

    # Steps

    def by_agent(self) -> list[list[HeldCall]]:
        return [[call for call in self.calls if call.agent == agent] for agent in self.agents]

    def watched(self) -> list[list[HeldCall]]:
        """A few calls of each agent, answered already or not."""
        return [self.chance.sample(calls, len(calls) // 5) for calls in self.by_agent()]

    def in_three_parts(self) -> tuple[list[HeldCall], list[HeldCall], list[HeldCall]]:
        order = self.chance.sample(self.calls, self.room)
        middle = self.room * 45 // 100
        return order[:middle], order[middle:-middle], order[-middle:]

    def hold_all(self) -> None:
        with ThreadPoolExecutor(len(self.agents)) as pool:
            gates = list(pool.map(self.hold, self.by_agent()))
        extra = self.sidecar(agent="late").govern("pay", n=-1)
        self.assertEqual((extra["status"], extra["code"]), ("denied", "budget_exhausted"))
        for gate in gates:
            gate.kill()

    def hold(self, calls: list[HeldCall]) -> Sidecar:
        """Makes the calls of one agent, all at once; its sidecar."""
        gate = self.sidecar(agent=calls[0].agent)
        gate.send_bytes(b"".join(govern_line(f"c{n}", call.text) for n, call in enumerate(calls)))
        for _ in calls:
            message = gate.receive()
            assert message is not None
            result = message["result"]
            assert result["status"] == "held", result
            call = calls[int(message["id"][1:])]
            call.action, call.request = result["actionId"], result["hold"]["requestId"]
        return gate

    def resume_by(self, shares: list[list[HeldCall]],
                  wait_ms: Callable[[], int | None] = lambda: LONG_MS) -> list[Resumer]:
        """A fresh sidecar for each share; its calls are resumed in random order."""
        hosts = [Resumer(self.sidecar(agent=calls[0].agent),
                         self.chance.sample(calls, len(calls)), wait_ms) for calls in shares]
        for host in hosts:
            host.start()
        return hosts

    def kill_once_up_to_date(self, hosts: list[Resumer]) -> None:
        """Then no body runs, and what is killed are only waits."""
        until = time.monotonic() + 20
        while not all(host.is_up_to_date() for host in hosts):
            self.assertLess(time.monotonic(), until, "a wait did not end with its call")
            time.sleep(0.01)
        for host in hosts:
            host.gate.process.kill()
        self.join(hosts)

    def join(self, hosts: list[Resumer]) -> None:
        for host in hosts:
            host.join(60)
            self.assertFalse(host.is_alive(), f"{len(host.open)} resumed calls had no answer")
            host.gate.finish()

    def answer(self, calls: list[HeldCall]) -> None:
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(self.answer_one, calls))

    def answer_one(self, call: HeldCall) -> None:
        """A person's command."""
        name = call.named_by(call)
        if call.is_approved:
            self.assertIn(f"arguments {call.text}\r\n", self.approve(name))
        else:
            self.run_to("deny", name, "--reason", call.reason)
        call.answered = True

    # What must hold

    def check_that_all_are_held(self) -> None:
        self.sidecar().finish()  # whoever starts next looks for what the dead left
        rows = {row["actionId"]: row for row in self.listed()}
        self.assertEqual(rows.keys(), {call.action for call in self.calls})
        for call in self.calls:
            self.assertEqual(rows[call.action]["requestId"], call.request)
        self.assert_money(reserved=PRICE * self.room, spent=Decimal(0))
        [(shared, count)] = Counter(call.action[-4:] for call in self.calls).most_common(1)
        if count > 1:
            self.assertIn("several requests", self.run_to("deny", shared, code=6))

    def check_ends(self) -> None:
        for call in self.calls:
            self.assertEqual(call.ran, [call.text] if call.is_approved else [], call)
            self.assertGreaterEqual(len(call.ends), 2, call)
            for end in call.ends:
                self.assertEqual(end["actionId"], call.action)
                if call.is_approved:
                    self.assertEqual((end["status"], end.get("output")), ("completed", call.output))
                else:
                    self.assertEqual((end["status"], end.get("code")), ("denied", "approval_denied"))
                    self.assertIn(call.reason, end["reason"])

    def check_books(self) -> None:
        gate = self.sidecar()  # who keeps the store open while its books are read
        self.assertEqual(Books(self.folder / "store.db").complaint, "")
        gate.finish()
        self.assertEqual(self.listed(), [])
        self.assert_money(reserved=Decimal(0), spent=PRICE * (self.room // 2))
        self.assert_chain_whole()



# --- One at a time


# What a terminal would obey or hide, as it may stand in JSON.
HOSTILE = "\u202e\u2066\u200b\u2028\ufeff\u009b31m\U000e0041"


class OneCallTest(HoldTest):
    def setUp(self) -> None:
        super().setUp()
        self.ran: list[str] = []  # the arguments of each body

    def govern(self, gate: Sidecar, args: str = "{}") -> dict[str, Any]:
        """A call with these arguments; its ActionResult."""
        gate.send_bytes(govern_line("govern", args))
        return self.answer_to("govern", gate)

    def hold(self, gate: Sidecar, args: str = "{}") -> dict[str, Any]:
        result = self.govern(gate, args)
        self.assertEqual(result["status"], "held", result)
        return result

    def resume(self, gate: Sidecar, call: dict[str, Any], wait_ms: int = 0) -> dict[str, Any]:
        gate.send({"id": "resume", "method": "actions/resume",
                   "params": {"actionId": call["actionId"], "waitMs": wait_ms}})
        return self.answer_to("resume", gate)

    def answer_to(self, request: str, gate: Sidecar) -> dict[str, Any]:
        """The ActionResult that answers the request, once its body has run if it is asked for."""
        while True:
            message = gate.receive()
            assert message is not None
            if message.get("method") == "tools/execute":
                self.ran.append(args_of(gate.line))
                gate.send({"id": message["id"], "result": {"output": "ran"}})
            elif message.get("id") == request:
                result: dict[str, Any] = message["result"]
                return result

    def assert_denied(self, result: dict[str, Any], code: str) -> None:
        self.assertEqual((result["status"], result["code"]), ("denied", code), result)


class Listed(OneCallTest):
    def test_the_list_tells_all_about_what_waits(self) -> None:
        gate = self.sidecar(agent="coder", run="night")
        call = self.hold(gate, '{"to":"Köln"}')
        [row] = self.listed()
        opened = row.pop("openedAt")
        self.assertEqual(row, {
            "requestId": call["hold"]["requestId"], "actionId": call["actionId"],
            "agent": "coder", "run": "night", "tool": "pay", "args": {"to": "Köln"},
            "argsDigest": call["hold"]["argsDigest"], "rule": "",  # its level
            "cost": call["cost"]["reserved"], "deadline": call["hold"]["deadline"],
            "needed": 1, "have": 0})
        self.assertLess(opened, row["deadline"])
        headings, line = self.run_to("approvals").splitlines()
        self.assertEqual(headings.split(), "REQUEST UNTIL APPROVALS AGENT RUN TOOL COST ARGUMENTS".split())
        for shown in (row["requestId"], row["deadline"], "0 of 1", "coder", "night", "0.25 usd",
                      '{"to":"Köln"}'):
            self.assertIn(shown, line)

    def test_what_is_approved_stays_listed_until_it_runs(self) -> None:
        gate = self.sidecar()
        call = self.hold(gate)
        self.approve(call["actionId"])
        self.assertEqual([row["have"] for row in self.listed()], [1])
        self.assertIn(" approved ", self.run_to("approvals"))
        self.assertEqual(self.resume(gate, call)["status"], "completed")
        self.assertEqual(self.listed(), [])
        self.assertEqual(self.run_to("approvals"), "nothing waits for approval\n")

    def test_hostile_arguments_are_shown_not_obeyed(self) -> None:
        gate = self.sidecar()
        args = '{"to":"' + HOSTILE + '\\u001b[2J\\n"}'
        call = self.hold(gate, args)
        shown = args
        for char in HOSTILE:
            shown = shown if char.isascii() else shown.replace(char, f"\\u{{{ord(char):x}}}")
        self.assertIn(shown, self.run_to("approvals"))
        self.assertIn(f"arguments {shown}\r\n", self.approve(call["actionId"]))
        self.assertEqual(self.resume(gate, call)["status"], "completed")
        self.assertEqual(self.ran, [args])

    def test_long_arguments_are_cut_between_characters(self) -> None:
        gate = self.sidecar()
        for pad in range(4):
            self.hold(gate, '{"to":"' + "x" * pad + "🚀" * 100 + '"}')
        for line in self.run_to("approvals").splitlines()[1:]:  # which must be UTF-8
            self.assertTrue(line.endswith("🚀..."), line)



class Answered(OneCallTest):
    def test_an_approved_call_runs_when_it_is_resumed_and_not_before(self) -> None:
        gate = self.sidecar()
        call = self.hold(gate, '{"n":1}')
        self.assertEqual(self.resume(gate, call)["status"], "held")
        self.approve(call["actionId"])
        self.assertEqual(self.ran, [])
        self.assert_money(reserved=PRICE, spent=Decimal(0))
        result = self.resume(gate, call)
        self.assertEqual((result["status"], result["output"]), ("completed", "ran"))
        again = self.resume(gate, call)
        self.assertEqual((again["status"], again["replayed"]), ("completed", True))
        self.assertEqual(self.ran, ['{"n":1}'])
        self.assert_money(reserved=Decimal(0), spent=PRICE)

    def test_a_host_hears_of_the_answer_while_it_waits_for_nothing(self) -> None:
        gate = self.sidecar()
        approved, denied = self.hold(gate, '{"n":1}'), self.hold(gate, '{"n":2}')
        self.approve(approved["actionId"])
        heard = gate.receive(patience=2)
        assert heard is not None
        self.assertEqual((heard["method"], heard["params"]["hold"]["have"]), ("actions/updated", 1))
        self.run_to("deny", denied["actionId"], "--reason", "not today")
        heard = gate.receive(patience=2)
        assert heard is not None
        self.assertEqual((heard["method"], heard["params"]["code"]),
                         ("actions/updated", "approval_denied"))

    def test_a_request_is_named_by_its_id_or_the_calls_or_the_end_of_one(self) -> None:
        gate = self.sidecar()
        for key, size in itertools.product(("actionId", "requestId"), (36, 12)):
            call = self.hold(gate)
            name = {**call, **call["hold"]}[key][-size:]
            said = json.loads(self.run_to("deny", name, "--json"))
            self.assertEqual(said, {"requestId": call["hold"]["requestId"], "verdict": "denied",
                                    "actionId": call["actionId"],
                                    "argsDigest": call["hold"]["argsDigest"]})

    def test_a_name_of_nothing_that_waits_is_not_found(self) -> None:
        gate = self.sidecar()
        call = self.hold(gate)
        for wrong in ("ffffffffffff", call["actionId"][:-1], call["actionId"] + "0"):
            self.run_to("deny", wrong, code=6)
            self.approve(wrong, code=6)
        self.run_to("deny", call["actionId"][-3:], code=2)  # anything may end so
        self.assertEqual(len(self.listed()), 1)

    def test_what_is_answered_is_answered(self) -> None:
        gate = self.sidecar()
        call = self.hold(gate)
        name = call["actionId"]
        self.approve(name)
        self.assertIn("already", self.approve(name, code=6))
        self.assertEqual(self.resume(gate, call)["status"], "completed")
        self.approve(name, code=6)
        self.run_to("deny", name, code=6)

    def test_a_denial_is_final(self) -> None:
        gate = self.sidecar()
        call = self.hold(gate)
        self.run_to("deny", call["actionId"], "--reason", 'too "dear"')
        self.run_to("deny", call["actionId"], code=6)
        self.approve(call["actionId"], code=6)
        result = self.resume(gate, call)
        self.assert_denied(result, "approval_denied")
        self.assertIn('too "dear"', result["reason"])
        self.assert_money(reserved=Decimal(0), spent=Decimal(0))

    def test_an_approval_can_be_taken_back_by_denying_until_the_call_runs(self) -> None:
        gate = self.sidecar()
        call = self.hold(gate)
        self.approve(call["actionId"])
        self.run_to("deny", call["actionId"])
        self.assert_denied(self.resume(gate, call), "approval_denied")
        self.assertEqual(self.ran, [])

    def test_a_reason_that_is_no_utf_8_reaches_the_host_as_utf_8(self) -> None:
        gate = self.sidecar()
        call = self.hold(gate)
        self.run_to("deny", call["actionId"], "--reason", os.fsdecode(b"no \xff\n way"))
        result = self.resume(gate, call)
        self.assert_denied(result, "approval_denied")
        self.assertIn("no \ufffd\n way", result["reason"])
        self.assert_chain_whole()

    def test_an_agent_has_at_most_a_hundred_calls_that_wait(self) -> None:
        self.room = 102
        self.set_policy(self.approvals)
        gate = self.sidecar(agent="eager")
        for _ in range(100):
            self.hold(gate)
        self.assert_denied(self.govern(gate), "approval_required")
        self.hold(self.sidecar(agent="other"))
        self.run_to("deny", self.listed()[0]["actionId"])
        self.hold(gate)


class Late(OneCallTest):
    approvals = 'allow_unsigned = true\ntimeout = "400ms"'

    def test_what_nobody_answered_in_time_is_over(self) -> None:
        gate = self.sidecar()
        call = self.hold(gate)
        self.assert_denied(self.resume(gate, call, LONG_MS), "approval_expired")
        self.assertEqual(self.listed(), [])
        self.approve(call["actionId"], code=6)
        self.run_to("deny", call["actionId"], code=6)
        self.assert_money(reserved=Decimal(0), spent=Decimal(0))

    def test_time_passes_while_no_sidecar_lives(self) -> None:
        gate = self.sidecar()
        call = self.hold(gate)
        gate.kill()
        time.sleep(0.5)
        self.assertEqual(self.listed(), [])
        self.approve(call["actionId"], code=6)
        self.assert_denied(self.resume(self.sidecar(), call), "approval_expired")

    def test_an_approval_comes_too_late_for_a_call_that_nobody_resumed(self) -> None:
        gate = self.sidecar()
        call = self.hold(gate)
        self.approve(call["actionId"])
        time.sleep(0.5)
        self.assert_denied(self.resume(gate, call), "approval_expired")
        self.assertEqual(self.ran, [])


class WhoMayApprove(OneCallTest):
    def setUp(self) -> None:
        super().setUp()
        self.gate = self.sidecar()
        self.call = self.hold(self.gate)
        self.name: str = self.call["actionId"]

    def assert_still_held(self) -> None:
        result = self.resume(self.gate, self.call)
        self.assertEqual((result["status"], result["hold"]["have"]), ("held", 0))
        self.assertEqual(self.ran, [])

    def test_approving_wants_a_terminal_and_the_code(self) -> None:
        self.assertIn("terminal", self.run_to("approve", self.name, code=2))
        self.approve(self.name, code=2, typed="0")
        self.assert_still_held()

    def test_a_governed_tool_cannot_approve(self) -> None:
        self.approve(self.name, code=2, env={"TALLYGATE_ACTION": self.name})
        self.assert_still_held()

    def test_nobody_approves_where_the_configuration_takes_no_unsigned_approval(self) -> None:
        self.set_policy("allow_unsigned = false")
        self.assertIn("allow_unsigned", self.approve(self.name, code=2))
        self.assert_still_held()
        self.run_to("deny", self.name)

    def test_denying_wants_neither_terminal_nor_permission(self) -> None:
        done = self.tallygate("deny", self.name, env={**os.environ, "TALLYGATE_ACTION": "x"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_denied(self.resume(self.gate, self.call), "approval_denied")

    def test_where_nobody_can_approve_nothing_waits(self) -> None:
        self.set_policy("")
        self.assert_denied(self.govern(self.sidecar()), "approval_required")


if __name__ == "__main__":
    unittest.main()
