"""`python -m models.topology` writes the manifest's `mesh`: what the 468 points are.

The mean mesh is measured on the training faces; the triangles are Delaunay's on its plane; the
contours name the landmark teacher's own numbering.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from scipy.spatial import Delaunay

from demo.manifest import PACK
from models.data import Faces, mean_mesh

# fmt: off
OVAL = [10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
        152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109]
LIPS = [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95]
LEFT_EYE = [33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7]
RIGHT_EYE = [263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249]
BROWS = [70, 63, 105, 66, 107, 336, 296, 334, 293, 300]  # upper edge, picture left to right
CHEEKS = [50, 101, 118, 205, 36, 280, 330, 347, 425, 266, 6, 197, 195, 5]  # bare skin on most faces
# fmt: on
SCORE = 0.5  # under it a crop holds no face


def triangles(mean: np.ndarray) -> np.ndarray:
    """(n, 3) Delaunay's triangles inside the oval, without slivers."""
    plane = mean[:, :2].astype(np.float64)
    faces = Delaunay(plane).simplices
    a, b, c = (plane[faces[:, k]] for k in range(3))
    area = np.abs(np.cross(np.c_[b - a, 0 * a[:, 0]], np.c_[c - a, 0 * a[:, 0]])[:, 2]) / 2
    longest = np.max([np.linalg.norm(p - q, axis=1) for p, q in ((a, b), (b, c), (c, a))], axis=0)
    return faces[area > 0.02 * longest**2]


def topology(faces: Faces) -> dict:
    mean = mean_mesh(faces)
    return {
        "score": SCORE,
        "oval": OVAL,
        "lips": LIPS,
        "left_eye": LEFT_EYE,
        "right_eye": RIGHT_EYE,
        "brows": BROWS,
        "cheeks": CHEEKS,
        "triangles": triangles(mean).tolist(),
        "mean": np.round(mean.astype(np.float64), 2).tolist(),
    }


def main() -> None:
    root = Path(__file__).resolve().parent
    faces = Faces(root.parent.parent / "shared", root / "cache")
    path = PACK / "manifest.json"
    write(path, {**json.loads(path.read_text()), "mesh": topology(faces)})


def write(path: Path, manifest: dict) -> None:
    """JSON with one line for each entry of the second level: long lists stay out of the way."""
    text = []
    for key, value in manifest.items():
        if isinstance(value, dict):
            inner = ",\n".join(f'  "{k}": {json.dumps(v)}' for k, v in value.items())
            text.append(f' "{key}": {{\n{inner}\n }}')
        else:
            text.append(f' "{key}": {json.dumps(value)}')
    path.write_text("{\n" + ",\n".join(text) + "\n}\n")


if __name__ == "__main__":
    main()
