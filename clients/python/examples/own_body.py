"""A host that runs bodies by itself: it asks first, runs what was granted, and says how it ended.

Usage: own_body.py [POLICY], from the root of the checkout; policies/spend-cap.toml by default. For
hooks, schedulers and everything whose bodies cannot be called back.
"""

from __future__ import annotations

import subprocess
import sys

import tallygate


def read_file(gate: tallygate.Gate, path: str) -> None:
    """Counts the lines of a file with a command of our own, once it is admitted."""
    with gate.propose("read_file", {"path": path}) as grant:
        # grant.args is what was judged, and what people would have been shown.
        command = ["wc", "-l", "--", grant.args["path"]]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode == 0:
            grant.output = int(done.stdout.split()[0])
        else:
            grant.fail(done.stderr)
    print(f"{path}: {grant.result.status}, {grant.result.output or grant.result.reason}")


def main(policy: str) -> None:
    with tallygate.start(policy) as gate:
        read_file(gate, "LICENSE")
        read_file(gate, "no-such-file")
        try:
            with gate.propose("delete_file", {"path": "LICENSE"}):
                raise AssertionError("this must never run")
        except tallygate.Denied as refusal:
            print(f"delete_file: {refusal.result.code}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "policies/spend-cap.toml")
