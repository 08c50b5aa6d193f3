"""Each thing that is done to a patch, against what it promises, and what it must leave alone."""

import cv2
import numpy as np
import pytest

from demo.align import scaled
from demo.finish import Finish, finish, front, grain, noise, tint
from demo.mesh import mesh
from demo.pipeline import FaceSwapper
from demo.warp import bare, border

SIZE = 224


@pytest.fixture(scope="module")
def crop(pack, astronaut):
    return pack.align(astronaut, pack.faces(astronaut)[0])[0]


@pytest.fixture(scope="module")
def disc():
    """(224, 224) float32: a soft mask."""
    shape = cv2.circle(np.zeros((SIZE, SIZE), np.float32), (112, 118), 70, 1.0, -1)
    return cv2.GaussianBlur(shape, (0, 0), 7)


def apart(one, two, mask):
    """Mean distance in CIELAB along the seam."""
    labs = [cv2.cvtColor(a.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) for a in (one, two)]
    away = cv2.GaussianBlur(labs[0] - labs[1], (0, 0), 4)
    return np.linalg.norm(away[(mask > 0.3) & (mask < 0.7)], axis=1).mean()


def test_a_tinted_patch_shows_no_seam_and_keeps_its_detail(crop, disc):
    wrong = np.clip(crop * (0.9, 1.0, 1.15) + 6, 0, 255).astype(np.uint8)
    right = tint(wrong, crop, disc)
    assert apart(wrong, crop, disc) > 5 and apart(right, crop, disc) < 1.5
    detail = [
        a - cv2.GaussianBlur(a, (0, 0), 2) for a in (wrong.astype(float), right.astype(float))
    ]
    assert (
        np.corrcoef(detail[0][60:170, 60:170].ravel(), detail[1][60:170, 60:170].ravel())[0, 1]
        > 0.97
    )


def test_light_that_changes_along_the_seam_leaves_none_and_a_faded_face_is_no_seam(crop, disc):
    light = np.linspace(0.75, 1.25, SIZE)[None, :, None]
    wrong = np.clip(crop * light, 0, 255).astype(np.uint8)
    right = tint(wrong, crop, disc)
    assert apart(wrong, crop, disc) > 5 and apart(right, crop, disc) < 1
    np.testing.assert_array_equal(tint(wrong, crop, disc * np.float32(0.5)), right)


def test_hair_at_the_seam_is_no_tint(crop, disc):
    """A black bar across the upper seam, as hair is, must not darken the face."""
    covered = crop.copy()
    covered[:62] = 10
    assert np.abs(tint(crop, covered, disc).astype(int) - crop)[80:150, 80:150].mean() < 3


def test_grain_is_the_targets(crop, disc):
    dice = np.random.default_rng(0)
    noisy = np.clip(crop + dice.normal(0, 4, (SIZE, SIZE, 1)), 0, 255).astype(np.uint8)
    clean, inside = cv2.bilateralFilter(crop, 7, 25, 5), disc > 0.5
    given = grain(clean, noisy, disc)
    assert noise(clean, inside) < 0.4 * noise(noisy, inside)
    assert noise(given, inside) == pytest.approx(noise(noisy, inside), rel=0.25)
    np.testing.assert_array_equal(grain(clean, noisy, disc), given)  # runs agree
    np.testing.assert_array_equal(grain(noisy, clean, disc), noisy)


@pytest.mark.parametrize("colour", [(40, 40, 44), (40, 70, 160)])
def test_what_lies_in_front_is_seen_and_skin_is_not(pack, crop, colour):
    """A microphone, a scarf: over a cheek and the chin, on a mesh that does not know."""
    topology = pack.manifest.mesh
    points = scaled(mesh(pack.mesh, crop).points, 1.0)
    skin = bare(points, topology, SIZE)
    cheeks = points[topology.cheeks, :2]
    blob = cv2.ellipse(np.zeros((SIZE, SIZE), np.uint8), (142, 180), (24, 34), 20, 0, 360, 1, -1)
    hidden = np.where(blob[..., None] > 0, np.uint8(colour), crop)
    seen = front(hidden, cheeks, skin)
    sure = (cv2.erode(blob, np.ones((9, 9))) > 0) & (skin > 0.95)
    assert sure.sum() > 300 and (seen[sure] > 0.5).mean() > 0.9
    away = (cv2.dilate(blob, np.ones((15, 15))) == 0) & (skin > 0.95)
    assert (seen[away] > 0.5).mean() < 0.05 and (front(crop, cheeks, skin) > 0.5).mean() < 0.03


@pytest.mark.parametrize("engine", ["mesh", "idn"])
def test_off_is_bit_for_bit_off_and_on_stays_in_the_face(pack, astronaut, engine):
    source = np.clip(astronaut[:400, ::-1] * (0.7, 1.0, 1.2), 0, 255).astype(np.uint8)
    frames = []
    for words in ((), ("tint",), ("sharp",), ("tint", "sharp", "grain", "front")):
        swapper = FaceSwapper(engine, pack, Finish.of(words))
        swapper.set_source(source)
        frames.append(swapper.swap_frame(astronaut).astype(int))
    plain, tinted, sharp, everything = frames
    assert (plain != tinted).any() and (plain != everything).any()
    assert (plain != sharp).any() == (
        engine == "idn"
    )  # the mesh engine's patch is as sharp already
    np.testing.assert_array_equal(everything[350:], astronaut[350:])
    same = finish(astronaut, astronaut, np.ones(astronaut.shape[:2], np.float32), Finish())
    assert same is astronaut


def test_a_patch_fades_out_towards_its_crops_sides():
    edge = border(SIZE)
    assert edge[0].max() == edge[:, -1].max() == 0 and edge[40:-40, 40:-40].min() == 1
    assert np.abs(np.diff(edge, axis=1)).max() < 0.07


def test_an_unknown_finish_is_refused():
    with pytest.raises(ValueError, match="expected tint, sharp, grain, front"):
        Finish.of(["gloss"])


def test_the_lips_keep_their_colour_round_an_open_mouth():
    """The mouth is a gap in the mask; other lips than the target's are no seam."""
    crop = np.full((224, 224, 3), (150, 120, 110), np.uint8)
    patch, mask = crop.copy(), np.zeros((224, 224), np.float32)
    cv2.ellipse(patch, (112, 160), (34, 20), 0, 0, 360, (176, 96, 104), -1)
    cv2.ellipse(mask, (112, 112), (80, 100), 0, 0, 360, 1, -1)
    cv2.ellipse(mask, (112, 160), (24, 10), 0, 0, 360, 0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), 3)
    out = tint(patch, crop, mask)
    assert np.abs(out.astype(int) - patch).max() <= 3  # 25 where the gap counts
