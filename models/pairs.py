"""The mesh teacher's pictures: for each pair of like pose, the source's face in the target's place.

`Pairs` makes each at its first use, with the shipped mesh engine (demo/warp) on the landmark
teacher's meshes, and keeps them as RGBA: the picture, and how far each pixel belongs to the face.
Read forwards a pair is plain distillation (target, identity of the source -> picture); read
backwards it is a cycle (picture, identity of the target -> the real photograph of the target).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from demo.manifest import load
from demo.mesh import Mesh
from demo.warp import Source, warp
from models.data import CROP, Faces
from models.rows import Rows

Array = np.ndarray
LIKE = 0.04  # largest difference of yaw (nose offset) between source and target
TIGHT = "utk"  # the set whose pictures end inside the crop: sources only
CONFIDENT = 0.7  # of the landmark teacher, under which a face is not used


@dataclass(frozen=True)
class Pairs:
    """n rows: source and target are rows of `faces`."""

    faces: Faces
    rounds: int = 2  # targets for each source
    seed: int = 0

    @cached_property
    def rows(self) -> Array:
        """(n, 2) int: source, target; every usable face is a source `rounds` times."""
        rng = np.random.default_rng(self.seed)
        yaw = np.array([row["yaw"] for row in self.faces.rows])
        good = self.faces.meshes[:, 468, 0] > CONFIDENT
        sources = np.flatnonzero(good)
        targets = np.flatnonzero(good & (self.faces.sets != TIGHT))
        targets = targets[np.argsort(yaw[targets])]
        pairs = []
        for _ in range(self.rounds):
            low = np.searchsorted(yaw[targets], yaw[sources] - LIKE)
            high = np.searchsorted(yaw[targets], yaw[sources] + LIKE)
            pick = targets[
                np.minimum(rng.integers(low, np.maximum(high, low + 1)), len(targets) - 1)
            ]
            fits = (np.abs(yaw[pick] - yaw[sources]) <= LIKE) & (pick != sources)
            fits &= self.faces.people[pick] != self.faces.people[sources]
            pairs.append(np.column_stack([sources, pick])[fits])
        return np.concatenate(pairs)

    @cached_property
    def pictures(self) -> Rows:
        """(n, 224, 224, 4) uint8: RGB, and A where the face is."""
        path = self.faces.cache / f"{self.faces.split}-pairs.npy"
        topology = load(check=False).mesh

        def make(rows: Array) -> Array:
            return np.stack([self.picture(*self.rows[row], topology) for row in rows])

        return Rows(path, len(self.rows), (CROP, CROP, 4), np.uint8, make)

    def picture(self, source: int, target: int, topology) -> Array:
        faces = self.faces
        face = Source.of(np.asarray(faces.crops[source]), faces.meshes[source, :468], topology)
        crop = np.asarray(faces.crops[target])
        patch, mask = warp(face, crop, Mesh(faces.meshes[target, :468], 1.0), topology)
        mixed = patch * mask[..., None] + crop * (1 - mask[..., None])
        return np.dstack([mixed, mask * 255]).round().clip(0, 255).astype(np.uint8)
