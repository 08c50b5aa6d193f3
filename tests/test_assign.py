"""`assign` against the product's decoder and against brute force."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from demo.detect import decode  # noqa: E402
from models import assign  # noqa: E402


@pytest.mark.parametrize("side", [10, 16, 23, 40, 64, 110, 200, 300])
def test_every_face_is_learnt_by_answers_of_its_side(side):
    rng = np.random.default_rng(side)
    _, _, typical = assign.answers(256, 256)
    for _ in range(20):
        x, y = rng.uniform(40, 216, 2)
        box = np.array([[x - side / 2, y - side / 2, x + side / 2, y + side / 2]])
        owner = assign.assign(box, np.array([True]), 256, 256)
        mine = typical[owner == 0]
        assert len(mine) > 0
        assert np.abs(np.log2(np.clip(side, 15, 384) / mine)).max() <= assign.NEAR


def test_a_doubted_face_is_not_judged_and_yields_to_a_sure_one():
    box = np.array([[40, 40, 100, 100.0]])
    corner = assign.answers(128, 128)[0]
    inside = ((corner > 40) & (corner < 100)).all(1)
    owner = assign.assign(box, np.array([False]), 128, 128)
    assert (owner[inside] == assign.SKIP).all() and (owner[~inside] == assign.NO).any()
    both = assign.assign(np.repeat(box, 2, 0), np.array([False, True]), 128, 128)
    assert (both == 1).any() and not (both == 0).any()


def test_training_decodes_as_the_product_does():
    rng = np.random.default_rng(3)
    corner, stride, _ = assign.answers(64, 96)
    cells = [2 * (64 // s) * (96 // s) for s in (8, 16, 32)]
    given = [rng.random((c, n), np.float32) for n in (1, 4, 10) for c in cells]
    boxes, points, _ = decode(given, 96, 0.0)
    raw = (torch.from_numpy(np.concatenate(given[i : i + 3])) for i in (3, 6))
    ours = assign.decode(*raw, torch.from_numpy(corner), torch.from_numpy(stride))
    np.testing.assert_allclose(ours[0], boxes, atol=1e-3)
    np.testing.assert_allclose(ours[1], points, atol=1e-3)


def iou(a, b) -> float:
    w, h = (max(0, min(a[i + 2], b[i + 2]) - max(a[i], b[i])) for i in (0, 1))
    area = [(x[2] - x[0]) * (x[3] - x[1]) for x in (a, b)]
    return w * h / (sum(area) - w * h)


def test_overlap_is_brute_force():
    rng = np.random.default_rng(4)
    low = rng.uniform(0, 20, (2, 50, 2))
    a, b = np.concatenate([low, low + rng.uniform(5, 30, (2, 50, 2))], axis=2)
    given, fit = assign.overlap(torch.from_numpy(a), torch.from_numpy(b))
    np.testing.assert_allclose(given, [iou(x, y) for x, y in zip(a, b, strict=True)], atol=1e-9)
    assert (fit <= given).all()


def test_a_perfect_answer_costs_nothing():
    owner = torch.tensor([[0, -1, -2, 1]])
    logits = torch.tensor([[20.0, -20.0, 20.0, 20.0]])  # the third is not judged
    assert assign.score_loss(logits, owner, torch.ones(2), 0.5) < 1e-6
    assert assign.score_loss(-logits, owner, torch.ones(2), 0.5) > 1
    points = torch.rand(3, 5, 2)
    assert assign.point_loss(points, points, torch.ones(3)) == 0
