"""Building blocks that several networks share, and the count of parameters and multiplications."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode


def conv(
    cin: int, cout: int, kernel: int, stride: int = 1, groups: int = 1, padding: int | None = None
) -> nn.Sequential:
    """Convolution without bias, padded to keep the size unless said otherwise, then batch norm."""
    padding = kernel // 2 if padding is None else padding
    narrow = Whole if padding == 0 else nn.Conv2d  # without padding it is as large as its map
    kind = (Single if stride > 1 else narrow) if groups > 1 else nn.Conv2d
    return nn.Sequential(
        kind(cin, cout, kernel, stride, padding, groups=groups, bias=False),
        nn.BatchNorm2d(cout),
    )


class Single(nn.Conv2d):
    """A convolution in single precision, whatever is around it.

    In half precision the backward pass of a strided depthwise one is ten times slower on a CPU.
    """

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.float())


class Whole(nn.Conv2d):
    """A depthwise convolution as large as its map: a weighted sum, and learnt as one.

    Its backward pass as a convolution is an eighth of a whole step of `swap` on a CPU.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not torch.is_grad_enabled():
            return super().forward(x)
        return (x.float() * self.weight[:, 0]).sum((2, 3), keepdim=True)


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


class Residual(nn.Module):
    """ArcFace's IR-SE block (Deng 2019); the second convolution strides, one PReLU serves twice."""

    def __init__(self, cin: int, cout: int, stride: int = 1):
        super().__init__()
        self.before = nn.Sequential(nn.BatchNorm2d(cin), conv(cin, cin, 3))
        self.prelu = nn.PReLU()
        self.after = conv(cin, cout, 3, stride)
        self.excite = nn.Sequential(  # squeeze and excitation (Hu 2018), a sixteenth as wide
            nn.Linear(cout, cout // 16), nn.PReLU(), nn.Linear(cout // 16, cout), nn.Sigmoid()
        )
        same = stride == 1 and cin == cout
        self.shortcut = nn.Identity() if same else conv(cin, cout, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.after(self.prelu(self.before(x)))
        share = self.excite(y.mean((2, 3)))
        return self.prelu(y * share[:, :, None, None] + self.shortcut(x))


def residual_stack(stages: list[tuple[int, int, int]], cin: int) -> nn.Sequential:
    """Stages of (channels, blocks, stride of the first block), each a Sequential of its own."""
    made = []
    for cout, repeat, stride in stages:
        rest = (Residual(cout, cout) for _ in range(1, repeat))
        made.append(nn.Sequential(Residual(cin, cout, stride), *rest))
        cin = cout
    return nn.Sequential(*made)


def count(network: nn.Module, *inputs: Tensor) -> tuple[int, int]:
    """(parameters, multiply-accumulates of convolutions and matrix products) for these inputs."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network.eval()(*inputs)
    return sum(p.numel() for p in network.parameters()), counter.get_total_flops() // 2


def parts(network: nn.Module, *inputs: Tensor) -> dict[str, tuple[int, int]]:
    """`count` of each direct part, by its name; multiplications outside a part's forward are 0."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network.eval()(*inputs)
    flops = counter.get_flop_counts()
    found = {name: (p.numel(), 0) for name, p in network.named_parameters(recurse=False)}
    for name, part in network.named_children():
        within = flops.get(f"{type(network).__name__}.{name}", {})
        found[name] = sum(p.numel() for p in part.parameters()), sum(within.values()) // 2
    return found
