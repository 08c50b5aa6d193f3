"""The seam to fastrtc: what it rests on in that version, and what it says about servers."""

import asyncio
import inspect
from importlib.metadata import version

import pytest
from aiortc.codecs import h264, vpx
from fastrtc import webrtc_connection_mixin
from fastrtc.tracks import VideoCallback

from demo import turn
from demo.turn import ice_servers
from demo.visitors import Visitors
from demo.wire import RATE, Camera, Key, Offer, Wire

NAMES = ["TURN_URL", "TURN_USERNAME", "TURN_CREDENTIAL", "CLOUDFLARE_TURN_KEY_ID",
         "CLOUDFLARE_TURN_KEY_API_TOKEN", "HF_TOKEN", "SPACE_ID"]  # fmt: skip


@pytest.fixture
def bare(monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_fastrtc_is_the_one_that_was_read():
    """Another version: read its VideoCallback and handle_offer again, then change this line."""
    assert version("fastrtc") == "0.0.34"
    assert "asyncio.Queue()" in inspect.getsource(VideoCallback.__init__)  # without end
    assert "self.event_handler(*args)" in inspect.getsource(VideoCallback.recv)  # on the loop
    made = inspect.getsource(webrtc_connection_mixin.WebRTCConnectionMixin.handle_offer)
    assert "cb = VideoCallback(" in made
    assert webrtc_connection_mixin.VideoCallback is Camera


def test_the_picture_is_not_mush():
    assert (
        (vpx.DEFAULT_BITRATE, vpx.MAX_BITRATE) == (h264.DEFAULT_BITRATE, h264.MAX_BITRATE) == RATE
    )
    assert vpx.Vp8Encoder().target_bitrate == RATE[0]


def test_without_a_word_no_server_is_asked(bare):
    assert asyncio.run(ice_servers()) == []
    bare.setenv("HF_TOKEN", "of something else")  # not on a Space: it is not ours to send
    assert asyncio.run(ice_servers()) == []


def test_a_server_of_ones_own(bare):
    bare.setenv("TURN_URL", "stun:a:3478, turn:a:3478")
    bare.setenv("TURN_USERNAME", "u")
    bare.setenv("TURN_CREDENTIAL", "c")
    (server,) = asyncio.run(ice_servers())
    assert server == {"urls": ["stun:a:3478", "turn:a:3478"], "username": "u", "credential": "c"}
    made = Wire.convert_to_aiortc_format({"iceServers": [server]})
    assert made.iceServers[0].credential == "c"


@pytest.mark.parametrize("answer", [OSError("down"), KeyError("iceServers")])
def test_credentials_that_do_not_come_are_no_crash(bare, answer, caplog):
    async def asked():
        raise answer

    bare.setattr(turn, "asked", asked)
    bare.setenv("SPACE_ID", "a/b")
    bare.setenv("HF_TOKEN", "t")
    assert asyncio.run(ice_servers()) == [] and "only near visitors" in caplog.text


def test_credentials_come_as_one_or_as_a_list(bare):
    for given in ({"urls": "turn:a"}, [{"urls": "turn:a"}]):

        async def helper(given=given):
            return {"iceServers": given}

        bare.setattr("fastrtc.credentials.get_cloudflare_turn_credentials_async", helper)
        bare.setenv("CLOUDFLARE_TURN_KEY_ID", "i")
        bare.setenv("CLOUDFLARE_TURN_KEY_API_TOKEN", "t")
        assert asyncio.run(ice_servers()) == [{"urls": "turn:a"}]


def test_strangers_get_neither_credentials_nor_a_connection(bare, pack):
    bare.setenv("TURN_URL", "turn:a")
    wire = Wire(Visitors(pack, 1))
    assert asyncio.run(wire.servers(Key(key="x"))) == {"iceServers": []}
    refused = asyncio.run(wire.offer(Offer(key="x", sdp="", type="offer")))
    assert "press Start" in refused["refused"] and not wire.pcs
