"""`python -m models.examples` makes demo/examples: faces of nobody, to try the swapper with.

Each is the mean of a group of synthetic training faces that look alike (k-means on their
embeddings): a picture, averaged on the mean mesh, for the mesh engine; an identity file, from the
mean of their embeddings and feature maps, for the IDN. No group holds fewer than MEMBERS faces, so
that none of them can be seen in the mean.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from demo.encode import Identity, encode
from demo.inject import inject, write_identity
from demo.manifest import Manifest, load
from demo.sessions import open_session
from demo.warp import carry, hull
from models.data import CROP, Faces

Array = np.ndarray
SETS = ("sg_ds", "sg_zoya", "basemax", "sg_ror", "sfhq")  # generated faces only
COUNT, MEMBERS = 8, 12
FOLDER = Path(__file__).resolve().parent.parent / "demo" / "examples"


def frontal(faces: Faces) -> Array:
    """Rows of synthetic faces that look into the camera and are sharp."""
    yaw = np.abs([row["yaw"] for row in faces.rows])
    wide = np.array([float(row["face_px"]) for row in faces.rows])
    good = np.isin(faces.sets, SETS) & (yaw < 0.06) & (wide > 180)
    return np.flatnonzero(good & (faces.meshes[:, 468, 0] > 0.95))


def groups(embeddings: Array, seed: int = 3) -> list[Array]:
    """COUNT groups of the MEMBERS faces nearest to each centre of k-means."""
    data = embeddings.astype(np.float32)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 50, 1e-4)
    cv2.setRNGSeed(seed)
    _, _, centres = cv2.kmeans(data, COUNT, None, stop, 5, cv2.KMEANS_PP_CENTERS)
    distance = np.linalg.norm(data[:, None] - centres[None], axis=2)
    return [np.argsort(distance[:, k])[:MEMBERS] for k in range(COUNT)]


def average(faces: Faces, rows: Array, manifest: Manifest) -> Array:
    """(224, 224, 3) uint8: the faces on the mean of their meshes, over their mean surroundings."""
    topology = manifest.mesh
    target = faces.meshes[rows, :468].mean(0)
    around = faces.crops[rows].mean(0)
    painted = []
    for row in rows:
        where, covered = carry(faces.meshes[row, :468], target, topology, CROP)
        face = cv2.remap(faces.crops[row], where, None, cv2.INTER_CUBIC).astype(np.float32)
        painted.append(np.where(covered[..., None], face, around))
    inside = hull(target, topology, CROP)[..., None]
    mixed = np.mean(painted, axis=0) * inside + around * (1 - inside)
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


def blend(identities: list[Identity]) -> Identity:
    """The mean of several people."""
    mean = np.mean([one.embedding for one in identities], axis=0)
    features = np.mean([one.features for one in identities], axis=0)
    return Identity(mean / np.linalg.norm(mean), features)


def main() -> None:
    root = Path(__file__).resolve().parent
    faces, manifest = Faces(root.parent.parent / "shared", root / "cache"), load()
    who, how = (open_session(manifest.graphs[n].path, device="cpu") for n in ("encode", "inject"))
    rows = frontal(faces)
    identities = [encode(who, np.asarray(faces.crops[row])) for row in rows]
    FOLDER.mkdir(exist_ok=True)
    embeddings = np.stack([one.embedding for one in identities])
    for number, members in enumerate(groups(embeddings), start=1):
        chosen = rows[members]
        kernels = inject(how, blend([identities[i] for i in members]))
        write_identity(FOLDER / f"face-{number}.idn", kernels, manifest)
        picture = average(faces, chosen, manifest)
        cv2.imwrite(str(FOLDER / f"face-{number}.png"), picture[..., ::-1])


if __name__ == "__main__":
    main()
