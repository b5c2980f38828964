"""Starting a sidecar: which binary, which command line, and what to say when it does not start."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Callable, Mapping
from typing import Any

from .bodies import Bodies
from .connection import Connection, Stderr
from .errors import GateClosed, StartFailed, TallygateError
from .gate import Gate
from .notices import Notices, Progress
from .peer import Peer
from .results import ActionResult, Welcome, read_welcome

VERSION = "0.1.0"
PROTOCOL_VERSION = 1
_Path = str | os.PathLike[str]
_EXITS = {1: "internal or store failure", 2: "usage or configuration"}


def start(
    config: _Path | None = None,
    *,
    binary: _Path | None = None,
    agent: str | None = None,
    run: str | None = None,
    cwd: _Path | None = None,
    env: Mapping[str, str] | None = None,
    stderr: Stderr = None,
    timeout: float = 30.0,
    workers: int = 32,
    on_update: Callable[[ActionResult], object] | None = None,
    on_progress: Callable[[Progress], object] | None = None,
) -> Gate:
    """Starts `BINARY serve -c CONFIG` and opens a session. Raises `StartFailed`.

    config: the policy file; None leaves it to the sidecar ($TALLYGATE_CONFIG, the user's folder,
    else it denies everything). binary: $TALLYGATE_BIN by default, else `tallygate` on PATH.
    agent, run: who calls; a run id that outlives this process makes run budgets outlive it too.
    env: the sidecar's whole environment; None: ours. stderr: where the sidecar's words go: None
    (ours), a path (appended to), an open file, subprocess.DEVNULL. timeout: seconds for the start
    and for each request but calls. workers: how many bodies run at once.
    on_update: hears how a held call of this session stands once a person has answered it.
    on_progress: hears how far each call has come. Both are called on one thread of their own.
    """
    command = _command(binary, config)
    notices = Notices(on_update, on_progress)
    bodies = Bodies(workers, notices)
    try:
        connection = Connection(command, cwd=cwd, env=env, stderr=stderr)
    except OSError as error:
        text = f"could not start `{shlex.join(command)}`: {error}"
        raise StartFailed(text, command, None) from error
    peer = bodies.peer = Peer(connection, bodies)
    peer.listen()
    try:
        welcome = _initialize(peer, agent, run, notices.wants_progress, timeout)
    except TallygateError as error:
        connection.kill()
        connection.close()
        text = f"could not start `{shlex.join(command)}`: {_cause(peer, error)}"
        raise StartFailed(text, command, peer.exit_code) from error
    except BaseException:
        connection.kill()
        raise
    return Gate(peer, bodies, welcome, timeout)


def _initialize(
    peer: Peer, agent: str | None, run: str | None, progress: bool, timeout: float
) -> Welcome:
    params: dict[str, Any] = {
        "protocolVersion": PROTOCOL_VERSION,
        "client": {"name": "tallygate-python", "version": VERSION},
        "capabilities": {"execute": True, "progress": progress},
    }
    session = {key: value for key, value in (("agent", agent), ("run", run)) if value is not None}
    if session:
        params["session"] = session
    return read_welcome(peer.request("initialize", params, timeout))


def _cause(peer: Peer, error: TallygateError) -> str:
    if not isinstance(error, GateClosed) or peer.exit_code is None:
        return str(error)
    meaning = _EXITS.get(peer.exit_code)
    code = f"{peer.exit_code} ({meaning})" if meaning else str(peer.exit_code)
    return f"it ended with exit code {code} before it answered; its stderr says why"


def _command(binary: _Path | None, config: _Path | None) -> list[str]:
    """Absolute paths, since the sidecar may be started in another folder."""
    command = [_binary(binary), "serve"]
    return command if config is None else [*command, "-c", os.path.abspath(config)]


def _binary(binary: _Path | None) -> str:
    given = os.fspath(binary or os.environ.get("TALLYGATE_BIN") or "tallygate")
    if os.sep in given:
        return os.path.abspath(given)
    found = shutil.which(given)
    if found is None:
        text = f"there is no `{given}` on PATH; set TALLYGATE_BIN, or pass binary="
        raise StartFailed(text, [given], None)
    return os.path.abspath(found)
