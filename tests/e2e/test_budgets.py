"""Budgets from outside: caps of a launch, top-ups, closes that budgets make, groups."""

import json
import subprocess
import unittest
from typing import Any

from support import BINARY, StoreTest

GROUPS = """
[store]
url = "sqlite:store.db"
durability = "process"
[agents.coder]
group = "web"
[groups.web]
parent = "company"
[groups.company]
[tools.pay]
cost = {usd = "0.01"}
[tools.look]
cost = "free"
[tools.echo]
cost = {usd = "0.01"}
executor = "exec"
command = ["/bin/echo", "hello"]
[[rules]]
id = "all"
match = {tool = "*"}
effect = "allow"
[[budgets]]
scope = "group:company"
unit = "usd"
window = "month"
timezone = "Europe/Berlin"
cap = "0.02"
on_exhausted = "freeze"
[[budgets]]
scope = "agent:*"
unit = "usd"
window = "rolling:1h"
cap = "5.00"
"""


class Budgets(StoreTest):
    def setUp(self) -> None:
        super().setUp()
        self.config.write_text(GROUPS, encoding="utf-8")

    def rows(self) -> list[dict[str, Any]]:
        budgets: list[dict[str, Any]] = json.loads(
            self.tallygate("budget", "--json").stdout)["budgets"]
        return budgets

    def kinds(self) -> list[str]:
        lines = self.tallygate("audit", "tail", "-n", "1000", "--json").stdout.splitlines()
        return [json.loads(line)["kind"] for line in lines]

    def run_dry(self) -> Any:
        gate = self.sidecar(agent="coder")
        for _ in range(2):
            self.assertEqual(gate.govern("pay")["status"], "completed")
        self.assertEqual(gate.govern("pay")["code"], "budget_exhausted")
        return gate

    def test_a_budget_that_runs_dry_closes_its_group_and_reopen_says_what_is_used_up(self) -> None:
        gate = self.run_dry()
        told = gate.receive(patience=2)
        self.assertEqual((told["method"], told["params"]["scope"], told["params"]["state"]),
                         ("scope/changed", "group:company", "frozen"))
        self.assertEqual(gate.govern("look")["code"], "scope_frozen")
        text = " ".join(self.tallygate("doctor").stdout.split())
        self.assertIn("group:company is frozen", text)
        self.assertIn("by budget group:company usd month", text)
        code, seen = self.at_terminal("reopen", "group:company")
        self.assertEqual(code, 0, seen)
        self.assertIn("group:company has 0 usd left (month)", seen)
        self.assert_chain_whole()

    def test_a_topup_wants_a_person_makes_room_and_keeps_the_books_whole(self) -> None:
        gate = self.run_dry()
        gate.receive(patience=2)
        self.assertEqual(self.tallygate("topup", "group:company", "usd", "0.01").returncode, 2)
        self.assertEqual(self.at_terminal("topup", "group:company", "usd", "0.01", code="1")[0], 2)
        self.assertNotIn("topup", self.kinds())
        code, seen = self.at_terminal("topup", "group:company", "usd", "0.01", "--reason", "agreed")
        self.assertEqual(code, 0, seen)
        self.assertIn("0.01 usd are new room", seen)
        self.assertEqual(self.kinds()[-2:], ["topup", "scope"])
        gate.receive(patience=2)  # open again
        self.assertEqual(gate.govern("pay")["status"], "completed")
        row = next(row for row in self.rows() if row["scope"] == "group:company")
        self.assertEqual((row["cap"], row["added"], row["spent"], row["timezone"]),
                         ("0.03", "0.01", "0.03", "Europe/Berlin"))
        self.assertIn("every budget window holds", self.tallygate("doctor").stdout)
        self.assert_chain_whole()

    def test_a_topup_of_nothing_or_of_no_budget_is_refused(self) -> None:
        for words, code in ((("global", "usd", "1"), 6), (("group:company", "eur", "1"), 6),
                            (("group:company", "usd", "0"), 2), (("group:company", "usd", "-1"), 2),
                            (("nobody", "usd", "1"), 2)):
            self.assertEqual(self.tallygate("topup", *words).returncode, code, words)

    def test_a_close_of_a_group_that_the_policy_does_not_know_is_refused(self) -> None:
        done = self.tallygate("cut", "group:compny")
        self.assertEqual(done.returncode, 6)
        self.assertIn("nothing would be closed", done.stderr)
        self.assertEqual(self.tallygate("cut", "group:web").returncode, 0)
        self.assertEqual(self.sidecar(agent="coder").propose("look")["result"]["code"], "scope_cut")
        self.assertEqual(self.sidecar().govern("look")["status"], "completed")

    def test_a_cap_of_the_launch_binds_that_process(self) -> None:
        lines = b'{"tool":"echo","args":{}}\n{"tool":"echo","args":{"n":1}}\n'
        done = subprocess.run([BINARY, "call", "-c", str(self.config), "--budget", "usd=0.01/run"],
                              input=lines.replace(b'{"n":1}', b"{}"), capture_output=True, timeout=60)
        codes = sorted(json.loads(line)["result"].get("code", "") if "result" in json.loads(line)
                       else json.loads(line).get("code", "") for line in done.stdout.splitlines())
        self.assertEqual(codes, ["", "budget_exhausted"], done.stdout)
        command = [BINARY, "run", "-c", str(self.config), "--tool", "pay", "--budget", "usd=0/run",
                   "--", "/bin/true"]
        self.assertEqual(subprocess.run(command, capture_output=True, timeout=60).returncode, 3)

    def test_a_cap_of_the_launch_that_makes_no_sense_starts_nothing(self) -> None:
        for word in ("usd", "usd=1/year", "usdd=1/run", "usd=x/run"):
            done = subprocess.run([BINARY, "serve", "-c", str(self.config), "--budget", word],
                                  input=b"", capture_output=True, timeout=60)
            self.assertEqual((done.returncode, done.stdout), (2, b""), word)
            self.assertIn(b"--budget", done.stderr)


if __name__ == "__main__":
    unittest.main()
