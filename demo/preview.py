"""`preview` is what a person chooses on: a smaller picture with a numbered box on each face.

It knows frames and faces. It knows nothing of the page that shows them.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from demo.detect import Face

Array = np.ndarray
SHOWN = 1280  # pixels, the longer side of pictures that are only looked at


def shrink(shape: tuple[int, ...]) -> float:
    return min(1.0, SHOWN / max(shape[:2]))


def small(frame: Array) -> Array:
    zoom = shrink(frame.shape)
    if zoom == 1.0:
        return frame
    return cv2.resize(frame, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)


def hit(frame: Array, faces: Sequence[Face], point: Sequence[float]) -> list[int]:
    """The number of the face at a point (x, y) of the preview's pixels, in a list, or none."""
    x, y = np.array(point) / shrink(frame.shape)
    boxes = [face.box for face in faces]
    return [i for i, (x0, y0, x1, y1) in enumerate(boxes) if x0 <= x <= x1 and y0 <= y <= y1][:1]


def boxed(frame: Array, faces: Sequence[Face], chosen: Sequence[int]) -> Array:
    """The preview: a numbered box on every face, bright where it is chosen."""
    picture, zoom = small(frame).copy(), shrink(frame.shape)
    thick = max(2, round(max(picture.shape[:2]) / 320))
    for number, face in enumerate(faces):
        x0, y0, x1, y1 = np.rint(face.box * zoom).astype(int).tolist()
        colour = (52, 211, 153) if number in chosen else (148, 163, 184)
        cv2.rectangle(picture, (x0, y0), (x1, y1), colour, thick, cv2.LINE_AA)
        label, size = str(number + 1), thick * 0.32
        (wide, high), _ = cv2.getTextSize(label, cv2.FONT_HERSHEY_SIMPLEX, size, thick)
        corner = (x0 + wide + 4 * thick, y0 + high + 4 * thick)
        cv2.rectangle(picture, (x0, y0), corner, colour, -1)
        spot = (x0 + 2 * thick, y0 + high + 2 * thick)
        cv2.putText(picture, label, spot, cv2.FONT_HERSHEY_SIMPLEX, size, (15, 23, 42), thick)
    return picture
