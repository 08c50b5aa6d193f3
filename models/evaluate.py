"""`python -m models.evaluate` says what the shipped swapper is worth, on people it never saw.

Whole pictures of ../shared/faces/eval go through `FaceSwapper` and the committed graphs, nothing
else; the judge (mfn_y1) and the landmark teacher take no part in training what they judge, but for
the mesh network, which the landmark teacher taught. `--networks` measures detect, mesh and encode.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch

from demo.align import align
from demo.encode import encode
from demo.mesh import mesh
from demo.pipeline import FaceSwapper, Pack
from models import metrics
from models.data import ALIGN, CROP, Faces
from models.pairs import Pairs
from models.sheet import TILE, sheet
from models.teachers import Landmarks, judge_crop, recogniser

Array = np.ndarray
ROOT = Path(__file__).resolve().parent
SETS = ("faker", "congress", "ytf")
COLUMNS = ("cos_source", "cos_grey", "retrieval", "cos_target", "pose_deg", "expression_pct",
           "outside", "sharpness", "tint", "swapped")  # fmt: skip
VIEW = (ALIGN.template - 0.5) * 0.7 + 0.5  # the five points in a view that shows the whole head
YAWS = ((0.05, "frontal"), (0.12, "turned"), (9.0, "far turned"))  # nose offset, at most


class Judge:
    """Unit embeddings (n, 128) of aligned crops, by a network that took no part in training."""

    def __init__(self, shared: Path):
        self.net = recogniser(shared, "mfn_y1")

    def __call__(self, crops: list[Array] | Array, grey: bool = False) -> Array:
        found = []
        for crop in crops:
            small = judge_crop(crop)
            small = small.mean(1, keepdim=True).expand(-1, 3, -1, -1) if grey else small
            with torch.no_grad():
                found.append(self.net(small)[0].numpy())
        return np.stack(found)


class Exam:
    """Pairs of different people of like yaw, the same for every method."""

    def __init__(self, shared: Path, cache: Path, count: int, seed: int = 0):
        self.faces, self.judge = Faces(shared, cache, "eval"), Judge(shared)
        self.landmarks = Landmarks(shared)
        self.topology = Pack.load(device="cpu", threads=1).manifest.mesh
        rows, rng = Pairs(self.faces, rounds=1, seed=seed + 1).rows, np.random.default_rng(seed)
        kind = self.faces.sets[rows[:, 1]]
        share = [rng.permutation(rows[kind == s])[: -(-count // len(SETS))] for s in SETS]
        self.rows = np.concatenate(share)[:count]
        wanted = set(self.rows.ravel())
        self.frames = {i: frame for i, frame in self.faces.pictures() if i in wanted}
        self.gallery = self.judge(self.faces.crops)
        self.grey = {i: self.judge([self.faces.crops[i]], grey=True)[0] for i in wanted}

    def run(self, method: Callable[[Array, Array], tuple[Array, int]]) -> tuple[list[dict], list]:
        """method: (source, target) frames -> (result, faces swapped). A row of figures a pair."""
        figures, results = [], []
        for source, target in self.rows:
            result, swapped = method(self.frames[source], self.frames[target])
            figures.append(self.figures(source, target, result) | {"swapped": float(swapped > 0)})
            results.append(result)
        return figures, results

    def figures(self, source: int, target: int, result: Array) -> dict:
        frame, points = self.frames[target], self.faces.rows[target]["points"]
        crop, _ = align(result, points, ALIGN.template, CROP)
        found, grey = self.judge([crop])[0], self.judge([crop], grey=True)[0]
        before, after = (self.landmarks(f, points)[0] for f in (frame, result))
        contour, mean = self.topology.oval, self.topology.mean
        inside = metrics.oval(before, contour, frame.shape)
        wide = metrics.oval(before, contour, frame.shape, grow=2)
        hit = metrics.retrieved(
            found[None], self.gallery, self.faces.people, self.faces.people[[source]]
        )
        return {
            "cos_source": float(found @ self.gallery[source]),
            "cos_grey": float(grey @ self.grey[source]),
            "retrieval": float(hit[0]),
            "cos_target": float(found @ self.gallery[target]),
            "pose_deg": metrics.pose_error(after, before, mean),
            "expression_pct": metrics.landmark_error(after, before, metrics.inner_points(mean)),
            "outside": metrics.outside(result, frame, wide),
            "sharpness": metrics.sharpness(result, frame, inside),
            "tint": metrics.tint(result, frame, inside),
        }

    def view(self, frame: Array, row: int) -> Array:
        """The head of a picture, for the contact sheet."""
        return align(frame, self.faces.rows[row]["points"], VIEW, 2 * TILE)[0]

    def groups(self) -> dict[str, Array]:
        """Name of a group -> which pairs (n,) bool: by the target's set, yaw, and skin tone."""
        targets = self.rows[:, 1]
        yaw = np.abs([self.faces.rows[t]["yaw"] for t in targets])
        bins = np.array([next(name for most, name in YAWS if y <= most) for y in yaw])
        tones = np.array([
            metrics.tone(self.faces.crops[t], self.faces.meshes[t, :468], self.topology.cheeks)
            for t in targets
        ])  # fmt: skip
        keys = (self.faces.sets[targets], bins, tones)
        return {str(name): key == name for key in keys for name in dict.fromkeys(key)}


def copy(source: Array, target: Array) -> tuple[Array, int]:
    """The baseline that does nothing."""
    return target, 0


def through(engine: str, pack: Pack) -> Callable[[Array, Array], tuple[Array, int]]:
    """A method that is the shipped swapper; a source that it refuses leaves the target."""
    swapper = FaceSwapper(engine, pack)

    def method(source: Array, target: Array) -> tuple[Array, int]:
        try:
            swapper.set_source(source)
        except ValueError:
            return target, 0
        return swapper.swap_frame(target), swapper.report.swapped

    return method


def mean(figures: list[dict], chosen: Array | slice = slice(None)) -> dict[str, float]:
    return {key: float(np.array([f[key] for f in figures])[chosen].mean()) for key in COLUMNS}


def table(rows: dict[str, dict[str, float]], first: str = "method") -> str:
    """Aligned text: a row for each method or group."""
    lines = [f"{first:14}" + "".join(f"{key:>15}" for key in COLUMNS)]
    for name, row in rows.items():
        lines.append(f"{name:14}" + "".join(f"{row[key]:15.4f}" for key in COLUMNS))
    return "\n".join(lines)


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


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engines", default="mesh,idn")
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--previous", type=Path, help="another pack, measured beside ours")
    parser.add_argument("--networks", action="store_true", help="detect, mesh and encode instead")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "evaluate")
    parser.add_argument("--shared", type=Path, default=ROOT.parent.parent / "shared")
    parser.add_argument("--cache", type=Path, default=ROOT / "cache")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.networks:
        figures = networks(options.shared, options.cache)
        print("\n".join(f"{key:20}{value:10.4f}" for key, value in figures.items()))
        (options.out / "networks.json").write_text(json.dumps(figures, indent=1))
        return
    swaps(options)


def swaps(options: argparse.Namespace) -> None:
    """Every method on the same pairs: a table, report.json, sheet.png."""
    exam = Exam(options.shared, options.cache, options.pairs)
    pack = Pack.load(device="cpu", threads=1)
    methods = {"copy": copy} | {name: through(name, pack) for name in options.engines.split(",")}
    if options.previous:
        methods["previous"] = through("idn", Pack.load(options.previous, device="cpu", threads=1))
    rows, grouped, shown = {}, {}, {}
    columns = np.linspace(0, len(exam.rows) - 1, min(16, len(exam.rows))).astype(int)
    sources, targets = exam.rows[columns].T
    shown["source"] = [exam.view(exam.frames[i], i) for i in sources]
    shown["target"] = [exam.view(exam.frames[i], i) for i in targets]
    for name, method in methods.items():
        figures, results = exam.run(method)
        rows[name] = mean(figures)
        grouped[name] = {group: mean(figures, which) for group, which in exam.groups().items()}
        if name != "copy":
            shown[name] = [exam.view(results[i], exam.rows[i, 1]) for i in columns]
            print(table(grouped[name], name), end="\n\n")
    print(f"{len(exam.rows)} pairs, gallery of {exam.faces.n} pictures\n{table(rows)}")
    report = {"pairs": len(exam.rows), "gallery": exam.faces.n, "rows": rows, "groups": grouped}
    (options.out / "report.json").write_text(json.dumps(report, indent=1))
    cv2.imwrite(str(options.out / "sheet.png"), sheet(shown)[..., ::-1])


if __name__ == "__main__":
    main()
