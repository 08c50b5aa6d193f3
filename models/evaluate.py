"""`python -m models.evaluate` says what the shipped swapper is worth, on people it never saw.

Whole pictures of ../shared/faces/eval go through `FaceSwapper` and the committed graphs, nothing
else; models/judge.py says on which pairs and by whose judgement. It leaves report.json, pairs.csv
(a row for each pair and method) and sheet.png in the run's folder: look at the pictures before
believing a number. `--networks` measures detect, mesh and encode instead.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import cv2
import numpy as np
import torch

from demo.encode import encode
from demo.errors import NoFaceError, SwapError
from demo.manifest import Manifest
from demo.mesh import mesh
from demo.pack import Pack
from demo.pipeline import ENGINES, FaceSwapper
from models import metrics
from models.data import Faces
from models.judge import COLUMNS, Exam, Method
from models.sheet import sheet

Array = np.ndarray
ROOT = Path(__file__).resolve().parent
NEEDED = ("faces/eval.csv", "faces/eval.zip", "teachers/mfn_y1.pt",
          "teachers/mp_face_landmarks_478.tflite")  # fmt: skip


def copy(source: Array, target: Array) -> tuple[Array, dict]:
    """The baseline that does nothing."""
    return target, {"swapped": 0.0, "no_face": 0.0}


def through(engine: str, pack: Pack) -> Method:
    """A method that is the shipped swapper; a source that it refuses leaves the target."""
    swapper = FaceSwapper(engine, pack)

    def method(source: Array, target: Array) -> tuple[Array, dict]:
        try:
            swapper.set_source(source)
        except SwapError as error:
            return target, {"swapped": 0.0, "no_face": float(isinstance(error, NoFaceError))}
        result, report = swapper.swap_frame(target), swapper.report
        return result, {"swapped": float(report.swapped > 0), "no_face": float(report.found == 0)}

    return method


def mean(figures: list[dict], chosen: Array | slice = slice(None)) -> dict[str, float]:
    return {key: float(np.array([f[key] for f in figures])[chosen].mean()) for key in COLUMNS}


def error(figures: list[dict]) -> dict[str, float]:
    """Standard error of each mean: two methods closer than twice this are not told apart."""
    return {k: float(np.std([f[k] for f in figures]) / len(figures) ** 0.5) for k in COLUMNS}


def table(rows: dict[str, dict[str, float]], first: str = "method") -> str:
    """Aligned text: a row for each method or group."""
    keys = [key for key in ("pairs", *COLUMNS) if all(key in row for row in rows.values())]
    lines = [f"{first:12}" + "".join(f"{key:>15}" for key in keys)]
    for name, row in rows.items():
        lines.append(f"{name:12}" + "".join(f"{row[key]:15.4g}" for key in keys))
    return "\n".join(lines)


def sums(manifest: Manifest) -> dict[str, str]:
    """Which weights were measured: graph -> sha256."""
    return {name: graph.sha256 for name, graph in manifest.graphs.items()}


def swaps(options: argparse.Namespace) -> None:
    """Every method on the same pairs: a table, report.json, pairs.csv, sheet.png."""
    pack = Pack.load(device="cpu", threads=1)
    methods = {"copy": copy} | {name: through(name, pack) for name in options.engines}
    if options.previous:
        methods["previous"] = through("idn", Pack.load(options.previous, device="cpu", threads=1))
    exam = Exam(options.shared, options.cache, options.pairs)
    shown = np.unique(np.linspace(0, len(exam.pairs) - 1, 16).astype(int))
    views = {
        word: [exam.view(exam.frames[i], i) for i in exam.pairs[shown, side].tolist()]
        for side, word in enumerate(("source", "target"))
    }
    figures = {}
    for name, method in methods.items():
        figures[name], views[name] = exam.run(method, shown)
        print(f"{name}: done", flush=True)
    views.pop("copy")
    report = summary(exam, figures) | {"weights": sums(pack.manifest)}
    for name in options.engines:
        print(table(report["groups"][name], name), end="\n\n")
    print(f"{report['pairs']} pairs, gallery of {report['gallery']} pictures")
    print(table(report["rows"]))
    (options.out / "report.json").write_text(json.dumps(report, indent=1))
    cv2.imwrite(str(options.out / "sheet.png"), sheet(views)[..., ::-1])
    write(options.out / "pairs.csv", exam, figures)


def summary(exam: Exam, figures: dict[str, list[dict]]) -> dict:
    """What report.json says of the methods."""
    groups = exam.groups()
    return {
        "pairs": len(exam.pairs),
        "gallery": exam.faces.n,
        "rows": {name: mean(each) for name, each in figures.items()},
        "errors": {name: error(each) for name, each in figures.items()},
        "groups": {
            name: {
                g: {"pairs": int(which.sum())} | mean(each, which) for g, which in groups.items()
            }
            for name, each in figures.items()
        },
    }


def write(path: Path, exam: Exam, figures: dict[str, list[dict]]) -> None:
    """One line for each method and pair, to look for what goes wrong."""
    files = [row["file"] for row in exam.faces.rows]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("method", "source", "target", *COLUMNS))
        for name, each in figures.items():
            for (source, target), row in zip(exam.pairs.tolist(), each, strict=True):
                values = (f"{row[key]:.5g}" for key in COLUMNS)
                writer.writerow((name, files[source], files[target], *values))


def networks(shared: Path, cache: Path) -> dict[str, float]:
    """The three networks that find and name a face, against labels and teachers."""
    faces, pack = Faces(shared, cache, "eval"), Pack.load(device="cpu", threads=1)
    inner = metrics.inner_points(pack.manifest.mesh.mean)
    guesses = [mesh(pack.mesh, np.asarray(crop)).points for crop in faces.crops]
    pairs = list(zip(guesses, faces.meshes[:, :468], strict=True))
    misses, errors = 0, []
    for i, frame in faces.pictures():
        points = faces.rows[i]["points"]
        eyes = np.linalg.norm(points[0] - points[1])
        off = [np.linalg.norm(face.points - points, axis=1).mean() for face in pack.faces(frame)]
        if off and min(off) < eyes / 2:
            errors.append(100 * min(off) / eyes)
        else:
            misses += 1
    several = np.flatnonzero(faces.sets == "ytf")
    who = np.stack([encode(pack.encode, np.asarray(faces.crops[i])).embedding for i in several])
    same = faces.people[several][:, None] == faces.people[several][None]
    upper = np.triu_indices(len(several), 1)
    return {
        "mesh_error_pct": float(np.mean([metrics.landmark_error(a, b) for a, b in pairs])),
        "mesh_inner_pct": float(np.mean([metrics.landmark_error(a, b, inner) for a, b in pairs])),
        "detect_recall_pct": 100 * (1 - misses / faces.n),
        "detect_points_pct": float(np.mean(errors)),
        "encode_auc": metrics.auc((who[:, :256] @ who[:, :256].T)[upper], same[upper]),
    }


def measure(options: argparse.Namespace) -> None:
    figures = networks(options.shared, options.cache)
    print("\n".join(f"{key:20}{value:10.4f}" for key, value in figures.items()))
    report = figures | {"weights": sums(Pack.load(device="cpu", threads=1).manifest)}
    (options.out / "networks.json").write_text(json.dumps(report, indent=1))


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engines", default="mesh,idn")
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--previous", type=Path, help="another pack, measured beside ours")
    parser.add_argument("--networks", action="store_true", help="detect, mesh and encode instead")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "evaluate")
    parser.add_argument("--shared", type=Path, default=ROOT.parent.parent / "shared")
    parser.add_argument("--cache", type=Path, default=ROOT / "cache")
    options = parser.parse_args(argv)
    options.engines = options.engines.split(",")
    if unknown := set(options.engines) - set(ENGINES):
        parser.error(f"engine {unknown.pop()!r}: expected one of {', '.join(ENGINES)}")
    if missing := [name for name in NEEDED if not (options.shared / name).is_file()]:
        parser.error(f"{options.shared} lacks {', '.join(missing)}: evaluation reads pictures and "
                     "teachers from a folder `shared` beside the checkout, or from --shared DIR"
                     )  # fmt: skip
    return options


def main(argv: list[str] | None = None) -> None:
    options = parse(argv)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    (measure if options.networks else swaps)(options)


if __name__ == "__main__":
    main()
