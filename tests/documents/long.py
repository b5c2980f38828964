"""long.py BUILD PROGRAM ARGUMENT…: stands for a program whose run would take too long.

Succeeds when that is what the suite runs anyway, and says so; else runs a short form of it that takes
the same arguments. A test or an option that is not there fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from blocks import ROOT


def suite_has(build: Path, arguments: list[str]) -> bool:
    """Whether ctest selects anything by these arguments."""
    chosen = arguments[arguments.index("--test-dir") + 2:] if "--test-dir" in arguments else arguments
    path = os.environ["PATH"].split(":", 1)[1]  # past the stand-in
    asked = subprocess.run(["ctest", "--test-dir", str(build), "-N", *chosen], text=True,
                           capture_output=True, env={**os.environ, "PATH": path})
    print(asked.stdout.splitlines()[-1] if asked.stdout else asked.stderr)
    return asked.returncode == 0 and "Total Tests: 0" not in asked.stdout


def is_a_test(build: Path, program: Path, arguments: list[str]) -> bool:
    """Whether the suite runs this very command."""
    listed = (build / program.relative_to("build/release").parent / "CTestTestfile.cmake")
    wanted = " ".join(f'"{word}"' for word in [str(build / program.relative_to("build/release")),
                                               *arguments])
    return wanted in listed.read_text("utf-8")


def in_short(program: str, arguments: list[str]) -> int:
    """A script of the tests, told to do little. It has to find what it is told to use."""
    given = {name: str(Path(text).resolve()) for name, text in os.environ.items()
             if name in ("TALLYGATE_MONEY_GATE", "TALLYGATE_BIN")}
    soak = {"TALLYGATE_SOAK": "2 1"} if "TALLYGATE_SOAK" in os.environ else {}
    arguments = ["100" if before == "--operations" else word
                 for before, word in zip(["", *arguments], arguments)]
    return subprocess.call([sys.executable, "-B", str(ROOT / program), *arguments],
                           cwd=(ROOT / program).parent, env={**os.environ, **given, **soak})


def main() -> int:
    build, program, arguments = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    if program == "ctest":
        return 0 if suite_has(build, arguments) else 1
    if program == "tests/run":
        return subprocess.call([str(ROOT / program), "--dry-run", *arguments])
    if program.endswith(".py"):
        return in_short(program, arguments)
    if is_a_test(build, Path(program), arguments):
        print("the suite runs this")
        return 0
    real = build / Path(program).relative_to("build/release")
    if not program.endswith("/bench"):
        return subprocess.call([str(real), *arguments])
    only = [] if "--only" in arguments else ["--only", "file"]
    code = subprocess.call([str(real), *arguments, *only, "--quick"])
    return 0 if code == 3 and "--strict" in arguments else code  # it is not about speed here


if __name__ == "__main__":
    raise SystemExit(main())
