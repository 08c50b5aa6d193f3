"""`pipeline` is the swapper: a source once, then frame after frame.

    swapper = FaceSwapper()
    swapper.set_source(picture)          # detect, align, encode, inject
    frame = swapper.swap_frame(frame)    # detect, align, mesh, swap or warp, paste

It knows the order of the stages. It knows nothing of files, videos, tabs or cameras.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from demo.align import crop_pixels, refine, scaled, warp_crop
from demo.detect import Face
from demo.encode import encode
from demo.errors import CallOrderError, NoFaceError, SmallFaceError
from demo.finish import Finish, finish, front
from demo.inject import inject, read_identity
from demo.manifest import PACK
from demo.mesh import Mesh, mesh, pose
from demo.pack import Pack
from demo.paste import harden, paste
from demo.swap import swap
from demo.warp import Source, bare, border, fade, hull, refocus, warp

Array = np.ndarray
ENGINES = ("idn", "mesh")
BLENDED = 8  # the IDN's patch holds its mask already: from an eighth on it is pasted whole
SMALLEST = 40  # source pixels across the crop under which there is no likeness to learn


@dataclass
class Report:
    """What happened to one frame. milliseconds: stage -> time, all faces together."""

    found: int = 0
    swapped: int = 0
    reasons: list[str] = field(default_factory=list)
    milliseconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        spent = (time.perf_counter() - start) * 1e3
        self.milliseconds[stage] = self.milliseconds.get(stage, 0.0) + spent


class FaceSwapper:
    """One source face, put into any number of frames. Not for two threads at once.

    engine: "idn" paints with the network, "mesh" carries the source's own pixels. finish: what is
    done to a patch before it is pasted, nothing if not said.
    `kernels` (22291,) are the identity after `set_source` (engine "idn"); `report` tells of the
    last frame.
    """

    def __init__(
        self,
        engine: str = "idn",
        pack: Pack | Path | str | None = None,
        finish: Finish | None = None,
    ):
        if engine not in ENGINES:
            raise ValueError(f"engine {engine!r}: expected one of {', '.join(ENGINES)}")
        self.engine = engine
        self.pack = pack if isinstance(pack, Pack) else Pack.load(pack or PACK)
        self.finish = finish or Finish()
        self.report = Report()
        self.kernels: Array | None = None
        self._paint: Callable[[Array, Array, Mesh, Array], tuple] | None = None

    def set_source(self, image: Array | Path | str) -> None:
        """Take the identity of the largest face of a picture, or of an identity file.

        image: (h, w, 3) uint8 RGB, (22291,) kernels, or the path of an `.idn` file.
        Raises NoFaceError, SmallFaceError; UnreadableError for a file that is no identity;
        ValueError for an identity file with the mesh engine, which needs a picture.
        """
        if isinstance(image, np.ndarray) and image.ndim == 3:
            return self._from_picture(image)
        if self.engine == "mesh":
            raise ValueError(
                "the mesh engine needs a picture; an identity file holds none: use idn"
            )
        kernels = image if isinstance(image, np.ndarray) else self._read(image)
        self._from_kernels(kernels)

    def swap_frame(
        self, frame: Array, faces: Sequence[Face] | None = None, strength: float = 1.0
    ) -> Array:
        """Swap faces of one frame (h, w, 3) uint8 RGB; returns a new frame of the same size.

        faces: which of `pack.faces(frame)`; default the largest. strength: 0 nothing .. 1 all.
        Without a face the frame comes back as it is. Raises CallOrderError before `set_source`.
        """
        if self._paint is None:
            raise CallOrderError("swap_frame: there is no source yet; call set_source first")
        self.report = report = Report()
        if faces is None:
            with report.timed("detect"):
                everyone = self.pack.faces(frame)
            faces, report.found = everyone[:1], len(everyone)
        else:
            report.found = len(faces)
        if not faces:
            report.reasons.append("no face in the target")
        for face in faces:
            frame = self._swap_face(frame, face, strength)
        return frame

    def _read(self, path: Path | str) -> Array:
        return read_identity(path, self.pack.manifest)

    def _from_picture(self, image: Array) -> None:
        faces = self.pack.faces(image)
        if not faces:
            raise NoFaceError("the source shows no face; expected one, upright and well lit")
        crop, matrix = self.pack.align(image, faces[0])
        side = crop_pixels(matrix, len(crop))
        if side < SMALLEST:
            raise SmallFaceError(
                f"the source's face is {side:.0f} pixels wide; expected at least {SMALLEST}: "
                "use a larger picture or move closer"
            )
        if self.engine == "mesh":
            return self._from_pixels(image, crop, matrix)
        self._from_kernels(inject(self.pack.inject, encode(self.pack.encode, crop)))

    def _from_kernels(self, kernels: Array) -> None:
        session = self.pack.painter(kernels)
        self.kernels = kernels
        topology, style = self.pack.manifest.mesh, self.pack.manifest.paste.style

        def paint(frame: Array, crop: Array, target: Mesh, matrix: Array) -> tuple:
            with self.report.timed("swap"):
                if style == "reference":
                    patch, mask = swap(session, crop, rounded=False)
                    return patch, harden(mask), matrix
                patch, mask = swap(session, crop)
                inside = hull(target.points, topology, len(crop)) * border(len(crop))
                return patch, np.minimum(1, BLENDED * mask) * inside, matrix

        self._paint = paint

    def _from_pixels(self, image: Array, crop: Array, matrix: Array) -> None:
        found = mesh(self.pack.mesh, crop)
        fine, zoom, _ = refine(image, matrix, len(crop))
        topology = self.pack.manifest.mesh
        source = Source.of(fine, scaled(found.points, zoom), topology)
        turned = pose(found.points, topology.mean)

        def paint(frame: Array, crop: Array, target: Mesh, matrix: Array) -> tuple:
            with self.report.timed("warp"):
                strength, reason = fade(turned, pose(target.points, topology.mean))
                if reason:
                    self.report.reasons.append(reason)
                fine, zoom, matrix = refine(frame, matrix, len(crop))
                larger = replace(target, points=scaled(target.points, zoom))
                patch, mask = warp(source, fine, larger, topology)
                return patch, mask * border(len(mask)) * np.float32(strength), matrix

        self._paint = paint

    def _swap_face(self, frame: Array, face: Face, strength: float) -> Array:
        report, topology = self.report, self.pack.manifest.mesh
        with report.timed("align"):
            crop, matrix = self.pack.align(frame, face)
        with report.timed("mesh"):
            target = mesh(self.pack.mesh, crop)
        if target.score < topology.score:
            report.reasons.append("a face was too unclear to be followed, and left as it is")
            return frame
        patch, mask, matrix = self._paint(frame, crop, target, matrix)
        if not mask.any():
            return frame
        if self.finish != Finish():
            with report.timed("finish"):
                patch, mask = self._finished(frame, target, patch, mask, matrix)
        with report.timed("paste"):
            style = self.pack.manifest.paste.style
            frame = paste(frame, patch, mask * np.float32(strength), matrix, style)
        report.swapped += 1
        return frame

    def _finished(
        self, frame: Array, target: Mesh, patch: Array, mask: Array, matrix: Array
    ) -> tuple[Array, Array]:
        """Patch and mask as they are pasted."""
        how, topology = self.finish, self.pack.manifest.mesh
        crop = warp_crop(frame, matrix, len(patch))
        points = scaled(target.points, len(patch) / self.pack.manifest.align.size)
        if how.sharp and self.engine == "idn":  # the mesh engine's patch is as sharp already
            patch = refocus(patch, crop, mask > 0.5)
        if how.front:
            skin = bare(points, topology, len(crop))
            mask = mask * (1 - front(crop, points[topology.cheeks, :2], skin))
        return finish(patch, crop, mask, how), mask
