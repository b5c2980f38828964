"""A host whose sidecar may die at any moment: it remembers what it sent and what it was told."""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from support import Sidecar, process_state

NO_OUTPUT = "it broke and gave no output"
ENDS = ("completed", "failed", "cancelled")


class Died(Exception):
    """The sidecar is gone."""


@dataclass
class Call:
    """What the host knows of one call, over all lives of its sidecars."""

    n: int
    tool: str
    own_body: bool  # proposed and completed; otherwise governed
    call_id: str | None
    fails: bool
    cancels: bool
    id: str = ""
    token: str = ""
    end: str = ""  # that it was told, or that an operator set
    by_operator: bool = False
    asked: Counter[int] = field(default_factory=Counter)  # to run the body, by attempt

    @property
    def args(self) -> dict[str, Any]:
        return {"n": self.n}

    @property
    def method(self) -> str:
        return "actions/propose" if self.own_body else "actions/govern"

    @property
    def runs(self) -> int:
        return sum(self.asked.values())

    @property
    def ran(self) -> bool:
        return self.runs > 0

    @property
    def output(self) -> int | None:
        """What is kept of its body, when it completed."""
        return None if self.by_operator else self.n

    @property
    def outcome(self) -> dict[str, Any]:
        """How its body ends: what stands beside its id in the message that tells."""
        return {"error": {"code": 1, "message": NO_OUTPUT}} if self.fails else {
            "result": {"output": self.n}}


@dataclass
class Exchange:
    """One request about a call, and how far it got."""

    call: Call
    method: str
    stood: bool  # the store knew the answer before it was asked
    request: str = ""
    execute: Any = None  # the id of tools/execute
    answered: bool = False  # the body's
    taken_back: bool = False
    told_to_stop: bool = False
    replied: bool = False


class CrashHost:
    """The host's side of one session."""

    def __init__(self, gate: Sidecar, chance: random.Random) -> None:
        self._gate = gate
        self._chance = chance
        self._requests = 0
        self.last: Exchange | None = None  # the newest whose request was written

    def run(self, exchange: Exchange) -> None:
        """A request and all that belongs to it, until its reply; Died wherever that may be."""
        call = exchange.call
        params: dict[str, Any] = {"actionId": call.id, "token": call.token}
        if exchange.method == "actions/complete":
            params |= {"error": NO_OUTPUT} if call.fails else {"output": call.n}
        else:
            params = {"tool": call.tool, "args": call.args}
            params |= {"callId": call.call_id} if call.call_id else {}
        exchange.request = self._request(exchange.method, params)
        self.last = exchange
        while not exchange.replied:
            self._note(self._hear())
            if exchange.execute is not None and not exchange.answered:
                self._run_body(exchange)
        self._pause(self._chance.random() < 0.9 or call.own_body)

    def bury(self) -> None:
        """Takes note of what the sidecar still said before it died."""
        while (message := self._gate.receive()) is not None:
            self._note(message)

    def _run_body(self, exchange: Exchange) -> None:
        self._pause(self._chance.random() < 0.9)
        if exchange.call.cancels and not exchange.taken_back:
            self._take_back(exchange)
        elif exchange.told_to_stop or not exchange.taken_back:
            self._send({"id": exchange.execute, **exchange.call.outcome})
            exchange.answered = True

    def _take_back(self, exchange: Exchange) -> None:
        if self._chance.random() < 0.5:
            self._request("actions/cancel", {"actionId": exchange.call.id})
        else:
            self._send({"method": "$/cancelRequest", "params": {"id": exchange.request}})
        exchange.taken_back = True

    def _note(self, message: dict[str, Any]) -> None:
        exchange = self.last
        assert exchange is not None, message
        if message.get("method") == "tools/execute":
            exchange.execute = message["id"]
            self._note_asked(exchange.call, message["params"])
        elif message.get("method") == "$/cancelRequest":
            assert message["params"]["id"] == exchange.execute, message
            exchange.told_to_stop = True
        elif message["id"] == exchange.request:
            exchange.replied = True
            self._note_reply(exchange, message)
        else:  # the answer to actions/cancel
            assert exchange.taken_back, message
            assert message["result"]["status"] in ("granted", *ENDS), message

    def _note_asked(self, call: Call, params: dict[str, Any]) -> None:
        assert params["args"] == call.args and not call.own_body, params
        call.id = params["actionId"]
        call.asked[params["attempt"]] += 1

    def _note_reply(self, exchange: Exchange, message: dict[str, Any]) -> None:
        call = exchange.call
        cancelled = message.get("error", {}).get("code") == -32800
        result = message["error"]["data"] if cancelled else message["result"]
        assert not call.id or result["actionId"] == call.id, message
        call.id = result["actionId"]
        if "grant" in result:
            call.token = result["grant"]["token"]
            call.asked[0] += 1  # a proposal does not say its attempt
        elif result["status"] in ENDS:
            assert call.end in ("", result["status"]), f"{call} was told another end: {message}"
            assert result["status"] != "completed" or result.get("output") == call.output, message
            call.end = result["status"]
        else:
            waits = ("granted", "in_doubt") if exchange.stood else ()
            assert result["status"] in waits, f"{call} was refused: {message}"

    def _request(self, method: str, params: dict[str, Any]) -> str:
        self._requests += 1
        name = f"h{self._requests}"
        self._send({"id": name, "method": method, "params": params})
        return name

    def _send(self, message: dict[str, Any]) -> None:
        try:
            self._gate.send(message)
        except BrokenPipeError:
            raise Died from None

    def _hear(self, **patience: float) -> dict[str, Any]:
        message = self._gate.receive(**patience)
        if message is None:
            raise Died
        return message

    def _pause(self, is_slow: bool) -> None:
        """A slow host lets the sidecar come to rest first, or die, and notices which."""
        if not is_slow:
            return
        while process_state(self._gate.process.pid) not in "SZ":
            time.sleep(0.0002)
        try:
            self._note(self._hear(patience=0))
        except TimeoutError:
            pass
