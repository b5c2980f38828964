"""`tallygate run`: a command as a governed call, from scripts and cron, without a terminal."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path
from typing import Any

from support import BINARY, PATIENCE, StoreTest, process_state

POLICY = """
[store]
url = "sqlite:store.db"
durability = "process"
[session]
allow_any_agent = true
[approvals]
allow_unsigned = true
[[budgets]]
scope = "global"
unit = "usd"
window = "total"
cap = "{cap}"
{more}
[tools.run]
cost = {{usd = "0.01"}}
[tools.brief]
cost = {{usd = "0.01"}}
timeout = "500ms"
[tools.stated]
cost = {{from = "host", max = {{usd = "0.50"}}}}
[tools.asked]
cost = {{usd = "0.01"}}
[tools.wipe]
cost = "free"
[[rules]]
id = "ordinary"
match = {{tool = ["run", "brief", "stated"]}}
effect = "allow"
[[rules]]
id = "ask-first"
match = {{tool = "asked"}}
effect = "hold"
reason = "a person looks first"
"""

PER_RUN = """
[[budgets]]
scope = "run"
unit = "calls"
window = "run"
cap = "3"
"""


class RunTest(StoreTest):
    cap, more = "1.00", ""

    def setUp(self) -> None:
        super().setUp()
        self.config.write_text(POLICY.format(cap=self.cap, more=self.more))
        self.result_file = self.folder / "result.json"
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("TALLYGATE")}
        self.env["TALLYGATE_CONFIG"] = str(self.config)

    def command(self, *words: str) -> list[str]:
        return [BINARY, "run", "--result", str(self.result_file), *words]

    def run_it(self, *words: str, **options: Any) -> "subprocess.CompletedProcess[str]":
        options = {"stdin": subprocess.DEVNULL, "env": self.env, **options}
        return subprocess.run(self.command(*words), capture_output=True, text=True,
                              timeout=PATIENCE, **options)

    def result(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.result_file.read_text())
        return answer

    def spawn(self, *words: str, **options: Any) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(self.command(*words), stdout=subprocess.PIPE, env=self.env,
                                   stderr=subprocess.PIPE, **options)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process: "subprocess.Popen[bytes]") -> None:
        process.kill()
        process.communicate()

    def first_line(self, process: "subprocess.Popen[bytes]") -> str:
        assert process.stdout is not None
        return process.stdout.readline().decode().strip()


class Ends(RunTest):
    def test_streams_and_words_pass_untouched(self) -> None:
        words = ["[a,b]", "", "--help", "-c", "two words", "$HOME", "ü", "--"]
        show = "import sys; sys.stderr.write('aside\\n'); print(sys.argv[1:], sys.stdin.read())"
        done = self.run_it("--", sys.executable, "-c", show, *words, stdin=None, input="typed")
        self.assertEqual((done.returncode, done.stdout), (0, f"{words} typed\n"))
        self.assertEqual(done.stderr, "aside\n")
        self.assertEqual(self.result()["output"], {"exitCode": 0})
        self.assertEqual(self.result()["cost"]["spent"]["usd"], "0.01")

    def test_the_arguments_of_the_call_are_the_command_and_its_folder(self) -> None:
        self.run_it("--tool", "asked", "--", "rm", "-rf", "x y", cwd=self.folder)
        (held,) = json.loads(self.tallygate("approvals", "--json").stdout)["approvals"]
        self.assertEqual(held["args"],
                         {"argv": ["rm", "-rf", "x y"], "cwd": str(self.folder.resolve())})

    def test_the_exit_code_is_the_commands(self) -> None:
        for code in (1, 3, 4, 7, 125, 255):
            done = self.run_it("--", "sh", "-c", f"exit {code}")
            self.assertEqual((done.returncode, done.stderr), (code, ""))
            self.assertEqual(self.result()["status"], "failed")
            self.assertEqual(self.result()["code"], "tool_error")
            self.assertIn(f"exit code {code}", self.result()["reason"])
            self.assertEqual(self.result()["cost"]["spent"]["usd"], "0.01")  # it ran

    def test_a_signal_is_told_as_128_and_its_number(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV):
            done = self.run_it("--", "sh", "-c", f"ulimit -c 0; kill -{int(number)} $$")
            self.assertEqual(done.returncode, 128 + number)
            self.assertIn(f"signal {number.name}", self.result()["reason"])

    def test_what_cannot_be_started_is_not_charged(self) -> None:
        for command, why in (("no-such-command", "No such file"), ("/etc/passwd", "denied")):
            done = self.run_it("--", command)
            self.assertEqual(done.returncode, 125)
            self.assertIn(why, done.stderr)
            self.assertEqual((self.result()["status"], self.result()["code"]),
                             ("failed", "not_run"))
            self.assertEqual(self.result()["cost"]["spent"], {})
        self.assertEqual((self.usd()["spent"], self.usd()["reserved"]), ("0", "0"))

    def test_what_was_not_started_is_decided_afresh_under_its_name(self) -> None:
        tool = self.folder / "tool"
        words = ("--run", "r1", "--call-id", "c1", "--", str(tool))
        self.assertEqual(self.run_it(*words).returncode, 125)
        first = self.result()["actionId"]
        tool.write_text("#!/bin/sh\nexit 9\n")
        tool.chmod(0o700)
        self.assertEqual(self.run_it(*words).returncode, 9)
        self.assertEqual(self.result()["actionId"], first)

    def test_denied_and_held_calls_start_nothing(self) -> None:
        mark = self.folder / "mark"
        done = self.run_it("--tool", "wipe", "--", "touch", str(mark))
        self.assertEqual((done.returncode, self.result()["status"]), (3, "denied"))
        self.assertIn("policy_denied", done.stderr)
        done = self.run_it("--tool", "asked", "--", "touch", str(mark))
        self.assertEqual((done.returncode, self.result()["status"]), (4, "held"))
        self.assertIn("a person looks first", done.stderr)
        self.assertIn(f"tallygate approve {self.result()['hold']['requestId']}", done.stderr)
        self.tallygate("cut", "global")
        done = self.run_it("--", "touch", str(mark))
        self.assertEqual((done.returncode, self.result()["code"]), (5, "scope_cut"))
        self.assertFalse(mark.exists())

    def test_a_timeout_ends_the_command(self) -> None:
        stubborn = "trap '' TERM; while :; do sleep 1; done"
        for command, name, least in (("exec sleep 60", "SIGTERM", 0.5), (stubborn, "SIGKILL", 2.5)):
            started = time.monotonic()
            done = self.run_it("--tool", "brief", "--", "sh", "-c", command)
            self.assertEqual(done.returncode, 124)
            self.assertGreaterEqual(time.monotonic() - started, least)
            self.assertLess(time.monotonic() - started, least + 3)
            self.assertEqual((self.result()["status"], self.result()["code"]),
                             ("failed", "execution_timeout"))
            self.assertIn(name, self.result()["reason"])

    def test_a_command_that_ends_well_after_its_time_has_failed(self) -> None:
        done = self.run_it("--tool", "brief", "--", "sh", "-c", "trap 'exit 0' TERM; sleep 9 & wait")
        self.assertEqual((done.returncode, self.result()["code"]), (124, "execution_timeout"))

    def test_a_kill_of_the_scope_ends_the_command(self) -> None:
        process = self.spawn("--agent", "coder", "--", "sh", "-c", "echo up; exec sleep 60")
        self.assertEqual(self.first_line(process), "up")
        self.tallygate("kill", "agent:coder")
        self.assertEqual(process.wait(PATIENCE), 5)
        self.assertEqual((self.result()["status"], self.result()["code"]),
                         ("cancelled", "scope_killed"))


class Words(RunTest):
    more = PER_RUN

    def test_wrong_words_start_nothing(self) -> None:
        mark = self.folder / "mark"
        for words, why in (
                ([], "--resume"), (["--"], "--resume"), (["touch", str(mark)], ""),
                (["--cost", "usd", "--", "touch", str(mark)], "UNIT=AMOUNT"),
                (["--cost", "usd=1", "--cost", "usd=2", "--", "touch", str(mark)], "twice"),
                (["--tool", "a b", "--", "touch", str(mark)], "tool"),
                (["--agent", "a b", "--", "touch", str(mark)], "agent"),
                (["--call-id", "c", "--", "touch", str(mark)], "callId"),
                (["--resume", "x", "--", "touch", str(mark)], "not both")):
            done = self.run_it(*words)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn(why, done.stderr)
        done = self.run_it("--resume", "01a1fe34-69f2-7000-89be-2e7e16fcd0cd")
        self.assertEqual(done.returncode, 6)
        self.assertFalse(mark.exists())
        self.assertFalse(self.result_file.exists())
        self.assertEqual([p.name for p in self.folder.glob("result*")], [])

    def test_what_is_not_utf_8_is_refused(self) -> None:
        done = subprocess.run([BINARY, "run", "--", "echo", b"\xff"], env=self.env,
                              capture_output=True)
        self.assertEqual((done.returncode, done.stdout), (2, b""))
        self.assertIn(b"word 2 of the command", done.stderr)

    def test_a_stated_cost_is_charged(self) -> None:
        self.assertEqual(self.run_it("--tool", "stated", "--", "true").returncode, 3)
        self.assertEqual(self.result()["code"], "unpriced")
        self.run_it("--tool", "stated", "--cost", "usd=0.25", "--", "true")
        self.assertEqual(self.usd()["spent"], "0.25")

    def test_a_cap_per_run_needs_a_run_and_says_so_first(self) -> None:
        done = self.run_it("--tool", "wipe", "--", "true")
        self.assertIn("a cap per run does not outlive this process", done.stderr.splitlines()[0])
        self.assertIn("--run", done.stderr.splitlines()[0])
        self.env["TALLYGATE_RUN"] = "nightly"
        codes = [self.run_it("--", "true").returncode for _ in range(4)]
        self.assertEqual(codes, [0, 0, 0, 3])
        self.assertEqual(self.run_it("--run", "other", "--", "true").returncode, 0)
        self.assertEqual(self.run_it("--", "true").stderr.count("does not outlive"), 0)

    def test_the_command_is_told_its_call_and_cannot_be_its_own_operator(self) -> None:
        tell = "echo $TALLYGATE_RUN $TALLYGATE_AGENT $TALLYGATE_ACTION"
        done = self.run_it("--run", "r1", "--agent", "coder", "--", "sh", "-c", tell)
        self.assertEqual(done.stdout.split(), ["r1", "coder", self.result()["actionId"]])
        done = self.run_it("--", BINARY, "reopen", "global")
        self.assertEqual(done.returncode, 2)
        self.assertIn("its own operator", done.stderr)

    def test_a_run_inside_a_run_is_of_the_same_agent_and_run(self) -> None:
        tell = "echo $TALLYGATE_RUN $TALLYGATE_AGENT"
        done = self.run_it("--run", "r1", "--agent", "coder", "--",
                           BINARY, "run", "--", "sh", "-c", tell)
        self.assertEqual((done.returncode, done.stdout), (0, "r1 coder\n"))
        self.assertEqual(self.usd()["spent"], "0.02")
        # The inner call drew on the cap of the run too.
        self.assertEqual(self.run_it("--run", "r1", "--agent", "coder", "--", "true").returncode, 0)
        self.assertEqual(self.run_it("--run", "r1", "--agent", "coder", "--", "true").returncode, 3)

    def test_a_name_runs_once(self) -> None:
        mark = self.folder / "mark"
        words = ("--run", "r1", "--call-id", "c1", "--", "sh", "-c", f"echo x >>{mark}; exit 9")
        self.assertEqual(self.run_it(*words).returncode, 9)
        done = self.run_it(*words)
        self.assertEqual((done.returncode, self.result()["replayed"]), (9, True))
        self.assertIn("as it was told before", done.stderr)
        self.assertEqual(mark.read_text(), "x\n")
        self.assertEqual(self.run_it(*words[:-1], "true").returncode, 3)
        self.assertEqual(self.result()["code"], "call_mismatch")
        killed = ("--run", "r1", "--call-id", "c2", "--", "sh", "-c", "kill -USR1 $$")
        self.assertEqual([self.run_it(*killed).returncode for _ in range(2)], [138, 138])

    def test_a_result_is_whole_or_not_there(self) -> None:
        self.result_file.write_text("of an earlier call")
        process = self.spawn("--", "sh", "-c", "echo up; read x; exit 4", stdin=subprocess.PIPE)
        self.assertEqual(self.first_line(process), "up")
        self.assertFalse(self.result_file.exists())
        process.communicate(b"go\n")
        self.assertEqual(self.result()["status"], "failed")
        self.assertEqual([p.name for p in self.folder.glob("result*")], ["result.json"])

    def test_a_result_that_cannot_be_written_is_known_before(self) -> None:
        mark = self.folder / "mark"
        for place in (self.folder / "no" / "folder.json", Path("/dev/null"), self.folder):
            done = subprocess.run([BINARY, "run", "--result", str(place), "--", "touch", str(mark)],
                                  env=self.env, capture_output=True, text=True)
            self.assertEqual(done.returncode, 2, done.stderr)
        self.assertFalse(mark.exists())


class Holds(RunTest):
    def test_an_approved_call_is_taken_up_by_its_id(self) -> None:
        mark = self.folder / "mark"
        self.run_it("--tool", "asked", "--", "touch", str(mark), cwd=self.folder)
        call = self.result()["actionId"]
        resume = ("--tool", "asked", "--resume", call)
        self.assertEqual(self.run_it(*resume).returncode, 4)
        self.assertEqual(self.at_terminal("approve", call)[0], 0)
        self.assertFalse(mark.exists())
        self.assertEqual(self.run_it(*resume, "--agent", "other").returncode, 6)
        self.assertEqual(self.run_it(*resume, cwd="/").returncode, 0)
        self.assertTrue(mark.exists())
        self.assertEqual(self.run_it(*resume).returncode, 0)  # its end, told again
        self.assertTrue(self.result()["replayed"])

    def test_whoever_waits_runs_once_a_person_agrees(self) -> None:
        process = self.spawn("--tool", "asked", "--wait", "--", "sh", "-c", "exit 9")
        assert process.stderr is not None
        process.stderr.readline()
        request = process.stderr.readline().split()[-1].decode()
        self.assertEqual(self.at_terminal("approve", request)[0], 0)
        self.assertEqual(process.wait(PATIENCE), 9)

    def test_whoever_waits_is_told_of_a_no(self) -> None:
        process = self.spawn("--tool", "asked", "--wait", "--", "sh", "-c", "exit 9")
        assert process.stderr is not None
        process.stderr.readline()
        request = process.stderr.readline().split()[-1].decode()
        self.assertEqual(self.tallygate("deny", request, "--reason", "not today").returncode, 0)
        self.assertEqual(process.wait(PATIENCE), 3)
        self.assertIn("not today", self.result()["reason"])

    def test_a_signal_ends_the_wait_and_not_the_call(self) -> None:
        process = self.spawn("--tool", "asked", "--wait", "--", "true")
        assert process.stderr is not None
        process.stderr.readline()
        request = process.stderr.readline().split()[-1].decode()
        process.terminate()
        self.assertEqual(process.wait(PATIENCE), 128 + signal.SIGTERM)
        self.assertEqual(self.result()["status"], "held")
        self.assertIn(request, self.tallygate("approvals").stdout)

    def test_a_call_of_another_kind_is_no_command(self) -> None:
        gate = self.sidecar()
        gate.request("tools/register", {"tools": [{"name": "asked"}]})
        call = gate.govern("asked", argv="ls")["actionId"]
        self.assertEqual(self.at_terminal("approve", call)[0], 0)
        done = self.run_it("--tool", "asked", "--resume", call)
        self.assertEqual(done.returncode, 125)
        self.assertIn("no command", done.stderr)
        self.assertEqual(self.usd()["spent"], "0")


class Signals(RunTest):
    def test_signals_are_passed_on(self) -> None:
        traps = "; ".join(f"trap 'echo {name}' {name}" for name in ("TERM", "HUP", "USR1", "INT"))
        process = self.spawn("--", "bash", "-c", f"{traps}; echo up; while :; do sleep 0.05; done")
        self.assertEqual(self.first_line(process), "up")
        for name in ("TERM", "HUP", "USR1", "INT"):
            process.send_signal(getattr(signal, f"SIG{name}"))
            self.assertEqual(self.first_line(process), name)
        process.send_signal(signal.SIGUSR2)  # which it does not trap
        self.assertEqual(process.wait(PATIENCE), 128 + signal.SIGUSR2)

    def test_a_stopped_command_is_heard_when_it_is_told_to_end(self) -> None:
        process = self.spawn("--tool", "brief", "--", "sh", "-c", "echo $$; exec sleep 60")
        os.kill(int(self.first_line(process)), signal.SIGSTOP)
        self.assertEqual(process.wait(PATIENCE), 124)
        self.assertIn("SIGTERM", self.result()["reason"])

    def test_a_signal_before_the_command_starts_nothing(self) -> None:
        self.run_it("--tool", "wipe", "--", "true")  # makes the store
        mark = self.folder / "mark"
        with open(self.folder / "store.db.lock", "w") as queue:
            fcntl.flock(queue, fcntl.LOCK_EX)  # it has to wait before it can be granted
            process = self.spawn("--", "touch", str(mark))
            time.sleep(0.3)
            process.terminate()
            time.sleep(0.1)
        self.assertEqual(process.wait(PATIENCE), 128 + signal.SIGTERM)
        self.assertFalse(mark.exists())
        self.assertEqual((self.usd()["spent"], self.usd()["reserved"]), ("0", "0"))

    def test_ignored_signals_and_masks_are_inherited(self) -> None:
        show = ["grep", "-E", "^Sig(Ign|Blk)", "/proc/self/status"]  # no shell: some reset masks

        def change() -> None:
            signal.signal(signal.SIGUSR2, signal.SIG_IGN)
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})

        plain = subprocess.run(show, env=self.env, stdin=subprocess.DEVNULL, capture_output=True,
                               text=True, preexec_fn=change)
        done = self.run_it("--", *show, preexec_fn=change)
        self.assertEqual(done.stdout, plain.stdout)
        self.assertNotEqual(done.stdout, self.run_it("--", *show).stdout)

    def test_no_descriptor_of_ours_reaches_the_command(self) -> None:
        show = "import os; print(sorted(os.listdir('/proc/self/fd'), key=int))"
        plain = subprocess.run([sys.executable, "-c", show], stdin=subprocess.DEVNULL,
                               capture_output=True, text=True, env=self.env)
        done = self.run_it("--", sys.executable, "-c", show)
        self.assertEqual(done.stdout, plain.stdout)
        with open(self.folder / "given", "w") as given:
            done = self.run_it("--", "sh", "-c", f"echo kept >&{given.fileno()}",
                               pass_fds=(given.fileno(),))
        self.assertEqual((self.folder / "given").read_text(), "kept\n", done.stderr)

    def test_closed_streams_stay_closed_and_harm_nothing(self) -> None:
        show = "import os; print(sorted(os.listdir('/proc/self/fd'), key=int))"
        done = subprocess.run(["bash", "-c", f'exec "$@" <&- 2>&-', "bash",
                               *self.command("--", "ls", "/proc/self/fd")],
                              stdout=subprocess.PIPE, text=True, env=self.env)
        self.assertEqual((done.returncode, done.stdout.split()[:2]), (0, ["0", "1"]), show)
        done = subprocess.run(["bash", "-c", 'exec "$@" <&- >&- 2>&-', "bash",
                               *self.command("--tool", "wipe", "--", "true")], env=self.env)
        self.assertEqual(done.returncode, 3)
        self.assertEqual(self.tallygate("doctor").returncode, 0)
        for path in self.folder.glob("store.db.*"):  # what was said went into no file of ours
            self.assertNotIn(b"tallygate: ", path.read_bytes(), path.name)

    def test_a_killed_run_takes_the_command_with_it_and_leaves_a_doubt(self) -> None:
        process = self.spawn("--", "sh", "-c", "echo $$; exec sleep 60")
        child = int(self.first_line(process))
        process.kill()
        process.wait()
        until = time.monotonic() + PATIENCE
        while process_state(child) not in "ZX" and time.monotonic() < until:
            time.sleep(0.01)
        self.assertIn(process_state(child), "ZX")
        self.assertFalse(self.result_file.exists())
        self.assertEqual(self.usd()["reserved"], "0.01")
        done = self.run_it("--", "true")  # the next sidecar finds it
        self.assertIn("left unfinished", done.stderr)
        self.assertEqual(self.tallygate("doctor").returncode, 7)
        self.assertEqual((self.usd()["reserved"], self.usd()["spent"]), ("0.01", "0.01"))

    def test_a_name_in_doubt_is_not_run_again(self) -> None:
        words = ("--run", "r1", "--call-id", "c1", "--", "sh", "-c", "echo up; exec sleep 60")
        process = self.spawn(*words)
        self.assertEqual(self.first_line(process), "up")
        process.kill()
        process.wait()
        done = self.run_it(*words)
        self.assertEqual((done.returncode, done.stdout), (7, ""))
        self.assertEqual(self.result()["status"], "in_doubt")


class Crowd(RunTest):
    cap = "0.20"

    def test_of_fifty_at_once_exactly_the_twenty_run_that_the_cap_allows(self) -> None:
        marks = self.folder / "marks"
        processes = [subprocess.Popen(
            [BINARY, "run", "--", "sh", "-c", f"echo x >>{marks}"], env=self.env,
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(50)]
        busy, codes = 0, []
        for process in processes:
            _, said = process.communicate(timeout=120)
            busy += b"store_busy" in said or b"busy" in said
            codes.append(process.returncode)
        while busy:  # a queue of fifty may be longer than its patience: these come again
            done = self.run_it("--", "sh", "-c", f"echo x >>{marks}")
            codes.append(done.returncode)
            busy -= 1
        self.assertEqual(marks.read_text(), "x\n" * 20)
        self.assertEqual(codes.count(0), 20, codes)
        self.assertEqual((self.usd()["spent"], self.usd()["available"]), ("0.2", "0"))
        self.assert_chain_whole()


if __name__ == "__main__":
    unittest.main()
