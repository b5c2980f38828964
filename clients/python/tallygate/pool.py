"""Threads for bodies. A bounded number of bodies runs at once; a body that only waits for a nested
call does not count, so that nesting cannot lock the pool up.

The threads are daemons (the ones of concurrent.futures hold up the interpreter's exit). At most
`size` bodies run; with nesting there may be more threads, one for each body that waits, and never
more than the calls that the sidecar has in flight (256 per session).
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator


class Pool:
    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError("a pool has at least one worker")
        self._size = size
        self._lock = threading.Lock()
        self._ready = threading.Condition(self._lock)
        self._tasks: deque[Callable[[], None]] = deque()
        self._busy = 0  # threads that run a task and do not wait for a nested call
        self._idle = 0  # threads that look for a task, or are about to
        self._closed = False
        self._here = threading.local()

    def submit(self, task: Callable[[], None]) -> None:
        """Runs `task` when a place is free; it must not raise. After `close`: drops it.
        RuntimeError where the system gives no thread."""
        with self._lock:
            if not self._closed:
                self._tasks.append(task)
                self._hand_out()

    def close(self) -> None:
        """Drops what has not begun. What runs goes on; there is no way to stop a thread."""
        with self._lock:
            self._closed = True
            self._tasks.clear()
            self._ready.notify_all()

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Around a wait for another task of this pool. Does nothing on a thread of others.

        Afterwards the thread goes on at once: for a moment more than `size` bodies may run.
        """
        if not getattr(self._here, "is_worker", False):
            yield
            return
        with self._lock:
            self._busy -= 1
        try:
            with self._lock:
                self._hand_out()
            yield
        finally:
            with self._lock:
                self._busy += 1

    def _hand_out(self) -> None:
        """Lock held. Sees to it that enough threads look for the tasks that may start now."""
        startable = min(len(self._tasks), self._size - self._busy)
        for _ in range(startable - self._idle):
            threading.Thread(target=self._work, name="tallygate-body", daemon=True).start()
            self._idle += 1
        if startable > 0:
            self._ready.notify(startable)

    def _work(self) -> None:
        self._here.is_worker = True
        while (task := self._next()) is not None:
            task()
            with self._lock:
                self._busy -= 1
                self._idle += 1

    def _next(self) -> Callable[[], None] | None:
        """Waits for a task that may start. None: this thread is not needed any more."""
        with self._lock:
            while not self._tasks or self._busy >= self._size:
                if self._closed or self._idle > self._size:
                    self._idle -= 1
                    return None
                self._ready.wait()
            self._idle -= 1
            self._busy += 1
            return self._tasks.popleft()
