"""Starting a sidecar, and a gate on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from . import requests
from .bodies import Bodies
from .child import Stderr
from .command import Path, command_line, not_started
from .connection import Connection
from .errors import TallygateError
from .gate import Gate
from .notices import Listeners, Progress, ScopeChange
from .peer import Peer
from .results import ActionResult, read_welcome
from .version import VERSION


def start(
    config: Path | None = None,
    *,
    binary: Path | None = None,
    agent: str | None = None,
    run: str | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stderr: Stderr = None,
    timeout: float = 30.0,
    workers: int = 32,
    on_update: Callable[[ActionResult], object] | None = None,
    on_progress: Callable[[Progress], object] | None = None,
    on_scope: Callable[[ScopeChange], object] | None = None,
) -> Gate:
    """Starts `BINARY serve -c CONFIG` and opens a session. Raises `StartFailed`.

    config: the policy file; None leaves it to the sidecar ($TALLYGATE_CONFIG, the user's folder,
    else it denies everything). binary: $TALLYGATE_BIN by default, else `tallygate` on PATH.
    agent, run: who calls; a run id that outlives this process makes run budgets outlive it too.
    env: the sidecar's whole environment; None: ours. stderr: where the sidecar's words go: None
    (ours), a path (appended to), an open file, subprocess.DEVNULL, a `logging.Logger`. timeout:
    seconds for the start and for each request but calls. workers: how many bodies run at once.
    on_update: hears how a held call of this session stands once a person has answered it.
    on_progress: hears how far each call has come. on_scope: hears that an operator closed a scope
    of this session, or opened it again. All are called on one thread of their own.
    """
    command = command_line(binary, config)
    bodies = Bodies(workers, Listeners(on_update, on_progress, on_scope))
    try:
        connection = Connection(command, cwd=cwd, env=env, stderr=stderr)
    except OSError as error:
        raise not_started(command, error, None) from error
    peer = bodies.peer = Peer(connection, bodies)
    peer.listen()
    hello = requests.hello(VERSION, agent, run, progress=on_progress is not None)
    try:
        welcome = read_welcome(peer.request("initialize", hello, timeout))
    except TallygateError as error:
        connection.kill()
        connection.close()
        raise not_started(command, error, peer.exit_code) from error
    except BaseException:
        connection.kill()
        raise
    return Gate(peer, bodies, welcome, timeout)
