"""`detect` answers, for every cell of three grids: is a face centred here, how far its box, where
its five points. The answer has SCRFD's form (insightface), so each can stand in for the other.

It knows one image. It knows nothing of thresholds, overlaps, or frames of another size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.networks.layers import Inverted, conv

STRIDES = (8, 16, 32)  # input pixels per cell
# Typical face sides of the two answers of a cell, in strides: 15, 32, 64, 136, 240, 384 pixels.
# The middle grid goes up to a selfie's face: the coarse one places points half worse.
SPANS = ((1.875, 4.0), (4.0, 8.5), (7.5, 12.0))
FIELDS = (1, 4, 10)  # numbers per answer: score, box, points
# A face in a box of side 1 around 0: the distances to its sides, and its points (x, y).
BOX = (0.5, 0.5, 0.5, 0.5)
POINTS = (-0.21, -0.11, 0.21, -0.11, 0.0, 0.07, -0.17, 0.26, 0.17, 0.26)


class Detect(nn.Module):
    """image -> nine arrays. Backbone to stride 32, a pyramid down and up again, one head a grid."""

    outputs = tuple(f"{field}_{s}" for field in ("score", "bbox", "kps") for s in STRIDES)

    def __init__(self, widths: tuple[int, ...] = (16, 32, 64, 96, 128), neck: int = 64):
        super().__init__()
        stem, fine, *wide = widths
        self.stem = nn.Sequential(down(3, stem), down(stem, fine), Inverted(fine, fine))
        self.body = nn.ModuleList(
            nn.Sequential(down(a, b), *(Inverted(b, b) for _ in range(repeat)))
            for a, b, repeat in zip((fine, *wide), wide, (2, 3, 2), strict=False)
        )
        self.lateral = nn.ModuleList(conv(width, neck, 1) for width in wide)
        self.fall = nn.ModuleList(separable(neck) for _ in wide[1:])  # coarse to fine
        self.rise = nn.ModuleList(separable(neck, stride=2) for _ in wide[1:])  # and back
        self.heads = nn.ModuleList(Head(neck, spans) for spans in SPANS)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """image: (1, 3, h, w) RGB -1..1, h and w multiples of 32 -> arrays in order of `outputs`.

        score (cells * 2, 1) 0..1; bbox (cells * 2, 4) left, top, right, bottom; kps (cells * 2, 10)
        x, y; distances in strides from the cell's corner (column, row) * stride.
        """
        scores, boxes, points = self.raw(image)
        flat = (*(torch.sigmoid(s) for s in scores), *boxes, *points)
        return tuple(part.flatten(0, 1) for part in flat)

    def raw(self, image: Tensor) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Logits (n, cells * 2, 1), boxes (n, cells * 2, 4), points (n, cells * 2, 10) per grid."""
        x, grids = self.stem(image), []
        for stage, lateral in zip(self.body, self.lateral, strict=True):
            x = stage(x)
            grids.append(lateral(x))
        for i, mix in ((1, self.fall[1]), (0, self.fall[0])):
            grids[i] = mix(grids[i] + F.interpolate(grids[i + 1], scale_factor=2.0))
        for i, mix in enumerate(self.rise):
            grids[i + 1] = grids[i + 1] + mix(grids[i])
        answers = [head(grid) for head, grid in zip(self.heads, grids, strict=True)]
        return tuple(map(list, zip(*answers, strict=True)))

    def inputs(self) -> dict[str, Tensor]:
        return {"image": torch.rand(1, 3, 192, 320) * 2 - 1}

    # Axes that may change between calls, and their names.
    dynamic = {"image": {2: "height", 3: "width"}} | {name: {0: "n" + name} for name in outputs}


class Head(nn.Module):
    """One grid's answers; they start as a face of the typical size, so that learning is a nudge."""

    def __init__(self, width: int, spans: tuple[float, float]):
        super().__init__()
        self.body = nn.Sequential(separable(width), separable(width))
        self.place = separable(width)  # points need more than "a face" and "how large"
        self.fields = nn.ModuleList(nn.Conv2d(width, len(spans) * n, 1) for n in FIELDS)
        for layer in self.fields:
            nn.init.normal_(layer.weight, std=0.01)
        nn.init.constant_(self.fields[0].bias, -4.0)  # faces are rare
        for layer, start in zip(self.fields[1:], (BOX, POINTS), strict=True):
            layer.bias.data.copy_(torch.tensor(start * len(spans)))
            unit = torch.tensor(spans).repeat_interleave(len(start))
            layer.register_buffer("unit", unit, persistent=False)

    def forward(self, grid: Tensor) -> tuple[Tensor, ...]:
        x = self.body(grid)
        views = (x, x, self.place(x))
        score, box, points = (
            layer(view).permute(0, 2, 3, 1) for layer, view in zip(self.fields, views, strict=True)
        )
        box, points = box * self.fields[1].unit, points * self.fields[2].unit
        return tuple(
            y.reshape(y.shape[0], -1, n) for y, n in zip((score, box, points), FIELDS, strict=True)
        )


def down(cin: int, cout: int) -> nn.Sequential:
    """Half the side. A full convolution: on CPUs it runs nearer to the peak than depthwise."""
    return nn.Sequential(conv(cin, cout, 3, 2), nn.ReLU())


def separable(width: int, stride: int = 1) -> nn.Sequential:
    """Depthwise, then pointwise, nothing between."""
    depthwise = nn.Conv2d(width, width, 3, stride, 1, groups=width, bias=False)
    return nn.Sequential(depthwise, conv(width, width, 1), nn.ReLU())
