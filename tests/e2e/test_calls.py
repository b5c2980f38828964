"""Named calls and two-phase calls across processes, deaths and operators."""

import time
import unittest
from typing import Any

from support import Sidecar, StoreTest


class Named(StoreTest):
    def named(self, gate: Sidecar, call_id: str = "c1", **args: Any) -> dict[str, Any]:
        """Sends a named call and returns what comes next."""
        gate.send({"id": "named", "method": "actions/govern",
                   "params": {"tool": "pay", "args": args, "callId": call_id}})
        answer = gate.receive()
        assert answer is not None
        return answer

    def test_a_repeat_in_another_process_gets_the_stored_end(self) -> None:
        first = self.sidecar()
        asked = self.named(first, n=1)
        first.send({"id": asked["id"], "result": {"output": {"receipt": 7}}})
        done = first.receive()
        assert done is not None
        first.finish()
        again = self.named(self.sidecar(), n=1)["result"]
        self.assertEqual((again["status"], again["output"], again["replayed"]),
                         ("completed", {"receipt": 7}, True))
        self.assertEqual(again["actionId"], done["result"]["actionId"])
        self.assertEqual(again["cost"], done["result"]["cost"])
        self.assertEqual(self.usd()["spent"], "0.01")

    def test_a_repeat_waits_for_the_end_that_another_process_brings(self) -> None:
        first, second = self.sidecar(), self.sidecar()
        asked = self.named(first, n=1)
        second.send({"id": "w", "method": "actions/govern",
                     "params": {"tool": "pay", "args": {"n": 1}, "callId": "c1"}})
        second.send({"id": "p", "method": "ping"})
        self.assertEqual(second.receive(), {"jsonrpc": "2.0", "id": "p", "result": {}})
        with self.assertRaises(TimeoutError):
            second.receive(patience=0.4)
        first.send({"id": asked["id"], "result": {"output": "paid"}})
        self.assertEqual(first.receive()["result"]["status"], "completed")  # type: ignore[index]
        waited = second.receive()
        assert waited is not None
        self.assertEqual((waited["id"], waited["result"]["output"]), ("w", "paid"))
        self.assertTrue(waited["result"]["replayed"])
        self.assertEqual(self.usd()["spent"], "0.01")

    def test_a_repeat_that_waits_for_a_sidecar_that_dies_is_told_that_it_is_in_doubt(self) -> None:
        first, second = self.sidecar(), self.sidecar()
        action = self.named(first, n=1)["params"]["actionId"]
        second.send({"id": "w", "method": "actions/govern",
                     "params": {"tool": "pay", "args": {"n": 1}, "callId": "c1"}})
        time.sleep(0.2)
        first.kill()
        waited = second.receive()
        assert waited is not None
        self.assertEqual((waited["result"]["status"], waited["result"]["actionId"]),
                         ("in_doubt", action))
        self.assertEqual(self.named(second, n=1)["result"]["status"], "in_doubt")  # and stays so
        self.assertEqual(self.reconcile(action, "not-run")[0], 0)
        asked = self.named(second, n=1)  # now it may run: the next attempt of the same action
        self.assertEqual((asked["method"], asked["params"]["actionId"], asked["params"]["attempt"]),
                         ("tools/execute", action, 2))
        second.send({"id": asked["id"], "result": {"output": 1}})
        self.assertEqual(second.receive()["result"]["status"], "completed")  # type: ignore[index]
        self.assertEqual((self.usd()["spent"], self.usd()["reserved"]), ("0.01", "0"))
        self.assert_chain_whole()

    def test_two_processes_that_send_one_call_at_once_run_it_once(self) -> None:
        gates = [self.sidecar() for _ in range(2)]
        for n in range(30):
            for gate in gates:
                gate.send({"id": "x", "method": "actions/govern",
                           "params": {"tool": "pay", "args": {}, "callId": f"race{n}"}})
            ran = 0
            for gate in self.in_order_of_execution(gates):
                message = gate.receive()
                assert message is not None
                if "method" in message:
                    ran += 1
                    gate.send({"id": message["id"], "result": {"output": n}})
                    message = gate.receive()
                    assert message is not None
                self.assertEqual(message["result"]["output"], n)
            self.assertEqual(ran, 1)
        self.assertEqual(self.usd()["spent"], "0.3")

    def in_order_of_execution(self, gates: list[Sidecar]) -> list[Sidecar]:
        """The one that was asked to run the body first: the other waits for it."""
        import select
        outputs = {gate.process.stdout.fileno(): gate for gate in gates if gate.process.stdout}
        ready = select.select(list(outputs), [], [], 10)[0]
        first = outputs[ready[0]]
        return [first, *(gate for gate in gates if gate is not first)]


class TwoPhase(StoreTest):
    timeout = "1s"

    def propose(self, gate: Sidecar, **params: Any) -> dict[str, Any]:
        result: dict[str, Any] = gate.request(
            "actions/propose", {"tool": "pay", "args": {}, **params})["result"]
        return result

    def complete(self, gate: Sidecar, granted: dict[str, Any], **end: Any) -> dict[str, Any]:
        return gate.request("actions/complete", {
            "actionId": granted["actionId"], "token": granted["grant"]["token"], **end})

    def test_another_process_of_the_agent_completes_what_a_dead_one_was_granted(self) -> None:
        first = self.sidecar()
        granted = self.propose(first)
        first.kill()
        second = self.sidecar(run="another")
        time.sleep(0.2)
        self.assertEqual(self.usd()["reserved"], "0.01")
        done = self.complete(second, granted, output="done")["result"]
        self.assertEqual((done["status"], done["output"]), ("completed", "done"))
        self.assertEqual((self.usd()["reserved"], self.usd()["spent"]), ("0", "0.01"))

    def test_another_agent_cannot_even_with_the_token(self) -> None:
        granted = self.propose(self.sidecar())
        thief = self.sidecar(agent="thief")
        self.assertEqual(self.complete(thief, granted, output=1)["error"]["code"], -32602)
        self.assertEqual(self.usd()["reserved"], "0.01")

    def test_a_grant_nobody_completes_is_in_doubt_and_an_operator_ends_it(self) -> None:
        gate = self.sidecar()
        granted = self.propose(gate)
        time.sleep(1.1)
        stands = gate.request("actions/get", {"actionId": granted["actionId"]})["result"]
        self.assertEqual((stands["status"], stands["code"]), ("in_doubt", "execution_timeout"))
        self.assertEqual(self.reconcile(granted["actionId"], "not-run")[0], 0)
        late = self.complete(gate, granted, output=1)["result"]
        self.assertEqual((late["status"], late["code"], late["replayed"]),
                         ("failed", "not_run", True))
        self.assertEqual((self.usd()["reserved"], self.usd()["spent"]), ("0", "0"))

    def test_the_token_stands_nowhere_in_the_store(self) -> None:
        granted = self.propose(self.sidecar())
        token = granted["grant"]["token"].encode()
        for file in self.folder.iterdir():
            self.assertNotIn(token, file.read_bytes(), file.name)


if __name__ == "__main__":
    unittest.main()
