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
from models.look import Codes
from models.losses import rec
from models.networks.swap import resize
from models.pairs import Pairs


class Exam:
    """Held-out people of like pose."""

    def __init__(
        self,
        faces: Faces,
        judge: torch.jit.ScriptModule,
        size: int,
        codes: Codes,
        n: int = 36,
    ):
        self.faces, self.judge, self.size = faces, judge, size
        pairs = Pairs(faces, rounds=1, seed=1)
        sharp = np.isin(faces.sets, ("faker", "congress"))
        rows = pairs.rows[sharp[pairs.rows].all(1)]
        self.rows = rows[np.linspace(0, len(rows) - 1, n).astype(int)]
        self.codes = torch.from_numpy(codes[self.rows[:, 0]])
        topology = load(check=False).mesh
        made = np.stack([pairs.picture(*row, topology) for row in self.rows])
        made = torch.from_numpy(made).permute(0, 3, 1, 2).float() / 255
        self.answer, self.where = resize(made, size).split([3, 1], dim=1)
        masks = [hull(faces.meshes[t, :468], topology, CROP) for t in self.rows[:, 1]]
        self.hulls = torch.from_numpy(np.stack(masks))[:, None]

    def __call__(self, networks: nn.ModuleDict) -> dict[str, float]:
        """cos of the judge to source and target, in colour and grey; spread over identities.

        rec, apart: distance to the mesh engine's picture inside the face, and how much larger it is
        with another person's kernels: whether identity counts shows there long before a judge sees
        it. told_*: the same with the labels in place of the encoder's embedding.
        """
        source, target = (self.crops(column) for column in self.rows.T)
        swap = networks["swap"].eval()
        embedding, features = networks["encode"].eval()(source)
        small = resize(target, self.size).contiguous(memory_format=torch.channels_last)
        figures = {}
        for word, code in (("told_", self.codes), ("", embedding)):
            kernels = networks["inject"](code, features)
            one = paint(swap, small, kernels)
            wrong = rec(paint(swap, small, kernels.roll(1, 0)), self.answer, self.where).mean()
            right = rec(one, self.answer, self.where).mean()
            patch = resize(one, CROP) * self.hulls + target * (1 - self.hulls)
            figures |= {
                f"{word}rec": right.item(),
                f"{word}apart": (wrong - right).item(),
                f"{word}cos_source": self.cos(patch, source, grey=False),
            }
        self.sheet = torch.stack([source, target, patch])
        for tone, grey in (("", False), ("_grey", True)):
            for word, other in (("source", source), ("target", target)):
                figures[f"cos_{word}{tone}"] = self.cos(patch, other, grey)
        same = paint(swap, small[:1].expand(16, -1, -1, -1), kernels[:16])
        return {**figures, "spread": same.std(0).mean().item()}

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


def paint(swap: nn.Module, crops: Tensor, kernels: Tensor) -> Tensor:
    """Each crop with its own kernels."""
    both = zip(crops.split(1), kernels, strict=True)
    return torch.cat([swap.paint(crop, row)[0] for crop, row in both])
