"""`mesh` finds the 468 points of an aligned face and how the head is turned.

It knows one crop. It knows nothing of frames, identities or what the mesh is for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from demo.sessions import blob

Array = np.ndarray
SPOTS = (4, 78, 308)  # of the 468: tip of the nose, left and right corner of the mouth


@dataclass(frozen=True)
class Mesh:
    """points: (468, 3) float32, x y in crop pixels, z in the same unit, towards the camera
    negative. score: 0..1, whether there is a face at all."""

    points: Array
    score: float


def mesh(session: Callable, crop: Array) -> Mesh:
    """crop: (224, 224, 3) uint8 RGB, aligned -> Mesh."""
    out = session(crop=blob(crop))
    return Mesh(out["points"][0], float(out["score"][0, 0]))


def five(points: Array, topology: Any) -> Array:
    """(5, 2): middles of the eyes, tip of the nose, corners of the mouth. points: (468, 3)."""
    eyes = [points[list(eye), :2].mean(0) for eye in (topology.left_eye, topology.right_eye)]
    return np.vstack([*eyes, points[list(SPOTS), :2]])


def pose(points: Array, mean: Array) -> tuple[float, float, float]:
    """How a mesh is turned against the mean mesh, in degrees.

    points, mean: (468, 3). Returns yaw (positive: the face looks to the picture's right), pitch
    (positive: up) and roll (positive: clockwise). Rigid fit with scale, Kabsch 1976.
    """
    turned = rotation(points, mean)
    yaw = np.arctan2(-turned[0, 2], turned[2, 2])
    pitch = np.arcsin(np.clip(turned[1, 2], -1, 1))
    roll = np.arctan2(turned[1, 0], turned[0, 0])
    return tuple(float(np.rad2deg(angle)) for angle in (yaw, pitch, roll))


def rotation(points: Array, mean: Array) -> Array:
    """(3, 3) rotation that carries the centred mean onto the centred points, best fit."""
    a, b = mean - mean.mean(0), points - points.mean(0)
    u, _, vt = np.linalg.svd(b.T.astype(np.float64) @ a.astype(np.float64))
    flip = np.diag([1, 1, np.sign(np.linalg.det(u @ vt))])
    return u @ flip @ vt
