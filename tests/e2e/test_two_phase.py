"""`propose` and `complete`: two processes, one call."""

from __future__ import annotations

import json
import subprocess
import time
import unittest
from typing import Any

from support import BINARY, PATIENCE
from test_run import RunTest


class TwoPhaseTest(RunTest):
    def propose(self, *words: str, given: str = "", **options: Any) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([BINARY, "propose", *words], input=given, text=True, env=self.env,
                              capture_output=True, timeout=PATIENCE, **options)

    def complete(self, token: str, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([BINARY, "complete", *words], input=token + "\n", text=True,
                              env=self.env, capture_output=True, timeout=PATIENCE)

    def granted(self, *words: str) -> tuple[str, str]:
        done = self.propose("--tool", "run", "--args", "{}", *words)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        answer = json.loads(done.stdout)
        return answer["actionId"], answer["grant"]["token"]


class Phases(TwoPhaseTest):
    def test_one_process_asks_and_another_says_how_it_ended(self) -> None:
        for given, words in (("", ["--tool", "run", "--args", '{"a": 1}']),
                             ('{"a": 1}', ["--tool", "run"]),
                             ('{"tool":"run","args":{"a": 1}}', ["--stdin"])):
            done = self.propose(*words, given=given)
            self.assertEqual(done.returncode, 0, done.stderr)
            answer = json.loads(done.stdout)
            self.assertEqual((answer["status"], answer["grant"]["args"]), ("granted", {"a": 1}))
            self.assertEqual(self.usd()["reserved"], "0.01")
            done = self.complete(answer["grant"]["token"], answer["actionId"], "--output", '"done"')
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(json.loads(done.stdout)["output"], "done")
            self.assertEqual(self.usd()["reserved"], "0")
        self.assertEqual(self.usd()["spent"], "0.03")
        self.assert_chain_whole()

    def test_arguments_and_output_come_from_files_too(self) -> None:
        text = self.folder / "text.json"
        text.write_text('{"n": [1, 2]}')
        done = self.propose("--tool", "run", "--args-file", str(text))
        answer = json.loads(done.stdout)
        self.assertEqual(answer["grant"]["args"], {"n": [1, 2]})
        done = self.complete(answer["grant"]["token"], answer["actionId"], "--output-file", str(text))
        self.assertEqual(json.loads(done.stdout)["output"], {"n": [1, 2]})

    def test_the_answer_itself_is_all_that_completing_needs(self) -> None:
        answer = self.propose("--tool", "run", "--args", "{}").stdout
        other = self.propose("--tool", "run", "--args", "{}").stdout
        for given, words in ((answer, [json.loads(other)["actionId"]]), ('{"a":1}', []),
                             ("{" + answer, []), (json.loads(answer)["grant"]["token"], [])):
            done = self.complete(given, *words)
            self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
            self.assertNotIn(json.loads(answer)["grant"]["token"], done.stderr)
        self.assertEqual(json.loads(self.complete(answer).stdout)["status"], "completed")
        done = self.complete(other, json.loads(other)["actionId"], "--error", "no")
        self.assertEqual(json.loads(done.stdout)["status"], "failed")

    def test_a_failure_is_recorded_as_one(self) -> None:
        call, token = self.granted()
        done = self.complete(token, call, "--error", "the printer burns")
        self.assertEqual(done.returncode, 0)
        answer = json.loads(done.stdout)
        self.assertEqual((answer["status"], answer["reason"]), ("failed", "the printer burns"))

    def test_what_was_used_above_the_price_counts(self) -> None:
        call, token = self.granted()
        self.complete(token, call, "--usage", "usd=0.04")
        self.assertEqual(self.usd()["spent"], "0.04")

    def test_a_second_word_changes_nothing(self) -> None:
        call, token = self.granted()
        self.complete(token, call, "--output", "1")
        done = self.complete(token, call, "--error", "no")
        answer = json.loads(done.stdout)
        self.assertEqual((answer["output"], answer["replayed"]), (1, True))

    def test_only_a_token_says_run_it(self) -> None:
        named = ("--run", "r1", "--call-id", "c1")
        call, token = self.granted(*named)
        again = self.propose("--tool", "run", "--args", "{}", *named)
        self.assertEqual((again.returncode, json.loads(again.stdout)["status"]), (7, "granted"))
        self.assertNotIn(token, again.stdout + again.stderr)
        self.complete(token, call)
        again = self.propose("--tool", "run", "--args", "{}", *named)
        self.assertEqual((again.returncode, json.loads(again.stdout)["status"]), (6, "completed"))

    def test_a_grant_outlives_who_asked_and_waits_for_its_token(self) -> None:
        done = self.propose("--tool", "brief", "--args", "{}")
        answer = json.loads(done.stdout)
        time.sleep(0.7)
        self.assertEqual(self.run_it("--", "true").returncode, 0)  # any sidecar ends what is due
        self.assertEqual(self.usd()["reserved"], "0.01")
        self.assertIn("in doubt", self.tallygate("doctor").stdout.replace("\n           ", " "))
        done = self.complete(answer["grant"]["token"], answer["actionId"])
        self.assertEqual((done.returncode, json.loads(done.stdout)["status"]), (0, "completed"))
        self.assertEqual((self.usd()["reserved"], self.usd()["spent"]), ("0", "0.02"))

    def test_whoever_waits_gets_the_token_once_a_person_agrees(self) -> None:
        done = self.propose("--tool", "asked", "--args", "{}")
        self.assertEqual((done.returncode, json.loads(done.stdout)["status"]), (4, "held"))
        waiting = subprocess.Popen([BINARY, "propose", "--tool", "asked", "--args", "{}", "--wait"],
                                   env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert waiting.stderr is not None
        call = waiting.stderr.readline().decode().split()[2]
        self.assertEqual(self.at_terminal("approve", call)[0], 0)
        said, _ = waiting.communicate(timeout=PATIENCE)
        answer = json.loads(said)
        self.assertEqual((waiting.returncode, answer["actionId"]), (0, call))
        self.assertEqual(self.complete(answer["grant"]["token"], call).returncode, 0)


class Refusals(TwoPhaseTest):
    def test_refusals_have_codes_and_no_token(self) -> None:
        done = self.propose("--tool", "wipe", "--args", "{}")
        self.assertEqual((done.returncode, json.loads(done.stdout)["code"]), (3, "policy_denied"))
        self.tallygate("freeze", "global")
        done = self.propose("--tool", "run", "--args", "{}")
        self.assertEqual((done.returncode, json.loads(done.stdout)["code"]), (5, "scope_frozen"))

    def test_wrong_words_ask_for_nothing(self) -> None:
        for words, given in ((["--args", "{}"], ""), (["--tool", "run"], "[1]"),
                             (["--tool", "run"], '{"a":1,"a":2}'), (["--tool", "run"], ""),
                             (["--tool", "run", "--args", "{}", "--args-file", "x"], ""),
                             (["--tool", "run", "--args-file", "/no/such"], ""),
                             (["--stdin", "--tool", "run"], "{}"), (["--stdin"], "{}"),
                             (["--tool", "run", "--args", "{}", "--cost", "x"], "")):
            done = self.propose(*words, given=given)
            self.assertEqual((done.returncode, done.stdout), (2, ""), (words, done.stderr))
            self.assertTrue(done.stderr)
        deep = "[" * 70 + "]" * 70
        self.assertEqual(self.propose("--tool", "run", "--args", f'{{"a":{deep}}}').returncode, 2)
        much = '{"a":"' + "x" * 1_100_000 + '"}'
        self.assertEqual(self.propose("--tool", "run", given=much).returncode, 2)
        self.assertEqual(self.usd()["reserved"], "0")

    def test_a_wrong_token_or_agent_ends_nothing(self) -> None:
        call, token = self.granted()
        for given, words in ((token[:-1] + "x", [call]), (token, [call, "--agent", "other"]),
                             (token, ["01a1fe34-69f2-7000-89be-2e7e16fcd0cd"])):
            done = self.complete(given, *words)
            self.assertEqual((done.returncode, done.stdout), (6, ""), done.stderr)
            self.assertNotIn(given, done.stderr)
        for given, words in (("", [call]), (token, [call, "--output", "bare"]),
                             (token, [call, "--output", "1", "--error", "x"]),
                             (token, [call, "--output-file", "/no/such"]),
                             (token, [call, "--usage", "usd"])):
            done = self.complete(given, *words)
            self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
            self.assertNotIn(token, done.stderr)
        self.assertEqual(self.usd()["reserved"], "0.01")
        self.assertEqual(self.complete(token, call).returncode, 0)

    def test_the_token_is_nowhere_but_in_the_answer(self) -> None:
        call, token = self.granted()
        self.complete(token, call, "--error", "no")
        for path in self.folder.iterdir():
            self.assertNotIn(token.encode(), path.read_bytes(), path.name)
        for words in (["audit", "tail", "--json"], ["doctor", "--json"], ["budget", "--json"]):
            done = self.tallygate(*words)
            self.assertNotIn(token, done.stdout + done.stderr)
        done = subprocess.run([BINARY, "complete", call, "--token", token], env=self.env,
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 2)  # there is no such option

    def test_an_answer_that_nobody_reads_leaves_a_doubt_and_says_so(self) -> None:
        with open("/dev/full", "w") as full:
            done = subprocess.run([BINARY, "propose", "--tool", "run", "--args", "{}"], stdout=full,
                                  stderr=subprocess.PIPE, env=self.env, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("is granted", done.stderr)
        done = subprocess.run(["bash", "-c", 'exec "$@" >&-', "bash", BINARY, "propose", "--tool",
                               "run", "--args", "{}"], stderr=subprocess.PIPE, env=self.env, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("stdout is closed", done.stderr)
        self.assertEqual(self.usd()["reserved"], "0.01")


if __name__ == "__main__":
    unittest.main()
