"""The lines that protocol/README.md shows are lines that the program reads and writes.

What a host is shown to say is said to a sidecar, which must not refuse it. What the sidecar is shown
to say must have the shape (keys, at every depth, and kinds of values) of something that it says here;
`…` stands for what was left out.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

from blocks import ROOT, blocks

sys.path.insert(0, str(ROOT / "tests/e2e"))
from support import BINARY, Sidecar  # noqa: E402

POLICY = """
[store]
url = "sqlite:store.db"
durability = "process"
[agents.coder]
group = "engineering"
[agents.worker]
[[budgets]]
scope = "global"
unit = "usd"
window = "day"
cap = "{cap}"
[tools.search]
level = 2
cost = {{usd = "0.05"}}
timeout = "30s"
[tools.mail]
cost = {{usd = "0.05"}}
timeout = "30s"
[[rules]]
id = "free"
match = {{tool = "search"}}
effect = "allow"
[[rules]]
id = "ask-before-mail"
match = {{tool = "mail"}}
effect = "hold"
reason = "a person reads it first"
[approvals]
allow_unsigned = true
"""
Message = dict[str, Any]


def read(line: str) -> Message:
    """One line of a document: `,…` leaves members out, text may end with `…`."""
    message: Message = json.loads(line.replace(",…}", ',"…":0}'))
    return message


def like(shown: Any, real: Any) -> bool:
    if isinstance(shown, dict) and isinstance(real, dict):
        left_out = "…" in shown
        keys = shown.keys() - {"…"}
        if not (keys <= real.keys() and (left_out or keys == real.keys())):
            return False
        return all(like(shown[key], real[key]) for key in keys)
    if isinstance(shown, list) and isinstance(real, list):
        return not shown or (bool(real) and all(like(one, real[0]) for one in shown))
    return type(shown) is type(real)


class Wire(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.config = Path(folder.name, "policy.toml")

    def start(self, cap: str = "20", **more: Any) -> Sidecar:
        self.config.write_text(POLICY.format(cap=cap))
        sidecar = Sidecar(self.config, hello=False, **more)
        self.addCleanup(sidecar.kill_if_alive)
        return sidecar

    def hello(self, sidecar: Sidecar) -> Message:
        return sidecar.request("initialize", {
            "protocolVersion": 1, "client": {"name": "my-agent", "version": "3.1"},
            "session": {"agent": "coder", "run": "nightly-7"},
            "capabilities": {"execute": True, "warnings": True}})

    def body(self, sidecar: Sidecar, heard: list[Message]) -> None:
        """Lets a call of `search` run to its end."""
        asked = sidecar.propose("search", q="owls")
        sidecar.send({"id": asked["id"], "result": {"output": ["barn owl"]}})
        heard.append(asked)
        while "result" not in heard[-1]:
            answer = sidecar.receive()
            assert answer is not None
            heard.append(answer)

    def everything_it_says(self) -> list[Message]:
        sidecar = self.start()
        heard = [self.hello(sidecar)]
        heard.append(sidecar.request("tools/register",
                                     {"tools": [{"name": "search"}, {"name": "mail"}]}))
        self.body(sidecar, heard)
        heard.append(sidecar.request("actions/propose", {"tool": "search", "args": {"q": "owls"}}))
        heard.append(sidecar.propose("mail"))
        heard.append(sidecar.request("usage/record", {
            "usage": {"usd": "0.02", "tokens:large": "1200"}, "model": "large-4", "callId": "t-1"}))
        heard.append(sidecar.request("budgets/get"))
        heard.append(sidecar.request("budgets/delegate", {
            "agent": "worker", "run": "w1", "amounts": {"usd": "0.5"}, "ttlMs": 3600000}))
        sidecar.finish()
        observer = self.start(options=("--observe",))
        self.hello(observer)
        observer.request("tools/register", {"tools": [{"name": "other"}]})
        asked = observer.propose("other")
        observer.send({"id": asked["id"], "result": {"output": 1}})
        heard.append(observer.receive() or {})
        observer.finish()
        warned = self.start(cap="0.27")
        self.hello(warned)
        warned.request("tools/register", {"tools": [{"name": "search"}]})
        self.body(warned, heard)
        subprocess.run([BINARY, "freeze", "agent:coder", "-c", self.config, "--reason", "audit"],
                       check=True, capture_output=True, timeout=60)
        heard.append(warned.receive() or {})
        return heard + warned.notices

    def lines(self, who: str) -> list[tuple[str, Message]]:
        return [(str(block), read(line.removeprefix(who).strip()))
                for block in blocks("protocol/README.md", "wire")
                for line in block.text.splitlines() if line.startswith(who)]

    def test_each_line_is_somebodys(self) -> None:
        for block in blocks("protocol/README.md", "wire"):
            for line in block.text.splitlines():
                self.assertRegex(line, r"^(host|side)  \{", str(block))

    def test_what_the_sidecar_is_shown_to_say_it_says(self) -> None:
        real = self.everything_it_says()
        shown = self.lines("side")
        self.assertGreaterEqual(len(shown), 9)
        for place, message in shown:
            with self.subTest(place, shown=message):
                without_id = {key: value for key, value in message.items() if key != "id"}
                self.assertTrue(any(
                    like(without_id, {key: value for key, value in one.items() if key != "id"})
                    for one in real), "nothing of this shape was said")

    def test_what_a_host_is_shown_to_say_is_understood(self) -> None:
        shown = self.lines("host")
        self.assertGreaterEqual(len(shown), 5)
        for place, message in shown:
            if "method" not in message:
                continue
            with self.subTest(place, shown=message):
                sidecar = self.start()
                if message["method"] != "initialize":
                    self.hello(sidecar)
                    sidecar.request("tools/register", {"tools": [{"name": "search"}]})
                sidecar.send(message)
                answer = sidecar.receive()
                assert answer is not None
                self.assertNotIn("error", answer)
                sidecar.kill()

    def test_a_shape_that_differs_is_seen(self) -> None:
        real = {"result": {"cost": {"spent": {"usd": "1"}}, "list": [{"a": 1}]}}
        self.assertTrue(like({"result": {"…": 0, "list": [{"a": 2}]}}, real))
        for wrong in ({"result": {"cost": {"spent": {}}, "list": []}}, {"result": {}},
                      {"result": {"…": 0, "list": [{"b": 1}]}}, {"result": {"…": 0, "list": ""}}):
            self.assertFalse(like(wrong, real), wrong)


if __name__ == "__main__":
    unittest.main()
