"""What users of other budgets complained of, each as a test through the wire; tests/README.md says of what
complaint each is the answer."""

from __future__ import annotations

import sqlite3
import subprocess
import unittest
from contextlib import closing
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

from support import Sidecar, StoreTest

POLICY = """
[store]
url = "sqlite:store.db"
durability = "process"
[session]
allow_any_agent = true
[agents.coder]
group = "web"
[groups.web]
parent = "company"
[groups.company]
[approvals]
timeout = "2s"
allow_unsigned = true
[tools.pay]
cost = {usd = "0.01", "tokens:x" = "5"}
timeout = "30s"
[tools.look]
cost = "free"
[tools.wipe]
[tools.asked]
level = 4
cost = {usd = "0.01"}
[tools.quick]
cost = {usd = "0.01"}
timeout = "300ms"
[tools.lapsing]
cost = {usd = "0.01"}
timeout = "300ms"
idempotent = true
[[rules]]
id = "all"
match = {tool = "*"}
effect = "allow"
"""
TOOLS = ("pay", "look", "wipe", "asked", "quick", "lapsing")


def budget(scope: str, unit: str, window: str, cap: str) -> str:
    return f'[[budgets]]\nscope = "{scope}"\nunit = "{unit}"\nwindow = "{window}"\ncap = "{cap}"\n'


class Complaints(StoreTest):
    def write(self, *budgets: str) -> None:
        self.config.write_text(POLICY + "".join(budgets), encoding="utf-8")

    def host(self, **options: Any) -> Sidecar:
        gate = self.sidecar(**options)
        gate.request("tools/register", {"tools": [{"name": name} for name in TOOLS]})
        return gate

    def postings(self) -> list[tuple[str, int]]:
        with closing(sqlite3.connect(self.folder / "store.db")) as store:
            return list(store.execute("SELECT kind, count(*) FROM postings GROUP BY action, kind"))

    def counters(self) -> dict[str, str]:
        row = self.usd()
        return {key: row[key] for key in ("reserved", "spent", "overrun")}

    def test_calls_that_run_at_once_never_overshoot_whatever_their_number(self) -> None:
        self.write(budget("run", "usd", "run", "0.10"))
        gate = self.host()
        for number in range(64):
            gate.send({"id": f"c{number}", "method": "actions/govern",
                       "params": {"tool": "pay", "args": {"n": number}}})
        messages = [gate.receive() for _ in range(64)]
        running = [one for one in messages if one and one.get("method") == "tools/execute"]
        refused = [one for one in messages if one and one.get("result", {}).get("code") == "budget_exhausted"]
        self.assertEqual((len(running), len(refused)), (10, 54))  # before any of them has an end

    def test_the_very_first_calls_of_an_agent_nobody_knew_are_bound_like_any(self) -> None:
        self.write(budget("agent:*", "usd", "day", "0.01"), budget("run", "calls", "run", "1"))
        gates = [self.host(agent="newcomer", run="fresh") for _ in range(8)]
        start, ends = Barrier(8), []

        def call(gate: Sidecar, number: int) -> None:
            start.wait()
            ends.append(gate.govern("pay", n=number)["status"])

        threads = [Thread(target=call, args=(gate, number)) for number, gate in enumerate(gates)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(ends), ["completed"] + ["denied"] * 7)

    def test_every_kind_of_budget_that_a_policy_can_name_is_enforced(self) -> None:
        units = {"usd": "0.015", "calls": "1", "seconds": "45", "tokens:x": "9"}
        for scope in ("global", "group:web", "group:company", "agent:coder", "agent:*", "run"):
            for window in ("run", "hour", "day", "week", "month", "total", "rolling:1h"):
                for unit, cap in units.items():
                    with self.subTest(f"{scope} {unit} {window}"):
                        for left in self.folder.glob("store.db*"):
                            left.unlink()
                        self.write(budget(scope, unit, window, cap))
                        gate = self.host(agent="coder")
                        self.assertIn("tools/execute", str(gate.propose("pay", n=1)))
                        self.assertEqual(gate.propose("pay", n=2)["result"]["code"], "budget_exhausted")
                        gate.kill()

    def test_after_every_way_that_a_call_can_end_nothing_stays_reserved(self) -> None:
        self.write(budget("global", "usd", "total", "1.00"))
        gate = self.host()
        self.assertEqual(gate.govern("pay", n="completes")["status"], "completed")
        body = gate.propose("pay", n="fails")
        gate.send({"id": body["id"], "error": {"code": 1, "message": "broken"}})
        self.assertEqual(self.answer(gate)["status"], "failed")
        body = gate.propose("pay", n="is taken back")
        gate.send({"method": "$/cancelRequest", "params": {"id": f"q{gate._ids}"}})
        stop = gate.receive()
        assert stop is not None and stop["method"] == "$/cancelRequest"
        gate.send({"id": body["id"], "error": {"code": 1, "message": "stopped"}})
        self.assertEqual(self.answer(gate)["status"], "cancelled")
        self.assertEqual(gate.propose("wipe")["result"]["status"], "denied")
        held = gate.propose("asked", n="expires")["result"]["actionId"]
        denied = gate.propose("asked", n="is denied")["result"]["actionId"]
        self.assertEqual(self.tallygate("deny", denied).returncode, 0)
        gate.propose("lapsing", n="lapses")
        self.assertEqual(self.answer(gate, "failed")["code"], "execution_timeout")
        self.wait_for_end(gate, held)
        self.assertEqual(self.counters(), {"reserved": "0", "spent": "0.04", "overrun": "0"})
        self.assertEqual({count for _, count in self.postings()}, {1})
        self.assertIn("nothing is wrong", self.tallygate("doctor").stdout)

    def answer(self, gate: Sidecar, status: str = "") -> dict[str, Any]:
        """The next result that is an end."""
        while True:
            message = gate.receive(8)
            assert message is not None
            result: dict[str, Any] = message.get("result") or message.get("error", {}).get("data") or {}
            if result.get("status") in ((status,) if status else ("completed", "failed", "cancelled", "denied")):
                return result

    def wait_for_end(self, gate: Sidecar, action: str) -> None:
        gate.send({"id": "wait", "method": "actions/resume", "params": {"actionId": action, "waitMs": 9000}})
        self.assertEqual(self.answer(gate, "denied")["code"], "approval_expired")

    def test_hosts_that_disconnect_leave_no_reservation_that_nobody_can_end(self) -> None:
        self.write(budget("global", "usd", "total", "0.30"))
        for number in range(10):
            gate = self.host()
            gate.propose("quick", n=number)
            gate.finish()
            self.assertEqual(self.counters()["reserved"], f"{(number + 1) / 100:.2f}".rstrip("0"))
        calls = self.tallygate("doctor").stdout.split("tallygate reconcile ")[1:]
        names = {text.split()[0] for text in calls}
        self.assertEqual(len(names), 10)
        for index, name in enumerate(sorted(names)):
            code, seen = self.reconcile(name, "completed" if index % 2 else "not-run")
            self.assertEqual(code, 0, seen)
        self.assertEqual(self.counters(), {"reserved": "0", "spent": "0.05", "overrun": "0"})
        gate = self.host()
        for number in range(25):  # what is left is all there to be used
            self.assertEqual(gate.govern("pay", n=number)["status"], "completed")
        self.assertEqual(gate.propose("pay")["result"]["code"], "budget_exhausted")

    def test_a_disconnect_forgets_no_spend(self) -> None:
        self.write(budget("global", "usd", "total", "0.02"))
        for number in range(2):
            gate = self.host()
            gate.propose("lapsing", n=number)
            gate.finish()
        late = self.host()
        self.assertEqual(late.propose("pay")["result"]["code"], "budget_exhausted")
        for _ in range(30):  # whoever lives ends what lapses
            if late.request("budgets/get")["result"]["budgets"][0]["spent"] == "0.02":
                break
            subprocess.run(["sleep", "0.1"], check=True)
        self.assertEqual(self.counters(), {"reserved": "0", "spent": "0.02", "overrun": "0"})

    def test_a_cancel_and_a_disconnect_during_a_body_settle_it_once(self) -> None:
        self.write(budget("global", "usd", "total", "1.00"))
        for number in range(12):
            gate = self.host()
            body = gate.propose("pay", n=number)
            gate.send({"id": "c", "method": "actions/cancel",
                       "params": {"actionId": body["params"]["actionId"]}})
            if number % 3:
                gate.send({"id": body["id"], "result": {"output": 1}})
            if number % 2:
                gate.send({"id": body["id"], "error": {"code": 1, "message": "stopped"}})
            gate.finish()
        ended = self.postings()
        self.assertTrue(all(count == 1 for _, count in ended), ended)
        spent, reserved = len(ended), 12 - len(ended)
        self.assertEqual(spent, 10)  # those with an answer of either kind
        self.assertEqual(self.counters(), {"reserved": f"{reserved / 100:.2f}", "spent": "0.1", "overrun": "0"})

    def test_what_has_no_price_is_refused_even_where_no_budget_applies(self) -> None:
        self.write()
        denied = self.host().propose("wipe")["result"]
        self.assertEqual((denied["status"], denied["code"]), ("denied", "unpriced"))

    def test_what_is_free_runs_on_when_everything_is_used_up(self) -> None:
        self.write(budget("global", "usd", "total", "0.01"), budget("agent:*", "tokens:x", "day", "0"))
        gate = self.host()
        gate.request("usage/record", {"usage": {"usd": "5.00", "tokens:x": "77"}})
        self.assertEqual(gate.propose("pay")["result"]["code"], "budget_exhausted")
        for number in range(3):
            self.assertEqual(gate.govern("look", n=number)["status"], "completed")

    def test_use_above_the_price_is_kept_in_full_and_refuses_until_it_is_paid(self) -> None:
        self.write(budget("global", "usd", "total", "0.45"))
        gate = self.host()
        body = gate.propose("pay")
        gate.send({"id": body["id"], "result": {"output": 1, "usage": {"usd": "0.60"}}})
        self.assertEqual(self.answer(gate)["cost"]["spent"]["usd"], "0.6")
        self.assertEqual(self.counters(), {"reserved": "0", "spent": "0.45", "overrun": "0.15"})
        self.assertEqual(gate.propose("pay")["result"]["code"], "budget_exhausted")
        self.assertEqual(self.at_terminal("topup", "global", "usd", "0.15")[0], 0)
        self.assertEqual(gate.propose("pay")["result"]["code"], "budget_exhausted")  # paid, and no more
        self.assertEqual(self.at_terminal("topup", "global", "usd", "0.01")[0], 0)
        self.assertEqual(gate.govern("pay", n=2)["status"], "completed")

    def test_one_name_is_charged_once_and_other_content_under_it_is_a_mismatch(self) -> None:
        self.write(budget("global", "usd", "total", "1.00"))
        ends = []
        for number in (1, 1, 2):
            gate = self.host()
            gate.send({"id": "n", "method": "actions/govern",
                       "params": {"tool": "pay", "args": {"n": number}, "callId": "toolu_1"}})
            message = gate.receive()
            assert message is not None
            if message.get("method") == "tools/execute":
                gate.send({"id": message["id"], "result": {"output": "paid"}})
                message = gate.receive()
            assert message is not None
            ends.append((message["result"]["status"], message["result"].get("code"),
                         message["result"].get("replayed"), message["result"].get("output")))
            gate.finish()
        self.assertEqual(ends, [("completed", None, None, "paid"), ("completed", None, True, "paid"),
                                ("denied", "call_mismatch", None, None)])
        self.assertEqual(self.counters(), {"reserved": "0", "spent": "0.01", "overrun": "0"})

    def test_the_table_of_complaints_names_tests_that_are_there(self) -> None:
        tests = Path(__file__).parent.parent
        text = (tests / "README.md").read_text(encoding="utf-8")
        rows = text[text.index("## Complaints"):].splitlines()
        named = [cell for line in rows if line.startswith("|") for cell in line.split("`")[1::2]]
        self.assertGreater(len(named), 12)
        sources = "".join(path.read_text(encoding="utf-8") for path in (*tests.rglob("*.py"),
                                                                        *tests.rglob("*.cpp")))
        sources = sources.replace('"\n          "', "")  # a name may go over two lines
        for name in named:
            self.assertIn(f"def {name}(" if name.startswith("test_") else f'"{name}"', sources)


if __name__ == "__main__":
    unittest.main()
