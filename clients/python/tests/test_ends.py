"""The child dies, hangs or is closed: every waiting and later call is told, and nothing runs."""

from __future__ import annotations

import os
import signal
import threading
import time
import unittest
from unittest import mock

from support import FakeTest, in_threads, run_python

import tallygate
from tallygate import connection, wire


class Ends(FakeTest):
    def test_dies_with_a_call_in_flight(self) -> None:
        gate = self.start_fake("dies")
        with self.assertRaisesRegex(tallygate.GateClosed, "signal 9.*outcome.*unknown") as caught:
            gate.call("work")
        self.assertTrue(caught.exception.sent)
        with self.assertRaisesRegex(tallygate.GateClosed, "signal 9.*not sent") as caught:
            gate.call("work")
        self.assertFalse(caught.exception.sent)

    def test_dies_during_a_body(self) -> None:
        noticed = threading.Event()
        gate = self.start_fake("dies_during_body")

        @gate.tool
        def work() -> None:
            with self.assertRaises(tallygate.GateClosed):
                gate.ping()  # the peer dies of it
            if tallygate.cancelled():
                noticed.set()

        with self.assertRaises(tallygate.GateClosed):
            work()
        self.assertTrue(noticed.wait(5))

    def test_dies_with_a_body_queued(self) -> None:
        gate = self.start_fake("dies_with_a_body_queued", workers=1)
        ran: list[int] = []

        @gate.tool
        def work() -> None:
            ran.append(1)
            with self.assertRaises(tallygate.GateClosed):
                # Not `gate.ping`: a body that waits for a call of its own makes room for another.
                gate._peer.notify("$/ready", {})
                gate._peer.connection.ended.wait(10)
                gate.ping()

        with self.assertRaises(tallygate.GateClosed):
            work()
        time.sleep(0.1)
        self.assertEqual(ran, [1])

    def test_dies_with_many_calls_in_flight(self) -> None:
        gate = self.start_fake("dies")
        results = in_threads(32, lambda n: gate.call("work"))
        self.assertEqual({type(error) for error in results}, {tallygate.GateClosed})
        self.assertEqual(len({id(error) for error in results}), 32)

    def test_dies_while_a_child_of_its_own_holds_the_pipe(self) -> None:
        gate = self.start_fake("dies_leaving_a_child")
        begun = time.monotonic()
        with self.assertRaises(tallygate.GateClosed):
            gate.call("work")
        self.assertLess(time.monotonic() - begun, 5)

    def test_time_runs_out(self) -> None:
        gate = self.start_fake("never_answers")
        with self.assertRaises(tallygate.TimedOut) as caught:
            gate.govern("work", {}, timeout=0.2)
        self.assertTrue(caught.exception.sent)
        self.assertIsInstance(caught.exception, TimeoutError)
        cancel = gate.call("work")  # the late answer was dropped, and the peer was told
        self.assertEqual(cancel["method"], "$/cancelRequest")

    def test_stops_reading(self) -> None:
        gate = self.start_fake("stops_reading")
        with self.assertRaises(tallygate.TimedOut):
            gate.govern("work", {}, timeout=0.2)
        with mock.patch.object(connection, "STALL_MAX", 0.3):
            # Fills the pipe in the middle of a line, so that the rest can never be said.
            with self.assertRaises(tallygate.GateClosed) as caught:
                gate.govern("work", {"text": "x" * 1_000_000})
        self.assertFalse(caught.exception.sent)

    def test_pipe_full_before_the_line(self) -> None:
        gate = self.start_fake("stops_reading")
        error: tallygate.TallygateError | None = None
        for _ in range(100):
            try:
                gate.govern("work", {"text": "x" * 3000}, timeout=0.02)
            except tallygate.TimedOut as timed_out:
                error = timed_out
                if not timed_out.sent:
                    break
        assert isinstance(error, tallygate.TimedOut)
        self.assertFalse(error.sent)
        self.assertFalse(gate.closed)

    def test_close(self) -> None:
        gate = self.start_fake("wrong_id")
        begun = time.monotonic()
        gate.close()
        gate.close()
        self.assertLess(time.monotonic() - begun, 1)
        with self.assertRaisesRegex(tallygate.GateClosed, "was closed"):
            gate.ping()

    def test_close_uses_force(self) -> None:
        gate = self.start_fake("ignores_the_end")
        fails = (tallygate.GateClosed, gate.call, "x")
        waiting = threading.Thread(target=self.assertRaises, args=fails)
        waiting.start()
        gate.close()
        waiting.join(5)
        self.assertFalse(waiting.is_alive())
        with self.assertRaises(ProcessLookupError):
            os.kill(gate._peer.connection.pid, 0)

    def test_sigpipe_at_its_default(self) -> None:
        code = f"""
import signal, subprocess, time, tallygate
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
gate = tallygate.start(binary={self.fake("wrong_id")!r})
gate._peer._on_end = lambda ending: None  # nobody notices that it dies
gate._peer.connection._process.kill()
gate._peer.connection._process.wait()
try:
    gate._peer.connection.write(b"x\\n")
except tallygate.child.Broken:
    print("broken", signal.sigpending())
"""
        done = run_python(code)
        self.assertEqual((done.stdout, done.returncode), ("broken set()\n", 0), done.stderr)

    def test_interpreter_exits_while_a_body_runs(self) -> None:
        code = f"""
import threading, time, tallygate
gate = tallygate.start(binary={self.fake("cancels_body")!r})
begun = threading.Event()
gate.register("work", lambda: (begun.set(), time.sleep(20)))
threading.Thread(target=gate.call, args=("work",), daemon=True).start()
begun.wait(10)
"""
        before = time.monotonic()
        self.assertEqual(run_python(code).returncode, 0)
        self.assertLess(time.monotonic() - before, 5)

    def test_a_fork_leaves_the_gate_alone(self) -> None:
        code = f"""
import os, tallygate
gate = tallygate.start(binary={self.fake("wrong_id")!r})
child = os.fork()
if child == 0:
    try:
        with gate:
            gate.ping()
    except tallygate.GateClosed as error:
        os._exit(0 if "fork" in str(error) else 1)
    os._exit(2)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
gate.ping()
gate.close()
"""
        done = run_python(code)
        self.assertEqual((done.stdout, done.returncode), ("0\n", 0), done.stderr)

    def test_keyboard_interrupt_gives_up_the_call(self) -> None:
        gate = self.start_fake("never_answers")
        interrupt = (threading.main_thread().ident, signal.SIGINT)
        threading.Timer(0.2, signal.pthread_kill, interrupt).start()
        with self.assertRaises(KeyboardInterrupt):
            gate.call("work")
        self.assertEqual(gate.call("work")["method"], "$/cancelRequest")


class Bodies(FakeTest):
    """Needs the fake: the real sidecar cancels only what runs out of time."""

    def test_cancel_flag(self) -> None:
        gate = self.start_fake("cancels_body")

        @gate.tool
        def work() -> str:
            self.assertFalse(tallygate.cancelled())
            gate.ping()
            while not tallygate.cancelled():
                time.sleep(0.005)
            return "stopped"

        self.assertEqual(gate.call("work")["result"], {"output": "stopped"})
        self.assertFalse(tallygate.cancelled())


class Lines(unittest.TestCase):
    def test_what_json_has_not_is_not_sent(self) -> None:
        for value in (float("nan"), float("inf"), 2**64, "\ud800", {1: 2}, object(), {1, 2}):
            with self.assertRaises((TypeError, ValueError), msg=repr(value)):
                wire.message_line({"params": {"args": value}})
        ring: list[object] = []
        ring.append(ring)
        with self.assertRaisesRegex(ValueError, "deeper"):
            wire.to_text(ring)
        with self.assertRaisesRegex(ValueError, "at most"):
            wire.message_line({"params": "x" * wire.LINE_MAX})

    def test_what_json_has_is_sent_compactly(self) -> None:
        value = {"a": [1, 2.5, None, True, "ü\n"], "b": {"c": (1, 2)}}
        text = '{"a":[1,2.5,null,true,"ü\\n"],"b":{"c":[1,2]}}'
        self.assertEqual(wire.to_text(value), text.encode())

    def test_what_is_no_message_is_not_read(self) -> None:
        for line in (
            b"",
            b"\xff",
            b"[]",
            b"1e999",
            "{}".encode("utf-16"),
            b'{"jsonrpc":"2.0"}',
            b'{"jsonrpc":"2.0","id":1}',
            b'{"jsonrpc":"1.0","id":1,"result":1}',
            b'{"jsonrpc":"2.0","id":1,"result":1,"error":{}}',
            b'{"jsonrpc":"2.0","id":1,"result":NaN}',
            b'{"jsonrpc":"2.0","id":1,"result":1e999}',
            b'{"jsonrpc":"2.0","id":1,"result":{"a":1,"\\u0061":2}}',
            b'{"jsonrpc":"2.0","id":1,"error":{"code":"1","message":"x"}}',
            b'{"jsonrpc":"2.0","id":1,"error":null}',
            b'{"jsonrpc":"2.0","id":1.0,"method":"x"}',
            b'{"jsonrpc":"2.0","id":1,"method":"x","params":[]}',
            b'{"jsonrpc":"2.0","id":1,"result":' + b"[" * 100_000,
        ):
            with self.assertRaises(tallygate.ProtocolError, msg=line[:60]):
                wire.read_line(line)


if __name__ == "__main__":
    unittest.main()
