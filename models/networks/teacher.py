"""`teacher` is the network teacher: it swaps a face without a mesh, ten times as large as the IDN.

After SimSwap (Chen 2020): encoder, residual blocks that the identity modulates, decoder. `Quality`
is the paper's Q: how far through its own training the teacher was when it made a picture. Both
live in training only.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.networks.layers import inverted_stack


@dataclass(frozen=True)
class Config:
    """widths: channels, the first at full size and each later one at half the size before it.
    blocks: modulated ones on the smallest maps. code: numbers that say who."""

    widths: tuple[int, ...] = (32, 64, 128, 192)
    blocks: int = 6
    code: int = 512


def norm(x: Tensor) -> Tensor:
    return F.instance_norm(x)


class Modulated(nn.Module):
    """Two convolutions, each normalised and then scaled and shifted by the code; a residual."""

    def __init__(self, width: int, code: int):
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv2d(width, width, 3, 1, 1) for _ in range(2))
        self.styles = nn.ModuleList(nn.Linear(code, 2 * width) for _ in range(2))
        for style in self.styles:
            nn.init.normal_(style.weight, std=0.3 * code**-0.5)
            nn.init.zeros_(style.bias)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        y = x
        for turn, (conv, style) in enumerate(zip(self.convolutions, self.styles, strict=True)):
            scale, shift = style(code)[:, :, None, None].chunk(2, dim=1)
            y = norm(conv(y)) * (1 + scale) + shift
            y = F.relu(y) if turn == 0 else y
        return x + y


class Teacher(nn.Module):
    """crop and code -> picture."""

    def __init__(self, config: Config | None = None):
        super().__init__()
        config = config or Config()
        self.config, widths = config, config.widths
        self.enter = nn.Conv2d(3, widths[0], 7, 1, 3)
        self.down = nn.ModuleList(nn.Conv2d(a, b, 3, 2, 1) for a, b in pairwise(widths))
        self.blocks = nn.ModuleList(
            Modulated(widths[-1], config.code) for _ in range(config.blocks)
        )
        self.up = nn.ModuleList(nn.Conv2d(b, a, 3, 1, 1) for a, b in list(pairwise(widths))[::-1])
        self.leave = nn.Conv2d(widths[0], 3, 7, 1, 3)

    def forward(self, crop: Tensor, code: Tensor) -> Tensor:
        """crop (n, 3, s, s) RGB 0..1, s a multiple of 8; code (n, 512) unit -> like crop."""
        loud = code * self.config.code**0.5  # a linear layer wants a variance of 1
        x = F.relu(norm(self.enter(crop * 2 - 1)))
        for conv in self.down:
            x = F.relu(norm(conv(x)))
        for block in self.blocks:
            x = block(x, loud)
        for conv in self.up:
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = F.relu(norm(conv(x)))
        return (1 + torch.tanh(self.leave(x))) / 2


class Quality(nn.Module):
    """picture -> 0..1, 0 an untrained teacher's, 1 a finished one's."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 24, 3, 2, 1)
        self.body = inverted_stack([(32, 1, 2), (64, 1, 2), (128, 1, 2)], 24)
        self.head = nn.Linear(128, 1)

    def forward(self, picture: Tensor) -> Tensor:
        """picture (n, 3, s, s) RGB 0..1 -> (n,)"""
        x = self.body(F.relu(self.stem(picture * 2 - 1)))
        return torch.sigmoid(self.head(x.mean((2, 3))))[:, 0]
