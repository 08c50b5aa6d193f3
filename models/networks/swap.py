"""`swap` is the IDN, the paper's Identity-aware Dynamic Network: it paints one aligned face.

Its depthwise kernels and the scales of its pointwise kernels come from `inject`; everything else is
shared by all identities. It knows nothing of video, of who the source is, or of the screen.
Layers, counts and traps: MobileFaceSwap (arXiv 2201.03808) figure 2 and section 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ENCODER = ((3, 32), (32, 64), (64, 128), (128, 256), (256, 512))  # channels in, out; 4x4, stride 2
DECODER = ((512, 256), (512, 128), (256, 64), (128, 32))  # 3x3 after upsampling; skips double them
LAYERS = tuple((cin, cout, 4) for cin, cout in ENCODER) + tuple((a, b, 3) for a, b in DECODER)
TAPS = [cin * side * side for cin, _, side in LAYERS]  # depthwise numbers of each layer
SCALES = [cin for cin, _, _ in LAYERS]  # pointwise channel scales of each layer
KERNELS = sum(TAPS) + sum(SCALES)  # 22,291 numbers are one identity


def up(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)


def smooth(cin: int, cout: int, kernel: int) -> list[nn.Module]:
    """Convolution, batch norm, LeakyReLU, as in the static tail."""
    padding = kernel // 2
    return [nn.Conv2d(cin, cout, kernel, 1, padding), nn.BatchNorm2d(cout), nn.LeakyReLU(0.1)]


class Double(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return up(x)


def mask_step(cin: int, cout: int) -> list[nn.Module]:
    return [Double(), nn.Conv2d(cin, cin, 3, 1, 1, groups=cin), *smooth(cin, cout, 1)]


@dataclass(frozen=True)
class Config:
    """The IDN has one shape; only the pictures' sizes differ.

    size: at which it paints, pixels, a multiple of 32. side: of the crop that comes in and of what
    goes out; where they differ the graph resizes, so that callers know one crop only.
    lean: the static tail narrows to 8 channels before the last doubling, not after it. The answer
    is the same (both are linear, and bilinear weights sum to 1) at a quarter of the cost.
    """

    size: int = 224
    side: int = 224
    lean: bool = True


MOBILE = Config()  # export takes a smaller size from the checkpoint
REFERENCE = Config(lean=False)


class Swap(nn.Module):
    """crop and kernels -> patch and mask."""

    outputs = ("patch", "mask")

    def __init__(self, config: Config = MOBILE):
        super().__init__()
        self.size, self.side = config.size, config.side
        self.early = 2 if config.lean else 0  # layers of `final` that come before the doubling
        self.pointwise = nn.ParameterList(
            nn.Parameter(torch.randn(cout, cin) * cin**-0.5) for cin, cout, _ in LAYERS
        )
        self.final = nn.Sequential(*smooth(32, 8, 1), *smooth(8, 3, 3), nn.Conv2d(3, 3, 3, 1, 1))
        steps = zip((512, 128, 64, 32, 8), (128, 64, 32, 8, 2), strict=True)
        self.mask = nn.Sequential(*(m for pair in steps for m in mask_step(*pair)))
        self.verdict = nn.Conv2d(2, 1, 3, 1, 1)
        self.start()

    def start(self) -> None:
        """Let light pass: the last convolutions begin orthogonal, their LeakyReLU linear."""
        for layer in (self.final[0], self.final[3], self.final[6]):
            nn.init.orthogonal_(layer.weight.data.view(layer.out_channels, -1))
            nn.init.ones_(layer.bias)
        nn.init.zeros_(self.final[6].bias)

    def forward(self, crop: Tensor, kernels: Tensor) -> tuple[Tensor, Tensor]:
        """crop (n, 3, side, side) RGB 0..1, kernels (22291,) -> patch like crop, mask (n, 1, ..)"""
        small = crop if self.size == self.side else resize(crop, self.size)
        painted, deepest, _ = self.paint(small, kernels)
        mask = self.judge(deepest)
        if self.size != self.side:
            painted, mask = resize(painted, self.side), resize(mask, self.side)
        return painted * mask + (1 - mask) * crop, mask

    def paint(self, crop: Tensor, kernels: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        """crop (n, 3, size, size) -> picture 0..1, deepest features, the decoder's four outputs."""
        taps, scales = self.unpack(kernels)
        layer = 0
        x, skips, decoded = crop * 2 - 1, [], []
        for layer in range(5):
            x = self.block(layer, x, taps[layer], scales[layer])
            skips.append(x)
        deepest = x
        for layer in range(5, 9):
            x = self.block(layer, up(x), taps[layer], scales[layer])
            decoded.append(x)
            if layer < 8:
                x = torch.cat([x, skips[8 - layer]], dim=1)
        painted = self.final[self.early :](up(self.final[: self.early](x)))
        return (1 + torch.tanh(painted)) / 2, deepest, decoded

    def judge(self, deepest: Tensor) -> Tensor:
        """The weakly supervised mask; it may look at the face, not bend it (detached)."""
        return torch.sigmoid(self.verdict(self.mask(deepest.detach())))

    def block(self, layer: int, x: Tensor, taps: Tensor, scale: Tensor) -> Tensor:
        """Depthwise, pointwise, LeakyReLU; nothing in between and no bias."""
        x = depthwise(x, taps, LAYERS[layer][2])
        weight = self.modulate(layer, scale)
        return F.leaky_relu(F.conv2d(x, weight[:, :, None, None]), 0.1)

    def modulate(self, layer: int, scale: Tensor) -> Tensor:
        """The layer's pointwise kernels (cout, cin) for one identity; rows have length 1."""
        weight = self.pointwise[layer] * (scale + 1)
        return weight / (weight.square().sum(1, keepdim=True) + 1e-16).sqrt()

    @staticmethod
    def unpack(kernels: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        taps, scales = kernels.split([sum(TAPS), sum(SCALES)])
        return taps.split(TAPS), scales.split(SCALES)

    def inputs(self) -> dict[str, Tensor]:
        crop = torch.rand(1, 3, self.side, self.side)
        return {"crop": crop, "kernels": torch.randn(KERNELS) * 0.1}


def depthwise(x: Tensor, taps: Tensor, side: int) -> Tensor:
    """Taps (cin side side,) on x: 4x4 with stride 2 (encoder) or 3x3 (decoder), padded by one.

    Strided, its backward pass in half precision is ten times slower on a CPU than in single.
    """
    cin, stride = x.shape[1], 2 if side == 4 else 1
    taps = taps.view(cin, 1, side, side)
    if stride == 1:
        return F.conv2d(x, taps, None, stride, 1, groups=cin)
    with torch.autocast(x.device.type, enabled=False):
        return F.conv2d(x.float(), taps.float(), None, stride, 1, groups=cin)


def resize(x: Tensor, size: int) -> Tensor:
    return F.interpolate(x, (size, size), mode="bilinear", align_corners=False)
