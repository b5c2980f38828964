"""Slices of budgets from outside: who spends what, and what is left after a kill -9."""

from __future__ import annotations

import json
import random
import signal
import unittest
from decimal import Decimal
from typing import Any

from support import Sidecar, StoreTest

RUNS = """
[[budgets]]
scope = "run"
unit = "usd"
window = "run"
cap = "0.50"
"""


class Delegation(StoreTest):
    def setUp(self) -> None:
        super().setUp()
        self.config.write_text(self.config.read_text() + RUNS)

    def give(self, gate: Sidecar, usd: str, run: str = "c1", **more: Any) -> dict[str, Any]:
        params = {"run": run, "agent": "child", "amounts": {"usd": usd}, **more}
        result: dict[str, Any] = gate.request("budgets/delegate", params)["result"]
        return result

    def slices(self) -> list[dict[str, Any]]:
        answer = json.loads(self.tallygate("budget", "--json").stdout)
        return [row for row in answer["budgets"] if row["window"] == "slice"]

    def doctor(self) -> str:
        return " ".join(self.tallygate("doctor").stdout.split())

    def test_a_child_spends_its_slice_and_people_see_whose_it_is(self) -> None:
        lead = self.sidecar(agent="lead")
        given = self.give(lead, "0.02")
        self.assertEqual((given["status"], given["cost"]["reserved"]), ("granted", {"usd": "0.02"}))
        child = self.sidecar(agent="child", run="c1")
        ends = [child.govern("pay") for _ in range(3)]
        self.assertEqual([end["status"] for end in ends], ["completed", "completed", "denied"])
        self.assertIn("the slice that lead/r1 gave this run", ends[2]["reason"])
        [row] = self.slices()
        self.assertEqual((row["scope"], row["givenBy"], row["cap"], row["spent"], row["state"]),
                         ("run:child/c1", "lead/r1", "0.02", "0.02", "exhausted"))
        self.assertIn("run:child/c1", self.tallygate("budget").stdout)
        spent = [json.loads(line) for line in
                 self.tallygate("audit", "tail", "-n", "99", "--json").stdout.splitlines()]
        granted = [row["body"] for row in spent if row["kind"] == "granted"]
        self.assertEqual({body["agent"] for body in granted}, {"child"})
        self.assertEqual(self.usd()["spent"], "0.02")
        self.assert_chain_whole()

    def test_doctor_lists_what_slices_hold_and_how_they_end(self) -> None:
        lead = self.sidecar(agent="lead")
        given = self.give(lead, "0.30")
        self.assertIn(f"slice {given['actionId']} that lead/r1 gave to child/c1", self.doctor())
        self.assertIn("cut run:lead/r1", self.doctor())
        lead.kill()  # slices outlive their host
        self.assertIn("reserves 0.3 usd", self.doctor())
        self.assertEqual(self.tallygate("cut", "run:lead/r1").returncode, 0)
        self.assertNotIn("slice", self.doctor())
        self.assertEqual((self.usd()["reserved"], self.slices()), ("0", []))
        self.assertIn("every budget window holds", self.doctor())

    def test_kill_9_anywhere_loses_no_slice_and_frees_none_twice(self) -> None:
        chance = random.Random(7)
        lead = self.sidecar(agent="lead")
        self.give(lead, "0.40")
        ran = 0
        for life in range(12):
            child = Sidecar(self.config, agent="child", run="c1")
            asked = child.propose("pay")
            self.assertEqual(asked.get("method"), "tools/execute", asked)
            if chance.random() < 0.5:
                child.send({"id": asked["id"], "result": {"output": 1}})
                if chance.random() < 0.5:
                    child.receive()
            child.process.send_signal(signal.SIGKILL)
            child.finish()
            again = self.give(lead, "0.40" if life % 3 else "0.41")
            self.assertNotIn("code", again)
        fresh = self.sidecar(agent="child", run="c1")
        fresh.request("ping")
        # Whoever looks after the dead may be any of those that live: a second at most.
        for _ in range(40):
            doubts = [finding["data"] for section in
                      json.loads(self.tallygate("doctor", "--json").stdout)["sections"]
                      for finding in section["findings"]
                      if finding.get("data", {}).get("tool") == "pay"]
            if all(data["status"] == "in_doubt" for data in doubts):
                break
            fresh.request("ping")
        for data in doubts:
            ran += 1
            code, seen = self.reconcile(data["actionId"], "completed")
            self.assertEqual(code, 0, seen)
        ran = 12  # those that answered were booked, those in doubt were reconciled as run
        [row] = self.slices()
        self.assertEqual((row["reserved"], row["spent"]), ("0", str(ran * Decimal("0.01"))))
        self.assertEqual(self.usd()["spent"], str(ran * Decimal("0.01")))
        self.assertEqual(Decimal(self.usd()["reserved"]), Decimal(row["cap"]) - Decimal(row["spent"]))
        self.assertIn("every budget window holds", self.doctor())
        self.assert_chain_whole()

    def test_a_lead_that_dies_while_it_gives_has_given_once_or_not(self) -> None:
        for n in range(10):
            lead = Sidecar(self.config, agent="lead")
            lead.send({"id": "d", "method": "budgets/delegate", "params": {
                "run": f"d{n}", "agent": "child", "amounts": {"usd": "0.01"}}})
            if n % 2:
                lead.receive()
            lead.process.send_signal(signal.SIGKILL)
            lead.finish()
            lead = self.sidecar(agent="lead")
            self.assertEqual(self.give(lead, "0.01", run=f"d{n}")["status"], "granted")
            lead.finish()
            self.assertEqual(Decimal(self.usd()["reserved"]), Decimal("0.01") * (n + 1))
        self.assertEqual(len(self.slices()), 10)
        self.assertIn("every budget window holds", self.doctor())


if __name__ == "__main__":
    unittest.main()
