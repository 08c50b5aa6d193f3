"""What the painters are shown: a few people, and for each a picture that is to become theirs.

Half of a batch is plain distillation (answer: the mesh teacher's picture), two people on each
target, so that what all faces share cancels out of their difference. The other half are cycles
(answer: a real photograph); some of these begin with the photograph itself, its face veiled, where
the likeness can come from the identity alone.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import cv2
import numpy as np
import torch
from torch import Tensor

from models.augment import jitter, veil
from models.data import CROP, WIDE, Faces
from models.look import Codes, Look
from models.networks.encode import WHO
from models.pairs import Pairs
from models.stages.mesh import SMALL, warp

Rng = np.random.Generator


@dataclass(frozen=True)
class Draw:
    """What a batch is made of; a stage's Settings are these and its own."""

    size: int = 224  # pixels of the pictures
    couples: int = 2  # targets a step and process that two people are painted on
    cycles: int = 3  # photographs a step and process that are to be restored
    told: float = 0.2  # share of identities that come from the labels, not from the encoder
    itself: float = 0.3  # share of cycles whose input is the answer itself, veiled
    named: int = 14  # further faces a step and process that only the identity network learns from
    judged: float = 0.15  # share of cycles that the recogniser looks at; it costs most of a step


@dataclass(frozen=True)
class Batch:
    """sources: (k + named, 3, 112, 112), crops of people, jittered; the last are only named.

    labels: (k + named, 512), what their embeddings should be. told: (k,) bool, whose embedding a
    label stands in for. given, answer: (k, 3, s, s). hull: (k, 1, s, s). plain: (k,) bool, forwards
    pairs; they come first, two and two of the same target. judged: (k,) bool, the recogniser's
    opinion is asked.
    """

    sources: Tensor
    labels: Tensor
    told: Tensor
    given: Tensor
    answer: Tensor
    hull: Tensor
    plain: Tensor
    judged: Tensor

    @property
    def code(self) -> Tensor:
        """(k, 512) unit: the labels of those who are painted."""
        return self.labels[: len(self.given)]

    @property
    def who(self) -> Tensor:
        """(k, 256) unit: the recogniser's own embedding of each."""
        return self.code[:, :WHO] * 2**0.5

    def blend(self, painted: Tensor) -> Tensor:
        """The painted faces in the pictures that were given, (k, 3, s, s)."""
        return painted * self.hull + self.given * (1 - self.hull)

    def to(self, device: str) -> Batch:
        return Batch(*(getattr(self, field.name).to(device) for field in fields(self)))


class Triplets:
    """Batches from the training split."""

    def __init__(self, faces: Faces, look: Look, draw: Draw):
        self.faces, self.draw = faces, draw
        self.codes = [Codes(faces, look, mirrored=m) for m in (False, True)]
        self.pairs = Pairs(faces)
        self.of_target = groups(self.pairs.rows[:, 1], faces.n)
        self.targets = np.flatnonzero([len(a) > 0 for a in self.of_target])
        self.shared = np.flatnonzero([len(a) > 1 for a in self.of_target])

    def __call__(self, rng: Rng) -> Batch:
        s = self.draw
        shared = rng.choice(self.shared, s.couples, replace=False)
        drawn = [rng.choice(self.of_target[t], 2, replace=False) for t in shared]
        back = [rng.choice(self.of_target[t]) for t in rng.choice(self.targets, s.cycles)]
        pairs = np.concatenate([*drawn, back]).astype(int)
        plain = np.arange(len(pairs)) < 2 * s.couples
        people = np.where(plain, self.pairs.rows[pairs, 0], self.pairs.rows[pairs, 1])
        # The source flips with its target: its left cheek stays the left. A couple moves as one.
        motion = np.where(plain, np.arange(len(pairs)) // 2, np.arange(len(pairs)))
        flips, seeds = rng.random(len(pairs))[motion] < 0.5, rng.integers(1 << 62, size=len(pairs))
        images = [
            self.sample(np.random.default_rng(seeds[motion[i]]), pairs[i], plain[i], flips[i])
            for i in range(len(pairs))
        ]
        faces = list(zip(people, flips, strict=True))
        further = rng.choice(self.faces.n, s.named), rng.random(s.named) < 0.5
        faces += zip(*further, strict=True)
        sources = [self.source(rng, row, flip) for row, flip in faces]
        labels = np.stack([self.codes[int(flip)][row] for row, flip in faces])
        given, answer, hull = tensor(images).split([3, 3, 1], dim=1)
        told = torch.from_numpy(rng.random(len(pairs)) < s.told)
        judged = torch.from_numpy(plain | (rng.random(len(pairs)) < s.judged))
        given = given.contiguous(memory_format=torch.channels_last)
        images, plain = (given, answer.contiguous(), hull), torch.from_numpy(plain)
        return Batch(tensor(sources), torch.from_numpy(labels), told, *images, plain, judged)

    def source(self, rng: Rng, person: int, flip: bool) -> np.ndarray:
        """(112, 112, 3) uint8: the crop that says who, as far off as the detector's points are."""
        matrix = jitter(rng, SMALL, WIDE, turn=4, zoom=0.05, shift=0.02, flip=flip)
        return warp(self.faces.wides[person], matrix)

    def sample(self, rng: Rng, pair: int, forward: bool, flip: bool) -> np.ndarray:
        """(s, s, 7) uint8: what the network is given, the answer, the hull; jittered together."""
        size, picture = self.draw.size, self.pairs.pictures[pair]
        photo = np.asarray(self.faces.crops[self.pairs.rows[pair, 1]])
        given, answer = (photo, picture[..., :3]) if forward else (picture[..., :3], photo)
        if not forward and rng.random() < self.draw.itself:
            given = veil(rng, photo, picture[..., 3])
        matrix = jitter(rng, size, size, turn=6, zoom=0.06, shift=0.03, flip=flip)
        zoom = size / CROP
        fit = np.array([[zoom, 0, (zoom - 1) / 2], [0, zoom, (zoom - 1) / 2], [0, 0, 1]])
        matrix = (matrix @ fit)[:2]
        gain = np.clip(np.exp(rng.normal(0, 0.12)) * np.exp(rng.normal(0, 0.04, 3)), 0.6, 1.4)
        table = np.clip(np.arange(256)[:, None, None] * gain, 0, 255).astype(np.uint8)
        parts = [cv2.LUT(np.ascontiguousarray(x), table) for x in (given, answer)]
        parts.append(np.ascontiguousarray(picture[..., 3:]))
        moved = [cv2.warpAffine(x, matrix, (size, size), flags=cv2.INTER_CUBIC) for x in parts]
        return np.dstack(moved)


def tensor(images: list[np.ndarray]) -> Tensor:
    """n pictures (s, s, c) uint8 -> (n, c, s, s) float32 0..1."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255


def groups(rows: np.ndarray, n: int) -> list[np.ndarray]:
    """For each of n faces, which entries of `rows` name it."""
    order = np.argsort(rows, kind="stable")
    return np.split(order, np.searchsorted(rows[order], np.arange(1, n)))
