"""Text of hosts, files and command lines that wants to be more than text: in every command, at a
terminal, in a pipe and as JSON."""

from __future__ import annotations

import json
import subprocess
import unicodedata
import unittest
from collections.abc import Callable
from typing import Any

from support import BINARY, SANITIZED, Sidecar, StoreTest

TEXTS = {
    "a line of its own": "x\nINJECTED all is well",
    "carriage return": "rm -rf /\rINJECTED",
    "colours": "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "erased screen": "\x1b[2J\x1b[1;1HINJECTED",
    "backspaces": "no\x08\x08yes",
    "C1 controls": "\x9b31m\x85INJECTED\x90q\x9c",
    "delete": "a\x7f\x7fb",
    "right to left": "safe\u202etxt.exe\u2066\u2069\u200f\u061c",
    "tags": "pay\U000E0041\U000E0042\U000E007F",
    "no width": "a\u200bd\u2060m\ufeffin\u00ad\u034f\ufe0f",
    "blanks": "a\u00a0\u2003\u3000\u3164\u2800b",
    "stacked accents": "z" + "\u0301\u0336\u0489" * 30,
    "wide": "予算" * 40 + "🚀" * 40,
    "not for interchange": "\ue000\uffff\U0010fffd",
}

POLICY = """
[store]
url = "sqlite:store.db"
durability = "process"
[session]
allow_any_agent = true
[approvals]
allow_unsigned = true
[[budgets]]
scope = "global"
unit = "usd"
window = "total"
cap = "1"
[tools.look]
cost = {{usd = "0.01"}}
[tools.pay]
level = 4
cost = {{usd = "0.01"}}
[tools.wipe]
cost = "free"
[[rules]]
id = "some"
match = {{tool = ["look", "pay"]}}
effect = "allow"
[[rules]]
id = "none"
match = {{tool = "wipe"}}
effect = "deny"
reason = {text}
"""

ALL_AT_ONCE = "".join(TEXTS.values())
# One by one a complaint says which it was; under a sanitizer 500 processes take minutes.
APART = {"all": ALL_AT_ONCE} if SANITIZED else TEXTS
MAY_BE_STACKED = 2


def dangers(shown: str) -> list[str]:
    """The characters of `shown` that are not plainly what they look like."""
    found, stacked = [], 0
    for letter in shown:
        kind = unicodedata.category(letter)
        stacked = stacked + 1 if kind in ("Mn", "Me") else 0
        if kind in ("Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp") and letter != "\n":
            found.append(letter)
        if kind == "Zs" and letter != " " or letter in "\u3164\u2800\u115f" or stacked > MAY_BE_STACKED:
            found.append(letter)
    return found


class Shown(StoreTest):
    text = ""

    def set_up(self, text: str) -> None:
        """A store in which everything that others may write is `text`."""
        self.text = text
        home = self.folder / f"{len(list(self.folder.iterdir()))}-{text}".replace("/", "_")[:50]
        home.mkdir(0o700)
        self.config = home / "policy.toml"
        self.config.write_text(POLICY.format(text=toml_text(text)))
        gate = Sidecar(self.config, hello=False)
        self.addCleanup(gate.kill_if_alive)
        gate.request("initialize", {
            "protocolVersion": 1, "client": {"name": text, "version": text},
            "session": {"agent": "coder", "run": "r1"}, "capabilities": {"execute": True}})
        gate.request("tools/register", {"tools": [{"name": n} for n in ("look", "pay", "wipe")]})
        gate.request("tools/register", {"tools": [{"name": text, "description": text}]})
        self.held = [self.propose(gate, "pay", n)["result"]["hold"]["requestId"] for n in range(3)]
        self.propose(gate, "wipe", 1)
        self.propose(gate, text, 1)
        lost = self.propose(gate, "look", 1)["params"]["actionId"]
        gate.kill()  # in doubt
        self.doubt = lost
        self.sidecar(agent="other").finish()  # who finds it so

    def propose(self, gate: Sidecar, tool: str, n: int) -> dict[str, Any]:
        line = {"jsonrpc": "2.0", "id": f"{tool[:9]}{n}", "method": "actions/govern",
                "params": {"tool": tool, "args": {"n": n, self.text: self.text}}}
        gate.send_bytes(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        answer = gate.receive()
        assert answer is not None
        return answer

    def check(self, shown: str, *words: str) -> None:
        self.assertEqual(dangers(shown), [], f"{words}: {shown!r}")
        for line in shown.splitlines():
            self.assertFalse(line.startswith("INJECTED"), f"{words}: {shown!r}")

    def commands(self) -> list[tuple[tuple[str, ...], int]]:
        """Each with its exit code. In this order, since some end what others show."""
        return [
            (("budget",), 0), (("budget", "--past"), 0), (("budget", "--scope", self.text), 2),
            (("budget", "--since", self.text), 2), (("ledger", "check"), 0),
            (("ledger", "export", "--format", "ndjson"), 0), (("ledger", "export", "--agent", self.text), 0),
            (("ledger", "export", "--scope", self.text), 2), (("store", "prune", "--before", self.text), 2),
            (("store", "prune", "--before", "0s", "--dry-run"), 0), (("approvals",), 0), (("audit", "tail"), 0), (("audit", "verify"), 0),
            (("doctor",), 7), (("policy", "check"), 0), (("init",), 2),
            (("deny", self.held[0], "--reason", self.text), 0),
            (("deny", self.text), 6), (("cut", "agent:coder", "--reason", self.text), 0),
            (("freeze", "run:coder/r1", "--reason", self.text), 0),
            (("kill", "agent:other", "--reason", self.text), 0), (("doctor",), 7),
            (("audit", "tail"), 0), (("cut", "agent:" + self.text), 2), (("cut", self.text), 2),
            (("topup", self.text, "usd", "1"), 2), (("topup", "global", self.text, "1"), 6),
            (("topup", "global", "usd", self.text), 2), (("topup", "global", "usd", "1"), 2),
            (("approve", self.text), 6), (("reconcile", self.text, "completed"), 6),
            (("audit", "verify", "--head", self.text), 2), (("approvals",), 0),
        ]

    def with_each_text(self, check: Callable[[str], None]) -> None:
        for name, text in APART.items():
            with self.subTest(name):
                self.set_up(text)
                check(text)

    def test_in_a_pipe(self) -> None:
        def check(_: str) -> None:
            for words, code in self.commands():
                done = self.tallygate(*words)
                self.assertEqual(done.returncode, code, f"{words} {done.stderr}")
                self.check(done.stdout + done.stderr, *words)

        self.with_each_text(check)

    def seen_at_terminal(self, *words: str, code: int, typed: str | None = None) -> str:
        ended, seen = self.at_terminal(*words, code=typed, env={"NO_COLOR": "1"})
        self.assertEqual(ended, code, f"{words} {seen}")
        # A record of CSV ends in CRLF before a terminal adds its own.
        self.check(seen.replace("\r\r\n", "\n").replace("\r\n", "\n"), *words)
        return seen

    def test_at_a_terminal(self) -> None:
        def check(text: str) -> None:
            prompts = (("approve", self.held[1]), ("reconcile", self.doubt, "completed"),
                       ("reconcile", self.doubt, "not-run", "--reason", text))
            for words in prompts:
                self.assertIn("Type ", self.seen_at_terminal(*words, code=2, typed="wrong"))
            for words, code in self.commands():
                typed = "wrong" if words[0] == "topup" else None
                self.seen_at_terminal(*words, code=code, typed=typed)
            self.seen_at_terminal("reopen", "agent:coder", "--reason", text, code=0)
            self.seen_at_terminal(*prompts[2], code=0)
            self.seen_at_terminal("topup", "global", "usd", "1", "--reason", text, code=0)

        self.set_up(ALL_AT_ONCE)  # all at once: each command is a terminal of its own
        check(self.text)

    def test_as_json_that_means_the_same(self) -> None:
        def check(text: str) -> None:
            held = json.loads(self.tallygate("approvals", "--json").stdout)["approvals"]
            self.assertEqual([row["args"][text] for row in held], [text] * 3)
            for words, _ in self.commands():
                done = self.tallygate(*words, "--json")
                self.check(done.stdout + done.stderr, *words)
                for line in done.stdout.splitlines():
                    json.loads(line)

        self.with_each_text(check)

    def test_in_complaints_about_files_and_words(self) -> None:
        def check(text: str) -> None:
            self.config.write_text(f"{toml_text(text)} = 1\n[tools.{toml_text(text)}]\nlevel = 9\n")
            for command in ("serve", "budget", "doctor"):
                done = self.tallygate(command)
                self.assertEqual(done.returncode, 2)
                self.check(done.stdout + done.stderr, command)
            done = subprocess.run([BINARY, "budget", text, "--" + text], capture_output=True,
                                  text=True, timeout=20)
            self.assertEqual(done.returncode, 2)
            self.check(done.stdout + done.stderr, "budget", text)
            self.config = self.folder / ("gone " + text.replace("/", "_")[:50])
            done = self.tallygate("budget")
            self.assertEqual(done.returncode, 2)
            self.check(done.stderr, "no such file")

        self.with_each_text(check)


def toml_text(text: str) -> str:
    return '"' + "".join(f"\\U{ord(letter):08x}" for letter in text) + '"'


if __name__ == "__main__":
    unittest.main()
