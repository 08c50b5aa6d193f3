"""`python -m web.icons` draws web/icons/*.png after the shapes of icon.svg, for installed pages.

`icon-mask.png` keeps its drawing inside the circle that every launcher leaves whole.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

Array = np.ndarray
FOLDER = Path(__file__).with_name("icons")
SIDE, FINE = 512, 4  # pixels of the drawing; drawn FINE times as large, then averaged
GREEN, MINT, WHITE = (11, 110, 79), (155, 232, 203), (255, 255, 255)


def drawn(share: float = 1.0, corner: int = 112) -> Array:
    """(512, 512, 4) uint8 RGBA. share: of the side that the drawing takes. corner: its radius."""
    side = SIDE * FINE
    canvas = np.zeros((side, side, 3), np.uint8)
    canvas[:] = GREEN

    def at(x: float, y: float) -> tuple[int, int]:
        return tuple(round(((v - 256) * share + 256) * FINE) for v in (x, y))

    def size(value: float) -> int:
        return round(value * share * FINE)

    ellipse(canvas, at(176, 256), (size(92), size(132)), MINT, size(30))
    ellipse(canvas, at(336, 256), (size(110), size(150)), GREEN, -1)
    ellipse(canvas, at(336, 256), (size(92), size(132)), WHITE, -1)
    for x, radius, colour in ((302, 18, GREEN), (370, 18, GREEN), (140, 14, MINT), (196, 14, MINT)):
        cv2.circle(canvas, at(x, 236), size(radius), colour, -1, cv2.LINE_AA)
    mouth = (size(40), size(22))
    cv2.ellipse(canvas, at(336, 306), mouth, 0, 15, 165, GREEN, size(20), cv2.LINE_AA)
    alpha = rounded(side, corner * FINE)
    whole = np.dstack([canvas, alpha])
    return cv2.resize(whole, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def ellipse(canvas: Array, middle: tuple, axes: tuple, colour: tuple, thick: int) -> None:
    cv2.ellipse(canvas, middle, axes, 0, 0, 360, colour, thick, cv2.LINE_AA)


def rounded(side: int, radius: int) -> Array:
    """(side, side) uint8: 255 inside a square with round corners."""
    y, x = np.mgrid[:side, :side]
    out = [np.maximum(np.abs(v - (side - 1) / 2) - (side / 2 - radius), 0) for v in (x, y)]
    return np.where(np.hypot(*out) <= radius, 255, 0).astype(np.uint8)


def icons() -> dict[str, Array]:
    """File name -> (s, s, 4) uint8 RGBA."""
    whole = drawn()
    small = cv2.resize(whole, (192, 192), interpolation=cv2.INTER_AREA)
    return {"icon-192.png": small, "icon-512.png": whole, "icon-mask.png": drawn(0.8, 0)}


if __name__ == "__main__":
    for name, image in icons().items():
        cv2.imwrite(str(FOLDER / name), cv2.cvtColor(image, cv2.COLOR_RGBA2BGRA))
