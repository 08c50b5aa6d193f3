"""Whatever the file: upright frames in time, the sound where it was, or a named error."""

from fractions import Fraction
from itertools import pairwise

import clips
import cv2
import numpy as np
import pytest

from demo.decode import frames
from demo.errors import TooLargeError, UnreadableError
from demo.media import Limits, probe
from demo.mux import Piece, join
from demo.tone import nits, screen

FRAME = 1 / 30  # seconds
MILLI = Fraction(1, 1000)
SPAN = [round(n * 1000 / 30) for n in range(45)]  # ms
DEEP = {"color_trc": 16, "color_primaries": 9, "colorspace": 9}  # PQ, BT.2020
KINDS = {
    "turned 0": ("a.mp4", {"sounds": ["aac"]}),
    "turned 90": ("a.mp4", {"turn": 90, "sounds": ["aac"]}),
    "turned 180": ("a.mp4", {"turn": 180, "sounds": ["aac"]}),
    "turned 270": ("a.mov", {"turn": 270, "sounds": ["aac"]}),
    "30 then 10 a second": (
        "a.mp4",
        {"times": [n * 3000 for n in range(30)] + [90_000 + n * 9000 for n in range(15)],
         "sounds": ["aac"]},
    ),
    "no sound": ("a.mp4", {}),
    "two tracks": ("a.mp4", {"sounds": ["aac", "aac"]}),
    "Opus in MKV": ("a.mkv", {"sounds": ["libopus"], "base": MILLI, "times": SPAN}),
    "PCM in MOV": ("a.mov", {"sounds": ["pcm_s16le"]}),
    "AC-3 in MKV": ("a.mkv", {"sounds": ["ac3"]}),
    "a transport stream": ("a.ts", {"sounds": ["aac"]}),
    "AVI": ("a.avi", {"codec": "mpeg4", "base": Fraction(1, 30), "times": list(range(45)),
                      "sounds": ["libmp3lame"], "options": {"b": "4000000"}}),
    "odd sides": ("a.mkv", {"pixels": "yuv444p", "sounds": ["aac"]}),
    "10 bits": ("a.mp4", {"pixels": "yuv420p10le"}),
    "one long stretch of pictures": ("a.mp4", {"gop": 500, "sounds": ["aac"]}),
}  # fmt: skip


@pytest.fixture(scope="module")
def whole(astronaut):
    return list(clips.moving(astronaut, 45))


def made(name, whole, folder):
    """A clip, and its upright frames as they were before they were encoded."""
    file, how = KINDS[name]
    sent = [np.pad(f, ((0, 1), (0, 1), (0, 0)), "edge") for f in whole] if "odd" in name else whole
    return clips.write(folder / file, sent, **how), sent


def copied(path, folder, suffix=".mp4", begin=None, end=None):
    """The clip read and written by ours, in three pieces, nothing swapped."""
    clip = probe(path)
    start, stop = begin or clip.times[0], end or clip.stop
    middle = [start + (stop - start) * n // 3 for n in range(4)]
    pieces = [folder / f"{n}.nut" for n in range(3)]
    for span, piece in zip(pairwise(middle), pieces, strict=True):
        with Piece(piece, clip, suffix, "good") as writer:
            for time, frame in frames(clip, *span):
                writer.write(time, frame)
    join(folder / f"out{suffix}", pieces, clip, start, stop)
    return folder / f"out{suffix}"


def late(one, two, rate):
    """Milliseconds by which sound two lags sound one, and how alike they then are."""
    length = min(len(one), len(two))
    a, b = (np.fft.rfft(x[:length], 2 * length) for x in (one, two))
    like = np.fft.irfft(np.conj(a) * b)
    at = int(np.argmax(like))
    norm = np.linalg.norm(one[:length]) * np.linalg.norm(two[:length])
    return (at - 2 * length * (at > length)) / rate * 1e3, like[at] / norm


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_comes_out_upright_in_time_and_with_its_sound(name, whole, tmp_path):
    path, sent = made(name, whole, tmp_path)
    out = copied(path, tmp_path)
    before, after = clips.shown(path), clips.shown(out)
    assert len(after) == len(before) == len(sent)
    shift = after[0][0] - before[0][0]
    assert abs(shift) < 2 or name == "a transport stream"  # whose clock begins anywhere
    for (was, _), (now, _) in zip(before, after, strict=True):
        assert abs(now - was - shift) <= 0.001
    assert abs(probe(out).seconds - probe(path).seconds) <= FRAME
    for (_, frame), wanted in zip(after[::11], sent[::11], strict=True):
        height, width = wanted.shape[:2]
        assert frame.shape == (height + height % 2, width + width % 2, 3)
        assert np.abs(frame[:height, :width].astype(int) - wanted).mean() < 7
    kinds = probe(path).sound
    assert probe(out).sound == (("aac",) if kinds else ())
    if kinds:
        (one, rate), (two, again) = clips.heard(path), clips.heard(out)
        half = rate // 2
        base = round(shift * rate)
        two = two[base:] if base >= 0 else np.pad(two, (-base, 0))
        assert rate == again
        for part in (np.s_[:half], np.s_[len(one) - half : len(one)]):
            delay, alike = late(one[part], two[part], rate)
            assert abs(delay) < 20 and alike > 0.7


def test_what_a_person_should_know_is_said(whole, tmp_path):
    assert probe(made("no sound", whole, tmp_path)[0]).notes == ("the clip has no sound",)
    assert "2 sound tracks; the first" in probe(made("two tracks", whole, tmp_path)[0]).notes[0]


@pytest.mark.parametrize("kind", ["two tracks", "Opus in MKV"])
def test_webm(kind, whole, tmp_path):
    path, sent = made(kind, whole, tmp_path)
    out = copied(path, tmp_path, ".webm")
    assert probe(out).sound == ("opus",) and len(clips.shown(out)) == len(sent)


@pytest.mark.parametrize("sound", ["aac", "ac3"])
def test_a_trim_keeps_pictures_and_sound_together(sound, whole, tmp_path):
    path = clips.write(tmp_path / "a.mkv", whole, sounds=[sound])
    clip = probe(path)
    begin, end = clip.times[12], clip.times[33]
    out = copied(path, tmp_path, begin=begin, end=end)
    after = clips.shown(out)
    assert len(after) == 21 and abs(after[0][0]) < 0.001
    assert np.abs(after[0][1].astype(int) - whole[12]).mean() < 7
    (one, rate), (two, _) = clips.heard(path), clips.heard(out)
    first = round(float((begin - clip.times[0]) * clip.base) * rate)
    delay, alike = late(one[first : first + rate // 2], two[: rate // 2], rate)
    assert abs(delay) < 20 and alike > 0.7
    assert len(two) / rate < 21 * FRAME + 0.1


def test_a_file_cut_short_gives_what_is_there(whole, tmp_path):
    for name in ("a.mkv", "a.ts"):
        path = clips.write(tmp_path / name, whole)
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2])
        clip = probe(path)
        count = len(list(frames(clip, clip.times[0], clip.stop)))
        assert 10 < count < 45 and abs(count - len(clip.times)) <= 1
        assert len(clips.shown(copied(path, tmp_path))) == count
    assert "cut short" in " ".join(probe(tmp_path / "a.mkv").notes)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cut.mp4", "damaged beyond reading"),  # its index was at its end
        ("empty.mp4", "got 0 bytes"),
        ("picture.mp4", "not a clip of moving pictures"),
        ("text.mp4", "no video clip"),
        ("list.mp4", "no video clip"),  # a playlist could name any file
        ("sound.mp4", "got audio and no moving pictures"),
        ("missing.mp4", "no such file"),
    ],
)
def test_what_is_no_clip_is_named(name, words, whole, tmp_path):
    data = clips.write(tmp_path / "cut.mp4", whole).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) // 2])
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "picture.mp4").write_bytes(cv2.imencode(".jpg", whole[0])[1].tobytes())
    (tmp_path / "text.mp4").write_text("words " * 99)
    (tmp_path / "list.mp4").write_text("#EXTM3U\n#EXTINF:10,\nfile:///etc/hostname\n")
    clips.write_sound(tmp_path / "sound.mp4")
    with pytest.raises(UnreadableError, match=words) as error:
        probe(tmp_path / name)
    assert str(error.value).startswith(f"{name}: ") and "expected a whole video" in str(error.value)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(seconds=1), "got 1.5 s; expected at most 1"),
        (Limits(pixels=70_000), "0.1 megapixels a frame"),
        (Limits(bytes=1000), "MB; expected at most"),
    ],
)
def test_limits_are_named(limits, words, whole, tmp_path):
    path = clips.write(tmp_path / "a.mp4", whole)
    with pytest.raises(TooLargeError, match=words):
        probe(path, limits)


def test_colours_come_back_whatever_the_matrix(tmp_path):
    """Patches of plain colour through every matrix and range that files come in."""
    colours = np.array([[200, 30, 30], [30, 180, 40], [40, 50, 220], [128, 128, 128], [250] * 3])
    frame = np.repeat(np.repeat(colours[None], 96, 1), 480, 0).astype(np.uint8).reshape(480, -1, 3)
    for matrix in (1, 6):
        path = clips.write(tmp_path / "a.mp4", [frame] * 3, tags={"colorspace": matrix})
        clip = probe(path)
        assert clip.matrix == matrix
        for source in (path, copied(path, tmp_path)):
            _, back = next(frames(probe(source), 0, clip.stop))
            assert np.abs(back[240, 48::96].astype(int) - colours).max() <= 6


def test_hdr_is_brought_to_an_ordinary_screens_range(tmp_path):
    """White paper of 203 nits is bright, 1000 nits are white, and grey stays grey."""
    frame = np.repeat(np.arange(0, 256, 4, np.uint8)[None, :, None], 64, 0).repeat(3, 2)
    frame = np.ascontiguousarray(frame.repeat(4, 1))
    path = clips.write(
        tmp_path / "a.mkv", [frame] * 4, codec="libx265", pixels="yuv420p10le", tags=DEEP,
        options={"x265-params": "log-level=none"},
    )  # fmt: skip
    clip = probe(path)
    assert clip.curve == 16
    _, shown = next(frames(clip, 0, clip.stop))
    row = shown[32, 2::4].astype(int)
    wanted = 255 * screen(nits(np.arange(0, 256, 4)[:, None].repeat(3, 1) / 255.0, "pq"))
    assert np.abs(row - wanted).max() < 8 and np.ptp(row, axis=1).max() <= 4
    white = screen(np.array([[203.0] * 3, [1000.0] * 3, [0.0] * 3]))
    assert 0.85 < white[0, 0] < 0.95 and white[1, 0] > 0.99 and white[2, 0] == 0


def test_curves_are_bt2100s():
    """As the recommendations have it: PQ 0.58 and, on a 1000-nit screen, HLG 0.75 are 203 nits."""
    assert nits(np.full(3, 0.5807), "pq")[0] == pytest.approx(203, rel=0.01)
    assert nits(np.full(3, 0.75), "hlg")[0] == pytest.approx(203, rel=0.01)
    assert nits(np.ones(3), "pq")[0] == pytest.approx(10_000)
    assert nits(np.ones(3), "hlg")[0] == pytest.approx(1000, rel=0.001)


def test_combs_of_interlaced_pictures_are_gone(astronaut, tmp_path):
    fast = list(clips.moving(astronaut, 48, pace=4))
    woven = [f.copy() for f in fast[::2]]
    for frame, later in zip(woven, fast[1::2], strict=True):
        frame[1::2] = later[1::2]
    path = clips.write(
        tmp_path / "a.mkv", woven, codec="mpeg2video", base=Fraction(1, 25),
        times=list(range(24)), options={"flags": "+ildct+ilme", "b": "8000000"},
    )  # fmt: skip
    clip = probe(path)
    assert clip.interlaced
    smooth = [frame for _, frame in frames(clip, clip.times[0], clip.stop)]
    assert len(smooth) == 24

    def comb(frame):
        rows = frame.astype(int)
        return np.abs(rows[1:-1] - (rows[:-2] + rows[2:]) / 2).mean()

    assert comb(smooth[5]) < 0.7 * comb(woven[5])
