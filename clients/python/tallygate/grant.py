"""A call that was admitted and that the host runs by itself: run it once, then say how it ended."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Protocol

from .ends import raise_end
from .errors import TallygateError
from .executions import describe
from .results import ActionResult, AmountLike, Terms

_log = logging.getLogger("tallygate")


class Completer(Protocol):
    """`Gate.complete`."""

    def __call__(
        self,
        action_id: str,
        token: str,
        *,
        output: Any = None,
        error: str | None = None,
        usage: Mapping[str, AmountLike] | None = None,
    ) -> ActionResult: ...


class Grants:
    """Which calls were handed out to be run, so that none is twice: the sidecar tells a token as
    often as it is asked in the session that has it. For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._out: set[str] = set()

    def hand_out(self, result: ActionResult) -> Terms:
        """What to run with. Raises as `raise_end` does where it must not run here, or not again."""
        if result.status != "granted" or result.terms is None or result.replayed:
            raise_end(result)
        with self._lock:
            if result.action_id in self._out:
                raise_end(result)
            self._out.add(result.action_id)
        return result.terms

    def ended(self, result: ActionResult) -> ActionResult:
        """Forgets a call that has come to its end."""
        if result.status != "granted":
            with self._lock:
                self._out.discard(result.action_id)
        return result


class GrantState:
    """What both kinds of grant know.

    `args` is what to run with, exactly; not what was proposed. Not ended by `expires_at`, the call
    is in doubt, or has failed where its tool says so. `result` is how the call stands. What is
    assigned to `output` and `usage` is told when the `with` block ends.
    """

    def __init__(self, result: ActionResult, terms: Terms) -> None:
        self.result = result
        self.action_id = result.action_id
        self.token = terms.token
        self.args = terms.args
        self.expires_at = terms.expires_at
        self.output: Any = None
        self.usage: Mapping[str, AmountLike] | None = None

    @property
    def ended(self) -> bool:
        """Whether the sidecar was told how it ended, and took that."""
        return self.result.status != "granted"

    def _extended(self, result: ActionResult) -> ActionResult:
        self.result = result
        if result.terms is not None:
            self.expires_at = result.terms.expires_at
        return result

    def __repr__(self) -> str:
        return f"<tallygate grant {self.action_id} {self.result.status}>"


class Grant(GrantState):
    """Made by `Gate.propose`. A `with` block around the body ends the call: completed with what
    was assigned to `output`, or failed with the exception that left the block, which goes on."""

    def __init__(
        self,
        result: ActionResult,
        terms: Terms,
        complete: Completer,
        extend: Callable[[str], ActionResult],
    ) -> None:
        super().__init__(result, terms)
        self._complete = complete
        self._extend = extend

    def complete(
        self, output: Any = None, usage: Mapping[str, AmountLike] | None = None
    ) -> ActionResult:
        """It ran. Raises TypeError or ValueError for an output that is not JSON (then nothing is
        told: complete it otherwise, or fail it), and as `Gate.complete` does."""
        self.result = self._complete(self.action_id, self.token, output=output, usage=usage)
        return self.result

    def fail(
        self, error: BaseException | str, usage: Mapping[str, AmountLike] | None = None
    ) -> ActionResult:
        """It ran and failed; that is charged as well."""
        text = error if isinstance(error, str) else describe(error)
        self.result = self._complete(self.action_id, self.token, error=text, usage=usage)
        return self.result

    def extend(self) -> ActionResult:
        """The tool's timeout anew; see `Gate.extend`."""
        return self._extended(self._extend(self.action_id))

    def __enter__(self) -> Grant:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.ended:
            return
        if error is not None:
            with not_told(self):
                self.fail(error, self.usage)
            return
        try:
            self.complete(self.output, self.usage)
        except (TypeError, ValueError) as wrong:  # it ran, but what it made cannot be told
            with not_told(self):
                self.fail(wrong)
            raise


@contextlib.contextmanager
def not_told(grant: GrantState) -> Any:
    """Around a report beside which another error is on its way: that one goes first."""
    try:
        yield
    except TallygateError as error:
        _log.warning("how %s ended could not be told: %s", grant.action_id, error)
