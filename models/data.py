"""Training pictures, brought to arrays once and kept in a cache folder as `.npy` files.

`Faces` is one split (train, eval or turns): crops, meshes, embeddings, all in the same order.
It knows nothing of losses or networks that are being trained.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from filelock import FileLock
from numpy.lib.format import open_memmap
from scipy.optimize import linear_sum_assignment

from demo.align import align, apply, similarity
from demo.detect import CORNER
from demo.manifest import load
from models.rows import Rows

Array = np.ndarray
ALIGN = load(check=False).align
CROP = ALIGN.size  # pixels, the side of every aligned crop
WIDE = 160  # pixels, the side of a wide crop, which holds a 112-pixel crop in its middle
# The five points in a wide crop of side 1: the margin is room for rotation and shift.
WIDE_TEMPLATE = (ALIGN.template - 0.5) * 112 / WIDE + 0.5


def read_table(shared: Path, split: str) -> list[dict]:
    """Rows of faces/{split}.csv with `points` (5, 2) float32 in picture pixels and `yaw`."""
    if split == "turns":
        return list(turns(shared))
    path = shared / "faces" / f"{split}.csv"
    if not path.exists():
        raise FileNotFoundError(f"{path}: not found; training needs ../shared beside the checkout")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    keys = ("lx", "ly", "rx", "ry", "nx", "ny", "mlx", "mly", "mrx", "mry")
    for row in rows:
        points = np.array([float(row[k]) for k in keys], np.float32).reshape(5, 2)
        row["points"] = points - CORNER  # a detector's answers: DECISIONS, "SCRFD counts"
        row["yaw"] = float(row["yaw"])
    return rows


def turns(shared: Path) -> Iterator[dict]:
    """Rows of turns.zip, which has no table: its five points are those our own detector finds."""
    from demo.pack import Pack  # the shipped path; nothing else of this file needs weights

    pack = Pack.load(device="cpu", threads=1)
    for name, picture in read_zip(shared / "faces" / "turns.zip"):
        for face in pack.faces(picture)[:1]:
            left, right, nose = face.points[:3, 0]
            yaw = float((nose - (left + right) / 2) / max(right - left, 1))
            row = {"file": name, "set": "turns", "identity": name.split("_")[0]}
            yield row | {"points": face.points, "yaw": yaw}


def decode(data: bytes) -> Array:
    """JPEG bytes -> (h, w, 3) uint8 RGB."""
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), 1), cv2.COLOR_BGR2RGB)


def read_zip(path: Path) -> Iterator[tuple[str, Array]]:
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        for name in sorted(archive.namelist()):
            yield name, decode(archive.read(name))


class Faces:
    """One split of the faces: train, eval, or turns (people who talk and turn).

    Arrays are made at first use, `who` row by row; `n` rows, the same order in each.
    """

    def __init__(self, shared: Path, cache: Path, split: str = "train"):
        self.shared, self.cache, self.split = Path(shared), Path(cache), split
        self.cache.mkdir(parents=True, exist_ok=True)
        self.rows = read_table(self.shared, split)
        self.n = len(self.rows)

    def pictures(self) -> Iterator[tuple[int, Array]]:
        """(row, picture (h, w, 3) uint8 RGB) in the order of the shards, not of the rows."""
        index = {row["file"]: i for i, row in enumerate(self.rows)}
        shards = "train-*.zip" if self.split == "train" else f"{self.split}.zip"
        for path in sorted((self.shared / "faces").glob(shards)):
            for name, picture in read_zip(path):
                if name in index:
                    yield index[name], picture

    def array(self, name: str, shape: tuple, dtype: type, fill: Callable) -> Array:
        """`{split}-{name}.npy`, made by `fill(array)` when it is not there; read-only after."""
        path = self.cache / f"{self.split}-{name}.npy"
        with FileLock(path.with_suffix(".lock")):  # of several processes one makes it
            if not path.exists():
                part = path.with_suffix(".part")
                fresh = open_memmap(part, "w+", dtype, (self.n, *shape))
                fill(fresh)
                fresh.flush()
                part.rename(path)
        return np.load(path, mmap_mode="r")

    @cached_property
    def crops(self) -> Array:
        """(n, 224, 224, 3) uint8 RGB, black outside the picture."""
        return self.array(
            "crops", (CROP, CROP, 3), np.uint8, lambda a: self._cut(a, ALIGN.template)
        )

    @cached_property
    def wides(self) -> Array:
        """(n, 160, 160, 3) uint8 RGB: the crop with a margin of three fourteenths of it around."""
        return self.array("wides", (WIDE, WIDE, 3), np.uint8, lambda a: self._cut(a, WIDE_TEMPLATE))

    def _cut(self, out: Array, template: Array) -> None:
        for i, picture in self.pictures():
            out[i] = align(picture, self.rows[i]["points"], template, out.shape[1])[0]

    @cached_property
    def meshes(self) -> Array:
        """(n, 469, 3) float32: the landmark teacher's 468 points in crop pixels, then its score."""
        return self.array("meshes", (469, 3), np.float32, self._label)

    def _label(self, out: Array) -> None:
        from models.teachers import Landmarks

        teacher = Landmarks(self.shared)
        for i, picture in self.pictures():
            points = self.rows[i]["points"]
            mesh, score = teacher(picture, points)
            matrix = similarity(points, ALIGN.template * CROP)
            out[i, :468, :2] = apply(matrix, mesh[:, :2])
            out[i, :468, 2] = mesh[:, 2] * np.sqrt(np.linalg.det(matrix[:, :2]))
            out[i, 468] = score

    @cached_property
    def who(self) -> Rows:
        """(n, 256) float32 unit: reid0095's embedding, the mean of each picture and its mirror."""
        path = self.cache / f"{self.split}-who.npy"
        return Rows(path, self.n, (256,), np.float32, self._recognise)

    def _recognise(self, rows: Array) -> Array:
        import torch

        from models.teachers import reid_crop

        crops = torch.from_numpy(self.crops[rows]).permute(0, 3, 1, 2)
        small = reid_crop(crops.float() / 255)
        with torch.no_grad():
            both = self._recogniser(small) + self._recogniser(small.flip(3))
        return torch.nn.functional.normalize(both).numpy()

    @cached_property
    def _recogniser(self) -> Callable:
        from models.teachers import recogniser

        return recogniser(self.shared, "reid0095")

    @cached_property
    def sets(self) -> Array:
        """(n,) the name of the set that each row comes from."""
        return np.array([row["set"] for row in self.rows])

    @cached_property
    def people(self) -> Array:
        """(n,) the name of the person on each row."""
        return np.array([row["identity"] for row in self.rows])


def backgrounds(shared: Path) -> list[Array]:
    """Scenes without faces, (h, w, 3) uint8 RGB."""
    return [picture for _, picture in read_zip(Path(shared) / "faces" / "backgrounds.zip")]


def mean_mesh(faces: Faces) -> Array:
    """(468, 3) float32: the mean of the frontal half of the meshes in crop pixels, symmetric."""
    yaw = np.abs([row["yaw"] for row in faces.rows])
    good = (yaw < 0.08) & (faces.meshes[:, 468, 0] > 0.9)
    mean = faces.meshes[np.flatnonzero(good), :468].mean(0, dtype=np.float64)
    mirrored = mean[mirror_order(mean)] * [-1, 1, 1] + [CROP - 1, 0, 0]
    return ((mean + mirrored) / 2).astype(np.float32)


def mirror_order(mean: Array) -> Array:
    """(468,) int: which point of a mirrored mesh takes the place of each point."""
    mirrored = mean * [-1, 1, 1] + [2 * mean[:, 0].mean(), 0, 0]
    distance = np.linalg.norm(mean[:, None] - mirrored[None], axis=2)
    order = linear_sum_assignment(distance)[1]
    if (order[order] != np.arange(len(order))).any():
        raise ValueError("mirror_order: the mesh is not symmetric enough to pair its points")
    return order
