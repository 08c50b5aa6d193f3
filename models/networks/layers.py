"""Building blocks that several networks share, and the count of parameters and multiplications."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode


def conv(cin: int, cout: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution without bias, padded to keep the size, then batch norm."""
    kind = Single if stride > 1 and groups > 1 else nn.Conv2d
    return nn.Sequential(
        kind(cin, cout, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(cout),
    )


class Single(nn.Conv2d):
    """A convolution in single precision, whatever is around it.

    In half precision the backward pass of a strided depthwise one is ten times slower on a CPU.
    """

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.float())


class Inverted(nn.Module):
    """MobileNetV2's block: widen, look around, narrow; a residual where the shape allows it."""

    def __init__(self, cin: int, cout: int, expand: int = 2, stride: int = 1):
        super().__init__()
        width = cin * expand
        self.residual = stride == 1 and cin == cout
        self.body = nn.Sequential(
            conv(cin, width, 1),
            nn.ReLU(),
            conv(width, width, 3, stride, groups=width),
            nn.ReLU(),
            conv(width, cout, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.body(x)
        return x + y if self.residual else y


def inverted_stack(stages: list[tuple[int, int, int]], cin: int) -> nn.Sequential:
    """Stages of (channels, blocks, expansion of the first block); each halves the side once."""
    blocks = []
    for cout, repeat, expand in stages:
        blocks.append(Inverted(cin, cout, expand, stride=2))
        blocks += [Inverted(cout, cout) for _ in range(repeat)]
        cin = cout
    return nn.Sequential(*blocks)


def count(network: nn.Module, *inputs: Tensor) -> tuple[int, int]:
    """(parameters, multiply-accumulates of convolutions and matrix products) for these inputs."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network.eval()(*inputs)
    return sum(p.numel() for p in network.parameters()), counter.get_total_flops() // 2
