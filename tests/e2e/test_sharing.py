"""Several sidecars on one store: the cap holds to the unit, and the chain stays one."""

import unittest
from threading import Thread

from support import StoreTest


class ExactCap(StoreTest):
    cap = "6.00"  # 600 calls of one cent

    def race(self, sidecars: int, calls: int) -> int:
        admitted = [0] * sidecars

        def work(index: int) -> None:
            gate = self.sidecar(agent=f"agent{index}")
            for n in range(calls):
                result = gate.govern("pay", n=n)
                if result["status"] == "completed":
                    admitted[index] += 1
                else:
                    assert result["code"] == "budget_exhausted", result
            gate.finish()

        threads = [Thread(target=work, args=(index,)) for index in range(sidecars)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(admitted)

    def test_two_sidecars_of_500_calls_each_share_a_cap_for_600(self) -> None:
        self.assertEqual(self.race(2, 500), 600)
        usd = self.usd()
        self.assertEqual((usd["spent"], usd["reserved"], usd["available"]), ("6", "0", "0"))
        self.assert_chain_whole()


class ExactCapWithPower(ExactCap):
    durability = "power"


class FirstCalls(StoreTest):
    cap = "0.01"

    def test_eight_first_calls_at_once_admit_exactly_one(self) -> None:
        self.assertEqual(ExactCap.race(self, 8, 1), 1)  # type: ignore[arg-type]


if __name__ == "__main__":
    unittest.main()
