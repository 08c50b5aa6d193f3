"""What a swap is measured by: functions of arrays, each of which can be checked by hand."""

from __future__ import annotations

import cv2
import numpy as np

from demo.mesh import rotation

Array = np.ndarray
EYES = (33, 263)  # outer corners in the mesh; their distance is the unit of landmark errors
TONES = ((41, "light"), (28, "medium"), (10, "tan"), (-91, "dark"))  # ITA in degrees, at least


def auc(score: Array, truth: Array) -> float:
    """Area under the ROC curve: how often a true pair scores above a false one. (n,), (n,) bool"""
    rank = score.argsort().argsort() + 1.0
    true = truth.sum()
    return float((rank[truth].sum() - true * (true + 1) / 2) / (true * (~truth).sum()))


def retrieved(found: Array, gallery: Array, people: Array, wanted: Array) -> Array:
    """(n,) bool: does the nearest of the gallery show the wanted person? Unit embeddings."""
    return people[(found @ gallery.T).argmax(1)] == wanted


def pose_error(a: Array, b: Array, mean: Array) -> float:
    """Angle in degrees between the heads of two meshes (468, 3): that of one turn to the other."""
    turn = rotation(a, mean) @ rotation(b, mean).T
    return float(np.rad2deg(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))))


def landmark_error(a: Array, b: Array, which: Array | slice = slice(None)) -> float:
    """Mean distance of points in % of b's eye distance. a, b: (468, 3), x y of the same picture."""
    unit = np.linalg.norm(b[EYES[0], :2] - b[EYES[1], :2])
    return float(100 * np.linalg.norm((a - b)[which, :2], axis=1).mean() / unit)


def inner_points(mean: Array) -> Array:
    """Indices of eyes, brows, nose and mouth: points well inside the mean mesh's outline."""
    middle = mean[:, :2].mean(0)
    far = np.abs((mean[:, :2] - middle) / np.ptp(mean[:, :2], axis=0)).max(1)
    return np.flatnonzero(far < 0.32)


def oval(points: Array, contour: Array, shape: tuple[int, ...], grow: int = 0) -> Array:
    """(h, w) bool: the mesh's outline filled, `grow` pixels wider."""
    inside = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(inside, [np.rint(points[contour, :2]).astype(np.int32)], 1)
    return cv2.dilate(inside, np.ones((2 * grow + 1, 2 * grow + 1), np.uint8)) > 0


def sharpness(frame: Array, other: Array, inside: Array) -> float:
    """Mean size of the Laplacian inside, frame over other: 1 is as sharp."""
    size = [np.abs(cv2.Laplacian(cv2.cvtColor(f, cv2.COLOR_RGB2GRAY), cv2.CV_32F))[inside].mean()
            for f in (frame, other)]  # fmt: skip
    return float(size[0] / max(size[1], 1e-6))


def tint(frame: Array, other: Array, inside: Array) -> float:
    """Mean difference of LAB's a and b inside, after a wide blur: colours that do not belong."""
    sigma = np.sqrt(inside.sum()) / 8
    planes = [lab(cv2.GaussianBlur(f, (0, 0), sigma))[inside][:, 1:] for f in (frame, other)]
    return float(np.linalg.norm(planes[0] - planes[1], axis=1).mean())


def lab(frame: Array) -> Array:
    """(h, w, 3) uint8 RGB -> CIELAB float32, L 0..100."""
    return cv2.cvtColor(frame.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


def outside(frame: Array, other: Array, inside: Array) -> float:
    """Mean absolute difference where the face is not, in 0..1."""
    return float(np.abs(frame.astype(np.int16) - other)[~inside].mean() / 255)


def tone(frame: Array, points: Array, cheeks: Array) -> str:
    """Apparent skin tone of a face by the individual typology angle of its cheeks."""
    high, wide = frame.shape[:2]
    x, y = np.clip(np.rint(points[cheeks, :2]), 0, (wide - 1, high - 1)).astype(int).T
    light, _, yellow = np.median(lab(cv2.GaussianBlur(frame, (0, 0), 2))[y, x], axis=0)
    angle = np.rad2deg(np.arctan2(light - 50, max(yellow, 1e-3)))
    return next(name for least, name in TONES if angle > least)
