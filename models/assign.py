"""Which cell answers for which face, and what its answer costs.

A cell's two answers stand for faces of two typical sides; a face is learnt by the answers near its
middle whose side is near its own, the ones a little further off are not judged, the rest say no.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from models.networks.detect import SPANS, STRIDES

Array = np.ndarray
NEAR, FAR = 0.6, 0.85  # |log2(side / typical side)|: learnt up to NEAR, not judged up to FAR
REACH = 0.3  # of the face's side, from its middle, within [0.75, 1.25] strides: cells that learn it
LOOSE = 1.6  # times that: cells not judged
CLEAR = 64.0  # pixels, side of a face whose points are worth learning to the full
NO, SKIP = -1, -2  # owners of answers that hold no face, or are not judged


@cache
def answers(height: int, width: int) -> tuple[Array, Array, Array]:
    """corner (n, 2), stride (n,), side (n,) in pixels of all answers, in SCRFD's order."""
    parts = []
    for stride, spans in zip(STRIDES, SPANS, strict=True):
        y, x = np.mgrid[: height // stride, : width // stride]
        corner = np.stack([x, y], axis=-1).reshape(-1, 2).repeat(len(spans), axis=0) * stride
        side = np.tile(np.array(spans) * stride, len(corner) // len(spans))
        parts.append((corner, np.full(len(corner), stride), side))
    return tuple(np.concatenate(p).astype(np.float32) for p in zip(*parts, strict=True))


def assign(boxes: Array, sure: Array, height: int, width: int) -> Array:
    """(n,) int: for each answer the face that it learns, or NO, or SKIP.

    boxes: (m, 4) pixels. sure: (m,) bool; answers inside a face that is not sure are skipped.
    """
    corner, stride, typical = answers(height, width)
    owner, best = np.full(len(corner), NO), np.full(len(corner), np.inf)
    for face, box in enumerate(boxes):
        middle, extent = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
        if not sure[face]:
            inside = (np.abs(corner - middle) <= 0.6 * extent).all(1)
            owner[inside & (owner == NO)] = SKIP
            continue
        side = np.sqrt(extent.prod())
        reach = np.clip(REACH * side, 0.75 * stride, 1.25 * stride)
        away = np.linalg.norm(corner - middle, axis=1) / reach
        kept = np.clip(side, typical.min(), typical.max())
        gap = np.abs(np.log2(kept / typical))
        mine = (away <= 1) & (gap <= NEAR) & (away < best)
        owner[(away <= LOOSE) & (gap <= FAR) & (owner == NO)] = SKIP
        owner[mine], best[mine] = face, away[mine]
    return owner


def decode(boxes: Tensor, points: Tensor, corner: Tensor, stride: Tensor) -> tuple[Tensor, Tensor]:
    """Distances (n, 4), (n, 10) in strides -> boxes (n, 4), points (n, 5, 2) in pixels."""
    boxes = boxes * stride[:, None]
    box = torch.cat([corner - boxes[:, :2], corner + boxes[:, 2:]], dim=1)
    return box, points.unflatten(1, (5, 2)) * stride[:, None, None] + corner[:, None]


def overlap(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and DIoU (Zheng et al. 2020) of boxes (n, 4), pair by pair."""
    sides = torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])
    shared = sides.clamp_min(0).prod(1)
    area_a, area_b = ((x[:, 2:] - x[:, :2]).clamp_min(1e-3).prod(1) for x in (a, b))
    iou = shared / (area_a + area_b - shared)
    hull = torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])
    apart = (a[:, :2] + a[:, 2:] - b[:, :2] - b[:, 2:]) / 2
    return iou, iou - apart.square().sum(1) / hull.square().sum(1).clamp_min(1e-3)


def score_loss(logits: Tensor, owner: Tensor, quality: Tensor, floor: float) -> Tensor:
    """Quality focal loss (Li et al. 2020): a face's score is how well its box fits, at least floor.

    logits: (n, answers). owner: the same, from `assign`. quality: (positives,) IoU, no gradient.
    """
    target = torch.zeros_like(logits)
    target[owner >= 0] = quality.clamp_min(floor)
    cost = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    cost = cost * (torch.sigmoid(logits) - target).abs().square() * (owner != SKIP)
    return cost.sum() / max(len(quality), 1)


def point_loss(guess: Tensor, truth: Tensor, side: Tensor, beta: float = 0.02) -> Tensor:
    """Smooth L1 of points (n, 5, 2), in sides of the face (n,); few pixels weigh less."""
    unit = side[:, None, None]
    cost = F.smooth_l1_loss(guess / unit, truth / unit, beta=beta, reduction="none")
    weight = (unit / CLEAR).clamp(0.25, 1)
    return (cost * weight).sum() / (10 * weight.sum()).clamp_min(1)
