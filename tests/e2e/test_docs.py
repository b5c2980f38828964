"""What the documents show works as printed: the example runs, the policies load."""

import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from support import BINARY

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ("README.md", "policies/README.md", "clients/python/README.md", "protocol/README.md",
             "sidecar/README.md", "tests/bench/README.md")


def blocks(document: str, language: str) -> list[str]:
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


class Documents(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.env = {**os.environ, "XDG_STATE_HOME": str(self.folder / "state"),
                    "PYTHONPATH": str(ROOT / "clients/python"), "TALLYGATE_BIN": BINARY}

    def run_here(self, *command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(command, cwd=ROOT, env=self.env, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60)

    def test_the_python_of_the_readme_runs(self) -> None:
        (example,) = blocks("README.md", "python")
        done = self.run_here(sys.executable, "-c", example)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("a result for tallies", done.stdout)

    def test_every_policy_that_a_document_shows_loads(self) -> None:
        shown = [(name, text) for name in DOCUMENTS for text in blocks(name, "toml")]
        self.assertGreaterEqual(len(shown), 2)
        for name, text in shown:
            with self.subTest(name, text=text):
                policy = self.folder / "shown.toml"
                policy.write_text(text, encoding="utf-8")
                done = self.run_here(BINARY, "serve", "-c", str(policy))
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_every_command_that_the_readme_names_exists(self) -> None:
        text = (ROOT / "README.md").read_text(encoding="utf-8")
        named = set(re.findall(r"`tallygate ([a-z]+(?: verify| tail)?)", text))
        self.assertGreaterEqual(len(named), 5)
        for command in named:
            done = self.run_here(BINARY, *command.split(), "--help")
            self.assertEqual(done.returncode, 0, command)

    def test_links_between_documents_lead_somewhere(self) -> None:
        for name in DOCUMENTS:
            for link in re.findall(r"\]\(([^)#:]+)\)", (ROOT / name).read_text(encoding="utf-8")):
                self.assertTrue(((ROOT / name).parent / link).exists(), f"{name}: {link}")


if __name__ == "__main__":
    unittest.main()
