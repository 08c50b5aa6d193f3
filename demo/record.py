"""`record` keeps what a visitor sees as an MP4 that says it is synthetic.

It knows frames and a path. It encodes on a thread of its own, so that the picture does not wait for
it, and lets frames go that it cannot keep up with. It knows nothing of cameras or pages.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from demo.mark import mark
from demo.newest import Newest
from demo.provenance import seal

Array = np.ndarray
MINUTES = 10  # at most
TICKS = Fraction(1, 90_000)  # seconds, of the timestamps


class Recorder:
    """Frames (h, w, 3) uint8 RGB as they come, into one MP4. Even sizes; the first frame's size.

    `add` never blocks. `save` ends it and returns the signed file's path, or None when no frame
    came; `drop` ends it and leaves nothing.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic):
        self.path, self.clock = path, clock
        self._part = path.with_stem(f".{path.stem}")  # not yet signed, and not to be found
        self.since: float | None = None
        self._file: av.container.OutputContainer | None = None
        self._worker = Newest(self._encode, lambda nothing: None)

    def add(self, frame: Array) -> None:
        now = self.clock()
        self.since = now if self.since is None else self.since
        if now - self.since < MINUTES * 60:
            self._worker.give((now - self.since, frame))

    def save(self) -> Path | None:
        try:
            if not self._finish():
                return None
            seal(self._part, self.path)
        finally:
            self._part.unlink(missing_ok=True)
        return self.path

    def drop(self) -> None:
        self._finish()
        self._part.unlink(missing_ok=True)

    def _open(self, height: int, width: int) -> None:
        self._file = av.open(str(self._part), "w", format="mp4", options={"movflags": "+faststart"})
        stream = self._file.add_stream("libx264", rate=30, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width // 2 * 2, height // 2 * 2, "yuv420p"
        stream.codec_context.time_base = TICKS
        stream.codec_context.options["crf"] = "20"
        self._stream, self._last = stream, -1

    def _encode(self, item: tuple[float, Array]) -> None:
        when, frame = item
        if self._file is None:
            self._open(*frame.shape[:2])
        size = (self._stream.width, self._stream.height)
        if frame.shape[1::-1] != size:
            frame = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        picture = av.VideoFrame.from_ndarray(mark(frame), format="rgb24")
        self._last = max(self._last + 1, round(when / TICKS))
        picture.pts, picture.time_base = self._last, TICKS
        self._file.mux(self._stream.encode(picture))

    def _finish(self) -> bool:
        """End the thread and close the file; whether there is one."""
        self._worker.close(wait=True)
        if self._file is None:
            return False
        self._file.mux(self._stream.encode(None))
        self._file.close()
        return True
