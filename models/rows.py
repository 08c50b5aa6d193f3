"""`rows` keeps arrays on disk whose rows are made when they are first asked for.

A training that is only tried for twenty steps does not wait for the labels of all faces. It knows
files and numbers of rows; it knows nothing of what is in them.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

Array = np.ndarray


class Rows:
    """(n, *shape) at `path`, read by `rows[i]` or `rows[several]`, never written from outside.

    make: (k,) numbers of rows -> (k, *shape). Several processes may share the file: a row is
    written whole before it is marked as made, and two that make the same row write the same.
    """

    def __init__(self, path: Path, n: int, shape: tuple, dtype: type, make: Callable):
        self.make = make
        self.values = shared(path, (n, *shape), dtype)
        self.made = shared(path.with_name(f"{path.stem}-made.npy"), (n,), np.bool_)

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: int | slice | Array) -> Array:
        wanted = np.atleast_1d(np.arange(len(self))[index])
        fresh = np.unique(wanted[~self.made[wanted]])
        for part in np.array_split(fresh, -(-len(fresh) // 64) or 1):
            if len(part):
                self.values[part] = self.make(part)
                self.made[part] = True
        return self.values[index]


def shared(path: Path, shape: tuple, dtype: type) -> Array:
    """A file of zeros that all processes map; whoever comes first makes it. Holes cost no disk."""
    if not path.exists():
        part = path.with_suffix(f".{os.getpid()}.part")
        open_memmap(part, "w+", dtype, shape).flush()
        with contextlib.suppress(FileExistsError):
            os.link(part, path)  # unlike a rename it never takes another's place
        part.unlink()
    return np.load(path, mmap_mode="r+")
