"""Everything this package raises. Catch `TallygateError` to catch all of it.

Three kinds, which ask for different reactions:

* `NotCompleted`: the sidecar decided; `.result` says what and why. Nothing is broken.
* `RequestRefused`: the sidecar did not accept the request itself (a mistake in the call).
* `GateClosed`, `ProtocolError`: there is no gate any more. Nothing can run; start a new one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .results import ActionResult


class TallygateError(Exception):
    """The base of all errors of this package."""


class NotCompleted(TallygateError):
    """The call has no output. `.result` is the sidecar's answer; its reason is the message."""

    def __init__(self, result: ActionResult) -> None:
        self.result = result
        code = f" ({result.code})" if result.code else ""
        super().__init__(f"{result.status}{code}: {result.reason or 'no reason was given'}")


class Denied(NotCompleted):
    """Refused by a machine or a person. The body did not run."""


class Held(NotCompleted):
    """Waits for a person's approval: `.result.hold`. The body has not run. `Gate.resume` waits."""


class Running(NotCompleted):
    """Granted to another host, or to one that runs the body by itself. `Gate.resume` waits."""


class ToolFailed(NotCompleted):
    """The body ran and failed, or could not be started (code `host_lost`, `not_run`). `__cause__`
    is the body's own exception where it ran in this process."""


class Cancelled(NotCompleted):
    """Cancelled; `.result.spent` says whether the body had started to cost something."""


class InDoubt(NotCompleted):
    """Whether the body ran to its end is not known. Do not simply call again."""


class RequestRefused(TallygateError):
    """A JSON-RPC error: the sidecar did not accept the request. `.code`, `.message`, `.data`."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        self.code = code
        self.message = message
        self.data = data
        super().__init__(f"{message} (JSON-RPC error {code})")


class TimedOut(TallygateError, TimeoutError):
    """The wait ended, not the call.

    `.sent` is False where nothing of the request had left, so that it has no effect at all.
    Otherwise the sidecar was told to cancel, and the outcome is not known to this process.
    """

    def __init__(self, message: str, sent: bool) -> None:
        self.sent = sent
        super().__init__(message)


class GateClosed(TallygateError):
    """The connection to the sidecar has ended, or the gate was closed.

    `.sent` is False where the request cannot have reached the sidecar: it had no effect. When it is
    True the outcome is unknown to this process; the sidecar's store knows it.
    """

    def __init__(self, message: str, sent: bool = False) -> None:
        self.sent = sent
        super().__init__(message)


class ProtocolError(TallygateError):
    """The child said something that is not this protocol. It was killed; the gate is closed."""

    def __init__(self, message: str, sent: bool = False) -> None:
        self.sent = sent
        super().__init__(message)


class StartFailed(TallygateError):
    """The sidecar could not be started. `.command`; `.exit_code`, where the child ended of itself;
    `__cause__` is what went wrong."""

    def __init__(self, message: str, command: list[str], exit_code: int | None) -> None:
        self.command = command
        self.exit_code = exit_code
        super().__init__(message)
