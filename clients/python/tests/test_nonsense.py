"""A sidecar that says what it must not: the gate ends, and nothing runs."""

from __future__ import annotations

import time
import unittest

from support import FakeTest

import tallygate


class Nonsense(FakeTest):
    def ends_gate(self, mode: str) -> tallygate.TallygateError:
        ran = []
        gate = self.start_fake(mode)
        gate.register("work", lambda: ran.append(1))
        with self.assertRaises(tallygate.ProtocolError) as caught:
            gate.govern("work", {}, timeout=10)
        with self.assertRaises(tallygate.ProtocolError):
            gate.govern("work", {})
        with self.assertRaises(tallygate.ProtocolError) as later:
            gate.ping()
        self.assertFalse(later.exception.sent)
        self.assertTrue(gate.closed)
        self.assertEqual(ran, [])
        return caught.exception

    def test_a_line_that_is_not_json(self) -> None:
        self.assertIn("segmentation fault", str(self.ends_gate("nonsense")))

    def test_a_line_without_an_end(self) -> None:
        self.assertIn("longer than", str(self.ends_gate("endless_line")))

    def test_an_answer_to_nothing(self) -> None:
        self.assertIn("nothing that was asked", str(self.ends_gate("wrong_id")))

    def test_an_id_that_is_true(self) -> None:
        self.ends_gate("id_is_true")

    def test_a_key_named_twice(self) -> None:
        self.assertIn("twice", str(self.ends_gate("duplicate_key")))

    def test_wrong_types(self) -> None:
        self.assertIn("spent.usd", str(self.ends_gate("wrong_types")))

    def test_an_unknown_status(self) -> None:
        self.assertIn("unknown status", str(self.ends_gate("unknown_status")))

    def test_notices_with_wrong_types(self) -> None:
        self.assertIn("ActionResult", str(self.ends_gate("update_of_nothing")))
        self.assertIn("$/progress", str(self.ends_gate("progress_of_nothing")))

    def test_a_line_of_ours_that_nobody_waits_for(self) -> None:
        self.ends_gate("cannot_read_some_line")

    def test_execute_with_wrong_types(self) -> None:
        self.assertIn("tools/execute.args", str(self.ends_gate("asks_nonsense")))

    def test_an_answer_that_comes_twice(self) -> None:
        gate = self.start_fake("answers_twice")
        self.assertEqual(gate.call("work"), 1)
        with self.assertRaises(tallygate.ProtocolError):
            for _ in range(100):
                gate.ping()

    def test_an_execution_id_in_use(self) -> None:
        gate = self.start_fake("executes_id_twice")
        gate.register("work", _wait_for_cancel)
        with self.assertRaisesRegex(tallygate.ProtocolError, "in use"):
            gate.call("work")

    def test_a_line_of_ours_that_could_not_be_read(self) -> None:
        gate = self.start_fake("cannot_read_our_line")
        gate.register("work", lambda: None)
        with self.assertRaises(tallygate.RequestRefused) as caught:
            gate.call("work")
        self.assertEqual(caught.exception.code, -32700)
        gate.ping()  # that is a refusal, not nonsense

    def test_unknown_tool_and_method_are_answered(self) -> None:
        answer = self.start_fake("asks_for_unknown_tool").call("x")
        self.assertEqual((answer["id"], answer["error"]["code"]), (1, -32000))
        answer = self.start_fake("asks_for_unknown_method").call("x")
        self.assertEqual((answer["id"], answer["error"]["code"]), (1, -32601))

    def test_a_body_out_of_time_does_not_begin(self) -> None:
        ran = []
        gate = self.start_fake("executes_too_late")
        gate.register("work", lambda: ran.append(1))
        self.assertEqual(gate.call("work")["error"]["code"], -32800)
        self.assertEqual(ran, [])

    def test_a_cancelled_request_says_how_the_call_ended(self) -> None:
        with self.assertRaises(tallygate.Cancelled) as caught:
            self.start_fake("answers_cancelled").call("x")
        self.assertEqual(caught.exception.result.reason, "as asked")


def _wait_for_cancel() -> None:
    while not tallygate.cancelled():
        time.sleep(0.005)


if __name__ == "__main__":
    unittest.main()
