"""`video` puts faces into a clip: a file in, the same file out, with other faces.

    swap_clip([Part(Path("face.jpg"))], Path("clip.mp4"), Path("out.mp4"))

The clip is gone through twice, stretch by stretch: who is where, then painting. A run that was
killed is continued by the same call. It knows the order of the work and nothing of its pixels.
"""

from __future__ import annotations

import json
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from demo import provenance
from demo.cast import Cast, read_sights
from demo.crew import Cluster, Here, Task
from demo.errors import ClusterError, NoFaceError
from demo.journal import Journal, digest, made
from demo.media import Clip, Limits, probe
from demo.mux import ENCODERS, join
from demo.stretch import Scenes, Settings, Span, Work, packed, paint, scan, stretches, swapper

Who = str | int | tuple[float, float, float]
Tell = Callable[[float, str], None]
Crew = Here | Cluster
STRETCH = 8.0  # seconds of a clip that a crash may cost
SCANNING = 0.25  # share of the whole work


@dataclass(frozen=True)
class Part:
    """A source (a picture or an .idn file) and who gets its face.

    who: "main" (most to be seen), "all", a rank from 1, or (seconds, x, y): whose face is there.
    """

    source: Path
    who: Who = "main"


@dataclass
class Outcome:
    """What became of a clip. frames, swapped: counts. people: seen in it. seconds: of work.
    continued: stretches that an earlier run had done. notes: what a person should be told."""

    frames: int = 0
    swapped: int = 0
    people: int = 0
    seconds: float = 0.0
    continued: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Frames a second, from file to file."""
        return self.frames / max(self.seconds, 1e-9)


def swap_clip(
    parts: Sequence[Part],
    clip: Path,
    out: Path,
    settings: Settings | None = None,
    *,
    limits: Limits | None = None,
    tell: Tell | None = None,
    crew: Crew | None = None,
) -> Outcome:
    """Swap a clip from file to file.

    tell(share 0..1, words) is called after every frame, and may raise CancelledError. crew: who
    does the stretches, this process if not said. Raises a named error, before any work where
    possible, and then leaves nothing behind.
    """
    begun, crew = time.perf_counter(), crew or Here()
    clip, out = clip.absolute(), out.absolute()  # another process may stand elsewhere
    if out.suffix not in ENCODERS:
        raise ValueError(f"{out.name}: expected a name ending in {' or '.join(ENCODERS)}")
    found, settings = probe(clip, limits), settings or Settings()
    sources = tuple(part.source.absolute() for part in parts)
    work = Work(found, sources, settings, out.suffix, crew.threads)
    for source in work.sources:
        swapper(settings, source)
    start, stop = trimmed(found, settings)
    spans = list(stretches(found, start, stop, round(STRETCH / found.base)))
    journal = Journal(out, plan(work))
    try:
        outcome = run(work, parts, journal, spans, tell, crew)
        finish(out, work, journal, spans)
    except ClusterError:  # the same call goes on where this one ended
        raise
    except (ValueError, MemoryError):  # by name: cancelled, no face; there is nothing to continue
        journal.remove()
        raise
    finally:
        journal.close()
    journal.remove()
    outcome.seconds = time.perf_counter() - begun
    return outcome


def run(
    work: Work, parts: Sequence[Part], journal: Journal, spans: Sequence[Span], tell: Tell | None,
    crew: Crew,
) -> Outcome:  # fmt: skip
    """Everything up to pieces that only want to be joined."""
    meter = Meter(sum(within(work.clip, span) for span in spans), tell)
    tasks = [
        Task(journal.path(f"{n:05}.npz"), within(work.clip, span), partial(scan, work, span))
        for n, span in enumerate(spans)
    ]
    crew(missing(tasks, meter), meter)
    cast = Cast.of((s for task in tasks for s in read_sights(task.path)), work.clip.base)
    if not cast.ranks:
        raise NoFaceError(f"{work.clip.path.name}: no face in the clip; nothing was written")
    roles = assign(parts, cast, work.clip)
    meter.paint(len(cast.scenes))
    tasks = []
    for n, span in enumerate(spans):
        scenes, piece = cast.within(span), journal.path(f"{n:05}.nut")
        make = partial(painted, work, span, scenes, roles, piece)
        tasks.append(Task(piece.with_suffix(".json"), len(scenes), make))
    wanted = missing(tasks, meter)
    crew(wanted, meter)
    counts: Counter[str] = Counter()
    for task in tasks:
        counts.update(json.loads(task.path.read_text()))
    return told(work.clip, cast, roles, counts, len(tasks) - len(wanted))


def missing(tasks: Sequence[Task], meter: Meter) -> list[Task]:
    """The tasks that no earlier run has done."""
    there = {task.path for task in tasks if task.path.exists()}
    meter.skip(sum(task.frames for task in tasks if task.path in there))
    return [task for task in tasks if task.path not in there]


def painted(
    work: Work, span: Span, scenes: Scenes, roles: dict[int, int], piece: Path, note: Path,
    tell: Callable[[], None] | None,
) -> None:  # fmt: skip
    """A piece, and the note that says it is whole."""

    def paint_it(part: Path) -> None:
        note.write_text(json.dumps(paint(work, span, scenes, roles, part, tell)))

    made(piece, paint_it)


def within(clip: Clip, span: Span) -> int:
    """How many of a clip's frames lie in a stretch."""
    return bisect_left(clip.times, span[1]) - bisect_left(clip.times, span[0])


def assign(parts: Sequence[Part], cast: Cast, clip: Clip) -> dict[int, int]:
    """A face's number -> which part it plays; what names one person outweighs "all" and "main"."""
    roles: dict[int, int] = {}
    for index, part in sorted(enumerate(parts), key=lambda p: isinstance(p[1].who, str)):
        for number in meant(part.who, cast, clip):
            roles.setdefault(number, index)
    return roles


def meant(who: Who, cast: Cast, clip: Clip) -> Sequence[int]:
    """The numbers of those whom a part names. Raises ValueError where there is nobody."""
    if who == "all":
        return cast.ranks
    if who == "main":
        return cast.ranks[:1]
    if isinstance(who, int):
        if not 1 <= who <= len(cast.ranks):
            raise ValueError(f"There is no person {who}; expected 1 to {len(cast.ranks)}.")
        return [cast.ranks[who - 1]]
    seconds, *point = who
    number = cast.at(clip.times[0] + round(seconds / clip.base), point)
    if number is None:
        raise ValueError(f"There is no face at {point[0]:.0f}, {point[1]:.0f} at {seconds:.2f} s.")
    return [number]


def told(clip: Clip, cast: Cast, roles: dict[int, int], counts: Counter[str], done: int) -> Outcome:
    frames, swapped = counts.pop("frames", 0), counts.pop("swapped", 0)
    notes = list(clip.notes)
    if len(roles) < len(cast.ranks):
        notes.append(f"{len(cast.ranks)} people were seen, {len(roles)} swapped")
    notes += [f"{reason} ({count} times)" for reason, count in counts.most_common(3)]
    return Outcome(frames, swapped, len(cast.ranks), continued=done, notes=notes)


def finish(out: Path, work: Work, journal: Journal, spans: Sequence[Span]) -> None:
    """Pieces and sound become one file, signed; the output appears whole or not at all."""
    pieces = [journal.path(f"{n:05}.nut") for n in range(len(spans))]
    joined = journal.path("joined" + out.suffix)
    join(joined, pieces, work.clip, spans[0][0], spans[-1][1])
    signed = journal.path("signed" + out.suffix)
    provenance.seal(joined, signed)
    signed.replace(out)


def trimmed(clip: Clip, settings: Settings) -> Span:
    """From where to where in ticks. Raises ValueError where nothing is left."""
    end = clip.seconds if settings.end is None else min(settings.end, clip.seconds)
    if not 0 <= settings.begin < end:
        raise ValueError(
            f"got a trim from {settings.begin:g} to {end:g} s; expected a part of the clip's "
            f"{clip.seconds:.2f} s"
        )
    start = clip.times[0] + round(settings.begin / clip.base)
    return start, min(clip.times[0] + round(end / clip.base), clip.stop)


def plan(work: Work) -> dict[str, Any]:
    """All that the pieces depend on: with another plan they are made anew."""
    graphs = packed(work.settings.device, work.settings.detector).manifest.graphs
    return {
        "clip": digest(work.clip.path),
        "sources": [digest(source) for source in work.sources],
        "settings": asdict(work.settings) | {"suffix": work.suffix},
        "weights": {name: graph.sha256 for name, graph in graphs.items()},
    }


class Meter:
    """Turns frames done into a share of the work and words on the time left."""

    def __init__(self, total: int, tell: Tell | None):
        self.tell = tell or (lambda share, words: None)
        self.words, self.base, self.span = "Looking for faces", 0.0, SCANNING
        self.reset(total)

    def reset(self, total: int) -> None:
        self.total, self.there, self.count = max(1, total), 0, 0
        self.begun = time.perf_counter()

    def paint(self, total: int) -> None:
        """From here on frames are painted."""
        self.words, self.base, self.span = "Swapping", SCANNING, 1 - SCANNING
        self.reset(total)

    def skip(self, frames: int) -> None:
        """An earlier run had done these."""
        self.there += frames

    def __call__(self, frames: int = 1) -> None:
        """So many more frames are done; none, to hear whether to go on."""
        self.count += frames
        spent = time.perf_counter() - self.begun
        left = spent * (self.total - self.there - self.count) / max(self.count, 1)
        share = self.base + self.span * min(1, (self.there + self.count) / self.total)
        rate = self.count / max(spent, 1e-6)
        pace = f": {rate:.0f} frames a second, {max(left, 0):.0f} s left" if self.count else ""
        self.tell(share, self.words + pace)
