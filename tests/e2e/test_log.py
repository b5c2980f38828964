"""The log: nobody waits for it, nothing of it reaches the protocol, and what is lost is counted."""

from __future__ import annotations

import json
import os
import re
import resource
import socket
import subprocess
import time
import unittest
from typing import Any

from streams import pings
from support import BINARY, Sidecar, StoreTest

NOISY = os.environ.get("TALLYGATE_NOISY")  # a library that prints; not with a sanitizer
STRAY = b'{"jsonrpc":"2.0","id":1,"result":1}\n'  # an answer to nothing: one line of the log
DROPPED = re.compile(r"-- (\d+) lines? of the log (?:was|were) dropped")


class LogTest(StoreTest):
    def serve(self, *options: str, **streams: Any) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen([BINARY, "serve", "-c", str(self.config), *options],
                                   **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE,
                                      "stderr": subprocess.PIPE, **streams})
        self.addCleanup(lambda: process.poll() is None and (process.kill(), process.wait(20)))
        return process

    def ping(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(pings(1))
        process.stdin.flush()
        self.assertEqual(process.stdout.readline(), b'{"jsonrpc":"2.0","id":0,"result":{}}\n')

    def flood(self, process: "subprocess.Popen[bytes]", count: int) -> None:
        assert process.stdin is not None
        process.stdin.write(STRAY * count)
        self.ping(process)

    def told_and_lost(self, text: str) -> tuple[int, int]:
        """How many lines about stray answers there are, and how many are said to be missing."""
        return (text.count("answered a request that was not open"),
                sum(int(found) for found in DROPPED.findall(text)))


class Flood(LogTest):
    def check_stderr(self, ours: int, theirs: int) -> None:
        """Nobody reads it for a while, then somebody does."""
        process = self.serve(stderr=theirs)
        os.close(theirs)
        self.flood(process, 5000)
        os.set_blocking(ours, False)
        heard = b""
        for _ in range(100):  # it says what is missing as soon as there is room
            try:
                heard += os.read(ours, 1 << 20)
            except BlockingIOError:
                time.sleep(0.05)
            if DROPPED.search(heard.decode()):
                break
        told, lost = self.told_and_lost(heard.decode())
        self.assertEqual(told + lost, 5000)
        self.assertGreater(lost, 0)
        for line in heard.splitlines():
            self.assertRegex(line, rb"^(\d{4}-\d\d-\d\dT.* warning: .*id 1|-- \d+ lines of the log "
                                   rb"were dropped: there was no room for more)$")
        process.communicate()
        os.close(ours)

    def test_a_pipe_that_nobody_reads(self) -> None:
        self.check_stderr(*os.pipe())

    def test_a_socket_that_nobody_reads(self) -> None:
        ours, theirs = socket.socketpair()
        self.check_stderr(ours.detach(), theirs.detach())

    def test_a_full_device(self) -> None:
        with open("/dev/full", "wb") as full:
            process = self.serve(stderr=full)
        self.flood(process, 5000)
        process.communicate()
        self.assertEqual(process.returncode, 0)

    def test_many_complaints_to_a_pipe_that_nobody_reads(self) -> None:
        self.config.write_text("".join(f"key{n} = 1\n" for n in range(3000)))
        process = self.serve(stdin=subprocess.DEVNULL)
        self.assertEqual(process.wait(20), 2)
        process.communicate()

    def test_neither_stdout_nor_stderr_is_read_and_another_sidecar_is_served(self) -> None:
        process = self.serve()
        assert process.stdin is not None
        process.stdin.write(STRAY * 2000 + pings(20_000))
        process.stdin.flush()
        self.assertEqual(self.sidecar().govern("look")["status"], "completed")
        process.stdin.close()
        started = time.monotonic()
        self.assertEqual(process.wait(20), 0)
        self.assertLess(time.monotonic() - started, 6)
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()

    def test_stderr_that_is_stdout_keeps_out_of_the_protocol(self) -> None:
        process = self.serve("--log-level", "debug", stderr=subprocess.STDOUT)
        self.flood(process, 10)
        out, _ = process.communicate()
        self.assertEqual(out, b"")


@unittest.skipUnless(NOISY, "a library cannot be preloaded before a sanitizer")
class Noise(LogTest):
    def test_a_library_that_prints_does_not_reach_the_protocol(self) -> None:
        process = self.serve(env={**os.environ, "LD_PRELOAD": str(NOISY)})
        for _ in range(50):
            self.ping(process)
            time.sleep(0.002)
        out, errors = process.communicate()
        self.assertEqual((out, process.returncode), (b"", 0))
        for what in (b"before main", b"while it runs", b"at the end"):
            self.assertIn(b"noise " + what, errors)

    def test_nor_does_it_stop_the_sidecar_where_nobody_reads_stderr(self) -> None:
        read, write = os.pipe()
        process = self.serve(env={**os.environ, "LD_PRELOAD": str(NOISY)}, stderr=write)
        os.close(write)
        for _ in range(40):
            os.set_blocking(read, True)
            self.ping(process)
            time.sleep(0.05)  # two seconds: 160 KB of noise
        out, _ = process.communicate()
        self.assertEqual((out, process.returncode), (b"", 0))
        os.close(read)

    def test_commands_print_where_they_did(self) -> None:
        self.sidecar().finish()
        done = self.tallygate("budget", "--json", env={**os.environ, "LD_PRELOAD": str(NOISY)})
        self.assertIn('{"budgets":[', done.stdout)


class File(LogTest):
    def setUp(self) -> None:
        super().setUp()
        self.log = self.folder / "serve.log"

    def text(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def test_it_is_made_for_its_owner_alone_and_appended_to(self) -> None:
        before = os.umask(0)
        self.addCleanup(os.umask, before)
        for _ in range(2):
            process = self.serve("--log-file", str(self.log))
            self.flood(process, 3)
            _, errors = process.communicate()
            self.assertEqual(errors, b"")
        self.assertEqual(self.log.stat().st_mode & 0o7777, 0o600)
        self.assertEqual(self.told_and_lost(self.text()), (6, 0))

    def test_what_is_no_file_of_ours_alone_is_refused(self) -> None:
        target, link, pipe = (self.folder / name for name in ("target", "link", "pipe"))
        target.touch(0o600)
        link.symlink_to(target)
        os.mkfifo(pipe)
        loose = self.folder / "loose"
        loose.touch()
        loose.chmod(0o620)
        os.link(target, self.folder / "second")
        for path, why in ((link, "symbolic link"), (pipe, ""), (loose, "others can write it"),
                          (target, "another name"), (self.folder, ""),
                          (self.folder / "no" / "log", "No such file")):
            with self.subTest(path.name):
                done = self.tallygate("serve", "--log-file", str(path))
                self.assertEqual(done.returncode, 2)
                self.assertIn(f"--log-file {path}: ", done.stderr)
                self.assertIn(why, done.stderr)
        self.assertFalse((self.folder / "store.db").exists())
        self.assertEqual(target.read_text(), "")

    def test_a_full_disk_costs_lines_of_the_log_and_nothing_else(self) -> None:
        limit = 4 << 20  # a disk that is full for files of this size; the store stays below
        self.log.touch(0o600)
        os.truncate(self.log, limit - 250)  # room for two lines and a half
        process = self.serve("--log-file", str(self.log), preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (limit, limit)))
        self.flood(process, 1000)
        self.assertEqual(self.log.stat().st_size, limit)
        before = self.log.read_bytes()[-250:].decode()
        os.truncate(self.log, 0)  # somebody makes room
        self.flood(process, 1)
        process.communicate()
        self.assertEqual(process.returncode, 0)
        told, lost = self.told_and_lost(before + self.text())
        self.assertEqual(told + lost, 1001)
        self.assertGreater(lost, 900)


class Levels(LogTest):
    def test_the_most_talkative_level_tells_the_kind_of_each_line_and_why_it_ends(self) -> None:
        process = self.serve("--log-level", "debug")
        _, errors = process.communicate(pings(1) + b"x\n")
        text = errors.decode()
        self.assertIn("debug: line 1: request ping, 40 bytes", text)
        self.assertIn("debug: line 2: not a message, 1 bytes", text)
        self.assertIn(f"info: the session ends: the input ended", text)

    def test_what_hosts_write_stays_on_its_line_and_is_made_visible(self) -> None:
        hostile = "a\nb\x1b[31m\u202e\U000E0041\u009b"
        process = self.serve("--log-level", "debug")
        line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": hostile}, ensure_ascii=False)
        _, errors = process.communicate(line.encode() + b"\n")
        self.assertIn(r"request a\nb\u{1b}[31m\u{202e}\u{e0041}\u{9b}, ", errors.decode())

    def test_a_line_that_is_long_is_cut_and_not_dropped(self) -> None:
        long = "p" * 200
        folder = self.folder
        for _ in range(19):
            folder = folder / long
        process = self.serve("--log-file", str(folder / "log"))
        _, errors = process.communicate()
        self.assertEqual(process.returncode, 2)
        self.assertIn(b"No such file", errors)


if __name__ == "__main__":
    unittest.main()
