"""The network teacher, its judge, and the terms that a painter and its judge learn from."""

import dataclasses

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from models import losses
from models.networks.discriminator import Config, Discriminator
from models.networks.teacher import Quality, Teacher
from models.stages.teacher import contest
from models.triplets import Batch

SMALL = Config(widths=(4, 8), scales=2)


@pytest.fixture
def batch():
    """Two people on one target, and one photograph to be restored; all are judged."""
    torch.manual_seed(0)
    given = torch.rand(3, 3, 64, 64)
    given[1] = given[0]
    who = F.normalize(torch.randn(3, 256))
    return Batch(
        sources=torch.rand(3, 3, 112, 112),
        labels=torch.cat([who, F.normalize(torch.randn(3, 256))], 1) / 2**0.5,
        told=torch.ones(3, dtype=torch.bool), given=given, answer=torch.rand(3, 3, 64, 64),
        hull=torch.ones(3, 1, 64, 64), plain=torch.tensor([True, True, False]),
        judged=torch.ones(3, dtype=torch.bool),
    )  # fmt: skip


class Eye(nn.Module):
    """A stand-in for the recogniser: what it sees is the mean of each quarter."""

    def forward(self, picture):
        maps = F.adaptive_avg_pool2d(picture, 2)
        return F.normalize(F.pad(maps.flatten(1), (0, 244))), [maps]


def test_the_teacher_is_of_the_promised_size_and_listens_to_the_code():
    torch.manual_seed(0)
    teacher, crop = Teacher().eval(), torch.rand(2, 3, 64, 64)
    assert 5e6 < sum(p.numel() for p in teacher.parameters()) < 20e6
    code = F.normalize(torch.randn(2, 512))
    with torch.no_grad():
        one, other = teacher(crop, code), teacher(crop, code.flip(0))
    assert one.shape == crop.shape and one.min() >= 0 and one.max() <= 1
    assert (one - other).abs().mean() > 1e-3
    with torch.no_grad():
        torch.testing.assert_close(teacher(crop[:1], code[:1]), one[:1], atol=1e-4, rtol=1e-4)
        assert Quality().eval()(crop).shape == (2,)


def test_a_painter_and_its_judge_do_not_feel_each_others_terms(batch):
    judge, paint = Discriminator(SMALL), torch.rand(3, 3, 64, 64, requires_grad=True)
    terms = contest(judge, batch, paint)
    (seen,) = torch.autograd.grad(terms["adv"], paint, retain_graph=True)
    assert seen.abs().sum() > 0
    own = torch.autograd.grad(terms["adv"], judge.parameters(), allow_unused=True)
    assert all(g is None for g in own)
    (felt,) = torch.autograd.grad(terms["hinge"], paint, allow_unused=True, retain_graph=True)
    assert felt is None
    weights = [p for name, p in judge.named_parameters() if "bias" not in name]
    assert all(g.abs().sum() > 0 for g in torch.autograd.grad(terms["hinge"], weights))


def test_a_judge_learns_to_tell_two_kinds_of_pictures():
    torch.manual_seed(0)
    judge = Discriminator(SMALL)
    optimiser = torch.optim.Adam(judge.parameters(), lr=2e-3)
    for _ in range(60):
        real, fake = torch.rand(4, 3, 32, 32), F.avg_pool2d(torch.rand(4, 3, 34, 34), 3, 1)
        loss = losses.hinge(judge(real), judge(fake))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    sharp, soft = (-losses.adv(judge(x)).item() for x in (real, fake))
    assert loss < 1.5 and sharp > soft + 0.3  # an undecided judge's hinge is 2


def test_hinge_by_hand():
    real, fake = [torch.tensor([2.0, 0.5])], [torch.tensor([-3.0, 0.0])]
    assert losses.hinge(real, fake).item() == pytest.approx((0 + 0.5) / 2 + (0 + 1) / 2)
    assert losses.adv(fake).item() == pytest.approx(1.5)


def test_what_two_people_share_cancels_out_of_their_difference(batch):
    who = Eye()(batch.answer)[0]  # every answer is like its person: all count alike
    batch = dataclasses.replace(batch, labels=torch.cat([who, who], 1) / 2**0.5)
    distil = losses.Distillation(Eye(), around=0.2)
    terms, alpha = distil(batch, batch.answer)
    assert terms["rec"] == terms["apart"] == 0 and alpha[2] == 1
    shared = torch.zeros_like(batch.answer)
    shared[:2] = 0.1  # the same error on both of a couple
    terms, _ = distil(batch, batch.answer + shared)
    assert terms["rec"] > 0.01 and terms["apart"] < 1e-6
    terms, _ = distil(batch, batch.answer + shared * torch.tensor([1.0, -1, 0]).view(3, 1, 1, 1))
    assert terms["apart"] > 0.1


def test_a_better_picture_of_the_teacher_counts_for_more(batch):
    batch = dataclasses.replace(batch, answer=batch.given.clone())
    distil = losses.Distillation(Eye(), around=0.2)
    _, alpha = distil(batch, batch.answer, torch.tensor([0.8, 0.2]))
    cos = (Eye()(batch.answer[:2])[0] * batch.who[:2]).sum(1).clamp_min(0).square()
    expected = cos * torch.tensor([0.8, 0.2])
    torch.testing.assert_close(alpha[:2], expected / expected.mean().clamp_min(1e-6))
