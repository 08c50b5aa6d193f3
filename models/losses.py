"""The terms of the paper's objective, each by its name; tensors are (n, 3, s, s) RGB 0..1.

L = L_adv + alpha * (30 L_rec + 5 L_per) + 3 L_id + 10 L_mask (MobileFaceSwap, eq. 4 to 10). The
weights that this project trains with are a stage's settings; the log keeps the names.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.teachers import reid_crop

# Outputs of these nodes of the recogniser's frozen graph: three early activations and one deep.
DEPTHS = (5, 9, 30, 77)


class Recogniser(nn.Module):
    """The identity teacher, with four of its inner layers beside its embedding.

    One forward pass serves both the perceptual and the identity loss.
    """

    def __init__(self, net: torch.jit.ScriptModule):
        super().__init__()
        frozen = torch.jit.freeze(net.eval()) if hasattr(net, "training") else net
        graph = frozen.graph.copy()
        nodes = [n for n in graph.nodes() if n.kind() != "prim::Constant"]
        for depth in DEPTHS:
            graph.registerOutput(nodes[depth].output())
        graph.makeMultiOutputIntoTuple()
        first = next(graph.inputs())
        self.frozen = frozen
        self.run = torch._C._create_function_from_graph("forward", graph)
        self.takes_self = first.type().kind() == "ClassType"

    def forward(self, crop: Tensor) -> tuple[Tensor, list[Tensor]]:
        """ArcFace crops -> embedding (n, 256) unit, four feature maps."""
        small = reid_crop(crop).contiguous(memory_format=torch.channels_last)
        embedding, *maps = self.run(self.frozen._c, small) if self.takes_self else self.run(small)
        return embedding, maps


def rec(patch: Tensor, answer: Tensor, weight: Tensor, scales: int = 4) -> Tensor:
    """(n,) L1 over four scales with the gradients of each, `weight` (n, 1, s, s) saying where."""
    total = torch.zeros(len(patch))
    for _ in range(scales):
        area = weight.sum((1, 2, 3)) + 1e-3
        error = (patch - answer).abs().mean(1, keepdim=True)
        total = total + (error * weight).sum((1, 2, 3)) / area
        for axis in (2, 3):
            edge = (patch.diff(dim=axis) - answer.diff(dim=axis)).abs().mean(1, keepdim=True)
            part = weight.narrow(axis, 1, weight.shape[axis] - 1)
            total = total + (edge * part).sum((1, 2, 3)) / area
        patch, answer, weight = (F.avg_pool2d(x, 2) for x in (patch, answer, weight))
    return total / scales


def per(mine: list[Tensor], other: list[Tensor]) -> Tensor:
    """(n,) distance of feature maps, each divided by the answer's own mean size."""
    parts = [
        (a - b).abs().mean((1, 2, 3)) / (b.abs().mean((1, 2, 3)) + 1e-6)
        for a, b in zip(mine, other, strict=True)
    ]
    return torch.stack(parts).mean(0)


def untinted(patch: Tensor, answer: Tensor) -> Tensor:
    """The patch with the answer's low frequencies: a tint earns nothing with the recogniser."""
    return (patch - blur(patch) + blur(answer)).clamp(0, 1)


def blur(x: Tensor, factor: int = 16) -> Tensor:
    """A wide blur: down by `factor`, and up again."""
    small = F.avg_pool2d(x, factor)
    return F.interpolate(small, x.shape[-2:], mode="bicubic", align_corners=False)


def ident(embedding: Tensor, who: Tensor) -> Tensor:
    """(n,) L_id: 1 - cos of the patch's and the source's identity, both unit."""
    return 1 - (embedding * who).sum(1)


def reweight(embedding: Tensor, who: Tensor, quality: Tensor | float = 1.0) -> Tensor:
    """(n,) alpha: how far a teacher's picture is to be trusted, cos squared times its quality.

    Divided by its mean over the batch, so that the weights of the terms keep their meaning.
    """
    alpha = (embedding * who).sum(1).clamp_min(0).square() * quality
    return (alpha / alpha.mean().clamp_min(1e-6)).detach()
