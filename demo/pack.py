"""`pack` is the weights, opened: what finds, follows and cuts out a face, and what paints one.

It knows the manifest and the graphs. It knows no source, and nothing of the frame before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from demo.align import align, apply, invert
from demo.detect import Face, Options, detect, load_detector
from demo.manifest import PACK, Manifest, load
from demo.mesh import five, mesh
from demo.sessions import Session, open_session

Array = np.ndarray


@dataclass(frozen=True)
class Pack:
    """The weights, opened once and shared by every swapper: sessions hold no state."""

    manifest: Manifest
    detect: Callable
    mesh: Session
    encode: Session
    inject: Session
    device: str
    threads: int
    detector: str | None = None

    @classmethod
    def load(
        cls,
        folder: Path | str = PACK,
        *,
        device: str = "auto",
        threads: int = 0,
        detector: str | None = None,
    ) -> Pack:
        """Check and open a pack. detector: an insightface pack or SCRFD file instead of ours.

        Raises PackError for missing or altered files, ValueError for a device that is not there.
        """
        manifest = load(folder)

        def opened(name: str) -> Session:
            return open_session(manifest.graphs[name].path, device=device, threads=threads)

        finder = load_detector(detector) if detector else opened("detect")
        rest = (opened(name) for name in ("mesh", "encode", "inject"))
        return cls(manifest, finder, *rest, device, threads, detector)

    @property
    def provider(self) -> str:
        """Which device runs the graphs, and why: a sentence for the screen."""
        return self.mesh.provider

    def faces(self, frame: Array) -> list[Face]:
        """Every face of a frame (h, w, 3) uint8 RGB, the largest first."""
        d = self.manifest.detect
        found = detect(self.detect, frame, Options(d.size, d.score, d.iou))
        return sorted(found, key=lambda face: face.area, reverse=True)

    def follow(self, frame: Array, face: Face) -> Face | None:
        """The same face a frame later: its mesh tells where it is now, for a third of a search.

        Its five points keep the places that they have on the mean mesh, some pixels of a crop from
        where the detector sees them, and steadier. None where no face is any more.
        """
        crop, matrix = self.align(frame, face)
        found, topology = mesh(self.mesh, crop), self.manifest.mesh
        if found.score < topology.score:
            return None
        a, back = self.manifest.align, invert(matrix)
        rest = a.template * a.size - five(topology.mean, topology)
        spots = apply(back, found.points[:, :2])
        box = np.concatenate([spots.min(0), spots.max(0)])
        points = apply(back, five(found.points, topology) + rest)
        return Face(np.float32(box), np.float32(points), found.score)

    def align(self, frame: Array, face: Face) -> tuple[Array, Array]:
        a = self.manifest.align
        return align(frame, face.points, a.template, a.size, a.fit)

    def painter(self, kernels: Array) -> Session:
        """The IDN with one identity's kernels baked in: 10-20 ms, once per source."""
        path = self.manifest.graphs["swap"].path
        return open_session(path, device=self.device, threads=self.threads, kernels=kernels)
