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

from demo.detect import Face
from demo.label import label, split
from demo.pack import Pack
from demo.pipeline import FaceSwapper
from demo.quality import Quality, advise, measure
from demo.track import Tracked, Tracker, meet

Array = np.ndarray
ENGINE = "mesh"  # chosen at first: what `evaluate` prefers, if its frame rate allows
WINDOW = 2.0  # seconds over which rates and times are averaged
EVERY = 8  # frames after which the whole frame is searched again, where one face is followed
LOOKED = 0.5  # seconds from one look at the picture's quality to the next
STILL = 2.0  # seconds without a frame until it is said
MISSED = 1.0  # seconds without a face until it is said
LONG = 30.0  # seconds without a face until it is said differently


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
        self.came: float | None = None  # seconds, when the last frame came
        self.quality: Quality | None = None
        self.recorder: Any = None  # record.Recorder while one runs: takes each painted frame
        self.ending: Callable[[str], None] | None = None  # told why it is over
        self.leave: Callable[[str], None] = self.end  # what ends it, with a reason
        self._swapper: FaceSwapper | None = None
        self._lock = threading.Lock()
        self._spent: deque[tuple[float, float]] = deque(maxlen=240)  # when done, seconds of work
        self._start()

    def _start(self) -> None:
        self._tracker, self._followed, self._frames = Tracker(), None, 0
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
            start = self.came = self.clock()
            out = self._swap(frame, start)
            out = self._finish(frame, out)
            self._spent.append((self.clock(), self.clock() - start))
        if recorder := self.recorder:
            recorder.add(out)
        return out

    def _swap(self, frame: Array, now: float) -> Array:
        tracked = self._tracker.update(self._search(frame, now), now)
        chosen = tracked if self.settings.everyone else self._follow(tracked)
        self._look(frame, [one for one in chosen if not one.missed], now)
        swapper, reasons = self._swapper, []
        for one in chosen if swapper else ():
            strength = self.settings.strength * one.strength
            frame = swapper.swap_frame(frame, [one.face], strength)
            reasons += swapper.report.reasons
        self._reasons = reasons
        return frame

    def _search(self, frame: Array, now: float) -> list[Face]:
        """A lone face is followed by its mesh; now and then, and else, everything is searched."""
        self._frames += 1
        tracks = self._tracker.tracks
        alone = len(tracks) == 1 and not tracks[0].missed
        followed = self.pack.follow(frame, tracks[0].tracked(now).face) if alone else None
        if followed and self._frames % EVERY:
            return [followed]
        found = self.pack.faces(frame)
        others = [face for face in found if not (followed and meet(face, followed))]
        return [followed, *others] if followed and len(others) < len(found) else found

    def _look(self, frame: Array, chosen: list[Tracked], now: float) -> None:
        """How good the picture is, now and then; `chosen` are there to be seen."""
        if chosen:
            self._seen = now
        if now - self._looked > LOOKED:
            self._looked = now
            self.quality = measure(self.pack, frame, chosen[0].face) if chosen else None

    def _follow(self, tracked: list[Tracked]) -> list[Tracked]:
        """Who was followed before, else the largest: a second person never takes the face over."""
        if not tracked:
            return []
        same = [one for one in tracked if one.number == self._followed]
        best = same[0] if same else max(tracked, key=lambda one: one.face.area)
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
        if self.came is not None and now - self.came > STILL:
            return ["No picture comes from your camera. Is it covered, or used by another program?"]
        away = now - self._seen
        if away > LONG:
            return [f"No face for {away:.0f} seconds. The picture goes on; step in when you like."]
        if away > MISSED:
            return ["No face in view: look into the camera."]
        return advise(self.quality) + list(dict.fromkeys(self._reasons))
