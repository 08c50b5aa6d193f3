"""What a training picture may suffer: geometry, light, blur, noise, things in front of the face.

Functions of arrays and a generator; each is cheap enough for one thread beside the training.
"""

from __future__ import annotations

import cv2
import numpy as np

Array = np.ndarray
Rng = np.random.Generator


def jitter(
    rng: Rng, inside: int, outside: int, *, turn: float, zoom: float, shift: float, flip: bool
) -> Array:
    """A random (3, 3) matrix from a wide crop's pixels to a smaller one cut around its middle.

    inside, outside: sides of the small and of the wide crop in pixels, the same scale.
    turn: degrees. zoom: largest change of scale, as log. shift: of the small side. flip: mirror.
    """
    angle = np.deg2rad(rng.uniform(-turn, turn))
    scale = np.exp(rng.uniform(-zoom, zoom))
    a, b = scale * np.cos(angle), scale * np.sin(angle)
    middle, centre = (outside - 1) / 2, (inside - 1) / 2
    dx, dy = rng.uniform(-shift, shift, 2) * inside
    matrix = np.array([[a, -b, 0], [b, a, 0], [0, 0, 1]])
    if flip:
        matrix = matrix @ np.diag([-1.0, 1, 1])
    matrix[:2, 2] = centre + np.array([dx, dy]) - matrix[:2, :2] @ [middle, middle]
    return matrix


def photometric(rng: Rng, image: Array, strength: float = 1.0) -> Array:
    """Light, colour, softness and noise of another camera. image: (h, w, 3) uint8 RGB."""
    ramp = np.arange(256, dtype=np.float32) / 255
    gamma = np.exp(rng.normal(0, 0.35 * strength))
    gain = np.exp(rng.normal(0, 0.15 * strength)) * np.exp(rng.normal(0, 0.06 * strength, 3))
    if rng.random() < 0.08 * strength:
        gain = gain * rng.uniform(0.15, 0.5)  # a dark room
    table = ramp[:, None] ** gamma * gain + rng.normal(0, 0.03 * strength)
    image = cv2.LUT(image, (np.clip(table, 0, 1) * 255).astype(np.uint8)[:, None])
    if rng.random() < 0.3 * strength:
        image = soften(rng, image)
    if rng.random() < 0.1 * strength:
        image = np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    if rng.random() < 0.25 * strength:
        noise = rng.normal(0, rng.uniform(2, 12), image.shape)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    return image


def soften(rng: Rng, image: Array) -> Array:
    """Out of focus, or few pixels to begin with."""
    side = image.shape[0]
    if rng.random() < 0.5:
        return cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 2.0))
    few = int(side * rng.uniform(0.25, 0.8))
    return cv2.resize(cv2.resize(image, (few, few), interpolation=cv2.INTER_AREA), (side, side))


def occlude(rng: Rng, image: Array, other: Array) -> Array:
    """A turned patch of another picture, or of one colour, in front of this one. (h, w, 3) uint8"""
    side = image.shape[0]
    size = tuple(rng.uniform(0.15, 0.55, 2) * side)
    box = cv2.boxPoints((tuple(rng.uniform(0, side, 2)), size, rng.uniform(0, 180)))
    mask = np.zeros((side, side), np.uint8)
    cv2.fillConvexPoly(mask, box.astype(np.int32), 1)
    cover = other if rng.random() < 0.6 else rng.integers(0, 256, 3).astype(np.uint8)
    return np.where(mask[..., None] > 0, cover, image)


def veil(rng: Rng, image: Array, hull: Array) -> Array:
    """The face bent and blurred in its own place, so that its likeness cannot be copied from here.

    image: (s, s, 3) uint8. hull: (s, s) uint8, 255 where the face is. Pose, light and expression
    can still be read.
    """
    side = len(image)
    bent = cv2.resize(rng.normal(0, 0.02 * side, (5, 5, 2)).astype(np.float32), (side, side),
                      interpolation=cv2.INTER_CUBIC)  # fmt: skip
    where = np.dstack(np.meshgrid(*[np.arange(side, dtype=np.float32)] * 2)) + bent
    face = cv2.remap(image, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    face = cv2.GaussianBlur(face, (0, 0), rng.uniform(0.005, 0.05) * side)
    share = hull[..., None].astype(np.float32) / 255
    return np.rint(image + share * (face.astype(np.float32) - image)).astype(np.uint8)
