"""What the README and the examples show works as printed, and the package is what it says."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

from support import HERE, FolderTest
from test_holds import HoldTest

import tallygate

ROOT = HERE.parents[2]
PACKAGE = HERE.parent / "tallygate"
EXAMPLES = HERE.parent / "examples"
README = HERE.parent / "README.md"
# What each is called with, and what it says then. "{folder}" is a fresh one.
SHOWN = {
    "async_agent.py": ([], ["20 ran", "5 budget_exhausted", "of 1 usd for this run: 0"]),
    "own_body.py": ([], ["LICENSE: completed", "no-such-file: failed", "delete_file: unreg"]),
    "checkout_agent.py": (
        ["policies/quickstart.toml", "{folder}/summary.md", "run-1"],
        ["denied: budget_exhausted", "denied: unregistered_tool", "denied: policy_denied"],
    ),
}


def blocks() -> list[str]:
    text = README.read_text("utf-8")
    return re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


class Shown(HoldTest):
    def run_shown(self, *command: str) -> str:
        """What it prints, while a person approves whatever waits."""
        self.config = ROOT / "policies" / "ask-first.toml"
        env = {**self.environment(), "PYTHONPATH": str(HERE.parent)}
        done = threading.Event()
        person = threading.Thread(target=self.agree_until, args=(done,))
        person.start()
        try:
            ran = subprocess.run(
                [sys.executable, *command], cwd=ROOT, env=env, capture_output=True, text=True,
                timeout=60,
            )
        finally:
            done.set()
            person.join()
        self.assertEqual(ran.returncode, 0, ran.stderr)
        return ran.stdout

    def agree_until(self, done: threading.Event) -> None:
        while not done.is_set():
            for action in self.waiting():
                self.approve(action)
            time.sleep(0.1)

    def test_every_block_of_the_readme_runs(self) -> None:
        self.assertGreaterEqual(len(blocks()), 6)
        for number, block in enumerate(blocks()):
            # What a block prints stands behind its prints: `print(...)  # what is said`.
            said = re.findall(r"^ *print\(.*\)  # (.*)$", block, re.MULTILINE)
            with self.subTest(number, block=block):
                self.assertEqual(self.run_shown("-c", block).splitlines(), said)

    def test_every_example_runs(self) -> None:
        self.assertEqual({path.name for path in EXAMPLES.glob("*.py")}, SHOWN.keys())
        for name, (arguments, says) in SHOWN.items():
            given = [text.replace("{folder}", str(self.folder)) for text in arguments]
            with self.subTest(name):
                output = self.run_shown(str(EXAMPLES / name), *given)
                for text in says:
                    self.assertIn(text, output)


class Package(FolderTest):
    def test_no_module_imports_one_that_imports_it(self) -> None:
        """Imports for type checkers alone count as well."""
        needs = {path: _imports(path) for path in PACKAGE.rglob("*.py")}
        self.assertGreater(sum(map(len, needs.values())), 50)
        while needs:
            free = [path for path, needed in needs.items() if not needed & needs.keys()]
            self.assertTrue(free, f"a circle among {sorted(map(str, needs))}")
            for path in free:
                del needs[path]

    def test_its_version_is_that_of_the_sidecar(self) -> None:
        text = (ROOT / "CMakeLists.txt").read_text("utf-8")
        [version] = re.findall(r"^project\(tallygate VERSION (\S+)", text, re.MULTILINE)
        self.assertEqual(tallygate.__version__, version)

    def test_it_installs_into_a_fresh_environment_and_finds_the_binary(self) -> None:
        if not os.environ.get("TALLYGATE_BIN"):
            self.skipTest("TALLYGATE_BIN is not set: no real sidecar")
        python = self.install()
        binary = self.folder / "bin" / "tallygate"
        binary.parent.mkdir()
        binary.symlink_to(os.path.abspath(os.environ["TALLYGATE_BIN"]))
        code = (
            "import tallygate, tallygate.aio, importlib.metadata as m, importlib.resources as r;"
            "assert m.version('tallygate') == tallygate.__version__;"
            "assert (r.files('tallygate') / 'py.typed').is_file();"
            "gate = tallygate.start(); print(gate.server); gate.close()"
        )
        ours = {key: text for key, text in os.environ.items() if not key.startswith("TALLYGATE")}
        ours.update(HOME=str(self.folder), XDG_STATE_HOME=str(self.folder), PYTHONPATH="")
        for more in (
            {"TALLYGATE_BIN": str(binary)},
            {"PATH": f"{binary.parent}:{os.environ['PATH']}"},
        ):
            done = subprocess.run(
                [python, "-c", code], env={**ours, **more}, cwd=self.folder, text=True,
                capture_output=True, timeout=60,
            )
            self.assertEqual(done.stdout, f"tallygate {tallygate.__version__}\n", done.stderr)

    def install(self) -> str:
        """The Python of a fresh environment that has the package."""
        venv, source = self.folder / "venv", self.folder / "source"
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True, capture_output=True)
        subprocess.run(["cp", "-r", str(HERE.parent), str(source)], check=True)  # pip writes there
        pip = [str(venv / "bin" / "pip"), "install", "-q", "--disable-pip-version-check"]
        done = subprocess.run([*pip, str(source)], capture_output=True, text=True, timeout=240)
        if done.returncode != 0 and re.search(r"No matching distribution|Connection", done.stderr):
            self.skipTest("there is no package index to get setuptools from")
        self.assertEqual(done.returncode, 0, done.stderr)
        return str(venv / "bin" / "python")


def _imports(path: Path) -> set[Path]:
    """The modules of this package that a module of it imports."""
    found: set[Path] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level > 0:
            base = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            names = [base / alias.name for alias in node.names]
            found |= {made for one in [base, *names] if (made := one.with_suffix(".py")).exists()}
    return found


if __name__ == "__main__":
    unittest.main()
