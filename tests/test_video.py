"""The whole way of a clip: who is swapped, what stays, what a crash and a change of mind leave."""

import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import clips
import cv2
import numpy as np
import pytest

from demo import stretch, video
from demo.errors import CancelledError, NoFaceError, SmallFaceError, TooLargeError
from demo.media import Limits, probe
from demo.picture import write_picture
from demo.provenance import verify
from demo.stretch import Settings, stretches
from demo.video import Part, swap_clip

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def files(astronaut, tmp_path_factory):
    """A folder with a source, a clip of one person and a clip of two."""
    folder = tmp_path_factory.mktemp("clips")
    wide = cv2.resize(astronaut[:400, ::-1], None, fx=1.15, fy=0.95)
    write_picture(folder / "source.png", np.clip(wide * (0.7, 1.0, 1.2), 0, 255).astype(np.uint8))
    one = list(clips.moving(astronaut, 40))
    clips.write(folder / "one.mp4", one, sounds=["aac"])
    two = [np.hstack([f, shrunk(f[:, ::-1])]) for f in clips.moving(astronaut, 24, (320, 320))]
    clips.write(folder / "two.mp4", two, options={"crf": "12"})
    clips.write(folder / "nobody.mp4", [np.full((120, 160, 3), 90, np.uint8)] * 12)
    return folder


def shrunk(frame):
    small = cv2.resize(frame, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
    return np.pad(small, ((0, len(frame) - len(small)), (0, 0), (0, 0)))


def pictures(path):
    return np.array([frame for _, frame in clips.shown(path)]).astype(int)


@pytest.mark.parametrize(("engine", "suffix"), [("mesh", ".mp4"), ("idn", ".webm")])
def test_a_clip_is_swapped_and_says_that_it_is_synthetic(files, tmp_path, engine, suffix):
    out, heard = tmp_path / f"out{suffix}", []
    outcome = swap_clip(
        [Part(files / "source.png")], files / "one.mp4", out, Settings(engine),
        tell=lambda share, words: heard.append(share),
    )  # fmt: skip
    assert (outcome.frames, outcome.swapped, outcome.people) == (40, 40, 1)
    before, after = pictures(files / "one.mp4"), pictures(out)
    assert len(after) == 40 and abs(probe(out).seconds - probe(files / "one.mp4").seconds) < 1 / 30
    face = np.abs(after - before).mean(3)[:, 60:120, 130:190].mean((1, 2))
    assert face.min() > 5 and np.abs(after - before)[:, :, :40].mean() < 4
    assert [p.name for p in tmp_path.iterdir()] == [out.name]
    assert heard == sorted(heard) and heard[-1] == pytest.approx(1)
    assert verify(out).marked and not verify(files / "one.mp4").marked
    assert verify(out).valid == verify(out).synthetic == (suffix == ".mp4")


def test_each_has_a_source_of_their_own_and_who_has_none_keeps_every_bit(
    files, tmp_path, monkeypatch
):
    """Seen on frames as they go to the encoder."""
    kept = []
    monkeypatch.setattr(stretch.Piece, "write", lambda self, time, frame: kept.append(frame))
    whole = pictures(files / "two.mp4")
    left, right = np.s_[:, :, :300], np.s_[:, :, 330:]
    for who, changed, same in (
        ("main", left, right), (2, right, left), ((0.2, 450.0, 90.0), right, left),
    ):  # fmt: skip
        kept.clear()
        with pytest.raises(Exception):  # noqa: B017 - nothing was encoded, so nothing can be joined
            swap_clip([Part(files / "source.png", who)], files / "two.mp4", tmp_path / "out.mp4")
        out = np.array(kept).astype(int)
        np.testing.assert_array_equal(out[same], whole[same])
        assert (out[changed] != whole[changed]).any((1, 2, 3)).all()


def test_everyone_is_everyone(files, tmp_path):
    out = tmp_path / "out.mp4"
    outcome = swap_clip([Part(files / "source.png", "all")], files / "two.mp4", out)
    assert outcome.people == 2 and not any("people" in note for note in outcome.notes)
    outcome = swap_clip([Part(files / "source.png")], files / "two.mp4", out)
    assert "2 people were seen, 1 swapped" in outcome.notes


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        ({"clip": "nobody.mp4"}, NoFaceError, "nobody.mp4: no face in the clip"),
        ({"source": "blank.png"}, NoFaceError, "the source shows no face"),
        ({"source": "tiny.png"}, SmallFaceError, "expected at least"),
        ({"out": "out.avi"}, ValueError, "ending in .mp4 or .webm"),
        ({"who": 3}, ValueError, "no person 3; expected 1 to 1"),
        ({"who": (0.1, 5.0, 5.0)}, ValueError, "no face at 5, 5 at 0.10 s"),
        ({"begin": 9}, ValueError, "got a trim from 9"),
        ({"limits": Limits(seconds=1)}, TooLargeError, "expected at most 1"),
    ],
)
def test_failures_are_named_and_leave_nothing(files, tmp_path, astronaut, how, error, words):
    write_picture(tmp_path / "blank.png", np.zeros((200, 200, 3), np.uint8))
    write_picture(tmp_path / "tiny.png", cv2.resize(astronaut, None, fx=0.2, fy=0.2))
    before = sorted(tmp_path.iterdir())
    source = tmp_path / how["source"] if "source" in how else files / "source.png"
    with pytest.raises(error, match=words):
        swap_clip(
            [Part(source, how.get("who", "main"))], files / how.get("clip", "one.mp4"),
            tmp_path / how.get("out", "out.mp4"), Settings(begin=how.get("begin", 0)),
            limits=how.get("limits"),
        )  # fmt: skip
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("share", [0.1, 0.6])
def test_a_change_of_mind_leaves_nothing(files, tmp_path, share):
    def tell(done, words):
        if done > share:
            raise CancelledError("stopped")

    with pytest.raises(CancelledError):
        swap_clip([Part(files / "source.png")], files / "one.mp4", tmp_path / "o.mp4", tell=tell)
    assert list(tmp_path.iterdir()) == []


def test_a_trim(files, tmp_path):
    out = tmp_path / "out.mp4"
    outcome = swap_clip(
        [Part(files / "source.png")], files / "one.mp4", out, Settings(begin=0.4, end=1.0)
    )
    assert outcome.frames == 18 == len(pictures(out)) and abs(probe(out).seconds - 0.6) < 0.04


SLOW = """
import sys, time
from pathlib import Path
from demo import video, stretch
video.STRETCH = 0.5
def tell(share, words):
    print(f"{share:.4f}", flush=True)
    time.sleep(float(sys.argv[4]))
outcome = video.swap_clip([video.Part(Path(sys.argv[1]))], Path(sys.argv[2]), Path(sys.argv[3]),
                          tell=tell)
print("continued", outcome.continued)
"""


def test_killed_and_continued_is_frame_for_frame_the_same(files, tmp_path, monkeypatch):
    """Killed for good at three moments that nobody chose, others each time, in the order drawn: a
    later run may die before the place where an earlier one did."""
    monkeypatch.setattr(video, "STRETCH", 0.5)
    seed = int.from_bytes(os.urandom(4))
    print(f"seed {seed}")  # pytest shows it on failure
    moments = np.random.default_rng(seed).uniform(0.02, 0.9, 3)
    whole, out = tmp_path / "whole.mp4", tmp_path / "out.mp4"
    swap_clip([Part(files / "source.png")], files / "one.mp4", whole)
    words = [sys.executable, "-c", SLOW, files / "source.png", files / "one.mp4", out]
    done = []
    for moment in moments:
        process = subprocess.Popen(
            [*map(str, words), "0.02"], cwd=ROOT, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        for line in process.stdout:
            if float(line) > moment:
                process.send_signal(signal.SIGKILL)
                break
        process.communicate()
        assert process.returncode == -signal.SIGKILL and not out.exists()
        done.append(len(list(tmp_path.glob("out.mp4.part/0*"))))
    outcome = swap_clip([Part(files / "source.png")], files / "one.mp4", out)
    assert done == sorted(done) and (outcome.continued > 0 or max(moments) < 0.6)
    np.testing.assert_array_equal(pictures(out), pictures(whole))
    assert [t for t, _ in clips.shown(out)] == [t for t, _ in clips.shown(whole)]
    np.testing.assert_array_equal(clips.heard(out)[0], clips.heard(whole)[0])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.mp4", "whole.mp4"]


def test_another_plan_starts_anew(files, tmp_path):
    def stop(share, words):
        if share > 0.99:
            raise KeyboardInterrupt

    out, one = tmp_path / "out.mp4", files / "one.mp4"
    for settings in (Settings(), Settings(strength=0.5)):
        with pytest.raises(KeyboardInterrupt):
            swap_clip([Part(files / "source.png")], one, out, settings, tell=stop)
        assert (tmp_path / "out.mp4.part").is_dir()
    plan = json.loads((tmp_path / "out.mp4.part" / "plan.json").read_text())
    assert plan["settings"]["strength"] == 0.5


def test_two_runs_for_one_output_do_not_mix(files, tmp_path):
    first = video.Journal(tmp_path / "out.mp4", {})
    with pytest.raises(ValueError, match="another run is writing it"):
        video.Journal(tmp_path / "out.mp4", {})
    first.remove()
    video.Journal(tmp_path / "out.mp4", {}).remove()
    assert list(tmp_path.iterdir()) == []


def test_stretches_are_cut_at_key_frames_and_never_long(files):
    clip = probe(files / "one.mp4")
    cuts = list(stretches(clip, clip.times[0], clip.stop, 45_000))
    assert cuts[0][0] == clip.times[0] and cuts[-1][1] == clip.stop
    assert all(a[1] == b[0] for a, b in pairwise(cuts))
    assert all(b - a <= 45_000 for a, b in cuts) and all(a in clip.keys for a, _ in cuts)
    lone = list(stretches(clip, clip.times[0], clip.stop, 20_000))  # no key frame so near
    assert all(b - a <= 20_000 for a, b in lone)


def test_memory_does_not_grow_with_the_clip(astronaut, files, tmp_path):
    """Peak memory of a clip ten times as long, in processes of their own."""
    peaks = []
    for count in (30, 300):
        path = clips.write(tmp_path / f"{count}.mp4", clips.moving(astronaut, count, (160, 120)))
        code = (
            "import resource, sys; from pathlib import Path; from demo.video import *;"
            "swap_clip([Part(Path(sys.argv[1]))], Path(sys.argv[2]), Path(sys.argv[3]));"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
        )
        words = [files / "source.png", path, tmp_path / f"out{count}.mp4"]
        said = subprocess.run(
            [sys.executable, "-c", code, *map(str, words)],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        peaks.append(float(said.stdout.split()[-1]))
    assert peaks[1] < peaks[0] + 100


def test_meter_tells_what_is_left(monkeypatch):
    said, now = [], iter(range(100))
    monkeypatch.setattr(time, "perf_counter", lambda: next(now))
    meter = video.Meter(8, lambda share, words: said.append((share, words)))
    meter.skip(4)
    meter()
    meter()
    assert said[-1] == (0.75 * video.SCANNING, "Looking for faces: 1 frames a second, 2 s left")
