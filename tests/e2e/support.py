"""A host that speaks the wire by hand, so that these tests lean on the binary alone."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any

BINARY = os.environ["TALLYGATE_BIN"]
PATIENCE = 20.0  # seconds before a silent sidecar fails a test
SANITIZED = "TALLYGATE_SANITIZED" in os.environ
FAREWELL = 6.0 if SANITIZED else 2.0  # seconds from the end of a session to the exit

POLICY = """
[store]
url = "sqlite:store.db"
durability = "{durability}"
[session]
allow_any_agent = true
[[budgets]]
scope = "global"
unit = "usd"
window = "total"
cap = "{cap}"
[tools.look]
cost = "free"
[tools.pay]
cost = {{usd = "0.01"}}
timeout = "{timeout}"
[tools.wipe]
cost = "free"
[[rules]]
id = "ordinary"
match = {{tool = ["look", "pay"]}}
effect = "allow"
[[rules]]
id = "no-wiping"
match = {{tool = "wipe"}}
effect = "deny"
reason = "nothing is wiped"
"""


def process_state(pid: int) -> str:
    """As in proc(5): R runs, S sleeps, D waits for the disk, Z is dead; X when there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return "X"
    return stat.rsplit(")", 1)[1].split()[0]


class Sidecar:
    """One `tallygate serve`, spoken to line by line."""

    def __init__(self, config: Path | None, *, agent: str | None = None, run: str | None = "r1",
                 stderr: Any = subprocess.DEVNULL, hello: bool = True, env: dict[str, str] | None = None,
                 options: tuple[str, ...] = ()) -> None:
        command = [BINARY, "serve"] + (["-c", str(config)] if config else []) + list(options)
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr,
            env={**os.environ, **(env or {})})
        self._rest = b""
        self._ids = 0
        self.notices: list[dict[str, Any]] = []  # notifications that came before an answer
        self.line = b""  # the newest message as it came
        if hello:
            session = {k: v for k, v in (("agent", agent), ("run", run)) if v}
            self.welcome = self.request("initialize", {
                "protocolVersion": 1, "client": {"name": "e2e", "version": "1"},
                "session": session, "capabilities": {"execute": True}})["result"]
            tools = [{"name": name} for name in ("look", "pay", "wipe")]
            self.request("tools/register", {"tools": tools})

    def send_bytes(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send(self, message: dict[str, Any]) -> None:
        self.send_bytes(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def receive(self, patience: float = PATIENCE) -> dict[str, Any] | None:
        """The next message; None at the end of the output."""
        assert self.process.stdout is not None
        until = time.monotonic() + patience
        while b"\n" not in self._rest:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise TimeoutError(f"no line from the sidecar within {patience} s")
            chunk = os.read(self.process.stdout.fileno(), 1 << 20)
            if not chunk:
                return None
            self._rest += chunk
        self.line, self._rest = self._rest.split(b"\n", 1)
        message: dict[str, Any] = json.loads(self.line)
        return message

    def request(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        self._ids += 1
        self.send({"id": f"q{self._ids}", "method": method, "params": params or {}})
        while True:
            answer = self.receive()
            assert answer is not None
            if answer.get("id") == f"q{self._ids}":
                return answer
            assert "id" not in answer, answer
            self.notices.append(answer)

    def propose(self, tool: str, **args: Any) -> dict[str, Any]:
        """Sends a call and returns what comes next: its result, or tools/execute."""
        self._ids += 1
        self.send({"id": f"q{self._ids}", "method": "actions/govern",
                   "params": {"tool": tool, "args": args}})
        answer = self.receive()
        assert answer is not None
        return answer

    def govern(self, tool: str, output: Any = "done", **args: Any) -> dict[str, Any]:
        """A whole call whose body answers `output`; its ActionResult."""
        message = self.propose(tool, **args)
        if message.get("method") == "tools/execute":
            self.send({"id": message["id"], "result": {"output": output}})
            answer = self.receive()
            assert answer is not None
            message = answer
        result: dict[str, Any] = message["result"]
        return result

    def kill(self) -> None:
        self.process.kill()
        self.finish()

    def kill_if_alive(self) -> None:
        if self.process.poll() is None:
            self.kill()

    def finish(self) -> int:
        """Closes the input and waits for the end."""
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        code = self.process.wait(PATIENCE)
        self.process.stdout.close()
        return code


class Store:
    """The store behind one configuration, as people at a shell see it."""

    config: Path

    def tallygate(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run([BINARY, *arguments, "-c", str(self.config)], text=True,
                              capture_output=True, timeout=60, stdin=subprocess.DEVNULL, **options)

    def usd(self) -> dict[str, str]:
        """The row of the usd budget."""
        answer = json.loads(self.tallygate("budget", "--json").stdout)
        row: dict[str, str] = next(b for b in answer["budgets"] if b["unit"] == "usd")
        return row

    def reconcile(self, *arguments: str, **options: Any) -> tuple[int, str]:
        return self.at_terminal("reconcile", *arguments, **options)

    def at_terminal(self, *arguments: str, code: str | None = None,
                    env: dict[str, str] | None = None) -> tuple[int, str]:
        """Runs a command in a terminal and types the code it asks for, or `code`."""
        child, terminal = pty.fork()
        if child == 0:
            os.execve(BINARY, [BINARY, *arguments, "-c", str(self.config)],
                      {**os.environ, **(env or {})})
        seen = b""
        typed = False
        while True:
            try:
                chunk = os.read(terminal, 4096)
            except OSError:
                break
            if not chunk:
                break
            seen += chunk
            asked = re.search(rb"Type (\d+) to go on: $", seen)
            if asked and not typed:
                typed = True
                os.write(terminal, (code.encode() if code else asked[1]) + b"\n")
        os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), seen.decode()


class StoreTest(Store, unittest.TestCase):
    """Each test has a private folder with a policy and a store of its own."""

    cap, durability, timeout = "1.00", "process", "30s"

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.config = self.folder / "policy.toml"
        self.config.write_text(
            POLICY.format(cap=self.cap, durability=self.durability, timeout=self.timeout))

    def sidecar(self, **options: Any) -> Sidecar:
        sidecar = Sidecar(self.config, **options)
        self.addCleanup(sidecar.kill_if_alive)
        return sidecar

    def assert_chain_whole(self) -> None:
        done = self.tallygate("audit", "verify")
        self.assertEqual(done.returncode, 0, done.stderr)
