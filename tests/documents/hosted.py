"""hosted.py BINARY ARGUMENT…: the program, with a host at the other end where it is `serve`.

The host is one that works as any: it says hello, registers what it has, and lets two calls run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import IO, Any


def send(to: IO[bytes], **message: Any) -> None:
    to.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
    to.flush()


def converse(sent: IO[bytes], said: IO[bytes]) -> list[dict[str, Any]]:
    """What the calls came to."""
    send(sent, id=0, method="initialize", params={
        "protocolVersion": 1, "client": {"name": "reader", "version": "1"},
        "session": {"run": "shown"}, "capabilities": {"execute": True}})
    send(sent, id=1, method="tools/register", params={"tools": [{"name": "search"}]})
    for number in (2, 3):
        send(sent, id=number, method="actions/govern", params={"tool": "search", "args": {}})
    ended: list[dict[str, Any]] = []
    while len(ended) < 2:
        message = json.loads(said.readline())
        if message.get("method") == "tools/execute":
            send(sent, id=message["id"], result={"output": "found"})
        elif message.get("id") in (2, 3):
            ended.append(message["result"])
    return ended


def main() -> int:
    command = sys.argv[1:]
    if len(command) < 2 or command[1] != "serve":
        os.execv(command[0], command)
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None and process.stdout is not None
    print(*(ended["status"] for ended in converse(process.stdin, process.stdout)))
    process.stdin.close()
    return process.wait()


if __name__ == "__main__":
    raise SystemExit(main())
