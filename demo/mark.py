"""`mark` hides in a picture's pixels that it is synthetic, and finds it again.

One bit, spread: a fixed pattern of signs on middle frequencies of the luma's 8x8 DCT blocks, in a
picture brought to a canonical size, so that it survives JPEG and resizing. It carries no message:
who made the picture, of whom or when is nobody's business. It knows nothing of files.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

Array = np.ndarray
SIDE = 512  # pixels, the canonical square in which the pattern lives
GAIN = 1.8  # levels (of 255) of the pattern's standard deviation in the luma
THRESHOLD = 6.0  # standard deviations; Gaussian noise passes once in 1e9, see tests
BAND = [(1, 2), (2, 1), (2, 2), (1, 3), (3, 1), (2, 3), (3, 2), (3, 3)]  # of an 8x8 block


def pattern() -> Array:
    """(512, 512) float32: +-1 signs in BAND of every block, carried back to pixels, unit spread."""
    signs = np.random.Generator(np.random.PCG64(20_220_101)).integers(0, 2, (SIDE, SIDE)) * 2 - 1
    chosen = np.zeros((8, 8), np.float32)
    chosen[tuple(np.array(BAND).T)] = 1
    spectrum = (signs * np.tile(chosen, (SIDE // 8, SIDE // 8))).astype(np.float32)
    return inverse(spectrum) / inverse(spectrum).std()


def blocks(plane: Array) -> Array:
    """(512, 512) -> (4096, 8, 8)"""
    n = SIDE // 8
    return plane.reshape(n, 8, n, 8).swapaxes(1, 2).reshape(-1, 8, 8)


def whole(parts: Array) -> Array:
    n = SIDE // 8
    return parts.reshape(n, n, 8, 8).swapaxes(1, 2).reshape(SIDE, SIDE)


BASIS = np.array(
    [[np.cos((2 * x + 1) * u * np.pi / 16) * (0.5 if u else 0.125**0.5) for x in range(8)]
     for u in range(8)], np.float32
)  # fmt: skip


def forward(plane: Array) -> Array:
    return whole(BASIS @ blocks(plane) @ BASIS.T)


def inverse(spectrum: Array) -> Array:
    return whole(BASIS.T @ blocks(spectrum) @ BASIS)


PATTERN = pattern()
SPECTRUM = forward(PATTERN)
USED = np.abs(SPECTRUM) > 1e-3


def mark(frame: Array) -> Array:
    """frame (h, w, 3) uint8 RGB -> the same with the mark, invisible (PSNR above 42 dB)."""
    height, width = frame.shape[:2]
    veil = cv2.resize(PATTERN, (width, height), interpolation=cv2.INTER_CUBIC)
    # Where the picture is flat the eye is keen: half there, all of it in texture.
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
    busy = cv2.boxFilter(np.abs(grey - cv2.boxFilter(grey, -1, (9, 9))), -1, (17, 17))
    strength = GAIN * np.clip(0.5 + busy / 16, 0.5, 1.0)
    return np.clip(np.rint(frame + (veil * strength)[..., None]), 0, 255).astype(np.uint8)


def mark_luma(plane: Array) -> None:
    """The same mark on a video's luma (h, w) uint8, 16..235, in place; a third of the time."""
    around = cv2.blur(plane, (9, 9))
    busy = cv2.blur(cv2.absdiff(plane, around), (17, 17))
    levels = np.clip(0.5 + np.arange(256) / 16, 0.5, 1.0).astype(np.float32)
    veil = stretched(*plane.shape) * cv2.LUT(busy, levels)
    plane[:] = cv2.add(plane, veil, dtype=cv2.CV_8U)


@lru_cache(maxsize=2)
def stretched(height: int, width: int) -> Array:
    """(h, w) float32: the pattern over a whole picture, in levels of a video's luma."""
    veil = cv2.resize(PATTERN, (width, height), interpolation=cv2.INTER_CUBIC)
    return veil * np.float32(GAIN * 219 / 255)


def score(frame: Array) -> float:
    """How many standard deviations the pattern stands out; about 0 +- 1 without the mark."""
    small = cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    spectrum = forward(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32))
    found, signs = spectrum[USED], np.sign(SPECTRUM[USED])
    # A picture's own texture is heavy-tailed; without bounds one edge would outvote the pattern.
    bound = 2 * np.median(np.abs(found)) + 0.5
    votes = np.clip(found, -bound, bound) * signs
    return float(votes.sum() / np.sqrt(np.square(votes).sum() + 1e-6))


def marked(frame: Array) -> bool:
    """Whether the mark is there, upright or mirrored as front cameras do."""
    return max(score(frame), score(frame[:, ::-1])) > THRESHOLD
