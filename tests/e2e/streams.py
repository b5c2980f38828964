"""Streams of every kind that a host may hand to a sidecar, and hosts of every manner."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import termios
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from support import BINARY

END_OF_INPUT, SIGTERM = "end of input", "SIGTERM"
WAITS = {"pipe", "socket", "terminal"}  # kinds with a host at the other end


@dataclass
class Ends:
    """What the sidecar gets and what the host keeps; -1: the sidecar finds it closed."""
    sidecar: int
    host: int = -1

    def close_sidecar(self) -> None:
        if self.sidecar >= 0:
            os.close(self.sidecar)


def open_terminal() -> tuple[int, int]:
    """Master and slave of a terminal that does not echo."""
    master, slave = os.openpty()
    modes = termios.tcgetattr(slave)
    modes[3] &= ~termios.ECHO
    modes[1] &= ~termios.OPOST
    termios.tcsetattr(slave, termios.TCSANOW, modes)
    return master, slave


def open_pair(kind: str, *, towards_sidecar: bool) -> Ends:
    if kind == "pipe":
        read, write = os.pipe()
        return Ends(read, write) if towards_sidecar else Ends(write, read)
    if kind == "socket":
        ours, theirs = socket.socketpair()
        return Ends(theirs.detach(), ours.detach())
    master, slave = open_terminal()
    return Ends(slave, master)


def open_input(kind: str, content: bytes, folder: Path) -> Ends:
    if kind in WAITS:
        return open_pair(kind, towards_sidecar=True)
    if kind == "closed":
        return Ends(-1)
    if kind == "null":
        return Ends(os.open("/dev/null", os.O_RDONLY))
    path = folder / f"input-{threading.get_ident()}"
    path.write_bytes(content)
    return Ends(os.open(path, os.O_RDONLY))


def open_output(kind: str, folder: Path) -> Ends:
    if kind in WAITS:
        return open_pair(kind, towards_sidecar=False)
    if kind == "closed":
        return Ends(-1)
    if kind in ("null", "full"):
        return Ends(os.open(f"/dev/{kind}", os.O_WRONLY))
    path = folder / f"output-{threading.get_ident()}"
    out = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    return Ends(out, os.dup(out))


def command_with_closed(numbers: list[int], config: Path) -> list[str]:
    """`serve`, started by a shell that closes these descriptors first."""
    closing = " ".join(f"{number}>&-" for number in numbers)
    return ["sh", "-c", f'exec "$0" "$@" {closing}', BINARY, "serve", "-c", str(config)]


def wait_until_it_listens(pid: int) -> None:
    """For SIGTERM, as proc(5) tells; one that comes before ends any program."""
    for _ in range(1000):
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        caught = re.search(r"^SigCgt:\s*(\w+)", status, re.MULTILINE)
        if caught and int(caught[1], 16) >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.01)


@dataclass
class Session:
    """One sidecar whose host feeds it `content`, reads in its manner and ends it in its way."""

    stdin: str
    stdout: str
    manner: str  # "reads at once", "late", "never", "closes early", "byte by byte"
    end: str
    config: Path
    content: bytes
    received: bytes = b""
    code: int = -1
    seconds: float = 0.0  # from the end until the exit
    _ended: float = field(default=0.0, init=False)
    _fed: threading.Event = field(default_factory=threading.Event, init=False)
    _heard: threading.Event = field(default_factory=threading.Event, init=False)

    def run(self) -> "Session":
        source = open_input(self.stdin, self.content, self.config.parent)
        sink = open_output(self.stdout, self.config.parent)
        closed = [number for number, ends in ((0, source), (1, sink)) if ends.sidecar < 0]
        process = subprocess.Popen(
            command_with_closed(closed, self.config),
            stdin=source.sidecar if source.sidecar >= 0 else subprocess.DEVNULL,
            stdout=sink.sidecar if sink.sidecar >= 0 else subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        source.close_sidecar()
        sink.close_sidecar()
        feeding = threading.Thread(target=self._feed, args=(process, source))
        feeding.start()
        self._read(sink)
        self.code = process.wait(30)
        self.seconds = time.monotonic() - self._ended if self._ended else 0.0
        if self.stdout == "file":
            os.lseek(sink.host, 0, os.SEEK_SET)
            self._read_all(sink.host, 1 << 20)
        feeding.join(40)
        for end in (source.host, sink.host):
            if end >= 0:
                os.close(end)
        return self

    def _feed(self, process: "subprocess.Popen[bytes]", source: Ends) -> None:
        feed = source.host
        rest = memoryview(self.content if feed >= 0 else b"")
        if rest:
            os.set_blocking(feed, False)  # a terminal of the dead blocks for ever
        while rest and process.poll() is None:
            try:
                if select.select([], [feed], [], 0.1)[1]:
                    rest = rest[os.write(feed, rest[:65536]):]
            except OSError:
                break  # nobody listens any more
        if self.manner == "byte by byte":
            self._heard.wait(30)  # it may take longer than a sidecar waits at its end
        self._ended = time.monotonic()
        self._fed.set()
        if self.end == SIGTERM:
            wait_until_it_listens(process.pid)
            self._ended = time.monotonic()
            process.send_signal(signal.SIGTERM)
        elif self.stdin == "terminal":
            try:
                os.write(feed, b"\x04")
            except OSError:
                pass
        elif feed >= 0:
            os.close(feed)
            source.host = -1

    def _read(self, sink: Ends) -> None:
        out = sink.host
        if self.stdout not in WAITS or self.manner == "never":
            return
        if self.manner == "closes early":
            self.received = os.read(out, 100)
            os.close(out)
            sink.host = -1
            return
        if self.manner == "late":
            self._fed.wait(10)
            time.sleep(0.4)
        self._read_all(out, 1 if self.manner == "byte by byte" else 1 << 16)

    def _read_all(self, out: int, size: int) -> None:
        pieces = []
        lines_left = self.content.count(b"\n")
        try:
            while piece := os.read(out, size):
                pieces.append(piece)
                lines_left -= piece.count(b"\n")
                if lines_left == 0:
                    self._heard.set()
        except OSError:
            pass  # how a terminal ends
        self.received = b"".join(pieces)

    def answered(self) -> list[int]:
        """The ids of the answers that came whole."""
        whole = self.received[:self.received.rfind(b"\n") + 1]
        return [int(number) for number in re.findall(rb'"id":(\d+),"result":\{\}\}\n', whole)]


def pings(count: int) -> bytes:
    return b"".join(b'{"jsonrpc":"2.0","id":%d,"method":"ping"}\n' % n for n in range(count))
