"""What people look up: help, manual and completion, of every command that there is."""

import functools
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import BINARY, Sidecar

POLICY = """
[store]
url = "sqlite:store.db"
[approvals]
allow_unsigned = true
[tools.date]
executor = "exec"
command = ["/bin/date"]
cost = "free"
[tools.deploy]
cost = "free"
[tools.mail]
cost = "free"
[tools.pay]
level = 4
cost = "free"
[[rules]]
id = "all"
match = {tool = "*"}
effect = "allow"
"""


@functools.lru_cache(maxsize=None)
def help_of(*command: str) -> str:
    done = subprocess.run([BINARY, *command, "--help"], capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stderr) == (0, ""), (command, done.stderr)
    return done.stdout


def rows_of(overview: str) -> list[str]:
    """The names in an overview; commands of one family share a row."""
    names = []
    for row in re.findall(r"^  (\S.*?)(?:  |$)", overview, re.MULTILINE):
        if not row.startswith("-"):
            names += row.split(", ")
    return names


def all_commands(*above: str) -> list[tuple[str, ...]]:
    """Every command, found from the root on; a command with others below it counts as well."""
    found: list[tuple[str, ...]] = [above]
    text = help_of(*above)
    if "COMMAND [OPTIONS]" in text:
        for name in rows_of(text):
            found += all_commands(*above, name)
    return found


class Place(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.config = self.folder / "policy.toml"
        self.config.write_text(POLICY)
        (self.folder / "tallygate").symlink_to(BINARY)
        self.env = {**os.environ, "TALLYGATE_CONFIG": str(self.config), "HOME": str(self.folder),
                    "PATH": f"{self.folder}:{os.environ['PATH']}"}

    def bash(self, script: str, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(["bash", "--norc", "-c", script, "bash", *words], cwd=self.folder, env=self.env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


class Help(Place):
    def test_the_overview_knows_the_commands(self) -> None:
        commands = all_commands()
        self.assertGreaterEqual(len(commands), 20)
        for known in (("serve",), ("run",), ("audit", "tail"), ("reopen",), ("completion",)):
            self.assertIn(known, commands)

    def test_every_help_fits_a_screen_and_has_an_example(self) -> None:
        for command in all_commands():
            with self.subTest(command):
                lines = help_of(*command).splitlines()
                self.assertLessEqual(len(lines), 24)
                self.assertLessEqual(max(map(len, lines)), 80)
                self.assertTrue(any(line.startswith("Example: ") for line in lines))

    def test_every_example_is_valid(self) -> None:
        for name in ("make", "man"):
            (self.folder / name).write_text("#!/bin/sh\ncat >/dev/null\n")
            (self.folder / name).chmod(0o700)
        self.bash("tallygate serve").check_returncode()  # makes the store
        prelude = "set -o pipefail; grant=$(tallygate propose --tool mail --args '{}'); "
        for command in all_commands():
            for example in re.findall(r"^Example: (.*)", help_of(*command), re.MULTILINE):
                with self.subTest(example):
                    done = self.bash(prelude + example)
                    self.assertNotIn("Try: ", done.stderr)
                    if done.returncode == 2:
                        self.assertIn("wants a terminal", done.stderr)
                    else:
                        self.assertIn(done.returncode, (0, 3, 6), done.stderr)

    def test_wrong_words_are_told_with_their_place_and_the_nearest_right_one(self) -> None:
        for words, complaint in {
            ("serv",): 'tallygate: there is no command "serv"; did you mean "serve"?',
            ("-c", "x"): 'tallygate: there is no option "-c"',
            ("audit", "tial"): 'tallygate audit: there is no command "tial"; did you mean "tail"?',
            ("audit",): "tallygate audit: a command is missing",
            (): "tallygate: a command is missing",
            ("budget", "--jsn"): 'tallygate budget: there is no option "--jsn"; did you mean "--json"?',
            ("budget", "-json"): 'tallygate budget: there is no option "-json"; did you mean "--json"?',
            ("budget", "--cofnig=x"):
                'tallygate budget: there is no option "--cofnig"; did you mean "--config"?',
            ("budget", "-c", "--jsn", "foo"): 'tallygate budget: there is no option "--jsn"',
            ("run", "--tol", "x", "--", "ls", "--jsn"):
                'tallygate run: there is no option "--tol"; did you mean "--tool"?',
            ("budget", "foo"): 'tallygate budget: nothing is known to do with "foo"',
            ("run", "make", "-j"): 'tallygate run: nothing is known to do with "make"; the usage is '
                                   "tallygate run [OPTIONS] -- CMD...",
            ("cut",): "tallygate cut: scope is required",
            ("reconcile", "x", "maybe"): "tallygate reconcile: outcome: maybe not in",
            ("audit", "tail", "-n", "x"): "tallygate audit tail: --rows: ",
            ("budget", "--watch", "0"): "tallygate budget: --watch: ",
            ("completion", "csh"): "tallygate completion: shell: csh not in",
        }.items():
            with self.subTest(words):
                done = subprocess.run([BINARY, *words], capture_output=True, text=True, timeout=20)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                told, remedy = done.stderr.splitlines()
                self.assertTrue(told.startswith(complaint), told)
                self.assertEqual(remedy, f"Try: {told.split(':')[0]} --help")


class Manual(Place):
    def page(self) -> Path:
        page = self.folder / "tallygate.1"
        page.write_text(self.bash("tallygate manual").stdout)
        return page

    def test_it_tells_of_every_command_and_option(self) -> None:
        text = self.page().read_text().replace("\\-", "-")
        for command in all_commands():
            if command and "COMMAND [OPTIONS]" not in help_of(*command):
                self.assertIn(f"\n.SS tallygate {' '.join(command)}\n", text)
            for option in re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", help_of(*command), re.MULTILINE):
                self.assertIn(f"\\fB{option}\\fR", text)
        # Quotes and dashes of an example come out as they have to be typed, whatever prints them.
        page = self.page().read_text()
        self.assertIn(r"tallygate propose \-\-tool mail \-\-args \(aq{" '"to":"kim"}' r"\(aq", page)
        for head in ("NAME", "SYNOPSIS", "EXIT STATUS", "ENVIRONMENT", "FILES"):
            self.assertIn(f".SH {head}\n", text)

    def test_mandoc_has_nothing_to_say(self) -> None:
        if not shutil.which("mandoc"):
            self.skipTest("mandoc is not installed")
        done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", str(self.page())],
                              capture_output=True, text=True, timeout=20)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_man_prints_it_without_a_warning(self) -> None:
        if not shutil.which("man") or not shutil.which("groff"):
            self.skipTest("man is not installed")
        done = subprocess.run(["man", "--warnings=w", "-E", "UTF-8", "-l", str(self.page())],
                              env={**self.env, "MANPAGER": "cat", "MANWIDTH": "80"},
                              capture_output=True, text=True, timeout=20)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("""tallygate propose --tool mail --args '{"to":"kim"}'""", done.stdout)


class Completion(Place):
    def setUp(self) -> None:
        super().setUp()
        (self.folder / "completion").write_text(self.bash("tallygate completion bash").stdout)

    def complete(self, *words: str) -> set[str]:
        """What a real bash offers for the last of these words."""
        script = """source ./completion
            COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
            _tallygate "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
            printf '%s\\n' "${COMPREPLY[@]}" """
        done = self.bash(script, "tallygate", *words)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return set(done.stdout.split())

    def test_commands_and_options(self) -> None:
        self.assertEqual(self.complete("se"), {"serve"})
        self.assertEqual(self.complete("audit", ""), {"verify", "tail"})
        self.assertEqual(self.complete("audit", "tail", "--js"), {"--json"})
        self.assertEqual(self.complete("-"), {"-h", "--help", "--version"})
        for command in all_commands():
            offered = self.complete(*command, "--")
            for option in re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", help_of(*command), re.MULTILINE):
                self.assertIn(option, offered, command)

    def test_values(self) -> None:
        self.assertEqual(self.complete("serve", "--log-level", "w"), {"warning"})
        self.assertEqual(self.complete("serve", "--log-level", "=", "d"), {"debug"})
        self.assertEqual(self.complete("reconcile", "91b2", ""), {"completed", "not-run"})
        self.assertEqual(self.complete("reconcile", "-c", "policy.toml", "91b2", "n"), {"not-run"})
        self.assertEqual(self.complete("reconcile", ""), set())
        self.assertEqual(self.complete("freeze", "a"), {"agent:"})
        self.assertEqual(self.complete("budget", "-c", "pol"), {"policy.toml"})
        self.assertEqual(self.complete("run", "--tool", ""), set())
        self.assertEqual(self.complete("run", "--", "--to"), set())

    def test_requests_are_those_that_wait(self) -> None:
        gate = Sidecar(self.config, hello=False)
        self.addCleanup(gate.kill_if_alive)
        gate.request("initialize", {"protocolVersion": 1, "client": {"name": "e2e", "version": "1"},
                                    "capabilities": {"execute": True}})
        gate.request("tools/register", {"tools": [{"name": "pay"}]})
        held = gate.propose("pay")["result"]["hold"]["requestId"]
        self.assertEqual(self.complete("approve", ""), {held})
        self.assertEqual(self.complete("deny", "-c", "policy.toml", held[:4]), {held})
        self.assertEqual(self.complete("deny", "-c", "nowhere.toml", ""), set())
        self.assertEqual(self.complete("deny", held, ""), set())
        self.assertIn(held, json.dumps(json.loads(self.bash("tallygate approvals --json").stdout)))

    def test_other_shells_can_read_theirs(self) -> None:
        for shell in ("bash", "zsh", "fish"):
            with self.subTest(shell):
                if not shutil.which(shell):
                    self.skipTest(f"{shell} is not installed")
                done = self.bash(f"tallygate completion {shell} > made && {shell} -n made")
                self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
