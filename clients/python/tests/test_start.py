"""A sidecar that does not start: one exception that names the command, the exit code, the cause."""

from __future__ import annotations

import os
import subprocess
import time
import unittest
from typing import Any
from unittest import mock

from support import FakeTest

import tallygate
from tallygate.connection import Connection


class Start(FakeTest):
    def fails(self, binary: str, **more: float) -> tallygate.StartFailed:
        begun = time.monotonic()
        with self.assertRaises(tallygate.StartFailed) as caught:
            self.start("policy.toml", binary=binary, stderr=subprocess.DEVNULL, **more)
        self.assertLess(time.monotonic() - begun, 5)
        self.assertIn(binary, str(caught.exception))
        return caught.exception

    def test_missing(self) -> None:
        error = self.fails("/nowhere/tallygate")
        self.assertIsInstance(error.__cause__, FileNotFoundError)
        self.assertEqual(error.command[:2], ["/nowhere/tallygate", "serve"])
        self.assertTrue(error.command[3].endswith("/policy.toml"))

    def test_not_on_path(self) -> None:
        with mock.patch.dict(os.environ, {"PATH": str(self.folder), "TALLYGATE_BIN": ""}):
            with self.assertRaisesRegex(tallygate.StartFailed, "PATH"):
                tallygate.start()

    def test_not_executable(self) -> None:
        (self.folder / "plain").write_text("no program")
        self.assertIsInstance(self.fails(str(self.folder / "plain")).__cause__, PermissionError)

    def test_dies_at_once(self) -> None:
        error = self.fails(self.fake("start_dies"))
        self.assertEqual(error.exit_code, 2)
        self.assertIn("exit code 2 (usage or configuration)", str(error))
        self.assertIsInstance(error.__cause__, tallygate.GateClosed)

    def test_talks_nonsense(self) -> None:
        error = self.fails(self.fake("start_talks"))
        self.assertIsInstance(error.__cause__, tallygate.ProtocolError)
        self.assertIn("Welcome to tallygate!", str(error))

    def test_half_a_line_then_end(self) -> None:
        error = self.fails(self.fake("start_half_a_line"))
        self.assertIsInstance(error.__cause__, tallygate.GateClosed)
        self.assertIn("in the middle of a line", str(error.__cause__))

    def test_hangs(self) -> None:
        error = self.fails(self.fake("start_hangs"), timeout=0.3)
        self.assertIsInstance(error.__cause__, tallygate.TimedOut)

    def test_refuses(self) -> None:
        error = self.fails(self.fake("start_refuses"))
        self.assertIsInstance(error.__cause__, tallygate.RequestRefused)
        self.assertIn("agent is not known", str(error))

    def test_other_version(self) -> None:
        error = self.fails(self.fake("start_wrong_version"))
        self.assertIsInstance(error.__cause__, tallygate.ProtocolError)

    def test_useless_stderr(self) -> None:
        with self.assertRaisesRegex(ValueError, "stderr"):
            tallygate.start(binary=self.fake("wrong_id"), stderr=subprocess.PIPE)

    def test_leaves_no_process(self) -> None:
        made: list[Connection] = []

        def make(*args: Any, **more: Any) -> Connection:
            made.append(Connection(*args, **more))
            return made[-1]

        with mock.patch("tallygate.launch.Connection", make):
            self.fails(self.fake("start_hangs"), timeout=0.1)
        with self.assertRaises(ProcessLookupError):
            os.kill(made[0].pid, 0)


if __name__ == "__main__":
    unittest.main()
