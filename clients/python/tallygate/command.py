"""Which binary, which command line, and what to say when it does not start. For both kinds of
gate.
"""

from __future__ import annotations

import os
import shlex
import shutil

from .errors import GateClosed, StartFailed

Path = str | os.PathLike[str]
_EXITS = {1: "internal or store failure", 2: "usage or configuration"}


def command_line(binary: Path | None, config: Path | None) -> list[str]:
    """Absolute paths, since the sidecar may be started in another folder. Raises `StartFailed`."""
    command = [_binary(binary), "serve"]
    return command if config is None else [*command, "-c", os.path.abspath(config)]


def _binary(binary: Path | None) -> str:
    given = os.fspath(binary or os.environ.get("TALLYGATE_BIN") or "tallygate")
    if os.sep in given:
        return os.path.abspath(given)
    found = shutil.which(given)
    if found is None:
        text = f"there is no `{given}` on PATH; set TALLYGATE_BIN, or pass binary="
        raise StartFailed(text, [given], None)
    return os.path.abspath(found)


def not_started(command: list[str], error: Exception, exit_code: int | None) -> StartFailed:
    """exit_code: of a child that ended of itself."""
    text = f"could not start `{shlex.join(command)}`: {_cause(error, exit_code)}"
    return StartFailed(text, command, exit_code)


def _cause(error: Exception, exit_code: int | None) -> str:
    if not isinstance(error, GateClosed) or exit_code is None:
        return str(error)
    meaning = _EXITS.get(exit_code)
    code = f"{exit_code} ({meaning})" if meaning else str(exit_code)
    return f"it ended with exit code {code} before it answered; its stderr says why"
