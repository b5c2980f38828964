"""What `doctor` says of a store in each state it may be found in, and that it leaves it so."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import time
import unittest
from contextlib import closing
from pathlib import Path
from typing import Any

from support import BINARY, StoreTest

NO_CONFIG = {"TALLYGATE_CONFIG", "XDG_CONFIG_HOME", "XDG_STATE_HOME"}

HOLDING = """
[tools.send]
level = 4
cost = {usd = "0.02"}
[[rules]]
id = "sending"
match = {tool = "send"}
effect = "allow"
[approvals]
allow_unsigned = true
"""


class DoctorTest(StoreTest):
    def doctor(self, *arguments: str, code: int = 0) -> dict[str, list[dict[str, Any]]]:
        """The findings by section."""
        done = self.tallygate("doctor", "--json", *arguments)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual(report["exitCode"], code)
        return {section["name"]: section["findings"] for section in report["sections"]}

    def problems(self, section: str, *arguments: str, code: int) -> list[dict[str, Any]]:
        """The problems of this section, which must be all there are; each with its remedy."""
        sections = self.doctor(*arguments, code=code)
        found = {name: [finding for finding in findings if finding["status"] == "problem"]
                 for name, findings in sections.items()}
        self.assertEqual([name for name in found if found[name]], [section])
        for finding in found[section]:
            self.assertTrue(finding["remedies"], finding)
        return found[section]

    def change(self, *statements: str) -> None:
        """Changes the store behind the program's back."""
        with closing(sqlite3.connect(self.folder / "store.db")) as store:
            for trigger in ("audit_is_kept", "audit_is_final"):
                store.execute(f"DROP TRIGGER IF EXISTS {trigger}")
            for statement in statements:
                store.execute(statement)
            store.commit()

    def run_remedy(self, command: str) -> None:
        """As a person pastes it, with the program found where it is."""
        done = subprocess.run(["sh", "-c", f'tallygate() {{ "{BINARY}" "$@"; }}; {command}'],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)


class Healthy(DoctorTest):
    def test_a_store_in_use_has_nothing_wrong(self) -> None:
        first, second = self.sidecar(), self.sidecar(agent="other")
        first.govern("pay", n=1)
        asked = second.propose("pay", n=2)
        done = self.tallygate("doctor")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertTrue(done.stdout.endswith("\nnothing is wrong\n"))
        self.assertNotIn("\x1b", done.stdout)
        sections = self.doctor("--full")
        lives = [finding["data"] for finding in sections["sidecars"]]
        self.assertEqual([(life["alive"], life["pid"], life["granted"]) for life in lives],
                         [(True, first.process.pid, 0), (True, second.process.pid, 1)])
        (running,) = sections["calls"]
        self.assertEqual((running["data"]["tool"], running["data"]["status"]), ("pay", "granted"))
        self.assertEqual(sections["money"][0]["data"]["reserved"]["usd"], "0.01")
        head = next(finding["data"]["head"] for finding in sections["store"] if "data" in finding)
        self.assertEqual(self.tallygate("audit", "verify", "--head", head).returncode, 0)
        # Nobody was taken for dead meanwhile.
        second.send({"id": asked["id"], "result": {"output": 1}})
        answer = second.receive()
        assert answer is not None
        self.assertEqual(answer["result"]["status"], "completed")

    def everything(self) -> dict[str, bytes]:
        """Every file, but for the index of the log: readers note in it how far they read."""
        return {path.name: b"" if path.name.endswith("-shm") else path.read_bytes()
                for path in self.folder.iterdir()}

    def test_looking_changes_nothing(self) -> None:
        gate = self.sidecar()
        gate.propose("pay", n=1)
        gate.kill()  # leaves a log and a granted call
        for code in (7, 0):
            before = self.everything()
            self.doctor(code=code)
            self.doctor("--full", code=code)
            self.assertEqual(self.everything(), before)
            self.sidecar().finish()  # leaves no log
            self.change("UPDATE actions SET state = 8", "UPDATE windows SET reserved = 0")

    def test_no_store_is_no_problem(self) -> None:
        sections = self.doctor()
        self.assertIn("there is no store", sections["store"][1]["text"])
        self.assertEqual([path.name for path in self.folder.iterdir()], ["policy.toml"])

    def test_the_level_of_trust_is_said_plainly(self) -> None:
        text = self.doctor()["trust"][0]["text"]
        self.assertTrue(text.startswith("cooperative"))
        self.assertIn("not against a hostile program", text)


class Configuration(DoctorTest):
    def bare(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """The command without -c, in a home of its own."""
        clean = {name: value for name, value in os.environ.items() if name not in NO_CONFIG}
        return subprocess.run([BINARY, "doctor", *arguments], text=True, capture_output=True,
                              env={**clean, "HOME": str(self.folder), **env})

    def test_without_a_configuration_it_says_where_it_looked(self) -> None:
        done = self.bare()
        self.assertEqual(done.returncode, 2, done.stdout)
        words = " ".join(done.stdout.split())
        self.assertIn(f"{self.folder}/.config/tallygate/config.toml (not there)", words)
        self.assertIn("problem there is no configuration", words)
        done = self.bare(TALLYGATE_CONFIG=str(self.config))
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("named by $TALLYGATE_CONFIG", " ".join(done.stdout.split()))

    def test_every_complaint_about_a_configuration_is_a_problem(self) -> None:
        self.config.write_text(self.config.read_text() + "\n[tools.x]\nlevle = 3\ncost = 1.5\n")
        found = self.problems("configuration", code=2)
        self.assertEqual(len(found), 2)
        self.assertIn('did you mean "level"', found[0]["text"])
        self.config.unlink()
        (missing,) = self.problems("configuration", code=2)
        self.assertIn("cannot be read", missing["text"])

    def test_a_configuration_that_others_may_write_is_a_problem_and_the_remedy_works(self) -> None:
        self.config.chmod(0o666)
        (found,) = self.problems("configuration", code=2)
        self.run_remedy(found["remedies"][0])
        self.assertEqual(self.config.stat().st_mode & 0o777, 0o664)
        notes = [finding for finding in self.doctor()["configuration"]
                 if finding["status"] == "note"]
        self.assertIn("by its group", notes[0]["text"])

    @unittest.skipUnless(os.geteuid() == 0, "only root can give a file away")
    def test_a_configuration_of_another_user_is_a_problem(self) -> None:
        os.chown(self.config, 12345, 12345)
        (found,) = self.problems("configuration", code=2)
        self.assertIn("belongs to uid 12345", found["text"])


class Place(DoctorTest):
    def setUp(self) -> None:
        super().setUp()
        gate = self.sidecar()
        gate.govern("pay", n=1)
        gate.finish()
        self.store = self.folder / "store.db"

    def test_all_that_is_wrong_with_the_files_is_told_and_the_remedies_work(self) -> None:
        self.store.chmod(0o666)
        Path(f"{self.store}.lock").chmod(0o620)
        found = self.problems("store", code=1)
        self.assertEqual(len(found), 2)
        self.assertEqual(self.tallygate("budget").returncode, 1)
        for finding in found:
            self.assertIn("others may write", finding["text"])
            self.run_remedy(finding["remedies"][0])
        notes = [finding for finding in self.doctor()["store"] if finding["status"] == "note"]
        self.assertEqual(len(notes), 1)  # still readable by all
        self.run_remedy(notes[0]["remedies"][0])
        self.assertEqual(self.store.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.tallygate("budget").returncode, 0)

    def test_a_store_behind_a_link_is_a_problem(self) -> None:
        moved = self.folder / "moved.db"
        self.store.rename(moved)
        self.store.symlink_to(moved)
        (found,) = self.problems("store", code=1)
        self.assertIn("links are not followed", found["text"])

    @unittest.skipUnless(os.geteuid() == 0, "only root can give a file away")
    def test_a_store_of_another_user_is_a_problem(self) -> None:
        os.chown(self.store, 12345, 12345)
        found = self.problems("store", code=1)
        self.assertIn("belongs to uid 12345", found[0]["text"])

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    def test_a_folder_that_cannot_be_entered_is_not_taken_for_an_empty_one(self) -> None:
        place = self.folder.parent / f"{self.folder.name}-shared"
        place.mkdir()
        self.addCleanup(shutil.rmtree, place)
        place.chmod(0o755)
        config = place / "policy.toml"
        config.write_text(self.config.read_text().replace("store.db", str(self.store)))
        program = shutil.copy(BINARY, place)
        done = subprocess.run([program, "doctor", "-c", str(config)], capture_output=True, text=True,
                              user=12345, group=12345, extra_groups=[])
        words = " ".join(done.stdout.split())
        self.assertEqual(done.returncode, 1, words)
        self.assertIn("belongs to another user", words)
        self.assertIn("cannot look at: Permission denied", words)
        self.assertNotIn("there is no store", words)

    def test_damage_to_the_file_is_found(self) -> None:
        with self.store.open("r+b") as file:
            file.seek(4 * 4096)
            file.write(b"\xff" * 4096)
        found = self.problems("store", code=1)
        self.assertIn("damaged", found[0]["text"])
        self.run_remedy(found[0]["remedies"][0])
        self.assertTrue((self.folder / "store.db.broken" / "store.db").exists())
        self.doctor()  # as where no store was made yet

    def test_a_file_that_is_no_store_is_a_problem(self) -> None:
        self.store.write_bytes(b"not a database, but long enough to look like one " * 40)
        self.assertIn("not a database", self.problems("store", code=1)[0]["text"])

    def test_a_store_of_a_newer_program_is_not_to_be_thrown_away(self) -> None:
        self.change("PRAGMA user_version = 99")
        (found,) = self.problems("store", code=1)
        self.assertIn("newer tallygate", found["text"])
        self.assertNotIn("mv", " ".join(found["remedies"]))

    def test_a_flipped_byte_in_the_trail_is_found(self) -> None:
        self.change("UPDATE audit SET body = replace(body, 'pay', 'pax') WHERE seq = 2")
        (found,) = self.problems("store", code=1)
        self.assertIn("row 2 does not follow", found["text"])
        self.run_remedy(found["remedies"][0])
        (scope,) = self.doctor(code=1)["scopes"]
        self.assertEqual(scope["data"]["state"], "frozen")

    def test_an_edited_counter_is_found_and_its_window_named(self) -> None:
        for counter, value in (("spent", 0), ("reserved", 30_000_000), ("overrun", 1)):
            with self.subTest(counter):
                pristine = self.folder / "pristine.db"
                shutil.copy(self.store, pristine)
                self.change(f"UPDATE windows SET {counter} = {value} WHERE budget = "
                            "(SELECT id FROM budgets WHERE unit = 'usd')")
                (found,) = self.problems("money", code=1)
                self.assertIn("window global usd in total", found["text"])
                self.assertIn("come to 0 reserved, 0.01 spent, 0 overrun", found["text"])
                for end in ("-wal", "-shm"):
                    Path(f"{self.store}{end}").unlink(missing_ok=True)
                shutil.copy(pristine, self.store)
        self.doctor()

    def test_a_queue_that_somebody_keeps_is_a_problem_that_names_him(self) -> None:
        with Path(f"{self.store}.lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            sections = self.doctor(code=1)
        held = [finding["text"] for finding in sections["locks"] if finding["status"] == "note"]
        problem = next(f for f in sections["locks"] if f["status"] == "problem")
        if held:  # some file systems do not let the kernel's list be matched
            self.assertIn(f"pid {os.getpid()} (", held[0])
            self.assertTrue(problem["remedies"][0].startswith(f"kill {os.getpid()} "))
        self.doctor()


class Calls(DoctorTest):
    def leave_granted(self) -> str:
        victim = self.sidecar()
        action: str = victim.propose("pay", n=1)["params"]["actionId"]
        victim.kill()
        return action

    def test_what_a_killed_sidecar_left_is_followed_to_its_end_by_remedies_alone(self) -> None:
        action = self.leave_granted()
        (dead,) = self.problems("sidecars", code=7)
        self.assertIn("no sidecar runs", dead["text"])
        self.run_remedy(dead["remedies"][0])
        (doubt,) = self.problems("calls", code=7)
        self.assertEqual(doubt["data"]["actionId"], action)
        self.assertEqual(doubt["data"]["reserved"]["usd"], "0.01")
        self.assertEqual(doubt["data"]["code"], "host_lost")
        program, *words = doubt["remedies"][1].split()
        self.assertEqual((program, words[:3]), ("tallygate", ["reconcile", action, "not-run"]))
        code, seen = self.at_terminal(*words[:3])
        self.assertEqual(code, 0, seen)
        self.doctor()

    def test_beside_a_living_sidecar_nothing_is_to_be_done_but_wait(self) -> None:
        heir = self.sidecar(agent="other")
        self.leave_granted()
        sections = self.doctor(code=7)
        if any(finding["status"] == "problem" for finding in sections["sidecars"]):
            self.assertIn("within a second", sections["sidecars"][1]["text"])
        until = time.monotonic() + 10
        while sections["calls"][0]["data"]["status"] != "in_doubt":
            self.assertLess(time.monotonic(), until)
            sections = self.doctor(code=7)
        self.assertEqual(heir.finish(), 0)

    def test_a_doubt_that_ends_by_itself_is_no_problem(self) -> None:
        self.config.write_text(self.config.read_text().replace(
            'timeout = "30s"', 'timeout = "30s"\non_unknown = "spent"'))
        self.leave_granted()
        self.sidecar().finish()
        (doubt,) = self.doctor()["calls"]
        self.assertIn("it counts as spent at " + doubt["data"]["deadline"], doubt["text"])

    def test_a_call_that_its_host_runs_itself_is_told_with_its_deadline(self) -> None:
        gate = self.sidecar()
        gate.request("actions/propose", {"tool": "pay", "args": {"n": 1}})
        gate.finish()
        (granted,) = self.doctor()["calls"]
        self.assertIn("run by its host itself", granted["text"])
        self.assertIn(granted["data"]["deadline"], granted["text"])
        self.change("UPDATE actions SET deadline = deadline - 60000")
        (late,) = self.problems("calls", code=7)
        self.run_remedy(late["remedies"][0])
        (doubt,) = self.problems("calls", code=7)
        self.assertEqual(doubt["data"]["status"], "in_doubt")

    def test_a_held_call_is_told_with_both_answers(self) -> None:
        self.config.write_text(self.config.read_text() + HOLDING)
        gate = self.sidecar()
        gate.request("tools/register", {"tools": [{"name": "send"}]})
        held = gate.request("actions/govern", {"tool": "send", "args": {"to": "x\u202ey"}})["result"]
        self.assertEqual(held["status"], "held", held)
        (waiting,) = self.doctor()["calls"]
        request = held["hold"]["requestId"]
        self.assertEqual(waiting["status"], "note")
        self.assertEqual(waiting["remedies"],
                         [f"tallygate approve {request} -c {self.config}",
                          f"tallygate deny {request} -c {self.config}"])
        self.run_remedy(waiting["remedies"][1])
        self.assertEqual(self.doctor()["calls"][0]["text"], "no call is open")

    def test_a_frozen_scope_is_told_with_who_when_and_why(self) -> None:
        self.tallygate("freeze", "agent:coder", "--reason", "it \x1b[31mloops")
        (scope,) = self.doctor()["scopes"]
        self.assertEqual(scope["status"], "note")
        self.assertIn("agent:coder is frozen since 20", scope["text"])
        self.assertEqual(scope["remedies"], [f"tallygate reopen agent:coder -c {self.config}"])
        self.assertIn("it \\u{1b}[31mloops", " ".join(self.tallygate("doctor").stdout.split()))


class Clock(DoctorTest):
    def run_ahead(self, ms: int) -> None:
        """Adds a genuine row that was written when the clock stood `ms` ahead."""
        with closing(sqlite3.connect(self.folder / "store.db")) as store:
            seq, last = store.execute("SELECT seq, hash FROM audit ORDER BY seq DESC").fetchone()
            at = time.time_ns() // 1_000_000 + ms
            frame = f"{seq + 1}\0{at}\0note\x000\0".encode()
            digest = hashlib.sha256(last + frame + b"{}").digest()
            store.execute("INSERT INTO audit VALUES (?, ?, 'note', 0, '{}', ?)",
                          (seq + 1, at, digest))
            store.commit()

    def setUp(self) -> None:
        super().setUp()
        self.gate = self.sidecar()
        self.gate.govern("pay", n=1)
        self.run_ahead(3_600_000)

    def test_a_clock_that_stands_behind_is_accepted_by_a_person_and_calls_go_on(self) -> None:
        denied = self.gate.govern("pay", n=2)
        self.assertEqual((denied["status"], denied["code"]), ("denied", "clock_stepped"))
        (found,) = self.problems("clock", code=1)
        self.assertIn("behind the store's newest row", found["text"])
        self.assertEqual(found["remedies"][1],
                         f"tallygate doctor --accept-clock -c {self.config}")
        code, seen = self.at_terminal("doctor", "--accept-clock")
        self.assertEqual(code, 0, seen)
        self.assertEqual(self.gate.govern("pay", n=3)["status"], "completed")
        self.assertEqual(self.sidecar().govern("pay", n=4)["status"], "completed")
        self.doctor()
        self.assert_chain_whole()
        rows = [json.loads(line)
                for line in self.tallygate("audit", "tail", "--json").stdout.splitlines()]
        (accepted,) = (row for row in rows if row["kind"] == "clock")
        self.assertEqual(accepted["at"], accepted["body"]["to"])
        self.assertLess(accepted["body"]["to"], accepted["body"]["from"])
        self.assertIn("uid", accepted["body"]["by"])
        code, seen = self.at_terminal("doctor", "--accept-clock")
        self.assertEqual(code, 6, seen)  # there is nothing to accept any more

    def test_accepting_wants_a_person(self) -> None:
        self.assertEqual(self.tallygate("doctor", "--accept-clock").returncode, 2)
        self.assertEqual(self.at_terminal("doctor", "--accept-clock", code="0")[0], 2)
        code, seen = self.at_terminal("doctor", "--accept-clock", env={"TALLYGATE_ACTION": "x"})
        self.assertEqual(code, 2, seen)
        self.assertEqual(self.gate.govern("pay", n=2)["code"], "clock_stepped")

    def test_a_few_seconds_are_borne(self) -> None:
        with closing(sqlite3.connect(self.folder / "store.db")) as store:
            store.execute("DROP TRIGGER audit_is_kept")
            store.execute("DELETE FROM audit WHERE kind = 'note'")
            store.commit()
        self.run_ahead(3000)
        (finding,) = self.doctor()["clock"]
        self.assertEqual(finding["status"], "ok")
        self.assertIn("are borne", finding["text"])


class Terminal(DoctorTest):
    def test_colour_is_for_terminals_that_want_it(self) -> None:
        self.assertIn("\x1b[32mok\x1b[0m", self.at_terminal("doctor", env={"TERM": "xterm"})[1])
        for env in ({"TERM": "dumb"}, {"TERM": "xterm", "NO_COLOR": "1"}):
            self.assertNotIn("\x1b", self.at_terminal("doctor", env=env)[1])


if __name__ == "__main__":
    unittest.main()
