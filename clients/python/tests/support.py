"""What the tests share: gates on the fake peer and on the real binary, and a policy for it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import threading
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import tallygate  # noqa: E402

POLICY = """
[store]
url = "sqlite:store.db"
durability = "process"

[[budgets]]
scope = "global"
unit = "usd"
window = "total"
cap = "0.10"

[tools.search]
cost = "free"
[tools.slow]
cost = "free"
timeout = "300ms"
on_unknown = "in_doubt"
[tools.pay]
cost = {usd = "0.05"}
[tools.ask]
cost = {from = "host", max = {usd = "0.04"}}
[tools.forbidden]
cost = "free"
[tools.sensitive]
cost = "free"
level = 4

[[rules]]
id = "ordinary"
match = {tool = ["search", "slow", "pay", "ask", "sensitive"]}
effect = "allow"
"""


class FolderTest(unittest.TestCase):
    """A test with a fresh folder of its own."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="tallygate-test-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def start(self, *args: Any, **more: Any) -> tallygate.Gate:
        gate = tallygate.start(*args, **more)
        self.addCleanup(gate.close)
        return gate


class FakeTest(FolderTest):
    """Speaks to tests/fake_peer.py, which misbehaves in the way of its mode."""

    def setUp(self) -> None:
        super().setUp()
        # Most modes do not leave when they are asked to.
        patience = mock.patch("tallygate.gate._PATIENCE", 0.3)
        patience.start()
        self.addCleanup(patience.stop)

    def fake(self, mode: str) -> str:
        """Path of a program that is the fake peer in that mode."""
        script = self.folder / mode
        peer = shlex.quote(str(HERE / "fake_peer.py"))
        python = shlex.quote(sys.executable)
        script.write_text(f'#!/bin/sh\nexec {python} -S -E {peer} {mode} "$@"\n')
        script.chmod(0o700)
        return str(script)

    def start_fake(self, mode: str, **more: Any) -> tallygate.Gate:
        return self.start(binary=self.fake(mode), **more)


@unittest.skipUnless(os.environ.get("TALLYGATE_BIN"), "TALLYGATE_BIN is not set: no real sidecar")
class RealTest(FolderTest):
    """Speaks to the real binary under POLICY."""

    def start_real(self, policy: str = POLICY, **more: Any) -> tallygate.Gate:
        config = self.folder / "policy.toml"
        config.write_text(policy)
        return self.start(config, env=self.environment(), **more)

    def environment(self) -> dict[str, str]:
        """Ours, but with nothing of the user's: no configuration, no store."""
        ours = {key: text for key, text in os.environ.items() if key != "TALLYGATE_CONFIG"}
        places = ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME")
        return {**ours, **{key: str(self.folder) for key in places}}


def in_threads(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Runs `work(index)` on that many threads at once. What each returned, or raised."""
    results: list[Any] = [None] * count
    together = threading.Barrier(count)

    def one(index: int) -> None:
        together.wait(20)
        try:
            results[index] = work(index)
        except Exception as error:
            results[index] = error

    threads = [threading.Thread(target=one, args=(index,), daemon=True) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def run_python(code: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """Another interpreter, for what must be seen from outside: exits, signals, forks."""
    env = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    return subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=30, **more
    )
