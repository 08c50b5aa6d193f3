"""`swap` paints one aligned face with the IDN. It knows nothing of video, identities or the screen.

The kernels are in the session already (`open_session(path, kernels=kernels)`), one session per
identity: that costs 10-20 ms once and saves half of every frame.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from demo.sessions import blob

Array = np.ndarray


def swap(session: Callable, crop: Array, rounded: bool = True) -> tuple[Array, Array]:
    """crop: (224, 224, 3) uint8 RGB, aligned -> patch like crop, mask (224, 224) float32 0..1.

    rounded: False leaves the patch float32, 0..255, as the published code pastes it.
    """
    out = session(crop=blob(crop))
    patch = out["patch"][0].transpose(1, 2, 0) * 255
    patch = np.clip(np.rint(patch), 0, 255).astype(np.uint8) if rounded else patch
    return patch, out["mask"][0, 0]
