"""`wire` carries a visitor's camera here and the swapped picture back, over WebRTC.

The one import of fastrtc: its signalling and its clean-up are used, its track is replaced, because
in 0.0.34 that queues every frame without end and does the work on the event loop. Frames become
RGB on the worker's thread, so that no BGR is ever seen. It knows nothing of pages or of faces.

    POST live/servers {key}            -> {"iceServers": [...]}
    POST live/offer   {key, sdp, type} -> {sdp, type} or {"refused": why}
    POST live/bye     {key}            -> nothing
    data channel, to the page: {"type": "status" | "end_stream", "data": ...}; from it: anything
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Callable
from typing import Any

from aiortc import RTCConfiguration, rtcrtpreceiver
from aiortc.codecs import h264, vpx
from aiortc.mediastreams import VIDEO_CLOCK_RATE, VIDEO_TIME_BASE, MediaStreamError
from av import VideoFrame
from fastapi import APIRouter
from fastrtc import webrtc_connection_mixin
from fastrtc.tracks import VideoCallback
from fastrtc.utils import create_message
from pydantic import BaseModel

from demo.newest import Newest
from demo.prompt import Prompt
from demo.turn import ice_servers
from demo.visitors import Visitors

RATE = 2_000_000, 2_500_000  # bits a second: at first, at most; aiortc's own 0.5 Mbit/s is mush
TOLD = 0.5  # seconds from one status to the next
LAST = 0.3  # seconds for the reason to reach the page before the line is cut
FAILED = "The swap failed on a frame, which should not happen. Press Start to begin anew."
GONE = "Your place has been given away; press Start."

logger = logging.getLogger(__name__)

for codec in (vpx, h264):
    codec.DEFAULT_BITRATE, codec.MAX_BITRATE = RATE


class Camera(VideoCallback):
    """One visitor's track: newest camera frame in, latest finished frame out.

    Made by fastrtc, which calls the class with keywords; `event_handler` finds the visitor.
    """

    def __init__(self, track: Any, event_handler: Callable, context: Any, **rest: Any):
        super().__init__(track, event_handler, context, **rest)
        self.loop = asyncio.get_running_loop()
        self.visitor = event_handler(context.webrtc_id)
        self.held = 0.0  # seconds that the last frame was here, with the encoder's own
        self.left: float | None = None  # seconds, when it went to the encoder
        self.finished: asyncio.Queue = asyncio.Queue(maxsize=1)
        self.worker = Newest(self.work, self.hand_back, self.failed)
        self.started = time.monotonic()
        self.tasks = [self.loop.create_task(self.tell())]

    async def accept_input(self) -> None:
        self.has_started = True
        while not self.thread_quit.is_set():
            try:
                frame = await self.track.recv()
                self.worker.give((time.monotonic(), frame))
            except MediaStreamError:
                self.stop()

    def work(self, item: tuple[float, VideoFrame]) -> tuple[float, VideoFrame]:
        """On the worker's thread: (when it came, camera frame) -> (the same, painted frame)."""
        came, frame = item
        painted = self.visitor.paint(frame.to_ndarray(format="rgb24"))
        return came, VideoFrame.from_ndarray(painted, format="rgb24").reformat(format="yuv420p")

    def hand_back(self, item: tuple[float, VideoFrame] | None) -> None:
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.replace, item)

    def replace(self, item: tuple[float, VideoFrame] | None) -> None:
        """The slot of the sender holds the latest; one that was not yet sent is let go. None, the
        end, stays."""
        if item is not None and self.thread_quit.is_set():
            return
        if self.finished.full():
            self.finished.get_nowait()
        self.finished.put_nowait(item)

    async def recv(self) -> VideoFrame:
        """Called by aiortc for the next frame to encode. Stamped when it is sent: frames that took
        longer would otherwise look like jitter, and the browser would wait for more of it."""
        if not self.has_started:
            self.tasks.append(self.loop.create_task(self.accept_input()))
            self.has_started = True
        encoded = time.monotonic() - self.left if self.left else 0.0  # and sent: it is asked again
        item = await self.finished.get()
        if item is None:
            raise MediaStreamError
        came, frame = item
        self.left = now = time.monotonic()
        self.held = now - came + encoded
        frame.pts = round((now - self.started) * VIDEO_CLOCK_RATE)
        frame.time_base = VIDEO_TIME_BASE
        return frame

    def set_channel(self, channel: Any) -> None:
        super().set_channel(channel)
        channel.on("message", lambda message: self.visitor.hear())

    async def tell(self) -> None:
        """The status, twice a second, until the end."""
        while not self.thread_quit.is_set():
            await asyncio.sleep(TOLD)
            status = {**self.visitor.status(), "held": round(self.held * 1e3)}
            self.say(json.dumps({"type": "status", "data": status}))

    def say(self, message: str) -> None:
        if self.channel is not None and self.channel.readyState == "open":
            self.channel.send(message)

    def failed(self, error: Exception) -> None:
        logger.error("a visitor's frame failed", exc_info=error)
        self.visitor.leave(FAILED)

    def stop(self) -> None:
        """On the loop, perhaps more than once: by us, by fastrtc, by aiortc."""
        super().stop()
        self.worker.close()
        self.replace(None)


webrtc_connection_mixin.VideoCallback = Camera  # the name under which fastrtc makes its tracks
rtcrtpreceiver.JitterBuffer = Prompt  # and aiortc its buffers


class Key(BaseModel):
    key: str


class Offer(Key):
    sdp: str
    type: str


class Wire(webrtc_connection_mixin.WebRTCConnectionMixin):
    """Signalling for one set of visitors: give `router` to the app."""

    def __init__(self, visitors: Visitors):
        super().__init__()
        self.visitors = visitors
        self.mode, self.modality, self.allow_extra_tracks = "send-receive", "video", False
        self.concurrency_limit, self.time_limit = 2 * visitors.limit, None  # places are ours
        self.rtc_configuration, self.server_rtc_configuration = None, None
        self.event_handler = lambda name: visitors.find(name.partition(".")[0])
        self.router = APIRouter(prefix="/live")
        self.router.post("/servers")(self.servers)
        self.router.post("/offer")(self.offer)
        self.router.post("/bye")(self.bye)

    async def servers(self, body: Key) -> dict[str, Any]:
        """Credentials are for those who have a place."""
        known = self.visitors.find(body.key)
        return {"iceServers": await ice_servers() if known else []}

    async def offer(self, body: Offer) -> dict[str, Any]:
        """A name of its own for each attempt: fastrtc's timers outlive the ones that failed."""
        await self.hang_up(body.key)
        servers = await ice_servers() if self.visitors.find(body.key) else []
        visitor = self.visitors.find(body.key)
        if visitor is None:
            return {"refused": GONE}
        visitor.hear()
        # An empty list is not None, for which aiortc would ask a foreign STUN server.
        self.server_rtc_configuration = (
            self.convert_to_aiortc_format({"iceServers": servers})
            if servers else RTCConfiguration(iceServers=[])
        )  # fmt: skip
        visitor.ending = self.ending(body.key)
        name = f"{body.key}.{uuid.uuid4().hex}"
        answer = await self.handle_offer(
            {"sdp": body.sdp, "type": body.type, "webrtc_id": name}, lambda outputs: None
        )
        return answer if isinstance(answer, dict) else {"refused": "Too many connections at once."}

    async def bye(self, body: Key) -> None:
        self.visitors.leave(body.key)
        await self.hang_up(body.key)

    def ending(self, key: str) -> Callable[[str], None]:
        """What a visitor calls, from any thread, when it is over."""
        loop = asyncio.get_running_loop()

        def ended(reason: str) -> None:
            if not loop.is_closed():
                asyncio.run_coroutine_threadsafe(self.part(key, reason), loop)

        return ended

    async def part(self, key: str, reason: str) -> None:
        """What fastrtc does on a CloseStream, and then the line is cut: no picture stays frozen."""
        for name in self.names(key):
            for camera in self.connections.get(name, ()):
                camera.say(create_message("end_stream", reason))
        await asyncio.sleep(LAST)
        await self.hang_up(key)

    def names(self, key: str) -> list[str]:
        return [name for name in self.pcs if name.startswith(f"{key}.")]

    async def hang_up(self, key: str) -> None:
        """End every connection of a visitor, and wait for it."""
        for name in self.names(key):
            pc = self.pcs.pop(name)
            for camera in self.clean_up(name) or ():
                camera.stop()
            await pc.close()
