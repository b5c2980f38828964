"""A sidecar that misbehaves, one way per mode: what the real one cannot show a test.

    python fake_peer.py MODE [serve ...]

It governs nothing. Modes that begin with `start_` go wrong at once, the others open a session
first and go wrong at the first governed call.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

WELCOME = {
    "protocolVersion": 1,
    "server": {"name": "fake", "version": "0"},
    "session": {"id": "s", "agent": "default", "run": "r", "group": None},
    "limits": {},
    "capabilities": {},
    "policy": {"digest": "d", "files": []},
    "auditHead": "0:00",
}
ACTION = {"actionId": "a1", "status": "completed", "cost": {"reserved": {}, "spent": {}}}


def write(text: str) -> None:
    os.write(1, text.encode())


def send(message: dict[str, Any]) -> None:
    write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")


def read() -> dict[str, Any]:
    line = sys.stdin.buffer.readline()
    if not line:
        sys.exit(0)
    message: dict[str, Any] = json.loads(line)
    return message


def execute(number: Any, tool: str = "work", **more: Any) -> None:
    params = {"actionId": "a1", "tool": tool, "args": {}, "attempt": 1, "deadlineMs": 60000, **more}
    send({"id": number, "method": "tools/execute", "params": params})


def report(number: Any, answer: Any) -> None:
    """Ends the call as completed, with what the client answered as its output."""
    send({"id": number, "result": {**ACTION, "output": answer}})


def until_govern() -> Any:
    """Serves what comes before the first governed call. Returns its id."""
    while True:
        message = read()
        number, method = message.get("id"), message.get("method")
        if method == "initialize":
            send({"id": number, "result": WELCOME})
        elif method == "tools/register":
            tools = [{"name": tool["name"], "status": "ok"} for tool in message["params"]["tools"]]
            send({"id": number, "result": {"tools": tools}})
        elif method == "actions/govern":
            return number
        else:
            send({"id": number, "result": {}})


def serve_rest() -> None:
    while True:
        message = read()
        if "method" in message and "id" in message:
            send({"id": message["id"], "result": {}})


# Ways to start


def start_dies() -> None:
    sys.exit(2)


def start_talks() -> None:
    write("Welcome to tallygate!\n")
    time.sleep(60)


def start_hangs() -> None:
    time.sleep(60)


def start_half_a_line() -> None:
    write('{"jsonrpc":"2.0","id":1,"resu')


def start_refuses() -> None:
    number = read()["id"]
    send({"id": number, "error": {"code": -32602, "message": "agent is not known"}})
    time.sleep(60)


def start_wrong_version() -> None:
    send({"id": read()["id"], "result": {**WELCOME, "protocolVersion": 2}})
    time.sleep(60)


# Ways to answer a governed call


def wrong_id() -> None:
    until_govern()
    send({"id": 4711, "result": ACTION})
    serve_rest()


def id_is_true() -> None:
    # To Python True equals 1, and 1.0 does too; on the wire they are other things.
    until_govern()
    send({"id": True, "result": ACTION})
    serve_rest()


def answers_twice() -> None:
    number = until_govern()
    for _ in range(2):
        send({"id": number, "result": {**ACTION, "output": 1}})
    serve_rest()


def nonsense() -> None:
    until_govern()
    write("segmentation fault\n")
    serve_rest()


def endless_line() -> None:
    until_govern()
    while True:
        write("x" * 1_000_000)


def duplicate_key() -> None:
    number = until_govern()
    write('{"jsonrpc":"2.0","id":%d,"result":{"status":"denied","status":"completed"}}\n' % number)
    serve_rest()


def wrong_types() -> None:
    cost = {"reserved": {}, "spent": {"usd": 1}}
    send({"id": until_govern(), "result": {**ACTION, "cost": cost}})
    serve_rest()


def unknown_status() -> None:
    send({"id": until_govern(), "result": {**ACTION, "status": "fine"}})
    serve_rest()


def update_of_nothing() -> None:
    until_govern()
    send({"method": "actions/updated", "params": {"status": "held"}})
    serve_rest()


def progress_of_nothing() -> None:
    until_govern()
    send({"method": "$/progress", "params": {"stage": "held"}})
    serve_rest()


def scope_of_nothing() -> None:
    until_govern()
    send({"method": "scope/changed", "params": {"state": "cut"}})
    serve_rest()


def cannot_read_our_line() -> None:
    until_govern()
    # initialize, tools/register, and this one
    error = {"code": -32700, "message": "not JSON", "data": {"line": 3}}
    send({"id": None, "error": error})
    serve_rest()


def cannot_read_some_line() -> None:
    until_govern()
    send({"id": None, "error": {"code": -32700, "message": "not JSON", "data": {"line": 99}}})
    serve_rest()


def dies() -> None:
    until_govern()
    os.kill(os.getpid(), signal.SIGKILL)


def dies_during_body() -> None:
    until_govern()
    execute("e1")
    read()  # the body's own request tells that it runs
    os.kill(os.getpid(), signal.SIGKILL)


def dies_with_a_body_queued() -> None:
    until_govern()
    execute("e1")
    execute("e2")
    read()  # the first body runs
    os.kill(os.getpid(), signal.SIGKILL)


def dies_leaving_a_child() -> None:
    until_govern()
    subprocess.Popen(["sleep", "8"], stderr=subprocess.DEVNULL)
    os.kill(os.getpid(), signal.SIGKILL)


def stops_reading() -> None:
    until_govern()
    time.sleep(60)


def never_answers() -> None:
    number = until_govern()
    cancel = read()  # what the client says when it gives up
    send({"id": number, "result": {**ACTION, "output": "late"}})
    report(until_govern(), cancel)
    serve_rest()


def asks_for_unknown_tool() -> None:
    number = until_govern()
    execute(1, tool="rm")
    report(number, read())
    serve_rest()


def asks_for_unknown_method() -> None:
    number = until_govern()
    send({"id": 1, "method": "shell/run", "params": {}})
    report(number, read())
    serve_rest()


def asks_nonsense() -> None:
    until_govern()
    execute(1, args=["not", "an", "object"])
    serve_rest()


def executes_id_twice() -> None:
    until_govern()
    execute(1)
    execute(1)
    serve_rest()


def executes_too_late() -> None:
    number = until_govern()
    execute(1, deadlineMs=-1)
    report(number, read())
    serve_rest()


def cancels_body() -> None:
    number = until_govern()
    execute("e1")
    ping = read()  # the body runs
    send({"id": ping["id"], "result": {}})
    send({"method": "$/cancelRequest", "params": {"id": "e1"}})
    report(number, read())
    serve_rest()


def answers_cancelled() -> None:
    data = {**ACTION, "status": "cancelled", "code": "cancelled", "reason": "as asked"}
    error = {"code": -32800, "message": "cancelled", "data": data}
    send({"id": until_govern(), "error": error})
    serve_rest()


def ignores_the_end() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    until_govern()
    time.sleep(60)


if __name__ == "__main__":
    mode: Callable[[], None] = globals()[sys.argv[1]]
    mode()
