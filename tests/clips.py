"""Clips made in code: the portrait moving, turned, in odd rates and sizes, with a ticking sound."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

MATRICES = {  # QuickTime's own, a b u c d v x y w: what a player does to the stored picture
    0: None,
    90: [0, -65536, 0, 65536, 0, 0, 0, 0, 1 << 30],  # counter-clockwise
    180: [-65536, 0, 0, 0, -65536, 0, 0, 0, 1 << 30],
    270: [0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30],
}


def moving(picture, count, size=(320, 240), pace=1.0):
    """`count` frames (h, w, 3): the portrait shifting from side to side."""
    width, height = size
    zoom = height / 300
    for n in range(count):
        shift = 20 * zoom * np.sin(n / 8 * pace)
        matrix = np.array([[zoom, 0, width / 2 - 225 * zoom + shift], [0, zoom, -10 * zoom]])
        yield cv2.warpAffine(picture, matrix, size, borderMode=cv2.BORDER_REFLECT)


def tick(count, rate=48_000, seed=0):
    """(count,) int16: noise in bursts, so that a shift in time is unmistakable."""
    rng = np.random.default_rng(seed)
    loud = np.repeat(rng.integers(0, 2, count // (rate // 50) + 1), rate // 50)[:count]
    return (rng.normal(0, 6000, count) * loud).astype(np.int16)


def write(
    path, frames, times=None, base=Fraction(1, 90_000), codec="libx264", turn=0, sounds=(),
    pixels="yuv420p", options=None, seconds=None, gop=12, tags=None,
):  # fmt: skip
    """A clip of `frames`; times: ticks of `base`, 30 a second if none; sounds: codecs."""
    frames = list(frames)
    times = times or [n * 3000 for n in range(len(frames))]
    with av.open(str(path), "w") as target:
        stream = target.add_stream(codec, rate=30, options=options or {})
        stored = [np.ascontiguousarray(np.rot90(f, -turn // 90)) for f in frames]
        stream.height, stream.width = stored[0].shape[:2]
        stream.pix_fmt, stream.gop_size = pixels, gop
        if codec != "mpeg4":
            stream.time_base = stream.codec_context.time_base = base
        for name, value in (tags or {}).items():
            setattr(stream.codec_context, name, value)
        if MATRICES[turn]:
            stream.set_display_matrix(MATRICES[turn])
        tracks = [sound(target, kind) for kind in sounds]
        for time, frame in zip(times, stored, strict=True):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture = picture.reformat(format=pixels, dst_colorspace=(tags or {}).get("colorspace"))
            picture.pts, picture.time_base = time, base
            target.mux(stream.encode(picture))
        target.mux(stream.encode(None))
        length = seconds or float((2 * times[-1] - times[-2]) * base)
        for number, track in enumerate(tracks):
            fill(target, track, tick(round(length * 48_000), seed=number))
    return Path(path)


def write_sound(path):
    with av.open(str(path), "w") as target:
        fill(target, sound(target, "aac"), tick(48_000))


def sound(target, codec):
    return target.add_stream(codec, rate=48_000, layout="mono")


def fill(target, track, samples):
    for start in range(0, len(samples), 1024):
        part = np.ascontiguousarray(samples[None, start : start + 1024])
        frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
        target.mux(track.encode(frame))
    target.mux(track.encode(None))


def heard(path, track=0):
    """(n,) float32: the first channel as a player hears it, from the clip's zero on, silence in
    holes; and samples a second."""
    parts = np.zeros(0, np.float32)
    with av.open(str(path)) as source:
        for frame in source.decode(source.streams.audio[track]):
            rate, start = frame.sample_rate, round(frame.pts * frame.time_base * frame.sample_rate)
            samples = frame.to_ndarray()
            samples = samples[0, :: 1 if frame.format.is_planar else frame.layout.nb_channels]
            scale = 1 if samples.dtype.kind == "f" else np.iinfo(samples.dtype).max
            parts = np.pad(parts, (0, max(0, start + len(samples) - len(parts))))
            parts[max(0, start) : start + len(samples)] = samples[max(0, -start) :] / scale
    return parts, rate


def shown(path):
    """[(seconds, frame)] as a player shows them."""
    with av.open(str(path)) as source:
        stream = source.streams.video[0]
        return [(float(f.pts * f.time_base), f.to_ndarray(format="rgb24"))
                for f in source.decode(stream)]  # fmt: skip
