"""`label` writes "AI" into a picture, where everyone sees it, and can leave half of it as it was.

It knows pixels. It knows nothing of faces, or of who looks.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

Array = np.ndarray
TEXT = "AI"
PART = 18  # the label is a frame's shorter side divided by this, in pixels, high


def label(frame: Array) -> Array:
    """A frame (h, w, 3) uint8 RGB with the label in its lower right corner; a new frame."""
    frame = frame.copy()
    tag = drawn(max(14, min(frame.shape[:2]) // PART))
    tag = tag[: frame.shape[0], : frame.shape[1]]
    height, width = tag.shape[:2]
    margin = min(height // 2, frame.shape[0] - height, frame.shape[1] - width)
    y, x = frame.shape[0] - height - margin, frame.shape[1] - width - margin
    frame[y : y + height, x : x + width] = tag
    return frame


@cache
def drawn(height: int) -> Array:
    """(height, w, 3) uint8: white letters on a dark plate, readable on any picture."""
    scale = height / 30
    thick = max(1, round(scale * 1.5))
    (wide, high), _ = cv2.getTextSize(TEXT, cv2.FONT_HERSHEY_SIMPLEX, scale * 0.8, thick)
    tag = np.full((height, wide + height // 2, 3), 24, np.uint8)
    spot = (height // 4, (height + high) // 2)
    white = (255, 255, 255)
    return cv2.putText(tag, TEXT, spot, 0, scale * 0.8, white, thick, cv2.LINE_AA)


def split(before: Array, after: Array) -> Array:
    """Left half of one frame, right half of the other, and a line between them; a new frame."""
    middle = before.shape[1] // 2
    out = np.concatenate([before[:, :middle], after[:, middle:]], axis=1)
    out[:, middle - 1 : middle + 1] = 255
    return out
