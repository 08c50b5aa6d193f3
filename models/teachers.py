"""The frozen networks of ../shared/teachers: they label training pictures and judge results.

Nothing of them is shipped. `Landmarks` labels meshes, `reid` trains identity, `judge` only judges.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from demo.align import apply, invert, similarity, warp_crop
from demo.manifest import load

Array = np.ndarray
TEMPLATE = load(check=False).align.template
# Where the landmark teacher looks: a square around the middle of the face, in crop sides.
CENTRE, REACH = (0.5, 0.63), 1.34


class Landmarks:
    """468 points of one face, found twice: the second look is centred by the first.

    The teacher was trained on boxes of 1.5 times the mesh's extent, upright by the eyes.
    """

    def __init__(self, shared: Path):
        from ai_edge_litert.interpreter import Interpreter

        path = str(shared / "teachers" / "mp_face_landmarks_478.tflite")
        self.net = Interpreter(path, num_threads=1)
        self.net.allocate_tensors()
        self.slot = self.net.get_input_details()[0]["index"]
        self.heads = {d["name"][-1]: d["index"] for d in self.net.get_output_details()}

    def __call__(self, frame: Array, points: Array) -> tuple[Array, float]:
        """frame (h, w, 3) uint8 RGB, points (5, 2) -> mesh (468, 3) frame pixels, score 0..1."""
        crop_side = 1 / np.sqrt(np.linalg.det(similarity(points, TEMPLATE)[:, :2]))
        turn = similarity(points, TEMPLATE * crop_side)  # frame -> upright, same scale
        middle, side = np.array(CENTRE) * crop_side, REACH * crop_side
        mesh, _ = self.look(frame, turn, middle, side)
        upright = apply(turn, mesh[:, :2])
        low, high = upright.min(0), upright.max(0)
        return self.look(frame, turn, (low + high) / 2, 1.5 * (high - low).max())

    def look(self, frame: Array, turn: Array, middle: Array, side: float) -> tuple[Array, float]:
        zoom = 192 / side
        matrix = turn * zoom
        matrix[:, 2] += 96 - np.asarray(middle) * zoom
        crop = warp_crop(frame, matrix, 192)
        self.net.set_tensor(self.slot, crop[None].astype(np.float32) / 255)
        self.net.invoke()
        raw = self.net.get_tensor(self.heads["1"]).reshape(478, 3)[:468]
        logit = self.net.get_tensor(self.heads["0"]).item()
        scale = side / 192 / np.sqrt(np.linalg.det(turn[:, :2]))
        place = raw[:, :2] - 0.5  # it counts from the corner of the first pixel, we from its middle
        mesh = np.column_stack([apply(invert(matrix), place), raw[:, 2] * scale])
        return mesh.astype(np.float32), float(1 / (1 + np.exp(-logit)))


def recogniser(shared: Path, name: str) -> torch.jit.ScriptModule:
    """`reid0095` (trains) or `mfn_y1` (judges, never trains); frozen, differentiable."""
    net = torch.jit.load(str(shared / "teachers" / f"{name}.pt"), map_location="cpu").eval()
    for parameter in net.parameters():
        parameter.requires_grad_(False)
    return net


def reid_crop(crop: Tensor) -> Tensor:
    """ArcFace crops (n, 3, s, s) RGB 0..1 -> (n, 3, 128, 128) as reid0095 wants them.

    Its template is ArcFace's with the middle 96 of 112 columns stretched to the whole width.
    """
    side = crop.shape[-1]
    cut = round(side * 8 / 112)
    middle = crop[..., cut : side - cut]
    return F.interpolate(middle, (128, 128), mode="bilinear", antialias=side > 160)


def judge_crop(crop: Array) -> Tensor:
    """ArcFace crop (s, s, 3) uint8 RGB -> (1, 3, 112, 112) RGB 0..1 as mfn_y1 wants it."""
    small = cv2.resize(crop, (112, 112), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(small).permute(2, 0, 1)[None].float() / 255
