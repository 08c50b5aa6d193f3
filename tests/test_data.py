"""Training pictures: geometry that must agree with the labels, and pairs that must be alike."""

import time
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from demo.manifest import load
from models.augment import jitter, occlude, photometric, veil
from models.data import ALIGN, WIDE, WIDE_TEMPLATE, Faces, mirror_order
from models.look import Look
from models.triplets import groups

MEAN = load(check=False).mesh.mean


def test_of_two_that_want_an_array_one_makes_it(tmp_path):
    faces, made = object.__new__(Faces), []
    faces.cache, faces.split, faces.n = tmp_path, "train", 3

    def fill(out):
        made.append(out.shape)
        time.sleep(0.2)
        out[:] = 7

    with ThreadPoolExecutor(2) as pool:
        arrays = pool.map(lambda _: faces.array("some", (2,), np.uint8, fill), range(2))
    assert [a.tolist() for a in arrays] == [[[7, 7]] * 3] * 2
    assert made == [(3, 2)] and not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("flip", [False, True])
def test_jitter_moves_points_as_opencv_moves_pixels(flip):
    rng = np.random.default_rng(3)
    wide = np.zeros((160, 160, 3), np.uint8)
    cv2.circle(wide, (70, 90), 3, (255, 255, 255), -1)
    matrix = jitter(rng, 112, 160, turn=20, zoom=0.1, shift=0.05, flip=flip)
    small = cv2.warpAffine(wide, matrix[:2], (112, 112))
    y, x = np.nonzero(small[..., 0] > 128)
    np.testing.assert_allclose((matrix @ (70, 90, 1))[:2], (x.mean(), y.mean()), atol=0.5)
    assert (np.linalg.det(matrix[:2, :2]) < 0) == flip


def test_jitter_without_freedom_cuts_the_middle():
    matrix = jitter(np.random.default_rng(0), 112, 160, turn=0, zoom=0, shift=0, flip=False)
    np.testing.assert_allclose(matrix, [[1, 0, -24], [0, 1, -24], [0, 0, 1]])


def test_a_wide_crop_holds_the_crop_in_its_middle():
    inner = WIDE_TEMPLATE * WIDE - (WIDE - 112) / 2
    np.testing.assert_allclose(inner, ALIGN.template * 112, atol=1e-9)


def test_a_mirrored_mean_mesh_is_itself():
    order = mirror_order(MEAN)
    np.testing.assert_array_equal(order[order], np.arange(468))
    mirrored = MEAN[order] * [-1, 1, 1] + [223, 0, 0]
    np.testing.assert_allclose(mirrored, MEAN, atol=0.02)
    assert order[33] == 263 and order[1] == 1  # the eyes' outer corners; the nose


def test_photometric_and_occlude_stay_pictures():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (112, 112, 3), np.uint8)
    for _ in range(30):
        out = photometric(rng, image)
        assert out.shape == image.shape and out.dtype == np.uint8
    covered = occlude(rng, image, np.zeros_like(image))
    share = (covered != image).any(2).mean()
    assert 0 < share < 0.5


def test_veil_takes_the_detail_of_the_face_and_nothing_else():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (96, 96, 3), np.uint8)
    hull = cv2.circle(np.zeros((96, 96), np.uint8), (48, 48), 30, 255, -1)
    veiled = veil(rng, image, hull)
    np.testing.assert_array_equal(veiled[hull == 0], image[hull == 0])
    inside = cv2.circle(np.zeros((96, 96), np.uint8), (48, 48), 20, 255, -1) > 0
    assert veiled[inside].std() < 0.5 * image[inside].std()
    assert abs(veiled[inside].mean() - image[inside].mean()) < 6


def test_groups_are_the_entries_of_each_face():
    rows = np.array([2, 0, 2, 1, 4])
    found = [g.tolist() for g in groups(rows, 6)]
    assert found == [[1], [3], [0, 2], [], [4], []]


class OneMesh:
    """Stands for the training faces where only their mean mesh is asked for."""

    rows = ({"yaw": 0.0},) * 2
    meshes = np.concatenate([np.stack([MEAN] * 2), np.ones((2, 1, 3), np.float32)], axis=1)


def test_a_texture_does_not_know_pose_or_light():
    look = Look(OneMesh())
    rng = np.random.default_rng(1)
    soft = cv2.GaussianBlur(rng.normal(0, 90, (224, 224, 3)).astype(np.float32), (0, 0), 3)
    crop = np.clip(soft + 120, 0, 255).astype(np.uint8)
    texture = look.texture(crop, MEAN)
    assert texture.shape == (64, 64, 3) and np.abs(texture).max() > 0.05
    turn = cv2.getRotationMatrix2D((112, 130), 15, 0.9)
    moved = MEAN.copy()
    moved[:, :2] = MEAN[:, :2] @ turn[:, :2].T + turn[:, 2]
    again = look.texture(cv2.warpAffine(crop, turn, (224, 224)), moved)
    inner = look.inside & (np.indices((64, 64))[0] < 54)  # the chin lies outside the crop
    assert np.corrcoef(texture[inner].ravel(), again[inner].ravel())[0, 1] > 0.95
    brighter = look.texture(np.clip(crop.astype(int) + 20, 0, 255).astype(np.uint8), MEAN)
    assert np.abs(brighter - texture)[inner].mean() < 0.01
