"""Stage `distil`: the IDN once more, now from the network teacher, trusted as far as Q says.

Everything else is stage `swap`, whose weights it begins with and publishes; at its end a
discriminator joins in.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from models.checkpoint import ROOT, load_average
from models.networks.discriminator import Discriminator
from models.networks.teacher import Quality, Teacher
from models.precision import autocast
from models.stages import swap
from models.stages.teacher import contest
from models.triplets import Batch


@dataclass(frozen=True)
class Settings(swap.Settings):
    adv: float = 0.1
    hinge: float = 1.0  # the discriminator's own term; no painter feels it
    after: int = 4000  # steps until the discriminator joins in


class Stage(swap.Stage):
    publishes, helpers = "swap", ("discriminator",)

    def __init__(self, settings: Settings, shared: Path, cache: Path, device: str):
        super().__init__(settings, shared, cache, device)
        self.networks["discriminator"] = Discriminator().to(device)
        self.teacher = taught("teacher", Teacher()).to(device).eval()
        self.quality = taught("quality", Quality()).to(device).eval()

    def groups(self) -> list[dict]:
        judge = {"params": self.networks["discriminator"].parameters(), "lr": self.settings.lr / 3}
        return [*super().groups(), judge]

    def answers(self, b: Batch) -> tuple[Batch, Tensor | float]:
        with torch.no_grad(), autocast(self.device):
            painted = b.blend(self.teacher(b.given, b.code).float())
            quality = self.quality(painted[b.plain]).float()
        answer = torch.where(b.plain.view(-1, 1, 1, 1), painted, b.answer)
        return dataclasses.replace(b, answer=answer), quality

    def against(self, step: int, b: Batch, painted: Tensor) -> dict[str, Tensor]:
        if step < self.settings.after:
            return {}
        return contest(self.networks["discriminator"], b, painted)


def taught(name: str, network: nn.Module) -> nn.Module:
    """A network of an earlier stage, from its committed checkpoint."""
    path = ROOT / "checkpoints" / f"{name}.safetensors"
    if not path.exists():
        raise FileNotFoundError(f"{path}: not found; run `python -m models.train {name}` first")
    return load_average(path, network, name)
