"""The operator's brake: cut, freeze, kill and reopen, from outside the agent."""

import json
import threading
import time
import unittest
from typing import Any

from support import Sidecar, StoreTest


class Brake(StoreTest):
    def close(self, *arguments: str) -> None:
        done = self.tallygate(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)

    def told(self, gate: Sidecar) -> dict[str, Any]:
        """The next line, which must be scope/changed; what it says."""
        message = gate.receive(patience=2)
        assert message is not None
        self.assertEqual(message["method"], "scope/changed")
        params: dict[str, Any] = message["params"]
        return params

    def test_each_close_refuses_new_calls_free_ones_too_and_says_why(self) -> None:
        for command, code in (("cut", "scope_cut"), ("freeze", "scope_frozen"),
                              ("kill", "scope_killed")):
            with self.subTest(command):
                gate = self.sidecar(agent="coder")
                self.assertEqual(gate.govern("look")["status"], "completed")
                self.close(command, "agent:coder", "--reason", "it loops")
                state = {"cut": "cut", "freeze": "frozen", "kill": "killed"}[command]
                snapshot = {"snapshot": True} if command == "freeze" else {}
                self.assertEqual(self.told(gate), {"scope": "agent:coder", "state": state,
                                                   "reason": "it loops", **snapshot})
                denied = gate.govern("look")
                self.assertEqual((denied["status"], denied["code"]), ("denied", code))
                self.assertIn("it loops", denied["reason"])
                self.assertEqual(self.sidecar(agent="other").govern("look")["status"], "completed")
                code_, seen = self.at_terminal("reopen", "agent:coder")
                self.assertEqual(code_, 0, seen)
                self.assertEqual(self.told(gate), {"scope": "agent:coder", "state": "open"})
                self.assertEqual(gate.govern("look")["status"], "completed")
                gate.finish()
        self.assert_chain_whole()

    def test_a_cut_lets_what_runs_finish(self) -> None:
        gate = self.sidecar()
        asked = gate.propose("pay")
        done = self.tallygate("cut", "global", "--json")
        self.assertEqual([call["actionId"] for call in json.loads(done.stdout)["running"]],
                         [asked["params"]["actionId"]])
        self.told(gate)
        gate.send({"id": asked["id"], "result": {"output": 1}})
        self.assertEqual(gate.receive()["result"]["status"], "completed")  # type: ignore[index]

    def test_a_kill_stops_what_runs(self) -> None:
        gate = self.sidecar()
        asked = gate.propose("pay")
        self.close("kill", "run:default/r1")
        self.assertEqual(self.told(gate)["state"], "killed")
        stop = gate.receive()
        assert stop is not None
        self.assertEqual((stop["method"], stop["params"]["id"]), ("$/cancelRequest", asked["id"]))
        gate.send({"id": asked["id"], "error": {"code": 1, "message": "stopped"}})
        ended = gate.receive()
        assert ended is not None
        self.assertEqual((ended["result"]["status"], ended["result"]["code"]),
                         ("cancelled", "scope_killed"))
        self.assertEqual(self.usd()["spent"], "0.01")

    def test_a_freeze_tells_to_snapshot_and_binds_who_does_not_listen(self) -> None:
        gate = self.sidecar()
        asked = gate.propose("pay")
        self.close("freeze", "run:default/r1", "--reason", "audit")
        self.assertEqual(self.told(gate), {"scope": "run:default/r1", "state": "frozen",
                                           "reason": "audit", "snapshot": True})
        for method in ("actions/govern", "actions/propose"):
            answer = gate.request(method, {"tool": "look", "args": {}})["result"]
            self.assertEqual((answer["status"], answer["code"]), ("denied", "scope_frozen"))
        # What runs may end, and its end counts.
        gate.send({"id": asked["id"], "result": {"output": 1}})
        self.assertEqual(gate.receive()["result"]["status"], "completed")  # type: ignore[index]
        # Neither another process of the run gets through, nor one that asks again and again.
        other = self.sidecar()
        self.assertEqual([notice["params"].get("snapshot") for notice in other.notices], [True])
        for _ in range(3):
            self.assertEqual(other.govern("look")["code"], "scope_frozen")
        self.assertEqual(self.usd()["spent"], "0.01")

    def test_a_kill_reaches_a_host_that_does_not_listen_and_what_the_sidecar_runs(self) -> None:
        mark = self.folder / "still-here"
        script = f"(trap '' TERM; sleep 3; touch {mark}) & wait"
        self.config.write_text(self.config.read_text() + f"""
[tools.loop]
cost = "free"
executor = "exec"
command = ["/bin/sh", "-c", "{script}"]
timeout = "60s"
[[rules]]
id = "loops"
match = {{tool = "loop"}}
effect = "allow"
""")
        gate = self.sidecar()
        gate.send({"id": "mute", "method": "actions/govern", "params": {"tool": "pay", "args": {}}})
        gate.receive()  # tools/execute, which this host never answers
        gate.send({"id": "loop", "method": "actions/govern", "params": {"tool": "loop", "args": {}}})
        time.sleep(0.3)
        self.close("kill", "global")
        ends: dict[str, Any] = {}
        while len(ends) < 2:
            message = gate.receive(patience=8)
            assert message is not None
            if "result" in message:
                ends[message["id"]] = message["result"]
        self.assertEqual((ends["loop"]["status"], ends["loop"]["code"]),
                         ("cancelled", "scope_killed"))
        self.assertEqual((ends["mute"]["status"], ends["mute"]["code"]),
                         ("in_doubt", "scope_killed"))
        self.assertEqual(gate.govern("look")["code"], "scope_killed")
        time.sleep(3.2)
        self.assertFalse(mark.exists(), "what the command left in its group lives on")

    def test_a_scope_can_be_closed_before_it_was_ever_used(self) -> None:
        self.close("cut", "agent:newcomer", "--reason", "not yet")
        gate = self.sidecar(agent="newcomer")
        self.assertEqual(gate.propose("look")["result"]["code"], "scope_cut")
        self.assertEqual([notice["method"] for notice in gate.notices], ["scope/changed"])

    def test_opening_again_wants_a_person_and_names_are_checked(self) -> None:
        self.close("cut", "global")
        self.assertEqual(self.tallygate("reopen", "global").returncode, 2)
        self.assertEqual(self.at_terminal("reopen", "global", code="1")[0], 2)
        self.assertEqual(self.sidecar().propose("look")["result"]["code"], "scope_cut")
        for wrong in ("agent", "agent:", "run:x", "team:a", "agent:a b", "run:a/b/c"):
            self.assertEqual(self.tallygate("cut", wrong).returncode, 2, wrong)

    def test_nothing_is_admitted_after_a_cut_is_committed(self) -> None:
        stop = threading.Event()

        def work(index: int) -> None:
            gate = Sidecar(self.config, agent=f"a{index}")
            while not stop.is_set():
                gate.send({"id": "c", "method": "actions/govern",
                           "params": {"tool": "look", "args": {}}})
                while True:
                    message = gate.receive()
                    assert message is not None
                    if message.get("method") == "tools/execute":
                        gate.send({"id": message["id"], "result": {"output": 1}})
                    if "result" in message:
                        break
            gate.finish()

        threads = [threading.Thread(target=work, args=(index,)) for index in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        self.close("cut", "global")
        time.sleep(0.3)
        stop.set()
        for thread in threads:
            thread.join()
        rows = [json.loads(line)
                for line in self.tallygate("audit", "tail", "-n", "100000", "--json").stdout.splitlines()]
        cut = next(row["seq"] for row in rows if row["kind"] == "scope")
        self.assertGreater(sum(row["kind"] == "granted" for row in rows if row["seq"] < cut), 20)
        self.assertEqual([row for row in rows if row["seq"] > cut and row["kind"] == "granted"], [])
        self.assertGreater(sum(row["kind"] == "denied" for row in rows if row["seq"] > cut), 4)


if __name__ == "__main__":
    unittest.main()
