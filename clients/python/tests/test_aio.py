"""Calls through the real sidecar from an event loop."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
import unittest
from decimal import Decimal
from typing import Any
from unittest import mock

from support import POLICY
from support_aio import AsyncRealTest
from test_holds import APPROVALS, HoldTest

import tallygate
from tallygate import aio


class Calls(AsyncRealTest):
    async def test_a_decorated_coroutine_is_governed(self) -> None:
        gate = await self.open_real()

        @gate.tool
        async def search(pattern: str, limit: int = 3) -> list[str]:
            """Finds lines."""
            await asyncio.sleep(0)
            return [pattern] * limit

        self.assertEqual(await search("x"), ["x", "x", "x"])
        self.assertEqual(await search(pattern="ü", limit=1), ["ü"])
        self.assertEqual(await search.body("raw", 1), ["raw"])
        self.assertEqual((await search.registered()).status, "ok")
        with self.assertRaises(TypeError):
            await search(colour="red")  # type: ignore[call-arg]

    async def test_a_plain_function_runs_on_a_thread(self) -> None:
        gate = await self.open_real()

        @gate.tool(name="search")
        def body(n: int) -> list[Any]:
            return [n, threading.current_thread() is threading.main_thread()]

        self.assertEqual(await body(1), [1, False])
        self.assertEqual(await gate.call("search", n=2), [2, False])

    async def test_denied_means_the_body_did_not_run(self) -> None:
        gate = await self.open_real()
        ran: list[int] = []

        @gate.tool
        async def forbidden() -> None:
            ran.append(1)

        with self.assertRaises(tallygate.Denied) as caught:
            await forbidden()
        self.assertEqual((caught.exception.result.code, ran), ("policy_denied", []))

    async def test_a_thousand_calls_at_once_without_a_thread_for_any(self) -> None:
        gate = await self.open_real()
        before, most = threading.active_count(), 0

        @gate.tool
        async def search(n: int) -> int:
            nonlocal most
            most = max(most, threading.active_count())
            await asyncio.sleep(0.001)
            return n

        results = await asyncio.gather(*(search(n) for n in range(1000)))
        self.assertEqual(results, list(range(1000)))
        self.assertEqual(most, before)

    async def test_money_for_two_of_64(self) -> None:
        gate = await self.open_real()

        @gate.tool
        async def pay() -> str:
            return "paid"

        calls = (pay() for _ in range(64))
        results = await asyncio.gather(*calls, return_exceptions=True)
        self.assertEqual(results.count("paid"), 2)
        self.assertEqual(sum(isinstance(one, tallygate.Denied) for one in results), 62)
        [budget] = [row for row in await gate.budgets() if row.unit == "usd"]
        self.assertEqual((budget.cap, budget.spent), (Decimal("0.1"), Decimal("0.1")))

    async def test_three_hundred_bodies_that_each_make_a_call(self) -> None:
        gate = await self.open_real()

        @gate.tool
        async def search(depth: int) -> int:
            return 0 if depth == 0 else 1 + await search(depth=depth - 1)

        results = await asyncio.gather(*(search(depth=3) for _ in range(300)))
        self.assertEqual(results, [3] * 300)

    async def test_a_task_that_a_body_starts_calls_for_it(self) -> None:
        gate = await self.open_real()
        asked: list[dict[str, Any]] = []
        post = gate._peer.post

        def spy(method: str, params: dict[str, Any]) -> Any:
            asked.append(params)
            return post(method, params)

        @gate.tool
        async def search(depth: int) -> int:
            if depth == 0:
                return 0
            return await asyncio.create_task(search(depth=depth - 1))

        with mock.patch.object(gate._peer, "post", spy):
            await search(depth=1)
            await search(depth=0)
        calls = [params for params in asked if "tool" in params]
        self.assertEqual([("parentActionId" in params) for params in calls], [False, True, False])

    async def test_a_body_that_raises(self) -> None:
        gate = await self.open_real()

        async def body(how: str) -> None:
            kinds = {"key": KeyError, "exit": SystemExit, "given up": asyncio.CancelledError}
            raise kinds[how](how)

        gate.register("search", body)
        for how, kind in (("key", KeyError), ("exit", SystemExit)):
            with self.assertRaisesRegex(tallygate.ToolFailed, how) as caught:
                await gate.call("search", how=how)
            self.assertIsInstance(caught.exception.__cause__, kind)
        with self.assertRaisesRegex(tallygate.ToolFailed, "CancelledError"):
            await gate.call("search", how="given up")

    async def test_an_output_that_is_not_json(self) -> None:
        gate = await self.open_real()

        async def body() -> object:
            return object()

        gate.register("search", body)
        with self.assertRaisesRegex(tallygate.ToolFailed, "not JSON"):
            await gate.call("search")

    async def test_arguments_that_cannot_be_sent(self) -> None:
        gate = await self.open_real()
        gate.register("search", lambda x: x)
        for value in (float("inf"), object(), {1: 2}):
            with self.assertRaises((TypeError, ValueError)):
                await gate.call("search", x=value)
        self.assertEqual(await gate.call("search", x=1), 1)

    async def test_a_name_is_taken_once(self) -> None:
        gate = await self.open_real()
        gate.register("search", lambda: 1)
        with self.assertRaisesRegex(ValueError, "already"):
            gate.register("search", lambda: 2)

    async def test_a_line_longer_than_the_pipe(self) -> None:
        gate = await self.open_real()
        gate.register("search", lambda text: text)
        texts = ["x" * 900_000 + str(n) for n in range(8)]
        results = await asyncio.gather(*(gate.call("search", text=text) for text in texts))
        self.assertEqual(results, texts)


class Cancelling(AsyncRealTest):
    async def test_a_cancelled_task_cancels_its_body(self) -> None:
        gate = await self.open_real()
        begun, stopped = asyncio.Event(), asyncio.Event()

        @gate.tool
        async def search() -> None:
            begun.set()
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                self.assertTrue(tallygate.cancelled())
                stopped.set()
                raise

        call = asyncio.create_task(search())
        await asyncio.wait_for(begun.wait(), 10)
        call.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await call
        await asyncio.wait_for(stopped.wait(), 5)
        await gate.ping()  # the late answer is not nonsense to this client

    async def test_wait_for_gives_up_as_the_timeout_does(self) -> None:
        gate = await self.open_real()
        ends: list[str] = []

        @gate.tool
        async def search() -> None:
            try:
                await asyncio.sleep(30)
            finally:
                ends.append("stopped")

        with self.assertRaises(asyncio.TimeoutError):
            await asyncio.wait_for(search(), 0.3)
        with self.assertRaises(tallygate.TimedOut) as caught:
            await gate.govern("search", {}, timeout=0.3)
        self.assertTrue(caught.exception.sent)
        await asyncio.sleep(0.3)
        self.assertEqual(ends, ["stopped"] * 2)

    async def test_out_of_time_the_body_is_cancelled(self) -> None:
        gate = await self.open_real()

        @gate.tool
        async def slow() -> None:
            """Its timeout is 300 ms."""
            await asyncio.sleep(30)

        begun = time.monotonic()
        with self.assertRaises(tallygate.ToolFailed) as caught:
            await slow()
        self.assertEqual(caught.exception.result.code, "execution_timeout")
        self.assertLess(time.monotonic() - begun, 2)

    async def test_a_body_may_finish_though_it_is_cancelled(self) -> None:
        gate = await self.open_real()

        @gate.tool
        async def slow() -> str:
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                pass
            return "after all"

        self.assertEqual(await slow(), "after all")

    async def test_a_call_is_cancelled_by_its_id(self) -> None:
        gate = await self.open_real()
        call: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        @gate.tool
        async def search() -> None:
            action = gate._bodies.current_action()
            assert action is not None
            call.set_result(action)
            await asyncio.sleep(30)

        asked = asyncio.create_task(search())
        action = await asyncio.wait_for(call, 10)
        self.assertEqual((await gate.get(action)).status, "granted")
        self.assertEqual((await gate.cancel(action)).action_id, action)
        with self.assertRaises(tallygate.Cancelled) as caught:
            await asked
        self.assertEqual(caught.exception.result.action_id, action)
        self.assertEqual((await gate.get(action)).status, "cancelled")


class Holds(HoldTest, AsyncRealTest):
    async def open_holding(self, **more: Any) -> aio.AsyncGate:
        return await self.open_real(POLICY + APPROVALS, run="tests", **more)

    async def test_govern_waits_for_the_person(self) -> None:
        gate = await self.open_holding()
        gate.register("sensitive", lambda: "done")
        asked = asyncio.create_task(gate.govern("sensitive", {}, wait_for_approval=20))
        while not (calls := await asyncio.to_thread(self.waiting)):
            await asyncio.sleep(0.05)
        await asyncio.to_thread(self.approve, calls[0])
        self.assertEqual((await asked).output, "done")

    async def test_a_listener_may_be_a_coroutine_and_resume(self) -> None:
        ended: asyncio.Queue[Any] = asyncio.Queue()

        async def on_update(update: tallygate.ActionResult) -> None:
            ended.put_nowait((await gate.resume(update.action_id)).output)

        gate = await self.open_holding(on_update=on_update)
        gate.register("sensitive", lambda: "done")
        with self.assertRaises(tallygate.Held) as caught:
            await gate.call("sensitive")
        await asyncio.to_thread(self.approve, caught.exception.result.action_id)
        self.assertEqual(await asyncio.wait_for(ended.get(), 5), "done")

    async def test_a_listener_that_raises_changes_nothing(self) -> None:
        async def broken(progress: tallygate.Progress) -> None:
            raise RuntimeError("no screen")

        reports: list[dict[str, Any]] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: reports.append(context))
        gate = await self.open_holding(on_progress=broken)
        gate.register("search", lambda: 1)
        self.assertEqual([await gate.call("search") for _ in range(2)], [1, 1])
        await asyncio.sleep(0.05)
        self.assertIn("no screen", str(reports[0]["exception"]))

    async def test_a_body_takes_more_time(self) -> None:
        gate = await self.open_holding()

        @gate.tool
        async def slow() -> list[str | None]:
            """Its timeout is 300 ms."""
            codes = []
            for _ in range(3):
                await asyncio.sleep(0.2)
                codes.append((await gate.extend()).code)
            return codes

        self.assertEqual(await slow(), [None] * 3)
        with self.assertRaisesRegex(ValueError, "no body"):
            await gate.extend()

    async def test_usage_is_recorded_once(self) -> None:
        gate = await self.open_holding()
        ends = [await gate.record_usage({"usd": "0.02"}, call_id="turn-1") for _ in range(2)]
        self.assertEqual([end.replayed for end in ends], [False, True])


class Ends(AsyncRealTest):
    async def test_killed_during_a_body_and_a_call_in_flight(self) -> None:
        gate = await self.open_real()
        begun, noticed = asyncio.Event(), asyncio.Event()

        @gate.tool
        async def search() -> None:
            begun.set()
            try:
                await asyncio.sleep(30)
            finally:
                noticed.set()

        call = asyncio.create_task(search())
        await asyncio.wait_for(begun.wait(), 10)
        os.kill(gate._peer.connection.child.process.pid, signal.SIGKILL)
        with self.assertRaisesRegex(tallygate.GateClosed, "signal 9") as caught:
            await call
        self.assertTrue(caught.exception.sent)
        await asyncio.wait_for(noticed.wait(), 5)
        with self.assertRaises(tallygate.GateClosed) as caught:
            await search()
        self.assertFalse(caught.exception.sent)
        self.assertTrue(gate.closed)

    async def test_session_and_close(self) -> None:
        config = self.folder / "policy.toml"
        config.write_text(POLICY)
        async with aio.start(config, run="run-7", env=self.environment()) as gate:
            self.assertEqual((gate.session.agent, gate.session.run), ("default", "run-7"))
            before = gate.audit_head
            gate.register("search", lambda: 1)
            await gate.call("search")
        self.assertTrue(gate.closed)
        self.assertNotEqual(gate.audit_head, before)
        with self.assertRaisesRegex(tallygate.GateClosed, "was closed"):
            await gate.call("search")
        with self.assertRaises(ProcessLookupError):
            os.kill(gate._peer.connection.child.process.pid, 0)

    async def test_a_configuration_that_is_wrong(self) -> None:
        with self.assertRaises(tallygate.StartFailed) as caught:
            await self.open_real("cap = 1")
        self.assertEqual(caught.exception.exit_code, 2)


if __name__ == "__main__":
    unittest.main()
