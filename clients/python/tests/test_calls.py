"""Calls through the real sidecar."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import unittest
from decimal import Decimal
from pathlib import Path
from typing import Any

from support import RealTest, in_threads

import tallygate


class Calls(RealTest):
    def setUp(self) -> None:
        super().setUp()
        self.gate = self.start_real(run="tests", stderr=subprocess.DEVNULL)

    def fails(self, body: Any) -> tallygate.ToolFailed:
        self.gate.register("search", body)
        with self.assertRaises(tallygate.ToolFailed) as caught:
            self.gate.call("search")
        self.assertEqual(caught.exception.result.code, "tool_error")
        self.gate.ping()
        return caught.exception

    def test_a_decorated_function_is_governed(self) -> None:
        @self.gate.tool
        def search(pattern: str, limit: int = 3) -> list[str]:
            """Finds lines."""
            return [pattern] * limit

        self.assertEqual(search("x"), ["x", "x", "x"])
        self.assertEqual(search(pattern="ü", limit=1), ["ü"])
        self.assertEqual(search.body("raw", 1), ["raw"])
        assert search.registration is not None
        self.assertEqual(search.registration.status, "ok")
        self.assertEqual(search.registration.executor, "host")
        with self.assertRaises(TypeError):
            search(colour="red")  # type: ignore[call-arg]

    def test_denied_means_the_body_did_not_run(self) -> None:
        ran = []

        @self.gate.tool(name="forbidden", description="never")
        def erase(path: str) -> None:
            ran.append(path)

        with self.assertRaises(tallygate.Denied) as caught:
            erase(path="/")
        self.assertEqual(caught.exception.result.code, "policy_denied")
        self.assertIn(caught.exception.result.reason or "?", str(caught.exception))
        self.assertEqual(ran, [])

    def test_unconfigured_and_unregistered(self) -> None:
        tool = self.gate.register("nowhere", lambda: 1)
        assert tool.registration is not None
        self.assertEqual(tool.registration.status, "unconfigured")
        for name in ("nowhere", "search"):
            with self.assertRaises(tallygate.Denied):
                self.gate.call(name)

    def test_a_name_is_taken_once(self) -> None:
        self.gate.register("search", lambda: 1)
        with self.assertRaisesRegex(ValueError, "already"):
            self.gate.register("search", lambda: 2)
        self.assertEqual(self.gate.call("search"), 1)

    def test_a_name_the_sidecar_cannot_govern_is_registered_in_vain(self) -> None:
        tool = self.gate.register("no name at all", lambda: 1)
        assert tool.registration is not None
        self.assertEqual(tool.registration.status, "unconfigured")
        with self.assertRaises(tallygate.RequestRefused):
            self.gate.call("no name at all")

    def test_money(self) -> None:
        self.gate.register("pay", lambda: "paid")
        result = self.gate.govern("pay", {})
        self.assertEqual((result.status, result.output), ("completed", "paid"))
        self.assertEqual(result.spent["usd"], Decimal("0.05"))
        self.gate.call("pay")
        with self.assertRaises(tallygate.Denied) as caught:
            self.gate.call("pay")
        self.assertEqual(caught.exception.result.code, "budget_exhausted")
        [budget] = [row for row in self.gate.budgets() if row.unit == "usd"]
        self.assertEqual((budget.cap, budget.spent), (Decimal("0.1"), Decimal("0.1")))
        self.assertEqual(budget.available, budget.cap - budget.spent)
        self.assertEqual(len(self.gate.budgets(scope=budget.scope)), 1)

    def test_a_call_with_a_name_runs_once(self) -> None:
        ran: list[int] = []

        def search(n: int) -> int:
            ran.append(n)
            return len(ran)

        self.gate.register("search", search)
        first = self.gate.govern("search", {"n": 1}, call_id="call_1")
        again = self.gate.govern("search", {"n": 1}, call_id="call_1")
        self.assertEqual((first.output, first.replayed), (1, False))
        self.assertEqual((again.output, again.replayed), (1, True))
        self.assertEqual(ran, [1])
        with self.assertRaises(tallygate.Denied) as caught:
            self.gate.govern("search", {"n": 2}, call_id="call_1")
        self.assertEqual(caught.exception.result.code, "call_mismatch")

    def test_a_cost_that_the_host_states(self) -> None:
        self.gate.register("ask", lambda: None)
        result = self.gate.govern("ask", {}, cost={"usd": Decimal("0.0300")})
        self.assertIsNone(result.output)
        self.assertEqual(result.spent["usd"], Decimal("0.03"))
        with self.assertRaises(TypeError):
            self.gate.govern("ask", {}, cost={"usd": 0.03})  # type: ignore[dict-item]
        with self.assertRaises(tallygate.Denied):
            self.gate.govern("ask", {}, cost={"usd": "0.05"})

    def test_a_body_that_raises(self) -> None:
        def body() -> None:
            raise KeyError("no such page")

        error = self.fails(body)
        self.assertIn("no such page", error.result.reason or "")
        self.assertIsInstance(error.__cause__, KeyError)

    def test_a_body_that_exits(self) -> None:
        self.assertIsInstance(self.fails(lambda: sys.exit(3)).__cause__, SystemExit)

    def test_a_body_that_is_interrupted(self) -> None:
        def body() -> None:
            raise KeyboardInterrupt

        self.assertIn("KeyboardInterrupt", self.fails(body).result.reason or "")

    def test_a_body_with_a_long_and_broken_message(self) -> None:
        def body() -> None:
            raise ValueError("\ud800" + "ü" * 5000)

        self.assertIn("ValueError", self.fails(body).result.reason or "")

    def test_an_output_that_is_not_json(self) -> None:
        self.assertIn("not JSON", self.fails(lambda: object()).result.reason or "")

    def test_an_output_that_is_not_a_number(self) -> None:
        self.assertIn("not JSON", self.fails(lambda: [float("nan")]).result.reason or "")

    def test_an_output_that_is_too_long(self) -> None:
        self.assertIn("too long", self.fails(lambda: "x" * 3 * 1024 * 1024).result.reason or "")

    def test_an_output_that_is_just_not_too_long(self) -> None:
        text = "x" * (3 * 1024 * 1024 - 2)
        self.gate.register("search", lambda: text)
        self.assertEqual(self.gate.call("search"), text)

    def test_arguments_that_do_not_fit_the_body(self) -> None:
        self.gate.register("search", lambda pattern: pattern)
        with self.assertRaisesRegex(tallygate.ToolFailed, "colour"):
            self.gate.call("search", colour="red")

    def test_arguments_arrive_as_they_were(self) -> None:
        self.gate.register("search", lambda **args: args)
        args = {
            "tool": "x",
            "self": 1,
            "a": [1, -0.5, 1e300, None, True],
            "ü\u2028": {"\x00": 2**63 - 1},
        }
        self.assertEqual(self.gate.govern("search", args).output, args)
        self.assertEqual(self.gate.call("search", tool="x", self=2), {"tool": "x", "self": 2})

    def test_arguments_that_cannot_be_sent(self) -> None:
        self.gate.register("search", lambda x: x)
        for value in (float("inf"), object(), {1: 2}):
            with self.assertRaises((TypeError, ValueError)):
                self.gate.call("search", x=value)
        self.assertEqual(self.gate.call("search", x=1), 1)

    def test_a_refused_request(self) -> None:
        with self.assertRaises(tallygate.RequestRefused) as caught:
            self.gate.call("no name at all")
        self.assertEqual(caught.exception.code, -32602)

    def test_usage_is_reported(self) -> None:
        self.gate.register("pay", lambda: tallygate.Answer(1, usage={"usd": Decimal("0.06")}))
        result = self.gate.govern("pay", {})
        self.assertEqual(result.output, 1)
        # More than the fixed price always counts.
        [budget] = [row for row in self.gate.budgets() if row.unit == "usd"]
        self.assertEqual(budget.spent + budget.overrun, Decimal("0.06"))

    def test_out_of_time(self) -> None:
        stopped = threading.Event()

        @self.gate.tool
        def slow() -> None:
            while not tallygate.cancelled():
                time.sleep(0.005)
            stopped.set()
            raise TimeoutError("stopped")

        with self.assertRaises(tallygate.NotCompleted):
            slow()
        self.assertTrue(stopped.is_set())

    def test_out_of_time_and_deaf(self) -> None:
        end = threading.Event()
        self.gate.register("slow", lambda: end.wait(10))
        with self.assertRaises(tallygate.InDoubt) as caught:
            self.gate.call("slow")
        self.assertEqual(caught.exception.result.code, "execution_timeout")
        end.set()
        self.gate.ping()  # the late answer is not nonsense to the sidecar


class Threads(RealTest):
    def test_64_threads(self) -> None:
        gate = self.start_real()
        gate.register("search", lambda n: n)
        results = in_threads(64, lambda n: [gate.call("search", n=n) for _ in range(20)])
        self.assertEqual(results, [[n] * 20 for n in range(64)])

    def test_64_threads_and_money_for_two(self) -> None:
        gate = self.start_real()
        gate.register("pay", lambda: "paid")
        results = in_threads(64, lambda n: gate.call("pay"))
        self.assertEqual(results.count("paid"), 2)
        refused = [error for error in results if isinstance(error, tallygate.Denied)]
        self.assertEqual(len(refused), 62)

    def test_nested_deeper_than_workers(self) -> None:
        gate = self.start_real(workers=2)

        @gate.tool
        def search(depth: int) -> int:
            return 0 if depth == 0 else 1 + search(depth=depth - 1)

        self.assertEqual(search(depth=20), 20)
        self.assertEqual(in_threads(8, lambda n: search(depth=10)), [10] * 8)

    def test_three_hundred_bodies_that_each_make_a_call(self) -> None:
        gate = self.start_real(workers=400)
        everyone = threading.Barrier(256)  # all places in flight are taken by bodies that will call

        @gate.tool
        def search(depth: int) -> int:
            if depth == 0:
                return 0
            try:
                everyone.wait(5)
            except threading.BrokenBarrierError:
                pass  # the last 44 come later
            return 1 + search(depth=depth - 1)

        self.assertEqual(in_threads(300, lambda n: search(depth=1)), [1] * 300)

    def test_no_more_bodies_than_workers(self) -> None:
        gate = self.start_real(workers=3)
        lock, running, most = threading.Lock(), 0, 0

        def body() -> None:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(0.01)
            with lock:
                running -= 1

        gate.register("search", body)
        self.assertEqual(in_threads(20, lambda n: gate.call("search")), [None] * 20)
        self.assertEqual(most, 3)


class Ends(RealTest):
    def test_session_and_close(self) -> None:
        gate = self.start_real(run="run-7")
        self.assertEqual((gate.session.agent, gate.session.run), ("default", "run-7"))
        self.assertIsNone(gate.session.group)
        self.assertEqual([Path(file).name for file in gate.policy.files], ["policy.toml"])
        self.assertEqual(len(gate.policy.digest), 64)
        self.assertGreater(gate.limits["inFlight"], 0)
        before = gate.audit_head
        gate.register("search", lambda: 1)
        gate.call("search")
        begun = time.monotonic()
        gate.close()
        self.assertLess(time.monotonic() - begun, 2.5)
        self.assertNotEqual(gate.audit_head, before)
        with self.assertRaises(tallygate.GateClosed):
            gate.call("search")

    def test_no_configuration_denies(self) -> None:
        gate = self.start(env=self.environment(), stderr=subprocess.DEVNULL)
        gate.register("search", lambda: 1)
        with self.assertRaises(tallygate.Denied):
            gate.call("search")

    def test_a_configuration_that_is_wrong(self) -> None:
        with open(self.folder / "stderr", "wb") as stderr:
            with self.assertRaises(tallygate.StartFailed) as caught:
                self.start_real("cap = 1", stderr=stderr)
        self.assertEqual(caught.exception.exit_code, 2)
        self.assertIn("policy.toml", (self.folder / "stderr").read_text())

    def test_an_unknown_agent(self) -> None:
        with self.assertRaises(tallygate.StartFailed) as caught:
            self.start_real(agent="stranger")
        self.assertIsInstance(caught.exception.__cause__, tallygate.RequestRefused)

    def test_killed_during_a_body_and_a_call_in_flight(self) -> None:
        gate = self.start_real()
        begun, noticed = threading.Event(), threading.Event()

        @gate.tool
        def search() -> None:
            begun.set()
            while not tallygate.cancelled():
                time.sleep(0.005)
            noticed.set()

        def kill() -> None:
            begun.wait(10)
            os.kill(gate._peer.connection.pid, signal.SIGKILL)

        threading.Thread(target=kill).start()
        with self.assertRaises(tallygate.GateClosed) as caught:
            search()
        self.assertTrue(caught.exception.sent)
        self.assertTrue(noticed.wait(5))
        with self.assertRaises(tallygate.GateClosed):
            search()

    def test_what_was_spent_outlives_the_sidecar(self) -> None:
        for _ in range(2):
            with self.start_real() as gate:
                gate.register("pay", lambda: None)
                gate.call("pay")
        with self.start_real() as gate:
            gate.register("pay", lambda: None)
            with self.assertRaises(tallygate.Denied):
                gate.call("pay")


if __name__ == "__main__":
    unittest.main()
