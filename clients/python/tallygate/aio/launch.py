"""Starting a sidecar, and an AsyncGate on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .. import requests
from ..child import Child, Stderr
from ..command import Path, command_line, not_started
from ..errors import TallygateError
from ..notices import Listeners, Progress, ScopeChange
from ..results import ActionResult, read_welcome
from ..version import VERSION
from .bodies import Bodies
from .gate import PATIENCE, AsyncGate
from .peer import Peer
from .soon import Soon


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
) -> Soon[AsyncGate]:
    """`async with start(...) as gate`, or `gate = await start(...)` and `await gate.close()`. The
    arguments are those of `tallygate.start`, but callbacks are called on the loop and may be
    `async def`, and `workers` bounds the threads for bodies that are plain functions. Raises
    `StartFailed`.
    """

    async def make() -> AsyncGate:
        command = command_line(binary, config)
        bodies = Bodies(workers, Listeners(on_update, on_progress, on_scope))
        try:
            child = Child(command, cwd=cwd, env=env, stderr=stderr)
        except OSError as error:
            raise not_started(command, error, None) from error
        peer = bodies.peer = Peer(child, bodies)
        hello = requests.hello(VERSION, agent, run, progress=on_progress is not None)
        try:
            welcome = read_welcome(await peer.request("initialize", hello, timeout))
        except TallygateError as error:
            failure = not_started(command, error, peer.exit_code)
            child.kill()
            await peer.connection.close(PATIENCE)
            raise failure from error
        except BaseException:
            child.kill()
            raise
        return AsyncGate(peer, bodies, welcome, timeout)

    return Soon(make)
