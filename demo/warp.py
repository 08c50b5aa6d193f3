"""`warp` needs no learning: it paints the source's own pixels on the target's mesh.

The target keeps its light, its open mouth and its outline. It knows two aligned faces and their
meshes; it knows nothing of frames, sessions or identities.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

Array = np.ndarray
DETAIL = (0.4, 1.25)  # how far the target's light may dim or lift the source's detail
SAFE, GONE = 22, 34  # degrees between the two heads: full strength up to here, nothing from there
FOCUS = (0.3, 1.7)  # how far the finest band may be dimmed or lifted
SIDES = 0.08  # of a crop, along which a patch fades out towards its sides
SKIN = np.float32([30, 9, 9]) ** 2  # spread of L, a, b (8 bit) within one face's skin, squared


@dataclass(frozen=True)
class Source:
    """crop: (s, s, 3) uint8 RGB, the source aligned. points: (468, 3) its mesh in crop pixels.
    cover: (s, s) float32, how surely something lies over its forehead."""

    crop: Array
    points: Array
    cover: Array

    @classmethod
    def of(cls, crop: Array, points: Array, topology: Any) -> Source:
        return cls(crop, points, covered(crop, points, topology))


def warp(source: Source, crop: Array, mesh: Any, topology: Any) -> tuple[Array, Array]:
    """source, and a target's crop (s, s, 3) uint8 RGB with its Mesh in crop pixels -> patch, mask.

    patch: like crop. mask: (s, s) float32, 0 keep .. 1 swap. topology: `Manifest.mesh`.
    """
    size = len(crop)
    where, inside = carry(source.points, mesh.points, topology, size)
    painted = cv2.remap(source.crop, where, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    lit = refocus(relight(painted, crop, inside), crop, inside)
    free = 1 - np.maximum(
        covered(crop, mesh.points, topology),
        cv2.remap(source.cover, where, None, cv2.INTER_LINEAR),
    )
    kept = 1 - mouth(mesh.points, topology, size)
    # A chin may reach beyond the source's crop: nothing of the source is known there.
    known = cv2.remap(border(len(source.crop)), where, None, cv2.INTER_LINEAR)
    return lit, hull(mesh.points, topology, size) * free * kept * known


def carry(source: Array, target: Array, topology: Any, size: int) -> tuple[Array, Array]:
    """Where each pixel of the target's face lies in the source: map (s, s, 2), inside (s, s)."""
    corners = topology.triangles
    depth = target[corners, 2].mean(1)
    label = np.full((size, size), -1, np.int32)
    fixed = np.rint(target[corners, :2] * 16).astype(np.int32)  # sixteenths of a pixel
    for i in np.argsort(-depth).tolist():  # the nearest is painted last
        cv2.fillConvexPoly(label, fixed[i], i, shift=4)
    inside = label >= 0
    ones = np.ones((len(corners), 3, 1), np.float32)
    base = np.concatenate([target[corners, :2], ones], axis=2)
    base[np.abs(np.linalg.det(base)) < 1e-3] = np.eye(3)
    maps = np.linalg.solve(base, source[corners, :2])  # (n, 3, 2)
    spots = np.flatnonzero(inside)
    x, y = (n.astype(np.float32)[:, None] for n in (spots % size, spots // size))
    which = label.ravel()[spots]
    by_x, by_y, shift = (np.take(maps[:, i], which, axis=0) for i in range(3))
    where = np.full((size, size, 2), -1, np.float32)
    where.reshape(-1, 2)[spots] = by_x * x + by_y * y + shift
    return where, inside


def relight(painted: Array, crop: Array, inside: Array, width: float = 0.11) -> Array:
    """The painted face in the target's light: both low frequencies are taken inside the face only.

    Light multiplies, so the detail is scaled with it, within DETAIL; what is left is added.
    width: of the blur, in crop sides.
    """
    sigma = width * len(crop)
    weight = inside.astype(np.float32)
    share = lowpass(weight, sigma)[..., None] + 1e-3
    theirs = lowpass(crop * weight[..., None], sigma) / share
    own = lowpass(painted * weight[..., None], sigma) / share
    gain = np.clip((theirs + 8) / (own + 8), *DETAIL)
    return np.clip((painted - own) * gain + theirs, 0, 255).astype(np.uint8)


def refocus(painted: Array, crop: Array, inside: Array) -> Array:
    """The painted face as sharp as the target's: its finest band is scaled to the same strength.

    A blurred video takes the edge off a sharp source; interpolation's own loss is given back.
    """
    sigma = max(0.8, len(crop) / 224)
    fine, theirs = (x - cv2.GaussianBlur(x, (0, 0), sigma) for x in (
        painted.astype(np.float32), crop.astype(np.float32)))  # fmt: skip
    where = inside.astype(np.uint8)
    theirs, own = (
        cv2.norm(x, cv2.NORM_L1, where) / max(3 * where.sum(), 1) for x in (theirs, fine)
    )
    ratio = theirs / (own + 1e-3)
    gain = np.clip(ratio, *FOCUS) - 1
    return np.clip(painted + gain * fine, 0, 255).astype(np.uint8)


def lowpass(image: Array, sigma: float) -> Array:
    """A wide blur, made at an eighth of the size."""
    size = image.shape[1::-1]
    small = cv2.resize(image, (size[0] // 8, size[1] // 8), interpolation=cv2.INTER_AREA)
    return cv2.resize(cv2.GaussianBlur(small, (0, 0), sigma / 8), size)


def hull(points: Array, topology: Any, size: int) -> Array:
    """(s, s) float32: 1 inside the mesh's oval, feathered inwards, 0 outside."""
    shape = np.zeros((size, size), np.uint8)
    cv2.fillPoly(shape, [np.rint(points[topology.oval, :2]).astype(np.int32)], 255)
    feather = max(3, round(size / 18))
    shape = cv2.erode(shape, np.ones((feather, feather), np.uint8))
    return cv2.GaussianBlur(shape, (0, 0), feather / 2.5).astype(np.float32) / 255


def covered(crop: Array, points: Array, topology: Any) -> Array:
    """(s, s) float32: how surely hair, cloth or a hat lies over the forehead of a crop.

    There, above the brows, what is far from the colour of the cheeks is no skin. Hair of the target
    stays in front of the new face; hair of the source is not painted on.
    """
    side = 112  # pixels: half a crop is fine enough for hair
    points = points * np.float32(side / len(crop))
    small = cv2.GaussianBlur(
        cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA), (0, 0), 1
    )
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.float32)
    x, y = np.clip(np.rint(points[topology.cheeks, :2]), 0, side - 1).astype(int).T
    skin = np.median(lab[y, x], axis=0)
    far = np.sqrt((np.square(lab - skin) / SKIN).sum(2))
    over = np.zeros((side, side), np.float32)
    cv2.fillPoly(over, [above_brows(points, topology, side)], 1.0)
    found = cv2.GaussianBlur(np.clip((far - 2.0) / 1.5, 0, 1) * over, (0, 0), 1.2)
    return cv2.resize(found, crop.shape[1::-1])


def above_brows(points: Array, topology: Any, size: int) -> Array:
    """(n, 2) int32: the region above the brows, out to the sides and up to the top of the crop."""
    edge = points[topology.brows, :2] + (0, -size / 60)
    out = [(-size, edge[0, 1]), *edge, (2 * size, edge[-1, 1]), (2 * size, -size), (-size, -size)]
    return np.rint(out).astype(np.int32)


@lru_cache(maxsize=8)
def border(size: int) -> Array:
    """(s, s) float32: 1 in a crop, falling to 0 at its sides. Not to be written to."""
    way = np.minimum(np.arange(size), np.arange(size)[::-1]) / (size * SIDES)
    ramp = np.clip(way, 0, 1).astype(np.float32)
    return np.minimum(ramp[:, None], ramp[None])


def bare(points: Array, topology: Any, size: int) -> Array:
    """(s, s) float32: where a face shows bare skin: its hull without eyes, brows and mouth."""
    shape = np.zeros((size, size), np.uint8)
    half = len(topology.brows) // 2
    for part in (
        [*topology.left_eye, *topology.brows[:half]],
        [*topology.right_eye, *topology.brows[half:]],
        topology.lips,
    ):
        outline = cv2.convexHull(np.rint(points[list(part), :2]).astype(np.int32))
        cv2.fillConvexPoly(shape, outline, 1)
    margin = size // 16  # lips and lashes reach beyond the points that trace them
    shape = cv2.dilate(shape, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1,) * 2))
    return hull(points, topology, size) * (1 - shape)


def mouth(points: Array, topology: Any, size: int) -> Array:
    """(s, s) float32: the inside of the target's lips, which stays the target's own."""
    shape = np.zeros((size, size), np.uint8)
    cv2.fillPoly(shape, [np.rint(points[topology.lips, :2]).astype(np.int32)], 255)
    return cv2.GaussianBlur(shape, (0, 0), size / 150).astype(np.float32) / 255


def fade(source: tuple, target: tuple) -> tuple[float, str]:
    """How far the source's view can stand for the target's: strength 0..1, and why if not 1.

    source, target: (yaw, pitch, roll) in degrees. A source shows one side of its face only; beyond
    these angles the other side would be smeared over the target. Roll does not matter: crops are
    upright.
    """
    apart = float(np.hypot(source[0] - target[0], source[1] - target[1]))
    strength = float(np.clip((GONE - apart) / (GONE - SAFE), 0, 1))
    if strength == 1:
        return 1.0, ""
    end = "left as it is" if strength == 0 else "faded"
    return strength, f"source and target are turned {apart:.0f} degrees apart, so a face was {end}"
