"""Many calls at once under one cap: an agent on asyncio that searches faster than it may spend.

Usage: async_agent.py [POLICY], from the root of the checkout; policies/spend-cap.toml by default.
Every search costs 0.05 usd and a run may spend 1 usd, so that 20 of 25 are admitted, in whatever
order they come, and the rest are refused before their bodies begin.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import Counter

import tallygate
from tallygate import aio


async def search_all(gate: aio.AsyncGate, count: int) -> Counter[str]:
    """How often each came out: "ran", or the code of a refusal."""

    @gate.tool
    async def web_search(query: str) -> list[str]:
        """Would ask a search engine."""
        await asyncio.sleep(0.01)
        return [f"a result for {query}"]

    async def one(number: int) -> str:
        try:
            await asyncio.wait_for(web_search(query=f"question {number}"), timeout=30)
            return "ran"
        except tallygate.Denied as refusal:
            return refusal.result.code or "denied"

    return Counter(await asyncio.gather(*(one(number) for number in range(count))))


async def main(policy: str) -> None:
    # What the sidecar says to people goes where this program's log goes.
    logging.basicConfig(level=logging.INFO)
    async with aio.start(policy, stderr=logging.getLogger("tallygate.sidecar")) as gate:
        for outcome, count in sorted((await search_all(gate, 25)).items()):
            print(f"{count:3} {outcome}")
        for budget in await gate.budgets(scope="run"):
            print(f"left of {budget.cap} {budget.unit} for this run: {budget.available}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "policies/spend-cap.toml"))
