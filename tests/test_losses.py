"""The terms of the objective on cases whose answers are known."""

from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from models import losses
from models.teachers import recogniser, reid_crop

SHARED = Path(__file__).resolve().parents[2] / "shared"

torch.manual_seed(0)
ANSWER = torch.rand(3, 3, 64, 64)
EVERYWHERE = torch.ones(3, 1, 64, 64)


def test_rec_is_zero_for_the_answer_and_l1_for_a_shift():
    assert losses.rec(ANSWER, ANSWER, EVERYWHERE).abs().max() == 0
    shifted = losses.rec(ANSWER + 0.1, ANSWER, EVERYWHERE)  # no gradient changes
    torch.testing.assert_close(shifted, torch.full((3,), 0.1), atol=1e-4, rtol=0)


def test_rec_looks_only_where_the_weight_is():
    weight = EVERYWHERE.clone()
    weight[..., :32] = 0
    spoilt = ANSWER.clone()
    spoilt[..., :24] = 0  # eight pixels from the edge: the coarsest scale reaches no further
    assert losses.rec(spoilt, ANSWER, weight).max() < 1e-6
    assert losses.rec(spoilt, ANSWER, EVERYWHERE).min() > 0.1


def test_texture_prefers_an_edge_that_is_off_to_a_blur():
    noise = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    everywhere, soft = torch.ones(2, 1, 64, 64), F.avg_pool2d(noise, 5, 1, 2)
    assert losses.texture(noise, noise, everywhere).abs().max() == 0
    moved, blurred = (losses.texture(x, noise, everywhere) for x in (noise.roll(1, 3), soft))
    assert (moved < 0.4 * blurred).all() and (blurred > 0.5).all()
    assert (F.l1_loss(noise.roll(1, 3), noise) > F.l1_loss(soft, noise)).item()
    assert losses.texture(soft, noise, torch.zeros_like(everywhere)).abs().max() == 0


def test_untinted_takes_back_a_tint_and_nothing_else():
    tint = torch.tensor([0.1, -0.05, 0.0])[:, None, None]
    middle = 0.3 + 0.4 * ANSWER
    torch.testing.assert_close(losses.untinted(middle + tint, middle), middle, atol=1e-5, rtol=0)
    brow = middle.clone()
    brow[..., 30:34, 30:34] += torch.tensor([-0.1, 0.2, -0.1])[:, None, None]  # green, no darker
    torch.testing.assert_close(losses.untinted(brow, middle), middle, atol=1e-5, rtol=0)
    sharper = middle.clone()
    sharper[..., 30:34, 30:34] += 0.2
    assert (losses.untinted(sharper, middle) - middle).abs().max() > 0.15


def test_alpha_is_cos_squared_times_quality_over_its_mean():
    who = F.normalize(torch.randn(3, 8))
    made = torch.stack([who[0], F.normalize(who[1] + torch.randn(8), dim=0), -who[2]])
    cos = (made * who).sum(1).clamp_min(0)
    quality = torch.tensor([1.0, 0.5, 1.0])
    alpha = losses.reweight(made, who, quality)
    expected = cos.square() * quality
    torch.testing.assert_close(alpha, expected / expected.mean())
    alike = losses.reweight(made, who, quality, power=0)
    torch.testing.assert_close(alike, quality / quality.mean())
    assert alpha[2] == 0 and torch.isclose(alpha.mean(), torch.tensor(1.0))
    assert not losses.reweight(made.requires_grad_(), who).requires_grad


def test_ident_and_per():
    who = F.normalize(torch.randn(4, 16))
    torch.testing.assert_close(losses.ident(who, who), torch.zeros(4), atol=1e-6, rtol=0)
    torch.testing.assert_close(losses.ident(-who, who), torch.full((4,), 2.0))
    maps = [torch.rand(2, 4, 8, 8), torch.rand(2, 8, 4, 4)]
    assert losses.per(maps, maps).max() == 0
    doubled = losses.per([2 * m for m in maps], maps)
    torch.testing.assert_close(doubled, torch.ones(2), atol=1e-4, rtol=0)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the recogniser lies in ../shared")
def test_the_recogniser_walked_in_half_precision_is_the_recogniser():
    """Its embedding and its gradient, against the frozen file run by PyTorch itself."""
    net = recogniser(SHARED, "reid0095")
    walked = losses.Recogniser(net)
    answers = []
    for embed in (lambda x: net(reid_crop(x)), lambda x: walked(x)[0]):
        crop = torch.rand(2, 3, 128, 128, generator=torch.manual_seed(3)).requires_grad_()
        embedding = embed(crop)
        (embedding @ torch.ones(256)).sum().backward()
        answers.append((embedding.detach(), crop.grad.flatten(1)))
    (whole, gradient), (half, steps) = answers
    assert F.cosine_similarity(whole, half).min() > 0.998
    assert F.cosine_similarity(gradient, steps).min() > 0.9
    assert [m.shape[0] for m in walked(ANSWER)[1]] == [3] * len(losses.DEPTHS)
