"""`paste` lays a patch back into its frame, only inside the face's rectangle."""

from __future__ import annotations

import cv2
import numpy as np

from demo.align import apply, invert

Array = np.ndarray


def paste(frame: Array, patch: Array, mask: Array, matrix: Array) -> Array:
    """frame (h, w, 3) uint8, patch (s, s, 3) uint8, mask (s, s) float32, matrix frame -> crop.

    Returns a new frame; pixels outside the crop are those of the old one.
    """
    h, w = frame.shape[:2]
    size = len(patch)
    back = invert(matrix)
    corners = apply(back, np.array([[0, 0], [size, 0], [0, size], [size, size]]))
    x0, y0 = np.clip(np.floor(corners.min(0)), 0, (w, h)).astype(int)
    x1, y1 = np.clip(np.ceil(corners.max(0)) + 1, 0, (w, h)).astype(int)
    out = frame.copy()
    if x1 <= x0 or y1 <= y0:
        return out
    back[:, 2] -= (x0, y0)
    span = (int(x1 - x0), int(y1 - y0))
    soft = cv2.warpAffine(mask.astype(np.float32), back, span)[..., None]
    painted = cv2.warpAffine(patch, back, span, borderMode=cv2.BORDER_REPLICATE)
    region = frame[y0:y1, x0:x1]
    mixed = region + soft * (painted.astype(np.float32) - region)
    out[y0:y1, x0:x1] = np.where(soft > 0, np.rint(mixed), region).astype(np.uint8)
    return out
