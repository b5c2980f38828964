"""Writing to a child that has died must be an error, also where the host let SIGPIPE kill it.

Python ignores SIGPIPE from the start; command line tools often restore the default. SIGPIPE goes to
the thread that wrote, so blocking it there for the time of one write touches nobody else.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator


@contextlib.contextmanager
def _blocked() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPIPE])
    try:
        yield
    except BrokenPipeError:
        if signal.SIGPIPE not in before:
            signal.sigtimedwait([signal.SIGPIPE], 0)  # ours: it must not be delivered afterwards
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def no_sigpipe() -> contextlib.AbstractContextManager[None]:
    """For the time of one write, a broken pipe is a BrokenPipeError and nothing more."""
    may_kill = signal.getsignal(signal.SIGPIPE) in (signal.SIG_DFL, None)
    return _blocked() if may_kill and hasattr(signal, "sigtimedwait") else contextlib.nullcontext()
