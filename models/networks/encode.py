"""`encode` says who a face is: an embedding to compare and a feature map to paint from.

It knows one crop of the source. It is run once per source, never per frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.networks.layers import conv, inverted_stack, residual_stack

WHO = 256  # numbers of the mobile embedding that say who it is; the others say how it looks


def slim() -> dict[str, nn.Module]:
    """MobileFaceNet-sized; its last stage is 512x7x7 like ArcFace's."""
    return {
        "stem": nn.Sequential(conv(3, 32, 3, 2), nn.ReLU()),  # 112 -> 56
        "body": inverted_stack([(48, 2, 2), (96, 5, 3), (128, 2, 4)], 32),  # -> 7
        "last": conv(128, 512, 1),
        "wake": nn.ReLU(),
        "gather": conv(512, 512, 7, groups=512, padding=0),  # global depthwise
        "head": nn.Linear(512, 512),
    }


def arcface() -> dict[str, nn.Module]:
    """ArcFace's IR-SE network of 50 layers, as published with MobileFaceSwap (networks.md)."""
    return {
        "stem": nn.Sequential(conv(3, 64, 3, padding=0), nn.PReLU(), nn.MaxPool2d(2)),  # -> 55
        "body": residual_stack([(64, 3, 1), (128, 4, 2), (256, 23, 2), (512, 3, 2)], 64),  # -> 7
        "last": nn.BatchNorm2d(512),
        "wake": nn.Identity(),
        "gather": nn.Flatten(),
        "head": nn.Sequential(nn.Linear(512 * 7 * 7, 512), nn.BatchNorm1d(512)),
    }


@dataclass(frozen=True)
class Config:
    """parts: makes the layers. mean, std: of the input, 0..1, for red, green and blue.

    levels: the reduced crop is rounded to 256 levels, as OpenCV does on whole numbers.
    vectors: unit vectors side by side in the embedding. mirrored: who it is, the mirrored crop is
    asked, too; how it looks it cannot say.
    """

    parts: Callable[[], dict[str, nn.Module]]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    levels: bool
    vectors: int
    mirrored: bool


# Two vectors: identity (distilled from a recogniser) and look (coefficients of the face's texture
# on the mean mesh).
MOBILE = Config(
    slim, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), levels=False, vectors=2, mirrored=True
)
REFERENCE = Config(
    arcface,
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    levels=True,
    vectors=1,
    mirrored=False,
)


class Encode(nn.Module):
    """crop -> embedding and features. The embedding's vectors are divided by sqrt(vectors)."""

    outputs = ("embedding", "features")

    def __init__(self, config: Config = MOBILE, side: int = 224):
        super().__init__()
        self.config, self.side = config, side
        for name, part in config.parts().items():
            self.add_module(name, part)

    def forward(self, crop: Tensor) -> tuple[Tensor, Tensor]:
        """crop: (n, 3, 224, 224) RGB 0..1 -> embedding (n, 512) unit, features (n, 512, 7, 7)."""
        small = self.reduce(crop)
        if not self.config.mirrored:
            return self.raw(small)
        backwards = torch.arange(small.shape[3] - 1, -1, -1, device=small.device)
        embedding, features = self.raw(torch.cat([small, small.index_select(3, backwards)]))
        (one, other), n = embedding.chunk(2), len(crop)
        who = F.normalize(one[:, :WHO] + other[:, :WHO]) / self.config.vectors**0.5
        return torch.cat([who, one[:, WHO:]], dim=1), features[:n]

    def reduce(self, crop: Tensor) -> Tensor:
        """(n, 3, 112, 112), the exact 2x2 mean, rounded where the published code rounds it."""
        small = F.avg_pool2d(crop, 2)
        if self.config.levels:  # means lie on quarters: 1/16 keeps a half from falling below itself
            small = torch.floor(small * 255 + 0.5 + 1 / 16) / 255
        return small

    def raw(self, small: Tensor) -> tuple[Tensor, Tensor]:
        """`forward` from a reduced crop."""
        features = self.last(self.body(self.stem(self.scale(small))))
        return self.name(features), features

    def scale(self, small: Tensor) -> Tensor:
        mean, std = (small.new_tensor(c).view(3, 1, 1) for c in (self.config.mean, self.config.std))
        return (small - mean) / std

    def name(self, features: Tensor) -> Tensor:
        """features (n, 512, 7, 7) -> embedding (n, 512)"""
        n = self.config.vectors
        x = self.head(self.gather(self.wake(features)).flatten(1))
        return torch.cat([F.normalize(part) for part in x.split(512 // n, dim=1)], dim=1) / n**0.5

    def inputs(self) -> dict[str, Tensor]:
        return {"crop": torch.rand(1, 3, self.side, self.side)}
