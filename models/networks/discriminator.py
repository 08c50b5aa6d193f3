"""`discriminator` tells photographs from painted faces, patch by patch, at two scales.

PatchGAN (Isola 2017) with spectral norm (Miyato 2018). It knows pictures; it is never shipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm


@dataclass(frozen=True)
class Config:
    """widths: channels after each halving. scales: how often the picture is judged, each time at
    half the size."""

    widths: tuple[int, ...] = (48, 96, 192)
    scales: int = 2


class Discriminator(nn.Module):
    """picture -> one map of verdicts a scale; high means a photograph."""

    def __init__(self, config: Config | None = None):
        super().__init__()
        config = config or Config()
        self.scales = nn.ModuleList(self.judge(config.widths) for _ in range(config.scales))

    @staticmethod
    def judge(widths: tuple[int, ...]) -> nn.Sequential:
        layers: list[nn.Module] = []
        for cin, cout in pairwise((3, *widths)):
            layers += [spectral_norm(nn.Conv2d(cin, cout, 4, 2, 1)), nn.LeakyReLU(0.2)]
        return nn.Sequential(*layers, spectral_norm(nn.Conv2d(widths[-1], 1, 3, 1, 1)))

    def forward(self, picture: Tensor) -> list[Tensor]:
        """picture (n, 3, s, s) RGB 0..1 -> verdicts (n, 1, s / 8, s / 8), (n, 1, s / 16, s / 16)"""
        x, verdicts = picture * 2 - 1, []
        for judge in self.scales:
            verdicts.append(judge(x))
            x = F.avg_pool2d(x, 2)
        return verdicts

    def frozen(self, picture: Tensor) -> list[Tensor]:
        """`forward` whose gradient reaches the picture only: what a painter is told."""
        state = {name: value.detach() for name, value in self.named_parameters()}
        return torch.func.functional_call(self, state, (picture,))
