"""`exam` looks at a painter while it is trained: is it like the source, on people it never saw?

Crops only, by a recogniser that takes no part in training. What counts at the end is measured by
`models/evaluate.py`, on whole pictures through the shipped path.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from demo.manifest import load
from demo.warp import hull
from models.data import CROP, Faces
from models.look import Codes
from models.losses import rec
from models.networks.swap import resize
from models.pairs import Pairs

Painter = Callable[[Tensor, Tensor], Tensor]  # crops (n, 3, s, s), whose faces (n,) -> pictures


class Exam:
    """Held-out people of like pose. source, target: (n, 3, 224, 224). codes: of the sources."""

    def __init__(
        self, faces: Faces, judge: torch.jit.ScriptModule, size: int, codes: Codes, n: int = 36
    ):
        self.judge, self.size = judge, size
        pairs = Pairs(faces, rounds=1, seed=1)
        sharp = np.isin(faces.sets, ("faker", "congress"))
        rows = pairs.rows[sharp[pairs.rows].all(1)]
        rows = rows[np.linspace(0, len(rows) - 1, n).astype(int)]
        crops = torch.from_numpy(faces.crops[rows]).permute(1, 0, 4, 2, 3).float() / 255
        self.source, self.target = crops
        self.codes = torch.from_numpy(codes[rows[:, 0]])
        topology = load(check=False).mesh
        made = np.stack([pairs.picture(*row, topology) for row in rows])
        made = torch.from_numpy(made).permute(0, 3, 1, 2).float() / 255
        self.answer, self.where = resize(made, size).split([3, 1], dim=1)
        masks = [hull(faces.meshes[t, :468], topology, CROP) for t in rows[:, 1]]
        self.hulls = torch.from_numpy(np.stack(masks))[:, None]

    def to(self, device: str) -> None:
        for name in ("source", "target", "codes", "answer", "where", "hulls", "judge"):
            setattr(self, name, getattr(self, name).to(device))

    def __call__(self, painters: dict[str, Painter]) -> dict[str, float]:
        """Figures of each painter, its name before theirs; the last one's are shown in `picture`.

        rec, apart: distance to the mesh engine's picture inside the face, and how much larger it is
        with another person's identity: whether that counts shows there long before a judge sees it.
        cos_source, cos_target: the judge's, also in grey. spread: over people, on one target.
        """
        return {
            f"{word}{key}": value
            for word, painter in painters.items()
            for key, value in self.figures(painter).items()
        }

    def figures(self, painter: Painter) -> dict[str, float]:
        small = resize(self.target, self.size).contiguous(memory_format=torch.channels_last)
        own = torch.arange(len(small), device=small.device)
        one = painter(small, own)
        wrong = rec(painter(small, own.roll(1)), self.answer, self.where).mean()
        right = rec(one, self.answer, self.where).mean()
        patch = resize(one, CROP) * self.hulls + self.target * (1 - self.hulls)
        self.sheet = torch.stack([self.source, self.target, patch])
        likeness = {
            f"cos_{word}{tone}": self.cos(patch, other, grey)
            for tone, grey in (("", False), ("_grey", True))
            for word, other in (("source", self.source), ("target", self.target))
        }
        same = painter(small[:1].expand(16, -1, -1, -1), own[:16])
        figures = {"rec": right.item(), "apart": (wrong - right).item(), **likeness}
        return {**figures, "spread": same.std(0).mean().item()}

    def picture(self) -> np.ndarray:
        """The last answers as a contact sheet (h, w, 3) uint8 RGB: sources, targets, patches."""
        tiles = self.sheet[:, ::3].permute(0, 3, 1, 4, 2).flatten(2, 3).flatten(0, 1)
        return (tiles.clamp(0, 1) * 255).byte().cpu().numpy()

    def cos(self, a: Tensor, b: Tensor, grey: bool) -> float:
        def embed(x: Tensor) -> Tensor:
            x = F.avg_pool2d(x, 2)
            return self.judge(x.mean(1, keepdim=True).expand(-1, 3, -1, -1) if grey else x)

        return (embed(a) * embed(b)).sum(1).mean().item()
