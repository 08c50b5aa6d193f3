"""`tail` fits the IDN's last two convolutions by least squares: three dead channels wake again.

Between the tail's 3x3 convolutions lie three channels only, behind a LeakyReLU that begins linear.
A long training at a high rate can push one of them behind its bend; then three colours are made of
two numbers, brows get yellow rims and lids red ones, and no gradient brings it back. What the
channels should say is a linear question (the features stay, the answers are known), so it is solved
as one.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from models.networks.swap import Swap, up

RIM = 0.97  # of the picture's range -1..1, beyond which tanh cannot be undone
MIDDLE, SPREAD = 2.0, 0.5  # of the three channels: four spreads away from the LeakyReLU's bend


@torch.no_grad()
def refit(swap: Swap, last: Tensor, answer: Tensor, weight: Tensor) -> None:
    """Replace final[3], final[4] and final[6] of a lean IDN, in place.

    last: (n, 32, s / 2, s / 2), outputs of the last decoder block. answer: (n, 3, s, s), what
    should be painted. weight: (n, 1, s, s), where it counts.
    """
    features = F.leaky_relu(up(swap.final[:2](last)), 0.1)  # (n, 8, s, s)
    aim = (answer * 2 - 1).clamp(-RIM, RIM)
    weight = weight * (1 - aim.square()).mean(1, keepdim=True).square()  # errors before the tanh
    aim, size = torch.atanh(aim), features.std((0, 2, 3))
    direct = solve(features, aim, weight)[:-1]  # (8, 3): without anything around
    basis = torch.linalg.svd((direct * size[:, None]).T, full_matrices=False)[2] / size  # (3, 8)
    three = torch.einsum("kc,nchw->nkhw", basis, features)
    gain = SPREAD / three.std((0, 2, 3))
    shift = MIDDLE - three.mean((0, 2, 3)) * gain
    narrow, norm, wide = swap.final[3], swap.final[4], swap.final[6]
    narrow.weight.zero_()
    narrow.weight[:, :, 1, 1] = basis * gain[:, None]
    narrow.bias.copy_(shift)
    norm.reset_running_stats()
    norm.weight.fill_((1 + norm.eps) ** 0.5)
    norm.bias.zero_()
    three = F.leaky_relu(norm.eval()(narrow(features)), 0.1)
    around = F.unfold(F.pad(three, (1, 1, 1, 1), mode="replicate"), 3)
    found = solve(around.unflatten(2, three.shape[2:]), aim, weight)  # (28, 3)
    wide.weight.copy_(found[:-1].T.reshape(wide.weight.shape))
    wide.bias.copy_(found[-1])


def solve(x: Tensor, y: Tensor, weight: Tensor) -> Tensor:
    """(c + 1, k): the linear map, its constant last, from x (n, c, h, w) to y (n, k, h, w)."""
    root = weight.flatten(2).sqrt()  # (n, 1, h w)
    x = torch.cat([x.flatten(2), torch.ones_like(root)], dim=1) * root
    x, y = (z.transpose(0, 1).flatten(1).double() for z in (x, y.flatten(2) * root))
    square = x @ x.T
    square += 1e-7 * square.diagonal().mean() * torch.eye(len(square), dtype=square.dtype)
    return torch.linalg.solve(square, x @ y.T).float()
