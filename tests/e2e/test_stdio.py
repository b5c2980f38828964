"""Pipes as they are: bytes that dribble, hosts that do not read, parents that die."""

import json
import os
import signal
import subprocess
import time
import unittest
from pathlib import Path
from threading import Thread

from support import BINARY, FAREWELL, Sidecar, StoreTest, process_state


def is_running(pid: int) -> bool:
    """Whether the process lives; a zombie that nobody has reaped yet does not."""
    return process_state(pid) not in "XZ"


class Streams(StoreTest):
    def test_one_byte_at_a_time_is_read_like_any_line(self) -> None:
        gate = self.sidecar()
        line = json.dumps({"jsonrpc": "2.0", "id": 7, "method": "ping"}).encode() + b"\r\n"
        for byte in line:
            gate.send_bytes(bytes([byte]))
        self.assertEqual(gate.receive(), {"jsonrpc": "2.0", "id": 7, "result": {}})

    def test_a_host_that_never_reads_stderr_is_served_all_the_same(self) -> None:
        gate = self.sidecar(stderr=subprocess.PIPE)
        for n in range(3000):  # each of these is logged: far more than a pipe holds
            gate.send({"id": n, "result": {"output": 1}})
        self.assertEqual(gate.govern("look")["status"], "completed")
        assert gate.process.stderr is not None
        gate.process.stderr.close()

    def test_a_transcript_can_be_fed_from_a_file(self) -> None:
        transcript = self.folder / "transcript"
        transcript.write_text("".join(
            json.dumps({"jsonrpc": "2.0", "id": n, "method": "ping"}) + "\n" for n in range(3)))
        with transcript.open("rb") as lines:
            done = subprocess.run([BINARY, "serve", "-c", str(self.config)], stdin=lines,
                                  capture_output=True, timeout=20)
        self.assertEqual(done.returncode, 0)
        self.assertEqual([json.loads(line)["id"] for line in done.stdout.splitlines()], [0, 1, 2])

    def test_megabytes_both_ways_at_once_do_not_deadlock(self) -> None:
        gate = self.sidecar()
        text = "x" * 900_000
        asked = gate.propose("look", text=text)
        self.assertEqual(asked["params"]["args"]["text"], text)
        for n in range(20):  # more than any pipe holds, before reading anything
            gate.send({"id": f"p{n}", "method": "ping"})
        gate.send({"id": asked["id"], "result": {"output": text}})
        answers = [gate.receive() for _ in range(21)]
        self.assertEqual(sum(1 for a in answers if a and a["result"] == {}), 20)
        self.assertEqual([a for a in answers if a and a["result"]][0]["result"]["output"], text)

    def test_a_host_that_stops_reading_holds_up_nobody_but_itself(self) -> None:
        gate = self.sidecar()
        count = 300_000  # their answers are more than the sidecar keeps for a host that reads nothing
        pings = b"".join(b'{"jsonrpc":"2.0","id":%d,"method":"ping"}\n' % n for n in range(count))
        feeding = Thread(target=gate.send_bytes, args=(pings,))
        feeding.start()
        time.sleep(0.5)
        self.assertTrue(feeding.is_alive())  # held up, because its answers are not read
        other = self.sidecar(agent="other")
        self.assertEqual(other.govern("look")["status"], "completed")
        for n in range(count):
            answer = gate.receive()
            assert answer is not None
            self.assertEqual(answer["id"], n)  # nothing was lost
        feeding.join()


class Leaving(StoreTest):
    def test_end_of_input_ends_the_sidecar_within_two_seconds(self) -> None:
        gate = self.sidecar()
        started = time.monotonic()
        self.assertEqual(gate.finish(), 0)
        self.assertLess(time.monotonic() - started, 2)

    def test_sigterm_does_the_same_and_settles_what_ran(self) -> None:
        gate = self.sidecar()
        gate.propose("pay", n=1)
        started = time.monotonic()
        gate.process.send_signal(signal.SIGTERM)
        answer = gate.receive()
        assert answer is not None
        self.assertEqual(answer["result"]["code"], "host_lost")
        self.assertEqual(gate.finish(), 0)
        self.assertLess(time.monotonic() - started, 2)

    def test_a_sidecar_leaves_with_its_parent_though_its_input_stays_open(self) -> None:
        read, write = os.pipe()
        parent = os.fork()
        if parent == 0:
            child = subprocess.Popen([BINARY, "serve", "-c", str(self.config)], stdin=read,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            Path(self.folder / "pid").write_text(str(child.pid))
            time.sleep(0.5)
            os._exit(0)
        os.waitpid(parent, 0)
        pid = int((self.folder / "pid").read_text())
        for _ in range(round(FAREWELL / 0.05)):
            if not is_running(pid):
                break
            time.sleep(0.05)
        else:
            self.fail("the sidecar outlived its parent")
        os.close(read)
        os.close(write)

    def test_the_flags_of_a_shared_descriptor_are_given_back(self) -> None:
        import fcntl
        read, write = os.pipe()
        answers, answered = os.pipe()
        before = fcntl.fcntl(answered, fcntl.F_GETFL)
        process = subprocess.Popen([BINARY, "serve", "-c", str(self.config)], stdin=read,
                                   stdout=answered, stderr=subprocess.DEVNULL)
        os.write(write, b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
        self.assertIn(b'"result":{}', os.read(answers, 4096))
        os.close(write)
        process.wait(20)
        self.assertEqual(fcntl.fcntl(answered, fcntl.F_GETFL), before)
        self.assertEqual(fcntl.fcntl(read, fcntl.F_GETFL) & os.O_NONBLOCK, 0)
        for descriptor in (read, answers, answered):
            os.close(descriptor)


class Without(unittest.TestCase):
    def test_without_a_configuration_everything_is_denied(self) -> None:
        import tempfile
        with tempfile.TemporaryDirectory() as home:
            env = {"HOME": home, "XDG_STATE_HOME": home + "/state", "XDG_CONFIG_HOME": home,
                   "TALLYGATE_CONFIG": ""}
            gate = Sidecar(None, env=env)
            self.assertEqual(gate.govern("look")["code"], "unregistered_tool")
            gate.finish()
            self.assertEqual(os.stat(home + "/state/tallygate").st_mode & 0o777, 0o700)
            self.assertEqual(os.stat(home + "/state/tallygate/store.db").st_mode & 0o777, 0o600)


if __name__ == "__main__":
    unittest.main()
