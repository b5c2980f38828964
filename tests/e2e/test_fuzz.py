"""A host out of its mind: drawn lines in drawn pieces, until it leaves in a drawn way.

TALLYGATE_FUZZ_SECONDS=600 goes on for ten minutes; a seed that failed is repeated with
TALLYGATE_FUZZ_SEED."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import socket
import subprocess
import time
import unittest

from fuzz_lines import Lines
from support import BINARY, POLICY, StoreTest

SECONDS = float(os.environ.get("TALLYGATE_FUZZ_SECONDS", "8"))
SEED = os.environ.get("TALLYGATE_FUZZ_SEED")
CLOSED, TERMINATED, KILLED, DEAF = "closed", "terminated", "killed", "deaf"


class Session:
    """One life of a sidecar under such a host."""

    def __init__(self, seed: int, command: list[str]) -> None:
        self.chance = random.Random(seed)
        self.lines = Lines(self.chance)
        self.end = self.chance.choice((CLOSED, CLOSED, CLOSED, TERMINATED, KILLED, DEAF))
        self.reads_gladly = self.chance.random() < 0.8
        self.unsent = b""
        self.heard = b""
        self.messages = 0
        if self.chance.random() < 0.5:
            ours, theirs = socket.socketpair()
            self.to = self.source = ours.detach()
            child = theirs.detach()
            self.process = subprocess.Popen(command, stdin=child, stdout=child,
                                            stderr=subprocess.PIPE)
            os.close(child)
        else:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            assert self.process.stdin is not None and self.process.stdout is not None
            self.to, self.source = self.process.stdin.fileno(), self.process.stdout.fileno()
        os.set_blocking(self.to, False)
        os.set_blocking(self.source, False)

    def play(self) -> str:
        """What was wrong, or nothing."""
        try:
            for _ in range(self.chance.randrange(1, 300)):
                self.unsent += self.lines.line()
                self.move()
        except BrokenPipeError:
            return "it went away"
        except ValueError as error:
            return f"not a message: {error}"
        return self.leave()

    def move(self) -> None:
        size = self.chance.choice((1, 10, 1000, 1 << 20))
        reads = [self.source] if self.reads_gladly or self.chance.random() < 0.1 else []
        readable, writable, _ = select.select(reads, [self.to], [], 0)
        if writable and self.unsent:
            self.unsent = self.unsent[os.write(self.to, self.unsent[:size]):]
        if readable:
            self.hear(os.read(self.source, self.chance.choice((1, 100, 1 << 20))))

    def hear(self, piece: bytes) -> None:
        self.heard += piece
        *lines, self.heard = self.heard.split(b"\n")
        for line in lines:
            message = json.loads(line)
            self.messages += 1
            if message.get("method") == "tools/execute":
                self.lines.executes.append(message["id"])
            result = message.get("result")
            if isinstance(result, dict) and "actionId" in result:
                self.lines.actions.append(result["actionId"])
                self.lines.tokens += [result["grant"]["token"]] if "grant" in result else []

    def leave(self) -> str:
        started = time.monotonic()
        expected = 0
        if self.end == KILLED:
            self.process.kill()
            expected = -signal.SIGKILL
        elif self.end == TERMINATED:
            self.process.send_signal(signal.SIGTERM)
            expected = -signal.SIGTERM if self.messages == 0 else 0
        else:
            self.close_input()
        said = self.listen(started) if self.end != DEAF else ""
        try:
            code = self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "it did not end"
        finally:
            complaint = self.errors()
            self.close_all()
        if "runtime error" in complaint or "Sanitizer" in complaint or "invariant" in complaint:
            return complaint
        return said if code in (0, expected) else f"{self.end}: exit code {code}: {complaint}"

    def close_input(self) -> None:
        if self.to != self.source:
            assert self.process.stdin is not None
            self.process.stdin.close()
        else:
            with socket.socket(fileno=os.dup(self.to)) as both:
                both.shutdown(socket.SHUT_WR)

    def listen(self, started: float) -> str:
        try:
            while time.monotonic() - started < 15:
                if select.select([self.source], [], [], 0.2)[0]:
                    piece = os.read(self.source, 1 << 20)
                    if not piece:
                        return "the output ends inside a line" if self.heard and self.end == CLOSED else ""
                    self.hear(piece)
        except ConnectionResetError:
            return ""
        except ValueError as error:
            return f"not a message: {error}"
        return "nothing came to an end"

    def errors(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.read().decode(errors="replace")

    def close_all(self) -> None:
        if self.to == self.source:
            os.close(self.to)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None and not stream.closed:
                try:
                    stream.close()
                except BrokenPipeError:
                    pass


class Fuzz(StoreTest):
    def test_no_line_and_no_order_of_them_breaks_a_sidecar_or_its_books(self) -> None:
        until = time.monotonic() + SECONDS
        seed = int(SEED or random.SystemRandom().randrange(1 << 32))
        messages = 0
        while True:
            self.config.write_text(POLICY.format(cap="0.20", durability="process",
                                                 timeout="200ms" if seed % 2 else "30s"))
            session = Session(seed, [BINARY, "serve", "-c", str(self.config), "--log-level",
                                     "error"])
            fault = session.play()
            messages += session.messages
            self.assertEqual(fault, "", f"TALLYGATE_FUZZ_SEED={seed}")
            if SEED or time.monotonic() > until:
                break
            seed += 1
        self.assertGreater(messages, 10)
        self.assert_chain_whole()
        money = {finding["text"]: finding["status"] for section in json.loads(
            self.tallygate("doctor", "--json").stdout)["sections"] if section["name"] == "money"
            for finding in section["findings"]}
        self.assertTrue(money)
        self.assertNotIn("problem", money.values(), money)


if __name__ == "__main__":
    unittest.main()
