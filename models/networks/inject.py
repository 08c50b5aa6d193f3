"""`inject` is the IIM, the paper's Identity Injection Module: who a face is, as kernels for `swap`.

Weights prediction writes the depthwise taps from the feature map, weights modulation the channel
scales of the pointwise kernels from the embedding (section 3.1). Once per source, never per frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.networks.swap import DECODER, ENCODER, SCALES


@dataclass(frozen=True)
class Config:
    """width: of every block; 0: the channels of the layer that the block writes for.

    norm: batch norm after each convolution; it sees one sample per identity.
    side: kernel of the side convolutions that answer the taps. gain: of the predicted taps.
    base: taps are a learnt base plus the predicted; predicted whole they give blobs (training.md).
    loudness: of the embedding. A unit vector of 512 numbers has a variance of 1/512; a linear
    layer wants 1, but for the published weights.
    """

    width: int
    norm: bool
    side: int
    gain: float
    base: bool
    loudness: float


MOBILE = Config(width=128, norm=False, side=1, gain=0.1, base=True, loudness=512**0.5)
REFERENCE = Config(width=0, norm=True, side=3, gain=1.0, base=False, loudness=1.0)


def lively(cin: int, cout: int, kernel: int, padding: int = 0) -> nn.Conv2d:
    """A convolution before a LeakyReLU that keeps the spread of its input (He et al. 2015).

    By PyTorch's own start each of the seven in a row takes 60 % of what tells identities apart, and
    the taps are the same for everyone.
    """
    layer = nn.Conv2d(cin, cout, kernel, 1, padding)
    nn.init.kaiming_normal_(layer.weight, a=0.1)
    nn.init.zeros_(layer.bias)
    return layer


def normed(width: int, config: Config) -> nn.Module:
    return nn.BatchNorm2d(width) if config.norm else nn.Identity()


class Branch(nn.Module):
    """A chain of blocks on one small grid; the side output of each is one layer's taps."""

    def __init__(self, channels: tuple[int, ...], config: Config):
        super().__init__()
        widths = [config.width or 512, *(config.width or c for c in channels)]
        side, padding = config.side, config.side // 2
        self.blocks = nn.ModuleList(lively(a, b, 3, 1) for a, b in pairwise(widths))
        self.norms = nn.ModuleList(normed(width, config) for width in widths[1:])
        self.sides = nn.ModuleList(
            nn.Conv2d(width, c, side, 1, padding)
            for width, c in zip(widths[1:], channels, strict=True)
        )
        for layer in self.sides:
            nn.init.normal_(layer.weight, std=0.5 * (layer.in_channels * side**2) ** -0.5)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> list[Tensor]:
        taps = []
        for block, norm, side in zip(self.blocks, self.norms, self.sides, strict=True):
            x = F.leaky_relu(norm(block(x)), 0.1)
            taps.append(side(x).flatten(1))
        return taps


class Inject(nn.Module):
    """identity (embedding, features) -> kernels, one row of 22,291 numbers per identity."""

    outputs = ("kernels",)

    def __init__(self, config: Config = MOBILE):
        super().__init__()
        self.config = config
        width = config.width or 512
        self.narrow = lively(512, width, 1) if config.width else None
        self.trunk = lively(width, width, 4)  # 7x7 -> 4x4
        self.lower = lively(width, width, 2)  # 4x4 -> 3x3
        self.trunk_norm, self.lower_norm = normed(width, config), normed(width, config)
        deepest_first = tuple(cin for cin, _ in reversed(ENCODER))
        self.encoder = Branch(deepest_first, config)
        self.decoder = Branch(tuple(cin for cin, _ in DECODER), config)
        self.scales = nn.Linear(512, sum(SCALES))
        nn.init.normal_(self.scales.weight, std=0.3 * 512**-0.5)
        nn.init.zeros_(self.scales.bias)
        self.base = nn.Parameter(torch.cat([self.blur(), self.dot()])) if config.base else 0.0

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
        x, y = self.trunks(features)
        shallow_first, deep_first = self.encoder(x)[::-1], self.decoder(y)
        taps = self.base + self.config.gain * torch.cat([*shallow_first, *deep_first], dim=1)
        scales = self.scales(embedding * self.config.loudness)
        return torch.cat([taps, scales], dim=1)

    def trunks(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """features -> what the two branches start from, (n, width, 4, 4) and (n, width, 3, 3)."""
        x = features if self.narrow is None else F.leaky_relu(self.narrow(features), 0.1)
        x = F.leaky_relu(self.trunk_norm(self.trunk(x)), 0.1)
        return x, F.leaky_relu(self.lower_norm(self.lower(x)), 0.1)

    def inputs(self) -> dict[str, Tensor]:
        embedding = F.normalize(torch.randn(1, 512))
        return {"embedding": embedding, "features": torch.randn(1, 512, 7, 7)}
