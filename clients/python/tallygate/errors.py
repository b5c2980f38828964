"""What this package raises. Catch `TallygateError` to catch all of it.

Three kinds, which ask for different reactions:

* `NotCompleted` (in `ends`): the sidecar decided; `.result` says what and why. Nothing is broken.
* `RequestRefused`: the sidecar did not accept the request itself (a mistake in the call).
* `GateClosed`, `ProtocolError`: there is no gate any more. Nothing can run; start a new one.
"""

from __future__ import annotations

from typing import Any


class TallygateError(Exception):
    """The base of all errors of this package."""


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
