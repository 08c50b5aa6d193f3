"""`judge` is the exam: which pairs of held-out people, and what one result is worth.

The recogniser that judges (mfn_y1) trained nothing here; the landmark teacher that measures pose
and expression taught the mesh network and nothing else. It knows nothing of tables or files.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, product, zip_longest
from pathlib import Path

import numpy as np
import torch

from demo.align import align
from demo.manifest import load
from models import metrics
from models.data import ALIGN, CROP, Faces
from models.teachers import Landmarks, judge_crop, recogniser

Array = np.ndarray
Method = Callable[[Array, Array], tuple[Array, dict]]  # source, target -> result, what happened
COLUMNS = {
    "cos_source": "cos(result, source)",
    "cos_grey": "the same in grey",
    "retrieval": "retrieval@1",
    "cos_target": "cos(result, target)",
    "pose_deg": "pose error, degrees",
    "expression_pct": "inner-face landmarks, % of the eye distance",
    "outside_hull": "L1 outside the hull, of 255",
    "outside_crop": "L1 outside the crop, of 255",
    "sharpness": "sharpness, face to target's face",
    "tint": "tint, LAB a and b",
    "swapped": "share swapped",
    "no_face": "share with no face found",
}
LIKE = 0.04  # largest difference of yaw (nose offset) within a pair
YAWS = ((0.05, "frontal"), (0.12, "turned"), (9.0, "far turned"))  # nose offset, at most
VIEW = (ALIGN.template - 0.5) * 0.7 + 0.5  # the five points in a view that shows the whole head
TILE = 336  # pixels of that view


def like_pairs(rows: list[dict], count: int, seed: int = 0) -> Array:
    """(count, 2) int, source and target: different people of like yaw, seeded.

    The ways from one set to another (nine of three sets) take turns, so each is as common, and a
    smaller count is the beginning of a larger one. Fewer than count where the rows hold no more.
    """
    sets = np.array([row["set"] for row in rows])
    ways = product(dict.fromkeys(sorted(sets)), repeat=2)
    each = [way(rows, sets == a, sets == b, (seed, i)) for i, (a, b) in enumerate(ways)]
    turns = chain.from_iterable(zip_longest(*each))
    return np.array([pair for pair in turns if pair is not None][:count])


def way(rows: list[dict], sources: Array, targets: Array, seed: tuple[int, int]) -> list[tuple]:
    """Each target once, in random order, with a random source that fits it."""
    rng, pairs = np.random.default_rng(seed), []
    yaw = np.array([row["yaw"] for row in rows])
    people = np.array([row["identity"] for row in rows])
    for target in rng.permutation(np.flatnonzero(targets)):
        fits = sources & (np.abs(yaw - yaw[target]) <= LIKE) & (people != people[target])
        if fits.any():
            pairs.append((int(rng.choice(np.flatnonzero(fits))), int(target)))
    return pairs


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
        self.landmarks, self.topology = Landmarks(shared), load().mesh
        self.pairs = like_pairs(self.faces.rows, count, seed)
        wanted = set(self.pairs.ravel().tolist())
        self.frames = {i: frame for i, frame in self.faces.pictures() if i in wanted}
        self.meshes = {t: self.mesh(self.frames[t], t) for t in set(self.pairs[:, 1].tolist())}
        self.gallery = self.judge(self.faces.crops)
        self.grey = {i: self.judge([self.faces.crops[i]], grey=True)[0] for i in wanted}

    def run(self, method: Method, shown: Array) -> tuple[list[dict], list[Array]]:
        """A row of figures for each pair, and the heads of the pairs that are `shown`."""
        figures, views = [], []
        for i, (source, target) in enumerate(self.pairs.tolist()):
            result, happened = method(self.frames[source], self.frames[target])
            figures.append(self.figures(source, target, result) | happened)
            if i in shown:
                views.append(self.view(result, target))
        return figures, views

    def figures(self, source: int, target: int, result: Array) -> dict[str, float]:
        return self.likeness(source, target, result) | self.fidelity(target, result)

    def likeness(self, source: int, target: int, result: Array) -> dict[str, float]:
        """Whose face it is, to the judge, cut out by the target's own five points."""
        crop, _ = align(result, self.faces.rows[target]["points"], ALIGN.template, CROP)
        found, grey = self.judge([crop])[0], self.judge([crop], grey=True)[0]
        people = self.faces.people
        hit = metrics.retrieved(found[None], self.gallery, people, people[[source]])
        return {
            "cos_source": float(found @ self.gallery[source]),
            "cos_grey": float(grey @ self.grey[source]),
            "retrieval": float(hit[0]),
            "cos_target": float(found @ self.gallery[target]),
        }

    def fidelity(self, target: int, result: Array) -> dict[str, float]:
        """What of the target is left: pose, expression, surroundings, sharpness, colour."""
        frame, before = self.frames[target], self.meshes[target]
        after, contour, mean = self.mesh(result, target), self.topology.oval, self.topology.mean
        inside = metrics.oval(before, contour, frame.shape)
        wide = metrics.oval(before, contour, frame.shape, grow=2)
        _, matrix = align(frame, self.faces.rows[target]["points"], ALIGN.template, CROP)
        return {
            "pose_deg": metrics.pose_error(after, before, mean),
            "expression_pct": metrics.landmark_error(after, before, metrics.inner_points(mean)),
            "outside_hull": 255 * metrics.outside(result, frame, wide),
            "outside_crop": 255
            * metrics.outside(result, frame, metrics.square(matrix, CROP, frame.shape)),
            "sharpness": metrics.sharpness(result, frame, inside),
            "tint": metrics.tint(result, frame, inside),
        }

    def mesh(self, frame: Array, row: int) -> Array:
        """(468, 3) by the landmark teacher, in frame pixels."""
        return self.landmarks(frame, self.faces.rows[row]["points"])[0]

    def view(self, frame: Array, row: int) -> Array:
        """The head of a picture, for the contact sheet."""
        return align(frame, self.faces.rows[row]["points"], VIEW, TILE)[0]

    def groups(self) -> dict[str, Array]:
        """Name of a group -> which pairs (n,) bool: by the target's set, yaw, and skin tone."""
        targets = self.pairs[:, 1]
        yaw = np.abs([self.faces.rows[t]["yaw"] for t in targets])
        bins = np.array([next(name for most, name in YAWS if y <= most) for y in yaw])
        tones = np.array([self.tone(t) for t in targets.tolist()])
        order = [name for _, name in (*YAWS, *metrics.TONES)] + ["dark"]
        keys = (self.faces.sets[targets], bins, tones)
        named = {str(name): key == name for key in keys for name in dict.fromkeys(key)}
        return dict(sorted(named.items(), key=lambda g: order.index(g[0]) if g[0] in order else -1))

    def tone(self, target: int) -> str:
        frame = self.frames[target]
        inside = metrics.skin(self.meshes[target], self.topology, frame.shape)
        return metrics.tone(metrics.ita(frame, inside))
