"""How a face looks, as 256 numbers: principal components of its texture on the mean mesh.

The texture is 64x64 pixels on the mean mesh's plane, minus its own blur, so that light and skin
tone, which the swap takes from the target, do not count (training.md, "what the condition must
hold": 256 components keep 88 % of the variance on held-out people).
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import torch
from filelock import FileLock
from scipy.spatial import Delaunay

from models.data import Faces, mean_mesh

Array = np.ndarray
SIDE, SIZE = 64, 256  # pixels of the texture; components kept


class Look:
    """Coefficients of every face of a split, on a basis learnt from the training split."""

    def __init__(self, train: Faces):
        self.train = train
        self.mean = mean_mesh(train)
        low, high = self.mean[:, :2].min(0), self.mean[:, :2].max(0)
        grid = np.stack(np.meshgrid(*np.linspace(low, high, SIDE).T), -1)
        net = Delaunay(self.mean[:, :2])
        index = net.find_simplex(grid.reshape(-1, 2))
        self.inside = (index >= 0).reshape(SIDE, SIDE)
        self.corners = net.simplices[np.maximum(index, 0)]  # (64 * 64, 3) points of each pixel
        bend = net.transform[np.maximum(index, 0)]
        two = np.einsum("nij,nj->ni", bend[:, :2], grid.reshape(-1, 2) - bend[:, 2])
        self.weights = np.column_stack([two, 1 - two.sum(1)])  # (64 * 64, 3) barycentric

    def texture(self, crop: Array, mesh: Array) -> Array:
        """crop (s, s, 3) uint8, mesh (468, 3) in its pixels -> (64, 64, 3) float32, no light."""
        where = np.einsum("nk,nkj->nj", self.weights, mesh[self.corners, :2]).astype(np.float32)
        flat = cv2.remap(crop, where.reshape(SIDE, SIDE, 2), None, cv2.INTER_LINEAR)
        flat = flat.astype(np.float32) / 255
        return (flat - cv2.GaussianBlur(flat, (0, 0), 8)) * self.inside[..., None]

    def textures(self, faces: Faces) -> Array:
        """(n, 64 * 64 * 3) float16."""

        def fill(out: Array) -> None:
            for i in range(faces.n):
                out[i] = self.texture(faces.crops[i], faces.meshes[i, :468]).ravel()

        return faces.array("textures", (SIDE * SIDE * 3,), np.float16, fill)

    @cached_property
    def basis(self) -> tuple[Array, Array]:
        """Mean (12288,) and components (12288, 256) of the training textures."""
        path = self.train.cache / "look.npz"
        with FileLock(path.with_suffix(".lock")):  # of several processes one makes it
            if not path.exists():
                self.learn(path)
        kept = np.load(path)
        return kept["mean"], kept["components"]

    def learn(self, path: Path) -> None:
        """Write the mean and the components to `path`."""
        data = torch.from_numpy(self.textures(self.train).astype(np.float32))
        mean = data.mean(0)
        torch.manual_seed(0)
        components = torch.pca_lowrank(data - mean, q=SIZE + 32, center=False, niter=3)[2]
        part = path.with_suffix(".part.npz")
        np.savez(part, mean=mean.numpy(), components=components[:, :SIZE].numpy())
        part.rename(path)

    def coefficients(self, faces: Faces, *, mirrored: bool = False) -> Array:
        """(n, 256) float32, a unit vector each; of the mirrored faces, whose mesh is symmetric."""

        def fill(out: Array) -> None:
            mean, components = self.basis
            for part in np.array_split(np.arange(faces.n), 32):
                flat = self.textures(faces)[part].astype(np.float32)
                if mirrored:
                    flat = flat.reshape(-1, SIDE, SIDE, 3)[:, :, ::-1].reshape(len(part), -1)
                raw = (flat - mean) @ components
                out[part] = raw / np.linalg.norm(raw, axis=1, keepdims=True)

        return faces.array("look-mirrored" if mirrored else "look", (SIZE,), np.float32, fill)


class Codes:
    """What `encode` should answer: (512,) float32 unit of a row, who it is and how it looks."""

    def __init__(self, faces: Faces, look: Look, *, mirrored: bool = False):
        self.who, self.look = faces.who, look.coefficients(faces, mirrored=mirrored)

    def __getitem__(self, rows: int | Array) -> Array:
        return np.concatenate([self.who[rows], self.look[rows]], axis=-1) / np.float32(2**0.5)
