"""Stage `swap`: IDN and IIM together, by distillation from the mesh engine and from photographs.

A step takes a few identities and a few targets for each, so that an identity's kernels are written
once. Half of the samples are plain distillation (answer: the teacher's picture, weighted by
alpha), half are cycles (answer: a real photograph), a few are faces fed to themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from demo.manifest import load
from demo.warp import hull
from models import losses
from models.augment import jitter
from models.checkpoint import ROOT, load_average
from models.data import CROP, Faces
from models.networks.encode import Encode
from models.networks.inject import Inject
from models.networks.swap import DECODER, Config, Swap
from models.pairs import SIDE, Pairs
from models.teachers import recogniser


@dataclass(frozen=True)
class Settings:
    size: int = 128  # pixels at which the IDN paints: 128 to warm up, 160, at last 224
    identities: int = 2  # a step and process
    targets: int = 4  # for each identity: half distillation, half cycles
    itself: float = 0.12  # share of cycles whose input is the answer itself
    lr: float = 1e-3
    slow: float = 6e-5  # for the hypernetwork: a linear layer on 768 numbers jumps by 768 x lr
    rec: float = 3.0
    per: float = 2.0
    deep: float = 2.0  # throw-away RGB outputs after each decoder block
    id: float = 4.0
    mask: float = 1.0
    around: float = 0.2  # weight of rec outside the face


class Stage:
    def __init__(self, settings: Settings, shared: Path, cache: Path, device: str):
        self.settings, self.device = settings, device
        self.notes = {"size": str(settings.size)}  # export must know at which size it paints
        self.faces = Faces(shared, cache, "train")
        self.pairs = Pairs(self.faces)
        self.of_source = groups(self.pairs.rows[:, 0], self.faces.n)
        self.of_target = groups(self.pairs.rows[:, 1], self.faces.n)
        self.people = np.flatnonzero([len(a) > 0 and len(b) > 0 for a, b in self.both()])
        self.embeddings, self.features = identities(self.faces)
        heads = nn.ModuleList(nn.Conv2d(cout, 3, 1) for _, cout in DECODER)
        parts = {"inject": Inject(), "swap": Swap(Config(settings.size)), "heads": heads}
        self.networks = nn.ModuleDict(parts).to(device)
        self.networks["swap"].to(memory_format=torch.channels_last)
        self.teacher = losses.Recogniser(recogniser(shared, "reid0095"))
        self.exam = Exam(Faces(shared, cache, "eval"), recogniser(shared, "mfn_y1"), settings.size)

    def both(self):
        return zip(self.of_source, self.of_target, strict=True)

    def groups(self) -> list[dict]:
        """The hypernetwork learns slowly; the base taps and everything shared at full speed."""
        inject = self.networks["inject"]
        slow = [p for name, p in inject.named_parameters() if name != "base"]
        fast = [
            inject.base,
            *self.networks["swap"].parameters(),
            *self.networks["heads"].parameters(),
        ]
        lr, small = self.settings.lr, self.settings.slow
        return [{"params": fast, "lr": lr}, {"params": slow, "lr": small}]

    def losses(self, step: int, rng: np.random.Generator) -> dict[str, Tensor]:
        s = self.settings
        people, given, answer, hull, plain = self.batch(rng)
        kernels = self.kernels(people)
        swap = self.networks["swap"].eval()  # its batch norms stay as they are: training.md, "BN"
        painted, mask, deep = [], [], []
        for row, crops in zip(kernels, given.split(s.targets), strict=True):
            with torch.autocast(self.device, torch.bfloat16):
                picture, deepest, decoded = swap.paint(crops, row)
                mask.append(swap.judge(deepest).float())
            painted.append(picture.float())
            deep.append(decoded)
        painted, mask = torch.cat(painted), torch.cat(mask)
        patch = painted * hull + given * (1 - hull)
        with torch.no_grad():
            other, maps = self.teacher(answer)
        mine, mine_maps = self.teacher(losses.untinted(patch, answer))
        who = torch.from_numpy(self.faces.who[people]).repeat_interleave(s.targets, 0)
        alpha = torch.ones(len(given))
        alpha[plain] = losses.reweight(other[plain], who[plain])
        weight = hull + s.around * (1 - hull)
        terms = {
            "rec": (alpha * losses.rec(painted, answer, weight)).mean(),
            "per": (alpha * losses.per(mine_maps, maps)).mean(),
            "deep": self.deep(deep, answer, hull, alpha),
            "id": losses.ident(mine, who)[plain].mean(),
            "mask": F.binary_cross_entropy(mask.clamp(1e-5, 1 - 1e-5), hull),
        }
        terms["total"] = sum(getattr(s, key) * value for key, value in terms.items())
        return terms

    def kernels(self, people: np.ndarray) -> Tensor:
        """(k, 22291) of rows of the training faces, in full precision (row norms underflow)."""
        embedding = torch.from_numpy(self.embeddings[people])
        features = torch.from_numpy(self.features[people]).float()
        return self.networks["inject"](embedding, features)

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

    def batch(self, rng: np.random.Generator) -> tuple:
        """people (k,) rows; given, answer (k n, 3, s, s); hull (k n, 1, s, s); plain (k n,)"""
        s = self.settings
        people = rng.choice(self.people, s.identities, replace=False)
        images, plain = [], []
        for person in people:
            for i in range(s.targets):
                forward = i < s.targets // 2
                pair = rng.choice((self.of_source if forward else self.of_target)[person])
                images.append(self.sample(rng, pair, forward))
                plain.append(forward)
        stack = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255
        given, answer, hull = stack.split([3, 3, 1], dim=1)
        given = given.contiguous(memory_format=torch.channels_last)
        return people, given, answer.contiguous(), hull, torch.tensor(plain)

    def sample(self, rng: np.random.Generator, pair: int, forward: bool) -> np.ndarray:
        """(s, s, 7) uint8: what the network is given, the answer, the hull; jittered together."""
        size, picture = self.settings.size, self.pairs.pictures[pair]
        photo = np.asarray(self.faces.crops[self.pairs.rows[pair, 1]])
        photo = cv2.resize(photo, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        given, answer = (photo, picture[..., :3]) if forward else (picture[..., :3], photo)
        if not forward and rng.random() < self.settings.itself:
            given = answer
        flip = rng.random() < 0.5
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
        tiles = self.exam.sheet[:, ::3].permute(0, 3, 1, 4, 2).flatten(2, 3).flatten(0, 1)
        picture = (tiles.clamp(0, 1) * 255).byte().numpy()
        cv2.imwrite(str(ROOT / "runs" / "swap.png"), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        return figures


def groups(rows: np.ndarray, n: int) -> list[np.ndarray]:
    """For each of n faces, which entries of `rows` name it."""
    order = np.argsort(rows, kind="stable")
    return np.split(order, np.searchsorted(rows[order], np.arange(1, n)))


def identities(faces: Faces) -> tuple[np.ndarray, np.ndarray]:
    """What the trained encoder says of every face: (n, 512) float32, (n, 512, 7, 7) float16."""
    path = ROOT / "checkpoints" / "encode.safetensors"
    net = load_average(path, Encode(), "encode").eval()

    def describe(out: np.ndarray) -> None:
        for start in range(0, faces.n, 64):
            crops = torch.from_numpy(faces.crops[start : start + 64].copy()).permute(0, 3, 1, 2)
            with torch.no_grad():
                out[start : start + 64] = net(crops.float() / 255)[1].numpy()

    features = faces.array("features", (512, 7, 7), np.float16, describe)

    def name(out: np.ndarray) -> None:
        for start in range(0, faces.n, 256):
            rows = torch.from_numpy(features[start : start + 256].astype(np.float32))
            with torch.no_grad():
                out[start : start + 256] = net.name(rows).numpy()

    return faces.array("embeddings", (512,), np.float32, name), features


class Exam:
    """Held-out people of like pose, judged by a recogniser that takes no part in training."""

    def __init__(self, faces: Faces, judge: torch.jit.ScriptModule, size: int, n: int = 48):
        self.faces, self.judge, self.size = faces, judge, size
        rows = Pairs(faces, rounds=1, seed=1).rows
        sharp = np.isin(faces.sets, ("faker", "congress"))
        rows = rows[sharp[rows].all(1)]
        self.rows = rows[np.linspace(0, len(rows) - 1, n).astype(int)]
        self.embeddings, self.features = identities(faces)

    def __call__(self, networks: nn.ModuleDict) -> dict[str, float]:
        """cos of the judge to source and target, in colour and grey; spread over identities."""
        source, target = (self.crops(column) for column in self.rows.T)
        kernels = networks["inject"](
            torch.from_numpy(self.embeddings[self.rows[:, 0]]),
            torch.from_numpy(self.features[self.rows[:, 0]]).float(),
        )
        swap = networks["swap"].eval()
        small = F.interpolate(target, (self.size, self.size), mode="bilinear", align_corners=False)
        small = small.contiguous(memory_format=torch.channels_last)
        one = torch.cat([swap.paint(c[None], k)[0] for c, k in zip(small, kernels, strict=True)])
        same = torch.cat([swap.paint(small[:1], k)[0] for k in kernels[:16]])
        patch = F.interpolate(one, (CROP, CROP), mode="bilinear", align_corners=False)
        hull = self.hulls()
        patch = patch * hull + target * (1 - hull)
        self.sheet = torch.stack([source, target, patch])
        likeness = {
            f"cos_{word}{tone}": self.cos(patch, other, grey)
            for tone, grey in (("", False), ("_grey", True))
            for word, other in (("source", source), ("target", target))
        }
        return {**likeness, "spread": same.std(0).mean().item()}

    def crops(self, rows: np.ndarray) -> Tensor:
        crops = torch.from_numpy(np.asarray(self.faces.crops[rows]))
        return crops.permute(0, 3, 1, 2).float() / 255

    def hulls(self) -> Tensor:
        topology = load(check=False).mesh
        masks = [hull(self.faces.meshes[t, :468], topology, CROP) for t in self.rows[:, 1]]
        return torch.from_numpy(np.stack(masks))[:, None]

    def cos(self, a: Tensor, b: Tensor, grey: bool) -> float:
        def embed(x: Tensor) -> Tensor:
            x = F.avg_pool2d(x, 2)
            return self.judge(x.mean(1, keepdim=True).expand(-1, 3, -1, -1) if grey else x)

        return (embed(a) * embed(b)).sum(1).mean().item()
