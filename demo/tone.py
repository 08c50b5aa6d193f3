"""`tone` brings HDR colours to what an ordinary screen shows, as a table that a filter looks up.

It knows two curves (ITU-R BT.2100) and one table. It knows nothing of files or frames.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray
WHITE, PEAK = 203.0, 1000.0  # nits: white paper (BT.2408), the brightest that is kept apart
KNEE = 0.6  # of white, up to which light passes unchanged
GAMMA = 2.2  # of the screen
TO_709 = np.array([  # linear light, from BT.2020's primaries (BT.2087, inverted)
    [1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187],
])  # fmt: skip


def nits(signal: Array, curve: str) -> Array:
    """Light of a screen that shows `signal` (..., 3), RGB 0..1 in the curve's code. pq or hlg."""
    if curve == "pq":
        root = signal ** (32 / 2523)
        low, high, steep = 3424 / 4096, 2413 / 128, 2392 / 128
        return 10_000 * (np.maximum(root - low, 0) / (high - steep * root)) ** (16384 / 2610)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    bright = scene @ (0.2627, 0.6780, 0.0593)
    return PEAK * scene * bright[..., None] ** 0.2


def screen(light: Array) -> Array:
    """Nits (..., 3) in BT.2020's primaries -> RGB 0..1 of an ordinary screen.

    Above the knee the brightest channel is bent towards white, and the others with it: the hue
    stays.
    """
    linear = np.maximum(light / WHITE @ TO_709.T, 0)
    most = linear.max(-1, keepdims=True)
    steep = (PEAK / WHITE - KNEE) / (1 - KNEE)
    over = np.clip((most - KNEE) / (PEAK / WHITE - KNEE), 0, 1)
    bent = KNEE + (1 - KNEE) * steep * over / (1 + (steep - 1) * over)
    return np.clip(linear * np.where(most > KNEE, bent / np.maximum(most, 1e-9), 1), 0, 1) ** (
        1 / GAMMA
    )


def cube(curve: str, side: int = 33) -> str:
    """The table as the text of a .cube file, red changing fastest."""
    steps = np.linspace(0, 1, side)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    table = screen(nits(np.stack([red, green, blue], -1), curve)).reshape(-1, 3)
    rows = "\n".join(" ".join(f"{value:.5f}" for value in row) for row in table)
    return f"LUT_3D_SIZE {side}\n{rows}\n"
