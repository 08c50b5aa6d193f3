"""`prompt` hands a camera's frame on as soon as its last packet is there.

aiortc waits for the first packet of the next frame to know that one is whole, which makes every
frame as late as two. The last packet says so itself: RTP's marker bit (RFC 3551, section 4.1; for
VP8 RFC 7741, section 4.1). It knows packets; it knows nothing of pictures.
"""

from __future__ import annotations

from aiortc.jitterbuffer import JitterBuffer, JitterFrame


class Prompt(JitterBuffer):
    """aiortc's buffer, which puts packets in order; only the end of a frame is seen sooner."""

    def _remove_frame(self, sequence_number: int) -> JitterFrame | None:
        packets = []
        for place in range(self.capacity if self._is_video else 0):
            packet = self._packets[(self._origin + place) % self.capacity]
            if packet is None or packet.timestamp != (packets or [packet])[0].timestamp:
                break  # lost, late, or a sender that sets no marker
            packets.append(packet)
            if packet.marker:
                self.remove(len(packets))
                return JitterFrame(b"".join(p._data for p in packets), packet.timestamp)
        return super()._remove_frame(sequence_number)
