"""The whole path on a real portrait: what changes, what may not, and every named failure."""

import cv2
import numpy as np
import pytest

from demo.align import apply
from demo.errors import CallOrderError, NoFaceError, SmallFaceError
from demo.inject import write_identity
from demo.pipeline import ENGINES, FaceSwapper, refine
from demo.track import meet


@pytest.fixture(params=ENGINES)
def swapper(request, pack, other):
    made = FaceSwapper(request.param, pack)
    made.set_source(other)
    return made


@pytest.fixture
def other(astronaut):
    """Somebody else, more or less: the portrait mirrored, stretched and tinted."""
    wide = cv2.resize(astronaut[:400, ::-1], None, fx=1.15, fy=0.95)
    return np.clip(wide * (0.8, 1.0, 1.1), 0, 255).astype(np.uint8)


def around(face, shape, margin):
    """(h, w) bool: the face's box, `margin` of its height wider on every side."""
    x0, y0, x1, y1 = face.box
    reach = margin * (y1 - y0)
    y, x = np.mgrid[: shape[0], : shape[1]]
    return (x > x0 - reach) & (x < x1 + reach) & (y > y0 - reach) & (y < y1 + reach)


def test_the_face_changes_and_nothing_else(swapper, pack, astronaut):
    out = swapper.swap_frame(astronaut)
    face = pack.faces(astronaut)[0]
    assert out.shape == astronaut.shape and out.dtype == np.uint8
    near = around(face, astronaut.shape, 0.35)
    np.testing.assert_array_equal(out[~near], astronaut[~near])
    inner = around(face, astronaut.shape, -0.2)
    assert np.abs(out.astype(int) - astronaut)[inner].mean() > 4
    assert (swapper.report.found, swapper.report.swapped) == (1, 1)
    assert {"detect", "align", "mesh", "paste"} <= set(swapper.report.milliseconds)


def test_a_face_is_followed_as_it_moves(pack, astronaut):
    """Turned, shrunk and shifted by known amounts, a little in each frame."""
    face = start = pack.follow(astronaut, pack.faces(astronaut)[0])
    eyes = np.linalg.norm(start.points[1] - start.points[0])
    for step in range(1, 21):
        matrix = cv2.getRotationMatrix2D((224.0, 120.0), 1.0 * step, 1 - 0.01 * step)
        matrix[:, 2] += np.array((4.0, 3.0)) * step
        moved = cv2.warpAffine(astronaut, matrix, (640, 512), borderMode=cv2.BORDER_REFLECT)
        face = pack.follow(moved, face)
        away = np.linalg.norm(apply(matrix, start.points) - face.points, axis=1)
        assert away.max() < 0.06 * eyes, step
    (found,) = pack.faces(moved)
    assert meet(found, face) and not meet(found, start)
    assert np.linalg.norm(found.points - face.points, axis=1).max() < 0.15 * eyes


def test_a_face_that_is_gone_is_not_followed(pack, astronaut):
    face = pack.faces(astronaut)[0]
    assert pack.follow(np.full_like(astronaut, 90), face) is None
    assert pack.follow(np.roll(astronaut, 200, axis=1), face) is None


def test_mesh_onto_oneself_is_hardly_to_be_seen(pack, astronaut):
    swapper = FaceSwapper("mesh", pack)
    swapper.set_source(astronaut)
    out = swapper.swap_frame(astronaut)
    assert np.abs(out.astype(int) - astronaut).mean() < 0.5


def test_strength_goes_from_nothing_to_all(swapper, astronaut):
    np.testing.assert_array_equal(swapper.swap_frame(astronaut, strength=0.0), astronaut)
    half, whole = (swapper.swap_frame(astronaut, strength=s).astype(int) for s in (0.5, 1.0))
    gone = np.abs(half - astronaut).sum() / np.abs(whole - astronaut).sum()
    assert 0.45 < gone < 0.55


def test_the_largest_face_is_the_default_and_an_unchosen_one_keeps_every_bit(
    swapper, pack, astronaut
):
    small = cv2.resize(astronaut, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    frame = np.zeros((512, 512 + small.shape[1], 3), np.uint8)
    frame[:, :512], frame[: len(small), 512:] = astronaut, small
    faces = pack.faces(frame)
    assert len(faces) == 2 and faces[0].box[0] < 512 < faces[1].box[0]
    out = swapper.swap_frame(frame)
    np.testing.assert_array_equal(out[:, 512:], frame[:, 512:])
    assert (out[:, :512] != frame[:, :512]).any()
    assert (swapper.report.found, swapper.report.swapped) == (2, 1)
    out = swapper.swap_frame(frame, faces[1:])
    np.testing.assert_array_equal(out[:, :512], frame[:, :512])
    assert (out[:, 512:] != frame[:, 512:]).any()
    swapper.swap_frame(frame, faces)
    assert swapper.report.swapped == 2


def test_no_face_in_the_target_is_an_answer(swapper):
    blank = np.full((300, 400, 3), 127, np.uint8)
    np.testing.assert_array_equal(swapper.swap_frame(blank), blank)
    assert swapper.report.found == 0
    assert swapper.report.reasons == ["no face in the target"]


def test_sources_that_are_none(pack, astronaut):
    swapper = FaceSwapper("mesh", pack)
    with pytest.raises(NoFaceError, match="no face"):
        swapper.set_source(np.zeros((300, 300, 3), np.uint8))
    tiny = cv2.resize(astronaut, None, fx=0.2, fy=0.2, interpolation=cv2.INTER_AREA)
    with pytest.raises(SmallFaceError, match="expected at least"):
        swapper.set_source(tiny)
    with pytest.raises(CallOrderError, match="set_source first"):
        swapper.swap_frame(astronaut)


def test_a_file_is_as_good_as_its_picture(pack, astronaut, other, tmp_path):
    first, second = (FaceSwapper("idn", pack) for _ in range(2))
    first.set_source(other)
    write_identity(tmp_path / "other.idn", first.kernels, pack.manifest)
    second.set_source(tmp_path / "other.idn")
    one, two = (s.swap_frame(astronaut).astype(int) for s in (first, second))
    assert np.abs(one - two).max() <= 3  # half precision
    with pytest.raises(ValueError, match="needs a picture"):
        FaceSwapper("mesh", pack).set_source(tmp_path / "other.idn")


def test_two_swappers_on_one_pack_do_not_mix(pack, astronaut, other):
    one, two = FaceSwapper("idn", pack), FaceSwapper("idn", pack)
    one.set_source(astronaut)
    alone = one.swap_frame(astronaut)
    two.set_source(other)
    two.swap_frame(astronaut)
    np.testing.assert_array_equal(one.swap_frame(astronaut), alone)


def test_an_unknown_engine_is_refused(pack):
    with pytest.raises(ValueError, match="expected one of idn, mesh"):
        FaceSwapper("magic", pack)


def test_a_large_face_is_cut_at_its_own_resolution(pack, astronaut):
    large = cv2.resize(astronaut, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    crop, matrix = pack.align(large, pack.faces(large)[0])
    fine, zoom, finer = refine(large, matrix, len(crop))
    assert len(fine) > 300 and zoom == len(fine) / len(crop)
    again = cv2.resize(fine, crop.shape[:2], interpolation=cv2.INTER_AREA)
    assert np.abs(again.astype(int) - crop).mean() < 2
    assert np.isclose(np.linalg.det(finer[:, :2]), np.linalg.det(matrix[:, :2]) * zoom**2)
