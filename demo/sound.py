"""`sound` carries a clip's first sound track over: as it is where the container holds it, else
encoded anew (AAC, or Opus in WebM). It knows nothing of pictures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
import av.filter

COPIED = {"mp4": ("aac", "mp3"), "webm": ("opus", "vorbis")}  # what browsers play there
ENCODED = {"mp4": "aac", "webm": "libopus"}
BITS = 96_000  # a second, for each channel
RATES = (48_000, 44_100, 32_000, 24_000, 22_050, 16_000)  # samples a second, of AAC


@dataclass
class Sound:
    """One track on its way from a file into another. zero: seconds of the source's clock that are 0
    in the target; stop: where to end, or None for all of it."""

    source: av.container.InputContainer
    track: av.AudioStream
    stream: av.AudioStream
    zero: Fraction
    stop: Fraction | None

    @classmethod
    def of(
        cls,
        source: av.container.InputContainer,
        target: av.container.OutputContainer,
        zero: Fraction,
        stop: Fraction | None,
    ) -> Sound | None:
        """The first sound track with its place in the target, or None where there is none."""
        if not source.streams.audio:
            return None
        track, kind = source.streams.audio[0], target.format.name.split(",")[0]
        if track.codec_context.name in COPIED[kind]:
            stream = target.add_stream_from_template(track)
        else:
            stream = encoder(target, ENCODED[kind], track)
        return cls(source, track, stream, zero, stop)

    def packets(self) -> Iterator[av.Packet]:
        """Packets for the target, in order of time; they end where the file breaks off."""
        copied = self.stream.codec_context is None or not self.stream.codec_context.is_encoder
        try:
            yield from self._copied() if copied else self._encoded()
        except (OSError, ValueError):  # PyAV's errors
            return

    def _copied(self) -> Iterator[av.Packet]:
        shift = round(self.zero / self.track.time_base)
        for packet in self.source.demux(self.track):
            if packet.pts is None or packet.dts is None or not self._wanted(packet):
                continue
            packet.pts, packet.dts, packet.stream = (
                packet.pts - shift,
                packet.dts - shift,
                self.stream,
            )
            yield packet

    def _wanted(self, packet: av.Packet) -> bool:
        """Whether any of it is heard; without a trim also what primes the decoder before zero."""
        if self.stop is None:
            return True
        begin = packet.pts * packet.time_base
        end = (packet.pts + (packet.duration or 0)) * packet.time_base
        return end > self.zero and begin < self.stop

    def _encoded(self) -> Iterator[av.Packet]:
        graph = self._filters()
        for frame in self._frames():
            try:
                graph.push(frame)
            except EOFError:  # the trim's end
                break
            for even in pulled(graph):
                even.pts = round(even.pts - self.zero / even.time_base)
                yield from self.stream.encode(even)
        yield from self.stream.encode(None)

    def _frames(self) -> Iterator[av.AudioFrame | None]:
        for packet in self.source.demux(self.track):
            try:
                yield from packet.decode()
            except av.error.InvalidDataError:
                continue
        yield None

    def _filters(self) -> av.filter.Graph:
        """Holes in the times become silence, the trim is cut to the sample."""
        graph, track = av.filter.Graph(), self.track
        cut = f"start={float(self.zero):.6f}" + (
            f":end={float(self.stop):.6f}" if self.stop else ""
        )
        coder = self.stream.codec_context
        kind = f"sample_fmts={coder.format.name}:sample_rates={coder.rate}"
        graph.link_nodes(
            graph.add_abuffer(template=track),
            graph.add("aresample", f"{coder.rate}:async=1:min_hard_comp=0.05"),
            *([graph.add("atrim", cut)] if self.stop is not None else []),
            graph.add("aformat", f"{kind}:channel_layouts={coder.layout.name}"),
            graph.add("abuffersink"),
        ).configure()
        return graph


def encoder(
    target: av.container.OutputContainer, codec: str, track: av.AudioStream
) -> av.AudioStream:
    rate = track.rate if codec == "aac" and track.rate in RATES else 48_000
    layout = "mono" if track.channels == 1 else "stereo"
    stream = target.add_stream(codec, rate=rate, layout=layout)
    stream.bit_rate = BITS * stream.channels
    return stream


def pulled(graph: av.filter.Graph) -> Iterator[av.AudioFrame]:
    while True:
        try:
            yield graph.pull()
        except (BlockingIOError, EOFError):
            return
