"""`inject` is the IIM, the paper's Identity Injection Module: who a face is, as kernels for `swap`.

Weights prediction writes the depthwise taps from the feature map, weights modulation the channel
scales of the pointwise kernels from the embedding (section 3.1). Once per source, never per frame.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.networks.swap import DECODER, ENCODER, SCALES


class Branch(nn.Module):
    """A chain of blocks on one small grid; the side output of each is one layer's taps."""

    def __init__(self, width: int, channels: tuple[int, ...]):
        super().__init__()
        self.blocks = nn.ModuleList(nn.Conv2d(width, width, 3, 1, 1) for _ in channels)
        self.sides = nn.ModuleList(nn.Conv2d(width, c, 1) for c in channels)
        for side in self.sides:
            nn.init.normal_(side.weight, std=0.2 * width**-0.5)
            nn.init.zeros_(side.bias)

    def forward(self, x: Tensor) -> list[Tensor]:
        taps = []
        for block, side in zip(self.blocks, self.sides, strict=True):
            x = F.leaky_relu(block(x), 0.1)
            taps.append(side(x).flatten(1))
        return taps


class Inject(nn.Module):
    """identity (embedding, features) -> kernels, one row of 22,291 numbers per identity.

    Mobile configuration: 512 channels are narrowed to `width` at once, and there is no batch norm,
    which would see one sample per identity. Taps are a learnt base plus a small prediction:
    predicted whole they give blobs (training.md).
    """

    outputs = ("kernels",)

    def __init__(self, width: int = 128, gain: float = 0.1):
        super().__init__()
        self.gain = gain
        self.narrow = nn.Conv2d(512, width, 1)
        self.trunk = nn.Conv2d(width, width, 4)  # 7x7 -> 4x4
        self.lower = nn.Conv2d(width, width, 2)  # 4x4 -> 3x3
        self.encoder = Branch(width, tuple(cin for cin, _ in reversed(ENCODER)))  # deepest first
        self.decoder = Branch(width, tuple(cin for cin, _ in DECODER))
        self.scales = nn.Linear(512, sum(SCALES))
        nn.init.normal_(self.scales.weight, std=0.3 * 512**-0.5)
        nn.init.zeros_(self.scales.bias)
        self.base = nn.Parameter(torch.cat([self.blur(), self.dot()]))

    @staticmethod
    def blur() -> Tensor:
        """The encoder's taps begin as a low pass, with a little noise."""
        row = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        n = sum(cin for cin, _ in ENCODER)
        return (torch.outer(row, row).flatten().repeat(n, 1) + 0.02 * torch.randn(n, 16)).flatten()

    @staticmethod
    def dot() -> Tensor:
        """The decoder's begin as a delta, with a little noise."""
        n = sum(cin for cin, _ in DECODER)
        return (F.one_hot(torch.tensor(4), 9).repeat(n, 1) + 0.05 * torch.randn(n, 9)).flatten()

    def forward(self, embedding: Tensor, features: Tensor) -> Tensor:
        """embedding (n, 512) unit, features (n, 512, 7, 7) raw -> kernels (n, 22291)."""
        x = F.leaky_relu(self.trunk(F.leaky_relu(self.narrow(features), 0.1)), 0.1)
        shallow_first = self.encoder(x)[::-1]
        deep_first = self.decoder(F.leaky_relu(self.lower(x), 0.1))
        taps = self.base + self.gain * torch.cat([*shallow_first, *deep_first], dim=1)
        # A unit vector of 512 numbers has a variance of 1/512; a linear layer wants 1.
        scales = self.scales(embedding * 512**0.5)
        return torch.cat([taps, scales], dim=1)

    def inputs(self) -> dict[str, Tensor]:
        embedding = F.normalize(torch.randn(1, 512))
        return {"embedding": embedding, "features": torch.randn(1, 512, 7, 7)}
