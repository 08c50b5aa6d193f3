"""Stage `encode`: who a face is, distilled from a recogniser; how it looks, from its texture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from models.augment import jitter, photometric
from models.data import WIDE, Faces
from models.look import Look
from models.metrics import auc
from models.networks.encode import WHO, Encode
from models.precision import autocast
from models.stages.mesh import SMALL, warp


@dataclass(frozen=True)
class Settings:
    batch: int = 64  # faces a step
    lr: float = 2e-3
    turn: float = 5.0  # degrees: the detector's points err by a few
    zoom: float = 0.06  # log of scale
    shift: float = 0.03  # of the crop's side
    camera: float = 0.6  # strength of light, blur and noise
    look: float = 0.5  # weight beside the identity
    between: float = 4.0  # weight of the similarities between faces of a batch


class Stage:
    def __init__(self, settings: Settings, shared: Path, cache: Path, device: str):
        self.settings, self.device = settings, device
        self.faces, self.held = Faces(shared, cache, "train"), Faces(shared, cache, "eval")
        look = Look(self.faces)
        self.look, self.held_look = (look.coefficients(f) for f in (self.faces, self.held))
        self.networks = nn.ModuleDict({"encode": Encode()}).to(device)
        self.networks.to(memory_format=torch.channels_last)

    def groups(self) -> list[dict]:
        return [{"params": self.networks.parameters(), "lr": self.settings.lr}]

    def losses(self, step: int, rng: np.random.Generator) -> dict[str, Tensor]:
        s = self.settings
        crops, who, look, upright = self.batch(rng)
        with autocast(self.device):
            embedding, _ = self.networks["encode"].train().raw(crops)
        mine = embedding.float() * 2**0.5
        distance = 1 - (mine[:, :WHO] * who).sum(1).mean()
        unlike = 1 - (mine[:, WHO:] * look).sum(1)
        unlike = (unlike * upright).sum() / upright.sum()
        between = (mine[:, :WHO] @ mine[:, :WHO].T - who @ who.T).square().mean()
        total = distance + s.look * unlike + s.between * between
        return {"who": distance, "look": unlike, "between": between, "total": total}

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """crops (n, 3, 112, 112), who and look (n, 256) unit, upright (n,) 0 where mirrored.

        A mirrored face is the same person, but its look has no label.
        """
        s, n = self.settings, self.settings.batch
        rows, flips = rng.choice(self.faces.n, n), rng.random(n) < 0.4
        crops = np.empty((n, SMALL, SMALL, 3), np.uint8)
        for i, (row, flip) in enumerate(zip(rows, flips, strict=True)):
            matrix = jitter(rng, SMALL, WIDE, turn=s.turn, zoom=s.zoom, shift=s.shift, flip=flip)
            crops[i] = photometric(rng, warp(self.faces.wides[row], matrix), s.camera)
        images = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255
        labels = (torch.from_numpy(a[rows]) for a in (self.faces.who, self.look))
        return images, *labels, torch.from_numpy(~flips).float()

    def measure(self) -> dict[str, float]:
        """Held-out people: verification on video frames, likeness to both labels."""
        crops = torch.from_numpy(self.held.crops[:].copy()).permute(0, 3, 1, 2)
        net = self.networks["encode"].eval()
        mine = torch.cat([net(c.float() / 255)[0] for c in crops.split(64)]) * 2**0.5
        who, look = mine[:, :WHO], mine[:, WHO:]
        several = self.held.sets == "ytf"
        same = self.held.people[several][:, None] == self.held.people[several][None]
        pairs = np.triu_indices(several.sum(), 1)
        likeness = (who[several] @ who[several].T).numpy()
        return {
            "auc": auc(likeness[pairs], same[pairs]),
            "who_cos": (who.numpy() * self.held.who[:]).sum(1).mean().item(),
            "look_cos": (look.numpy() * self.held_look).sum(1).mean().item(),
        }
