"""The buffer that hands frames on sooner: against aiortc's own, on packets in and out of order."""

import random

import pytest
from aiortc import rtcrtpreceiver
from aiortc.jitterbuffer import JitterBuffer
from aiortc.rtp import RtpPacket

import demo.wire  # noqa: F401  it puts the buffer in
from demo.prompt import Prompt


def packets(frames, each=3, first=65_500, marked=True):
    """Of `frames` frames, across the sequence number's turn."""
    made = []
    for number in range(frames * each):
        frame, part = divmod(number, each)
        packet = RtpPacket(marker=int(marked and part == each - 1))
        packet.sequence_number = (first + number) % 65_536
        packet.timestamp = 3000 * frame
        packet._data = bytes([frame % 256, part])
        made.append(packet)
    return made


def fed(buffer, given):
    """(frames with the number of packets after which each came, whether a key frame was asked)."""
    came, asked = [], False
    for count, packet in enumerate(given, 1):
        pli, frame = buffer.add(packet)
        asked |= pli
        if frame:
            came.append((frame.timestamp, frame.data, count))
    return came, asked


def test_aiortc_uses_it():
    assert rtcrtpreceiver.JitterBuffer is Prompt


@pytest.mark.parametrize("each", [1, 3, 20])
def test_each_frame_comes_with_its_last_packet(each):
    given = packets(40, each)
    prompt, _ = fed(Prompt(512, is_video=True), given)
    late, _ = fed(JitterBuffer(512, is_video=True), given)
    assert [f[:2] for f in prompt[:-1]] == [f[:2] for f in late]
    assert [f[2] for f in prompt] == [each * (n + 1) for n in range(40)]
    assert [f[2] for f in late] == [each * (n + 1) + 1 for n in range(39)]


def test_packets_out_of_order_and_lost_ones_that_come_again():
    given = packets(60, 5)
    order = random.Random(0)
    for start in range(5, len(given) - 8, 8):  # the very first packet says where to begin
        part = given[start : start + 8]
        order.shuffle(part)
        given[start : start + 8] = part
    prompt, asked = fed(Prompt(512, is_video=True), given)
    assert [f[0] for f in prompt] == [3000 * n for n in range(60)] and not asked
    assert all(f[1] == b"".join(bytes([n, p]) for p in range(5)) for n, f in enumerate(prompt))


def test_a_packet_lost_for_good_is_given_up_as_before():
    given = packets(300, 5)
    del given[52]
    prompt, asked = fed(Prompt(512, is_video=True), given)
    late, asked_too = fed(JitterBuffer(512, is_video=True), given)
    assert asked and asked_too
    assert [f[:2] for f in prompt[: len(late)]] == [f[:2] for f in late]


@pytest.mark.parametrize("video", [True, False])
def test_without_markers_and_for_sound_it_is_aiortcs(video):
    given = packets(40, 4, marked=not video)
    options = {"is_video": True} if video else {"prefetch": 4}
    mine, _ = fed(Prompt(512, **options), given)
    assert mine == fed(JitterBuffer(512, **options), given)[0]
