"""`encode` says who a face is: an embedding to compare and a feature map to paint from.

It knows one crop of the source. It is run once per source, never per frame.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.networks.layers import conv, inverted_stack

WHO = 256  # numbers of the embedding that say who it is; the others say how it looks


class Encode(nn.Module):
    """The mobile identity network: MobileFaceNet-sized, its last stage 512x7x7 like ArcFace's.

    The embedding is two unit vectors of 256 side by side, divided by sqrt(2): identity (distilled
    from a recogniser) and look (coefficients of the face's texture on the mean mesh).
    """

    outputs = ("embedding", "features")

    def __init__(self, side: int = 224):
        super().__init__()
        self.side = side
        self.stem = nn.Sequential(conv(3, 32, 3, 2), nn.ReLU())  # 112 -> 56
        self.body = inverted_stack([(48, 2, 2), (96, 5, 3), (128, 2, 4)], 32)  # -> 7
        self.last = conv(128, 512, 1)
        self.gather = conv(512, 512, 7, groups=512)  # global depthwise, cropped to its middle
        self.head = nn.Linear(512, 512)

    def forward(self, crop: Tensor) -> tuple[Tensor, Tensor]:
        """crop: (n, 3, 224, 224) RGB 0..1 -> embedding (n, 512) unit, features (n, 512, 7, 7)."""
        return self.raw(F.avg_pool2d(crop, 2))

    def raw(self, small: Tensor) -> tuple[Tensor, Tensor]:
        """The same from (n, 3, 112, 112): the exact 2x2 mean is the reference's own reduction."""
        features = self.last(self.body(self.stem(small * 2 - 1)))
        return self.name(features), features

    def name(self, features: Tensor) -> Tensor:
        """features (n, 512, 7, 7) -> embedding (n, 512)"""
        convolution, norm = self.gather
        x = norm(F.conv2d(F.relu(features), convolution.weight, groups=512)).flatten(1)
        who, look = self.head(x).split(WHO, dim=1)
        halves = F.normalize(who), F.normalize(look)
        return torch.cat(halves, dim=1) / 2**0.5

    def inputs(self) -> dict[str, Tensor]:
        return {"crop": torch.rand(1, 3, self.side, self.side)}
