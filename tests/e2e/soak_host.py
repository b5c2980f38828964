"""A host that does everything a host may do to one sidecar, for some seconds or until it is killed.

    soak_host.py CONFIG AGENT RUN SECONDS SEED      its first line is the pid of its sidecar"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path
from typing import Any

from support import Sidecar

TOOLS = ("pay", "stated", "look", "asked", "lapsing")
IN_FLIGHT = 6


class SoakHost:
    def __init__(self, config: Path, agent: str, run: str, seed: int) -> None:
        self.dice = random.Random(seed)
        self.count = 0
        self.waiting: set[str] = set()  # requests without an answer
        self.bodies: list[Any] = []  # requests of the sidecar that nobody has answered yet
        self.held: list[str] = []
        self.name = f"{agent}-{run}-{seed}"
        self.gate = Sidecar(config, hello=False)
        print(self.gate.process.pid, flush=True)
        self.gate.request("initialize", {
            "protocolVersion": 1, "client": {"name": "soak", "version": "1"},
            "session": {"agent": agent, "run": run}, "capabilities": {"execute": True}})
        self.gate.request("tools/register", {"tools": [{"name": tool} for tool in TOOLS]})

    def ask(self, method: str, **params: Any) -> None:
        self.count += 1
        self.waiting.add(f"h{self.count}")
        self.gate.send({"id": f"h{self.count}", "method": method, "params": params})

    def propose(self) -> None:
        tool = self.dice.choice(TOOLS)
        params: dict[str, Any] = {"tool": tool, "args": {"n": f"{self.name}-{self.count}"}}
        if tool == "stated":
            params["cost"] = {"usd": f"0.0{self.dice.randrange(1, 99):02}"}
            params["args"]["cost"] = params["cost"]["usd"]  # told to whoever reads the store
        self.ask(self.dice.choice(("actions/govern",) * 3 + ("actions/propose",)), **params)

    def usage(self) -> dict[str, str]:
        if self.dice.random() < 0.7:
            return {}
        return {"usd": f"0.{self.dice.randrange(1, 400):03}", "calls": str(self.dice.randrange(1, 4))}

    def end_body(self) -> None:
        """A result, an error, or silence."""
        body = self.bodies.pop(self.dice.randrange(len(self.bodies)))
        chance = self.dice.random()
        if chance < 0.75:
            self.gate.send({"id": body, "result": {"output": 1, "usage": self.usage()}})
        elif chance < 0.9:
            self.gate.send({"id": body, "error": {"code": 1, "message": "broken"}})

    def act(self) -> None:
        chance = self.dice.random()
        if self.bodies and chance < 0.5:
            self.end_body()
        elif self.waiting and 0.5 <= chance < 0.53:
            self.gate.send({"method": "$/cancelRequest",
                            "params": {"id": self.dice.choice(sorted(self.waiting))}})
        elif self.held and 0.53 <= chance < 0.65:
            self.ask("actions/resume", actionId=self.dice.choice(self.held))
        elif 0.65 <= chance < 0.66:
            self.ask("usage/record", usage={"usd": "0.0005"}, model=f"{self.name}-{self.count}")
        elif len(self.waiting) < IN_FLIGHT:
            self.propose()

    def note(self, message: dict[str, Any]) -> None:
        if message.get("method") == "tools/execute":
            return self.bodies.append(message["id"])
        if message.get("id") not in self.waiting:
            return None
        self.waiting.remove(message["id"])
        result = message.get("result", {})
        if "grant" in result and self.dice.random() < 0.8:  # else nobody ever says how it ended
            self.ask("actions/complete", actionId=result["actionId"], token=result["grant"]["token"],
                     output=1, usage=self.usage())
        elif result.get("status") == "denied":
            time.sleep(0.02)  # as an agent that thinks about it
        elif result.get("status") == "held" and result["actionId"] not in self.held:
            self.held.append(result["actionId"])
        return None

    def live(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.act()
            try:
                while (message := self.gate.receive(patience=0.002)) is not None:
                    self.note(message)
                return  # the sidecar is dead
            except TimeoutError:
                pass
        if self.dice.random() < 0.5:
            self.gate.finish()


if __name__ == "__main__":
    host = SoakHost(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[5]))
    try:
        host.live(float(sys.argv[4]))
    except BrokenPipeError:
        pass
