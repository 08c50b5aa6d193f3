"""`batch` is the command line's way with clips and with folders of clips and pictures.

It knows arguments, names of files and lines on a terminal. It knows nothing of frames.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from pathlib import Path

from demo.crew import Cluster, cluster
from demo.errors import ClusterError, SwapError
from demo.finish import Finish
from demo.media import SUFFIXES
from demo.mux import QUALITY
from demo.picture import WRITE
from demo.video import Outcome, Part, Settings, swap_clip

PICTURES = (*WRITE, ".heic", ".heif", ".avif", ".tif", ".tiff", ".bmp")


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `swap` takes for clips alone."""
    parser.add_argument("--quality", choices=QUALITY, default="good", help="of a clip")
    parser.add_argument("--begin", type=float, default=0.0, metavar="S", help="trim: seconds")
    parser.add_argument("--end", type=float, metavar="S", help="trim: seconds")
    parser.add_argument(
        "--finish", type=words, default=Settings.finish, metavar="WORD,...",
        help="of a clip's faces: tint, sharp, grain, front; or none",
    )  # fmt: skip
    parser.add_argument(
        "--face", type=part, action="append", default=[], metavar="N=SOURCE", dest="parts",
        help="another source for person N of a clip, most to be seen first; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--ray", metavar="ADDRESS",
        help="spread clips over a Ray cluster: host:port, auto, or local; needs pip install ray",
    )  # fmt: skip


def words(text: str) -> tuple[str, ...]:
    try:
        chosen = () if text == "none" else tuple(text.split(","))
        Finish.of(chosen)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return chosen


def part(text: str) -> Part:
    number, equals, source = text.partition("=")
    if not (equals and number.isdigit()):
        raise argparse.ArgumentTypeError(f"got {text!r}; expected N=SOURCE, such as 2=b.jpg")
    return Part(Path(source), int(number))


def clip(options: argparse.Namespace, engine: str) -> None:
    """One clip, with its progress on the terminal if there is one."""
    who = "all" if options.all_faces else "main"
    settings = Settings(
        engine=engine, strength=options.strength, quality=options.quality, begin=options.begin,
        end=options.end, device=options.device, detector=options.detector, finish=options.finish,
    )  # fmt: skip
    parts = [*options.parts, Part(options.source, who)]
    with crew(options) as workers:
        outcome = swap_clip(parts, options.target, options.out, settings, tell=shown, crew=workers)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    print(json.dumps(figures(outcome)) if options.json else f"{options.out}: {told(outcome)}")


def crew(options: argparse.Namespace) -> AbstractContextManager[Cluster | None]:
    """Who does a clip's stretches: the workers of `--ray`, or None for this process."""
    return cluster(options.ray) if options.ray else nullcontext()


def shown(share: float, words: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{share:4.0%}  {words:60}", end="", file=sys.stderr, flush=True)


def figures(outcome: Outcome) -> dict:
    return {**vars(outcome), "frames_per_second": round(outcome.rate, 2)}


def told(outcome: Outcome) -> str:
    """A sentence on what became of a clip."""
    notes = list(outcome.notes)
    if outcome.continued:
        notes.insert(0, f"continued an earlier run, {outcome.continued} stretches were done")
    why = "".join(f"; {note}" for note in notes)
    return (
        f"{outcome.swapped} of {outcome.frames} frames in {outcome.seconds:.1f} s, "
        f"{outcome.rate:.1f} frames a second{why}"
    )


def folder(options: argparse.Namespace, swap: Callable[[argparse.Namespace], None]) -> None:
    """Every clip and picture of a folder into another; what is there already is left alone.

    One that fails is told of and does not stop the others; the first failure is raised at the end.
    """
    if options.out.suffix in (*WRITE, *SUFFIXES):
        raise ValueError(f"{options.out.name}: expected a folder, as the target is one")
    if options.out.resolve() == options.target.resolve():
        raise ValueError(f"{options.out}: the originals would be lost; choose another folder")
    files = [p for p in sorted(options.target.iterdir()) if p.suffix.lower() in SUFFIXES + PICTURES]
    if not files:
        raise ValueError(f"{options.target}: no clips or pictures in it")
    options.out.mkdir(exist_ok=True)
    failures = []
    for path in files:
        one = copy(options)
        one.target, one.out = path, options.out / named(path)
        if one.out.exists():
            print(f"{one.out}: there already")
            continue
        try:
            swap(one)
        except ClusterError:  # the next one would fare no better
            raise
        except (SwapError, ValueError) as error:
            failures.append(error)
            print(f"error: {error}", file=sys.stderr)
    if failures:
        kind = type(failures[0])
        raise kind(
            f"{len(failures)} of {len(files)} could not be swapped; the first: {failures[0]}"
        )


def named(path: Path) -> str:
    """The output's name; the ending stays in it where two would have one name."""
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return path.name if suffix in (".mp4", ".webm") else f"{path.name}.mp4"
    return path.name if suffix in WRITE else f"{path.name}.jpg"
