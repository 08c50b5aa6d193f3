"""`align` brings a face into the crop that every network was trained on, and back.

It knows five points and a template. It knows nothing of networks, identities or files.
"""

from __future__ import annotations

import cv2
import numpy as np

Array = np.ndarray
LARGEST = 512  # pixels, the largest crop that is cut at a frame's own resolution


def similarity(points: Array, target: Array) -> Array:
    """Least-squares rotation, uniform scale and shift (4 degrees of freedom, no mirror).

    points, target: (n, 2) float, n >= 2. Returns (2, 3) float64, points -> target.
    Umeyama 1991 in the plane, written with complex numbers.
    """
    p = np.asarray(points, np.float64) @ (1, 1j)  # (n,) complex
    q = np.asarray(target, np.float64) @ (1, 1j)
    dp, dq = p - p.mean(), q - q.mean()
    spread = np.vdot(dp, dp).real
    if spread == 0:
        raise ValueError("similarity: all points are the same; expected at least two distinct ones")
    a = np.vdot(dp, dq) / spread  # rotation and scale as one complex factor
    b = q.mean() - a * p.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def affine(points: Array, target: Array) -> Array:
    """Least-squares affine map (6 degrees of freedom), the fit of the published code.

    points, target: (n, 2) float, n >= 3. Returns (2, 3) float64, points -> target.
    """
    p = np.asarray(points, np.float64)
    ones = np.ones((len(p), 1))
    return np.linalg.lstsq(np.hstack([p, ones]), np.asarray(target, np.float64), rcond=None)[0].T


FITS = {"similarity": similarity, "affine": affine}
FINEST = {
    "similarity": 8,
    "affine": 1,
}  # samples along a crop's pixel; the published code takes one


def align(
    frame: Array, points: Array, template: Array, size: int, fit: str = "similarity"
) -> tuple[Array, Array]:
    """Cut one face out of a frame.

    frame: (h, w, 3) uint8 RGB. points: (5, 2) float32, x y in frame pixels.
    template: (5, 2), the same points in a crop of side 1. size: side of the crop in pixels.
    fit: "similarity" (ours) or "affine", which is the published code's answer, aliasing and all.
    Returns crop (size, size, 3) uint8 RGB, black outside the frame, and matrix (2, 3) float32,
    frame -> crop.
    """
    matrix = FITS[fit](points, np.asarray(template) * size)
    return warp_crop(frame, matrix, size, FINEST[fit]), matrix.astype(np.float32)


def warp_crop(frame: Array, matrix: Array, size: int, finest: int = 8) -> Array:
    """The crop that `matrix` (2, 3) cuts out of `frame`; large faces are averaged, not sampled.

    finest: at most so many samples along the side of a crop's pixel.
    """
    zoom = 1 / np.sqrt(abs(np.linalg.det(matrix[:, :2])))  # frame pixels per crop pixel
    over = int(np.clip(round(zoom), 1, finest))  # linear interpolation alone would alias
    fine = np.asarray(matrix, np.float64) * over
    fine[:, 2] += (over - 1) / 2  # pixel centres lie at whole numbers in both grids
    crop = cv2.warpAffine(frame, fine, (size * over, size * over), flags=cv2.INTER_LINEAR)
    return crop if over == 1 else cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA)


def invert(matrix: Array) -> Array:
    """(2, 3) frame -> crop becomes (2, 3) crop -> frame, float64."""
    return cv2.invertAffineTransform(np.asarray(matrix, np.float64))


def apply(matrix: Array, points: Array) -> Array:
    """Carry points (n, 2) through a (2, 3) matrix."""
    return np.asarray(points) @ matrix[:, :2].T + matrix[:, 2]


def crop_pixels(matrix: Array, size: int) -> float:
    """How many frame pixels lie along the side of a crop."""
    return size / float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))


def refine(frame: Array, matrix: Array, size: int) -> tuple[Array, float, Array]:
    """The same crop at the frame's own resolution: (crop, zoom >= 1, matrix)."""
    zoom = float(np.clip(crop_pixels(matrix, size), size, LARGEST)) / size
    fine = round(size * zoom)
    zoom = fine / size
    finer = matrix * zoom
    finer[:, 2] += (zoom - 1) / 2
    return warp_crop(frame, finer, fine), zoom, finer


def scaled(points: Array, zoom: float) -> Array:
    """Mesh points (n, 3) of a crop in the pixels of one `zoom` times as fine."""
    moved = points * np.float32(zoom)
    moved[:, :2] += np.float32((zoom - 1) / 2)
    return moved
