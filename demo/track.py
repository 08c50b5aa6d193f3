"""`track` follows faces over time: who is who, where exactly, and how strongly to paint.

It knows boxes, points and seconds. It knows nothing of pixels, networks or what the faces are for;
how a face looks it may ask of `describe`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from demo.detect import Face

Array = np.ndarray
Describe = Callable[[Face], Array | None]  # -> (n,) float32, unit: how a face looks, if known

CUTOFF = 0.8  # Hz, of the points of a head that is still
SWIFT = 8.0  # Hz more for each face size a second that the head moves
PACE = 2.5  # Hz, cutoff of the speed itself
BRIDGE = 5  # frames without a detection through which a face is carried
HOLD = 3  # of them, at full strength
KEEP = 1.0  # seconds that a lost face is remembered by its place
RENEW = 1.0  # seconds after which a face's looks are asked again
FADE = 0.2  # seconds from nothing to all
OVERLAP = 0.2  # 0..1, of boxes, under which two faces are not the same
ALIKE = 0.5  # cosine, above which two faces are the same person
TINY = (10.0, 16.0)  # pixels between the eyes: nothing below, all above
NARROW = (0.25, 0.45)  # eye distance over eye-mouth distance, of a head that turns away


@dataclass(frozen=True)
class Tracked:
    """One followed face. number: from 1, stays with the person. face: box and points smoothed.
    strength: 0 nothing .. 1 all. missed: frames since it was last detected, at most BRIDGE."""

    number: int
    face: Face
    strength: float
    missed: int


@dataclass
class Track:
    """What is remembered of one person, as it was at `seen` seconds.

    place, speed: (7, 2) float64, two corners of the box and five points; pixels, pixels a second.
    looks: (n,) unit, or None; known: seconds, when the looks were asked.
    """

    number: int
    place: Array
    seen: float
    score: float
    strength: float
    looks: Array | None
    speed: Array = field(default_factory=lambda: np.zeros((7, 2)))
    missed: int = 0

    def __post_init__(self):
        self.known = self.seen

    @property
    def left(self) -> float:
        """Share of the strength that is left after so many misses."""
        return min(1.0, (BRIDGE + 1 - self.missed) / (BRIDGE + 1 - HOLD))

    def at(self, time: float) -> Array:
        """The place at a later time, at the last known speed."""
        return self.place + self.speed * (time - self.seen)

    def follow(self, face: Face, time: float) -> None:
        """One-euro filter (Casiez et al. 2012): a still head is smoothed, a fast one is not late.

        The cutoff grows with the speed of all points together, measured in face sizes, so that the
        noise of one point does not open it.
        """
        dt = time - self.seen
        step = placed(face) - self.place
        self.speed += smoothing(PACE, dt) * (step / max(dt, 1e-6) - self.speed)
        pace = np.sqrt(np.square(self.speed[2:]).sum(1).mean()) / size(self.place)
        self.place = self.place + smoothing(CUTOFF + SWIFT * pace, dt) * step
        most = dt / FADE
        self.strength *= self.left
        self.strength += float(np.clip(wanted(self.place) - self.strength, -most, most))
        self.seen, self.score, self.missed = time, face.score, 0

    def remember(self, looks: Array | None, time: float) -> None:
        """Looks are averaged over a few views: one may be blurred or turned."""
        if looks is None:
            return
        mixed = looks if self.looks is None else self.looks + 0.3 * (looks - self.looks)
        self.looks, self.known = mixed / np.linalg.norm(mixed), time

    def tracked(self, time: float) -> Tracked:
        place = self.at(time).astype(np.float32)
        face = Face(place[:2].reshape(4), place[2:], self.score)
        return Tracked(self.number, face, self.strength * self.left, self.missed)


@dataclass
class Tracker:
    """`update` with every frame's faces, in order; one tracker for one camera or clip."""

    tracks: list[Track] = field(default_factory=list)  # followed now
    lost: list[Track] = field(default_factory=list)  # remembered
    time: float = -np.inf  # seconds, of the last update
    count: int = 0

    def update(
        self, faces: Sequence[Face], time: float, describe: Describe | None = None
    ) -> list[Tracked]:
        """The faces followed at `time`, in the order of their numbers.

        faces: what `detect` found. time: seconds, never backwards, else ValueError. describe: asked
        of newcomers, once a second, and where several faces meet, because place does not tell then.
        """
        if time < self.time:
            raise ValueError(f"track: got {time:.3f} s after {self.time:.3f} s; expected later")
        self.time = time
        pairs = match(self.tracks, faces, time, describe)
        scene = bool(faces) and not pairs  # nothing goes on: the first faces, or another scene
        for i, track in enumerate(self.tracks):
            if i not in pairs:
                track.missed += BRIDGE + 1 if scene else 1
                continue
            track.follow(faces[pairs[i]], time)
            if describe and time - track.known > RENEW:
                track.remember(describe(faces[pairs[i]]), time)
        self._part(time)
        new = [face for i, face in enumerate(faces) if i not in pairs.values()]
        self.tracks += [self._arrive(face, time, scene, describe) for face in new]
        return [track.tracked(time) for track in sorted(self.tracks, key=lambda t: t.number)]

    def _arrive(self, face: Face, time: float, scene: bool, describe: Describe | None) -> Track:
        """A face that nobody was: someone who was lost, or someone new. In a new scene it is there
        at once; else it fades in, and a ghost of one frame is never seen."""
        looks, place = describe(face) if describe else None, placed(face)
        known = recall(self.lost, place, looks)
        if known is None:
            self.count += 1
        else:
            self.lost.remove(known)
        number = self.count if known is None else known.number
        return Track(number, place, time, face.score, wanted(place) if scene else 0.0, looks)

    def _part(self, time: float) -> None:
        """Let go of those missed too long; who is known by looks is remembered for good."""
        self.lost += [track for track in self.tracks if track.missed > BRIDGE]
        self.tracks = [track for track in self.tracks if track.missed <= BRIDGE]
        self.lost = [t for t in self.lost if t.looks is not None or time - t.seen < KEEP]


def match(
    tracks: Sequence[Track], faces: Sequence[Face], time: float, describe: Describe | None
) -> dict[int, int]:
    """Track -> face, by index: the surest pair first, none whose boxes hardly overlap.

    Where a face could be two people's, or a person two faces', looks count as much as place.
    """
    if not tracks or not faces:
        return {}
    likely = overlap([t.at(time)[:2] for t in tracks], [placed(face)[:2] for face in faces])
    near = likely > OVERLAP
    if describe and (near.sum(0).max() > 1 or near.sum(1).max() > 1):
        looks = [describe(face) for face in faces]
        likely = likely + [[alike(track.looks, look) for look in looks] for track in tracks]
    pairs: dict[int, int] = {}
    for spot in np.argsort(-likely, axis=None, kind="stable"):
        i, j = (int(n) for n in np.unravel_index(spot, likely.shape))
        if near[i, j] and i not in pairs and j not in pairs.values():
            pairs[i] = j
    return pairs


def recall(lost: Sequence[Track], place: Array, looks: Array | None) -> Track | None:
    """Which of the lost it is: by looks where they are known, else by the place it was lost at."""

    def sure(track: Track) -> float:
        if track.looks is not None and looks is not None:
            return alike(track.looks, looks) - ALIKE
        return float(overlap([track.place[:2]], [place[:2]])[0, 0]) - OVERLAP

    best = max(lost, key=sure, default=None)
    return best if best is not None and sure(best) > 0 else None


def meet(one: Face, two: Face) -> bool:
    """Whether two boxes overlap so far that they may be of one face."""
    return float(overlap([placed(one)[:2]], [placed(two)[:2]])[0, 0]) > OVERLAP


def overlap(one: Sequence[Array], two: Sequence[Array]) -> Array:
    """(n, m) float64, 0..1: intersection over union of boxes, each (2, 2), low and high corner."""
    a, b = np.array(one, np.float64)[:, None], np.array(two, np.float64)[None]
    sides = np.minimum(a[..., 1, :], b[..., 1, :]) - np.maximum(a[..., 0, :], b[..., 0, :])
    shared = np.prod(np.maximum(sides, 0), axis=2)
    whole = np.prod(a[..., 1, :] - a[..., 0, :], 2) + np.prod(b[..., 1, :] - b[..., 0, :], 2)
    return shared / np.maximum(whole - shared, 1e-9)


def placed(face: Face) -> Array:
    """(7, 2) float64: two corners of the box, then the five points."""
    return np.concatenate([np.reshape(face.box, (2, 2)), face.points]).astype(np.float64)


def size(place: Array) -> float:
    """Side in pixels of a square as large as the box."""
    return float(np.sqrt(max(np.prod(place[1] - place[0]), 1.0)))


def smoothing(cutoff: float, dt: float) -> float:
    """Share of the new value in a first-order low-pass. cutoff: Hz. dt: seconds."""
    return 1 / (1 + 1 / (2 * np.pi * cutoff * dt)) if dt > 0 else 0.0


def wanted(place: Array) -> float:
    """Strength 0..1 by what a face still shows: less when tiny, less when turned to a profile."""
    left, right, _, *mouth = place[2:]
    eyes = float(np.linalg.norm(right - left))
    tall = float(np.linalg.norm((left + right) / 2 - np.mean(mouth, axis=0)))
    return ramp(eyes, *TINY) * ramp(eyes / max(tall, 1e-6), *NARROW)


def ramp(value: float, low: float, high: float) -> float:
    return float(np.clip((value - low) / (high - low), 0, 1))


def alike(one: Array | None, two: Array | None) -> float:
    """Cosine of two looks; 0 where one is not known."""
    return 0.0 if one is None or two is None else float(one @ two)
