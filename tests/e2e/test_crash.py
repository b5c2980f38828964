"""What is left when a sidecar or its host dies, and how an operator clears it up."""

import os
import random
import subprocess
import time
import unittest
from threading import Timer

from support import StoreTest


class InDoubt(StoreTest):
    def leave_in_doubt(self) -> str:
        """A call whose sidecar was killed inside its body; its id."""
        victim = self.sidecar()
        action: str = victim.propose("pay", n=1)["params"]["actionId"]
        victim.kill()
        self.sidecar().finish()  # a start is enough to find it
        self.assertEqual(self.usd()["reserved"], "0.01")
        return action

    def test_a_killed_sidecar_leaves_its_call_in_doubt_with_its_money_reserved(self) -> None:
        victim = self.sidecar()
        action = victim.propose("pay", n=1)["params"]["actionId"]
        victim.kill()
        self.assertEqual(self.usd()["reserved"], "0.01")
        heir = self.sidecar(stderr=subprocess.PIPE)
        heir.finish()
        assert heir.process.stderr is not None
        self.assertIn(action, heir.process.stderr.read().decode())
        heir.process.stderr.close()
        tail = self.tallygate("audit", "tail", "--json").stdout
        self.assertIn('"kind":"in_doubt","actionId":"%s"' % action, tail)
        self.assertEqual(self.usd()["reserved"], "0.01")
        self.assert_chain_whole()

    def test_reconcile_completed_spends_the_reservation_once(self) -> None:
        action = self.leave_in_doubt()
        code, seen = self.reconcile(action, "completed", "--reason", "seen on the invoice")
        self.assertEqual(code, 0, seen)
        self.assertIn('{"n":1}', seen)
        self.assertEqual((self.usd()["reserved"], self.usd()["spent"]), ("0", "0.01"))
        code, seen = self.reconcile(action, "completed")
        self.assertEqual(code, 6, seen)
        code, seen = self.reconcile(action, "not-run")
        self.assertEqual(code, 6, seen)
        self.assertEqual(self.usd()["spent"], "0.01")
        self.assert_chain_whole()

    def test_reconcile_completed_takes_what_was_really_spent(self) -> None:
        action = self.leave_in_doubt()
        code, seen = self.reconcile(action[-8:], "completed", "--spent", "0.004")
        self.assertEqual(code, 0, seen)
        self.assertEqual((self.usd()["reserved"], self.usd()["spent"]), ("0", "0.004"))

    def test_reconcile_not_run_gives_the_reservation_back_once(self) -> None:
        action = self.leave_in_doubt()
        code, seen = self.reconcile(action, "not-run")
        self.assertEqual(code, 0, seen)
        self.assertEqual((self.usd()["reserved"], self.usd()["spent"]), ("0", "0"))
        self.assertEqual(self.reconcile(action, "not-run")[0], 6)
        self.assertEqual(self.usd()["available"], "1")

    def test_reconcile_wants_a_person(self) -> None:
        action = self.leave_in_doubt()
        self.assertEqual(self.tallygate("reconcile", action, "not-run").returncode, 2)
        code, seen = self.reconcile(action, "not-run", code="0")
        self.assertEqual(code, 2, seen)
        code, seen = self.reconcile(action, "not-run", env={"TALLYGATE_ACTION": "x"})
        self.assertEqual(code, 2, seen)
        self.assertEqual(self.tallygate("reconcile", "ffff", "not-run").returncode, 6)
        self.assertEqual(self.usd()["reserved"], "0.01")

    def test_a_host_that_leaves_puts_its_running_call_in_doubt(self) -> None:
        gate = self.sidecar()
        gate.propose("pay", n=1)
        assert gate.process.stdin is not None
        gate.process.stdin.close()
        answer = gate.receive()
        assert answer is not None
        self.assertEqual(answer["result"]["status"], "in_doubt")
        self.assertEqual(answer["result"]["code"], "host_lost")
        self.assertEqual(gate.finish(), 0)
        self.assertEqual(self.usd()["reserved"], "0.01")


class BesideTheLiving(StoreTest):
    def test_a_sidecar_that_starts_beside_a_living_one_recovers_nothing_of_it(self) -> None:
        first = self.sidecar()
        asked = first.propose("pay", n=1)
        second = self.sidecar(agent="other")
        time.sleep(2.2)  # two rounds of looking for the dead
        self.assertEqual(second.govern("look")["status"], "completed")
        first.send({"id": asked["id"], "result": {"output": "late but alive"}})
        answer = first.receive()
        assert answer is not None
        self.assertEqual(answer["result"]["status"], "completed")
        self.assertEqual(self.usd()["spent"], "0.01")
        self.assertNotIn("in_doubt", self.tallygate("audit", "tail", "--json").stdout)

    def test_a_living_sidecar_finds_what_a_dead_one_left_within_seconds(self) -> None:
        victim = self.sidecar()
        watcher = self.sidecar(agent="other")
        victim.propose("pay", n=1)
        victim.kill()
        time.sleep(2.5)
        self.assertIn("in_doubt", self.tallygate("audit", "tail", "--json").stdout)
        self.assertEqual(watcher.finish(), 0)


class RandomKills(StoreTest):
    cap = "1000"
    lives = 40

    def test_kill_9_at_any_moment_loses_no_money_and_runs_no_body_twice(self) -> None:
        seed = int(os.environ.get("TALLYGATE_SEED", time.time_ns() % 10**6))
        chance = random.Random(seed)
        print(f"seed {seed}")
        ran: list[str] = []
        completed = 0
        for _ in range(self.lives):
            gate = self.sidecar()
            timer = Timer(chance.random() * 0.03, gate.process.kill)
            timer.start()
            try:
                while True:
                    asked = gate.propose("pay", n=len(ran))
                    ran.append(asked["params"]["actionId"])
                    gate.send({"id": asked["id"], "result": {"output": 1}})
                    answer = gate.receive()
                    assert answer is not None
                    completed += answer["result"]["status"] == "completed"
            except (BrokenPipeError, AssertionError):
                pass  # killed, somewhere in the middle of something
            timer.join()
            gate.finish()
        self.sidecar().finish()
        self.assertEqual(len(ran), len(set(ran)))
        usd = self.usd()
        spent, reserved = (round(float(usd[key]) * 100) for key in ("spent", "reserved"))
        # A body ran for each grant; a grant whose line was lost on the way may be reserved as well.
        self.assertGreaterEqual(spent, completed)
        self.assertLessEqual(len(ran), spent + reserved)
        self.assertLessEqual(spent + reserved, len(ran) + self.lives)
        self.assertGreater(reserved, 0)  # at least one kill hit a call, or this proved nothing
        self.assert_chain_whole()


if __name__ == "__main__":
    unittest.main()
