"""`paste` lays a patch back into its frame, only inside the face's rectangle.

It knows one patch, one mask, one matrix. It knows nothing of who painted them.
"""

from __future__ import annotations

import cv2
import numpy as np

from demo.align import apply, invert

Array = np.ndarray
NOTHING = 1e-3  # a mask's value up to which the published code sees no face


def paste(frame: Array, patch: Array, mask: Array, matrix: Array, style: str = "plain") -> Array:
    """Blend a patch into a frame.

    frame: (h, w, 3) uint8 RGB. patch: (s, s, 3) uint8 RGB. mask: (s, s) float32, 0 keep .. 1 swap.
    matrix: (2, 3), frame -> crop. Returns a new frame; where the mask is 0 every bit stays.
    style: "plain" (ours), or "reference", the published code's, which samples linearly and rounds
    down; its patch may be float32, 0..255.
    """
    out, plain = frame.copy(), style == "plain"
    if plain:
        patch, mask, matrix = reduce(patch, mask, matrix)
    back = invert(matrix)
    x0, y0, x1, y1 = rectangle(back, len(patch), frame.shape)
    if x1 <= x0 or y1 <= y0:
        return out
    back[:, 2] -= (x0, y0)
    span = (x1 - x0, y1 - y0)
    share = cv2.warpAffine(mask, back, span)[..., None]
    kind = cv2.INTER_CUBIC if plain else cv2.INTER_LINEAR  # which softens the face once more
    painted = cv2.warpAffine(patch, back, span, flags=kind, borderMode=cv2.BORDER_REPLICATE)
    region = frame[y0:y1, x0:x1]
    mixed = region + share * (painted.astype(np.float32) - region)
    out[y0:y1, x0:x1] = (np.rint(mixed) if plain else mixed).astype(np.uint8)
    return out


def harden(mask: Array) -> Array:
    """The published code's mask from the network's, both (s, s) float32.

    Whatever is not nothing is the face: grown by 5 pixels, shrunk by 10, softened, and faded out
    towards the crop's sides.
    """
    block = np.ones((11, 11), np.uint8)
    face = np.where(mask > NOTHING, np.float32(1), mask)
    face = cv2.blur(cv2.erode(cv2.dilate(face, block), block, iterations=2), (7, 7))
    box = np.zeros_like(face)
    box[10:-10, 10:-10] = 1
    return face * cv2.blur(box, (11, 11))


def reduce(patch: Array, mask: Array, matrix: Array) -> tuple[Array, Array, Array]:
    """The same, with a patch much finer than the face averaged down: sampling would alias."""
    fine = int(np.sqrt(abs(np.linalg.det(matrix[:, :2]))) + 0.25)  # crop pixels per frame pixel
    if fine < 2:
        return patch, mask, matrix
    size = (len(patch) // fine, len(patch) // fine)
    zoom = size[0] / len(patch)
    coarse = np.asarray(matrix, np.float64) * zoom
    coarse[:, 2] += (zoom - 1) / 2  # pixel centres lie at whole numbers in both grids
    patch, mask = (cv2.resize(a, size, interpolation=cv2.INTER_AREA) for a in (patch, mask))
    return patch, mask, coarse


def rectangle(back: Array, size: int, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 of the frame's pixels that a crop of `size` reaches."""
    corners = apply(back, np.array([(0, 0), (size, 0), (0, size), (size, size)]) - 0.5)
    low = np.clip(np.floor(corners.min(0)), 0, shape[1::-1]).astype(int)
    high = np.clip(np.ceil(corners.max(0)) + 1, 0, shape[1::-1]).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])
