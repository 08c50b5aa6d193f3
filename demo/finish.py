"""`finish` makes a patch belong to its picture: colour at the seam, grain, what lies in front.

It knows a patch, the crop that it replaces and the mask. It knows nothing of who painted it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

Array = np.ndarray
SMALL = 56  # pixels, side at which colour is compared: the seam's tint is a soft thing
REACHES = (0.64, 0.16, 0.04, 0.02)  # of the side, how far the seam's tint is carried, in turn
HOLE = np.ones((9, 9), np.uint8)  # of SMALL: smaller gaps in a mask have no seam
ODD = 18.0  # L, a, b (8 bit): what differs more at the seam is hair or cloth, no tint
COARSEST = 6.0  # levels of grain at most
SKIN = np.float32([26, 8, 8])  # spread of L, a, b (8 bit) within one face's skin
SURE = (2.6, 4.2)  # spreads from the skin: nothing lies in front, something does


@dataclass(frozen=True)
class Finish:
    """What is done to a patch; all of it off is the patch as it was painted. tint: the seam's
    colour. sharp: as sharp as the target's face. grain: as noisy. front: what lies before it stays.
    """

    tint: bool = False
    sharp: bool = False
    grain: bool = False
    front: bool = False

    @classmethod
    def of(cls, words: Sequence[str]) -> Finish:
        """From the names of what is to be on. Raises ValueError for another word."""
        if odd := set(words) - set(cls.__dataclass_fields__):
            raise ValueError(f"finish {min(odd)!r}: expected {', '.join(cls.__dataclass_fields__)}")
        return cls(**dict.fromkeys(words, True))


def finish(patch: Array, crop: Array, mask: Array, how: Finish) -> Array:
    """patch, crop: (s, s, 3) uint8 RGB. mask: (s, s) float32, 0 keep .. 1 swap. -> like patch."""
    if how.tint:
        patch = tint(patch, crop, mask)
    if how.grain:
        patch = grain(patch, crop, mask)
    return patch


def tint(patch: Array, crop: Array, mask: Array) -> Array:
    """The patch with the difference at the seam carried inwards, so that none is left at it.

    The difference is taken in CIELAB where the mask is half, smoothed as a membrane stretched over
    the seam would be, and added to the patch.
    """
    small, target, share = (
        cv2.resize(a, (SMALL, SMALL), interpolation=cv2.INTER_AREA) for a in (patch, crop, mask)
    )
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    apart = cv2.cvtColor(target.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) - lab
    share = share / max(share.max(), 1e-6)  # a face that fades is no seam all over
    share = cv2.morphologyEx(share, cv2.MORPH_CLOSE, HOLE)  # nor is the mouth, which stays open
    seam = 4 * share * (1 - share) * np.exp(-np.square(apart).sum(2) / ODD**2)
    if seam.sum() < 1:
        return patch
    carried = spread(apart, seam)
    turned = cv2.cvtColor(lab + carried, cv2.COLOR_LAB2RGB) * 255 - small
    turned = cv2.resize(np.clip(turned, -60, 60), patch.shape[1::-1])
    return np.clip(np.rint(patch + turned), 0, 255).astype(np.uint8)


def spread(values: Array, weight: Array) -> Array:
    """values (n, n, 3), carried from where weight (n, n) is to where it is not, the near first."""
    out = (values * weight[..., None]).sum((0, 1)) / weight.sum() + np.zeros_like(values)
    for reach in REACHES:
        sigma = reach * len(weight)
        near = cv2.GaussianBlur(weight, (0, 0), sigma)[..., None]
        mean = cv2.GaussianBlur(values * weight[..., None], (0, 0), sigma) / (near + 1e-6)
        trust = near / (near + 0.02)
        out = out + trust * (mean - out)
    return out


def grain(patch: Array, crop: Array, mask: Array) -> Array:
    """Noise of the strength that the target's face had and the patch has not."""
    inside = mask > 0.5
    if not inside.any():
        return patch
    lack = noise(crop, inside) ** 2 - noise(patch, inside) ** 2
    level = min(float(np.sqrt(max(lack, 0))), COARSEST)
    if level < 0.3:
        return patch
    # The same picture has the same grain, another another: frames shimmer, and runs agree.
    dice = np.random.default_rng(int(crop.sum()))
    speck = dice.normal(0, level, patch.shape[:2]).astype(np.float32)
    return np.clip(np.rint(patch + speck[..., None]), 0, 255).astype(np.uint8)


def noise(frame: Array, inside: Array) -> float:
    """Standard deviation of a picture's noise, in levels (Immerkaer 1996, with a median)."""
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
    kernel = np.float32([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])
    return float(np.median(np.abs(cv2.filter2D(grey, -1, kernel)[inside])) * 1.4826 / 6)


def front(crop: Array, skin: Array, bare: Array) -> Array:
    """(s, s) float32, 0..1: how surely something lies in front of the bare skin of a face.

    skin: (n, 2) points that are skin on most faces. bare: (s, s) float32, where skin is expected.
    What is far from the colour of the face's own skin there is a microphone, cloth, long hair. A
    hand has the face's colour, paper is as bright as a lit cheek: they are not seen.
    """
    side = 112
    lab = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(cv2.GaussianBlur(lab, (0, 0), 1), cv2.COLOR_RGB2LAB).astype(np.float32)
    x, y = np.clip(np.rint(skin * side / len(crop)), 0, side - 1).astype(int).T
    far = np.sqrt(np.square((lab - np.median(lab[y, x], axis=0)) / SKIN).sum(2))
    found = np.clip((far - SURE[0]) / (SURE[1] - SURE[0]), 0, 1)
    found = cv2.morphologyEx(found.astype(np.float32), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    found = cv2.resize(cv2.GaussianBlur(found, (0, 0), 1.2), crop.shape[1::-1])
    return np.minimum(1, 1.5 * found) * bare
