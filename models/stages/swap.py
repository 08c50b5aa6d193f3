"""Stage `swap`: IDN, IIM and identity network together, from the mesh engine and from photographs.

A step takes a few identities and a few targets for each, so that an identity's kernels are written
once. Half of the samples are plain distillation (answer: the teacher's picture, weighted by
alpha), half are cycles (answer: a real photograph); some of these begin with the photograph itself,
its face veiled, where the likeness can come from the identity alone. The identity network goes on
learning, slowly: what the painter needs to know reaches back to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models import losses
from models.augment import jitter, veil
from models.checkpoint import ROOT, load_average
from models.data import WIDE, Faces
from models.exam import Exam
from models.look import Codes, Look
from models.networks.encode import Encode
from models.networks.inject import Inject
from models.networks.swap import DECODER, Config, Swap
from models.pairs import SIDE, Pairs
from models.precision import autocast
from models.stages.mesh import SMALL, warp
from models.teachers import recogniser

Rng = np.random.Generator


@dataclass(frozen=True)
class Settings:
    size: int = 128  # pixels at which the IDN paints: 128 to warm up, 160, at last 224
    couples: int = 2  # targets a step and process that two people are painted on
    cycles: int = 4  # photographs a step and process that are to be restored
    told: float = 0.5  # share of identities that come from the labels, not from the encoder
    itself: float = 0.3  # share of cycles whose input is the answer itself, veiled
    judged: float = 0.15  # share of cycles that the recogniser looks at; it costs most of a step
    lr: float = 1e-3
    slow: float = 2e-4  # for the hypernetwork: a linear layer on 768 numbers jumps by 768 x lr
    encoder: float = 4e-5  # for the identity network, trained before
    rec: float = 4.0
    apart: float = 4.0  # the difference of a couple: what all people share cancels out
    per: float = 4.0
    deep: float = 2.0  # throw-away RGB outputs after each decoder block
    id: float = 1.2  # at 4 its gradient is three times that of rec, and mostly noise: LOG.md
    mask: float = 1.0
    teach: float = 1.0  # the identity network's own labels, so that it does not forget them
    around: float = 0.2  # weight of rec outside the face


@dataclass(frozen=True)
class Batch:
    """people: (k,) rows of the faces. sources: (k, 3, 112, 112), their crops, jittered.

    code: (k, 512), what their embeddings should be. told: (k,) bool, whom it stands in for.
    given, answer: (k, 3, s, s). hull: (k, 1, s, s). plain: (k,) bool, forwards pairs; they come
    first, two and two of the same target. judged: (k,) bool, the recogniser's opinion is asked.
    """

    people: np.ndarray
    sources: Tensor
    code: Tensor
    told: Tensor
    given: Tensor
    answer: Tensor
    hull: Tensor
    plain: Tensor
    judged: Tensor


class Stage:
    def __init__(self, settings: Settings, shared: Path, cache: Path, device: str):
        self.settings, self.device = settings, device
        self.notes = {"size": str(settings.size)}  # export must know at which size it paints
        self.faces, held = Faces(shared, cache, "train"), Faces(shared, cache, "eval")
        look = Look(self.faces)
        self.codes = [Codes(self.faces, look, mirrored=m) for m in (False, True)]
        self.pairs = Pairs(self.faces)
        self.of_target = groups(self.pairs.rows[:, 1], self.faces.n)
        self.targets = np.flatnonzero([len(a) > 0 for a in self.of_target])
        self.shared = np.flatnonzero([len(a) > 1 for a in self.of_target])
        parts = {
            "encode": load_average(ROOT / "checkpoints" / "encode.safetensors", Encode(), "encode"),
            "inject": Inject(),
            "swap": Swap(Config(settings.size)),
            "heads": nn.ModuleList(nn.Conv2d(cout, 3, 1) for _, cout in DECODER),
        }
        self.networks = nn.ModuleDict(parts).to(device)
        for name in ("encode", "swap"):
            self.networks[name].to(memory_format=torch.channels_last)
        self.teacher = losses.Recogniser(recogniser(shared, "reid0095"))
        self.exam = Exam(held, recogniser(shared, "mfn_y1"), settings.size, Codes(held, look))

    def groups(self) -> list[dict]:
        """The hypernetwork learns slowly; the base taps and everything shared at full speed."""
        s, parts = self.settings, self.networks
        fast = [parts["inject"].base, *parts["swap"].parameters(), *parts["heads"].parameters()]
        slow = [p for name, p in parts["inject"].named_parameters() if name != "base"]
        encoder = list(parts["encode"].parameters())
        rates = ((fast, s.lr), (slow, s.slow), (encoder, s.encoder))
        return [{"params": params, "lr": lr} for params, lr in rates]

    def losses(self, step: int, rng: Rng) -> dict[str, Tensor]:
        s, b = self.settings, self.batch(rng)
        embedding, features = self.identity(b)
        chosen = torch.where(b.told[:, None], b.code, embedding)
        painted, deep, mask = self.paint(b, self.networks["inject"](chosen, features))
        patch = painted * b.hull + b.given * (1 - b.hull)
        who = torch.from_numpy(self.faces.who[b.people])
        with torch.no_grad():
            theirs, their_maps = self.teacher(b.answer[b.judged])
            alpha, plain = torch.ones(len(b.given)), b.plain[b.judged]
            alpha[b.plain] = losses.reweight(theirs[plain], who[b.plain])
        mine, maps = self.teacher(losses.untinted(patch, b.answer)[b.judged])
        weight = b.hull + s.around * (1 - b.hull)
        terms = {
            "rec": (alpha * losses.rec(painted, b.answer, weight)).mean(),
            "apart": self.apart(painted, b, alpha),
            "per": (alpha[b.judged] * losses.per(maps, their_maps)).mean(),
            "deep": self.deep(deep, b.answer, b.hull, alpha),
            "id": losses.ident(mine[plain], who[b.plain]).mean(),
            "mask": F.binary_cross_entropy(mask.clamp(1e-5, 1 - 1e-5), b.hull[: len(mask)]),
            "teach": 1 - (embedding * b.code).sum(1).mean(),
        }
        terms["total"] = sum(getattr(s, key) * value for key, value in terms.items())
        return terms

    def apart(self, painted: Tensor, b: Batch, alpha: Tensor) -> Tensor:
        """How a couple differs against how it should; what all faces share cancels out."""
        one, other = slice(0, 2 * self.settings.couples, 2), slice(1, 2 * self.settings.couples, 2)
        weight = torch.minimum(b.hull[one], b.hull[other])
        error = losses.rec(painted[one] - painted[other], b.answer[one] - b.answer[other], weight)
        return ((alpha[one] * alpha[other]).sqrt() * error).mean()

    def identity(self, b: Batch) -> tuple[Tensor, Tensor]:
        """embedding (k, 512) and features of the sources, (k, 512, 7, 7)."""
        with autocast(self.device):
            embedding, features = self.networks["encode"].eval().raw(b.sources)
        return embedding.float(), features.float()

    def paint(self, b: Batch, kernels: Tensor) -> tuple[Tensor, list, Tensor]:
        """The pictures, the decoder's outputs of each, the mask of the first one.

        The mask is learnt on detached features and converges early: one picture is enough.
        """
        swap = self.networks["swap"].eval()  # its batch norms stay as they are: training.md, "BN"
        painted, decoded, mask = [], [], None
        for row, crop in zip(kernels, b.given.split(1), strict=True):
            with autocast(self.device):
                picture, deepest, blocks = swap.paint(crop, row)
                mask = swap.judge(deepest).float() if mask is None else mask
            painted.append(picture.float())
            decoded.append(blocks)
        return torch.cat(painted), decoded, mask

    def deep(self, decoded: list, answer: Tensor, hull: Tensor, alpha: Tensor) -> Tensor:
        """L1 of a 1x1 convolution of every decoder block against the reduced answer."""
        total = torch.zeros(())
        for level, head in enumerate(self.networks["heads"]):
            guess = torch.cat([head(blocks[level].float()) for blocks in decoded])
            size = guess.shape[-2:]
            small, where = F.adaptive_avg_pool2d(answer, size), F.adaptive_avg_pool2d(hull, size)
            error = ((guess - small).abs() * where).mean((1, 2, 3)) / where.mean((1, 2, 3))
            total = total + (alpha * error).mean()
        return total / len(self.networks["heads"])

    def batch(self, rng: Rng) -> Batch:
        s = self.settings
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
        sources = [self.source(rng, row, flip) for row, flip in zip(people, flips, strict=True)]
        code = np.stack([self.codes[int(f)][row] for row, f in zip(people, flips, strict=True)])
        given, answer, hull = tensor(images).split([3, 3, 1], dim=1)
        told = torch.from_numpy(rng.random(len(pairs)) < s.told)
        judged = torch.from_numpy(plain | (rng.random(len(pairs)) < s.judged))
        given = given.contiguous(memory_format=torch.channels_last)
        return Batch(people, tensor(sources), torch.from_numpy(code), told, given,
                     answer.contiguous(), hull, torch.from_numpy(plain), judged)  # fmt: skip

    def source(self, rng: Rng, person: int, flip: bool) -> np.ndarray:
        """(112, 112, 3) uint8: the crop that says who, as far off as the detector's points are."""
        matrix = jitter(rng, SMALL, WIDE, turn=4, zoom=0.05, shift=0.02, flip=flip)
        return warp(self.faces.wides[person], matrix)

    def sample(self, rng: Rng, pair: int, forward: bool, flip: bool) -> np.ndarray:
        """(s, s, 7) uint8: what the network is given, the answer, the hull; jittered together."""
        size, picture = self.settings.size, self.pairs.pictures[pair]
        photo = np.asarray(self.faces.crops[self.pairs.rows[pair, 1]])
        photo = cv2.resize(photo, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        given, answer = (photo, picture[..., :3]) if forward else (picture[..., :3], photo)
        if not forward and rng.random() < self.settings.itself:
            given = veil(rng, photo, picture[..., 3])
        matrix = jitter(rng, size, size, turn=6, zoom=0.06, shift=0.03, flip=flip)
        zoom = size / SIDE
        fit = np.array([[zoom, 0, (zoom - 1) / 2], [0, zoom, (zoom - 1) / 2], [0, 0, 1]])
        matrix = (matrix @ fit)[:2]
        gain = np.clip(np.exp(rng.normal(0, 0.12)) * np.exp(rng.normal(0, 0.04, 3)), 0.6, 1.4)
        table = np.clip(np.arange(256)[:, None, None] * gain, 0, 255).astype(np.uint8)
        parts = [cv2.LUT(np.ascontiguousarray(x), table) for x in (given, answer)]
        moved = [cv2.warpAffine(x, matrix, (size, size)) for x in (*parts, picture[..., 3:])]
        return np.dstack(moved)

    def measure(self) -> dict[str, float]:
        """Likeness on held-out people; the pictures themselves go to models/runs/swap.png."""
        figures = self.exam(self.networks)
        cv2.imwrite(str(ROOT / "runs" / "swap.png"), self.exam.picture()[..., ::-1])
        return figures


def tensor(images: list[np.ndarray]) -> Tensor:
    """n pictures (s, s, c) uint8 -> (n, c, s, s) float32 0..1."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255


def groups(rows: np.ndarray, n: int) -> list[np.ndarray]:
    """For each of n faces, which entries of `rows` name it."""
    order = np.argsort(rows, kind="stable")
    return np.split(order, np.searchsorted(rows[order], np.arange(1, n)))
