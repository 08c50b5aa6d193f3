"""One visitor: swapped, labelled, followed, told what is wrong, and forgotten."""

import gc
import weakref
from collections import Counter

import cv2
import numpy as np
import pytest

from demo.errors import NoFaceError
from demo.label import drawn, label, split
from demo.live import EVERY, LONG, MISSED, STILL, Settings, Visitor
from demo.pack import Pack
from demo.pipeline import ENGINES


@pytest.fixture
def other(astronaut):
    wide = cv2.resize(astronaut[:400, ::-1], None, fx=1.15, fy=0.95)
    return np.clip(wide * (0.8, 1.0, 1.1), 0, 255).astype(np.uint8)


@pytest.fixture
def visitor(pack, clock):
    return Visitor(pack, clock)


def settle(visitor, frame, frames=12, step=0.033):
    """The picture after faces have faded in."""
    for _ in range(frames):
        visitor.clock.now += step
        out = visitor.paint(frame)
    return out


@pytest.mark.parametrize("engine", ENGINES)
def test_a_visitor_is_swapped_in_a_mirror_with_a_label(visitor, other, astronaut, engine):
    visitor.set_source(other, engine)
    out = settle(visitor, astronaut)
    expected = label(cv2.flip(visitor._swapper.swap_frame(astronaut), 1))
    assert out.shape == astronaut.shape
    # The track smooths the five points, so the face lies within a fraction of a pixel.
    assert np.abs(out.astype(int) - expected).mean() < 0.3
    assert np.abs(out.astype(int) - label(cv2.flip(astronaut, 1)))[70:170, 250:330].mean() > 4


@pytest.mark.parametrize(
    "settings",
    [Settings(), Settings(strength=0.0), Settings(mirror=False), Settings(beside=True)],
)
@pytest.mark.parametrize("shape", [(480, 640), (90, 160), (40, 40)])
def test_the_label_is_always_there(visitor, settings, shape):
    visitor.settings = settings
    out = visitor.paint(np.full((*shape, 3), 200, np.uint8))
    tag = drawn(max(14, min(shape) // 18))[: shape[0], : shape[1]]
    _, _, (x, y), _ = cv2.minMaxLoc(cv2.matchTemplate(out, tag, cv2.TM_SQDIFF))
    np.testing.assert_array_equal(out[y : y + len(tag), x : x + tag.shape[1]], tag)
    assert out[: shape[0] // 4, : shape[1] // 4].mean() == 200


def test_half_of_the_picture_stays_as_it_was(visitor, other, astronaut):
    visitor.set_source(other)
    visitor.settings = Settings(beside=True)
    out, mirrored = settle(visitor, astronaut), cv2.flip(astronaut, 1)
    np.testing.assert_array_equal(out[:, :255], mirrored[:, :255])
    assert (out[:200, 257:350] != mirrored[:200, 257:350]).any()
    np.testing.assert_array_equal(split(mirrored, mirrored)[:, :255], mirrored[:, :255])


def test_strength_and_no_source_leave_the_face_alone(visitor, other, astronaut):
    visitor.settings = Settings(mirror=False)
    plain = label(astronaut.copy())
    np.testing.assert_array_equal(settle(visitor, astronaut), plain)
    visitor.set_source(other)
    visitor.settings = Settings(mirror=False, strength=0.0)
    np.testing.assert_array_equal(settle(visitor, astronaut), plain)


def test_a_second_person_does_not_take_the_face_over(visitor, other, astronaut):
    """Who was there first is followed, even when somebody larger comes; or everyone is."""
    visitor.set_source(other)
    visitor.settings = Settings(mirror=False)
    alone = np.full((512, 900, 3), 60, np.uint8)
    alone[100:400, 560:860] = cv2.resize(astronaut, (300, 300), interpolation=cv2.INTER_AREA)
    settle(visitor, alone)
    both = alone.copy()
    both[:512, :512] = astronaut
    out = settle(visitor, both)
    np.testing.assert_array_equal(out[:, :512], both[:, :512])
    assert (out[:400, 560:800] != both[:400, 560:800]).any()
    visitor.settings = Settings(mirror=False, everyone=True)
    out = settle(visitor, both)
    assert (out[:200, 180:280] != both[:200, 180:280]).any()


def test_a_lost_face_is_said_and_found_again(visitor, other, astronaut):
    visitor.set_source(other)
    blank = np.full_like(astronaut, 90)
    whole = settle(visitor, astronaut)
    assert visitor.status()["words"] == []
    visitor.clock.now += MISSED + 0.1
    settle(visitor, blank)
    assert "No face in view" in visitor.status()["words"][0]
    visitor.clock.now += LONG
    out = visitor.paint(blank)
    np.testing.assert_array_equal(out, label(blank.copy()))  # the picture goes on
    assert "No face for 3" in visitor.status()["words"][0]
    again = settle(visitor, astronaut, frames=20)
    assert visitor.status()["words"] == []
    assert np.abs(again.astype(int) - whole).mean() < 0.1
    visitor.clock.now += STILL + 0.1
    assert "No picture comes" in visitor.status()["words"][0]


def test_the_figures_are_those_of_the_last_seconds(visitor, other, astronaut):
    assert visitor.status()["fps"] == 0 and visitor.status()["work"] is None
    visitor.set_source(other, "idn")
    settle(visitor, astronaut, frames=10, step=0.1)
    status = visitor.status()
    assert status["fps"] == pytest.approx(5.0) and status["engine"] == "idn"
    assert "ExecutionProvider" in status["provider"]
    visitor.clock.now += 10
    assert visitor.status()["fps"] == 0


def test_a_bad_source_leaves_the_good_one(visitor, other, astronaut):
    visitor.set_source(other)
    before = settle(visitor, astronaut)
    with pytest.raises(NoFaceError):
        visitor.set_source(np.zeros((200, 200, 3), np.uint8))
    after = settle(visitor, astronaut, 1)  # of a frame later: not to the bit
    assert np.abs(after.astype(int) - before).mean() < 0.05
    assert np.abs(after.astype(int) - cv2.flip(astronaut, 1))[70:170, 250:330].mean() > 4


def test_a_lone_face_is_followed_and_a_second_is_found(visitor, other, astronaut, monkeypatch):
    calls = Counter()
    for name in ("faces", "follow"):
        work = getattr(Pack, name)
        monkeypatch.setattr(
            Pack, name, lambda *a, name=name, work=work: calls.update([name]) or work(*a)
        )
    visitor.set_source(other)
    alone = np.hstack([astronaut, np.full_like(astronaut, 90)])
    both = np.hstack([astronaut, astronaut[:, ::-1]])
    calls.clear()
    settle(visitor, alone, EVERY * 3)
    assert calls["faces"] <= 5 and calls["follow"] >= EVERY * 3 - 1
    settle(visitor, both, EVERY)
    assert len(visitor._tracker.tracks) == 2
    calls.clear()
    settle(visitor, both, EVERY)
    assert calls == {"faces": EVERY}


def test_nothing_of_a_visitor_is_kept(visitor, other, astronaut):
    told = []
    visitor.ending = told.append
    visitor.set_source(other)
    settle(visitor, astronaut, 2)
    swapper, tracker = weakref.ref(visitor._swapper), weakref.ref(visitor._tracker)
    visitor.end("over")
    gc.collect()
    assert swapper() is None and tracker() is None and told == ["over"]
    assert visitor.quality is None and visitor.status()["engine"] == ""
    visitor.end("again")
    assert told == ["over"]
