"""Faces of whole pictures as the detector teacher sees them, found once and kept in the cache.

The main face's points come from the table; its box, and any other face, from the teacher.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from filelock import FileLock

from demo.detect import Options, Session, look
from demo.sessions import open_session
from models.data import Faces

Array = np.ndarray
SURE = 0.5  # teacher's score from which another face in the picture is learnt; below: not judged
LOOK = Options(size=256, score=0.25)
BORDER = 0.15  # of the longer side: many pictures end at the chin or the forehead


@dataclass(frozen=True)
class Labels:
    """Faces of one picture, in its pixels; the first is the one of the table."""

    boxes: Array  # (n, 4) float32, x0 y0 x1 y1
    points: Array  # (n, 5, 2) float32
    sure: Array  # (n,) bool, a face to learn; else a place not to judge


def teacher(shared: Path) -> Session:
    """SCRFD 2.5g as a session of `demo.detect`, on one thread."""
    path = shared / "teachers" / "scrfd_2.5g.onnx"
    net = open_session(path, device="cpu", threads=1)
    return lambda image: net(**{"input.1": image})


def read_labels(faces: Faces) -> list[Labels]:
    """One `Labels` per row of the split; made at the first call (minutes), then read."""
    path = faces.cache / f"{faces.split}-boxes.npz"
    with FileLock(path.with_suffix(".lock")):  # of several processes one makes it
        if not path.exists():
            session, rows = teacher(faces.shared), []
            for i, picture in faces.pictures():
                found = look(session, picture, LOOK, BORDER)
                rows += [(i, *face.box, *face.points.ravel(), face.score) for face in found]
            part = path.with_suffix(".part.npz")
            np.savez_compressed(part, rows=np.array(rows, np.float32))
            part.rename(path)
    rows = np.load(path)["rows"]
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    cuts = np.searchsorted(rows[:, 0], np.arange(faces.n + 1))
    return [
        merge(faces.rows[i]["points"], rows[a:b, 1:]) for i, (a, b) in enumerate(pairwise(cuts))
    ]


def merge(points: Array, found: Array) -> Labels:
    """The table's points (5, 2) first, with the box of the teacher's face that has them.

    found: (n, 15) box, points, score. When the teacher missed the face, a box made of its points.
    """
    boxes, spots, scores = found[:, :4], found[:, 4:14].reshape(-1, 5, 2), found[:, 14]
    eye = max(np.linalg.norm(points[0] - points[1]), np.linalg.norm(points[2] - points[3]) / 2)
    away = np.linalg.norm(spots - points, axis=2).mean(1) / eye
    mine = int(away.argmin()) if len(away) and away.min() < 0.35 else None
    box = boxes[mine] if mine is not None else box_of(points)
    others = [i for i in range(len(boxes)) if i != mine]
    return Labels(
        np.concatenate([box[None], boxes[others]]),
        np.concatenate([points[None], spots[others]]),
        np.concatenate([[True], scores[others] >= SURE]),
    )


def box_of(points: Array) -> Array:
    """(4,) float32, the box that the teacher would draw around five points, roughly."""
    x, y = points.mean(0)
    reach = 2.1 * np.abs(points - [x, y]).max()
    return np.array([x - 0.8 * reach, y - 1.1 * reach, x + 0.8 * reach, y + reach])
