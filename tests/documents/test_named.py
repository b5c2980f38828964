"""Commands and options that the documents name in passing are those that the program has."""

from __future__ import annotations

import re
import subprocess
import unittest

from blocks import ROOT, documents
from place import BINARY


def named() -> dict[str, list[str]]:
    """Each `tallygate …` within a line, with the documents that say it."""
    found: dict[str, list[str]] = {}
    for document in documents():
        text = re.sub(r"^```.*?^```$", "", (ROOT / document).read_text("utf-8"),
                      flags=re.MULTILINE | re.DOTALL)
        for command in re.findall(r"`tallygate ([^`]+)`", text):
            found.setdefault(" ".join(command.split()), []).append(document)
    return found


def help_of(words: list[str]) -> str | None:
    """The help of the command that the first words name; None where there is none. A group of
    commands is none by itself, so what stands behind its name has to be one of them."""
    for length in (2, 1):
        done = subprocess.run([str(BINARY), *words[:length], "--help"], text=True,
                              capture_output=True, timeout=60)
        if len(words) >= length and done.stdout.startswith(f"tallygate {' '.join(words[:length])}:") and (
                "COMMAND" not in done.stdout or len(words) == 1):
            return done.stdout
    return None


def alternatives(command: str) -> list[str]:
    """`cut|freeze SCOPE` is two commands."""
    head, _, rest = command.partition(" ")
    return [f"{one} {rest}".strip() for one in head.split("|")]


def complaint(command: str) -> str | None:
    words = [word for word in re.split(r"[\s\[\]|\\]+", command) if word]
    said = help_of([word for word in words if re.fullmatch(r"[a-z]+", word)])
    if said is None:
        return "no such command"
    unknown = [word for word in re.findall(r"(?<!\S)--?[a-z][a-z-]*", " ".join(words).split(" -- ")[0])
               if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", said)]
    return f"it has no {unknown}" if unknown else None


class Named(unittest.TestCase):
    def test_every_command_is_one_of_the_program(self) -> None:
        commands = named()
        self.assertGreater(len(commands), 25)
        for command, where in commands.items():
            for one in alternatives(command):
                with self.subTest(one, where=where):
                    self.assertIsNone(complaint(one))

    def test_a_wrong_one_is_seen(self) -> None:
        for wrong in ("budgets", "serve --observed", "policy prune FILE", "audit verify --heads 1"):
            self.assertIsNotNone(complaint(wrong), wrong)

    def test_every_test_that_answers_a_complaint_exists(self) -> None:
        text = (ROOT / "tests/README.md").read_text("utf-8").split("## Complaints")[1]
        named_tests = set(re.findall(r"`([^`]+)`", "".join(re.findall(r"\| ([^|]*`[^|]*) \|$", text, re.MULTILINE))))
        self.assertGreater(len(named_tests), 25)
        sources = "\n".join(path.read_text("utf-8") for kind in ("e2e/*.py", "unit/*/*.cpp")
                            for path in sorted((ROOT / "tests").glob(kind)))
        for name in named_tests:
            with self.subTest(name):
                self.assertTrue(f"def {name}(" in sources or f'"{name}"' in sources)

    def test_every_suite_that_is_named_exists(self) -> None:
        text = "\n".join((ROOT / name).read_text("utf-8") for name in documents())
        found = set(re.findall(r"`(?:\./)?tests/run([^`\n]*)`", text))
        self.assertGreaterEqual(len(found), 2)
        for options in found:
            words = options.replace("SECONDS", "1").split()
            done = subprocess.run([str(ROOT / "tests/run"), "--dry-run", *words], text=True,
                                  capture_output=True, timeout=60)
            self.assertEqual(done.returncode, 0, options)


if __name__ == "__main__":
    unittest.main()
