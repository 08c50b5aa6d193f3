"""`media` looks a clip over: how long, how large, which way up, what sound, and is it one at all.

It knows the odd corners of video files. It decodes one frame, and knows nothing of faces.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from demo.errors import TooLargeError, UnreadableError

SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".ts", ".mts", ".mpg", ".3gp", ".gif")
# No playlist among them: one could name other files, or addresses.
FORMATS = "mov,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,gif,nut"
EXPECTED = "expected a whole video clip (MP4, MOV, MKV, WebM, AVI ...)"
BT709, BT601, BT2020 = 1, 6, 9  # matrices, and
PQ, HLG = 16, 18  # curves, as H.273 counts them
MATRIX = {1: BT709, 5: BT601, 6: BT601, 9: BT2020, 10: BT2020}
COVER = 0x400  # a "stream" that is one picture: the cover of an album
SHORT = 0.9  # of the stated length: what has less is cut short
PRIMING = 0.1  # seconds before zero at which a sound may begin


@dataclass(frozen=True)
class Limits:
    """What a clip may be, at most. On a person's own machine only its frames have a limit."""

    seconds: float = float("inf")
    pixels: int = 36_000_000  # of a frame; 8K has 33 million
    bytes: float = float("inf")


@dataclass(frozen=True)
class Clip:
    """What there is to know of a video file before its frames are wanted.

    width, height: pixels, upright. turn: 0, 90, 180, 270 degrees counter-clockwise, which makes the
    stored frames upright. aspect: width of a pixel over its height. base: seconds a tick; all times
    are whole ticks. times: of every frame, in order. keys: those that decoding can begin at. last:
    how long the last frame stays. origin: where the file's own clock begins. matrix, curve: of its
    colours, as H.273 counts. sound: the codec of each track. notes: what a person should be told.
    """

    path: Path
    width: int
    height: int
    turn: int
    aspect: Fraction
    base: Fraction
    times: tuple[int, ...]
    keys: tuple[int, ...]
    last: int
    origin: int
    matrix: int
    curve: int
    interlaced: bool
    sound: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def stop(self) -> int:
        """The time at which the last frame ends."""
        return self.times[-1] + self.last

    @property
    def seconds(self) -> float:
        return float((self.stop - self.times[0]) * self.base)

    @property
    def rate(self) -> Fraction:
        """Frames a second on the average, to a thousandth."""
        return Fraction(max(1, round(len(self.times) / max(self.seconds, 1e-3) * 1000)), 1000)


def probe(path: Path | str, limits: Limits | None = None) -> Clip:
    """Look a clip over. Raises UnreadableError for what is none, TooLargeError over the limits."""
    path, limits = Path(path), limits or Limits()
    with opened(path) as container:
        stream = pictures(container, path)
        check(path, stream.width * stream.height, limits)
        first = next((frame for _, frame in decoded(container, stream)), None)
    if first is None:
        raise UnreadableError(f"{path.name}: none of its frames can be decoded; {EXPECTED}")
    with opened(path) as container:
        clip = described(path, container, first)
    if clip.seconds > limits.seconds:
        raise TooLargeError(
            f"{path.name}: got {clip.seconds:.1f} s; expected at most {limits.seconds:g}: trim it"
        )
    return clip


@contextmanager
def opened(path: Path) -> Iterator[av.container.InputContainer]:
    """An open file; whatever makes it unreadable becomes UnreadableError."""
    options = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
    try:
        if path.stat().st_size == 0:
            raise UnreadableError(f"{path.name}: got 0 bytes; {EXPECTED}")
        container = av.open(str(path.absolute()), options=options)
    except OSError as error:  # PyAV's errors are of this kind, or of ValueError's
        raise unreadable(path, error) from None
    except ValueError as error:
        if isinstance(error, UnreadableError):
            raise
        raise unreadable(path, error) from None
    with container:
        yield container


def unreadable(path: Path, error: Exception) -> UnreadableError:
    reasons = {errno.EINVAL: "not a clip of moving pictures", errno.ENOENT: "no such file"}
    if isinstance(error, av.error.InvalidDataError):
        reason = "no video clip, or damaged beyond reading"
    else:
        reason = reasons.get(getattr(error, "errno", 0)) or "cannot be opened"
    return UnreadableError(f"{path.name}: {reason}; {EXPECTED}")


def check(path: Path, pixels: int, limits: Limits) -> None:
    size = path.stat().st_size
    if size > limits.bytes:
        raise TooLargeError(
            f"{path.name}: got {size / 1e6:.1f} MB; expected at most {limits.bytes / 1e6:g}"
        )
    if pixels > limits.pixels:
        raise TooLargeError(
            f"{path.name}: got {pixels / 1e6:.1f} megapixels a frame; expected at most "
            f"{limits.pixels / 1e6:.1f}: make the clip smaller first"
        )


def pictures(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    """The stream of moving pictures; a lone picture comes in formats that are not on our list."""
    streams = [s for s in container.streams.video if not int(s.disposition) & COVER and s.width]
    if not streams:
        kinds = ", ".join(sorted({s.type for s in container.streams})) or "nothing"
        raise UnreadableError(f"{path.name}: got {kinds} and no moving pictures; {EXPECTED}")
    return streams[0]


def decoded(
    container: av.container.InputContainer, stream: av.VideoStream
) -> Iterator[tuple[int, av.VideoFrame]]:
    """(time, frame), times growing. A damaged packet is left out; a file cut short ends there."""
    latest = None
    for packet in packets(container, stream):
        try:
            found = stream.decode(packet)
        except (OSError, ValueError):  # PyAV's errors
            continue
        for frame in found:
            time = frame.pts if frame.pts is not None else frame.dts
            if time is not None and (latest is None or time > latest):
                latest = time
                yield time, frame


def packets(
    container: av.container.InputContainer, stream: av.stream.Stream
) -> Iterator[av.Packet | None]:
    """Every packet, then None once, also where the file breaks off."""
    try:
        for packet in container.demux(stream):
            if packet.size:
                yield packet
    except (OSError, ValueError):
        pass
    yield None


def described(path: Path, container: av.container.InputContainer, first: av.VideoFrame) -> Clip:
    stream, sounds = pictures(container, path), container.streams.audio
    times, keys, last, whole = index(container, stream)
    turn, aspect = first.rotation % 360, stream.sample_aspect_ratio or Fraction(1)
    width, height = stream.width, stream.height
    if turn in (90, 270):
        width, height, aspect = height, width, 1 / aspect
    begin = Fraction(container.start_time or 0, av.time_base)
    origin = 0 if abs(begin) < PRIMING else round(begin / stream.time_base)
    # Where a file does not say, players go by the height.
    matrix = MATRIX.get(first.colorspace, BT709 if min(width, height) >= 720 else BT601)
    return Clip(
        path, width, height, turn, aspect, stream.time_base, times, keys, last,
        min(origin, times[0]), matrix, first.color_trc, bool(first.interlaced_frame),
        tuple(sound.codec_context.name for sound in sounds), told(len(sounds), whole),
    )  # fmt: skip


def index(
    container: av.container.InputContainer, stream: av.VideoStream
) -> tuple[tuple[int, ...], tuple[int, ...], int, bool]:
    """times, keys, how long the last frame stays, and whether the file seems whole.

    Every packet is read and none decoded: rates and counts in headers are not to be relied on.
    """
    found = {}  # time -> (duration, whether it is a key)
    broken = False
    for packet in packets(container, stream):
        time = packet and (packet.pts if packet.pts is not None else packet.dts)
        if time is not None and not packet.is_discard:
            found[time] = (packet.duration or 0, packet.is_keyframe)
            broken = broken or packet.is_corrupt
    times = sorted(found)
    usual = int(np.median(np.diff(times))) if len(times) > 1 else 1
    last = found[times[-1]][0] or usual
    keys = sorted(time for time in times if found[time][1])
    stated = Fraction(container.duration or 0, av.time_base) / stream.time_base
    whole = not broken and times[-1] + last - times[0] >= (stream.duration or stated) * SHORT
    return tuple(times), tuple(keys), last, whole


def told(sounds: int, whole: bool) -> tuple[str, ...]:
    notes = [] if sounds else ["the clip has no sound"]
    if sounds > 1:
        notes.append(f"the clip has {sounds} sound tracks; the first is kept")
    if not whole:
        notes.append("the clip is damaged or cut short; what could be read is there")
    return tuple(notes)
