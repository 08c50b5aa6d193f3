"""`mesh` finds 468 points of an aligned face, and says whether there is a face at all.

It knows one crop. It knows nothing of frames, of who the face is, or of what the mesh is for.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.networks.layers import conv, inverted_stack

POINTS = 468
HALF = torch.tensor([0.5, 0.5, 0.0])  # pixel centres lie at whole numbers, as in cv2


class Mesh(nn.Module):
    """crop -> points and score. ReLU throughout: PReLU is not fused into convolutions at run time.

    mean: (468, 3) the mean mesh in crop pixels, from which the last layer starts.
    """

    outputs = ("points", "score")

    def __init__(self, mean: Tensor | None = None, side: int = 224, latent: int = 112):
        super().__init__()
        self.side = side
        self.stem = nn.Sequential(conv(3, 16, 3, 2), nn.ReLU())  # 112 -> 56
        self.body = inverted_stack([(32, 2, 2), (64, 3, 2), (128, 2, 2)], 16)  # -> 7
        self.squeeze = nn.Sequential(conv(128, 32, 1), nn.ReLU())
        self.latent = nn.Sequential(nn.Linear(32 * 7 * 7, latent), nn.ReLU())
        self.shape = nn.Linear(latent, POINTS * 3)
        self.face = nn.Linear(latent, 1)
        nn.init.normal_(self.shape.weight, std=0.01)
        if mean is not None:
            self.shape.bias.data.copy_(((mean + HALF) / side).flatten())

    def forward(self, crop: Tensor) -> tuple[Tensor, Tensor]:
        """crop: (n, 3, 224, 224) RGB 0..1 -> points (n, 468, 3) crop pixels, score (n, 1) 0..1."""
        points, logit = self.raw(F.avg_pool2d(crop, 2))
        return points * self.side - HALF.to(points), torch.sigmoid(logit)

    def raw(self, small: Tensor) -> tuple[Tensor, Tensor]:
        """small: (n, 3, 112, 112) -> points (n, 468, 3) in crop sides, logit (n, 1)."""
        x = self.squeeze(self.body(self.stem(small * 2 - 1)))
        x = self.latent(x.flatten(1))
        return self.shape(x).unflatten(1, (POINTS, 3)), self.face(x)

    def inputs(self) -> dict[str, Tensor]:
        return {"crop": torch.rand(1, 3, self.side, self.side)}
