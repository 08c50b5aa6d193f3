"""Stage `mesh`: 468 points distilled from the landmark teacher, under everything a camera does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.augment import jitter, occlude, photometric
from models.data import WIDE, Faces, backgrounds, mean_mesh, mirror_order
from models.metrics import EYES, inner_points
from models.networks.mesh import Mesh
from models.precision import autocast

SMALL = 112  # pixels, the network's inner side


@dataclass(frozen=True)
class Settings:
    batch: int = 64  # faces a step
    lr: float = 2e-3
    turn: float = 22.0  # degrees
    zoom: float = 0.16  # log of scale
    shift: float = 0.09  # of the crop's side
    empty: float = 0.15  # share of crops without a face
    depth: float = 0.3  # weight of z beside x and y
    confident: float = 0.5  # teacher's score under which a label is not used


class Stage:
    def __init__(self, settings: Settings, shared: Path, cache: Path, device: str):
        self.settings, self.device = settings, device
        self.splits = [Faces(shared, cache, name) for name in ("train", "turns")]
        self.held = Faces(shared, cache, "eval")
        self.scenes = backgrounds(shared)
        mean = mean_mesh(self.splits[0])
        self.order = mirror_order(mean)
        self.good = [
            (faces, row)
            for faces in self.splits
            for row in np.flatnonzero(faces.meshes[:, 468, 0] > settings.confident)
        ]
        self.networks = nn.ModuleDict({"mesh": Mesh(torch.from_numpy(mean))}).to(device)
        self.networks.to(memory_format=torch.channels_last)
        self.weight = torch.ones(468, 1)
        self.weight[inner_points(mean)] = 2.0  # eyes, brows, nose and mouth carry the likeness

    def groups(self) -> list[dict]:
        return [{"params": self.networks.parameters(), "lr": self.settings.lr}]

    def losses(self, step: int, rng: np.random.Generator) -> dict[str, Tensor]:
        crops, points, face = self.batch(rng)
        with autocast(self.device):
            guess, logit = self.networks["mesh"].train().raw(crops)
        guess, logit = guess.float(), logit.float()
        unit = (points[:, EYES[0], :2] - points[:, EYES[1], :2]).norm(dim=1).clamp_min(0.15)
        axes = torch.tensor([1.0, 1.0, self.settings.depth])
        error = F.smooth_l1_loss(guess, points, reduction="none", beta=0.01) * self.weight * axes
        shape = (error.mean((1, 2)) / unit * face).sum() / face.sum()
        score = F.binary_cross_entropy_with_logits(logit[:, 0], face)
        return {"shape": shape, "score": score, "total": 10 * shape + 0.2 * score}

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """crops (n, 3, 112, 112) 0..1, points (n, 468, 3) in crop sides, face (n,) 0 or 1."""
        n = self.settings.batch
        crops = np.empty((n, SMALL, SMALL, 3), np.uint8)
        points, face = np.zeros((n, 468, 3), np.float32), np.zeros(n, np.float32)
        for i, chosen in enumerate(rng.integers(len(self.good), size=n)):
            faces, row = self.good[chosen]
            if rng.random() < self.settings.empty:
                crops[i] = self.nothing(rng, faces.wides[row])
            else:
                crops[i], points[i] = self.someone(rng, faces.wides[row], faces.meshes[row, :468])
                face[i] = 1
        images = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255  # channels last
        return images, torch.from_numpy(points), torch.from_numpy(face)

    def someone(
        self, rng: np.random.Generator, wide: np.ndarray, mesh: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """A face as another camera would have it: crop (112, 112, 3) uint8, points (468, 3)."""
        s, flip = self.settings, rng.random() < 0.5
        matrix = jitter(rng, SMALL, WIDE, turn=s.turn, zoom=s.zoom, shift=s.shift, flip=flip)
        crop = photometric(rng, warp(wide, matrix))
        if rng.random() < 0.25:
            faces, row = self.good[rng.integers(len(self.good))]
            other = faces.wides[row, :SMALL, :SMALL]
            crop = occlude(rng, crop, other)
        return crop, self.carry(mesh, matrix, flip)

    def carry(self, mesh: np.ndarray, matrix: np.ndarray, flip: bool) -> np.ndarray:
        """A mesh in 224-pixel crop pixels, to crop sides of the jittered small crop."""
        wide = mesh[:, :2] / 2 + (WIDE - SMALL) / 2  # as both are cut: the template times the side
        xy = wide @ matrix[:2, :2].T + matrix[:2, 2]
        scale = np.sqrt(abs(np.linalg.det(matrix[:2, :2])))
        moved = np.column_stack([(xy + 0.5) / SMALL, mesh[:, 2] * scale / 224])
        return moved[self.order] if flip else moved

    def nothing(self, rng: np.random.Generator, wide: np.ndarray) -> np.ndarray:
        """No face: a scene, or a face so far off that no tracker should hold on to it."""
        if rng.random() < 0.6:
            scene = self.scenes[rng.integers(len(self.scenes))]
            side = int(rng.uniform(60, min(scene.shape[:2])))
            y, x = (int(rng.integers(0, s - side + 1)) for s in scene.shape[:2])
            crop = cv2.resize(scene[y : y + side, x : x + side], (SMALL, SMALL))
        else:
            matrix = jitter(rng, SMALL, WIDE, turn=180, zoom=0.4, shift=0, flip=False)
            away = rng.uniform(0, 2 * np.pi)
            matrix[:2, 2] += np.array([np.cos(away), np.sin(away)]) * rng.uniform(0.6, 0.8) * SMALL
            crop = warp(wide, matrix)
        return photometric(rng, crop)

    def measure(self) -> dict[str, float]:
        """Mean error in % of the eye distance on held-out people, and how scores separate."""
        crops = torch.from_numpy(self.held.crops[::2].copy()).permute(0, 3, 1, 2)
        truth = torch.from_numpy(self.held.meshes[::2, :468].copy())
        out = [self.networks["mesh"].eval()(c.float() / 255) for c in crops.split(64)]
        guess, score = torch.cat([o[0] for o in out]), torch.cat([o[1] for o in out])
        unit = (truth[:, EYES[0], :2] - truth[:, EYES[1], :2]).norm(dim=1)
        error = (guess - truth)[..., :2].norm(dim=2) / unit[:, None]
        core = inner_points(truth.mean(0).numpy())
        return {
            "error_percent": 100 * error.mean().item(),
            "inner_percent": 100 * error[:, core].mean().item(),
            "found": (score > 0.5).float().mean().item(),
        }


def warp(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return cv2.warpAffine(image, matrix[:2], (SMALL, SMALL), flags=cv2.INTER_LINEAR)
