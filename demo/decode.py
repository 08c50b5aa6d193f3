"""`decode` gives a clip's frames: (h, w, 3) uint8 RGB, upright, of ordinary colours, each in time.

It knows what `media` found out of a file. It knows nothing of faces or of writing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import av.filter
import cv2
import numpy as np

from demo.media import HLG, PQ, Clip, decoded, opened, pictures
from demo.tone import cube

Array = np.ndarray
Moment = tuple[int, av.VideoFrame]
TURNS = {
    90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE,
}  # fmt: skip
CURVES = {PQ: "pq", HLG: "hlg"}


def frames(clip: Clip, start: int, stop: int) -> Iterator[tuple[int, Array]]:
    """(time, frame) of the clip's frames from `start` up to `stop`, in ticks of its clock."""
    for time, frame in cleaned(clip, stored(clip, start, stop)):
        rgb = frame.to_ndarray(format="rgb24")
        yield time, cv2.rotate(rgb, TURNS[clip.turn]) if clip.turn else rgb


def stored(clip: Clip, start: int, stop: int) -> Iterator[Moment]:
    """Frames as they lie in the file. What comes before `start` is decoded and let go."""
    late = True
    for seek in (True, False):
        with opened(clip.path) as container:
            stream = pictures(container, clip.path)
            stream.thread_type = "AUTO"
            if seek and start > clip.times[0]:
                container.seek(start, stream=stream)
            for time, frame in decoded(container, stream):
                # Some files' index is wrong: then once more, from the beginning.
                late = late and seek and time > start > clip.times[0]
                if late or time >= stop:
                    break
                if time >= start:
                    frame.colorspace = clip.matrix
                    yield time, frame
        if not late:
            return


def cleaned(clip: Clip, moments: Iterator[Moment]) -> Iterator[Moment]:
    """Without the combs of interlaced pictures, and HDR brought to an ordinary screen's colours."""
    graph = None
    for time, frame in moments:
        if not (clip.interlaced or clip.curve in CURVES):
            yield time, frame
            continue
        graph = graph or filters(clip, frame)
        graph.push(frame)
        yield from pulled(graph, clip)
    if graph:
        graph.push(None)
        yield from pulled(graph, clip)


def filters(clip: Clip, frame: av.VideoFrame) -> av.filter.Graph:
    graph = av.filter.Graph()
    chain = [graph.add_buffer(template=None, width=frame.width, height=frame.height,
                              format=frame.format, time_base=clip.base)]  # fmt: skip
    if clip.interlaced:
        chain.append(graph.add("bwdif", "mode=send_frame:deint=interlaced"))
    with TemporaryDirectory() as folder:
        if clip.curve in CURVES:
            table = Path(folder) / "table.cube"
            table.write_text(cube(CURVES[clip.curve]))
            chain.append(graph.add("format", "gbrp10"))
            chain.append(graph.add("lut3d", f"file={table}:interp=tetrahedral"))
        chain.append(graph.add("buffersink"))
        graph.link_nodes(*chain).configure()
    return graph


def pulled(graph: av.filter.Graph, clip: Clip) -> Iterator[Moment]:
    while True:
        try:
            frame = graph.pull()
        except (BlockingIOError, EOFError):
            return
        yield round(frame.pts * frame.time_base / clip.base), frame
