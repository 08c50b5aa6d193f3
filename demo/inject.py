"""`inject` turns an identity into kernels, and keeps them in a 44 KB file.

It knows an identity and the 22,291 numbers that are all the IDN needs of it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from demo.encode import Identity
from demo.errors import UnreadableError
from demo.manifest import Manifest

Array = np.ndarray


def inject(session: Callable, identity: Identity) -> Array:
    """identity -> kernels (22291,) float32: depthwise taps, then pointwise channel scales."""
    out = session(embedding=identity.embedding[None], features=identity.features[None])
    return out["kernels"][0]


def write_identity(path: Path | str, kernels: Array, manifest: Manifest) -> None:
    """The identity as a file: half precision, with the sum of the graph that it was made for."""
    data = save({"kernels": kernels.astype(np.float16)}, metadata={"graph": stamp(manifest)})
    Path(path).write_bytes(data)


def read_identity(path: Path | str, manifest: Manifest) -> Array:
    """kernels (22291,) float32 from an identity file.

    Raises UnreadableError when it is none, or when it was made for other weights.
    """
    name, data = Path(path).name, Path(path).read_bytes()
    expected = "expected an identity file written by `python -m demo identity`"
    try:
        kernels = load(data)["kernels"]
        length = int.from_bytes(data[:8], "little")
        header = data[8 : 8 + length]
    except (SafetensorError, KeyError) as error:
        raise UnreadableError(f"{name}: not an identity ({error}); {expected}") from error
    count = manifest.graphs["swap"].inputs["kernels"]
    if list(kernels.shape) != count or not np.isfinite(kernels).all():
        raise UnreadableError(f"{name}: got {list(kernels.shape)} numbers, expected {count}")
    if stamp(manifest).encode() not in header:
        raise UnreadableError(
            f"{name}: made for other weights than these; make it again from the picture"
        )
    return kernels.astype(np.float32)


def stamp(manifest: Manifest) -> str:
    """Which IDN the numbers fit: the first 16 digits of its sum."""
    return manifest.graphs["swap"].sha256[:16]
