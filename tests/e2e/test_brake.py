"""The operator's brake while 64 calls are in flight in four processes, and all of them send more."""

from __future__ import annotations

import json
import os
import threading
import time
import unittest
from collections import Counter
from pathlib import Path
from typing import Any

from support import Sidecar, StoreTest

POLICY = """
[store]
url = "sqlite:store.db"
durability = "process"
[session]
allow_any_agent = true
[[budgets]]
scope = "global"
unit = "usd"
window = "total"
cap = "100.00"
[tools.pay]
cost = {usd = "0.01"}
timeout = "5m"
[tools.asked]
level = 4
cost = {usd = "0.01"}
[tools.long]
cost = {usd = "0.01"}
timeout = "5m"
executor = "exec"
command = ["/bin/sh", "-c", "sleep SECONDS & sleep SECONDS"]
[approvals]
allow_unsigned = true
[[rules]]
id = "all"
match = {tool = "*"}
effect = "allow"
"""
PROCESSES, IN_FLIGHT, MOST_BODIES = 4, 16, 60
SECONDS = str(86400 + os.getpid())  # by which these commands are told from those of other runs
SLEEP = b"sleep\0" + SECONDS.encode()


def sleepers() -> int:
    """Processes of the commands that these tests run."""
    found = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found += SLEEP in (folder / "cmdline").read_bytes()
        except OSError:
            pass  # it has ended meanwhile
    return found


class Host:
    """One sidecar with many calls in flight; a thread of its own keeps it talking."""

    def __init__(self, gate: Sidecar, cooperates: bool = True) -> None:
        self.gate, self.cooperates = gate, cooperates
        gate.request("tools/register", {"tools": [{"name": "pay"}, {"name": "asked"}]})
        self.bodies: dict[str, Any] = {}  # requests of the sidecar, by action
        self.answers: dict[str, dict[str, Any]] = {}
        self.told_to_stop: list[Any] = []
        self.sent = self.finished = 0
        self.stop = threading.Event()

    def ask(self, name: str, method: str, **params: Any) -> None:
        self.sent += 1
        self.gate.send({"id": name, "method": method, "params": params})

    def propose(self, name: str, tool: str) -> None:
        args = {} if tool == "long" else {"n": name}
        self.ask(name, "actions/govern", tool=tool, args=args)

    def hear(self, patience: float) -> bool:
        """Notes one message; False where none came in time."""
        try:
            message = self.gate.receive(patience)
        except TimeoutError:
            return False
        assert message is not None
        if message.get("method") == "tools/execute":
            self.bodies[message["params"]["actionId"]] = message["id"]
        elif message.get("method") == "$/cancelRequest":
            self.told_to_stop.append(message["params"]["id"])
            if self.cooperates:
                self.gate.send({"id": message["params"]["id"], "error": {"code": 1, "message": "stopped"}})
        elif "result" in message:
            self.answers[message["id"]] = message["result"]
        return True

    def hear_until(self, is_so: Any, patience: float = 20.0) -> None:
        until = time.monotonic() + patience
        while not is_so():
            assert time.monotonic() < until, "it did not come to that"
            self.hear(0.05)

    def flood(self) -> None:
        """Proposes more and more, as an agent does that nobody stops."""
        number = 0
        while not self.stop.is_set():
            number += 1
            self.propose(f"more{number}", "pay")
            while self.hear(0.0005):
                pass
            if len(self.bodies) > MOST_BODIES:  # lest the sidecar has no place for more
                self.finished += 1
                self.gate.send({"id": self.bodies.popitem()[1], "result": {"output": 1}})
            time.sleep(0.001)

    def answer_all(self) -> None:
        for request in self.bodies.values():
            self.gate.send({"id": request, "result": {"output": 1}})


class Brake(StoreTest):
    def setUp(self) -> None:
        super().setUp()
        self.config.write_text(POLICY.replace("SECONDS", SECONDS), encoding="utf-8")

    def fill(self, tools: tuple[str, ...], cooperates: bool = True) -> list[Host]:
        """Four hosts with sixteen calls in flight each: bodies that run, and waits for approval."""
        hosts = []
        for index in range(PROCESSES):
            host = Host(self.sidecar(agent=f"a{index}"), cooperates)
            for number in range(IN_FLIGHT):
                host.propose(f"c{number}", tools[number % len(tools)])
            host.hear_until(lambda host=host: self.is_full(host, tools))
            for name, answer in list(host.answers.items()):
                host.ask(f"wait-{name}", "actions/resume", actionId=answer["actionId"], waitMs=600_000)
            hosts.append(host)
        self.assertEqual(sum(self.open_calls().values()), PROCESSES * IN_FLIGHT)
        return hosts

    @staticmethod
    def is_full(host: Host, tools: tuple[str, ...]) -> bool:
        each = Counter(tools[number % len(tools)] for number in range(IN_FLIGHT))
        return len(host.bodies) == each["pay"] and len(host.answers) == each["asked"]

    def open_calls(self) -> Counter[str]:
        """Calls by their newest state, of those that are open."""
        newest: dict[str, str] = {}
        for row in self.trail():
            if row.get("actionId") and row["kind"] not in ("approval", "late_result"):
                newest[row["actionId"]] = row["kind"]
        return Counter(kind for kind in newest.values() if kind in ("granted", "held", "in_doubt"))

    def trail(self) -> list[dict[str, Any]]:
        lines = self.tallygate("audit", "tail", "-n", "1000000", "--json").stdout.splitlines()
        return [json.loads(line) for line in lines]

    def close_while_all_send(self, hosts: list[Host], command: str) -> list[dict[str, Any]]:
        """What the command says that runs. Afterwards nobody sends any more."""
        threads = [threading.Thread(target=host.flood) for host in hosts]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        done = self.tallygate(command, "global", "--reason", "enough", "--json")
        time.sleep(0.3)
        for host, thread in zip(hosts, threads):
            host.stop.set()
            thread.join()
        self.assertEqual(done.returncode, 0, done.stderr)
        running: list[dict[str, Any]] = json.loads(done.stdout)["running"]
        return running

    @staticmethod
    def hear_all(hosts: list[Host], patience: float = 20.0) -> None:
        """Lets them go on until each of their requests has its answer."""
        until = time.monotonic() + patience
        while any(len(host.answers) < host.sent for host in hosts):
            assert time.monotonic() < until, "a request has no answer"
            for host in hosts:
                while host.hear(0.002):
                    pass

    def assert_nothing_admitted_after_the_close(self) -> list[dict[str, Any]]:
        """The rows after that of the close."""
        rows = self.trail()
        close = next(row["seq"] for row in rows if row["kind"] == "scope")
        before = [row for row in rows if row["seq"] < close and row["kind"] == "granted"]
        after = [row for row in rows if row["seq"] > close]
        self.assertGreater(len(before), 20)
        self.assertEqual([row for row in after if row["kind"] in ("granted", "held", "extended")], [])
        self.assertGreater(sum(row["kind"] == "denied" for row in after), PROCESSES)
        self.assert_chain_whole()
        return after

    def test_a_cut_admits_nothing_ends_what_waits_and_lets_run_what_runs(self) -> None:
        hosts = self.fill(("pay", "pay", "pay", "asked"))
        running = self.close_while_all_send(hosts, "cut")
        after = self.assert_nothing_admitted_after_the_close()
        ended = [row for row in after if row["body"].get("code") == "scope_cut"
                 and "waited for approval" in row["body"].get("reason", "")]
        self.assertEqual(len(ended), PROCESSES * IN_FLIGHT // 4)
        self.assertEqual([row["seq"] for row in ended],
                         list(range(after[0]["seq"], after[0]["seq"] + len(ended))), "in the very turn")
        self.assertGreaterEqual(len(running), PROCESSES * IN_FLIGHT * 3 // 4)
        for host in hosts:
            waits = [f"wait-c{number}" for number in range(3, IN_FLIGHT, 4)]
            host.hear_until(lambda host=host, waits=waits: set(waits) <= set(host.answers))
            self.assertEqual({host.answers[name]["code"] for name in waits}, {"scope_cut"})
            host.answer_all()
        self.hear_all(hosts)
        for host in hosts:
            self.assertEqual(host.told_to_stop, [])
            self.assertEqual(sum(one["status"] == "completed" for one in host.answers.values()),
                             len(host.bodies) + host.finished)
        self.assertEqual(self.usd()["reserved"], "0")

    def test_a_kill_ends_bodies_commands_and_hosts_that_do_not_listen(self) -> None:
        kind = ("pay", "long", "asked", "long")
        deaf = self.fill(kind, cooperates=False)
        began = time.monotonic()
        # What was granted a moment ago may not have begun yet.
        while sleepers() < 2 * PROCESSES * IN_FLIGHT // 2:
            self.assertLess(time.monotonic() - began, 20)
            time.sleep(0.05)
        began = time.monotonic()
        self.close_while_all_send(deaf, "kill")
        self.hear_all(deaf)
        self.assertLess(time.monotonic() - began, 20)
        self.assert_nothing_admitted_after_the_close()
        self.assertEqual(sleepers(), 0)
        for host in deaf:
            self.assertLessEqual(set(host.bodies.values()), set(host.told_to_stop))
            ends = Counter((one["status"], one.get("code", "")) for one in host.answers.values())
            self.assertLessEqual(set(ends), {("in_doubt", "scope_killed"), ("cancelled", "scope_killed"),
                                             ("denied", "scope_killed"), ("held", ""), ("completed", "")})
            self.assertEqual(ends["in_doubt", "scope_killed"], len(host.bodies))
            self.assertEqual(ends["cancelled", "scope_killed"], IN_FLIGHT // 2)
        doubts = sum(len(host.bodies) for host in deaf)
        self.assertEqual(self.usd()["reserved"], f"{doubts / 100:.2f}".rstrip("0").rstrip("."))
        self.assertEqual(self.open_calls(), {"in_doubt": doubts})

    def test_a_kill_takes_the_error_of_a_host_that_listens(self) -> None:
        hosts = self.fill(("pay",))
        self.close_while_all_send(hosts, "kill")
        self.hear_all(hosts)
        self.assert_nothing_admitted_after_the_close()
        for host in hosts:
            ends = Counter(one["status"] for one in host.answers.values())
            self.assertEqual(ends["cancelled"] + ends["completed"], len(host.bodies) + host.finished)
            self.assertGreaterEqual(ends["cancelled"], len(host.bodies))
            self.assertLessEqual(set(ends), {"cancelled", "completed", "denied"})
        self.assertEqual(self.usd()["reserved"], "0")
        self.assertEqual(self.open_calls(), {})

    def test_a_freeze_lets_holds_wait_and_grants_none_until_it_is_lifted(self) -> None:
        hosts = self.fill(("pay", "asked"))
        waiting = {name: one["actionId"] for name, one in hosts[0].answers.items()}
        approved = next(iter(waiting.values()))
        self.close_while_all_send(hosts, "freeze")
        self.assert_nothing_admitted_after_the_close()
        self.assertEqual(self.open_calls()["held"], PROCESSES * IN_FLIGHT // 2)
        code, seen = self.at_terminal("approve", approved)
        self.assertEqual(code, 0, seen)
        host = hosts[0]
        host.ask("look", "actions/resume", actionId=approved)
        host.hear_until(lambda: "look" in host.answers)
        self.assertEqual((host.answers["look"]["status"], host.answers["look"]["code"]),
                         ("held", "scope_frozen"))
        before = len(host.bodies)
        code, seen = self.at_terminal("reopen", "global")
        self.assertEqual(code, 0, seen)
        host.hear_until(lambda: len(host.bodies) == before + 1)
        self.assertIn(approved, host.bodies)
        for one in hosts:
            one.answer_all()
        self.assertEqual(self.open_calls()["held"], PROCESSES * IN_FLIGHT // 2 - 1)


if __name__ == "__main__":
    unittest.main()
