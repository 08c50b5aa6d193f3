"""`python -m demo`: swap, identity, verify, bench, for scripts.

    python -m demo swap SOURCE TARGET -o OUT.jpg
    python -m demo swap SOURCE CLIP -o OUT.mp4
    python -m demo swap SOURCE FOLDER/ -o OUT/
    python -m demo identity SOURCE -o NAME.idn
    python -m demo verify FILE
    python -m demo bench [--json]

SOURCE is a picture or an identity file. A failure is one line on stderr and an exit code of its
own: 3 no face, 4 face too small, 5 unreadable, 6 too large, 7 broken weights, 9 cancelled, 11 no
Ray cluster, 2 anything else that was asked for wrongly. A clip whose run was killed is continued by
the same command.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

from demo import batch, bench, provenance
from demo.errors import NoFaceError, SwapError, UnreadableError
from demo.inject import write_identity
from demo.media import SUFFIXES
from demo.mux import ENCODERS
from demo.pack import Pack
from demo.picture import WRITE, read_picture
from demo.pipeline import ENGINES, FaceSwapper


def swap(options: argparse.Namespace) -> None:
    """A picture, a clip, or a folder of them."""
    if options.target.is_dir():
        with batch.crew(options):  # for all of them
            batch.folder(options, swap)
    elif is_clip(options.target):
        refuse(options.out, (options.source, options.target), tuple(ENCODERS))
        batch.clip(options, options.engine or engine_for(options.source))
    else:
        picture(options)


def is_clip(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def picture(options: argparse.Namespace) -> None:
    refuse(options.out, (options.source, options.target), WRITE)
    pack = Pack.load(device=options.device, detector=options.detector)
    swapper = FaceSwapper(options.engine or engine_for(options.source), pack)
    swapper.set_source(source(options.source))
    target = read_picture(options.target)
    start = time.perf_counter()
    faces = pack.faces(target)
    if not faces:
        raise NoFaceError(f"{options.target.name}: no face in the target; nothing was written")
    result = swapper.swap_frame(target, faces if options.all_faces else faces[:1], options.strength)
    spent = time.perf_counter() - start
    provenance.save(options.out, result)
    report = swapper.report
    if options.json:
        figures = {"faces": len(faces), "swapped": report.swapped, "reasons": report.reasons,
                   "milliseconds": round(spent * 1e3, 1), "provider": pack.provider}  # fmt: skip
        print(json.dumps(figures))
        return
    why = "".join(f"; {reason}" for reason in report.reasons)
    print(f"{options.out}: {report.swapped} of {len(faces)} faces in {spent * 1e3:.0f} ms{why}")


def identity(options: argparse.Namespace) -> None:
    refuse(options.out, (options.source,), (".idn",))
    pack = Pack.load(device=options.device, detector=options.detector)
    swapper = FaceSwapper("idn", pack)
    swapper.set_source(source(options.source))
    write_identity(options.out, swapper.kernels, pack.manifest)
    print(f"{options.out}: {options.out.stat().st_size:,} bytes")


def verify(options: argparse.Namespace) -> None:
    verdict = provenance.verify(options.file)
    print(f"{options.file}: {verdict.sentence}")


def source(path: Path) -> np.ndarray | Path:
    """What `set_source` takes: the path of an identity file, or the frame of a picture."""
    if not is_identity(path):
        return read_picture(path)
    if not path.is_file():
        raise UnreadableError(f"{path.name}: no such file; expected an identity or a picture")
    return path


def is_identity(path: Path) -> bool:
    return path.suffix.lower() == ".idn"


def engine_for(path: Path) -> str:
    """An identity file holds no pixels for the mesh engine to carry."""
    return "idn" if is_identity(path) else "mesh"


def refuse(out: Path, inputs: tuple[Path, ...], suffixes) -> None:
    """Find out before any work: a wrong name, a missing folder, an input that would be lost."""
    if out.suffix.lower() not in suffixes:
        raise ValueError(f"{out.name}: expected a name ending in {', '.join(suffixes)}")
    if not out.parent.is_dir():
        raise ValueError(f"{out.parent}: no such folder; make it first")
    if any(out.exists() and path.exists() and out.samefile(path) for path in inputs):
        raise ValueError(f"{out.name} is an input and would be lost; choose another name")


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m demo",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--device", default="auto", help="auto, cpu, cuda, coreml, directml")
    common.add_argument("--detector", help="an insightface pack or an SCRFD file instead of ours")

    one = commands.add_parser("swap", parents=[common], help="put SOURCE's face into TARGET")
    one.add_argument("source", type=Path, metavar="SOURCE")
    one.add_argument("target", type=Path, metavar="TARGET")
    one.add_argument("-o", "--out", type=Path, required=True)
    one.add_argument("--engine", choices=ENGINES, help="mesh; idn for an .idn")
    one.add_argument("--strength", type=unit, default=1.0, help="0 nothing .. 1 all")
    one.add_argument("--all-faces", action="store_true", help="not only the largest")
    one.add_argument("--json", action="store_true", help="the report as JSON")
    batch.arguments(one)
    one.set_defaults(run=swap)

    two = commands.add_parser("identity", parents=[common], help="write SOURCE's 44 KB file")
    two.add_argument("source", type=Path, metavar="SOURCE")
    two.add_argument("-o", "--out", type=Path, required=True)
    two.set_defaults(run=identity)

    three = commands.add_parser("verify", help="what marks FILE as synthetic")
    three.add_argument("file", type=Path, metavar="FILE")
    three.set_defaults(run=verify)

    four = commands.add_parser("bench", help="milliseconds on this machine")
    four.add_argument("--json", action="store_true")
    four.set_defaults(run=lambda options: bench.report(as_json=options.json))
    return parser.parse_args(argv)


def unit(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"got {value}; expected 0 to 1")
    return value


def main(argv: list[str] | None = None) -> int:
    options = parse(argv)
    try:
        options.run(options)
    except SwapError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        print("stopped; a clip is continued by the same command", file=sys.stderr)
        return 130
    except (ValueError, OSError, MemoryError) as error:
        print(f"error: {error or type(error).__name__}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
