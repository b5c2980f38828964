"""A sidecar that dies, hangs or says what it must not, seen from an event loop: every call is told,
and nothing runs."""

from __future__ import annotations

import asyncio
import os
import time
import unittest
from unittest import mock

from support import run_python
from support_aio import AsyncFakeTest

import tallygate
from tallygate import aio, connection

NONSENSE = {
    "nonsense": "segmentation fault",
    "endless_line": "longer than",
    "wrong_id": "nothing that was asked",
    "id_is_true": "nothing that was asked",
    "duplicate_key": "twice",
    "wrong_types": "spent.usd",
    "unknown_status": "unknown status",
    "update_of_nothing": "ActionResult",
    "progress_of_nothing": "progress",
    "scope_of_nothing": "scope/changed",
    "cannot_read_some_line": "nothing that was asked",
    "asks_nonsense": "tools/execute.args",
}


class Nonsense(AsyncFakeTest):
    async def test_it_ends_the_gate_and_nothing_runs(self) -> None:
        for mode, says in NONSENSE.items():
            with self.subTest(mode):
                ran: list[int] = []
                gate = await self.open_fake(mode)
                gate.register("work", lambda: ran.append(1))
                with self.assertRaisesRegex(tallygate.ProtocolError, says):
                    await gate.govern("work", {}, timeout=10)
                with self.assertRaises(tallygate.ProtocolError) as later:
                    await gate.ping()
                self.assertEqual((later.exception.sent, gate.closed, ran), (False, True, []))

    async def test_an_answer_that_comes_twice(self) -> None:
        gate = await self.open_fake("answers_twice")
        self.assertEqual(await gate.call("work"), 1)
        with self.assertRaises(tallygate.ProtocolError):
            for _ in range(100):
                await gate.ping()

    async def test_an_execution_id_in_use(self) -> None:
        gate = await self.open_fake("executes_id_twice")

        @gate.tool
        async def work() -> None:
            await asyncio.sleep(30)

        with self.assertRaisesRegex(tallygate.ProtocolError, "in use"):
            await work()

    async def test_a_line_of_ours_that_could_not_be_read(self) -> None:
        gate = await self.open_fake("cannot_read_our_line")
        gate.register("work", lambda: None)
        with self.assertRaises(tallygate.RequestRefused) as caught:
            await gate.call("work")
        self.assertEqual(caught.exception.code, -32700)
        await gate.ping()  # that is a refusal, not nonsense

    async def test_unknown_tool_and_method_are_answered(self) -> None:
        answer = await (await self.open_fake("asks_for_unknown_tool")).call("x")
        self.assertEqual((answer["id"], answer["error"]["code"]), (1, -32000))
        answer = await (await self.open_fake("asks_for_unknown_method")).call("x")
        self.assertEqual((answer["id"], answer["error"]["code"]), (1, -32601))

    async def test_a_body_out_of_time_does_not_begin(self) -> None:
        ran: list[int] = []

        async def later() -> None:
            ran.append(1)

        for body in (later, lambda: ran.append(2)):
            gate = await self.open_fake("executes_too_late")
            gate.register("work", body)
            self.assertEqual((await gate.call("work"))["error"]["code"], -32800)
        self.assertEqual(ran, [])

    async def test_a_cancelled_request_says_how_the_call_ended(self) -> None:
        gate = await self.open_fake("answers_cancelled")
        with self.assertRaisesRegex(tallygate.Cancelled, "as asked"):
            await gate.call("x")


class Ends(AsyncFakeTest):
    async def test_ways_to_start_wrongly(self) -> None:
        for mode, says in {
            "start_dies": "exit code 2",
            "start_talks": "not JSON",
            "start_hangs": "no answer within",
            "start_half_a_line": "middle of a line|exit code 0",
            "start_refuses": "agent is not known",
            "start_wrong_version": "protocolVersion",
        }.items():
            with self.subTest(mode), self.assertRaisesRegex(tallygate.StartFailed, says):
                await self.open_fake(mode, timeout=2)
        with self.assertRaisesRegex(tallygate.StartFailed, "No such file"):
            await aio.start(binary="/nowhere/tallygate")

    async def test_dies_with_many_calls_in_flight(self) -> None:
        gate = await self.open_fake("dies")
        calls = (gate.call("work") for _ in range(32))
        results = await asyncio.gather(*calls, return_exceptions=True)
        self.assertEqual({type(error) for error in results}, {tallygate.GateClosed})
        self.assertEqual(len({id(error) for error in results}), 32)

    async def test_dies_during_a_body(self) -> None:
        noticed = asyncio.Event()
        gate = await self.open_fake("dies_during_body")

        @gate.tool
        async def work() -> None:
            try:
                await gate.ping()  # the peer dies of it
            except asyncio.CancelledError:
                noticed.set()

        with self.assertRaises(tallygate.GateClosed):
            await work()
        await asyncio.wait_for(noticed.wait(), 5)

    async def test_dies_while_a_child_of_its_own_holds_the_pipe(self) -> None:
        gate = await self.open_fake("dies_leaving_a_child")
        begun = time.monotonic()
        with self.assertRaises(tallygate.GateClosed):
            await gate.call("work")
        self.assertLess(time.monotonic() - begun, 5)

    async def test_time_runs_out_and_the_sidecar_is_told(self) -> None:
        gate = await self.open_fake("never_answers")
        with self.assertRaises(tallygate.TimedOut) as caught:
            await gate.govern("work", {}, timeout=0.2)
        self.assertTrue(caught.exception.sent)
        cancel = await gate.call("work")  # the late answer was dropped
        self.assertEqual(cancel["method"], "$/cancelRequest")

    async def test_a_cancelled_task_tells_the_sidecar(self) -> None:
        gate = await self.open_fake("never_answers")
        call = asyncio.create_task(gate.call("work"))
        await asyncio.sleep(0.1)
        call.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await call
        self.assertEqual((await gate.call("work"))["method"], "$/cancelRequest")

    async def test_the_sidecar_cancels_a_body(self) -> None:
        gate = await self.open_fake("cancels_body")

        @gate.tool
        async def work() -> None:
            await gate.ping()
            await asyncio.sleep(30)

        self.assertEqual((await gate.call("work"))["error"]["code"], -32800)

    async def test_stops_reading(self) -> None:
        gate = await self.open_fake("stops_reading")
        with self.assertRaises(tallygate.TimedOut):
            await gate.govern("work", {}, timeout=0.2)
        with mock.patch.object(connection, "STALL_MAX", 0.3):
            # Fills the pipe in the middle of a line, so that the rest can never be said.
            half = asyncio.create_task(gate.govern("work", {"text": "x" * 1_000_000}))
            await asyncio.sleep(0)
            with self.assertRaises(tallygate.TimedOut) as timed_out:
                await gate.govern("work", {}, timeout=0.1)  # behind it
            self.assertFalse(timed_out.exception.sent)
            with self.assertRaises(tallygate.GateClosed) as caught:
                await half
        self.assertFalse(caught.exception.sent)

    async def test_close(self) -> None:
        gate = await self.open_fake("wrong_id")
        begun = time.monotonic()
        await asyncio.gather(gate.close(), gate.close())
        self.assertLess(time.monotonic() - begun, 1)
        with self.assertRaisesRegex(tallygate.GateClosed, "was closed"):
            await gate.ping()

    async def test_close_uses_force(self) -> None:
        gate = await self.open_fake("ignores_the_end")
        waiting = asyncio.create_task(gate.call("x"))
        await asyncio.sleep(0.1)
        await gate.close()
        with self.assertRaises(tallygate.GateClosed):
            await waiting
        with self.assertRaises(ProcessLookupError):
            os.kill(gate._peer.connection.child.process.pid, 0)

    async def test_a_fork_leaves_the_gate_alone(self) -> None:
        code = f"""
import asyncio, os, tallygate.aio
async def main():
    gate = await tallygate.aio.start(binary={self.fake("wrong_id")!r})
    child = os.fork()
    if child == 0:
        try:
            async with gate:
                await gate.ping()
        except tallygate.GateClosed as error:
            os._exit(0 if "fork" in str(error) else 1)
        os._exit(2)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    await gate.ping()
    await gate.close()
asyncio.run(main())
"""
        done = await asyncio.to_thread(run_python, code)
        self.assertEqual((done.stdout, done.returncode), ("0\n", 0), done.stderr)

    async def test_ctrl_c_is_not_swallowed_by_a_body(self) -> None:
        code = f"""
import asyncio, os, signal, tallygate.aio
async def main():
    gate = await tallygate.aio.start(binary={self.fake("cancels_body")!r})
    async def work():
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(20)
    gate.register("work", work)
    await gate.call("work")
try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted")
"""
        begun = time.monotonic()
        done = await asyncio.to_thread(run_python, code)
        self.assertEqual((done.stdout, done.returncode), ("interrupted\n", 0), done.stderr)
        self.assertLess(time.monotonic() - begun, 10)


if __name__ == "__main__":
    unittest.main()
