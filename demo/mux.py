"""`mux` writes clips: stretches of frames into pieces, and pieces with the sound into one file.

Each piece is encoded by itself, so that a lost one can be made again and two machines can make two.
It knows nothing of faces.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import av
import cv2
import numpy as np

from demo.media import BT709, Clip, opened
from demo.sound import Sound

Array = np.ndarray
Luma = Callable[[Array], None]  # changes a plane (h, w) uint8 in place
# No frame waits for a later one (bf=0, no hidden frames): then pieces can simply be put in a row.
ENCODERS = {
    ".mp4": ("libx264", {"bf": "0", "profile": "high", "flags": "+cgop"}),
    ".webm": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "6", "lag-in-frames": "0",
                             "row-mt": "1", "b": "0"}),
}  # fmt: skip
QUALITY = {  # name -> encoder's own settings
    "small": {".mp4": {"crf": "27", "preset": "veryfast"}, ".webm": {"crf": "40"}},
    "good": {".mp4": {"crf": "20", "preset": "veryfast"}, ".webm": {"crf": "30"}},
    "best": {".mp4": {"crf": "16", "preset": "medium"}, ".webm": {"crf": "20"}},
}
GAP = 2.5  # seconds between key frames: how finely a player can seek
SYNTHETIC = "Synthetic: faces in this clip were replaced (compositeWithTrainedAlgorithmicMedia)"


class Piece:
    """A stretch of a clip being encoded: `write` frames in order of time, then `close`."""

    def __init__(self, path: Path, clip: Clip, suffix: str, quality: str, luma: Luma | None = None):
        codec, options = ENCODERS[suffix]
        self.clip, self.luma = clip, luma
        self.container = av.open(str(path), "w", format="nut")
        stream = self.container.add_stream(
            codec, rate=clip.rate, options={**options, **QUALITY[quality][suffix]}
        )
        stream.width, stream.height = even(clip.width), even(clip.height)
        stream.pix_fmt, stream.sample_aspect_ratio = "yuv420p", clip.aspect
        stream.time_base = stream.codec_context.time_base = clip.base
        stream.gop_size = max(1, round(GAP * clip.rate))
        stream.thread_count = 2  # a number of our own: the same bytes on every machine
        matrix = stream.codec_context.colorspace = standard(clip.matrix)
        stream.codec_context.color_primaries = stream.codec_context.color_trc = matrix
        stream.codec_context.color_range = 1  # 16..235
        self.stream = stream

    def write(self, time: int, frame: Array) -> None:
        """time: ticks of the clip's clock. frame: (h, w, 3) uint8 RGB; odd sides get one line."""
        picture = yuv(frame, standard(self.clip.matrix))
        if self.luma:
            self.luma(plane(picture))
        picture.pts, picture.time_base = time, self.clip.base
        self.container.mux(self.stream.encode(picture))

    def close(self) -> None:
        self.container.mux(self.stream.encode(None))
        self.container.close()

    def __enter__(self) -> Piece:
        return self

    def __exit__(self, kind: type | None, *rest: object) -> None:
        self.close() if kind is None else self.container.close()


def yuv(frame: Array, matrix: int) -> av.VideoFrame:
    down, right = frame.shape[0] % 2, frame.shape[1] % 2
    if down or right:
        frame = cv2.copyMakeBorder(frame, 0, down, 0, right, cv2.BORDER_REPLICATE)
    picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
    return picture.reformat(format="yuv420p", dst_colorspace=matrix, dst_color_range=1)


def plane(picture: av.VideoFrame) -> Array:
    """(h, w) uint8: the luma of a frame, to be read and written."""
    luma = picture.planes[0]
    rows = np.frombuffer(luma, np.uint8).reshape(-1, luma.line_size)
    return rows[: picture.height, : picture.width]


def even(side: int) -> int:
    return side + side % 2


def standard(matrix: int) -> int:
    """BT.709 or BT.601, as the clip was; what was HDR has become BT.709."""
    return matrix if matrix in (1, 6) else BT709


def join(out: Path, pieces: Sequence[Path], clip: Clip, start: int, stop: int) -> None:
    """Pieces in a row, with the clip's own sound from `start` to `stop` ticks, in a new file.

    Nothing is decoded or encoded but a sound that the container cannot hold.
    """
    options = {"movflags": "+faststart"} if out.suffix == ".mp4" else {}
    whole = start <= clip.times[0] and stop >= clip.stop
    zero = clip.origin if whole else start
    with av.open(str(out), "w", options=options) as target, opened(clip.path) as source:
        target.metadata["comment"] = SYNTHETIC
        with opened(pieces[0]) as first:
            shown = target.add_stream_from_template(first.streams.video[0])
        sound = Sound.of(source, target, zero * clip.base, None if whole else stop * clip.base)
        streams = [packets(pieces, shown, zero, clip, stop), *([sound.packets()] if sound else [])]
        for packet in heapq.merge(*streams, key=lambda p: p.dts * p.time_base):
            target.mux(packet)


def packets(
    pieces: Sequence[Path], stream: av.VideoStream, zero: int, clip: Clip, stop: int
) -> Iterator[av.Packet]:
    """Every packet of every piece, each lasting until the next."""
    held = None
    for packet in rows(pieces):
        packet.pts = packet.dts = round(packet.pts * packet.time_base / clip.base) - zero
        packet.time_base, packet.stream = clip.base, stream
        if held:
            held.duration = packet.pts - held.pts
            yield held
        held = packet
    if held:
        held.duration = max(1, min(clip.last, stop - zero - held.pts))
        yield held


def rows(pieces: Sequence[Path]) -> Iterator[av.Packet]:
    for piece in pieces:
        with opened(piece) as container:
            for packet in container.demux(video=0):
                if packet.pts is not None:
                    yield packet
