"""What the documents show works as printed: the example runs, the policies load."""

import json
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
             "sidecar/README.md", "tests/bench/README.md", "clients/shell/README.md",
             "clients/cpp/README.md")
COMMANDS_POLICY = """
[store]
url = "sqlite:store.db"
[tools.deploy]
cost = "free"
[tools.mail]
cost = "free"
[[rules]]
id = "all"
match = {tool = "*"}
effect = "allow"
"""


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

    def test_the_pipe_of_the_readme_works_as_printed(self) -> None:
        policy = next(text for text in blocks("README.md", "toml") if "[tools.count]" in text)
        recipe = next(text for text in blocks("README.md", "sh") if "tallygate call" in text)
        bin_folder = self.folder / "bin"
        bin_folder.mkdir()
        (bin_folder / "tallygate").symlink_to(BINARY)
        (self.folder / "count.toml").write_text(policy, encoding="utf-8")
        (self.folder / "other.toml").write_text("a\nb\n", encoding="utf-8")
        env = {**self.env, "PATH": f"{bin_folder}:{os.environ['PATH']}"}
        done = subprocess.run(["sh", "-c", recipe], cwd=self.folder, env=env, capture_output=True,
                              text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(sorted(one["output"] for one in answers),
                         [f"{policy.count(chr(10))} ./count.toml\n", "2 ./other.toml\n"])

    def test_the_commands_of_the_shell_client_run(self) -> None:
        (self.folder / "policy.toml").write_text(COMMANDS_POLICY)
        for name in ("make", "send-mail"):
            stub = self.folder / name
            stub.write_text(f'#!/bin/sh\necho "{name} $1" >>log\n')
            stub.chmod(0o700)
        path = f"{self.folder}:{os.path.dirname(BINARY)}:{os.environ['PATH']}"
        env = {**self.env, "PATH": path, "TALLYGATE_CONFIG": str(self.folder / "policy.toml")}
        shown = [text for text in blocks("clients/shell/README.md", "sh")
                 if re.search(r"tallygate (run|propose) ", text)]
        self.assertEqual(len(shown), 2)
        for text in shown:
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", text], cwd=self.folder, env=env,
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual((self.folder / "log").read_text(), "make deploy\nsend-mail kim\n")

    def test_the_bash_of_the_shell_client_runs(self) -> None:
        (example,) = blocks("clients/shell/README.md", "bash")
        done = self.run_here("bash", "-c", example)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"^\d+ policies\nrefused with 3\n$")
        self.assertTrue((ROOT / "policies").is_dir())

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
