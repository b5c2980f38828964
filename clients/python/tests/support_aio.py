"""Async gates on the fake peer and on the real binary, closed when their test ends."""

from __future__ import annotations

import subprocess
import unittest
from typing import Any
from unittest import mock

from support import POLICY, FakeTest, RealTest

from tallygate import aio


class AsyncFakeTest(FakeTest, unittest.IsolatedAsyncioTestCase):
    def setUp(self) -> None:
        super().setUp()
        patience = mock.patch("tallygate.aio.gate.PATIENCE", 0.3)
        patience.start()
        self.addCleanup(patience.stop)

    async def open_fake(self, mode: str, **more: Any) -> aio.AsyncGate:
        gate = await aio.start(binary=self.fake(mode), **more)
        self.addAsyncCleanup(gate.close)
        return gate


class AsyncRealTest(RealTest, unittest.IsolatedAsyncioTestCase):
    async def open_real(self, policy: str = POLICY, **more: Any) -> aio.AsyncGate:
        config = self.folder / "policy.toml"
        config.write_text(policy)
        words = {"env": self.environment(), "stderr": subprocess.DEVNULL, **more}
        gate = await aio.start(config, **words)
        self.addAsyncCleanup(gate.close)
        return gate
