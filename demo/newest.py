"""`newest` does work on a thread, one item at a time, and forgets what it cannot keep up with.

It knows threads. It knows nothing of what is worked on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class Newest:
    """One frame in flight, the newest waits, the rest are let go: one thread, one pending slot.

    work: what is done with a frame, on the thread. done: takes each result, on the thread.
    failed: takes the exception that ended the thread. `skipped` counts what was let go.
    """

    def __init__(
        self,
        work: Callable[[Any], Any],
        done: Callable[[Any], None],
        failed: Callable[[Exception], None] = lambda error: None,
    ):
        self.work, self.done, self.failed = work, done, failed
        self.busy, self.pending, self.skipped = False, None, 0
        self._closed = False
        self._turn = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="visitor", daemon=True)
        self._thread.start()

    def give(self, frame: Any) -> None:
        """A new frame; the one that still waits is let go. Never blocks."""
        with self._turn:
            self.skipped += self.pending is not None
            self.pending = frame
            self._turn.notify()

    def close(self, wait: bool = False) -> None:
        """End the thread after the frame in flight, and after what waits only if `wait`."""
        with self._turn:
            self._closed = True
            self.pending = self.pending if wait else None
            self._turn.notify()
        if wait:
            self._thread.join()

    def _run(self) -> None:
        try:
            while (frame := self._take()) is not None:
                self.done(self.work(frame))
        except Exception as error:  # whatever it was, the visitor shall read why it ended
            self.failed(error)
        self.busy = False

    def _take(self) -> Any:
        with self._turn:
            self.busy = False
            self._turn.wait_for(lambda: self._closed or self.pending is not None)
            frame, self.pending = self.pending, None
            self.busy = frame is not None
            return frame
