"""`visitors` counts who is in front of a camera: so many and no more, and no one stays unheard.

It knows keys, places and the clock. It knows nothing of frames, connections or pages.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

from demo.errors import FullError
from demo.live import Visitor
from demo.pack import Pack

WAIT = 90.0  # seconds to answer the browser's question for the camera
SILENT = 10.0  # seconds without a sign, after which a visitor has left
SWEEP = 2.0  # seconds from one look at the places to the next


class Visitors:
    """Every visitor by key, at most `limit`. minutes: how long one may stay, None as they like.

    A key is made by the page and known to its visitor alone.
    """

    def __init__(
        self,
        pack: Pack,
        limit: int,
        minutes: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.pack, self.limit, self.minutes, self.clock = pack, limit, minutes, clock
        self._here: dict[str, Visitor] = {}
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def __len__(self) -> int:
        return len(self._here)

    def find(self, key: str) -> Visitor | None:
        return self._here.get(key)

    def enter(self, key: str) -> Visitor:
        """The visitor of this key, made now if there is a place. Raises FullError."""
        self.sweep()
        with self._lock:
            if key not in self._here:
                if len(self._here) >= self.limit:
                    raise FullError(
                        f"All {self.limit} places are taken; try again in a minute, "
                        "or use the page that runs on your own device"
                    )
                self._here[key] = Visitor(self.pack, self.clock)
                self._here[key].leave = partial(self.leave, key)
            self._watch()
            return self._here[key]

    def leave(self, key: str, reason: str = "") -> None:
        """Forget everything about a visitor; a reason is told to them first."""
        with self._lock:
            visitor = self._here.pop(key, None)
        if visitor:
            visitor.end(reason)

    def sweep(self) -> None:
        """Send away who has not been heard of, or whose time is over."""
        for key, visitor in list(self._here.items()):
            if reason := self._over(visitor):
                self.leave(key, reason)

    def _over(self, visitor: Visitor) -> str:
        now = self.clock()
        if now - visitor.heard > (WAIT if visitor.came is None else SILENT):
            return "Nothing came from your camera any more, so your place was given away."
        if self.minutes and now - visitor.since > self.minutes * 60:
            return f"Your {self.minutes:g} minutes are over. Press Start to go on."
        return ""

    def _watch(self) -> None:
        """One timer for all while anyone is here; none when nobody is."""
        if self._timer is None or not self._timer.is_alive():
            self._timer = threading.Timer(SWEEP, self._again)
            self._timer.daemon = True
            self._timer.start()

    def _again(self) -> None:
        self.sweep()
        with self._lock:
            self._timer = None
            if self._here:
                self._watch()
