"""clients/shell: the bash functions, and every recipe beside them."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import time
import unittest
from pathlib import Path
from typing import Any

from support import BINARY, PATIENCE
from test_run import RunTest

SHELL = Path(__file__).resolve().parents[2] / "clients/shell"

RECIPES = """
[store]
url = "sqlite:store.db"
durability = "process"
[session]
allow_any_agent = true
[tools.check]
cost = "free"
[tools."*"]
cost = {usd = "0.01"}
[tools.Wipe]
cost = "free"
level = 5
[[rules]]
id = "all"
match = {tool = "*"}
effect = "allow"
[[budgets]]
scope = "global"
unit = "usd"
window = "total"
cap = "1.00"
[[budgets]]
scope = "run"
unit = "usd"
window = "run"
cap = "0.02"
"""


class ShellTest(RunTest):
    def setUp(self) -> None:
        super().setUp()
        self.env["PATH"] = f"{os.path.dirname(BINARY)}:{os.environ['PATH']}"
        self.env["HOME"] = str(self.folder)
        self.env["XDG_RUNTIME_DIR"] = str(self.folder)

    def bash(self, script: str, **options: Any) -> "subprocess.CompletedProcess[str]":
        head = f"set -euo pipefail\nsource {SHELL}/tallygate.bash\n"
        return subprocess.run(["bash", "-c", head + script], env=self.env, text=True,
                              capture_output=True, timeout=PATIENCE,
                              **{"stdin": subprocess.DEVNULL, **options})

    def governed(self, script: str) -> "subprocess.CompletedProcess[str]":
        """A script whose session is open, and in which `code WORDS` prints a command's code."""
        return self.bash("code() { local c=0; \"$@\" || c=$?; echo \"$c ${TALLYGATE_STATUS-}\"; }\n"
                         f"trap tallygate_stop EXIT\ntallygate_start -c {self.config}\n" + script)


class Functions(ShellTest):
    def test_a_function_and_a_program_run_when_they_may(self) -> None:
        done = self.governed("""
            greet() { echo "hello $1 $TALLYGATE_ARGS"; }
            tallygate_govern run '{"x": 1}' greet kim
            tallygate_govern run '{}' printf '%s\\n' 'two words' '[a,b]'
            echo "$TALLYGATE_STATUS"
            """)
        self.assertEqual(done.stdout, 'hello kim {"x":1}\ntwo words\n[a,b]\ncompleted\n')
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.usd()["spent"], "0.02")

    def test_codes_of_commands_and_refusals_are_told_apart(self) -> None:
        done = self.governed("""
            code tallygate_govern run '{}' sh -c 'exit 9'
            code tallygate_govern run '{}' sh -c 'exit 3'
            code tallygate_govern wipe '{}' touch mark
            code tallygate_govern asked '{}' touch mark
            code tallygate_govern run '{' touch mark
            code tallygate_govern run '{},"callId":"x"' touch mark
            code tallygate_govern run '[]' touch mark
            code tallygate_govern run '{}'
            tallygate cut global >/dev/null
            code tallygate_govern run '{}' touch mark
            """)
        self.assertEqual(done.stdout.splitlines(), ["9 failed", "3 failed", "3 denied", "4 held",
                                                    "2 ", "2 ", "2 ", "2 ", "5 denied"], done.stderr)
        self.assertFalse((self.folder / "mark").exists())
        self.assertIn("policy_denied", done.stderr)
        self.assertIn("tallygate approve", done.stderr)

    def test_a_timeout_ends_the_whole_command(self) -> None:
        for command, least in (("sleep 60", 0.5), ("trap '' TERM; sleep 60; sleep 60", 2.0)):
            started = time.monotonic()
            done = self.governed(f'code tallygate_govern brief "{{}}" sh -c "{command}"')
            self.assertEqual(done.stdout, "124 failed\n", done.stderr)
            self.assertGreaterEqual(time.monotonic() - started, least)
            self.assertLess(time.monotonic() - started, 5)
            self.assertNotIn("Terminated", done.stderr)
            self.assertNotIn("Killed", done.stderr)

    def test_streams_and_substitutions_work(self) -> None:
        done = self.governed("""
            echo input | tallygate_govern run '{}' cat
            out=$(tallygate_govern run '{}' sh -c 'echo text; echo aside >&2')
            echo "got $out"
            tallygate_govern run '{}' cat <<<here
            """)
        self.assertEqual((done.stdout, done.stderr), ("input\ngot text\nhere\n", "aside\n"))

    def test_the_first_that_fails_ends_a_strict_script(self) -> None:
        done = self.governed("steps() { false; echo not here; }\n"
                             "tallygate_govern run '{}' steps\necho nor here")
        self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)

    def test_names_and_costs_are_passed_on(self) -> None:
        done = self.bash(f"""
            tallygate_start -c {self.config} --run r1 --agent coder
            for n in 1 2; do tallygate_govern --call-id c1 run '{{}}' echo once; done
            tallygate_govern --cost usd=0.25 stated '{{}}' echo "$TALLYGATE_AGENT $TALLYGATE_RUN"
            tallygate_stop
            """)
        self.assertEqual(done.stdout, "once\ncoder r1\n", done.stderr)
        self.assertEqual(self.usd()["spent"], "0.26")

    def test_whoever_waits_runs_once_a_person_agrees(self) -> None:
        script = (f"source {SHELL}/tallygate.bash; tallygate_start -c {self.config}\n"
                  "tallygate_govern --wait asked '{}' echo ran; tallygate_stop")
        process = subprocess.Popen(["bash", "-euc", script], env=self.env, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stderr is not None
        process.stderr.readline()
        call = process.stderr.readline().split()[-1]
        self.assertEqual(self.at_terminal("approve", call)[0], 0)
        self.assertEqual(process.communicate(timeout=PATIENCE)[0], "ran\n")

    def test_without_a_sidecar_nothing_runs(self) -> None:
        done = self.bash("tallygate_govern run '{}' echo ran || echo $?")
        self.assertEqual(done.stdout, "1\n")
        done = self.bash(f"tallygate_start -c {self.folder}/no.toml || echo start $?\n"
                         "tallygate_govern run '{}' echo ran || echo $?")
        self.assertEqual(done.stdout, "start 2\n1\n", done.stderr)
        done = self.governed("kill -9 $TALLYGATE_SIDECAR_PID; sleep 0.2\n"
                             "tallygate_govern run '{}' echo ran || echo $?")
        self.assertEqual(done.stdout, "1\n")

    def test_ctrl_c_ends_script_and_command_and_is_recorded(self) -> None:
        script = self.folder / "script"
        script.write_text(f"set -euo pipefail; source {SHELL}/tallygate.bash\n"
                          f"trap tallygate_stop EXIT; tallygate_start -c {self.config}\n"
                          "echo up; tallygate_govern run '{}' sleep 60; echo not here\n")
        child, terminal = pty.fork()
        if child == 0:
            os.execvpe("bash", ["bash", str(script)], self.env)
        time.sleep(1)
        os.write(terminal, b"\x03")
        started, said = time.monotonic(), b""
        try:
            while chunk := os.read(terminal, 4096):
                said += chunk
        except OSError:
            pass
        os.close(terminal)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        self.assertIn(code, (130, -signal.SIGINT))
        self.assertLess(time.monotonic() - started, 5)
        self.assertNotIn(b"not here", said)
        self.assertEqual((self.usd()["reserved"], self.usd()["spent"]), ("0", "0.01"))

    def test_json_goes_there_and_back(self) -> None:
        texts = ["", "plain", 'a "quoted" \\ word', "tab\tline\nreturn\r", "ü 漢 \U0001f600", "& $x `y`",
                 "\\n", "\x01\x1f\x7f", "x" * 5000, "\\", '"', "é\\\"é"]
        for text in texts:
            with self.subTest(text):
                self.assertEqual(json.loads(self.told('tallygate_json_string "$1"', text)), text)
                for ascii_only in (True, False):
                    raw = json.dumps({"a": [text, {"b": text}], text + "k": text, "z": -1.5},
                                     ensure_ascii=ascii_only, indent=2)
                    get = 'tallygate_json_get "$1" "$2"'
                    self.assertEqual(json.loads(self.told(get, raw, "a")), [text, {"b": text}])
                    self.assertEqual(self.told(get, raw, "z"), "-1.5")
                    self.assertEqual(self.told(f"{get} || echo none", raw, "y"), "none\n")
                    value = self.told(get, raw, text + "k")
                    self.assertEqual(self.told('tallygate_json_text "$1"', value), text)
        self.assertEqual(self.told('tallygate_json_text "$1" || echo no', '"a\\u0000b"'), "no\n")
        self.assertEqual(json.loads(self.told('tallygate_json_object a "b c" \'"\' d')),
                         {"a": "b c", '"': "d"})

    def told(self, script: str, *words: str) -> str:
        done = subprocess.run(["bash", "-euc", f"source {SHELL}/tallygate.bash; {script}", "x", *words],
                              env=self.env, capture_output=True, check=True)
        return done.stdout.decode()

    def test_the_functions_leave_no_process_behind(self) -> None:
        done = self.bash(f"tallygate_start -c {self.config}; echo $TALLYGATE_SIDECAR_PID\n"
                         "sleep 30 & tallygate_stop; kill $!")
        self.assertFalse(Path(f"/proc/{done.stdout.strip()}").exists())


class Recipes(ShellTest):
    def setUp(self) -> None:
        super().setUp()
        self.config.write_text(RECIPES)
        self.marks = self.folder / "marks"

    def recipe(self, *words: str, **options: Any) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([str(SHELL / "recipes" / words[0]), *words[1:]], env=self.env,
                              text=True, capture_output=True, timeout=PATIENCE, **options)

    @unittest.skipUnless(shutil.which("make"), "make is not installed")
    def test_a_makefile_deploys_once_for_each_run(self) -> None:
        deploy = self.folder / "deploy"
        deploy.write_text(f"#!/bin/sh\necho x >>{self.marks}\n")
        deploy.chmod(0o700)
        for run in ("7", "7", "8"):
            done = subprocess.run(["make", "-f", str(SHELL / "recipes/Makefile"), "deploy",
                                   f"RUN={run}", f"DEPLOY={deploy}"], env=self.env,
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.marks.read_text(), "x\nx\n")
        self.tallygate("cut", "global")
        done = subprocess.run(["make", "-f", str(SHELL / "recipes/Makefile"), "deploy", "RUN=9",
                               f"DEPLOY={deploy}"], env=self.env, capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("Error 5", done.stderr)

    def test_cron_backs_up_once_a_day(self) -> None:
        command = f"echo x >>{self.marks}"
        codes = [self.recipe("nightly", "sh", "-c", command).returncode for _ in range(2)]
        self.assertEqual((codes, self.marks.read_text()), ([0, 0], "x\n"))
        (kept,) = self.folder.glob(".local/state/nightly/*.json")
        self.assertTrue(json.loads(kept.read_text())["replayed"])
        self.tallygate("cut", "global")
        done = self.recipe("nightly", "false")
        self.assertEqual(done.returncode, 3)  # another command under the name of today's backup
        self.assertIn("not run", done.stderr)

    def test_a_job_of_ci_has_one_cap(self) -> None:
        self.env["CI_JOB"] = "77"
        codes = [self.recipe("ci-step", "sh", "-c", f"echo x >>{self.marks}").returncode
                 for _ in range(3)]
        self.assertEqual((codes, self.marks.read_text()), ([0, 0, 3], "x\nx\n"))
        self.env["CI_JOB"] = "78"
        self.assertEqual(self.recipe("ci-step", "sh", "-c", "exit 9").returncode, 9)
        del self.env["TALLYGATE_CONFIG"]
        self.assertNotEqual(self.recipe("ci-step", "touch", str(self.marks) + "2").returncode, 0)
        self.assertFalse(Path(str(self.marks) + "2").exists())

    def hook(self, when: str, **changes: Any) -> "subprocess.CompletedProcess[str]":
        call = {"session_id": "s-1", "hook_event_name": "x", "tool_name": "Bash",
                "tool_input": {"command": "echo \"hi\\n\" | wc"}, "tool_use_id": "toolu_01", **changes}
        return self.recipe("tool-hook", when, input=json.dumps(call, indent=1))

    def test_a_hook_asks_before_and_tells_after(self) -> None:
        done = self.hook("before")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertEqual(self.usd()["reserved"], "0.01")
        kept = self.folder / "tool-hook" / "toolu_01"
        self.assertEqual(kept.stat().st_mode & 0o777, 0o600)
        done = self.hook("after", tool_response={"stdout": "1"})
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        self.assertEqual((self.usd()["reserved"], self.usd()["spent"]), ("0", "0.01"))
        self.assertFalse(kept.exists())

    def test_a_hook_lets_nothing_pass_that_it_does_not_know(self) -> None:
        done = self.hook("before", tool_name="Wipe", tool_use_id="toolu_00")
        self.assertEqual(done.returncode, 2)
        self.assertIn("policy_denied", done.stderr)
        for changes in ({"tool_use_id": "../x"}, {"tool_use_id": ""}, {"tool_name": "a b"},
                        {"session_id": "a b"}, {"tool_name": ""}, {"tool_input": "text"}):
            changes = {"tool_use_id": "toolu_00", **changes}
            self.assertEqual(self.hook("before", **changes).returncode, 2, changes)
        self.assertEqual(self.hook("never").returncode, 2)
        self.assertEqual(self.hook("after", tool_use_id="toolu_99").returncode, 2)
        self.assertEqual(self.recipe("tool-hook", "before", input="").returncode, 2)
        self.assertEqual(self.recipe("tool-hook", "before", input="nonsense").returncode, 2)
        self.assertEqual(self.hook("before").returncode, 0)
        self.assertEqual(self.hook("before").returncode, 2)  # the same use again: not twice
        self.env["PATH"] = os.environ["PATH"]
        self.assertEqual(self.hook("before", tool_use_id="toolu_02").returncode, 2)  # no tallygate


@unittest.skipUnless(shutil.which("shellcheck"), "shellcheck is not installed")
class Style(unittest.TestCase):
    def test_shellcheck_finds_nothing(self) -> None:
        files = [SHELL / "tallygate.bash", *(SHELL / "recipes" / name
                                             for name in ("nightly", "ci-step", "tool-hook"))]
        done = subprocess.run(["shellcheck", "-x", *map(str, files)], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, ""))


if __name__ == "__main__":
    unittest.main()
