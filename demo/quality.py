"""`quality` measures what makes a face in a camera hard to swap, and says what would help.

It knows one frame and one face. It knows nothing of what is done with them.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from demo.align import crop_pixels, warp_crop
from demo.detect import Face
from demo.mesh import mesh, pose
from demo.pack import Pack

Array = np.ndarray
DARK, BRIGHT = 60, 215  # levels of 255, the face's mean luma
SMALL = 90  # pixels of the frame along the crop's side
TURNED = 25  # degrees of yaw
SOFT = 0.022  # see `sharpness`: whole portraits have 0.03 to 0.06, a blur of 2 pixels leaves 0.016
SIDE = 112  # pixels, the size at which sharpness is compared
INSIDE = np.s_[56:200, 40:184]  # of a crop of 224 pixels: brows to chin
FACE = np.s_[28:100, 20:92]  # the same of SIDE pixels


@dataclass(frozen=True)
class Quality:
    """brightness: 0..255. size: pixels of the frame along the crop. yaw: degrees, signed.
    sharpness: the finest band's share of the brightness. cut: by the edge of the frame."""

    brightness: float
    size: float
    yaw: float
    sharpness: float
    cut: bool


def measure(pack: Pack, frame: Array, face: Face) -> Quality:
    """frame: (h, w, 3) uint8 RGB. Costs an aligned crop and one run of the mesh network."""
    crop, matrix = pack.align(frame, face)
    found = mesh(pack.mesh, crop)
    yaw, _, _ = pose(found.points, pack.manifest.mesh.mean)
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    height, width = frame.shape[:2]
    low, high = face.points.min(0), face.points.max(0)
    edge = (high - low).max() / 4  # the points lie well inside of the face
    cut = bool((low < edge).any() or (high > (width - edge, height - edge)).any())
    size = crop_pixels(matrix, len(crop))
    return Quality(float(grey[INSIDE].mean()), size, yaw, sharpness(frame, matrix), cut)


def sharpness(frame: Array, matrix: Array) -> float:
    """Mean strength of the finest band of a face at SIDE pixels, whatever its size in the frame.

    As a share of the mean luma, so that the dark is not taken for blur. A face of fewer pixels
    cannot be sharp there; `SMALL` speaks for it.
    """
    zoom = SIDE / 224
    coarse = np.asarray(matrix, np.float64) * zoom
    coarse[:, 2] += (zoom - 1) / 2
    crop = cv2.cvtColor(warp_crop(frame, coarse, SIDE), cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = np.abs(crop - cv2.GaussianBlur(crop, (0, 0), 1.5))
    return float(fine[FACE].mean() / max(crop[FACE].mean(), 1.0))


def advise(quality: Quality | None) -> list[str]:
    """What to do, most helpful first; nothing when all is well."""
    if quality is None:
        return []
    q = quality
    lit = DARK <= q.brightness <= BRIGHT
    return [words for wrong, words in (
        (q.brightness < DARK, "Turn to the light: your face is dark."),
        (q.brightness > BRIGHT, "Less light, please: your face is overexposed."),
        (q.size < SMALL, "Come closer: your face is small."),
        (q.cut, "Move to the middle: your face is cut off."),
        (abs(q.yaw) > TURNED, "Face the camera: your head is turned."),
        (lit and q.size >= SMALL and q.sharpness < SOFT, "Hold still, or wipe the lens."),
    ) if wrong]  # fmt: skip
