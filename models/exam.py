"""`exam` looks at a painter while it is trained: is it like the source, on people it never saw?

Crops only, by a recogniser that takes no part in training. What counts at the end is measured by
`models/evaluate.py`, on whole pictures through the shipped path.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from demo.manifest import load
from demo.warp import hull
from models.data import CROP, Faces
from models.pairs import Pairs


class Exam:
    """Held-out people of like pose."""

    def __init__(self, faces: Faces, judge: torch.jit.ScriptModule, size: int, n: int = 36):
        self.faces, self.judge, self.size = faces, judge, size
        rows = Pairs(faces, rounds=1, seed=1).rows
        sharp = np.isin(faces.sets, ("faker", "congress"))
        rows = rows[sharp[rows].all(1)]
        self.rows = rows[np.linspace(0, len(rows) - 1, n).astype(int)]
        topology = load(check=False).mesh
        masks = [hull(faces.meshes[t, :468], topology, CROP) for t in self.rows[:, 1]]
        self.hulls = torch.from_numpy(np.stack(masks))[:, None]

    def __call__(self, networks: nn.ModuleDict) -> dict[str, float]:
        """cos of the judge to source and target, in colour and grey; spread over identities."""
        source, target = (self.crops(column) for column in self.rows.T)
        swap = networks["swap"].eval()
        kernels = networks["inject"](*networks["encode"].eval()(source))
        small = F.interpolate(target, (self.size, self.size), mode="bilinear", align_corners=False)
        small = small.contiguous(memory_format=torch.channels_last)
        one = torch.cat([swap.paint(c[None], k)[0] for c, k in zip(small, kernels, strict=True)])
        same = torch.cat([swap.paint(small[:1], k)[0] for k in kernels[:16]])
        patch = F.interpolate(one, (CROP, CROP), mode="bilinear", align_corners=False)
        patch = patch * self.hulls + target * (1 - self.hulls)
        self.sheet = torch.stack([source, target, patch])
        likeness = {
            f"cos_{word}{tone}": self.cos(patch, other, grey)
            for tone, grey in (("", False), ("_grey", True))
            for word, other in (("source", source), ("target", target))
        }
        return {**likeness, "spread": same.std(0).mean().item()}

    def picture(self) -> np.ndarray:
        """The last answers as a contact sheet (h, w, 3) uint8 RGB: sources, targets, patches."""
        tiles = self.sheet[:, ::3].permute(0, 3, 1, 4, 2).flatten(2, 3).flatten(0, 1)
        return (tiles.clamp(0, 1) * 255).byte().numpy()

    def crops(self, rows: np.ndarray) -> Tensor:
        crops = torch.from_numpy(np.asarray(self.faces.crops[rows]))
        return crops.permute(0, 3, 1, 2).float() / 255

    def cos(self, a: Tensor, b: Tensor, grey: bool) -> float:
        def embed(x: Tensor) -> Tensor:
            x = F.avg_pool2d(x, 2)
            return self.judge(x.mean(1, keepdim=True).expand(-1, 3, -1, -1) if grey else x)

        return (embed(a) * embed(b)).sum(1).mean().item()
