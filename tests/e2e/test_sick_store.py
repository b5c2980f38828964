"""A store that cannot be written, queued for, read or believed: calls are refused and say why, nothing is
lost, and all goes on when the world does."""

from __future__ import annotations

import fcntl
import os
import resource
import sqlite3
import subprocess
import time
import unittest
from contextlib import closing
from pathlib import Path
from typing import Any

from support import BINARY, Sidecar, StoreTest

HELLO = (b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":1,'
         b'"client":{"name":"e2e","version":"1"}}}\n')
PROPOSE = (b'{"jsonrpc":"2.0","id":2,"method":"actions/propose",'
           b'"params":{"tool":"pay","args":{}}}\n')


class SickStore(StoreTest):
    def setUp(self) -> None:
        super().setUp()
        self.store = self.folder / "store.db"

    def denied(self, gate: Sidecar, **args: Any) -> dict[str, Any]:
        result: dict[str, Any] = gate.propose("pay", **args)["result"]
        self.assertEqual(result["status"], "denied")
        return result

    def counters(self) -> tuple[str, str]:
        row = self.usd()
        return row["reserved"], row["spent"]

    def assert_sound(self, reserved: str, spent: str) -> None:
        self.assertEqual(self.counters(), (reserved, spent))
        self.assertIn("every budget window holds what open calls reserve and what postings spent",
                      " ".join(self.tallygate("doctor").stdout.split()))
        self.assert_chain_whole()

    def test_a_full_disk_refuses_in_that_process_and_the_next_one_goes_on(self) -> None:
        gate = self.sidecar(stderr=subprocess.PIPE)
        self.assertEqual(gate.govern("pay", n=1)["status"], "completed")
        running = gate.propose("pay", n=2)
        log = Path(f"{self.store}-wal").stat().st_size
        # Room on the disk for a part of what a turn writes; the kernel tells who writes more.
        resource.prlimit(gate.process.pid, resource.RLIMIT_FSIZE, (log + 5000, resource.RLIM_INFINITY))
        denied = self.denied(gate, n=3)
        self.assertEqual(denied["code"], "store_failed")
        resource.prlimit(gate.process.pid, resource.RLIMIT_FSIZE,
                         (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self.assertEqual(self.denied(gate, n=4)["code"], "store_failed")  # there is room, too late
        gate.send({"id": running["id"], "result": {"output": "sent"}})
        ended = gate.receive()
        assert ended is not None
        self.assertEqual((ended["result"]["status"], ended["result"]["code"], ended["result"]["output"]),
                         ("in_doubt", "store_failed", "sent"))
        gate.finish()
        assert gate.process.stderr is not None
        told = gate.process.stderr.read().decode()
        gate.process.stderr.close()
        self.assertIn("store", told)
        heir = self.sidecar()
        self.assertEqual(heir.govern("pay", n=5)["status"], "completed")
        self.assert_sound("0.01", "0.02")
        code, seen = self.reconcile(running["params"]["actionId"], "completed")
        self.assertEqual(code, 0, seen)
        self.assert_sound("0", "0.03")

    def test_a_queue_that_somebody_keeps_refuses_as_busy_and_the_same_process_goes_on(self) -> None:
        gate = self.sidecar()
        running = gate.propose("pay", n=1)
        with open(f"{self.store}.lock", "rb") as queue:
            fcntl.flock(queue, fcntl.LOCK_EX)
            denied = self.denied(gate, n=2)
            self.assertEqual(denied["code"], "store_busy")
            gate.send({"id": running["id"], "result": {"output": 1}})
            time.sleep(0.2)
        ended = gate.receive()
        assert ended is not None  # recorded once the queue moved
        self.assertEqual(ended["result"]["status"], "completed")
        self.assertEqual(gate.govern("pay", n=3)["status"], "completed")
        self.assert_sound("0", "0.02")

    def test_a_writer_of_another_program_refuses_as_busy_and_the_same_process_goes_on(self) -> None:
        gate = self.sidecar()
        with closing(sqlite3.connect(self.store, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            denied = self.denied(gate, n=1)
            self.assertEqual(denied["code"], "store_busy")
            self.assertTrue(denied["reason"])
            other.execute("ROLLBACK")
        self.assertEqual(gate.govern("pay", n=2)["status"], "completed")
        self.assert_sound("0", "0.01")

    def on_a_disk_that_can_only_be_read(self) -> subprocess.CompletedProcess[bytes]:
        """A session there, which other processes do not notice."""
        return subprocess.run(
            ["unshare", "-m", "sh", "-c", 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && '
             'exec "$1" serve -c "$0/policy.toml"', self.folder, BINARY], input=HELLO + PROPOSE,
            timeout=60, capture_output=True)

    @unittest.skipUnless(os.geteuid() == 0 and subprocess.run(
        ["unshare", "-m", "mount", "--bind", "/proc", "/proc"], capture_output=True).returncode == 0,
        "only root can have a disk of his own")
    def test_a_disk_that_can_only_be_read_is_refused_with_its_place_and_used_when_it_is_well(self) -> None:
        self.sidecar().govern("pay", n=1)
        done = self.on_a_disk_that_can_only_be_read()
        self.assertNotIn(b'"granted"', done.stdout)
        told = (done.stderr + done.stdout).decode()
        self.assertIn(str(self.folder), told)
        self.assertIn("Read-only file system", told)
        self.assertEqual(self.sidecar().govern("pay", n=2)["status"], "completed")
        self.assert_sound("0", "0.02")

    def test_a_damaged_page_is_refused_nothing_runs_and_a_copy_brings_all_back(self) -> None:
        for number in range(3):
            self.sidecar().govern("pay", n=number)
        copy = self.folder / "copy.db"
        with closing(sqlite3.connect(self.store)) as whole, closing(sqlite3.connect(copy)) as target:
            whole.backup(target)
            pages = dict(target.execute("SELECT name, rootpage FROM sqlite_schema"))
        for name in ("scopes", "budgets", "windows", "actions", "audit", "owners", "units"):
            with self.subTest(name):
                damaged = bytearray(copy.read_bytes())
                damaged[(pages[name] - 1) * 4096:pages[name] * 4096] = b"\xa5" * 4096
                self.put(bytes(damaged))
                done = subprocess.run([BINARY, "serve", "-c", self.config], input=HELLO + PROPOSE,
                                      timeout=60, capture_output=True)
                self.assertGreaterEqual(done.returncode, 0, done.stderr)
                self.assertNotIn(b'"granted"', done.stdout)
                self.assertIn("malformed", (done.stderr + done.stdout).decode())
                found = self.tallygate("doctor")
                self.assertEqual(found.returncode, 1)
                self.assertIn("damaged", " ".join(found.stdout.split()))
        self.put(copy.read_bytes())
        self.assertEqual(self.sidecar().govern("pay", n="again")["status"], "completed")
        self.assert_sound("0", "0.04")

    def put(self, content: bytes) -> None:
        for end in ("-wal", "-shm"):
            Path(f"{self.store}{end}").unlink(missing_ok=True)
        self.store.write_bytes(content)


if __name__ == "__main__":
    unittest.main()
