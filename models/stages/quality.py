"""Stage `quality`: the paper's Q, how far through its training the teacher was, from its pictures.

Learnt on the snapshots that stage `teacher` left behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.checkpoint import ROOT, load_average
from models.data import Faces
from models.look import Look
from models.networks.teacher import Quality, Teacher
from models.precision import autocast
from models.triplets import Draw, Rng, Triplets

FEWEST = 4  # snapshots, under which there is no course to learn


@dataclass(frozen=True)
class Settings(Draw):
    couples: int = 8
    cycles: int = 0
    named: int = 0  # no identity network learns here
    lr: float = 1e-3
    miss: float = 1.0


class Stage:
    def __init__(self, settings: Settings, shared: Path, cache: Path, device: str):
        self.settings, self.device = settings, device
        faces = Faces(shared, cache, "train")
        self.triplets = Triplets(faces, Look(faces), settings)
        self.networks = nn.ModuleDict({"quality": Quality()}).to(device)
        self.teachers = snapshots(ROOT / "runs" / "teacher" / "snapshots", device)

    def groups(self) -> list[dict]:
        return [{"params": self.networks.parameters(), "lr": self.settings.lr}]

    def losses(self, step: int, rng: Rng) -> dict[str, Tensor]:
        progress, teacher = self.teachers[rng.integers(len(self.teachers))]
        guess = self.networks["quality"].train()(self.picture(teacher, rng))
        miss = F.l1_loss(guess, torch.full_like(guess, progress))
        return {"miss": miss, "total": self.settings.miss * miss}

    def picture(self, teacher: Teacher, rng: Rng) -> Tensor:
        b = self.triplets(rng).to(self.device)
        with torch.no_grad(), autocast(self.device):
            return b.blend(teacher(b.given, b.code).float())

    def measure(self) -> dict[str, float]:
        """How well the guesses follow the snapshots' order, on the same few pictures of each."""
        told = [
            self.networks["quality"](self.picture(teacher, np.random.default_rng(1))).mean().item()
            for _, teacher in self.teachers
        ]
        truth = [progress for progress, _ in self.teachers]
        return {"follows": float(np.corrcoef(told, truth)[0, 1])}


def snapshots(folder: Path, device: str) -> list[tuple[float, Teacher]]:
    """[(progress, teacher)] of all that lie in the folder, the earliest first."""
    found = sorted(folder.glob("*.safetensors"))
    if len(found) < FEWEST:
        raise FileNotFoundError(
            f"{folder}: {len(found)} snapshots, expected at least {FEWEST}; "
            "`python -m models.train teacher` leaves one at each of its checkpoints"
        )
    return [(float(p.stem), load_average(p, Teacher()).to(device).eval()) for p in found]
