"""`tail`: a channel that fell asleep wakes, and what it should have said is said again."""

import torch
from torch.nn import functional as F

from models.networks.swap import KERNELS, Config, Swap
from models.tail import refit, solve


def painter() -> tuple[Swap, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    swap = Swap(Config(64)).eval()
    return swap, torch.rand(6, 3, 64, 64), torch.randn(KERNELS) * 0.1


def test_a_sleeping_channel_wakes():
    swap, crops, kernels = painter()
    with torch.no_grad():
        good, _, decoded = swap.paint(crops, kernels)
        swap.final[4].bias[2] = -9  # behind the bend: two channels are left for three colours
        poor, _, _ = swap.paint(crops, kernels)
        refit(swap, decoded[-1], good, torch.ones(6, 1, 64, 64))
        again, _, _ = swap.paint(crops, kernels)
    assert F.l1_loss(again, good) < F.l1_loss(poor, good) / 10


def test_solve_finds_the_map_that_made_the_answers_and_heeds_the_weight():
    torch.manual_seed(0)
    x, true = torch.randn(2, 4, 9, 9), torch.randn(5, 3)
    y = torch.einsum("ck,nchw->nkhw", true[:4], x) + true[4].view(1, 3, 1, 1)
    weight = torch.ones(2, 1, 9, 9)
    y[:, :, 0], weight[:, :, 0] = 99, 0
    torch.testing.assert_close(solve(x, y, weight), true, atol=1e-4, rtol=1e-4)
