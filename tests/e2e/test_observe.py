"""A way in: see what a session needs with serve --observe, write its policy, and enforce that."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import time
import unittest
from contextlib import closing
from pathlib import Path
from typing import Any

from books import Books
from support import BINARY, Sidecar, StoreTest

TOOLS = ("look", "list", "think", "buy", "mail")


class ObserveTest(StoreTest):
    """Without any policy: state, configuration and home are in a folder of the test's own."""

    def setUp(self) -> None:
        super().setUp()
        self.config.unlink()
        self.env = {"HOME": str(self.folder), "XDG_STATE_HOME": str(self.folder / "state"),
                    "XDG_CONFIG_HOME": str(self.folder / "config"), "TALLYGATE_CONFIG": ""}
        self.store = self.folder / "state" / "tallygate" / "store.db"

    def gate(self, *, observe: bool = True, config: Path | None = None, agent: str = "coder",
             stderr: Any = subprocess.DEVNULL) -> Sidecar:
        gate = Sidecar(config, hello=False, env=self.env, stderr=stderr,
                       options=("--observe",) if observe else ())
        self.addCleanup(gate.kill_if_alive)
        answer = gate.request("initialize", {
            "protocolVersion": 1, "client": {"name": "e2e", "version": "1"},
            "session": {"agent": agent, "run": "r1"}, "capabilities": {"execute": True}})
        gate.welcome = answer["result"]
        gate.request("tools/register",
                     {"tools": [{"name": name} for name in (*TOOLS, "new", "never")]})
        return gate

    def call(self, gate: Sidecar, tool: str, n: int, cost: dict[str, str] | None = None,
             usage: dict[str, str] | None = None) -> dict[str, Any]:
        gate.send({"id": f"c{n}", "method": "actions/govern",
                   "params": {"tool": tool, "args": {"n": n}, **({"cost": cost} if cost else {})}})
        message = gate.receive()
        assert message is not None
        if message.get("method") == "tools/execute":
            result: dict[str, Any] = {"output": n, **({"usage": usage} if usage else {})}
            gate.send({"id": message["id"], "result": result})
            message = gate.receive()
            assert message is not None
        answer: dict[str, Any] = message["result"]
        return answer

    def session(self, gate: Sidecar, calls: int) -> list[dict[str, Any]]:
        """Mixed tools: free ones, one whose body reports what it used, one whose cost is stated."""
        ends = []
        for n in range(calls):
            tool = TOOLS[n % len(TOOLS)]
            cost = {"usd": f"0.{n % 7 + 1:02}"} if tool == "buy" else None
            usage = {"usd": f"0.0{n % 3 + 1}", "tokens:large": str(100 + n)} if tool == "think" else None
            ends.append(self.call(gate, tool, n, cost, usage))
        return ends

    def tallygate(self, *words: str, **options: Any) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([BINARY, *words], text=True, capture_output=True, timeout=60,
                              stdin=subprocess.DEVNULL, env={**os.environ, **self.env}, **options)

    def rows(self, sql: str) -> list[Any]:
        with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)) as store:
            return store.execute(sql).fetchall()


class Observing(ObserveTest):
    def test_a_session_without_a_policy_becomes_its_policy(self) -> None:
        gate = self.gate()
        self.assertIs(gate.welcome["capabilities"]["observe"], True)
        ends = self.session(gate, 200)
        self.assertEqual({end["status"] for end in ends}, {"completed"})
        self.assertEqual({end["observed"]["code"] for end in ends}, {"unregistered_tool"})
        self.assertEqual(gate.finish(), 0)
        path = self.folder / "drafted.toml"
        done = self.tallygate("init", "-c", str(path), "--from-observed")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn(f"tallygate serve -c {path}", done.stdout)
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        text = path.read_text()
        self.assertIn("# 200 calls in 1 run.\n[agents.coder]", text)
        self.assertIn('[tools.buy]\nlevel = 3\ncost = { from = "host", max = { usd = "0.07" } }', text)
        self.assertIn('[tools.look]\nlevel = 3\ncost = "free"', text)
        done = self.tallygate("policy", "check", str(path))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("nothing is wrong", done.stdout)

        gate = self.gate(observe=False, config=path)
        self.assertNotIn("observe", gate.welcome["capabilities"])
        ends = self.session(gate, 200)
        self.assertEqual({end["status"] for end in ends}, {"completed"}, ends)
        self.assertFalse([end for end in ends if "observed" in end])
        self.assertEqual(self.call(gate, "new", 1000)["code"], "unregistered_tool")
        self.assertEqual(self.call(gate, "look", 1001)["code"], "budget_exhausted")  # the 201st call
        gate.finish()
        self.assertEqual(self.tallygate("doctor", "-c", str(path)).returncode, 0)

    def test_spend_above_the_proposed_cap_is_refused(self) -> None:
        gate = self.gate()
        for n in range(10):
            self.call(gate, "think", n, usage={"usd": "0.05"})
        for n in range(10, 100):
            self.call(gate, "look", n)
        gate.finish()
        path = self.folder / "drafted.toml"
        self.tallygate("init", "-c", str(path), "--from-observed")
        self.assertIn('unit = "usd"\nwindow = "day"\ncap = "0.5"\n', path.read_text())
        gate = self.gate(observe=False, config=path)
        ends = [self.call(gate, "think", n) for n in range(12)]
        self.assertEqual([end["status"] for end in ends], ["completed"] * 10 + ["denied"] * 2)
        self.assertIn("0.5", path.read_text())
        self.assertEqual(ends[10]["code"], "budget_exhausted")
        self.assertIn("usd", ends[10]["reason"])

    def test_it_is_announced_and_level_5_never_runs(self) -> None:
        policy = self.folder / "policy.toml"
        policy.write_text('[tools.never]\nlevel = 5\ncost = "free"\n[agents.coder]\n')
        gate = self.gate(config=policy, stderr=subprocess.PIPE)
        answer = self.call(gate, "never", 1)
        self.assertEqual((answer["status"], answer["code"]), ("denied", "policy_denied"))
        self.assertNotIn("observed", answer)
        gate.send({"id": "p", "method": "actions/propose", "params": {"tool": "never", "args": {}}})
        proposed = gate.receive()
        assert proposed is not None and gate.process.stderr is not None
        self.assertEqual(proposed["result"]["code"], "policy_denied")
        self.assertEqual(self.call(gate, "look", 2)["status"], "completed")
        gate.finish()
        with gate.process.stderr as stderr:
            self.assertIn(b"--observe: nothing is enforced", stderr.read())
        self.assertEqual(self.rows("SELECT count(*) FROM audit WHERE body NOT LIKE "
                                   "'%\"observed\":true%'"), [(0,)])
        done = self.tallygate("init", "-c", str(self.folder / "new.toml"), "--from-observed")
        self.assertEqual(done.returncode, 0, done.stderr)
        text = (self.folder / "new.toml").read_text()
        self.assertNotIn("[tools.never]", text)
        self.assertIn("# never was refused 2 times even so", text)

    def test_what_an_operator_closes_is_closed(self) -> None:
        gate = self.gate()
        self.assertEqual(self.call(gate, "look", 1)["status"], "completed")
        for n, (command, code) in enumerate({"cut": "scope_cut", "freeze": "scope_frozen",
                                             "kill": "scope_killed"}.items()):
            self.assertEqual(self.tallygate(command, "agent:coder").returncode, 0)
            answer = self.call_quietly(gate, n + 2)
            self.assertEqual((answer["status"], answer["code"]), ("denied", code))
        late = self.gate()  # one that starts while it is closed
        self.assertEqual(self.call_quietly(late, 9)["code"], "scope_killed")

    def call_quietly(self, gate: Sidecar, n: int) -> dict[str, Any]:
        """A call that must not run, past whatever is told of scopes."""
        gate.send({"id": f"c{n}", "method": "actions/govern",
                   "params": {"tool": "look", "args": {"n": n}}})
        while True:
            message = gate.receive()
            assert message is not None and message.get("method") != "tools/execute", message
            if message.get("id") == f"c{n}":
                result: dict[str, Any] = message["result"]
                return result

    def test_a_kill_leaves_what_it_leaves_when_enforced(self) -> None:
        policy = self.folder / "policy.toml"
        policy.write_text('[agents.coder]\n[[budgets]]\nscope = "global"\nunit = "usd"\n'
                          'window = "total"\ncap = "0.30"\n')
        gate = self.gate(config=policy)
        self.call(gate, "buy", 1, {"usd": "0.10"})
        for n in (2, 3):  # the second has no room, and runs
            gate.send({"id": f"c{n}", "method": "actions/govern", "params": {
                "tool": "buy", "args": {"n": n}, "cost": {"usd": "0.15"}}})
            message = gate.receive()
            assert message is not None and message["method"] == "tools/execute"
        gate.kill()
        late = self.gate(config=policy)
        states = self.wait_for_doubt()
        self.assertEqual(states, [(4, 26, 1)] * 2)  # in_doubt host_lost, observed
        self.assertEqual(Books(self.store).complaint, "")
        row = self.rows("SELECT reserved, spent, overrun FROM windows")
        self.assertEqual(row, [(150_000_000, 100_000_000, 0)])
        found = self.tallygate("doctor", "-c", str(policy))
        self.assertEqual(found.returncode, 7, found.stdout)
        late.finish()
        self.config = policy
        for (key,) in self.rows("SELECT id FROM actions WHERE state = 4"):
            suffix = next(call.id for call in Books(self.store).calls.values()
                          if int(call.id.replace("-", "")[:12], 16) == key >> 12 and call.is_open)
            code, seen = self.reconcile(suffix, "completed", env=self.env)
            self.assertEqual(code, 0, seen)
        row = self.rows("SELECT reserved, spent, overrun FROM windows")
        self.assertEqual(row, [(0, 300_000_000, 100_000_000)])
        self.assertEqual(Books(self.store).complaint, "")
        self.assertEqual(self.tallygate("audit", "verify", "-c", str(policy)).returncode, 0)

    def wait_for_doubt(self) -> list[Any]:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            states = self.rows("SELECT state, code, observed FROM actions WHERE state IN (3, 4)")
            if all(state == 4 for state, _, _ in states):
                return states
            time.sleep(0.1)
        return states

    def test_pinned_approvers_are_no_file_to_observe(self) -> None:
        policy = self.folder / "policy.toml"
        for key in ('approvers = ["kim"]', "quorum = 2"):
            policy.write_text(f"[approvals]\n{key}\n")
            done = self.tallygate("serve", "--observe", "-c", str(policy))
            self.assertEqual(done.returncode, 2)
            self.assertIn("policy.toml:2:1: ", done.stderr)
            self.assertIn("never with --observe", done.stderr)
        self.assertFalse(self.store.exists())


class Beginning(ObserveTest):
    def test_the_first_file_is_made_for_its_owner_and_never_replaced(self) -> None:
        path = self.folder / "config" / "tallygate" / "config.toml"
        done = self.tallygate("init")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn(f"wrote {path}", done.stdout)
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(path.parent.stat().st_mode), 0o700)
        self.assertEqual(self.tallygate("policy", "check").returncode, 0)
        before = path.read_text()
        path.write_text(before + "# mine\n")
        done = self.tallygate("init", "--from", "read-only")
        self.assertEqual(done.returncode, 2)
        self.assertIn("is kept", done.stderr)
        self.assertEqual(path.read_text(), before + "# mine\n")
        self.assertEqual([entry.name for entry in path.parent.iterdir()], ["config.toml"])
        link = self.folder / "link.toml"
        link.symlink_to(self.folder / "nowhere.toml")
        self.assertEqual(self.tallygate("init", "-c", str(link)).returncode, 2)
        self.assertFalse((self.folder / "nowhere.toml").exists())

    def test_starters_are_copied_by_name(self) -> None:
        folder = Path(__file__).resolve().parents[2] / "policies"
        for starter in sorted(folder.glob("*.toml")):
            path = self.folder / f"new-{starter.name}"
            done = self.tallygate("init", "-c", str(path), "--from", starter.stem)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(path.read_text(), starter.read_text())
            self.assertEqual(self.tallygate("policy", "check", str(path)).returncode, 0)
        done = self.tallygate("init", "-c", str(self.folder / "x.toml"), "--from", "spendcap")
        self.assertEqual(done.returncode, 2)
        self.assertIn('did you mean "spend-cap"?', done.stderr)
        self.assertFalse((self.folder / "x.toml").exists())

    def test_a_starter_brings_its_prices_and_keeps_those_that_are_there(self) -> None:
        path = self.folder / "config" / "tallygate" / "config.toml"
        prices = path.parent / "prices" / "2026-11.toml"
        done = self.tallygate("init", "--from", "llm-spend")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn(f"wrote {prices}\nwrote {path}\n", done.stdout)
        for folder in (path.parent, prices.parent):
            self.assertEqual(stat.S_IMODE(folder.stat().st_mode), 0o700)
        shipped = Path(__file__).resolve().parents[2] / "policies" / "prices" / prices.name
        self.assertEqual(prices.read_text(), shipped.read_text())
        told = self.tallygate("policy", "check").stdout
        self.assertRegex(told, r"prices +\d\d models, \"prices/2026-11.toml\" of 2026-11-21")
        self.assertIn("llm:*: prices of the model in the tool's name; prompt /input_tokens up to 1000000; "
                      "answer /max_tokens up to 32000, else 4096", told)
        mine = '[prices."claude-opus-5"]\ninput = "1"\noutput = "1"\n'
        prices.write_text(mine)
        other = path.parent / "other.toml"
        self.assertEqual(self.tallygate("init", "-c", str(other), "--from", "llm-spend").returncode, 0)
        self.assertEqual(prices.read_text(), mine)
        prices.write_text("[prices\n")
        last = path.parent / "last.toml"
        done = self.tallygate("init", "-c", str(last), "--from", "llm-spend")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{prices}:1:", done.stderr)
        self.assertFalse(last.exists())

    def test_what_was_not_observed_writes_nothing(self) -> None:
        path = self.folder / "x.toml"
        done = self.tallygate("init", "-c", str(path), "--from-observed")
        self.assertEqual(done.returncode, 6, done.stderr)  # no store at all
        gate = self.gate()
        self.call(gate, "look", 1)
        gate.finish()
        for words in (["--agent", "other"], ["--run", "r2"], ["--since", "2199-01-01"]):
            done = self.tallygate("init", "-c", str(path), "--from-observed", *words)
            self.assertEqual(done.returncode, 6, words)
            self.assertIn("serve --observe", done.stderr)
        done = self.tallygate("init", "-c", str(path), "--from-observed", "--since", "yesterday")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--since cannot be", done.stderr)
        self.assertFalse(path.exists())
        for words in (["--agent", "coder", "--run", "r1", "--since", "1h"],
                      ["--store", str(self.store), "--since", "2020-01-01T00:00:00Z"]):
            done = self.tallygate("init", "-c", str(path), "--from-observed", *words)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(f'url = "sqlite:{self.store}"' in path.read_text(), "--store" in words)
            path.unlink()

    def test_hostile_names_and_reasons_stay_comments(self) -> None:
        text = 'x"\n[tools.evil]\ncost = "free"\n#\x1b[2J\u202e'
        policy = self.folder / "policy.toml"
        shown = "".join(f"\\U{ord(letter):08x}" for letter in text)
        policy.write_text(f'[agents.coder]\n[tools.look]\ncost = "free"\n[[rules]]\nid = "r"\n'
                          f'match = {{tool = "look"}}\neffect = "deny"\nreason = "{shown}"\n')
        gate = self.gate(config=policy)
        self.assertEqual(self.call(gate, "look", 1)["observed"]["rule"], "r")
        gate.send({"id": "p", "method": "actions/propose", "params": {"tool": text, "args": {}}})
        answer = gate.receive()  # such a name never comes as far as the store
        assert answer is not None
        self.assertEqual(answer["error"]["code"], -32602)
        gate.finish()
        path = self.folder / "x.toml"
        done = self.tallygate("init", "-c", str(path), "--from-observed")
        self.assertEqual(done.returncode, 0, done.stderr)
        written = path.read_text()
        self.assertNotIn("\n[tools.evil]", written)
        self.assertNotIn("\x1b", written)
        self.assertNotIn("\u202e", written)
        self.assertIn("# LOOK: the policy in use would have denied 1 call by a rule", written)

    def test_policy_check_tells_every_fault_at_once(self) -> None:
        policy = self.folder / "bad.toml"
        policy.write_text('[stor]\n[tools.a]\nlevel = 9\ncost = {uds = "1"}\n')
        done = self.tallygate("policy", "check", str(policy))
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        lines = done.stderr.splitlines()
        self.assertEqual([line.split(": ")[0] for line in lines],
                         [f"{policy}:1:2", f"{policy}:3:1", f"{policy}:4:9"])
        self.assertIn('did you mean "usd"?', lines[2])
        policy.write_text('[tools.a]\ncost = "free"\n[[rules]]\nid = "r"\n'
                          'match = {tool = ["a", "other"]}\neffect = "allow"\n')
        done = self.tallygate("policy", "check", str(policy))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn('note: rule "r" names "other", which has no [tools] entry', done.stdout)
        self.assertNotIn('"a"', done.stdout)
        self.assertEqual(self.tallygate("policy", "check").returncode, 2)  # nothing to check
        done = self.tallygate("policy", "check", str(self.folder / "gone.toml"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("cannot be read", done.stderr)


if __name__ == "__main__":
    unittest.main()
