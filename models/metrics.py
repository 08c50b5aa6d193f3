"""What a swap is measured by: functions of arrays, each of which can be checked by hand."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.stats import rankdata

from demo.align import apply, invert
from demo.manifest import Topology
from demo.mesh import rotation

Array = np.ndarray
EYES = (33, 263)  # outer corners in the mesh; their distance is the unit of landmark errors
# Individual typology angle in degrees, more than (Del Bino and Bernerd 2013).
TONES = ((55, "very light"), (41, "light"), (28, "medium"), (10, "tan"), (-30, "brown"))


def auc(score: Array, truth: Array) -> float:
    """Area under the ROC curve: how often a true pair scores above a false one. (n,), (n,) bool"""
    rank, true = rankdata(score), truth.sum()  # ties share a rank: half a win each
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
    """Mean absolute difference where `inside` is not, in 0..1; 0 when it is everywhere."""
    off = np.abs(frame.astype(np.int16) - other)[~inside]
    return float(off.mean() / 255) if off.size else 0.0


def square(matrix: Array, size: int, shape: tuple[int, ...]) -> Array:
    """(h, w) bool: the pixels of a frame that an aligned crop is cut from, the rim with them."""
    side = size - 0.5
    corners = apply(invert(matrix), [(-0.5, -0.5), (side, -0.5), (side, side), (-0.5, side)])
    inside = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(inside, [np.rint(corners).astype(np.int32)], 1)
    return inside > 0


def skin(points: Array, topology: Topology, shape: tuple[int, ...]) -> Array:
    """(h, w) bool: inside the mesh's outline, without eyes, brows and lips."""
    inside = oval(points, topology.oval, shape)
    reach = round(np.linalg.norm(points[EYES[0], :2] - points[EYES[1], :2]) / 12)
    for part in (topology.left_eye, topology.right_eye, topology.lips, topology.brows):
        inside &= ~oval(points, part, shape, grow=reach)
    return inside


def ita(frame: Array, inside: Array) -> float:
    """Individual typology angle in degrees of the median colour inside: high is light."""
    light, _, yellow = np.median(lab(frame)[inside], axis=0)
    return float(np.rad2deg(np.arctan2(light - 50, max(yellow, 1e-3))))


def tone(angle: float) -> str:
    """Apparent skin tone; the light of the scene and the camera's colours are part of it."""
    return next((name for least, name in TONES if angle > least), "dark")
