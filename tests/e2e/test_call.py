"""`tallygate call`: a filter whose lines are governed calls."""

import json
import signal
import subprocess
import time
import unittest
from typing import Any

from support import BINARY, StoreTest

POLICY = """
[store]
url = "sqlite:store.db"
durability = "process"
[session]
allow_any_agent = true
[tools.count]
executor = "exec"
command = ["/usr/bin/wc", "-c", "--", "{path}"]
cost = { usd = "0.01" }
[tools.sleep]
executor = "exec"
command = ["/bin/sleep", "{seconds}"]
cost = "free"
[tools.read]
executor = "exec"
command = ["/bin/cat"]
stdin = "args"
output = "json"
cost = "free"
[tools.host]
cost = "free"
[tools.ask]
executor = "exec"
command = ["/bin/true"]
cost = "free"
level = 4
[approvals]
allow_unsigned = true
[[rules]]
id = "all"
match = { tool = "*" }
effect = "allow"
[[budgets]]
scope = "global"
unit = "usd"
window = "total"
cap = "0.05"
"""


class Call(StoreTest):
    def setUp(self) -> None:
        super().setUp()
        self.config.write_text(POLICY)

    def call(self, text: str, *options: str) -> tuple[int, dict[int, dict[str, Any]], str]:
        done = subprocess.run([BINARY, "call", "-c", str(self.config), *options], input=text,
                              capture_output=True, text=True, timeout=60, cwd=self.folder)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(len({one["line"] for one in answers}), len(answers))
        return done.returncode, {one["line"]: one for one in answers}, done.stderr

    def test_each_line_gets_one_answer_and_the_end_of_the_input_ends_no_body(self) -> None:
        (self.folder / "a b").write_text("12345")
        lines = ['{"tool":"sleep","args":{"seconds":0.7}}', '{"tool":"count","args":{"path":"a b"}}',
                 "", '{"tool":"read","args":{"x":[1.50]}}']
        code, answers, _ = self.call("\n".join(lines))  # the last without its end
        self.assertEqual(code, 0)
        self.assertEqual(sorted(answers), [1, 2, 4])
        self.assertEqual({one["status"] for one in answers.values()}, {"completed"})
        self.assertEqual(answers[2]["output"], "5 a b\n")
        self.assertEqual(answers[4]["output"], {"x": [1.5]})

    def test_answers_come_as_the_calls_end(self) -> None:
        done = subprocess.run([BINARY, "call", "-c", str(self.config)], text=True, timeout=60,
                              input='{"tool":"sleep","args":{"seconds":0.5}}\n'
                                    '{"tool":"read","args":{}}\n', capture_output=True)
        self.assertEqual([json.loads(line)["line"] for line in done.stdout.splitlines()], [2, 1])

    def test_the_exit_code_is_that_of_the_first_line_that_did_not_complete(self) -> None:
        good, bad = '{"tool":"read","args":{}}', '{"tool":"count","args":{"path":"none"}}'
        for lines, expected in (
                ([good, bad, "x"], 1), ([good, "x", bad], 2), ([good, '{"tool":"host","args":{}}'], 3),
                ([good, '{"tool":"ask","args":{}}', bad], 4), (['{"tool":"read","args":{}}x'], 2),
                ([good, '{"tool":"read"}'], 2), (['{"tool":"read","args":{},"wrong":1}'], 2)):
            with self.subTest(lines):
                self.assertEqual(self.call("\n".join(lines) + "\n")[0], expected)
        self.assertEqual(self.tallygate("cut", "agent:default").returncode, 0)
        self.assertEqual(self.call(good)[0], 5)
        self.assertEqual(self.call(good, "--agent", "other")[0], 0)

    def test_a_tool_of_a_host_has_nobody_to_run_it_here(self) -> None:
        _, answers, _ = self.call('{"tool":"host","args":{}}\n{"tool":"unknown","args":{}}\n')
        self.assertEqual(answers[1]["code"], "no_executor")
        self.assertEqual(answers[2]["code"], "unregistered_tool")

    def test_a_named_call_runs_once_across_processes(self) -> None:
        (self.folder / "f").write_text("1")
        line = '{"tool":"count","args":{"path":"f"},"callId":"c1"}\n'
        self.assertEqual(self.call(line, "--run", "r1")[1][1]["output"], "1 f\n")
        (self.folder / "f").write_text("123")
        again = self.call(line, "--run", "r1")[1][1]
        self.assertEqual((again["output"], again["replayed"]), ("1 f\n", True))
        self.assertEqual(self.usd()["spent"], "0.01")
        code, answers, _ = self.call(line)  # a name needs a run that was named
        self.assertEqual((code, answers[1]["error"]["code"]), (2, -32602))

    def test_a_cap_holds_over_all_lines(self) -> None:
        text = '{"tool":"count","args":{"path":"/etc/hostname"}}\n' * 300
        code, answers, _ = self.call(text)
        self.assertEqual((code, len(answers)), (3, 300))
        self.assertEqual(sum(one["status"] == "completed" for one in answers.values()), 5)
        self.assertEqual(self.usd()["available"], "0")

    def test_a_session_that_is_refused_exits_2_and_acts_on_nothing(self) -> None:
        code, answers, err = self.call('{"tool":"read","args":{}}\n', "--agent", "a b")
        self.assertEqual((code, answers), (2, {}))
        self.assertIn("agent", err)

    def test_sigterm_stops_what_runs_and_says_how_it_ended(self) -> None:
        process = subprocess.Popen([BINARY, "call", "-c", str(self.config)], text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL)
        assert process.stdin and process.stdout
        process.stdin.write('{"tool":"sleep","args":{"seconds":1000}}\n')
        process.stdin.flush()
        time.sleep(0.5)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        answer = json.loads(process.stdout.readline())
        self.assertEqual((answer["status"], answer["code"]), ("failed", "host_lost"))
        self.assertEqual(process.wait(5), 1)
        self.assertLess(time.monotonic() - began, 2)
        process.stdin.close()
        process.stdout.close()

    def test_a_reader_that_leaves_ends_it(self) -> None:
        lines = '{"tool":"sleep","args":{"seconds":0.1}}\n' * 1000
        (self.folder / "lines").write_text(lines)
        done = subprocess.run(
            ["sh", "-c", f"{BINARY} call -c {self.config} < lines | head -n 1"], cwd=self.folder,
            capture_output=True, text=True, timeout=20)
        self.assertEqual(done.stdout.count("\n"), 1)

    def test_an_empty_input_is_done(self) -> None:
        self.assertEqual(self.call(""), (0, {}, ""))


if __name__ == "__main__":
    unittest.main()
