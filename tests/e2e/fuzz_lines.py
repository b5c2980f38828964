"""What a host sends when it has lost its mind: drawn lines, most of them almost right."""

from __future__ import annotations

import json
import random

METHODS = ("initialize", "tools/register", "actions/govern", "actions/propose", "actions/complete",
           "actions/resume", "actions/extend", "actions/get", "actions/cancel", "usage/record",
           "budgets/get", "ping", "shutdown", "$/cancelRequest", "tools/execute", "approvals/submit")
TOOLS = ("look", "pay", "wipe", "", "nobody's", "x" * 200)


class Lines:
    """A stream of lines of one seed. Feed it the ids that the sidecar made up, and it uses them."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.actions = ["00000000-0000-7000-8000-000000000000"]
        self.tokens = ["0" * 32]
        self.executes = [1]
        self._next = 0

    def value(self, depth: int = 0) -> object:
        pick = self.chance.randrange(10 if depth < 4 else 6)
        if pick >= 8:
            return [self.value(depth + 1) for _ in range(self.chance.randrange(4))]
        if pick >= 6:
            return {self.text(): self.value(depth + 1) for _ in range(self.chance.randrange(4))}
        simple: tuple[object, ...] = (None, True, self.chance.randrange(-5, 1 << 40), 0.5,
                                      self.text(), "0.01")
        return simple[pick]

    def text(self) -> str:
        return self.chance.choice(("", "a", "usd", "n", "\u202e", "x" * 300, "\0", "é", "🚀",
                                   self.chance.choice(self.actions)))

    def right_params(self, method: str) -> dict[str, object]:
        choice = self.chance.choice
        call = {"tool": choice(TOOLS[:3]), "args": {"n": self.value()}}
        if self.chance.random() < 0.3:
            call["callId"] = f"call-{self.chance.randrange(6)}"
        answer = choice(({"output": self.value()}, {"error": "broken"}))
        return {
            "initialize": {"protocolVersion": 1, "client": {"name": "f", "version": "1"},
                           "session": {"agent": "a", "run": choice(("r1", "r2"))},
                           "capabilities": {"execute": self.chance.random() < 0.8}},
            "tools/register": {"tools": [{"name": name} for name in TOOLS[:3]]},
            "actions/govern": call, "actions/propose": call,
            "actions/complete": {"actionId": choice(self.actions), "token": choice(self.tokens),
                                 **answer},
            "actions/resume": {"actionId": choice(self.actions), "waitMs": 5},
            "usage/record": {"usage": {"usd": "0.000001"}},
            "budgets/get": {}, "ping": {}, "shutdown": {},
            "$/cancelRequest": {"id": self.chance.randrange(self._next + 1)},
        }.get(method, {"actionId": choice(self.actions)})

    def message(self) -> dict[str, object]:
        chance = self.chance
        if chance.random() < 0.25:  # an answer to tools/execute, or to nothing
            answer = chance.choice(({"result": {"output": self.value()}}, {"result": self.value()},
                                    {"error": {"code": 1, "message": "no"}}, {"error": self.value()}))
            return {"jsonrpc": "2.0", "id": chance.choice(self.executes), **answer}
        likely = (1, 1, 1, 6, 3, 2, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1)
        method = chance.choices(METHODS, likely[:len(METHODS)])[0]
        if method == "shutdown" and chance.random() < 0.95:
            method = "actions/govern"
        params: object = self.right_params(method)
        if chance.random() < 0.15 and isinstance(params, dict):
            params = {**params, chance.choice((self.text(), *params)): self.value()}
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        if chance.random() < 0.95:
            self._next += 1
            message["id"] = chance.choice((self._next, self._next, str(self._next), self.value()))
        return message

    def line(self) -> bytes:
        chance = self.chance
        text = json.dumps(self.message(), ensure_ascii=chance.random() < 0.5).encode()
        blow = chance.random()
        if blow < 0.05:  # bytes turned, lost, doubled
            where = chance.randrange(len(text))
            text = text[:where] + chance.choice((b"", bytes([chance.randrange(256)]), text)) + text[
                where + chance.randrange(3):]
        elif blow < 0.06:
            text = b'{"jsonrpc":"2.0","id":1,"method":"ping","params":' + b"[" * 100 + b"]" * 100 + b"}"
        elif blow < 0.07:
            text = b"x" * chance.choice((100, 70_000, 4 << 20, (4 << 20) + 2))
        elif blow < 0.1:
            text = chance.choice((b"", b" \t", b"\xff", b"[]", b"null", b"\xef\xbb\xbf{}"))
        return text + chance.choice((b"\n", b"\r\n"))
