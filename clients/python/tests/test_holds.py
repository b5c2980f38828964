"""Calls that wait for a person, and what hosts do about them, through the real sidecar."""

from __future__ import annotations

import json
import os
import pty
import queue
import re
import subprocess
import threading
import time
import unittest
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest import mock

from support import POLICY, RealTest, in_threads

import tallygate

APPROVALS = """
[approvals]
allow_unsigned = true
[tools.careful]
level = 4
cost = "free"
[[rules]]
id = "with-care"
match = {tool = "careful"}
effect = "allow"
"""


class HoldTest(RealTest):
    """A gate whose tool `sensitive` waits for a person, who sits at another terminal."""

    def setUp(self) -> None:
        super().setUp()
        self.binary = os.environ["TALLYGATE_BIN"]
        self.config = self.folder / "policy.toml"

    def start_holding(self, **more: Any) -> tallygate.Gate:
        return self.start_real(POLICY + APPROVALS, run="tests", **more)

    def held(self, gate: tallygate.Gate, tool: str = "sensitive") -> tallygate.ActionResult:
        with self.assertRaises(tallygate.Held) as caught:
            gate.govern(tool, {})
        return caught.exception.result

    def deny(self, action_id: str, reason: str) -> None:
        command = [self.binary, "deny", action_id, "--reason", reason, "-c", str(self.config)]
        subprocess.run(command, env=self.environment(), check=True, capture_output=True)

    def approve(self, action_id: str) -> None:
        """Types the code that the command asks for at its terminal."""
        child, terminal = pty.fork()
        if child == 0:
            command = [self.binary, "approve", action_id, "-c", str(self.config)]
            os.execve(self.binary, command, self.environment())
        seen = b""
        while chunk := _read(terminal):
            seen += chunk
            if asked := re.search(rb"Type (\d+) to go on: $", seen):
                os.write(terminal, asked[1] + b"\n")
        os.close(terminal)
        self.assertEqual(os.waitpid(child, 0)[1], 0, seen.decode())

    def soon(self, work: Callable[[], None]) -> None:
        timer = threading.Timer(0.3, work)
        timer.start()
        self.addCleanup(timer.join)

    def waiting(self) -> list[str]:
        """The calls that wait for a person."""
        command = [self.binary, "approvals", "--json", "-c", str(self.config)]
        done = subprocess.run(command, env=self.environment(), capture_output=True)
        rows = json.loads(done.stdout or b'{"approvals":[]}')["approvals"]
        return [row["actionId"] for row in rows]


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the other end is closed
        return b""


class Resume(HoldTest):
    def setUp(self) -> None:
        super().setUp()
        self.ran: list[int] = []
        self.gate = self.start_holding()
        self.gate.register("sensitive", self.body)

    def body(self) -> str:
        self.ran.append(1)
        return "done"

    def test_a_held_call_says_what_it_waits_for(self) -> None:
        result = self.held(self.gate)
        assert result.hold is not None
        self.assertEqual((result.hold.needed, result.hold.have), (1, 0))
        self.assertEqual(len(result.hold.args_digest), 64)
        self.assertRegex(result.hold.deadline, r"^\d{4}-.*Z$")
        self.assertEqual(self.waiting(), [result.action_id])

    def test_approved_it_runs_once_whoever_resumes_it(self) -> None:
        call = self.held(self.gate).action_id
        self.approve(call)
        self.assertEqual(self.ran, [])
        other = self.start_holding()
        other.register("sensitive", self.body)
        gates = [self.gate, other] * 4
        ends = in_threads(8, lambda n: gates[n].resume(call, wait=20))
        self.assertEqual([end.output for end in ends], ["done"] * 8)
        self.assertEqual(self.ran, [1])

    def test_not_approved_it_is_still_held_when_the_wait_is_over(self) -> None:
        call = self.held(self.gate).action_id
        for wait in (None, 0, 0.2, timedelta(milliseconds=200)):
            begun = time.monotonic()
            with self.assertRaises(tallygate.Held) as caught:
                self.gate.resume(call, wait)
            # The sidecar counts whole milliseconds, from the one in which it read the request.
            self.assertGreater(time.monotonic() - begun, 0.199 if wait else 0)
            assert caught.exception.result.hold is not None
            self.assertEqual(caught.exception.result.hold.have, 0)

    def test_denied_it_never_runs(self) -> None:
        call = self.held(self.gate).action_id
        self.soon(lambda: self.deny(call, "not on a Friday"))
        with self.assertRaisesRegex(tallygate.Denied, "not on a Friday") as caught:
            self.gate.resume(call, wait=20)
        self.assertEqual(caught.exception.result.code, "approval_denied")
        self.assertEqual(self.ran, [])

    def test_govern_waits_for_the_person(self) -> None:
        self.soon(lambda: self.approve(self.waiting()[0]))
        result = self.gate.govern("sensitive", {}, wait_for_approval=timedelta(seconds=20))
        self.assertEqual((result.status, result.output, self.ran), ("completed", "done", [1]))

    def test_govern_waits_in_pieces_and_no_longer_than_it_was_told(self) -> None:
        with mock.patch("tallygate.requests.PIECE", 0.1):
            begun = time.monotonic()
            with self.assertRaises(tallygate.Held):
                self.gate.govern("sensitive", {}, wait_for_approval=0.35)
            self.assertLess(abs(time.monotonic() - begun - 0.35), 0.3)
            call = self.waiting()[0]
            self.soon(lambda: self.approve(call))
            waited = self.gate._approved(self.gate.get(call), 20)
            self.assertEqual(waited.output, "done")

    def test_a_body_that_fails_after_its_approval(self) -> None:
        @self.gate.tool(name="careful")
        def body() -> None:
            raise KeyError("no such page")

        call = self.held(self.gate, "careful").action_id
        self.approve(call)
        with self.assertRaises(tallygate.ToolFailed) as caught:
            self.gate.resume(call)
        self.assertIsInstance(caught.exception.__cause__, KeyError)

    def test_a_call_that_runs_elsewhere_is_running(self) -> None:
        begun, go = threading.Event(), threading.Event()

        def slow() -> str:
            begun.set()
            go.wait(10)
            return "slow"

        other = self.start_holding()
        other.register("sensitive", slow)
        call = self.held(self.gate).action_id
        self.approve(call)
        ends: queue.SimpleQueue[Any] = queue.SimpleQueue()
        threading.Thread(target=lambda: ends.put(other.resume(call).output)).start()
        self.assertTrue(begun.wait(10))
        with self.assertRaises(tallygate.Running):
            self.gate.resume(call)
        self.gate.ping()  # that was no nonsense
        go.set()
        self.assertEqual(self.gate.resume(call, wait=20).output, "slow")
        self.assertEqual(ends.get(timeout=10), "slow")

    def test_what_nobody_holds_is_refused(self) -> None:
        with self.assertRaises(tallygate.RequestRefused):
            self.gate.resume("00000000-0000-7000-8000-000000000000")


class Notices(HoldTest):
    def test_an_update_is_heard_while_nobody_waits(self) -> None:
        heard: queue.SimpleQueue[tallygate.ActionResult] = queue.SimpleQueue()
        gate = self.start_holding(on_update=heard.put)
        gate.register("sensitive", lambda: 1)
        first, second = self.held(gate), self.held(gate)
        self.approve(first.action_id)
        update = heard.get(timeout=5)
        assert update.hold is not None
        self.assertEqual((update.action_id, update.hold.have), (first.action_id, 1))
        self.deny(second.action_id, "no")
        update = heard.get(timeout=5)
        self.assertEqual((update.action_id, update.code), (second.action_id, "approval_denied"))

    def test_a_callback_may_resume(self) -> None:
        ended: queue.SimpleQueue[Any] = queue.SimpleQueue()

        def on_update(update: tallygate.ActionResult) -> None:
            ended.put(gate.resume(update.action_id).output)

        gate: tallygate.Gate = self.start_holding(on_update=on_update)
        gate.register("sensitive", lambda: "done")
        self.approve(self.held(gate).action_id)
        self.assertEqual(ended.get(timeout=5), "done")

    def test_a_callback_that_raises_changes_nothing(self) -> None:
        def broken(progress: tallygate.Progress) -> None:
            raise RuntimeError("no screen")

        gate = self.start_holding(on_progress=broken)
        gate.register("search", lambda: 1)
        with mock.patch("threading.excepthook") as hook:
            self.assertEqual([gate.call("search") for _ in range(2)], [1, 1])
            gate.close()
        self.assertIn("no screen", str(hook.call_args[0][0].exc_value))

    def test_progress_tells_what_is_asked_and_how_far_it_has_come(self) -> None:
        heard: queue.SimpleQueue[tallygate.Progress] = queue.SimpleQueue()
        gate = self.start_holding(on_progress=heard.put)
        gate.register("sensitive", lambda: 1)
        call = self.held(gate).action_id
        self.soon(lambda: self.approve(call))
        gate.resume(call, wait=20)
        stages = [heard.get(timeout=5) for _ in range(2)]
        self.assertEqual([progress.stage for progress in stages], ["held", "running"])
        self.assertEqual(stages[0].request["actionId"], call)

    def test_a_throttled_call_says_how_long(self) -> None:
        throttle = """
[[rules]]
id = "slowly"
match = {tool = "search"}
effect = "throttle"
rate = "1/300ms"
"""
        heard: queue.SimpleQueue[tallygate.Progress] = queue.SimpleQueue()
        gate = self.start_real(POLICY + throttle, on_progress=heard.put)
        gate.register("search", lambda n: n)
        self.assertEqual([gate.call("search", n=n) for n in range(2)], [0, 1])
        stages = [heard.get(timeout=5)]
        while [one.stage for one in stages].count("running") < 2:
            stages.append(heard.get(timeout=5))  # a call may be throttled again, for a moment
        self.assertEqual(stages[1].stage, "throttled")
        self.assertEqual(stages[1].request["args"], {"n": 1})
        assert stages[1].retry_after is not None
        self.assertTrue(0 < stages[1].retry_after <= 0.3)


class Extend(HoldTest):
    def test_a_body_takes_more_time(self) -> None:
        gate = self.start_real()
        answers = []

        @gate.tool
        def slow() -> str:
            """Its timeout is 300 ms."""
            for _ in range(4):
                time.sleep(0.2)
                answers.append(gate.extend())
            return "in the end"

        result = gate.govern("slow", {})
        self.assertEqual(result.output, "in the end")
        self.assertEqual([(one.status, one.code) for one in answers], [("granted", None)] * 4)
        self.assertGreater(result.reserved["seconds"], Decimal("0.8"))

    def test_a_call_that_has_ended_is_not_extended(self) -> None:
        gate = self.start_real()
        gate.register("search", lambda: 1)
        ended = gate.extend(gate.govern("search", {}).action_id)
        self.assertEqual((ended.status, ended.replayed), ("completed", True))
        with self.assertRaisesRegex(ValueError, "no body"):
            gate.extend()

    def test_a_budget_that_is_used_up_leaves_the_old_deadline(self) -> None:
        cap = '[[budgets]]\nscope = "global"\nunit = "seconds"\nwindow = "total"\ncap = "0.35"\n'
        gate = self.start_real(POLICY + cap)
        answers = []

        @gate.tool
        def slow() -> None:
            time.sleep(0.2)
            answers.append(gate.extend())

        slow()
        self.assertEqual(
            [(one.status, one.code) for one in answers], [("granted", "budget_exhausted")]
        )


class Usage(HoldTest):
    def usd(self, gate: tallygate.Gate) -> tallygate.Budget:
        return next(row for row in gate.budgets() if row.unit == "usd")

    def test_a_record_is_charged_and_may_overrun(self) -> None:
        gate = self.start_real()
        result = gate.record_usage({"usd": Decimal("0.08")}, model="small-1")
        self.assertEqual((result.status, result.spent), ("completed", {"usd": Decimal("0.08")}))
        gate.record_usage({"usd": "0.03"})
        budget = self.usd(gate)
        self.assertEqual((budget.spent, budget.overrun), (Decimal("0.1"), Decimal("0.01")))
        gate.register("pay", lambda: None)
        with self.assertRaises(tallygate.Denied) as caught:
            gate.call("pay")
        self.assertEqual(caught.exception.result.code, "budget_exhausted")

    def test_a_record_with_a_name_is_charged_once(self) -> None:
        gate = self.start_real(run="tests")
        ends = [gate.record_usage({"usd": "0.02"}, call_id="turn-1") for _ in range(2)]
        self.assertEqual([end.replayed for end in ends], [False, True])
        self.assertEqual(self.usd(gate).spent, Decimal("0.02"))
        with self.assertRaises(tallygate.Denied) as caught:
            gate.record_usage({"usd": "0.03"}, call_id="turn-1")
        self.assertEqual(caught.exception.result.code, "call_mismatch")

    def test_what_is_no_record(self) -> None:
        gate = self.start_real()
        for wrong in ({}, {"usd": "much"}, {"usd": "-1"}):
            with self.assertRaises(tallygate.RequestRefused, msg=wrong):
                gate.record_usage(wrong)
        with self.assertRaises(TypeError):
            gate.record_usage({"usd": 0.1})  # type: ignore[dict-item]


if __name__ == "__main__":
    unittest.main()
