"""What becomes of a session, by the kinds of its streams and the manner of its host."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from streams import END_OF_INPUT, SIGTERM, Session, command_with_closed, open_pair, pings
from support import BINARY, FAREWELL, SANITIZED, Sidecar, StoreTest

COUNT = 4000  # pings, whose answers are more than a pipe, a socket or a terminal holds

ALL, SOME, NONE = "all answers", "the first answers", "no answer"
FED = ("pipe", "socket", "terminal", "file")  # kinds of stdin that bring something
EMPTY = ("null", "closed")
HEARD = ("pipe", "socket", "terminal")  # kinds of stdout that a host reads


@dataclass(frozen=True)
class Row:
    stdin: tuple[str, ...]
    stdout: tuple[str, ...]
    manner: str
    end: str
    code: int
    answers: str


TABLE = (
    Row(FED, HEARD, "reads at once", END_OF_INPUT, 0, ALL),
    Row(FED, HEARD, "late", END_OF_INPUT, 0, ALL),
    Row(FED, HEARD, "byte by byte", END_OF_INPUT, 0, ALL),
    Row(FED, HEARD, "never", END_OF_INPUT, 0, NONE),
    Row(FED, ("pipe", "socket"), "closes early", END_OF_INPUT, 0, SOME),
    Row(FED, ("file",), "reads at once", END_OF_INPUT, 0, ALL),
    Row(FED, ("null",), "never", END_OF_INPUT, 0, NONE),
    Row(FED, ("full",), "never", END_OF_INPUT, 1, NONE),
    Row(FED + EMPTY, ("closed",), "never", END_OF_INPUT, 2, NONE),
    Row(EMPTY, HEARD + ("file", "null", "full"), "reads at once", END_OF_INPUT, 0, NONE),
    Row(HEARD, HEARD, "reads at once", SIGTERM, 0, SOME),
    Row(HEARD, HEARD, "never", SIGTERM, 0, NONE),
    Row(HEARD, ("file",), "reads at once", SIGTERM, 0, SOME),
)


def flags_of(descriptor: int) -> int:
    return fcntl.fcntl(descriptor, fcntl.F_GETFL)


def memory_peak_mib(pid: int) -> int:
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


class Table(StoreTest):
    def check(self, row: Row, stdin: str, stdout: str) -> str:
        """What is wrong with this cell, or nothing."""
        cell = Session(stdin, stdout, row.manner, row.end, self.config, pings(COUNT)).run()
        name = f"{stdin} -> {stdout}, {row.manner}, {row.end}: "
        answered = cell.answered()
        if answered != list(range(len(answered))):
            return name + "answers out of order"
        fits = {ALL: len(answered) == COUNT, SOME: len(answered) <= COUNT, NONE: not answered}
        if cell.code != row.code:
            return name + f"exit code {cell.code}, not {row.code}"
        if not fits[row.answers]:
            return name + f"{len(answered)} answers, not {row.answers}"
        if cell.seconds > FAREWELL:
            return name + f"ended after {cell.seconds:.1f} s"
        return ""

    def test_every_cell_of_the_table_ends_as_it_says(self) -> None:
        self.sidecar().finish()  # the store is there
        cells = [(row, stdin, stdout)
                 for row in TABLE for stdin in row.stdin for stdout in row.stdout]
        with ThreadPoolExecutor(6) as pool:
            wrong = [fault for fault in pool.map(lambda cell: self.check(*cell), cells) if fault]
        self.assertEqual(wrong, [], "\n".join(wrong))
        self.assertGreater(len(cells), 90)


class Shared(StoreTest):
    """A descriptor of a host is the host's: nothing about it is changed, at any moment."""

    def test_flags_of_shared_streams_stay_even_while_it_runs_and_when_it_is_killed(self) -> None:
        for kind in ("pipe", "socket", "terminal"):
            with self.subTest(kind):
                source = open_pair(kind, towards_sidecar=True)
                sink = open_pair(kind, towards_sidecar=False)
                errors = open_pair(kind, towards_sidecar=False)
                all_ends = (source, sink, errors)
                before = [flags_of(ends.sidecar) for ends in all_ends]
                process = subprocess.Popen(
                    [BINARY, "serve", "-c", str(self.config), "--log-level", "debug"],
                    stdin=source.sidecar, stdout=sink.sidecar, stderr=errors.sidecar)
                os.write(source.host, pings(3))
                answers = b""
                while answers.count(b"\n") < 3:
                    answers += os.read(sink.host, 4096)
                self.assertEqual([flags_of(ends.sidecar) for ends in all_ends], before)
                process.kill()
                process.wait(20)
                self.assertEqual([flags_of(ends.sidecar) for ends in all_ends], before)
                for ends in all_ends:
                    os.close(ends.sidecar)
                    os.close(ends.host)

    def test_a_socket_for_both_ways_and_for_stderr_too(self) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            process = subprocess.Popen([BINARY, "serve", "-c", str(self.config)], stdin=theirs,
                                       stdout=theirs, stderr=theirs)
            theirs.close()
            ours.sendall(b'{"jsonrpc":"2.0","id":9,"result":1}\n' * 50 + pings(3))  # 50 warnings
            ours.shutdown(socket.SHUT_WR)
            heard = b""
            while piece := ours.recv(4096):
                heard += piece
            self.assertEqual(process.wait(20), 0)
        self.assertEqual(heard.splitlines(),
                         [b'{"jsonrpc":"2.0","id":%d,"result":{}}' % n for n in range(3)])

    def test_a_pipe_of_another_user_is_served_without_its_flags_being_touched(self) -> None:
        if os.geteuid() != 0:
            self.skipTest("only root has pipes that others may not open")
        source = open_pair("pipe", towards_sidecar=True)
        sink = open_pair("pipe", towards_sidecar=False)
        os.fchmod(source.sidecar, 0)
        os.fchmod(sink.sidecar, 0)
        nobody = 65534
        os.chmod(self.folder, 0o700)
        for path in (self.folder, self.config):
            os.chown(path, nobody, nobody)
        process = subprocess.Popen([BINARY, "serve", "-c", str(self.config)],
                                   stdin=source.sidecar, stdout=sink.sidecar,
                                   stderr=subprocess.DEVNULL, user=nobody, group=nobody,
                                   extra_groups=[])
        feeding = threading.Thread(target=lambda: (os.write(source.host, pings(COUNT)),
                                                   os.close(source.host)))
        feeding.start()
        before = flags_of(sink.sidecar)
        os.close(source.sidecar)
        answers = b""
        while answers.count(b"\n") < COUNT:
            answers += os.read(sink.host, 1 << 16)
        self.assertEqual(flags_of(sink.sidecar), before)
        feeding.join()
        self.assertEqual(process.wait(20), 0)
        os.close(sink.sidecar)
        os.close(sink.host)


class Closed(StoreTest):
    def serve_closed(self, numbers: list[int], lines: bytes) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(command_with_closed(numbers, self.config), input=lines,
                              capture_output=True, timeout=20)

    def test_stderr_may_be_closed(self) -> None:
        done = self.serve_closed([2], pings(2) + b"not json\n")
        self.assertEqual((done.returncode, len(done.stdout.splitlines())), (0, 3))

    def test_without_stdout_it_says_so_before_anything_is_read(self) -> None:
        done = self.serve_closed([1], pings(1))
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"stdout is not open for writing", done.stderr)
        self.assertFalse((self.folder / "store.db").exists())

    def test_no_file_of_ours_takes_the_place_of_a_closed_one(self) -> None:
        process = subprocess.Popen(command_with_closed([0, 2], self.config),
                                   stdout=subprocess.PIPE)
        process.wait(20)
        assert process.stdout is not None
        self.assertEqual(process.stdout.read(), b"")
        process.stdout.close()
        held = subprocess.Popen(command_with_closed([2], self.config), stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE)
        assert held.stdin is not None and held.stdout is not None
        held.stdin.write(pings(1))
        held.stdin.flush()
        held.stdout.readline()
        self.assertEqual([os.readlink(f"/proc/{held.pid}/fd/{n}") for n in range(3)],
                         ["/dev/null"] * 3)
        held.communicate()

    def test_a_listing_that_goes_nowhere_does_not_look_printed(self) -> None:
        self.sidecar().finish()
        done = subprocess.run(["sh", "-c", f'"{BINARY}" budget -c "{self.config}" >&-'],
                              capture_output=True, timeout=20)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"cannot write the output", done.stderr)

    def test_a_folder_as_stdin_is_told_apart_from_an_end(self) -> None:
        with open("/dev/null", "wb") as nowhere:
            folder = os.open("/", os.O_RDONLY)
            done = subprocess.run([BINARY, "serve", "-c", str(self.config)], stdin=folder,
                                  stdout=nowhere, stderr=subprocess.PIPE, timeout=20)
            os.close(folder)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"cannot read stdin: Is a directory", done.stderr)


class Signals(StoreTest):
    def started(self, wish: str) -> Sidecar:
        """A sidecar whose starter had these signals ignored or blocked."""
        gate = Sidecar.__new__(Sidecar)
        gate.process = subprocess.Popen(
            ["python3", "-c", f"import os, signal, sys; {wish}; os.execv(sys.argv[1], sys.argv[1:])",
             BINARY, "serve", "-c", str(self.config)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        gate._rest, gate._ids, gate.notices, gate.line = b"", 0, [], b""
        self.addCleanup(gate.kill_if_alive)
        gate.request("ping")
        return gate

    def test_a_signal_that_the_starter_blocked_ends_it_all_the_same(self) -> None:
        gate = self.started("signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])")
        gate.process.send_signal(signal.SIGTERM)
        self.assertEqual(gate.process.wait(FAREWELL), 0)
        gate.finish()

    def test_a_hangup_ends_it_unless_it_was_started_to_outlive_that(self) -> None:
        gate = self.started("pass")
        gate.process.send_signal(signal.SIGHUP)
        self.assertEqual(gate.process.wait(FAREWELL), 0)
        gate.finish()
        stays = self.started("signal.signal(signal.SIGHUP, signal.SIG_IGN)")
        stays.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        self.assertEqual(stays.request("ping")["result"], {})
        stays.finish()


class Large(StoreTest):
    SIZE = 100 << 20

    def feed(self, gate: Sidecar, piece: bytes) -> "threading.Thread":
        def send() -> None:
            for _ in range(self.SIZE // len(piece)):
                gate.send_bytes(piece)
            gate.send_bytes(b"\n")

        feeding = threading.Thread(target=send)
        feeding.start()
        return feeding

    def check_memory(self, gate: Sidecar, most_mib: int) -> None:
        if not SANITIZED:  # whose own memory is another matter
            self.assertLess(memory_peak_mib(gate.process.pid), most_mib)

    def test_one_line_of_a_hundred_megabytes_is_refused_once_and_never_kept(self) -> None:
        gate = self.sidecar()
        feeding = self.feed(gate, b"x" * (1 << 20))
        answer = gate.receive()
        assert answer is not None
        feeding.join()
        self.assertEqual(answer["error"]["code"], -32700)
        self.assertEqual(gate.request("ping")["result"], {})
        self.check_memory(gate, 48)

    def test_a_hundred_megabytes_of_rubbish_are_refused_line_by_line(self) -> None:
        gate = self.sidecar()
        rubbish = (b"\0" * 1000 + b"\r\n" + b"\xff\xfe" * 500 + b"\n" + b"\r\n" * 500
                   + b"[" * 65_000 + b"\n")
        count = 0
        feeding = self.feed(gate, rubbish)
        for _ in range(3 * (self.SIZE // len(rubbish))):
            answer = gate.receive()
            assert answer is not None
            count += answer["error"]["code"] == -32700
        feeding.join()
        self.assertEqual(count, 3 * (self.SIZE // len(rubbish)))
        self.check_memory(gate, 48)

    def test_short_lines_with_long_answers_do_not_fill_the_memory(self) -> None:
        with self.config.open("a", encoding="utf-8") as config:
            for n in range(500):
                config.write(f'[[budgets]]\nscope = "global"\nunit = "unit{n}"\n'
                             'window = "total"\ncap = "1"\n')
        gate = self.sidecar()
        asking = threading.Thread(target=gate.send_bytes, args=(b"".join(
            b'{"jsonrpc":"2.0","id":%d,"method":"budgets/get"}\n' % n for n in range(3000)),))
        asking.start()  # three thousand answers are 250 MB
        time.sleep(2)
        self.check_memory(gate, 120)
        for n in range(3000):
            answer = gate.receive()
            assert answer is not None
            self.assertEqual(answer["id"], n)
        asking.join()
        self.check_memory(gate, 120)


if __name__ == "__main__":
    unittest.main()
