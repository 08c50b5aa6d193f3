"""Training canvases for `detect`: pictures of people at any size, turned, on scenes without faces.

It knows pictures with labels and scenes. It knows nothing of networks or losses.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from demo.align import apply
from models.augment import Rng, photometric
from models.data import Faces, backgrounds
from models.labels import Labels, read_labels

Array = np.ndarray
MIRROR = [1, 0, 2, 4, 3]  # left and right change places when a picture is flipped
EXTREMES = (np.min, np.min, np.max, np.max)  # of x0, y0, x1, y1 over the faces of a picture
REDUCED = {1: cv2.IMREAD_COLOR, 2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4}
HELD = 6  # every sixth scene is kept from training, to count false alarms on


@dataclass(frozen=True)
class Look:
    """What a canvas may hold; sides are of the face's box, in pixels."""

    side: int = 256  # of the canvas
    small: float = 8.0  # smallest face among several; under `least` a place is not judged
    least: float = 10.0
    many: float = 0.5  # share of canvases with several pictures
    empty: float = 0.08  # share without any face
    turn: float = 40.0  # degrees
    seen: float = 0.65  # share of a box that must be in sight to be learnt
    hidden: float = 0.25  # below it there is no face; between the two it is not judged


class Canvases:
    """Makes one canvas after another; pictures stay JPEG in memory (130 MB)."""

    def __init__(self, shared: Path, cache: Path, look: Look):
        self.look, self.faces = look, Faces(shared, cache, "train")
        self.labels = read_labels(self.faces)
        self.jpegs = stored(self.faces)
        scenes = backgrounds(shared)
        self.scenes = [s for i, s in enumerate(scenes) if i % HELD]

    def __call__(self, rng: Rng) -> tuple[Array, Labels]:
        """canvas (side, side, 3) uint8 RGB and its faces."""
        side = self.look.side
        canvas, owner = self.ground(rng), np.zeros((side, side), np.uint8)
        kind = rng.random()
        if kind < self.look.empty:
            count = 0
        elif kind < self.look.empty + self.look.many:
            count = int(rng.integers(2, 7))
        else:
            count = 1
        laid = [self.lay(rng, canvas, owner, i + 1, count) for i in range(count)]
        for _ in range(rng.integers(1, 5) if rng.random() < 0.5 else 0):
            self.cover(rng, canvas, owner)
        canvas = photometric(rng, canvas) if rng.random() < 0.6 else canvas
        canvas = squeeze(rng, canvas) if rng.random() < 0.15 else canvas
        return canvas, self.judge(laid, owner)

    def ground(self, rng: Rng) -> Array:
        """A piece of a scene at any scale, or one colour."""
        side = self.look.side
        if rng.random() < 0.15:
            colour = rng.integers(0, 256, 3) * (rng.random() < 0.7)
            return np.full((side, side, 3), colour, np.uint8)
        scene = self.scenes[rng.integers(len(self.scenes))]
        cut = int(min(scene.shape[:2]) * rng.uniform(0.3, 1))
        y, x = (int(rng.integers(0, s - cut + 1)) for s in scene.shape[:2])
        piece = cv2.resize(scene[y : y + cut, x : x + cut], (side, side))
        return np.ascontiguousarray(piece[:, :: rng.choice((-1, 1))])

    def lay(self, rng: Rng, canvas: Array, owner: Array, mark: int, count: int) -> tuple:
        """Paste one picture; owner takes `mark` where it lies. Returns its faces, and mark."""
        row = int(rng.integers(self.faces.n))
        labels, side = self.labels[row], self.look.side
        extent = np.sqrt(np.prod(labels.boxes[0, 2:] - labels.boxes[0, :2]))
        near = count == 1  # somebody before the camera; else people further off
        sides = (3 * self.look.small, 1.15 * side) if near else (self.look.small, 0.5 * side)
        scale = np.exp(rng.uniform(*np.log(sides))) / extent
        less = 4 if scale < 0.3 else 2 if scale < 0.6 else 1  # decode only the pixels needed
        picture = photometric(rng, read(self.jpegs[row], less), 0.5)
        matrix = self.place(rng, labels.boxes[0], scale, count)
        fine = matrix @ np.array([[less, 0, (less - 1) / 2], [0, less, (less - 1) / 2], [0, 0, 1]])
        paste(canvas, owner, picture, fine[:2], mark, soft=rng.random() < 0.3)
        return carry(labels, matrix), mark

    def place(self, rng: Rng, box: Array, scale: float, count: int) -> Array:
        """(3, 3) picture -> canvas; the face's middle lies somewhere on the canvas."""
        turn = rng.normal(0, 12) if rng.random() < 0.6 else rng.uniform(-1, 1) * self.look.turn
        a, b = scale * np.cos(np.deg2rad(turn)), scale * np.sin(np.deg2rad(turn))
        matrix = np.array([[a, -b, 0], [b, a, 0], [0, 0, 1]])
        if rng.random() < 0.5:
            matrix = matrix @ np.diag([-1.0, 1, 1])
        side, reach = self.look.side, scale * np.sqrt(np.prod(box[2:] - box[:2]))
        margin = min(0.35 * reach, 0.3 * side)
        spot = rng.uniform(margin, side - margin, 2)
        matrix[:2, 2] = spot - matrix[:2, :2] @ ((box[:2] + box[2:]) / 2)
        return matrix

    def cover(self, rng: Rng, canvas: Array, owner: Array) -> None:
        """Something in front, at any turn. It holds no face, and hides some."""
        kind = rng.random()
        piece = self.scrap(rng) if kind < 0.3 else self.cloth(rng) if kind < 0.6 else blob(rng)
        zoom = np.exp(rng.uniform(np.log(12), np.log(100))) / max(piece.shape)
        matrix = cv2.getRotationMatrix2D((0, 0), rng.uniform(0, 360), zoom)
        matrix[:, 2] = rng.uniform(0, self.look.side, 2)
        paste(canvas, owner, piece, matrix, 255, soft=rng.random() < 0.5)

    def scrap(self, rng: Rng) -> Array:
        """A piece of a scene."""
        scene = self.scenes[rng.integers(len(self.scenes))]
        (h, w), (y, x) = rng.integers(16, 90, 2), (rng.integers(0, s - 90) for s in scene.shape[:2])
        return scene[y : y + h, x : x + w]

    def cloth(self, rng: Rng) -> Array:
        """What lies below or beside the faces of a picture: clothes, hair, hands, rooms."""
        row = int(rng.integers(self.faces.n))
        x0, _, x1, y1 = (
            max(0, int(f(side))) for f, side in zip(EXTREMES, self.labels[row].boxes.T, strict=True)
        )
        picture = read(self.jpegs[row], 1)
        sides = [picture[y1:], picture[:, :x0], picture[:, x1:]]
        piece = max(sides, key=lambda side: min(side.shape[:2]))
        return piece if min(piece.shape) and min(piece.shape[:2]) >= 12 else self.scrap(rng)

    def judge(self, laid: list[tuple], owner: Array) -> Labels:
        """All faces that can be seen; sure is False for those half hidden, tiny, or doubted."""
        boxes, points, sure = [], [], []
        for labels, mark in laid:
            for box, spots, known in zip(labels.boxes, labels.points, labels.sure, strict=True):
                share, side = visible(box, owner, mark), np.sqrt(np.prod(box[2:] - box[:2]))
                if share > self.look.hidden:
                    boxes.append(box)
                    points.append(spots)
                    sure.append(known and share > self.look.seen and side >= self.look.least)
        shaped = np.reshape(boxes, (-1, 4)), np.reshape(points, (-1, 5, 2))
        return Labels(*(a.astype(np.float32) for a in shaped), np.array(sure, bool))


def blob(rng: Rng) -> Array:
    """A few soft spots, as of a reflection or something far out of focus: no face for all that."""
    few = rng.integers(2, 6, 2)
    spots = rng.normal(0, rng.uniform(15, 80), (*few, rng.choice((1, 3)))) + rng.uniform(0, 255)
    spots = np.clip(spots + rng.normal(0, 25, 3), 0, 255).astype(np.uint8)
    size = (int(rng.integers(40, 100)), int(rng.integers(40, 100)))
    return cv2.resize(spots, size, interpolation=cv2.INTER_CUBIC)


def stored(faces: Faces) -> list[bytes]:
    """The JPEG of each row of a split."""
    index, jpegs = {row["file"]: i for i, row in enumerate(faces.rows)}, [b""] * faces.n
    for path in sorted((faces.shared / "faces").glob(f"{faces.split}-*.zip")):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name in index:
                    jpegs[index[name]] = archive.read(name)
    return jpegs


def read(jpeg: bytes, less: int) -> Array:
    """(h, w, 3) uint8 RGB, 1, 2 or 4 times smaller than stored."""
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), REDUCED[less])
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def squeeze(rng: Rng, image: Array) -> Array:
    """Through JPEG of a poor quality."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 70))])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


def paste(canvas: Array, owner: Array, picture: Array, matrix: Array, mark: int, soft: bool):
    """Paste a picture through matrix (2, 3), in place. soft: its rim fades, and tells nothing."""
    h, w = picture.shape[:2]
    corners = np.array([[0, 0], [w, 0], [w, h], [0, h]]) - 0.5
    quad = apply(matrix, corners)
    low = np.clip(np.floor(quad.min(0)).astype(int), 0, len(canvas))
    high = np.clip(np.ceil(quad.max(0)).astype(int) + 1, 0, len(canvas))
    if (high <= low).any():
        return
    size, here = tuple((high - low).tolist()), np.s_[low[1] : high[1], low[0] : high[0]]
    shifted = matrix - np.array([[0, 0, low[0]], [0, 0, low[1]]])
    mask = np.zeros(size[::-1], np.uint8)
    cv2.fillConvexPoly(mask, np.round(quad - low).astype(np.int32), 255)
    part = cv2.warpAffine(picture, shifted, size, borderMode=cv2.BORDER_REPLICATE)
    if soft:
        rim = max(1, int(0.04 * (w + h) * np.sqrt(abs(np.linalg.det(matrix[:, :2])))))
        fade = cv2.blur(mask, (rim, rim), borderType=cv2.BORDER_REPLICATE)[..., None] / 255.0
        canvas[here] = canvas[here] + fade * (part.astype(np.float32) - canvas[here])
    else:
        cv2.copyTo(part, mask, canvas[here])
    owner[here][mask > 0] = mark


def carry(labels: Labels, matrix: Array) -> Labels:
    """Labels through a (3, 3) matrix. A turned box is the box of the turned ellipse in it."""
    middle = apply(matrix[:2], (labels.boxes[:, :2] + labels.boxes[:, 2:]) / 2)
    half = (labels.boxes[:, 2:] - labels.boxes[:, :2]) / 2
    half = np.sqrt(half**2 @ (matrix[:2, :2] ** 2).T)
    points = np.stack([apply(matrix[:2], p) for p in labels.points])
    if np.linalg.det(matrix[:2, :2]) < 0:
        points = points[:, MIRROR]
    return Labels(np.hstack([middle - half, middle + half]), points, labels.sure)


def visible(box: Array, owner: Array, mark: int) -> float:
    """Share of a box's area where the picture that it belongs to is in sight."""
    x0, y0, x1, y1 = np.round(box).astype(int)
    inside = owner[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)]
    return np.count_nonzero(inside == mark) / max((x1 - x0) * (y1 - y0), 1)
