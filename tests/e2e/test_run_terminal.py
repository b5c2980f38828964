"""`tallygate run` at a real terminal, under a shell with job control."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import sys
import time
import unittest
from pathlib import Path

from support import BINARY, PATIENCE, process_state
from test_run import RunTest

# As editors do: takes keys one by one, stops itself on ^Z, gives the terminal back as it was.
EDITOR = """
import os, signal, sys, termios, tty
before = termios.tcgetattr(0)
tty.setraw(0)
print("ready", end="\\r\\n", flush=True)
while True:
    key = os.read(0, 1)
    print("key %d" % key[0], end="\\r\\n", flush=True)
    if key == b"\\x1a":
        termios.tcsetattr(0, termios.TCSADRAIN, before)
        os.kill(os.getpid(), signal.SIG{stop})
        tty.setraw(0)
        print("back", end="\\r\\n", flush=True)
    if key == b"q":
        termios.tcsetattr(0, termios.TCSADRAIN, before)
        sys.exit(9)
"""


class Terminal(RunTest):
    def setUp(self) -> None:
        super().setUp()
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execvpe("bash", ["bash", "--norc", "--noprofile", "--noediting", "-i"],
                       {**self.env, "PS1": "$ ", "TERM": "dumb", "HISTFILE": "/dev/null",
                        "PATH": f"{os.path.dirname(BINARY)}:{os.environ['PATH']}"})
        self.addCleanup(self.hang_up)
        self.seen = ""
        self.wait_for(r"\$ $")

    def hang_up(self) -> None:
        os.close(self.terminal)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def type(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def wait_for(self, pattern: str) -> str:
        """Reads until the pattern is seen, and forgets everything up to there."""
        until = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self.seen)):
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.terminal], [], [], left)[0]:
                raise TimeoutError(f"no {pattern!r} in {self.seen!r}")
            self.seen += os.read(self.terminal, 4096).decode(errors="replace")
        self.seen = self.seen[found.end():]
        return found[0]

    def command(self, line: str) -> None:  # type: ignore[override]
        self.type(line + "\n")
        self.wait_for(re.escape(line) + r"\r\n")

    def code_of_last(self) -> int:
        self.wait_for(r"\$ $")
        self.command("echo code $?")
        return int(self.wait_for(r"code \d+").split()[1])

    def wait_until_run_waits(self) -> None:
        """After `fg`: the command may be faster than the sidecar, which then takes a stop that comes
        at once for the one that is over."""
        until = time.monotonic() + PATIENCE
        while process_state(self.job()) != "S":
            self.assertLess(time.monotonic(), until)
            time.sleep(0.01)

    def job(self) -> int:
        """The shell's only child."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        self.assertEqual(len(children), 1)
        return int(children[0])

    def script(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text)
        return f"{sys.executable} {path}"

    def test_an_editor_reads_keys_and_its_code_comes_back(self) -> None:
        self.command("tallygate run -- " + self.script("e.py", EDITOR.format(stop="TSTP")))
        self.wait_for("ready")
        for key, number in (("a", 97), ("\x03", 3), ("\x1b", 27)):  # raw: ^C is a key as well
            self.type(key)
            self.wait_for(f"key {number}\r\n")
        self.type("q")
        self.assertEqual(self.code_of_last(), 9)

    def test_an_editor_that_stops_itself_gives_the_shell_back(self) -> None:
        for stop in ("TSTP", "STOP"):
            with self.subTest(stop):
                self.command("tallygate run -- " + self.script("e.py", EDITOR.format(stop=stop)))
                self.wait_for("ready")
                self.type("\x1a")
                self.wait_for("Stopped")
                self.wait_for(r"\$ $")
                self.command("echo shell $((6*7))")
                self.wait_for("shell 42")
                self.wait_for(r"\$ $")
                self.command("fg")
                self.wait_for("back")
                self.wait_until_run_waits()
                self.type("b")
                self.wait_for("key 98")
                self.type("\x1a")
                self.wait_for("Stopped")
                self.wait_for(r"\$ $")
                self.command("fg")
                self.wait_for("back")
                self.type("q")
                self.assertEqual(self.code_of_last(), 9)

    def test_ctrl_c_reaches_the_command_once(self) -> None:
        self.command("tallygate run -- sleep 60")
        time.sleep(0.5)
        self.type("\x03")
        self.assertEqual(self.code_of_last(), 130)
        # One byte for each signal that comes, before Python may take two for one.
        count = "import os, signal, sys, time\nread, write = os.pipe2(os.O_NONBLOCK)\n" \
                "signal.signal(2, lambda *_: None)\nsignal.set_wakeup_fd(write)\n" \
                "print('up', flush=True)\nuntil = time.monotonic() + 3\n" \
                "while time.monotonic() < until: time.sleep(0.01)\n" \
                "print('times', len(os.read(read, 99)))\nsys.exit(5)\n"
        self.command("tallygate run -- " + self.script("c.py", count))
        self.wait_for("up")
        for _ in range(15):
            self.type("\x03")
            time.sleep(0.1)
        self.wait_for("times 15\r\n")
        self.assertEqual(self.code_of_last(), 5)

    def test_ctrl_z_stops_both_and_fg_continues_both(self) -> None:
        count = "import sys, time\nfor n in range(600):\n" \
                "    print('tick', n, flush=True)\n    time.sleep(0.05)\n"
        self.command("tallygate run -- " + self.script("t.py", count))
        self.wait_for("tick 3\r\n")
        self.type("\x1a")
        self.wait_for("Stopped")
        self.wait_for(r"\$ $")
        processes = self.descendants()
        self.assertIn("tallygate", processes.values())
        self.assertEqual([process_state(pid) for pid in processes], ["T", "T"])
        self.command("fg")
        self.wait_for(r"tick \d+\r\n")
        self.type("\x03")
        self.assertEqual(self.code_of_last(), 130)

    def test_in_the_background_it_stops_when_it_reads_the_terminal(self) -> None:
        self.command("tallygate run -- cat &")
        self.type("\n")
        time.sleep(0.5)
        self.type("\n")
        self.wait_for("Stopped")
        self.command("fg")
        self.wait_for(r"run -- cat\r\n")
        self.type("hello\n")
        self.wait_for("hello\r\nhello\r\n")
        self.type("\x04")
        self.assertEqual(self.code_of_last(), 0)

    def test_a_stopped_command_is_ended_when_its_time_is_up_and_it_is_continued(self) -> None:
        self.command("tallygate run --tool brief -- sleep 60")
        time.sleep(0.2)
        self.type("\x1a")
        self.wait_for("Stopped")
        time.sleep(0.6)
        self.command("fg")
        self.assertEqual(self.code_of_last(), 124)

    def test_codes_are_told_apart(self) -> None:
        result = f"--result {self.result_file}"
        for line, code, status in (("-- true", 0, "completed"), ("-- sh -c 'exit 3'", 3, "failed"),
                                   ("--tool wipe -- true", 3, "denied"),
                                   ("--tool asked -- true", 4, "held"),
                                   ("-- no-such-command", 125, "failed"),
                                   ("-- sh -c 'kill -TERM $$'", 143, "failed")):
            self.command(f"tallygate run {result} {line}")
            self.assertEqual(self.code_of_last(), code, line)
            self.assertEqual(self.result()["status"], status, line)
        self.command(f"tallygate run {result} -- sleep 60")
        time.sleep(0.5)
        self.type("\x03")
        self.assertEqual(self.code_of_last(), 130)
        self.assertIn("SIGINT", self.result()["reason"])

    def test_a_terminal_that_hangs_up_ends_the_command(self) -> None:
        self.command("tallygate run -- sleep 60; true")
        time.sleep(0.5)
        (sleep,) = [pid for pid, name in self.descendants().items() if name == "sleep"]
        os.close(self.terminal)
        self.terminal = os.open("/dev/null", os.O_RDONLY)
        until = time.monotonic() + PATIENCE
        while process_state(sleep) not in "ZX" and time.monotonic() < until:
            time.sleep(0.05)
        self.assertIn(process_state(sleep), "ZX")
        time.sleep(0.2)
        self.assertEqual(self.usd()["reserved"], "0")  # its end was recorded

    def descendants(self) -> dict[int, str]:
        """Of the shell: pid and name."""
        parents, names = {}, {}
        for place in Path("/proc").glob("[0-9]*/stat"):
            try:
                name, _, rest = place.read_text().partition("(")[2].rpartition(")")
            except (FileNotFoundError, ProcessLookupError):
                continue
            pid = int(place.parent.name)
            parents[pid], names[pid] = int(rest.split()[1]), name
        found = {self.pid}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return {pid: names[pid] for pid in found - {self.pid}}

    def test_as_the_leader_of_a_session_it_passes_a_hangup_on(self) -> None:
        child, terminal = pty.fork()
        if child == 0:
            os.execve(BINARY, [BINARY, "run", "--", "sleep", "60"], self.env)
        time.sleep(0.5)
        os.close(terminal)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 128 + signal.SIGHUP)
        self.assertEqual(self.usd()["reserved"], "0")


if __name__ == "__main__":
    unittest.main()
