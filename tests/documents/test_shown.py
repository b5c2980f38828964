"""What the documents show works as printed: every block of them, whatever its language."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import tempfile
import unittest
from collections.abc import Callable
from pathlib import Path

from blocks import ROOT, Block, blocks, documents
from place import BINARY, Place

# Blocks of these documents are read by tests that stand beside what they speak of: what is shown
# there as well would otherwise be shown by nobody.
READ_BY = {
    ("clients/python/README.md", "python"): "clients/python/tests/test_documents.py",
    ("clients/cpp/README.md", "cpp"): "tests/clients/cpp/CMakeLists.txt",
    ("protocol/README.md", "wire"): "tests/documents/test_wire.py",
    ("protocol/README.md", "mermaid"): "tests/unit/kernel/transitions_test.cpp",
    ("sidecar/README.md", "text"): "tests/documents/test_doctor_shown.py",
    ("tests/simulation/README.md", "cmake"): "tests/documents/test_shown.py",  # below
}
HERE = {"sh", "bash", "toml", "python", "json"}

POLICY = """
[store]
url = "sqlite:store.db"
[tools."*"]
cost = "free"
[[rules]]
id = "all"
match = {tool = "*"}
effect = "allow"
"""


class Shown(unittest.TestCase):
    place: Place

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.place = Place(Path(folder.name))

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = self.root = Path(folder.name)

    def test_every_block_is_run_or_read_by_some_test(self) -> None:
        for document in documents():
            for block in blocks(document):
                with self.subTest(str(block)):
                    reader = READ_BY.get((document, block.language))
                    self.assertTrue(reader or block.language in HERE,
                                    f"nothing runs a block of language {block.language!r}")
                    self.assertTrue(reader is None or (ROOT / reader).exists(), reader)

    def test_every_command_runs(self) -> None:
        shown = [one for document in documents() for one in blocks(document, "sh", "bash")]
        self.assertGreaterEqual(len(shown), 12)
        for block in shown:
            with self.subTest(str(block), text=block.text):
                self.folder = Path(tempfile.mkdtemp(dir=self.root))
                prepare = PREPARED.get(block.document, lambda test, block: None)
                prepare(self, block)
                said = self.place.shell(block.text, self.folder_of(block), **self.settings(block))
                CHECKED.get(block.document, lambda test, block, said: None)(self, block, said)

    def test_every_mutant_is_one_of_the_suite(self) -> None:
        built = (ROOT / "tests/simulation/mutants.cmake").read_text("utf-8")
        shown = blocks("tests/simulation/README.md", "cmake")
        self.assertTrue(shown)
        for block in shown:
            self.assertIn(block.text.strip(), built, str(block))

    def folder_of(self, block: Block) -> Path:
        """In a checkout, unless it speaks of files of the reader's own."""
        own = re.search(r"\btallygate (run|propose|call|init)\b", block.text)
        return self.folder if own and not re.search(r"clients/|build/", block.text) else self.place.root

    def settings(self, block: Block) -> dict[str, str]:
        if block.document == "clients/shell/README.md" and block.language == "sh":
            return {"TALLYGATE_CONFIG": str(self.folder / "policy.toml"),
                    "PATH": f"{self.folder}:{self.place.environment['PATH']}"}
        return {"TALLYGATE_BIN": str(BINARY)} if block.language == "bash" else {}

    def test_every_policy_loads(self) -> None:
        shown = [one for document in documents() for one in blocks(document, "toml")]
        self.assertGreaterEqual(len(shown), 4)
        for block in shown:
            with self.subTest(str(block)):
                policy = self.place.root / "policies/shown.toml"
                policy.write_text(block.text, "utf-8")
                self.place.shell(f"tallygate policy check {shlex.quote(str(policy))}")

    def test_the_hooks_of_the_shell_client_are_commands_that_run(self) -> None:
        (block,) = blocks("clients/shell/README.md", "json")
        (self.folder / "policy.toml").write_text(POLICY)
        recipes = self.place.root / "clients/shell/recipes"
        path = f"{recipes}:{self.place.environment['PATH']}"
        call = {"session_id": "s", "tool_name": "Bash", "tool_use_id": "t", "tool_input": {},
                "tool_response": {}}
        hooks = [hook for name in ("PreToolUse", "PostToolUse")
                 for entry in json.loads(block.text)["hooks"][name] for hook in entry["hooks"]]
        self.assertEqual(len(hooks), 2)
        for hook in hooks:
            done = subprocess.run(
                ["sh", "-c", hook["command"]], input=json.dumps(call), text=True, timeout=60,
                env={**self.place.environment, "PATH": path, "TMPDIR": str(self.folder),
                     "TALLYGATE_CONFIG": str(self.folder / "policy.toml")}, capture_output=True)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_wrong_command_fails(self) -> None:
        for wrong in ("tallygate budgets", "tests/run --fast", "tallygate serve --observed",
                      "ctest --test-dir build/release -L nothing", "clients/python/nothing.py"):
            with self.subTest(wrong), self.assertRaises(AssertionError):
                self.place.shell(wrong)

    def test_links_between_documents_lead_somewhere(self) -> None:
        for name in documents():
            for link in re.findall(r"\]\(([^)#:]+)\)", (ROOT / name).read_text(encoding="utf-8")):
                self.assertTrue(((ROOT / name).parent / link).exists(), f"{name}: {link}")


def _of_the_readme(test: Shown, block: Block) -> None:
    """What the reader has saved by then: a policy, beside two files to count the lines of; a program."""
    if "count.toml" in block.text:
        policy = next(one for one in blocks("README.md", "toml") if "[tools.count]" in one.text)
        (test.folder / "count.toml").write_text(policy.text, "utf-8")
        (test.folder / "other.toml").write_text("a\nb\n", "utf-8")
    if "first.py" in block.text:
        (program,) = blocks("README.md", "python")
        (test.place.root / "first.py").write_text(program.text, "utf-8")


def _counted(test: Shown, block: Block, said: str) -> None:
    if "count.toml" in block.text:
        lines = (test.folder / "count.toml").read_text("utf-8").count("\n")
        outputs = sorted(json.loads(line)["output"] for line in said.splitlines())
        test.assertEqual(outputs, [f"{lines} ./count.toml\n", "2 ./other.toml\n"])
    if "first.py" in block.text:
        test.assertIn("['a result for tallies']", said)
        test.assertIn("0.05", said)
    if "--from-observed" in block.text:
        test.assertIn("completed completed", said)
        test.assertIn("observed", (test.folder / "policy.toml").read_text("utf-8"))


def _of_the_shell_client(test: Shown, block: Block) -> None:
    (test.folder / "policy.toml").write_text(POLICY)
    for name in ("make", "send-mail"):
        stub = test.folder / name
        stub.write_text(f'#!/bin/sh\necho "ran {name} $1"\n')
        stub.chmod(0o700)


def _ran(test: Shown, block: Block, said: str) -> None:
    for expected in ("make deploy", "send-mail kim"):
        if expected in block.text:
            test.assertIn(f"ran {expected}", said)
    if block.language == "bash":
        test.assertRegex(said, r"(?m)^\d+ policies$")
        test.assertIn("refused with 3\n", said)


PREPARED: dict[str, Callable[[Shown, Block], None]] = {
    "README.md": _of_the_readme,
    "clients/shell/README.md": _of_the_shell_client,
}
CHECKED: dict[str, Callable[[Shown, Block, str], None]] = {
    "README.md": _counted,
    "policies/README.md": _counted,
    "clients/shell/README.md": _ran,
}

if __name__ == "__main__":
    unittest.main()
