"""Schemas, the pool and the readers of answers, each alone."""

from __future__ import annotations

import logging
import os
import threading
import unittest
from decimal import Decimal
from typing import Any, Optional

from support import FakeTest

import tallygate
from tallygate import executions, pool, results, schema, words


class Schema(unittest.TestCase):
    def test_simple_hints(self) -> None:
        def body(
            a: str,
            b: int = 1,
            *,
            c: list[str],
            d: Optional[float] = None,
            e: dict[str, bool] | None,
        ) -> None: ...

        made = schema.input_schema(body)
        assert made is not None
        self.assertEqual(made["required"], ["a", "c", "e"])
        self.assertIs(made["additionalProperties"], False)
        self.assertEqual(
            made["properties"],
            {
                "a": {"type": "string"},
                "b": {"type": "integer"},
                "c": {"type": "array", "items": {"type": "string"}},
                "d": {"type": ["number", "null"]},
                "e": {"type": ["object", "null"], "additionalProperties": {"type": "boolean"}},
            },
        )

    def test_more_arguments(self) -> None:
        def body(a: list, **more: str) -> None: ...  # type: ignore[type-arg]

        made = schema.input_schema(body)
        assert made is not None
        self.assertIs(made["additionalProperties"], True)
        self.assertEqual(made["properties"], {"a": {"type": "array"}})

    def test_anything_else_has_no_schema(self) -> None:
        def bare(a) -> None: ...  # type: ignore[no-untyped-def]
        def wide(a: int | str) -> None: ...
        def other(a: bytes) -> None: ...
        def keys(a: dict[int, str]) -> None: ...
        def late(a: NoSuchName) -> None: ...  # type: ignore[name-defined]  # noqa: F821

        for body in (bare, wide, other, keys, late):
            self.assertIsNone(schema.input_schema(body), body.__name__)

    def test_what_cannot_go_by_name(self) -> None:
        async def later() -> None: ...

        for body in (lambda *a: a, lambda a, /: a, later):
            with self.assertRaises(TypeError):
                schema.check_parameters(body)


class Pool(unittest.TestCase):
    def test_waiting_makes_room(self) -> None:
        workers = pool.Pool(1)
        inner, outer = threading.Event(), threading.Event()

        def task() -> None:
            workers.submit(inner.set)
            with workers.waiting():
                if inner.wait(10):
                    outer.set()

        workers.submit(task)
        self.assertTrue(outer.wait(10))

    def test_a_thread_of_others_does_not_count(self) -> None:
        workers = pool.Pool(1)
        with workers.waiting():
            self.assertEqual(workers._busy, 0)

    def test_nothing_begins_after_the_close(self) -> None:
        workers = pool.Pool(1)
        begun, go, done, ran = (threading.Event() for _ in range(4))

        def task() -> None:
            begun.set()
            go.wait(10)
            done.set()

        workers.submit(task)
        self.assertTrue(begun.wait(10))
        workers.submit(ran.set)
        workers.close()
        workers.submit(ran.set)
        go.set()
        self.assertTrue(done.wait(10))
        self.assertFalse(ran.wait(0.05))

    def test_many_tasks(self) -> None:
        workers = pool.Pool(4)
        left = threading.Semaphore(0)
        for _ in range(2000):
            workers.submit(left.release)
        for _ in range(2000):
            self.assertTrue(left.acquire(timeout=10))
        self.assertLessEqual(workers._idle + workers._busy, 4)


class Values(unittest.TestCase):
    GOOD: dict[str, Any] = {
        "actionId": "a",
        "status": "completed",
        "output": [1],
        "cost": {"reserved": {"usd": "0.10"}, "spent": {"usd": "0.05", "calls": "1"}},
    }

    def test_an_action_result(self) -> None:
        result = results.read_action_result({**self.GOOD, "more": {"x": 1}})
        self.assertEqual(result.reserved, {"usd": Decimal("0.1")})
        self.assertEqual(result.spent, {"usd": Decimal("0.05"), "calls": Decimal(1)})
        self.assertEqual(result.raw["more"], {"x": 1})
        self.assertEqual((result.hold, result.retry_after), (None, None))

    def test_a_held_action_result(self) -> None:
        hold = {"requestId": "r", "deadline": "d", "argsDigest": "0", "needed": 2, "have": 1}
        held = {**self.GOOD, "status": "held", "hold": hold, "retryAfterMs": 1500}
        result = results.read_action_result(held)
        self.assertEqual(result.hold, results.Hold("r", "d", "0", needed=2, have=1))
        self.assertEqual(result.retry_after, 1.5)
        for wrong in (None, {**hold, "needed": None}, {**hold, "have": "1"}, {"requestId": "r"}):
            with self.assertRaises(tallygate.ProtocolError, msg=repr(wrong)):
                results.read_action_result({**held, "hold": wrong})

    def test_wrong_types(self) -> None:
        wrongs: list[dict[str, Any]] = [
            {"actionId": 1},
            {"actionId": None},
            {"status": True},
            {"code": 5},
            {"reason": ["x"]},
            {"retryAfterMs": "1"},
            {"cost": None},
            {"cost": {"reserved": {}}},
            {"cost": {"reserved": {}, "spent": []}},
            *({"cost": {"reserved": {}, "spent": {"usd": text}}} for text in _BAD_AMOUNTS),
        ]
        for wrong in wrongs:
            with self.assertRaises(tallygate.ProtocolError, msg=repr(wrong)):
                results.read_action_result({**self.GOOD, **wrong})

    def test_amounts_out(self) -> None:
        amounts: dict[str, results.AmountLike] = {
            "a": Decimal("0.0500"),
            "b": 3,
            "c": "0.1",
            "d": Decimal("1E+2"),
            "e": Decimal(100),
        }
        written = results.write_amounts(amounts)
        self.assertEqual(written, {"a": "0.05", "b": "3", "c": "0.1", "d": "100", "e": "100"})
        for wrong in (0.1, True, Decimal("NaN")):
            with self.assertRaises((TypeError, ValueError)):
                results.write_amounts({"usd": wrong})  # type: ignore[dict-item]

    def test_descriptions_never_raise(self) -> None:
        class Odd(Exception):
            def __str__(self) -> str:
                raise RuntimeError

        self.assertIn("Odd", executions.describe(Odd()))
        self.assertEqual(executions.describe(ValueError()), "ValueError")
        self.assertLessEqual(len(executions.describe(ValueError("ü" * 5000)).encode()), 2000)


_BAD_AMOUNTS = ("", "NaN", "Infinity", "1e5", ".5", "1.", " 1", "1_0", "١", 0.1, 1, None)


class Words(unittest.TestCase):
    def test_level_and_text(self) -> None:
        line = b"2025-11-21T10:00:00.123Z %s: cut off\n"
        for word, level in (("info", "INFO"), ("warning", "WARNING"), ("critical", "CRITICAL")):
            self.assertEqual(
                words.read_words(line % word.encode()), (getattr(logging, level), "cut off")
            )
        self.assertEqual(words.read_words(b"a\x1b[2Jb\xff\r\n")[1], "a\ufffd[2Jb\ufffd")
        self.assertEqual(words.read_words(b"Killed\n"), (logging.WARNING, "Killed"))

    def test_a_handler_that_raises_and_a_line_without_end_stop_nothing(self) -> None:
        source, sink = os.pipe()
        heard = threading.Semaphore(0)

        class Broken(logging.Handler):
            def handle(self, record: logging.LogRecord) -> bool:
                heard.release()
                raise RuntimeError

        logger = logging.Logger("words")
        logger.addHandler(Broken())
        words.forward_words(os.fdopen(source, "rb", buffering=0), logger)
        os.write(sink, b"x" * 20_000 + b"\n")
        os.close(sink)
        for _ in range(3):
            self.assertTrue(heard.acquire(timeout=5))


class Plain(FakeTest):
    def test_stderr_goes_where_it_is_sent(self) -> None:
        script = self.folder / "talker"
        script.write_text("#!/bin/sh\necho why >&2\nexit 2\n")
        script.chmod(0o700)
        with self.assertRaises(tallygate.StartFailed):
            tallygate.start(binary=script, stderr=self.folder / "log")
        self.assertEqual((self.folder / "log").read_text(), "why\n")

    def test_the_environment_and_folder_of_the_child(self) -> None:
        script = self.folder / "talker"
        script.write_text('#!/bin/sh\necho "$PWD $WORD" >&2\nexit 2\n')
        script.chmod(0o700)
        with self.assertRaises(tallygate.StartFailed):
            tallygate.start(
                binary=script, cwd=self.folder, env={"WORD": "x"}, stderr=self.folder / "log"
            )
        self.assertEqual((self.folder / "log").read_text(), f"{self.folder} x\n")


if __name__ == "__main__":
    unittest.main()
