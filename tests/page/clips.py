"""Clips for the page's tests: written with uneven frame times and a tone, and read back."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

Array = np.ndarray
TIMES = [0, 40, 80, 120, 200, 240, 280, 320, 400, 440, 480, 520]  # milliseconds, two are missing
RATE = 48000  # Hz


@dataclass(frozen=True)
class Clip:
    """times: seconds of each frame. shape: of a frame. mean: (h, w, 3) uint8 RGB, of all frames.
    sound: seconds."""

    times: Array
    shape: tuple[int, ...]
    mean: Array
    sound: float


def write_clip(path: Path, picture: Array) -> None:
    """An MP4, H.264 with AAC, of a picture that is moved across 320 x 240 pixels."""
    with av.open(str(path), "w") as out:
        video, audio = out.add_stream("libx264", rate=25), out.add_stream("aac", rate=RATE)
        video.width, video.height, video.pix_fmt, audio.layout = 320, 240, "yuv420p", "mono"
        video.codec_context.time_base = Fraction(1, 1000)
        for time in TIMES:
            matrix = np.array([[1, 0, 160 - 225 + time / 20], [0, 1, 110 - 120.0]])
            view = cv2.warpAffine(picture, matrix, (320, 240), borderMode=cv2.BORDER_REFLECT)
            frame = av.VideoFrame.from_ndarray(view, format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            out.mux(video.encode(frame))
        wave = np.sin(np.arange(RATE * 56 // 100) * 2 * np.pi * 440 / RATE).astype(np.float32) / 4
        tone = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
        tone.sample_rate, tone.pts = RATE, 0
        out.mux(audio.encode(tone))
        for stream in (video, audio):
            out.mux(stream.encode())


def read_clip(path: Path) -> Clip:
    with av.open(str(path)) as clip:
        frames = [(f.time, f.to_ndarray(format="rgb24")) for f in clip.decode(video=0)]
    with av.open(str(path)) as clip:
        sound = sum(f.samples / f.sample_rate for f in clip.decode(audio=0))
    mean = np.mean([view for _, view in frames], axis=0)
    times = np.array([time for time, _ in frames])
    return Clip(times - times[0], frames[0][1].shape, np.rint(mean).astype(np.uint8), sound)
