"""The commands as scripts and people use them: exit codes, JSON, complaints."""

import json
import shutil
import sqlite3
import subprocess
import unittest

from support import BINARY, StoreTest


class Commands(StoreTest):
    def test_wrong_words_are_a_usage_error(self) -> None:
        for words in ([], ["serv"], ["budget", "--jsn"], ["reconcile", "x", "maybe"], ["audit"]):
            done = subprocess.run([BINARY, *words], capture_output=True, text=True)
            self.assertEqual(done.returncode, 2, words)
            self.assertTrue(done.stderr, words)

    def test_a_configuration_that_is_missing_or_wrong_is_refused_before_stdin_is_read(self) -> None:
        self.config.write_text(self.config.read_text() + '\n[tools.x]\nlevle = 3\ncost = 1.5\n')
        done = self.tallygate("serve")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn(f"{self.config}:", done.stderr)
        self.assertIn('did you mean "level"', done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 2)  # all at once
        self.config.unlink()
        self.assertEqual(self.tallygate("serve").returncode, 2)

    def test_listings_want_an_existing_store(self) -> None:
        for words in (["budget"], ["approvals"], ["deny", "91b2"], ["audit", "verify"],
                      ["audit", "tail"]):
            done = self.tallygate(*words)
            self.assertEqual(done.returncode, 6, words)
            self.assertIn("there is no store", done.stderr)
        self.assertFalse((self.folder / "store.db").exists())

    def test_budget_prints_what_budgets_get_answers(self) -> None:
        gate = self.sidecar()
        gate.govern("pay", n=1)
        answered = gate.request("budgets/get")["result"]
        self.assertEqual(json.loads(self.tallygate("budget", "--json").stdout), answered)
        self.assertIn("global", self.tallygate("budget").stdout)

    def test_the_tail_of_the_trail_is_json_line_by_line(self) -> None:
        gate = self.sidecar()
        gate.govern("pay", n=1)
        gate.govern("wipe")
        rows = [json.loads(line)
                for line in self.tallygate("audit", "tail", "--json").stdout.splitlines()]
        self.assertEqual([row["kind"] for row in rows], ["session", "granted", "completed", "denied"])
        self.assertEqual(rows[3]["body"]["rule"], "no-wiping")
        self.assertEqual(len(self.tallygate("audit", "tail", "-n", "2").stdout.splitlines()), 3)


class Tampering(StoreTest):
    def setUp(self) -> None:
        super().setUp()
        gate = self.sidecar()
        for n in range(5):
            gate.govern("pay", n=n)
        gate.finish()
        self.head = json.loads(self.tallygate("audit", "verify", "--json").stdout)["head"]

    def tamper(self, *statements: str) -> None:
        store = sqlite3.connect(self.folder / "store.db")
        for trigger in ("audit_is_kept", "audit_is_final"):
            store.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        for statement in statements:
            store.execute(statement)
        store.commit()
        store.close()

    def test_every_change_of_a_row_is_seen(self) -> None:
        pristine = self.folder / "pristine.db"
        shutil.copy(self.folder / "store.db", pristine)
        changes = {
            "edited body": ["UPDATE audit SET body = replace(body, 'usd', 'eur') WHERE seq = 4"],
            "edited time": ["UPDATE audit SET at = at + 1 WHERE seq = 4"],
            "edited kind": ["UPDATE audit SET kind = 'denied' WHERE seq = 2"],
            "edited call": ["UPDATE audit SET action = action + 1 WHERE seq = 2"],
            "edited hash": ["UPDATE audit SET hash = zeroblob(32) WHERE seq = 11"],
            "gap": ["DELETE FROM audit WHERE seq = 5"],
            "first row gone": ["DELETE FROM audit WHERE seq = 1"],
            "two rows swapped": ["UPDATE audit SET seq = -1 WHERE seq = 4",
                                 "UPDATE audit SET seq = 4 WHERE seq = 5",
                                 "UPDATE audit SET seq = 5 WHERE seq = -1"],
            "forged row": ["INSERT INTO audit SELECT 12, at, kind, action, body, hash FROM audit "
                           "WHERE seq = 11"],
        }
        for what, statements in changes.items():
            with self.subTest(what):
                self.tamper(*statements)
                done = self.tallygate("audit", "verify")
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertIn("broken", done.stderr)
                for suffix in ("", "-wal", "-shm"):
                    (self.folder / f"store.db{suffix}").unlink(missing_ok=True)
                shutil.copy(pristine, self.folder / "store.db")

    def test_a_head_kept_elsewhere_shows_a_cut(self) -> None:
        self.tamper("DELETE FROM audit WHERE seq >= 10")
        self.assertEqual(self.tallygate("audit", "verify").returncode, 0)  # a shorter whole chain
        done = self.tallygate("audit", "verify", "--head", self.head)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cut", done.stderr)

    def test_the_store_itself_refuses_slips_of_the_hand(self) -> None:
        store = sqlite3.connect(self.folder / "store.db")
        for statement in ("DELETE FROM audit", "UPDATE audit SET body = '{}'", "DELETE FROM postings",
                          "UPDATE windows SET spent = cap + 1"):
            with self.assertRaises(sqlite3.IntegrityError, msg=statement):
                store.execute(statement)
        store.close()


if __name__ == "__main__":
    unittest.main()
