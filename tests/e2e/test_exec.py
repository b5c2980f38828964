"""Tools that the sidecar runs by itself: storms of them, and what is left when it is killed."""

import ctypes
import os
import sqlite3
import time
import unittest
from pathlib import Path
from typing import Any

from support import BINARY, FAREWELL, StoreTest

# Whoever is orphaned comes to this process: it sees every zombie that a dead sidecar leaves.
PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

POLICY = r"""
[store]
url = "sqlite:store.db"
durability = "process"

[tools.echo]
executor = "exec"
command = ["/usr/bin/printf", "--", '%s\n', "{text}"]
cost = { usd = "0.01" }
[tools.nap]
executor = "exec"
command = ["/bin/sleep", "{seconds}"]
timeout = "300ms"
cost = { usd = "0.01" }
[tools.sleep]
executor = "exec"
command = ["/bin/sleep", "{seconds}"]
timeout = "10m"
cost = { usd = "0.01" }
[tools.nothing]
executor = "exec"
command = ["/no/such/program"]
cost = { usd = "0.01" }
[tools.fails]
executor = "exec"
command = ["/bin/sh", "-c", "echo why >&2; exit 3"]
cost = { usd = "0.01" }
[tools.leaves]
executor = "exec"
command = ["/bin/sh", "-c", "sleep 1000 & setsid sleep 1000 & echo left"]
cost = { usd = "0.01" }
[tools.stays]
executor = "exec"
command = ["/bin/sh", "-c", "trap '' TERM; sleep 1000 & setsid sleep 1000 & env -i sleep 1000 & wait"]
cost = { usd = "0.01" }
timeout = "10m"
[tools.loud]
executor = "exec"
command = ["/usr/bin/head", "-c", "4000000", "/dev/zero"]
cost = { usd = "0.01" }

[[rules]]
id = "all"
match = { tool = "*" }
effect = "allow"

[[budgets]]
scope = "global"
unit = "usd"
window = "total"
cap = "1000"
"""


def processes() -> dict[int, tuple[str, int, bytes]]:
    """Every process: its state, its parent, its environment."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = Path("/proc", entry, "stat").read_text()
            state, parent = stat.rpartition(")")[2].split()[:2]
            environment = Path("/proc", entry, "environ").read_bytes()
        except OSError:
            continue
        found[int(entry)] = (state, int(parent), environment)
    return found


def reap() -> None:
    """What became ours and has ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
    except ChildProcessError:
        pass


class ExecTest(StoreTest):
    def setUp(self) -> None:
        super().setUp()
        # Others may test on this machine as well: bodies of this test are known by their folder.
        self.mark = f"EXEC_TEST={self.folder}".encode()
        of_this_test = f'executor = "exec"\nenv = {{ EXEC_TEST = "{self.folder}" }}'
        self.config.write_text(POLICY.replace('executor = "exec"', of_this_test))

    def left(self) -> list[int]:
        """Bodies that still live: what has their mark, or came to us when its parent died."""
        return [pid for pid, (state, parent, environment) in processes().items()
                if state not in "ZX" and (self.mark in environment or parent == os.getpid())]

    def assert_nothing_left(self, *, but: int = 0) -> None:
        until = time.monotonic() + 10
        while set(self.left()) - {but} and time.monotonic() < until:
            reap()
            time.sleep(0.02)
        self.assertEqual(set(self.left()) - {but}, set())

    def children_of(self, pid: int) -> list[int]:
        return [child for child, (_, parent, _) in processes().items() if parent == pid]

    def open_calls(self) -> int:
        with sqlite3.connect(self.folder / "store.db") as store:
            count: int = store.execute("SELECT count(*) FROM actions WHERE state <= 3").fetchone()[0]
            return count + store.execute("SELECT count(*) FROM executions").fetchone()[0]


class Storm(ExecTest):
    def mix(self, n: int) -> tuple[str, dict[str, Any]]:
        return [("echo", {"text": f"-{n}"}), ("nap", {"seconds": 5}), ("nothing", {}), ("fails", {}),
                ("leaves", {}), ("loud", {}), ("echo", {"wrong": 1}), ("echo", {"text": "x"}),
                ][n % 8]

    def test_two_hundred_at_once_all_end_and_leave_nothing(self) -> None:
        gate = self.sidecar()
        for n in range(200):
            tool, args = self.mix(n)
            gate.send({"id": n, "method": "actions/govern", "params": {"tool": tool, "args": args}})
        ends: dict[int, dict[str, Any]] = {}
        while len(ends) < 200:
            answer = gate.receive(60)
            assert answer is not None
            self.assertNotIn(answer["id"], ends)
            ends[answer["id"]] = answer["result"]
        expected = [("completed", None), ("failed", "execution_timeout"), ("failed", "no_executor"),
                    ("failed", "tool_error"), ("completed", None), ("completed", None),
                    ("denied", "invalid_args"), ("completed", None)]
        for n, end in ends.items():
            self.assertEqual((end["status"], end.get("code")), expected[n % 8], end)
        self.assertEqual(ends[0]["output"], "-0\n")
        self.assertIn("bytes were dropped", ends[5]["reason"])
        self.assertIn('"why"', ends[3]["reason"])
        self.assert_nothing_left(but=gate.process.pid)
        until = time.monotonic() + 5
        while self.children_of(gate.process.pid) and time.monotonic() < until:
            time.sleep(0.02)
        self.assertEqual(self.children_of(gate.process.pid), [], "zombies")
        self.assertEqual(self.open_calls(), 0)
        self.assertEqual(self.usd()["reserved"], "0")
        self.assertEqual(self.usd()["spent"], "1.5")  # what ran, and nothing else
        self.assertEqual(gate.finish(), 0)
        self.assert_chain_whole()

    def test_killed_in_the_middle_nothing_runs_on_and_every_call_has_its_end(self) -> None:
        for delay in (0.0, 0.02, 0.1, 0.4):
            with self.subTest(delay=delay):
                gate = self.sidecar()
                for n in range(200):
                    tool, args = [("stays", {}), ("sleep", {"seconds": 1000}), ("leaves", {}),
                                  ("fails", {})][n % 4]
                    gate.send({"id": n, "method": "actions/govern",
                               "params": {"tool": tool, "args": args}})
                time.sleep(delay)
                gate.kill()
                reap()
                # A start is enough, though its host leaves at once.
                heir = self.sidecar()
                self.assertEqual(heir.finish(), 0)
                self.assert_bodies_gone()
                self.assertEqual(self.open_calls(), 0)
                self.assert_chain_whole()

    def assert_bodies_gone(self) -> None:
        """No process with our mark; those that hid from that are ours, since we adopt."""
        until = time.monotonic() + 5
        while time.monotonic() < until:
            reap()
            named = [pid for pid, (state, _, environment) in processes().items()
                     if state not in "ZX" and self.mark in environment]
            if not named:
                break
            time.sleep(0.02)
        self.assertEqual(named, [])
        # Nor one that took it off, `env -i` say: what came to us, who adopt.
        self.assert_nothing_left()


class Ends(ExecTest):
    def running(self, tool: str = "sleep") -> Any:
        gate = self.sidecar()
        gate.send({"id": "b", "method": "actions/govern",
                   "params": {"tool": tool, "args": {"seconds": 1000} if tool == "sleep" else {}}})
        until = time.monotonic() + 10
        while not any(self.mark in environment for _, _, environment in processes().values()):
            self.assertLess(time.monotonic(), until)
            time.sleep(0.01)
        return gate

    def test_a_host_that_leaves_ends_a_body_within_two_seconds(self) -> None:
        for tool in ("sleep", "stays"):
            with self.subTest(tool):
                gate = self.running(tool)
                began = time.monotonic()
                gate.process.stdin.close()
                answer = gate.receive()
                self.assertEqual(gate.finish(), 0)
                self.assertLess(time.monotonic() - began, FAREWELL)
                self.assertEqual(answer["result"]["status"], "failed")
                self.assertEqual(answer["result"]["code"], "host_lost")
                self.assert_nothing_left()
        self.assertEqual(self.usd()["reserved"], "0")

    def test_sigterm_of_the_sidecar_does_the_same(self) -> None:
        gate = self.running()
        gate.process.terminate()
        answer = gate.receive()
        self.assertEqual(answer["result"]["code"], "host_lost")
        self.assertEqual(gate.finish(), 0)
        self.assert_nothing_left()

    def test_a_killed_scope_ends_its_bodies(self) -> None:
        gate = self.running("stays")
        self.assertEqual(self.tallygate("kill", "global").returncode, 0)
        began = time.monotonic()
        answer = gate.receive()
        while "id" not in answer:
            answer = gate.receive()
        self.assertEqual(answer["result"]["status"], "cancelled")
        self.assertEqual(answer["result"]["code"], "scope_killed")
        self.assertLess(time.monotonic() - began, 4)
        self.assert_nothing_left(but=gate.process.pid)
        self.assertEqual(self.usd()["spent"], "0.01")

    def test_a_killed_sidecar_takes_its_direct_child_along(self) -> None:
        gate = self.running()
        gate.kill()
        self.assert_nothing_left()
        self.sidecar().finish()
        tail = self.tallygate("audit", "tail", "--json").stdout
        self.assertIn('"kind":"in_doubt"', tail)
        self.assertEqual(self.usd()["reserved"], "0.01")

    def test_a_body_knows_whose_it_is_and_operators_commands_refuse_there(self) -> None:
        text = self.config.read_text() + f"""
[tools.nested]
executor = "exec"
command = ["{BINARY}", "reopen", "global", "-c", "{self.config}"]
cost = "free"
"""
        self.config.write_text(text)
        gate = self.sidecar()
        end = gate.request("actions/govern", {"tool": "nested", "args": {}})["result"]
        self.assertEqual((end["status"], end["code"]), ("failed", "tool_error"))
        self.assertIn("a governed tool may not act as its own operator", end["reason"])


if __name__ == "__main__":
    unittest.main()
