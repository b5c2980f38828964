"""Calls whose bodies the host runs by itself, and looking calls up, by both kinds of gate."""

from __future__ import annotations

import asyncio
import logging
import queue
import subprocess
import threading
import time
import unittest
from decimal import Decimal
from typing import Any

from support import POLICY
from support_aio import AsyncRealTest
from test_holds import APPROVALS, HoldTest

import tallygate


class Grants(HoldTest):
    def setUp(self) -> None:
        super().setUp()
        self.gate = self.start_holding()

    def stands(self, grant: tallygate.Grant) -> tallygate.ActionResult:
        return self.gate.get(grant.action_id)

    def test_a_block_completes(self) -> None:
        with self.gate.propose("pay", {"to": "kim"}) as grant:
            self.assertEqual(grant.args, {"to": "kim"})
            self.assertEqual(self.stands(grant).status, "granted")
            grant.output = ["paid"]
        self.assertTrue(grant.ended)
        self.assertEqual((grant.result.status, grant.result.output), ("completed", ["paid"]))
        self.assertEqual(grant.result.spent["usd"], Decimal("0.05"))

    def test_a_block_that_raises_fails_the_call(self) -> None:
        with self.assertRaises(KeyError):
            with self.gate.propose("pay", {}) as grant:
                raise KeyError("no such page")
        self.assertEqual((grant.result.status, grant.result.code), ("failed", "tool_error"))
        self.assertIn("no such page", grant.result.reason or "")
        self.assertEqual(self.stands(grant).spent["usd"], Decimal("0.05"))

    def test_an_output_that_cannot_be_told_fails_the_call(self) -> None:
        with self.assertRaises(TypeError):
            with self.gate.propose("pay", {}) as grant:
                grant.output = object()
        self.assertEqual(grant.result.status, "failed")

    def test_an_end_that_was_told_in_the_block_stays(self) -> None:
        with self.gate.propose("search", {}) as grant:
            grant.fail("no results")
        self.assertEqual((grant.result.status, grant.result.reason), ("failed", "no results"))
        self.assertEqual(grant.complete(1).status, "failed")  # its stored end, whatever is said

    def test_usage_is_told(self) -> None:
        with self.gate.propose("pay", {}) as grant:
            grant.usage = {"usd": Decimal("0.06")}
        self.assertEqual(grant.result.spent["usd"], Decimal("0.06"))

    def test_the_end_is_told_though_the_sidecar_died(self) -> None:
        with self.assertLogs("tallygate", "WARNING") as logs, self.assertRaises(KeyError):
            with self.gate.propose("pay", {}) as grant:
                self.gate._peer.connection.kill()
                self.gate._peer.connection.ended.wait(10)
                raise KeyError
        self.assertFalse(grant.ended)
        self.assertIn(grant.action_id, logs.output[0])
        # Another process of the same agent ends it.
        other = self.start_holding()
        done = other.complete(grant.action_id, grant.token, output="paid")
        self.assertEqual(done.status, "completed")

    def test_denied_held_and_wrong(self) -> None:
        with self.assertRaises(tallygate.Denied):
            self.gate.propose("forbidden", {})
        with self.assertRaises(tallygate.Held):
            self.gate.propose("sensitive", {})
        grant = self.gate.propose("search", {})
        with self.assertRaises(tallygate.RequestRefused):
            self.gate.complete(grant.action_id, "00" * 16, output=1)
        self.assertEqual(grant.complete().status, "completed")

    def test_a_held_one_is_granted_when_it_is_approved(self) -> None:
        with self.assertRaises(tallygate.Held) as caught:
            self.gate.propose("sensitive", {"n": 1})
        action = caught.exception.result.action_id
        self.approve(action)
        with self.gate.resume_proposed(action, wait=20) as grant:
            self.assertEqual(grant.args, {"n": 1})
        self.assertEqual(self.stands(grant).status, "completed")
        self.soon(lambda: self.approve(self.waiting()[0]))
        with self.gate.propose("sensitive", {}, wait_for_approval=20) as grant:
            grant.output = "waited"
        self.assertEqual(grant.result.output, "waited")

    def test_a_name_is_granted_once(self) -> None:
        grant = self.gate.propose("search", {}, call_id="c1")
        with self.assertRaises(tallygate.Running):
            self.gate.propose("search", {}, call_id="c1")
        with self.assertRaises(tallygate.Running):
            self.gate.resume_proposed(grant.action_id)
        grant.complete("found")
        with self.assertRaises(tallygate.Completed) as caught:
            self.gate.propose("search", {}, call_id="c1")
        self.assertEqual(caught.exception.result.output, "found")

    def test_more_time(self) -> None:
        with self.gate.propose("slow", {}) as grant:
            first = grant.expires_at
            for _ in range(3):
                time.sleep(0.2)
                self.assertIsNone(grant.extend().code)
            self.assertGreater(grant.expires_at, first)
        self.assertEqual(grant.result.status, "completed")

    def test_its_token_is_not_printed(self) -> None:
        grant = self.gate.propose("search", {})
        for text in (repr(grant), repr(grant.result), str(grant.result), repr(grant.result.terms)):
            self.assertNotIn(grant.token, text)


class Lookups(HoldTest):
    def test_a_held_call_is_looked_up_and_cancelled(self) -> None:
        gate = self.start_holding()
        gate.register("sensitive", lambda: 1)
        action = self.held(gate).action_id
        self.assertEqual(gate.get(action).status, "held")
        self.assertEqual(gate.cancel(action).status, "cancelled")
        self.assertEqual(self.waiting(), [])
        with self.assertRaises(tallygate.Cancelled):
            gate.resume(action)

    def test_a_body_that_runs_is_cancelled(self) -> None:
        gate = self.start_holding()
        running: list[str] = []
        begun = threading.Event()

        @gate.tool
        def search() -> None:
            running.append(gate._bodies.current_action() or "")
            begun.set()
            while not tallygate.cancelled():
                time.sleep(0.005)
            raise InterruptedError

        def cancel() -> None:
            begun.wait(10)
            gate.cancel(running[0])

        threading.Thread(target=cancel).start()
        with self.assertRaises(tallygate.Cancelled):
            search()


class Told(HoldTest):
    def test_a_closed_scope_is_heard(self) -> None:
        heard: queue.SimpleQueue[tallygate.ScopeChange] = queue.SimpleQueue()
        gate = self.start_holding(on_scope=heard.put)
        command = [self.binary, "cut", "global", "--reason", "lunch", "-c", str(self.config)]
        subprocess.run(command, env=self.environment(), check=True, capture_output=True)
        change = heard.get(timeout=5)
        self.assertEqual(change, tallygate.ScopeChange("global", "cut", "lunch"))
        gate.register("search", lambda: 1)
        with self.assertRaises(tallygate.Denied) as caught:
            gate.call("search")
        self.assertEqual(caught.exception.result.code, "scope_cut")

    def test_the_sidecars_words_become_records(self) -> None:
        logger = logging.getLogger("tests.sidecar")
        with self.assertLogs(logger, "WARNING") as logs:
            with self.assertRaises(tallygate.StartFailed):
                self.start_real("cap = 1", stderr=logger)
            until = time.monotonic() + 5
            while not logs.records and time.monotonic() < until:
                time.sleep(0.01)
        self.assertIn("policy.toml", logs.output[0])


class AsyncGrants(HoldTest, AsyncRealTest):
    async def open_holding(self, **more: Any) -> Any:
        return await self.open_real(POLICY + APPROVALS, run="tests", **more)

    async def test_a_block_completes_or_fails(self) -> None:
        gate = await self.open_holding()
        async with gate.propose("pay", {"to": "kim"}) as grant:
            grant.output = grant.args["to"]
        self.assertEqual((grant.result.status, grant.result.output), ("completed", "kim"))
        with self.assertRaises(KeyError):
            async with gate.propose("search", {}) as grant:
                raise KeyError
        self.assertEqual(grant.result.status, "failed")
        with self.assertRaises(TypeError):
            async with gate.propose("search", {}) as grant:
                grant.output = object()
        self.assertEqual(grant.result.status, "failed")
        with self.assertRaises(tallygate.Denied):
            await gate.propose("forbidden", {})

    async def test_a_cancelled_block_fails_the_call(self) -> None:
        gate = await self.open_holding()
        actions: list[str] = []

        async def work() -> None:
            async with gate.propose("search", {}) as grant:
                actions.append(grant.action_id)
                await asyncio.sleep(30)

        task = asyncio.create_task(work())
        while not actions:
            await asyncio.sleep(0.01)
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        ended = await gate.get(actions[0])
        self.assertEqual((ended.status, ended.reason), ("failed", "CancelledError"))

    async def test_more_time_and_a_name_that_is_granted_once(self) -> None:
        gate = await self.open_holding()
        grant = await gate.propose("slow", {}, call_id="c1")
        first = grant.expires_at
        await asyncio.sleep(0.01)
        await grant.extend()
        self.assertGreater(grant.expires_at, first)
        with self.assertRaises(tallygate.Running):
            await gate.resume_proposed(grant.action_id)
        await grant.complete("done")
        with self.assertRaises(tallygate.Completed):
            await gate.propose("slow", {}, call_id="c1")


if __name__ == "__main__":
    unittest.main()
