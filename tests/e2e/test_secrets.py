"""What must stay between a host and its calls does not turn up anywhere else: tokens, arguments,
outputs, typed codes, the environment."""

from __future__ import annotations

import json
import os
import pty
import re
import unittest
from pathlib import Path
from typing import Any

from support import BINARY, Sidecar, StoreTest

MARK = "S3CR3T"  # begins every secret here but the token and the code, which the program makes
HOLDING = """
[tools.send]
level = 4
cost = {usd = "0.02"}
[tools.ask]
cost = {from = "host", max = {usd = "1.00"}}
[[rules]]
id = "sending"
match = {tool = ["send", "ask"]}
effect = "allow"
[approvals]
allow_unsigned = true
"""


class Secrets(StoreTest):
    def setUp(self) -> None:
        super().setUp()
        with self.config.open("a", encoding="utf-8") as config:
            config.write(HOLDING)
        self.log = self.folder / "serve.log"
        self.errors: list[str] = []  # of JSON-RPC, as they came
        self.secrets = [MARK]

    def start(self, **session: str) -> Sidecar:
        with (self.folder / "stderr").open("ab") as stderr:
            gate = Sidecar(self.config, hello=False, stderr=stderr,
                           env={"API_KEY": MARK + "-environment"},
                           options=("--log-level", "debug", "--log-file", str(self.log)))
        self.addCleanup(gate.kill_if_alive)
        gate.request("initialize", {"protocolVersion": 1, "client": {"name": "e", "version": "1"},
                                    "session": {"agent": "coder", "run": "r1", **session},
                                    "capabilities": {"execute": True}})
        gate.request("tools/register", {"tools": [
            {"name": name, "description": MARK, "inputSchema": {"default": MARK}}
            for name in ("look", "pay", "send", "ask")]})
        return gate

    def args(self, n: int = 0) -> dict[str, Any]:
        return {"n": n, "password": MARK + "-argument", MARK: [MARK]}

    def ask(self, gate: Sidecar, method: str, **params: Any) -> Any:
        """The answer; a body it starts is answered with a secret."""
        governs = method == "actions/govern"
        answer: Any = self.call(gate, params) if governs else gate.request(method, params)
        if "error" in answer:
            self.errors.append(json.dumps(answer["error"]))
        return answer.get("result", answer.get("error"))

    def call(self, gate: Sidecar, params: dict[str, Any]) -> Any:
        gate.send({"id": "call", "method": "actions/govern", "params": params})
        while True:
            answer: Any = gate.receive()
            if answer.get("method") != "tools/execute":
                return answer
            gate.send({"id": answer["id"], "result": {"output": MARK + "-output"}})

    def check_processes(self, pid: int) -> None:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode()
        for secret in self.secrets:
            self.assertNotIn(secret, command)

    # --- Sessions of every kind

    def calls(self, gate: Sidecar) -> None:
        self.assertEqual(self.ask(gate, "actions/govern", tool="pay", args=self.args(),
                                  callId="named")["status"], "completed")
        self.ask(gate, "actions/govern", tool="pay", args=self.args(1), callId="named")  # mismatch
        self.ask(gate, "actions/govern", tool="wipe", args=self.args())
        self.ask(gate, "actions/govern", tool="ask", args=self.args(), cost={"usd": "0.5"})
        self.ask(gate, "usage/record", usage={"usd": "0.01"}, model="m", callId="u")

    def two_phase(self, gate: Sidecar) -> None:
        grant = self.ask(gate, "actions/propose", tool="pay", args=self.args())
        token = grant["grant"]["token"]
        self.secrets.append(token)
        for wrong in (MARK + "-token", token[:-1] + "x"):
            self.ask(gate, "actions/complete", actionId=grant["actionId"], token=wrong, output=1)
        done = self.ask(gate, "actions/complete", actionId=grant["actionId"], token=token,
                        output=MARK)
        self.assertEqual(done["status"], "completed")
        kept = self.ask(gate, "actions/propose", tool="pay", args=self.args(2), callId="kept")
        self.secrets.append(kept["grant"]["token"])
        self.ask(gate, "actions/extend", actionId=kept["actionId"])

    def wrong_requests(self, gate: Sidecar) -> None:
        secret = MARK + "-misplaced"
        for method, params in (
                ("actions/govern", {"tool": "pay", "args": secret}),
                ("actions/govern", {"tool": 7, "args": self.args()}),
                ("actions/govern", {"tool": "pay", "args": self.args(), "callId": secret * 50}),
                ("actions/govern", {"tool": "ask", "args": {}, "cost": {"usd": secret}}),
                ("actions/govern", {"tool": "ask", "args": {}, "cost": secret}),
                ("actions/govern", {"tool": "pay", "args": {}, "parentActionId": secret}),
                ("actions/complete", {"actionId": secret, "token": secret, "output": secret}),
                ("actions/complete", {"actionId": secret, "token": {"t": secret}, "output": 1}),
                ("actions/resume", {"actionId": secret, "waitMs": 1}),
                ("usage/record", {"usage": {"usd": secret}}),
                ("budgets/get", {"scope": secret})):
            self.ask(gate, method, **params)
        for line in (f'{{"a":"{secret}"', f'{{"{secret}":1,"a":"\\ud800"}}', secret,
                     f'{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"a":1,"a":"{secret}"}}}}',
                     f'{{"jsonrpc":"2.0","id":99,"result":{{"output":"{secret}"}}}}'):
            gate.send_bytes(line.encode() + b"\n")
        for _ in range(4):
            self.errors.append(json.dumps(gate.receive()))

    def held(self, gate: Sidecar) -> None:
        first, second = (self.ask(gate, "actions/govern", tool="send", args=self.args(n))
                         for n in range(2))
        self.approve(first["hold"]["requestId"])
        done = self.tallygate("deny", second["hold"]["requestId"])
        self.assertNotIn(MARK, done.stdout + done.stderr)
        gate.send({"id": "again", "method": "actions/resume", "params":
                   {"actionId": first["actionId"], "waitMs": 5000}})
        while (message := gate.receive()) is not None and message.get("id") != "again":
            if message.get("method") == "tools/execute":
                gate.send({"id": message["id"], "error": {"code": 1, "message": "broken"}})

    def approve(self, request: str) -> None:
        """By hand, with a look at the process while it waits for the code."""
        child, terminal = pty.fork()
        if child == 0:
            os.execv(BINARY, [BINARY, "approve", request, "-c", str(self.config)])
        seen = b""
        while not (asked := re.search(rb"Type (\d+) to go on: $", seen)):
            seen += os.read(terminal, 4096)
        self.check_processes(child)
        self.code = asked[1].decode()
        os.write(terminal, asked[1] + b"\n")
        os.waitpid(child, 0)
        os.close(terminal)

    def test_no_secret_turns_up_where_it_has_no_business(self) -> None:
        gate = self.start()
        for kind in (self.calls, self.two_phase, self.wrong_requests, self.held):
            kind(gate)
        self.check_processes(gate.process.pid)
        gate.send({"id": "lost", "method": "actions/govern",
                   "params": {"tool": "pay", "args": self.args(9)}})
        gate.receive()
        gate.kill()  # in doubt, and recovered
        self.start().finish()
        self.assertGreater(len(self.errors), 10)
        places = {
            "stderr": (self.folder / "stderr").read_text(),
            "the log": self.log.read_text(),
            "errors": "\n".join(self.errors),
            "the trail": self.tallygate("audit", "tail", "-n", "100000", "--json").stdout,
            "budgets": self.tallygate("budget").stdout,
            "doctor": self.tallygate("doctor").stdout + self.tallygate("doctor", "--json").stdout,
            "a cut": self.tallygate("cut", "global").stdout,
        }
        self.assertIn("request actions/govern", places["the log"])  # it does talk
        for place, text in places.items():
            for secret in self.secrets:
                self.assertNotIn(secret, text, place)
        self.assertNotIn(f'"{self.code}"', places["the trail"])
        store = b"".join(path.read_bytes() for path in self.folder.glob("store.db*"))
        self.assertIn((MARK + "-argument").encode(), store)  # which shows that it is looked at
        for token in self.secrets[1:]:
            self.assertNotIn(token.encode(), store)


if __name__ == "__main__":
    unittest.main()
