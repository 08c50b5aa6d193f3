"""`live` is one visitor in front of a camera: a worker thread, a swapper, a track, nothing shared.

It knows frames and the clock. It knows nothing of WebRTC, of pages or of who sends the frames:
`wire.py` does, and hands over pictures in RGB.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from demo.label import label, split
from demo.pipeline import FaceSwapper, Pack, area
from demo.quality import Quality, advise, measure
from demo.track import Tracked, Tracker

Array = np.ndarray
ENGINE = "mesh"  # chosen at first: what `evaluate` prefers, if its frame rate allows
WINDOW = 2.0  # seconds over which rates and times are averaged
LOOKED = 0.5  # seconds from one look at the picture's quality to the next
MISSED = 1.0  # seconds without a face until it is said
LONG = 30.0  # seconds without a face until it is said differently


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


@dataclass(frozen=True)
class Settings:
    """What a visitor has chosen; replaced as a whole, so a frame never sees half a change."""

    strength: float = 1.0  # 0 nothing .. 1 all
    mirror: bool = True
    everyone: bool = False  # every face in view, not only the one that is followed
    beside: bool = False  # the left half of the picture stays as it was


class Visitor:
    """One person: their source, their track, their settings and what to tell them.

    `paint` is for one thread at a time and takes a lock; everything else may come from any thread.
    """

    def __init__(self, pack: Pack, clock: Callable[[], float] = time.monotonic):
        self.pack, self.clock = pack, clock
        self.settings = Settings()
        self.since = self.heard = clock()  # seconds; when anything last came from them
        self.met = False  # whether any frame has come
        self.quality: Quality | None = None
        self.recorder: Any = None  # record.Recorder while one runs: takes each painted frame
        self.ending: Callable[[str], None] | None = None  # told why it is over
        self.leave: Callable[[str], None] = self.end  # what ends it, with a reason
        self._swapper: FaceSwapper | None = None
        self._lock = threading.Lock()
        self._spent: deque[tuple[float, float]] = deque(maxlen=240)  # when done, seconds of work
        self._start()

    def _start(self) -> None:
        self._tracker, self._followed = Tracker(), None
        self._seen = self.clock()
        self._looked, self._reasons = 0.0, []

    def set_source(self, source: Array | Path, engine: str = ENGINE) -> None:
        """Another face from the next frame on; frames are not held up meanwhile.

        Raises what `FaceSwapper.set_source` raises; the face of before then stays.
        """
        swapper = FaceSwapper(engine, self.pack)
        swapper.set_source(source)
        self._swapper = swapper

    def hear(self) -> None:
        """A sign of life: a frame, or a word from their page."""
        self.heard = self.clock()

    def end(self, reason: str) -> None:
        """Forget the face, the track and the settings; whoever listens is told why."""
        with self._lock:
            recorder, self.recorder = self.recorder, None
            self._swapper, self.quality = None, None
            self._start()
        if recorder:
            recorder.drop()
        ending, self.ending = self.ending, None
        if ending:
            ending(reason)

    def paint(self, frame: Array) -> Array:
        """(h, w, 3) uint8 RGB from the camera -> the same size: swapped, mirrored, labelled."""
        self.hear()
        with self._lock:
            start, self.met = self.clock(), True
            out = self._swap(frame, start)
            out = self._finish(frame, out)
            self._spent.append((self.clock(), self.clock() - start))
        if recorder := self.recorder:
            recorder.add(out)
        return out

    def _swap(self, frame: Array, now: float) -> Array:
        tracked = self._tracker.update(self.pack.faces(frame), now)
        chosen = tracked if self.settings.everyone else self._follow(tracked)
        if tracked:
            self._seen = now
        if now - self._looked > LOOKED:
            self._looked = now
            self.quality = measure(self.pack, frame, chosen[0].face) if chosen else None
        swapper, reasons = self._swapper, []
        for one in chosen if swapper else ():
            strength = self.settings.strength * one.strength
            frame = swapper.swap_frame(frame, [one.face], strength)
            reasons += swapper.report.reasons
        self._reasons = reasons
        return frame

    def _follow(self, tracked: list[Tracked]) -> list[Tracked]:
        """Who was followed before, else the largest: a second person never takes the face over."""
        if not tracked:
            return []
        same = [one for one in tracked if one.number == self._followed]
        best = same[0] if same else max(tracked, key=lambda one: area(one.face))
        self._followed = best.number
        return [best]

    def _finish(self, before: Array, after: Array) -> Array:
        if self.settings.mirror:
            before, after = cv2.flip(before, 1), cv2.flip(after, 1)
        if self.settings.beside:
            after = split(before, after)
        return label(after)

    def status(self) -> dict[str, Any]:
        """For the screen: rates and times of the last seconds, and words. Plain JSON values."""
        now = self.clock()
        recent = [spent for when, spent in list(self._spent) if now - when < WINDOW]
        swapper = self._swapper
        return {
            "fps": round(len(recent) / WINDOW, 1),
            "work": round(float(np.mean(recent)) * 1e3, 1) if recent else None,  # milliseconds
            "engine": swapper.engine if swapper else "",
            "provider": self.pack.provider,
            "words": self._words(now),
        }

    def _words(self, now: float) -> list[str]:
        away = now - self._seen
        if away > LONG:
            return [f"No face for {away:.0f} seconds. The picture goes on; step in when you like."]
        if away > MISSED:
            return ["No face in view: look into the camera."]
        return advise(self.quality) + list(dict.fromkeys(self._reasons))
