"""`stretch` does one stretch of a clip: `scan` finds its faces, `paint` swaps them into a piece.

Each depends on the clip and on nothing done before, so any machine that sees the files can do it.
It knows some seconds of a clip. It knows nothing of the whole, or of what may go wrong with it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from threading import local

import numpy as np

from demo.cast import Sight, write_sights
from demo.decode import frames
from demo.detect import Face
from demo.encode import encode
from demo.finish import Finish
from demo.flow import ahead, ordered
from demo.mark import mark_luma
from demo.media import Clip
from demo.mux import QUALITY, Piece
from demo.pack import Pack
from demo.picture import read_picture
from demo.pipeline import FaceSwapper
from demo.track import Tracked

Array = np.ndarray
Span = tuple[int, int]  # ticks, from .. up to
Scenes = Mapping[int, Sequence[Tracked]]  # time -> the faces followed then
Tell = Callable[[], None]  # called after each frame; may raise to end the work
AHEAD = 4  # frames decoded before they are wanted
ASK = 15  # frames between two looks at who a face is


@dataclass(frozen=True)
class Settings:
    """How a clip is swapped. begin, end: seconds of the clip's own time, to trim it. finish: what
    is done to a patch, by the names of `Finish`."""

    engine: str = "mesh"
    strength: float = 1.0
    quality: str = "good"
    begin: float = 0.0
    end: float | None = None
    device: str = "auto"
    detector: str | None = None
    finish: tuple[str, ...] = ("tint", "sharp")

    def __post_init__(self):
        Finish.of(self.finish)
        if self.quality not in QUALITY:
            raise ValueError(f"quality {self.quality!r}: expected one of {', '.join(QUALITY)}")


@dataclass(frozen=True)
class Work:
    """What a stretch needs to be done anywhere: plain data. suffix: of the output. threads: frames
    at once, which changes no bit."""

    clip: Clip
    sources: tuple[Path, ...]
    settings: Settings
    suffix: str
    threads: int = 1


def scan(work: Work, span: Span, path: Path, tell: Tell | None = None) -> None:
    """Find every face between two times, and write them down as an .npz."""
    sights: list[Sight] = []
    with ThreadPoolExecutor(work.threads) as pool:
        moments = ahead(frames(work.clip, *span), AHEAD)
        for time, frame, faces in ordered(pool, partial(found, work), moments, work.threads + 1):
            before = len(sights[-1].faces) if sights else -1
            ask = len(sights) % ASK == 0 or len(faces) != before or meeting(faces)
            looks = [looked(work, frame, face) if ask else None for face in faces]
            sights.append(Sight(time, faces, looks))
            if tell:
                tell()
    write_sights(path, sights)


def found(work: Work, moment: tuple[int, Array]) -> tuple[int, Array, list[Face]]:
    time, frame = moment
    return time, frame, packed(work.settings.device, work.settings.detector).faces(frame)


def looked(work: Work, frame: Array, face: Face) -> Array:
    """(n,) float32 unit: how a face looks."""
    pack = packed(work.settings.device, work.settings.detector)
    return encode(pack.encode, pack.align(frame, face)[0]).embedding


def meeting(faces: Sequence[Face]) -> bool:
    """Whether two boxes, a quarter wider on every side, touch: place will not tell them apart."""
    boxes = [(f.box.reshape(2, 2), (f.box[2:] - f.box[:2]) / 4) for f in faces]
    return any(
        np.all(a[0] - wide < b[1] + high) and np.all(b[0] - high < a[1] + wide)
        for n, (a, wide) in enumerate(boxes)
        for b, high in boxes[:n]
    )


def paint(
    work: Work,
    span: Span,
    scenes: Scenes,
    roles: Mapping[int, int],
    path: Path,
    tell: Tell | None = None,
) -> dict[str, int]:
    """Swap the faces between two times and encode the stretch as a piece.

    roles: a face's number -> which of the sources. Returns counts:
    frames, swapped, and each reason why a face was not.
    """
    counts: Counter[str] = Counter(frames=0, swapped=0)
    sets = local()  # a swapper is not for two threads
    with (
        ThreadPoolExecutor(work.threads) as pool,
        Piece(path, work.clip, work.suffix, work.settings.quality, mark_luma) as piece,
    ):
        moments = ahead(frames(work.clip, *span), AHEAD)
        one = partial(repainted, work, sets, scenes, roles)
        for time, frame, happened in ordered(pool, one, moments, work.threads + 1):
            piece.write(time, frame)
            counts.update(happened)
            if tell:
                tell()
    return dict(counts)


def repainted(
    work: Work,
    sets: local,
    scenes: Scenes,
    roles: Mapping[int, int],
    moment: tuple[int, Array],
) -> tuple[int, Array, Counter]:
    """One frame with its faces swapped, and what happened."""
    time, frame = moment
    happened: Counter[str] = Counter(frames=1)
    for one in scenes.get(time, ()):
        if one.number in roles and one.strength > 0:
            swapper = own(work, sets, roles[one.number])
            strength = one.strength * work.settings.strength
            frame = swapper.swap_frame(frame, [one.face], strength)
            happened["swapped"] |= swapper.report.swapped
            # One reason whatever its angle: they are counted.
            happened.update(re.sub(r"\d+ degrees", "too far", r) for r in swapper.report.reasons)
    return time, frame, happened


def own(work: Work, sets: local, which: int) -> FaceSwapper:
    """This thread's swapper for one of the sources."""
    mine = sets.__dict__
    if which not in mine:
        mine[which] = swapper(work.settings, work.sources[which])
    return mine[which]


def swapper(settings: Settings, source: Path) -> FaceSwapper:
    """A swapper with its source set. Raises NoFaceError and the other named errors."""
    pack = packed(settings.device, settings.detector)
    made = FaceSwapper(settings.engine, pack, Finish.of(settings.finish))
    made.set_source(source if source.suffix.lower() == ".idn" else read_picture(source))
    return made


@cache
def packed(device: str, detector: str | None) -> Pack:
    """The weights, opened once in each process; one thread a graph, since frames run beside each
    other."""
    return Pack.load(device=device, threads=1, detector=detector)


def stretches(clip: Clip, start: int, stop: int, longest: int) -> Iterator[Span]:
    """From `start` to `stop` in parts of at most `longest` ticks, cut at key frames if possible."""
    while stop - start > longest:
        keys = [key for key in clip.keys if start + longest // 4 < key <= start + longest]
        end = keys[-1] if keys else start + longest
        yield start, end
        start = end
    yield start, stop
