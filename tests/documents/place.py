"""A checkout of this tree as a reader has it once everything is built, to run in what documents show.

What takes long there is run by the suite already, word for word, and is looked up in it instead: see
`LONG`. Everything else runs as it is printed.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from blocks import ROOT

BINARY = Path(os.environ["TALLYGATE_BIN"]).resolve()
BUILD = Path(os.environ["TALLYGATE_BUILD"]).resolve()
HERE = Path(__file__).resolve().parent
_LEFT_OUT = shutil.ignore_patterns("build", ".git", "__pycache__", "node_modules", ".mypy_cache")

# Programs that are replaced by `long.py`, which knows what the suite runs.
LONG = ("tests/run", "build/release/tests/simulation/simulate",
        "build/release/tests/simulation/mutant_settle_twice", "build/release/tests/bench/bench",
        "tests/money/test_model.py", "tests/e2e/test_soak.py")


class Place:
    """REQUIRES: `folder` is private to this test."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "checkout"
        self.bin = folder / "bin"
        shutil.copytree(ROOT, self.root, ignore=_LEFT_OUT, symlinks=True)
        self.bin.mkdir()
        self._build()
        self._commit()
        state = folder / "state"
        self.environment = {
            **{key: text for key, text in os.environ.items() if not key.startswith("TALLYGATE_")},
            "PATH": f"{self.bin}:{os.environ['PATH']}", "XDG_STATE_HOME": str(state),
            "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1",
        }

    def _build(self) -> None:
        built = self.root / "build/release"
        built.mkdir(parents=True)
        (built / "tallygate").symlink_to(BINARY)
        (built / "tests/money").mkdir(parents=True)
        (built / "tests/money/money_gate").symlink_to(BUILD / "tests/money/money_gate")
        self._script(self.root / "sidecar/build", 'echo "nothing to build here"')
        for program in LONG:
            if program.endswith(".py"):
                self._stand_in(self.root / program, program)
            else:
                self._script(self.root / program, self._python("long.py", str(BUILD), program))
        self._script(self.bin / "ctest", self._python("long.py", str(BUILD), "ctest"))
        self._script(self.bin / "tallygate", self._python("hosted.py", str(BINARY)))

    def _python(self, script: str, *arguments: str) -> str:
        command = shlex.join([sys.executable, "-B", str(HERE / script), *arguments])
        return f'exec {command} "$@"'

    @staticmethod
    def _stand_in(path: Path, program: str) -> None:
        command = [sys.executable, "-B", str(HERE / "long.py"), str(BUILD), program]
        path.write_text(f"import subprocess, sys\nsys.exit(subprocess.call({command} + sys.argv[1:]))\n")

    @staticmethod
    def _script(path: Path, body: str) -> None:
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def _commit(self) -> None:
        who = ("-c", "user.name=reader", "-c", "user.email=reader@example.invalid")
        for command in (["init", "-q"], ["add", "-A"], [*who, "commit", "-qm", "A copy"]):
            subprocess.run(["git", *command], cwd=self.root, check=True, capture_output=True)

    def shell(self, text: str, folder: Path | None = None, **more: str) -> str:
        """Runs it as bash would run a script that stops at what fails; everything printed."""
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", text], cwd=folder or self.root,
                              env={**self.environment, **more}, stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=240)
        if done.returncode != 0:
            raise AssertionError(f"exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr
