"""`python -m tests.golden.make` writes tests/golden/*.json: what the Python stages answer.

`tests/web/*.test.js` hold the page's stages against them; `tests/test_golden.py` holds them against
Python, so neither language can move alone.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import cv2
import numpy as np

from demo import align, detect, finish, mesh, warp
from demo.inject import write_identity
from demo.manifest import load
from demo.track import Tracker

HERE = Path(__file__).parent
Array = np.ndarray


def aligned(rng: np.random.Generator) -> list[dict]:
    """Both fits and the inverse, for five points turned, scaled, shifted and shaken."""
    template = load(check=False).align.template * 224
    cases = []
    for turn in (0.0, 0.4, -2.0, 3.1):
        a = rng.uniform(0.2, 4) * np.exp(1j * turn)
        turned = np.array([[a.real, -a.imag], [a.imag, a.real]])
        points = template @ turned.T + rng.uniform(-300, 900, 2) + rng.normal(0, 4, (5, 2))
        fits = {name: fit(points, template) for name, fit in align.FITS.items()}
        inverse = align.invert(fits["similarity"])
        cases.append({"points": points, "target": template, "inverse": inverse, **fits})
    return cases


def decoded(rng: np.random.Generator) -> dict:
    """SCRFD's nine arrays for an image of 96 x 64 pixels, decoded, and what nms keeps."""
    cells = [96 // s * (64 // s) * detect.ANCHORS for s in detect.STRIDES]
    outputs = [rng.uniform(0, 1, (n, 1)) ** 6 for n in cells]
    outputs += [rng.uniform(0.5, 3, (n, 4)) for n in cells]
    outputs += [rng.uniform(-2, 2, (n, 10)) for n in cells]
    outputs = [array.astype(np.float32) for array in outputs]
    boxes, points, scores = detect.decode(outputs, 96, 0.5)
    keep = detect.nms(boxes, scores, 0.3)
    found = {"boxes": boxes, "points": points, "scores": scores, "keep": keep}
    return {"outputs": [array.ravel() for array in outputs], "width": 96, "score": 0.5,
            "iou": 0.3, **found}  # fmt: skip


def layouts() -> list[dict]:
    """Where frames of all shapes lie in what the detector sees: its size, the scale, the offset."""
    shapes = [(640, 480), (480, 640), (1280, 720), (4000, 3000), (33, 700), (100, 90), (425, 410)]
    cases = []
    for width, height in shapes:
        for border in (0.0, detect.BORDER):
            frame = np.zeros((height, width, 3), np.uint8)
            image, scale, offset = detect.prepare(frame, 320, border)
            cases.append({"frame": [width, height], "border": border, "scale": scale,
                          "offset": offset, "image": list(image.shape)})  # fmt: skip
    return cases


def hulls(rng: np.random.Generator) -> list[dict]:
    """A feathered oval: even, shaken, and one that leaves the crop."""
    angle = np.arange(36) * np.pi / 18
    circle = np.stack([0.3 * np.sin(angle), 0.4 * np.cos(angle), 0 * angle], axis=1)
    topology, cases = SimpleNamespace(oval=np.arange(36)), []
    for size, shift, noise in ((112, 0.5, 0), (112, 0.53, 0.01), (64, 0.3, 0.005)):
        points = ((circle + rng.normal(0, noise, circle.shape) + shift) * size).astype(np.float32)
        mask = np.rint(warp.hull(points, topology, size) * 255).astype(np.uint8)
        sides = warp.border(size)[size // 2]
        cases.append({"size": size, "oval": topology.oval, "points": points.ravel(),
                      "mask": text(mask), "border": sides})  # fmt: skip
    return cases


def averages(rng: np.random.Generator) -> list[dict]:
    """cv2.INTER_AREA by whole and by broken ratios."""
    cases = []
    for (width, height), small in (((12, 8), (6, 4)), ((9, 9), (3, 3)), ((22, 10), (7, 4))):
        image = rng.integers(0, 256, (height, width, 4), np.uint8)
        mean = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
        cases.append({"size": [width, height], "image": text(image), "small": small,
                      "mean": text(mean)})  # fmt: skip
    return cases


def tracked(rng: np.random.Generator) -> list[dict]:
    """Frames of a head that shakes and moves and hides for a while, and of one that passes by."""
    tracker, frames = Tracker(), []
    for n in range(60):
        hidden = 20 <= n < 24 or 35 <= n < 45
        faces = [] if hidden else [found(rng, 100 + 3 * n, 80, 120)]
        if 10 <= n < 30:
            faces.append(found(rng, 400 - 5 * n, 90, 90))
        answer = tracker.update(faces, n / 30)
        frames.append({"time": n / 30, "faces": [vars(face) for face in faces],
                       "tracked": [vars(t) | {"face": vars(t.face)} for t in answer]})  # fmt: skip
    return frames


def found(rng: np.random.Generator, x: float, y: float, side: float) -> detect.Face:
    shape = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
    points = shape * side + (x, y) + rng.normal(0, 1, (5, 2))
    box = np.float32([x, y, x + side, y + side])
    return detect.Face(box, points.astype(np.float32), 0.9)


def identity(rng: np.random.Generator) -> dict:
    """An identity file as Python writes it, here of a graph that takes 64 numbers."""
    graph = SimpleNamespace(sha256="0123456789abcdef" * 4, inputs={"kernels": [64]})
    kernels = rng.normal(0, 0.1, 64).astype(np.float32)
    kernels[:6] = 0, -0.0, 1e-7, 6e-5, 60000, -1e-9  # the corners of half precision
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.idn"
        write_identity(path, kernels, SimpleNamespace(graphs={"swap": graph}))
        file = np.frombuffer(path.read_bytes(), np.uint8)
    return {"file": text(file), "kernels": kernels.astype(np.float16).astype(float).tolist(),
            "sha256": graph.sha256}  # fmt: skip


def finished() -> dict:
    """A patch made as sharp as its crop, and tinted like it; every seventh row of the answers.

    The pictures are waves on a slope, so that both languages can make them.
    """
    side = 224
    y, x = np.mgrid[:side, :side]
    waves = (x * 13 + y * 7) % 32 - (x * y // 64) % 16

    def picture(colour: tuple[int, ...], strength: int) -> Array:
        planes = [level + x // 4 + y // 8 + waves * strength // 4 for level in colour]
        return np.stack(planes, axis=2).astype(np.uint8)

    crop, patch = picture((120, 84, 60), 5), picture((96, 88, 92), 2)
    away = np.sqrt((x - 112.0) ** 2 + (y - 118.0) ** 2)
    mask = np.float32(0.7) * np.clip((84 - away) / 24, 0, 1).astype(np.float32)  # half faded
    mask[away < 12] = 0  # a mouth
    sharp = warp.refocus(patch, crop, mask > 0.5)
    return {"sharp": text(sharp[::7]), "tint": text(finish.tint(patch, crop, mask)[::7])}


def spots(rng: np.random.Generator) -> dict:
    """The five points of a mesh, made up: the mean one, moved."""
    topology = load(check=False).mesh
    points = topology.mean + rng.normal(0, 5, topology.mean.shape).astype(np.float32)
    names = ("left_eye", "right_eye")
    eyes = {name: getattr(topology, name) for name in names}
    return {"points": points, **eyes, "five": mesh.five(points, topology)}


def text(array: Array) -> str:
    """The bytes of an array as base64."""
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def plain(value: object) -> object:
    """Arrays as lists, six digits behind the point."""
    if isinstance(value, Array):
        return np.round(value.astype(float), 6).tolist()
    return float(value) if isinstance(value, np.floating) else int(value)


def build() -> dict[str, str]:
    """File name -> JSON."""
    rng = np.random.default_rng(7)
    found = {
        "align": aligned(rng),
        "detect": {"decoded": decoded(rng), "layouts": layouts()},
        "warp": hulls(rng),
        "image": averages(rng),
        "inject": identity(rng),
        "track": tracked(rng),
        "finish": finished(),
        "mesh": spots(rng),
    }
    return {f"{name}.json": json.dumps(value, default=plain) for name, value in found.items()}


if __name__ == "__main__":
    for name, content in build().items():
        (HERE / name).write_text(content + "\n")
        print(f"{name}: {len(content):,} bytes")
