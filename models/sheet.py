"""A contact sheet: one column a pair, one row a method, to look at before believing a number."""

from __future__ import annotations

import cv2
import numpy as np

Array = np.ndarray
TILE, LEFT = 168, 90  # pixels: a tile's side, the margin for the names


def sheet(rows: dict[str, list[Array]]) -> Array:
    """rows: name -> pictures (any size, uint8 RGB), the same number in each -> one picture."""
    lines = []
    for name, pictures in rows.items():
        label = np.full((TILE, LEFT, 3), 255, np.uint8)
        cv2.putText(label, name, (6, TILE // 2), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (20, 20, 20), 1,
                    cv2.LINE_AA)  # fmt: skip
        lines.append(np.hstack([label, *(tile(picture) for picture in pictures)]))
    return np.vstack(lines)


def tile(picture: Array) -> Array:
    return cv2.resize(picture, (TILE, TILE), interpolation=cv2.INTER_AREA)
