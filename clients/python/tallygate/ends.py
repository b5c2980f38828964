"""How a call ends that did not complete: one error for each status, which carries the result."""

from __future__ import annotations

from typing import NoReturn

from .errors import TallygateError
from .results import ActionResult


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


class Completed(TallygateError):
    """A call that was proposed again under its name has run already: `.result` is its end."""

    def __init__(self, result: ActionResult) -> None:
        self.result = result
        super().__init__(f"{result.action_id} has completed before; there is nothing to run")


_ENDS: dict[str, type[NotCompleted]] = {
    "denied": Denied,
    "held": Held,
    "granted": Running,
    "failed": ToolFailed,
    "cancelled": Cancelled,
    "in_doubt": InDoubt,
}


def raise_end(result: ActionResult, cause: BaseException | None = None) -> NoReturn:
    """Raises what stands for the status of a call that did not come to what was asked for."""
    if result.status == "completed":
        raise Completed(result)
    raise _ENDS[result.status](result) from cause
