"""`detect` finds the faces of a frame: a box, five points and a score each, best first.

It decodes any graph that answers as SCRFD does (insightface's contract), ours or another's. It
knows one frame. It knows nothing of who the faces are, or of the frame before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from demo.errors import PackError

Array = np.ndarray
Session = Callable[..., dict[str, Array]]

STRIDES = (8, 16, 32)  # input pixels per cell of the three grids
ANCHORS = 2  # answers per cell, interleaved
CORNER = 0.5  # pixels: SCRFD counts from the corner of the first one, a frame from its middle
ENLARGE = 2.0  # at most: more invents nothing and costs time
BORDER = 0.25  # of the longer side, on each side, when the first look finds nothing


@dataclass(frozen=True)
class Face:
    """One found face, in pixels of the frame that it was found in."""

    box: Array  # (4,) float32, x0 y0 x1 y1, may reach beyond the frame
    points: Array  # (5, 2) float32, x y: left eye, right eye, nose, mouth left, mouth right
    score: float  # 0..1

    @property
    def area(self) -> float:
        """Of the box, in square pixels."""
        return float(np.prod(self.box[2:] - self.box[:2]))


@dataclass(frozen=True)
class Options:
    """The defaults stand in the manifest too; the pipeline passes those."""

    size: int = 320  # pixels, longer side of what the network sees
    score: float = 0.5  # 0..1, below it an answer is no face
    iou: float = 0.4  # 0..1, overlap above which the weaker of two faces is dropped


def detect(session: Session, frame: Array, options: Options | None = None) -> list[Face]:
    """Faces of a frame, best score first; an empty list is an answer.

    session: image (1, 3, h, w) float32 RGB -1..1 -> the nine arrays of SCRFD, in its order.
    frame: (h, w, 3) uint8 RGB. A face that fills the frame has no outline left to be known by:
    when nothing is found, a second look sees the frame smaller, with a black border.
    """
    check(frame)
    options = options or Options()
    return look(session, frame, options, 0.0) or look(session, frame, options, BORDER)


def check(frame: Array) -> None:
    """Raise ValueError unless frame is (h, w, 3) uint8."""
    shape, dtype = getattr(frame, "shape", None), getattr(frame, "dtype", type(frame).__name__)
    if dtype != np.uint8 or len(shape) != 3 or shape[2] != 3 or 0 in shape:
        raise ValueError(f"detect: got {shape} {dtype}; expected a frame (h, w, 3) uint8 RGB")


def look(session: Session, frame: Array, options: Options, border: float) -> list[Face]:
    """Faces of a frame shown with a border (share of its longer side, on each side)."""
    image, scale, offset = prepare(frame, options.size, border)
    outputs = list(session(image=image).values())
    boxes, points, scores = decode(outputs, image.shape[3], options.score)
    keep = nms(boxes, scores, options.iou)
    boxes = (boxes[keep] - offset) / scale - CORNER
    points = (points[keep] - offset) / scale - CORNER
    return [Face(*face) for face in zip(boxes, points, scores[keep].tolist(), strict=True)]


def prepare(frame: Array, size: int, border: float = 0.0) -> tuple[Array, float, float]:
    """frame -> image (1, 3, h, w) float32 -1..1, h and w multiples of 32; scale, offset.

    A point p of the frame lies at p * scale + offset in the image, both counted from the corner of
    the first pixel. The rest of the image is black.
    """
    height, width = frame.shape[:2]
    scale = min(size / (max(height, width) * (1 + 2 * border)), ENLARGE)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    offset = round(border * max(inner))
    smooth = cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR
    w, h = (-(-(side + 2 * offset) // 32) * 32 for side in inner)
    canvas = np.zeros((h, w, 3), np.uint8)
    inside = np.s_[offset : offset + inner[1], offset : offset + inner[0]]
    canvas[inside] = cv2.resize(frame, inner, interpolation=smooth)
    image = (canvas.astype(np.float32) - 127.5) / 128
    return np.ascontiguousarray(image.transpose(2, 0, 1)[None]), scale, float(offset)


def decode(outputs: list[Array], width: int, score: float) -> tuple[Array, Array, Array]:
    """Nine arrays of SCRFD -> boxes (n, 4), points (n, 5, 2), scores (n,) in image pixels, from
    the corner of the first.

    outputs: scores, boxes, points at strides 8, 16, 32, each (cells * ANCHORS, 1, 4 or 10); boxes
    and points are distances from the cell's corner in strides. width: pixels, of the image.
    """
    found = []
    for i, stride in enumerate(STRIDES):
        scores, boxes, points = (
            outputs[i + 3 * k].reshape(-1, n) for k, n in enumerate((1, 4, 10))
        )
        keep = np.flatnonzero(scores[:, 0] >= score)
        y, x = np.divmod(keep // ANCHORS, width // stride)
        corner = np.stack([x, y], axis=1).astype(np.float32)  # (n, 2), in strides
        low, high = corner - boxes[keep, :2], corner + boxes[keep, 2:]
        spots = corner[:, None] + points[keep].reshape(-1, 5, 2)
        found.append((np.hstack([low, high]) * stride, spots * stride, scores[keep, 0]))
    boxes, points, scores = (np.concatenate(part) for part in zip(*found, strict=True))
    return boxes, points, scores


def nms(boxes: Array, scores: Array, iou: float) -> list[int]:
    """Indices of the boxes to keep, best first: each weaker box that overlaps a kept one goes."""
    low, high = boxes[:, :2], boxes[:, 2:]
    area = np.prod(high - low, axis=1)
    order, keep = np.argsort(-scores, kind="stable"), []
    while len(order):
        best, order = order[0], order[1:]
        keep.append(int(best))
        sides = np.minimum(high[best], high[order]) - np.maximum(low[best], low[order])
        shared = np.prod(np.maximum(sides, 0), axis=1)
        order = order[shared <= iou * (area[best] + area[order] - shared)]
    return keep


def load_detector(name: str | Path) -> Session:
    """Another SCRFD in place of ours, read by insightface; nothing is ever downloaded.

    name: an .onnx file, a folder with one, or a pack's name under ~/.insightface/models.
    Raises PackError when there is none, or when it answers otherwise than SCRFD with points does.
    """
    path = find_detector(Path(name).expanduser())
    from insightface.model_zoo import get_model  # heavy, and only wanted here

    try:
        model = get_model(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime raises types of its own for every kind of bad file
        raise PackError(f"{path.name}: not a graph that opens here ({error})") from error
    names = getattr(model, "output_names", ())
    if getattr(model, "taskname", "") != "detection" or len(names) != 9:
        raise PackError(f"{path}: got {len(names)} outputs; expected SCRFD's nine, with points")
    if model.static_input_size is not None:
        raise PackError(f"{path}: takes {model.static_input_size} only; expected any size")

    def session(image: Array) -> dict[str, Array]:
        return dict(zip(names, model.session.run(names, {model.input_name: image}), strict=True))

    return session


def find_detector(path: Path) -> Path:
    """The .onnx file that a path, a folder or a pack's name stands for."""
    if path.suffix == ".onnx" and path.is_file():
        return path
    folders = [path, Path.home() / ".insightface" / "models" / path]
    for folder in filter(Path.is_dir, folders):
        files = sorted(folder.glob("*.onnx"), key=lambda p: (not likely(p), p.name))
        if files and likely(files[0]):
            return files[0]
        raise PackError(f"{folder}: holds no detector; expected a file det_*.onnx or scrfd_*.onnx")
    places = " or ".join(map(str, folders))
    raise PackError(f"{path}: no such detector; expected an .onnx file, or a folder {places}")


def likely(path: Path) -> bool:
    """Packs name their detector det_10g.onnx, det_500m.onnx, scrfd_2.5g.onnx, detect.onnx."""
    return path.name.startswith(("det", "scrfd"))
