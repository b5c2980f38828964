"""What sidecar/README.md shows of `doctor` is what it says after that crash."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import unittest

from blocks import ROOT, blocks

sys.path.insert(0, str(ROOT / "tests/e2e"))
from support import BINARY, StoreTest  # noqa: E402


def without_moments(text: str) -> list[str]:
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)
    return [line.rstrip() for line in text.splitlines()]


class DoctorShown(StoreTest):
    def test_the_shown_findings_are_found(self) -> None:
        sidecar = self.sidecar(agent="coder")
        self.assertEqual(sidecar.propose("pay")["method"], "tools/execute")
        sidecar.kill()
        self.sidecar(agent="coder").finish()  # recovers what the other left
        done = subprocess.run([BINARY, "doctor"], text=True, capture_output=True, timeout=60,
                              env={**os.environ, "TALLYGATE_CONFIG": str(self.config)})
        said = without_moments(done.stdout)
        (block,) = blocks("sidecar/README.md", "text")
        shown = without_moments(block.text)
        self.assertGreater(len(shown), 8)
        rest = iter(said)
        for line in shown:
            self.assertIn(line, rest, "\n".join(said))  # in this order


if __name__ == "__main__":
    unittest.main()
