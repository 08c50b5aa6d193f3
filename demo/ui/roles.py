"""Who in a clip gets which face, as a visitor says it: by clicks on frames of the clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from demo.decode import frames
from demo.detect import Face
from demo.encode import encode
from demo.media import Clip
from demo.pack import Pack
from demo.preview import hit, shrink
from demo.video import Part

Array = np.ndarray


@dataclass(frozen=True)
class Role:
    """A face that was clicked: when (seconds) and where (pixels), how it looks, and its source."""

    source: str
    seconds: float
    x: float
    y: float
    looks: Array

    @property
    def part(self) -> Part:
        return Part(Path(self.source), (self.seconds, self.x, self.y))


def frame_at(clip: Clip, seconds: float) -> Array:
    """The frame that is shown `seconds` after the first, or the last there is."""
    time = clip.times[0] + round(seconds / clip.base)
    late = min(time, clip.times[-1])
    nearest = max((t for t in clip.times if t <= late), default=clip.times[0])
    return next(frames(clip, nearest, clip.stop))[1]


def looks_of(pack: Pack, frame: Array, face: Face) -> Array:
    return encode(pack.encode, pack.align(frame, face)[0]).embedding


def toggled(
    pack: Pack, frame: Array, faces: Sequence[Face], roles: Sequence[Role], point: Sequence[float],
    source: str | None, seconds: float,
) -> list[Role]:  # fmt: skip
    """A click at a point of the preview: the face there gets the source, or loses the one it has.

    Raises ValueError where there is a face to be given a source and no source.
    """
    found = hit(frame, faces, point)
    if not found:
        return list(roles)
    number = found[0]
    held = who_plays(pack, frame, faces, roles).get(number)
    if held is not None:
        return [role for role in roles if role is not held]
    if source is None:
        raise ValueError("There is no source yet: choose a face on the left.")
    x, y = (float(v) for v in np.array(point) / shrink(frame.shape))
    return [*roles, Role(source, seconds, x, y, looks_of(pack, frame, faces[number]))]


def who_plays(
    pack: Pack, frame: Array, faces: Sequence[Face], roles: Sequence[Role]
) -> dict[int, Role]:
    """A face of this frame, by its number -> its role: the likest pairs first, each only once."""
    if not roles or not faces:
        return {}
    looks = np.array(list(map(partial(looks_of, pack, frame), faces)))
    alike = looks @ np.array([role.looks for role in roles]).T  # (faces, roles)
    played: dict[int, Role] = {}
    for _ in range(min(alike.shape)):
        face, role = np.unravel_index(np.argmax(alike), alike.shape)
        played[int(face)] = roles[role]
        alike[face], alike[:, role] = -2, -2
    return played
