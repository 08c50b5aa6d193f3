"""Stage `detect`: boxes and five points on canvases made of pictures that the teacher has labelled.

Measured on held-out people through `demo.detect`, as it will be used, and on held-out scenes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from demo.detect import CORNER, Face, Options, Session, detect
from models import assign
from models.canvas import HELD, Canvases, Look
from models.data import Faces, backgrounds
from models.labels import Labels, read_labels
from models.networks.detect import Detect
from models.precision import autocast

Array = np.ndarray


@dataclass(frozen=True)
class Settings:
    batch: int = 16  # canvases a step
    lr: float = 2e-3
    side: int = 256  # pixels, of a canvas; a multiple of 32
    score: float = 1.0  # weights of the three terms
    box: float = 1.0
    points: float = 12.0
    floor: float = 0.5  # least score asked of a face, however badly its box fits yet
    judged: int = 4  # every so manieth held-out picture is measured while training


class Stage:
    def __init__(self, settings: Settings, shared: Path, cache: Path, device: str):
        self.settings, self.device = settings, device
        self.canvases = Canvases(shared, cache, Look(side=settings.side))
        self.held, self.shared = Faces(shared, cache, "eval"), shared
        self.networks = nn.ModuleDict({"detect": Detect()}).to(device)
        self.networks.to(memory_format=torch.channels_last)
        corner, stride, _ = assign.answers(settings.side, settings.side)
        self.corner, self.stride = (torch.from_numpy(a).to(device) for a in (corner, stride))

    def groups(self) -> list[dict]:
        return [{"params": self.networks.parameters(), "lr": self.settings.lr}]

    def losses(self, step: int, rng: np.random.Generator) -> dict[str, Tensor]:
        images, owner, boxes, points = self.batch(rng)
        with autocast(self.device):
            answers = self.networks["detect"].train().raw(images)
        logits, box, spots = (torch.cat(part, dim=1).float() for part in answers)
        batch, place = torch.nonzero(owner >= 0, as_tuple=True)
        mine = owner[batch, place]  # rows of boxes and points
        box, spots = assign.decode(
            box[batch, place], spots[batch, place], self.corner[place], self.stride[place]
        )
        iou, fit = assign.overlap(box, boxes[mine])
        side = (boxes[mine, 2:] - boxes[mine, :2]).prod(1).sqrt()
        s = self.settings
        terms = {
            "score": assign.score_loss(logits[..., 0], owner, iou.detach(), s.floor),
            "box": (1 - fit).sum() / max(len(fit), 1),
            "points": assign.point_loss(spots, points[mine], side),
        }
        total = s.score * terms["score"] + s.box * terms["box"] + s.points * terms["points"]
        return {**terms, "iou": iou.sum() / max(len(iou), 1), "total": total}

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """images (n, 3, side, side) -1..1, owner (n, answers) -> rows of boxes and points."""
        images, owners, boxes, points, first = [], [], [], [], 0
        for _ in range(self.settings.batch):
            canvas, labels = self.canvases(rng)
            owner = assign.assign(labels.boxes + CORNER, labels.sure, *canvas.shape[:2])
            owners.append(np.where(owner >= 0, owner + first, owner))
            first += len(labels.boxes)
            images.append(canvas)
            boxes.append(labels.boxes + CORNER)
            points.append(labels.points + CORNER)
        stacked = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float()  # channels last
        rest = (np.stack(owners), np.concatenate(boxes), np.concatenate(points))
        return (stacked - 127.5) / 128, *(torch.from_numpy(a).to(self.device) for a in rest)

    def measure(self) -> dict[str, float]:
        network = self.networks["detect"].eval()
        rows = range(0, self.held.n, self.settings.judged)
        return evaluate(session_of(network), self.pictures, rows, self.held, self.scenes)

    @cached_property
    def pictures(self) -> dict[int, Array]:
        rows = range(0, self.held.n, self.settings.judged)
        return {row: picture for row, picture in self.held.pictures() if row in rows}

    @cached_property
    def scenes(self) -> list[Array]:
        return backgrounds(self.shared)[::HELD]


def session_of(network: Detect) -> Session:
    """The torch network as a session of `demo.detect`."""

    def session(image: Array) -> dict[str, Array]:
        with torch.no_grad():
            answers = network(torch.from_numpy(image))
        return {n: a.numpy() for n, a in zip(network.outputs, answers, strict=True)}

    return session


def evaluate(
    session: Session, pictures: dict[int, Array], rows, held: Faces, scenes: list[Array]
) -> dict[str, float]:
    """Recall, point error (% of the eye distance), false alarms per scene, through demo.detect."""
    labels, options = read_labels(held), Options()
    errors = [error(detect(session, pictures[row], options), labels[row]) for row in rows]
    hits = np.array([e for e in errors if e is not None])
    alarms = sum(len(detect(session, scene, options)) for scene in scenes)
    return {
        "recall_percent": 100 * len(hits) / len(errors),
        "error_percent": float(100 * hits.mean()) if len(hits) else 100.0,
        "error_p95": float(100 * np.quantile(hits, 0.95)) if len(hits) else 100.0,
        "alarms": alarms / len(scenes),
    }


def error(found: list[Face], labels: Labels) -> float | None:
    """Mean distance of the five points of the face that is meant, in eye distances; None: missed.

    Meant is a face whose box overlaps the teacher's by half, or whose points lie within a tenth.
    """
    box, points = labels.boxes[0], labels.points[0]
    eye = np.linalg.norm(points[0] - points[1])
    best = None
    for face in found:
        away = float(np.linalg.norm(face.points - points, axis=1).mean() / eye)
        pair = (torch.from_numpy(np.float32(b))[None] for b in (face.box, box))
        if (away <= 0.1 or assign.overlap(*pair)[0].item() >= 0.5) and away < (best or np.inf):
            best = away
    return best
