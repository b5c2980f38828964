"""The vectors of the protocol against the real binary, and the runner's own sense of equality."""

from __future__ import annotations

import json
import os
import tempfile
import unittest
from pathlib import Path
from typing import Any

import vectors_runner
from operator_act import command_words
from vector_text import Mismatch, compact, match, parse, raw_bytes, substitute
from vectors_runner import HERE, VECTORS, Skipped, replay

BINARY = os.environ.get("TALLYGATE_BIN", "")


def same(expected: str, got: str, names: dict[str, Any] | None = None) -> bool:
    return match(parse(expected), parse(got), {} if names is None else names)


@unittest.skipUnless(BINARY, "TALLYGATE_BIN is not set: no real sidecar")
class Vectors(unittest.TestCase):
    def test_sample(self) -> None:
        replay(BINARY, HERE / "sample" / "sample.ndjson")

    def test_all(self) -> None:
        for path in vectors_runner.find([VECTORS]):
            with self.subTest(path.name):
                try:
                    replay(BINARY, path)
                except Mismatch as error:
                    self.fail(str(error))
                except Skipped as reason:
                    self.skipTest(str(reason))

    def played(self, *entries: dict[str, Any]) -> str:
        """What is wrong with a vector of these entries."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "wrong.ndjson"
            path.write_text("\n".join(json.dumps(entry) for entry in entries))
            with self.assertRaises(Mismatch) as caught:
                replay(BINARY, path)
        return str(caught.exception)

    def test_a_wrong_line_is_shown(self) -> None:
        ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        wrong = self.played({"host": ping}, {"sidecar": {"jsonrpc": "2.0", "id": 2, "result": {}}})
        self.assertIn("wrong.ndjson:2:", wrong)
        self.assertIn('expected  {"jsonrpc":"2.0","id":2,', wrong)
        self.assertIn('got       {"jsonrpc":"2.0","id":1,', wrong)

    def test_a_wrong_end_is_shown(self) -> None:
        self.assertIn("ended with exit code 0", self.played({"end_input": True}, {"exit": 5}))
        self.assertIn("ended with", self.played({"end_input": True}, {"sidecar": {}}))
        ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        self.assertIn("nothing more", self.played({"host": ping}))
        self.assertIn("does not listen", self.played({"end_input": True}, {"host": ping}))

    def test_what_was_not_heard_before_a_restart_is_shown(self) -> None:
        ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        pong = {"jsonrpc": "2.0", "id": 1, "result": {}}
        # Lines that come at once are answered at once, so the second answer is there as well.
        twice = "\n".join([json.dumps(ping), json.dumps({**ping, "id": 2})])
        wrong = self.played({"host_raw": twice}, {"sidecar": pong}, {"restart": True})
        self.assertIn("nothing more", wrong)
        self.assertIn('got       {"jsonrpc":"2.0","id":2,', wrong)

    def test_an_operator_who_fails_is_shown(self) -> None:
        wrong = self.played({"operator": {"act": "deny", "call": "0" * 36}})
        self.assertIn("deny ended with", wrong)

    def test_a_wrong_entry_is_shown(self) -> None:
        self.assertIn("'hosts'", self.played({"hosts": {}}))
        self.assertIn("nothing yet", self.played({"host": {"id": "$x"}}))


class Runner(unittest.TestCase):
    def test_a_clock_is_skipped(self) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".ndjson") as file:
            file.write('{"note": "x"}\n{"advance_ms": 5}\n')
            file.flush()
            with self.assertRaisesRegex(Skipped, "clock"):
                replay("no binary is needed", Path(file.name))

    def test_a_host_that_does_not_read_is_skipped(self) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".ndjson") as file:
            file.write('{"host_reads": false}\n')
            file.flush()
            with self.assertRaisesRegex(Skipped, "host_reads"):
                replay("no binary is needed", Path(file.name))

    def test_what_operators_type(self) -> None:
        words = command_words({"act": "cut", "scope": "global", "reason": "too much"})
        self.assertEqual(words, ["cut", "global", "--reason", "too much"])
        act = {"act": "reconcile", "call": "a1", "outcome": "completed", "spent": {"usd": "0.1"}}
        words = ["reconcile", "a1", "completed", "--spent", "usd=0.1"]
        self.assertEqual(command_words(act), words)
        deny = {"act": "deny"}
        surplus = {**deny, "call": "a1", "outcome": "completed"}
        for wrong in (deny, {**deny, "scope": "global"}, {"act": "permit", "call": "a1"}, surplus):
            with self.assertRaises(Mismatch):
                command_words(wrong)

    def test_equality_is_exact(self) -> None:
        values = '0 1 1.0 1.00 true false null "" "1" [] {} [1] [true] {"a":1} {"a":true}'.split()
        for value in values:
            for other in values:
                self.assertIs(same(value, other), value == other, (value, other))
        self.assertFalse(same('{"a":1}', '{"a":1,"b":2}'))
        self.assertFalse(same('{"a":1,"b":"$_"}', '{"a":1}'))
        self.assertTrue(same('{"a":1,"b":2}', '{"b":2,"a":1}'))
        self.assertFalse(same('{"args":{"a":1,"b":2}}', '{"args":{"b":2,"a":1}}'))

    def test_text_is_kept(self) -> None:
        text = '{"a":[1.50,-0,1e5,"ü"],"b":null}'
        self.assertEqual(compact(parse(text)), text)

    def test_names(self) -> None:
        names: dict[str, Any] = {}
        self.assertTrue(same('["$a","$_","$_"]', "[1,2,3]", names))
        self.assertTrue(same('["$a"]', "[1]", names))
        self.assertFalse(same('["$a"]', "[1.0]", names))
        self.assertFalse(same('["$b","$b"]', "[1,2]", names))
        self.assertTrue(match("$/cancelRequest", "$/cancelRequest", names))
        self.assertNotIn("$/cancelRequest", names)
        message = {"method": "$/cancelRequest", "params": ["$a", "a$a"]}
        text = '{"method":"$/cancelRequest","params":[1,"a$a"]}'
        self.assertEqual(compact(substitute(message, names)), text)

    def test_raw(self) -> None:
        parts = parse('["é",{"repeat":"ab","times":2},{"hex":"ff00"}]')
        self.assertEqual(raw_bytes(parts), "é".encode() + b"abab\xff\x00")
        self.assertEqual(raw_bytes("x"), b"x")


if __name__ == "__main__":
    unittest.main()
