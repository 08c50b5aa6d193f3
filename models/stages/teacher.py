"""Stage `teacher`: a network that swaps faces, from the mesh engine, photographs and a contest.

It is told the labels' identity, not a small network's. While it learns it leaves snapshots of
itself: from them `quality` learns to tell how far it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from models import losses
from models.checkpoint import ROOT, Average
from models.data import Faces
from models.exam import Exam
from models.look import Codes, Look
from models.networks.discriminator import Discriminator
from models.networks.teacher import Teacher
from models.precision import autocast
from models.teachers import recogniser
from models.triplets import Batch, Draw, Rng, Triplets


@dataclass(frozen=True)
class Settings(Draw):
    couples: int = 4
    cycles: int = 8
    judged: float = 0.5
    named: int = 0  # no identity network learns here
    lr: float = 3e-4
    rec: float = 4.0
    hue: float = 0.0
    texture: float = 0.0
    apart: float = 4.0
    per: float = 4.0
    id: float = 2.0
    adv: float = 0.1
    hinge: float = 1.0  # the discriminator's own term; no painter feels it
    after: int = 2000  # steps until there is something worth judging
    around: float = 0.2


class Stage:
    def __init__(self, settings: Settings, shared: Path, cache: Path, device: str):
        self.settings, self.device = settings, device
        faces, held = Faces(shared, cache, "train"), Faces(shared, cache, "eval")
        look = Look(faces)
        self.triplets = Triplets(faces, look, settings)
        parts = {"teacher": Teacher(), "discriminator": Discriminator()}
        self.networks = nn.ModuleDict(parts).to(device, memory_format=torch.channels_last)
        self.helpers = ("discriminator",)
        trained = losses.Recogniser(recogniser(shared, "reid0095"))
        self.distil = losses.Distillation(trained, settings.around)
        self.exam = Exam(held, recogniser(shared, "mfn_y1"), settings.size, Codes(held, look))
        self.exam.to(device)

    def groups(self) -> list[dict]:
        return [{"params": self.networks.parameters(), "lr": self.settings.lr}]

    def losses(self, step: int, rng: Rng) -> dict[str, Tensor]:
        s, b = self.settings, self.triplets(rng).to(self.device)
        with autocast(self.device):
            painted = self.networks["teacher"](b.given, b.code).float()
        terms, _ = self.distil(b, painted)
        if step >= s.after:
            terms |= contest(self.networks["discriminator"], b, painted)
        return terms | {"total": sum(getattr(s, key) * value for key, value in terms.items())}

    def keep(self, out: Path, average: Average, progress: float) -> None:
        """A snapshot for `quality`; its name says how far through the training it was made."""
        folder = out / "snapshots"
        folder.mkdir(exist_ok=True)
        weights = average.networks["teacher"].state_dict()
        half = {key: value.half().contiguous() for key, value in weights.items()}
        save_file(half, folder / f"{progress:.3f}.safetensors")

    def measure(self) -> dict[str, float]:
        teacher, codes = self.networks["teacher"].eval(), self.exam.codes
        figures = self.exam({"": lambda crops, order: teacher(crops, codes[order])})
        cv2.imwrite(str(ROOT / "runs" / "teacher.png"), self.exam.picture()[..., ::-1])
        return figures


def contest(judge: Discriminator, b: Batch, painted: Tensor) -> dict[str, Tensor]:
    """Terms of painter and discriminator, one pass for both: neither feels the other's.

    Photographs are what was given to plain pairs, and what answers cycles.
    """
    patch = b.blend(painted)
    photographs = torch.where(b.plain.view(-1, 1, 1, 1), b.given, b.answer)
    own = losses.hinge(judge(photographs), judge(patch.detach()))
    return {"adv": losses.adv(judge.frozen(patch)), "hinge": own}
