"""Stage `swap`: IDN, IIM and identity network together, from the mesh engine and from photographs.

The identity network goes on learning, slowly: what the painter needs to know reaches back to it.
Its own labels stay beside that, or it forgets who is who. Some painters are told the labels
themselves, which say more than a network of a million parameters has learnt to see.
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
from models.checkpoint import ROOT, load_average
from models.data import Faces
from models.exam import Exam, Painter
from models.look import Codes, Look
from models.networks.encode import Encode
from models.networks.inject import Inject
from models.networks.swap import DECODER, Config, Swap
from models.precision import autocast
from models.tail import refit
from models.teachers import recogniser
from models.triplets import Batch, Draw, Rng, Triplets


@dataclass(frozen=True)
class Settings(Draw):
    """size: at which the IDN paints, 128 to warm up, then 160, at last 224."""

    lr: float = 1e-3
    slow: float = 2.5e-4  # for the hypernetwork: a linear layer on 768 numbers jumps by 768 x lr
    encoder: float = 4e-4  # for the identity network, trained before
    rec: float = 6.0
    hue: float = 12.0  # rec once more, of the colours alone
    texture: float = 1.2  # how much the edges vary: eyes, not smears
    apart: float = 3.0  # the difference of a couple: what all people share cancels out
    per: float = 10.0
    deep: float = 2.0  # throw-away RGB outputs after each decoder block
    id: float = 3.0  # its gradient outweighs all others; below 2 it stops rising: LOG.md
    mask: float = 1.0
    teach: float = 3.0  # the identity network's own labels, so that it does not forget them
    around: float = 0.2  # weight of rec outside the face
    refit: int = 0  # batches that the tail is fitted to before the first step: models/tail.py
    trust: float = 2.0  # power of the cosine in alpha; 0 weighs all answers alike


class Stage:
    def __init__(self, settings: Settings, shared: Path, cache: Path, device: str):
        self.settings, self.device = settings, device
        self.notes = {"size": str(settings.size)}  # export must know at which size it paints
        faces, held = Faces(shared, cache, "train"), Faces(shared, cache, "eval")
        look = Look(faces)
        self.triplets = Triplets(faces, look, settings)
        parts = {
            "encode": load_average(ROOT / "checkpoints" / "encode.safetensors", Encode(), "encode"),
            "inject": Inject(),
            "swap": Swap(Config(settings.size)),
            "heads": nn.ModuleList(nn.Conv2d(cout, 3, 1) for _, cout in DECODER),
        }
        self.networks = nn.ModuleDict(parts).to(device)
        for name in ("encode", "swap"):
            self.networks[name].to(memory_format=torch.channels_last)
        teacher = losses.Recogniser(recogniser(shared, "reid0095"))
        self.distil = losses.Distillation(teacher, settings.around, settings.trust)
        self.exam = Exam(held, recogniser(shared, "mfn_y1"), settings.size, Codes(held, look))
        self.exam.to(device)

    def groups(self) -> list[dict]:
        """The hypernetwork learns slowly; the base taps and everything shared at full speed."""
        s, parts = self.settings, self.networks
        fast = [parts["inject"].base, *parts["swap"].parameters(), *parts["heads"].parameters()]
        slow = [p for name, p in parts["inject"].named_parameters() if name != "base"]
        encoder = list(parts["encode"].parameters())
        rates = ((fast, s.lr), (slow, s.slow), (encoder, s.encoder))
        return [{"params": params, "lr": lr} for params, lr in rates]

    @torch.no_grad()
    def prepare(self) -> None:
        """Before the first step: the tail's last layers, solved for instead of learnt."""
        parts = []
        for seed in range(self.settings.refit):
            b = self.triplets(np.random.default_rng(seed)).to(self.device)
            _, decoded, _ = self.paint(b, self.kernels(b)[0])
            last = torch.cat([blocks[-1].float() for blocks in decoded])
            parts.append((last, b.answer, b.hull + self.settings.around * (1 - b.hull)))
        if parts:
            refit(self.networks["swap"], *map(torch.cat, zip(*parts, strict=True)))

    def losses(self, step: int, rng: Rng) -> dict[str, Tensor]:
        s = self.settings
        b, quality = self.answers(self.triplets(rng).to(self.device))
        kernels, embedding = self.kernels(b)
        painted, deep, mask = self.paint(b, kernels)
        terms, alpha = self.distil(b, painted, quality)
        terms |= {
            "deep": self.deep(deep, b.answer, b.hull, alpha),
            "mask": F.binary_cross_entropy(mask.clamp(1e-5, 1 - 1e-5), b.hull[: len(mask)]),
            "teach": 1 - (embedding * b.labels).sum(1).mean(),
            **self.against(step, b, painted),
        }
        return terms | {"total": sum(getattr(s, key) * value for key, value in terms.items())}

    def answers(self, b: Batch) -> tuple[Batch, Tensor | float]:
        """The batch with the teacher's pictures as answers, and their quality; the mesh engine's
        are there already."""
        return b, 1.0

    def against(self, step: int, b: Batch, painted: Tensor) -> dict[str, Tensor]:
        """Terms of a discriminator; without one there are none."""
        return {}

    def kernels(self, b: Batch) -> tuple[Tensor, Tensor]:
        """Of those who are painted, (k, 22291); and what the identity network calls all sources."""
        embedding, features = self.identity(b)
        k = len(b.given)
        chosen = torch.where(b.told[:, None], b.code, embedding[:k])
        return self.networks["inject"](chosen, features[:k]), embedding

    def identity(self, b: Batch) -> tuple[Tensor, Tensor]:
        """embedding (n, 512) and features of all n sources, (n, 512, 7, 7)."""
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
        errors = []
        for level, head in enumerate(self.networks["heads"]):
            guess = torch.cat([head(blocks[level].float()) for blocks in decoded])
            less = answer.shape[-1] // guess.shape[-1]
            small, where = F.avg_pool2d(answer, less), F.avg_pool2d(hull, less)
            error = ((guess - small).abs() * where).mean((1, 2, 3)) / where.mean((1, 2, 3))
            errors.append((alpha * error).mean())
        return torch.stack(errors).mean()

    def measure(self) -> dict[str, float]:
        """Likeness on held-out people; the pictures themselves go to models/runs/swap.png."""
        swap, inject = self.networks["swap"].eval(), self.networks["inject"]
        embedding, features = self.networks["encode"].eval()(self.exam.source)

        def painter(code: Tensor) -> Painter:
            kernels = inject(code, features)

            def paint(crops: Tensor, order: Tensor) -> Tensor:
                both = zip(crops.split(1), kernels[order], strict=True)
                return torch.cat([swap.paint(crop, row)[0] for crop, row in both])

            return paint

        figures = self.exam({"told_": painter(self.exam.codes), "": painter(embedding)})
        cv2.imwrite(str(ROOT / "runs" / "swap.png"), self.exam.picture()[..., ::-1])
        return figures
