"""`manifest` reads models/manifest.json, the single source of every constant, and checks the files.

It knows names, sizes and sums. It opens no graph.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from demo.errors import PackError

Array = np.ndarray
PACK = Path(__file__).resolve().parent.parent / "models"


FITS = ("similarity", "affine")
STYLES = ("plain", "reference")


@dataclass(frozen=True)
class Align:
    """template: (5, 2) float64, the points in a crop of side 1. size: crop side in pixels.

    fit: one of FITS; "affine" is the published code's.
    """

    template: Array
    size: int
    fit: str


@dataclass(frozen=True)
class Paste:
    """style: one of STYLES; "reference" is the published code's."""

    style: str


@dataclass(frozen=True)
class Detect:
    """size: longer side given to the detector, pixels. score, iou: 0..1."""

    size: int
    score: float
    iou: float


@dataclass(frozen=True)
class Topology:
    """What the 468 points are.

    mean: (468, 3) float32, the mean mesh in crop pixels, z towards the camera negative.
    triangles: (n, 3) int32. oval, lips, left_eye, right_eye: indices in order round the contour.
    brows: their upper edge. cheeks: points that are bare skin on most faces.
    score: 0..1, below which a crop holds no face.
    """

    mean: Array
    triangles: Array
    oval: Array
    lips: Array
    left_eye: Array
    right_eye: Array
    brows: Array
    cheeks: Array
    score: float


@dataclass(frozen=True)
class Graph:
    """One ONNX file and what there is to know of it. inputs, outputs: name -> shape."""

    name: str
    path: Path
    bytes: int
    sha256: str
    precision: str
    inputs: dict[str, list]
    outputs: dict[str, list]
    params: int
    macs: int
    license: str
    trained_on: str

    def check(self) -> None:
        """Raise PackError unless the file is there and is, byte for byte, the one released."""
        if not self.path.exists():
            raise PackError(f"{self.path.name}: missing; expected it in {self.path.parent.name}/")
        data = self.path.read_bytes()
        if len(data) != self.bytes or hashlib.sha256(data).hexdigest() != self.sha256:
            raise PackError(
                f"{self.path.name}: altered or truncated ({len(data):,} bytes, expected "
                f"{self.bytes:,} with another sha256); fetch the file again"
            )


@dataclass(frozen=True)
class Manifest:
    """models/manifest.json, read."""

    folder: Path
    version: int
    points: tuple[str, ...]
    align: Align
    paste: Paste
    detect: Detect
    raw: dict

    @cached_property
    def mesh(self) -> Topology:
        arrays = {k: np.array(v, np.int32) for k, v in self.raw["mesh"].items() if k != "mean"}
        mean = np.array(self.raw["mesh"]["mean"], np.float32)
        return Topology(**{**arrays, "mean": mean, "score": self.raw["mesh"]["score"]})

    @cached_property
    def graphs(self) -> dict[str, Graph]:
        return {
            name: Graph(name, self.folder / entry["file"], **_without(entry, "file"))
            for name, entry in self.raw["graphs"].items()
        }


def _without(entry: dict, key: str) -> dict:
    return {k: v for k, v in entry.items() if k != key}


def load(folder: Path | str = PACK, *, check: bool = True) -> Manifest:
    """Read a pack. check: compare every weight file with its size and sha256.

    Raises PackError when the folder is no pack, or a file is missing or altered.
    """
    path = Path(folder) / "manifest.json"
    try:
        raw = json.loads(path.read_text())
        manifest = Manifest(
            folder=path.parent,
            version=raw["version"],
            points=tuple(raw["points"]),
            align=Align(
                np.array(raw["align"]["template"]), raw["align"]["size"], raw["align"]["fit"]
            ),
            paste=Paste(**raw.get("paste", {"style": STYLES[0]})),  # older packs name no style
            detect=Detect(**raw["detect"]),
            raw=raw,
        )
        for got, known in ((manifest.align.fit, FITS), (manifest.paste.style, STYLES)):
            if got not in known:
                raise ValueError(f"{got!r}: expected {' or '.join(known)}")
    except FileNotFoundError:
        raise PackError(f"{path.name}: not found; expected a pack with manifest.json") from None
    except (ValueError, KeyError, TypeError) as error:
        raise PackError(f"{path.name}: not a pack's manifest ({error})") from error
    if check:
        for graph in manifest.graphs.values():
            graph.check()
    return manifest
