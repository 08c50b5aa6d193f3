"""`encode` says who a face is. Run once per source; it knows nothing of targets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from demo.sessions import blob

Array = np.ndarray


@dataclass(frozen=True)
class Identity:
    """embedding: (512,) float32 unit. features: (512, 7, 7) float32, raw."""

    embedding: Array
    features: Array


def encode(session: Callable, crop: Array) -> Identity:
    """crop: (224, 224, 3) uint8 RGB, aligned -> Identity."""
    out = session(crop=blob(crop))
    return Identity(out["embedding"][0], out["features"][0])
