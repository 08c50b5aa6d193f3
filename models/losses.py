"""The terms of the paper's objective, each by its name; tensors are (n, 3, s, s) RGB 0..1.

L = L_adv + alpha * (30 L_rec + 5 L_per) + 3 L_id + 10 L_mask (MobileFaceSwap, eq. 4 to 10). The
weights that this project trains with are a stage's settings; the log keeps the names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.precision import fast
from models.teachers import reid_crop

if TYPE_CHECKING:
    from models.triplets import Batch

# Outputs of these nodes of the recogniser's frozen graph: three early activations and one deep.
DEPTHS = (5, 9, 30, 77)


class Recogniser(nn.Module):
    """The identity teacher, with four of its inner layers beside its embedding.

    One forward pass serves both the perceptual and the identity loss. Its frozen graph is walked
    node by node, because PyTorch's own choices cost twice the time on a CPU: half precision pays
    everywhere but in strided depthwise convolutions (ten times slower backward), and a PReLU
    computes a gradient for its slope that nobody asks for.
    """

    def __init__(self, net: torch.jit.ScriptModule):
        super().__init__()
        frozen = torch.jit.freeze(net.eval()) if hasattr(net, "training") else net
        nodes = [n for n in frozen.graph.nodes() if n.kind() != "prim::Constant"]
        last = next(i for i, n in enumerate(nodes) if n.kind() == "aten::linalg_vector_norm")
        self.steps = [step(node) for node in nodes[:last]]  # the norm is ours, in full precision
        self.start = list(frozen.graph.inputs())[-1].debugName()
        self.frozen = frozen  # owns the constants

    def forward(self, crop: Tensor) -> tuple[Tensor, list[Tensor]]:
        """ArcFace crops -> embedding (n, 256) unit, four feature maps."""
        small = reid_crop(crop).contiguous(memory_format=torch.channels_last)
        known, maps, last = {self.start: small}, [], small
        for depth, (work, takes, gives) in enumerate(self.steps):
            last = known[gives] = work(*(known[name] for name in takes))
            if depth in DEPTHS:
                maps.append(last)
        return F.normalize(last.float()), maps


def step(node: torch._C.Node) -> tuple[Callable, list[str], str]:
    """One node of a frozen graph: (function of its tensors, their names, its own name)."""
    given = [v.toIValue() if v.node().kind() == "prim::Constant" else v for v in node.inputs()]
    open_ = [i for i, v in enumerate(given) if isinstance(v, torch._C.Value)]
    takes, kind = [given[i].debugName() for i in open_], node.kind().removeprefix("aten::")

    def plain(*tensors: Tensor) -> Tensor:
        arguments = list(given)
        for i, tensor in zip(open_, tensors, strict=True):
            arguments[i] = tensor
        return getattr(torch.ops.aten, kind)(*arguments)

    special = {"_convolution": convolution, "prelu": leaky, "avg_pool2d": pool, "add": add}
    work = special[kind](*given) if kind in special else plain
    return work, takes, node.output().debugName()


def convolution(
    _: Tensor,
    weight: Tensor,
    bias: Tensor,
    stride: list,
    padding: list,
    dilation: list,
    transposed: bool,
    output: list,
    groups: int,
    *rest,
) -> Callable:
    """A frozen convolution, in the precision in which its backward pass is fast."""
    slow = groups > 1 and stride[0] > 1
    kind = torch.float32 if slow else fast()
    weight, bias = weight.to(kind), None if bias is None else bias.to(kind)

    def work(x: Tensor) -> Tensor:
        y = F.conv2d(x.to(kind), weight, bias, stride, padding, dilation, groups)
        return y.to(fast())

    return work


def leaky(_: Tensor, slope: Tensor) -> Callable:
    """A PReLU with one frozen slope for all channels."""
    value = slope.item()
    return lambda x: F.leaky_relu(x, value)


def pool(*_) -> Callable:
    """The mean of a whole map; divided when it is small, so that the gradient is too."""
    return lambda x: x.sum((2, 3), keepdim=True) * (1 / x[0, 0].numel())


def add(_: Tensor, other: Tensor, alpha: float) -> Callable:
    """A sum of two maps, or of one and a constant."""
    return lambda x, y=other: x + y


def rec(patch: Tensor, answer: Tensor, weight: Tensor, scales: int = 4) -> Tensor:
    """(n,) L1 over four scales with the gradients of each, `weight` (n, 1, s, s) saying where."""
    total, error = torch.zeros(len(patch), device=patch.device), patch - answer
    for _ in range(scales):
        area = weight.sum((1, 2, 3)) + 1e-3
        total = total + (error.abs().mean(1, keepdim=True) * weight).sum((1, 2, 3)) / area
        for axis in (2, 3):
            edge = error.diff(dim=axis).abs().mean(1, keepdim=True)
            part = weight.narrow(axis, 1, weight.shape[axis] - 1)
            total = total + (edge * part).sum((1, 2, 3)) / area
        error, weight = F.avg_pool2d(error, 2), F.avg_pool2d(weight, 2)
    return total / scales


def hue(picture: Tensor) -> Tensor:
    """What is left of a picture without its grey: where other terms see grey alone, this holds."""
    return picture - picture.mean(1, keepdim=True)


def texture(patch: Tensor, answer: Tensor, weight: Tensor, side: int = 8) -> Tensor:
    """(n,) L1 of how much the edges vary within windows of `side` cells, over the answer's mean.

    Gradient variance (Abrahamyan et al. 2022): L1 alone prefers a blur to an eye that is a pixel
    off, and this does not. Cells are two pixels wide: finer than that the IDN has nothing to say,
    and would hatch.
    """
    both = [F.avg_pool2d(x, 2) for x in (patch, answer)]
    weight, total = F.avg_pool2d(weight, 2), torch.zeros(len(patch), device=patch.device)
    for axis in (2, 3):
        where = F.avg_pool2d(weight.narrow(axis, 1, weight.shape[axis] - 1), side, side // 2)
        mine, theirs = (spread(x.diff(dim=axis), side) for x in both)
        error, size = ((x * where).sum((1, 2, 3)) for x in ((mine - theirs).abs(), theirs))
        total = total + error / (size + 1e-3)
    return total / 2


def spread(edges: Tensor, side: int) -> Tensor:
    """Standard deviation within half overlapping windows."""
    mean, square = (F.avg_pool2d(x, side, side // 2) for x in (edges, edges.square()))
    return ((square - mean.square()).clamp_min(0) + 1e-5).sqrt()


def per(mine: list[Tensor], other: list[Tensor]) -> Tensor:
    """(n,) distance of feature maps, each divided by the answer's own mean size."""
    flat = ([x.permute(0, 2, 3, 1).flatten(1) for x in maps] for maps in (mine, other))  # a view
    parts = [
        (a - b).abs().mean(1).float() / (b.abs().mean(1) + 1e-6) for a, b in zip(*flat, strict=True)
    ]
    return torch.stack(parts).mean(0)


def untinted(patch: Tensor, answer: Tensor) -> Tensor:
    """The answer with the patch's own grey detail: with the recogniser, colours earn nothing.

    Nor do low frequencies. Left with its colours, the patch takes on green brows and red lids,
    which recognisers like and people do not.
    """
    detail = (patch - answer).mean(1, keepdim=True)
    return (answer + detail - blur(detail)).clamp(0, 1)


def blur(x: Tensor, factor: int = 16) -> Tensor:
    """A wide blur: down by `factor`, and up again."""
    small = F.avg_pool2d(x, factor)
    return F.interpolate(small, x.shape[-2:], mode="bilinear", align_corners=False)


def ident(embedding: Tensor, who: Tensor) -> Tensor:
    """(n,) L_id: 1 - cos of the patch's and the source's identity, both unit."""
    return 1 - (embedding * who).sum(1)


def reweight(
    embedding: Tensor, who: Tensor, quality: Tensor | float = 1.0, power: float = 2.0
) -> Tensor:
    """(n,) alpha: how far a teacher's picture is to be trusted, cos squared times its quality.

    Divided by its mean over the batch, so that the weights of the terms keep their meaning.
    power: of the cosine; 0 asks it nothing.
    """
    alpha = (embedding * who).sum(1).clamp_min(0).pow(power) * quality
    return (alpha / alpha.mean().clamp_min(1e-6)).detach()


class Distillation(nn.Module):
    """The terms that every painter learns from, and how far each of its answers is trusted.

    around: weight of the picture outside the face. power: of the cosine in alpha.
    """

    def __init__(self, recogniser: Recogniser, around: float, power: float = 2.0):
        super().__init__()
        self.recogniser, self.around, self.power = recogniser, around, power

    def forward(
        self, b: Batch, painted: Tensor, quality: Tensor | float = 1.0
    ) -> tuple[dict[str, Tensor], Tensor]:
        """painted (k, 3, s, s) -> named terms, and alpha (k,), which is 1 where a photograph is
        the answer. quality: of the teacher's pictures, 0..1, (plain,) or one number."""
        patch = b.blend(painted)
        plain = b.plain[b.judged]
        with torch.no_grad():
            theirs, their_maps = self.recogniser(b.answer[b.judged])
            alpha = torch.ones(len(painted), device=painted.device)
            alpha[b.plain] = reweight(theirs[plain], b.who[b.plain], quality, self.power)
        mine, maps = self.recogniser(untinted(patch, b.answer)[b.judged])
        weight = b.hull + self.around * (1 - b.hull)
        terms = {
            "rec": (alpha * rec(painted, b.answer, weight)).mean(),
            "hue": (alpha * rec(hue(painted), hue(b.answer), weight)).mean(),
            "texture": (alpha * texture(painted, b.answer, b.hull)).mean(),
            "apart": self.apart(b, painted, alpha),
            "per": (alpha[b.judged] * per(maps, their_maps)).mean(),
            "id": ident(mine[plain], b.who[b.plain]).mean(),
        }
        return terms, alpha

    def apart(self, b: Batch, painted: Tensor, alpha: Tensor) -> Tensor:
        """How two people on one target differ against how they should: what all share cancels."""
        (mine, other), (own, theirs), (one, two) = (
            (x[b.plain][0::2], x[b.plain][1::2]) for x in (painted, b.answer, b.hull)
        )
        error = rec(mine - other, own - theirs, torch.minimum(one, two))
        trust = (alpha[b.plain][0::2] * alpha[b.plain][1::2]).sqrt()
        return (trust * error).mean()


def hinge(real: list[Tensor], fake: list[Tensor]) -> Tensor:
    """What a discriminator learns from its verdicts, one map a scale: real above 1, made below -1.

    Lim and Ye 2017.
    """
    parts = [F.relu(1 - a).mean() + F.relu(1 + b).mean() for a, b in zip(real, fake, strict=True)]
    return torch.stack(parts).mean()


def adv(fake: list[Tensor]) -> Tensor:
    """L_adv of a painter: the verdicts on its pictures, to be raised."""
    return -torch.stack([verdict.mean() for verdict in fake]).mean()
