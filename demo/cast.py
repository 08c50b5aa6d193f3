"""`cast` says who is in a clip, from beginning to end, and which of them plays whom.

It looks at the whole clip's faces at once, so it knows what a camera cannot: whether someone who is
missed comes back. It knows nothing of pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from demo.detect import Face
from demo.track import Tracked, Tracker

Array = np.ndarray
FLEETING = 3  # detections, below which a face is a false alarm


@dataclass(frozen=True)
class Sight:
    """What was found in one frame. time: ticks. looks: (n,) or None, for each face."""

    time: int
    faces: list[Face]
    looks: list[Array | None]


@dataclass(frozen=True)
class Cast:
    """scenes: time -> the faces followed then. ranks: numbers, who is most to be seen first."""

    scenes: dict[int, list[Tracked]]
    ranks: list[int]

    @classmethod
    def of(cls, sights: Iterable[Sight], base: Fraction) -> Cast:
        """Everyone in a clip. base: seconds a tick."""
        tracker, scenes = Tracker(), {}
        for sight in sights:
            known = {id(face): looks for face, looks in zip(sight.faces, sight.looks, strict=True)}
            seconds = float(sight.time * base)
            scenes[sight.time] = tracker.update(
                sight.faces, seconds, lambda face, known=known: known[id(face)]
            )
        return cls.kept(bridged(scenes))

    @classmethod
    def kept(cls, scenes: dict[int, list[Tracked]]) -> Cast:
        """Without false alarms; ranked by area and time."""
        weight: dict[int, float] = {}
        times: dict[int, int] = {}
        for scene in scenes.values():
            for one in scene:
                weight[one.number] = weight.get(one.number, 0) + one.face.area
                times[one.number] = times.get(one.number, 0) + (one.missed == 0)
        least = min(FLEETING, max(times.values(), default=0))
        ranks = sorted((n for n in weight if times[n] >= least), key=lambda n: -weight[n])
        there = set(ranks)
        return cls({t: [o for o in s if o.number in there] for t, s in scenes.items()}, ranks)

    def within(self, span: tuple[int, int]) -> dict[int, list[Tracked]]:
        """The scenes from a time up to another."""
        return {time: scene for time, scene in self.scenes.items() if span[0] <= time < span[1]}

    def at(self, time: int, point: Sequence[float]) -> int | None:
        """The number of the face at a point (x, y) of the frame nearest to `time`, or None."""
        nearest = min(self.scenes, key=lambda t: abs(t - time), default=None)
        inside = [one for one in self.scenes.get(nearest, []) if holds(one.face, point)]
        return min(inside, key=lambda one: off(one.face, point)).number if inside else None


def holds(face: Face, point: Sequence[float]) -> bool:
    x0, y0, x1, y1 = face.box
    return x0 <= point[0] <= x1 and y0 <= point[1] <= y1


def off(face: Face, point: Sequence[float]) -> float:
    return float(np.hypot(*(face.points.mean(0) - point)))


def bridged(scenes: dict[int, list[Tracked]]) -> dict[int, list[Tracked]]:
    """Where a missed face comes back it never fades; the tracker could not know."""
    back: dict[int, bool] = {}  # number -> whether it is seen again after this frame
    strength: dict[int, float] = {}
    out = {}
    for time in sorted(scenes, reverse=True):
        scene = []
        for one in scenes[time]:
            if one.missed == 0:
                back[one.number], strength[one.number] = True, one.strength
            elif back.get(one.number):
                one = replace(one, strength=max(one.strength, strength[one.number]))
            scene.append(one)
        gone = {one.number for one in scene}
        back = {n: b and n in gone for n, b in back.items()}
        out[time] = scene
    return dict(sorted(out.items()))


def write_sights(path: Path, sights: Sequence[Sight]) -> None:
    """As arrays in an .npz: exactly what was found, to the last bit."""
    faces = [face for sight in sights for face in sight.faces]
    looks = [look for sight in sights for look in sight.looks]
    known = [n for n, look in enumerate(looks) if look is not None]
    with open(path, "wb") as file:
        np.savez(
            file,
            times=np.array([sight.time for sight in sights], np.int64),
            counts=np.array([len(sight.faces) for sight in sights], np.int64),
            boxes=np.array([face.box for face in faces], np.float32).reshape(-1, 4),
            points=np.array([face.points for face in faces], np.float32).reshape(-1, 5, 2),
            scores=np.array([face.score for face in faces], np.float64),
            known=np.array(known, np.int64),
            looks=np.array([looks[n] for n in known], np.float32),
        )


def read_sights(path: Path) -> list[Sight]:
    with np.load(path) as data:
        looks = dict(zip(data["known"].tolist(), data["looks"], strict=True))
        ends = np.cumsum(data["counts"]).tolist()
        faces = [Face(*f) for f in zip(data["boxes"], data["points"], data["scores"].tolist(),
                                       strict=True)]  # fmt: skip
        return [
            Sight(time, faces[end - count : end], [looks.get(n) for n in range(end - count, end)])
            for time, count, end in zip(
                data["times"].tolist(), data["counts"].tolist(), ends, strict=True
            )
        ]
