"""Every measure on cases whose answer is known: by a formula, by counting, by a planted change."""

import cv2
import numpy as np
import pytest

from demo.align import align
from demo.manifest import load
from models import metrics

MANIFEST = load(check=False)
MEAN = MANIFEST.mesh.mean
POINTS = MANIFEST.align.template * 300 + (120, 60)  # a face in the middle of the astronaut's frame


def turned(yaw: float) -> np.ndarray:
    """The mean mesh, turned by so many degrees, smaller and elsewhere."""
    c, s = np.cos(np.deg2rad(yaw)), np.sin(np.deg2rad(yaw))
    return 0.7 * MEAN @ np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]]) + (30, -20, 5)


@pytest.mark.parametrize("yaw", [-35.0, 0.0, 3.5, 60.0])
def test_pose_error_is_the_angle_that_was_turned(yaw):
    assert metrics.pose_error(turned(yaw), MEAN, MEAN) == pytest.approx(abs(yaw), abs=1e-3)
    assert metrics.pose_error(turned(yaw), turned(10), MEAN) == pytest.approx(
        abs(yaw - 10), abs=1e-3
    )


def test_landmark_error_is_a_share_of_the_eye_distance():
    apart = np.linalg.norm(MEAN[33, :2] - MEAN[263, :2])
    moved = MEAN + np.float32([0.03 * apart, 0.04 * apart, 99])  # depth does not count
    assert metrics.landmark_error(moved, MEAN) == pytest.approx(5, abs=1e-3)


def test_pose_error_is_the_same_about_any_axis():
    axis = np.array([0.6, -0.64, 0.48]) * np.deg2rad(25)
    spun = (MEAN @ cv2.Rodrigues(axis)[0].T * 1.3 + 7).astype(np.float32)
    assert metrics.pose_error(spun, MEAN, MEAN) == pytest.approx(25, abs=0.05)


def test_inner_points_are_eyes_nose_and_mouth():
    inner = set(metrics.inner_points(MEAN).tolist())
    assert {33, 133, 263, 362, 1, 13, 14} <= inner
    assert not inner & set(MANIFEST.mesh.oval.tolist())


def test_auc_is_the_share_of_won_comparisons():
    rng = np.random.default_rng(0)
    score, truth = rng.integers(0, 9, 60).astype(float), rng.random(60) < 0.4  # with ties
    won = [(a > b) + (a == b) / 2 for a in score[truth] for b in score[~truth]]
    assert metrics.auc(score, truth) == pytest.approx(np.mean(won))
    assert metrics.auc(truth.astype(float), truth) == 1


def test_retrieval_asks_for_the_person_not_the_picture():
    gallery, people = np.eye(4), np.array(["a", "a", "b", "c"])
    found = np.array([[0.1, 0.9, 0, 0], [0, 0, 0.4, 0.6]])
    assert metrics.retrieved(found, gallery, people, np.array(["a", "b"])).tolist() == [True, False]


def test_outside_counts_what_changed_and_not_what_is_inside():
    frame = np.zeros((10, 10, 3), np.uint8)
    inside = np.zeros((10, 10), bool)
    inside[:5] = True
    other = frame.copy()
    other[:5] = 200
    assert metrics.outside(other, frame, inside) == 0
    other[5:] = 51
    assert metrics.outside(other, frame, inside) == pytest.approx(0.2)
    assert metrics.outside(other, frame, np.ones_like(inside)) == 0


def test_square_is_where_the_crop_comes_from(astronaut):
    crop, matrix = align(astronaut, POINTS, MANIFEST.align.template, 224)
    inside = metrics.square(matrix, 224, astronaut.shape)
    changed = astronaut.copy()
    changed[~inside] = 0
    again, _ = align(changed, POINTS, MANIFEST.align.template, 224)
    assert inside.sum() == pytest.approx(300**2, rel=0.02)
    assert np.abs(again[2:-2, 2:-2].astype(int) - crop[2:-2, 2:-2]).max() == 0


def test_sharpness_and_tint_of_a_blur_and_of_a_wash(astronaut):
    inside = np.zeros(astronaut.shape[:2], bool)
    inside[100:300, 150:350] = True
    blurred = cv2.GaussianBlur(astronaut, (0, 0), 3)
    assert metrics.sharpness(astronaut, astronaut, inside) == 1
    assert metrics.sharpness(blurred, astronaut, inside) < 0.4
    assert metrics.tint(blurred, astronaut, inside) < 1
    assert metrics.tint(astronaut, astronaut, inside) == 0
    brighter = np.clip(astronaut.astype(int) + 3, 0, 255).astype(np.uint8)
    assert metrics.tint(brighter, astronaut, inside) < 0.5
    reddish = np.clip(astronaut * (1.2, 0.9, 0.9), 0, 255).astype(np.uint8)
    assert metrics.tint(reddish, astronaut, inside) > 5


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((240, 210, 190), "very light"),
        ((217, 174, 150), "light"),
        ((198, 150, 125), "medium"),
        ((175, 130, 95), "tan"),
        ((141, 85, 36), "brown"),
        ((60, 46, 40), "dark"),
    ],
)
def test_ita_of_known_colours(rgb, name):
    light, _, yellow = cielab(rgb)
    found = metrics.ita(np.full((8, 8, 3), rgb, np.uint8), np.ones((8, 8), bool))
    assert found == pytest.approx(np.rad2deg(np.arctan2(light - 50, yellow)), abs=0.5)
    assert metrics.tone(found) == name


def cielab(rgb) -> tuple[float, float, float]:
    """sRGB, D65, written out."""
    c = np.array(rgb) / 255
    linear = np.where(c > 0.04045, ((c + 0.055) / 1.055) ** 2.4, c / 12.92)
    xyz = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175],
           [0.0193339, 0.119192, 0.9503041]] @ linear / (0.950456, 1, 1.088754)  # fmt: skip
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def test_skin_leaves_out_eyes_brows_and_lips():
    inside = metrics.skin(MEAN, MANIFEST.mesh, (224, 224))
    x, y = MEAN[MANIFEST.mesh.cheeks[:10], :2].round().astype(int).T
    assert inside[y, x].mean() > 0.7
    for part in (MANIFEST.mesh.left_eye, MANIFEST.mesh.lips, MANIFEST.mesh.brows):
        x, y = MEAN[part, :2].round().astype(int).T
        assert not inside[y, x].any()
