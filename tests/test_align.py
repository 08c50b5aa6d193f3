"""`align` against cv2, against itself, and against known maps."""

import cv2
import numpy as np
import pytest

from demo.align import affine, align, apply, invert, similarity, warp_crop
from demo.manifest import load

TEMPLATE = load(check=False).align.template
RNG = np.random.default_rng(0)


def turned(points, angle, scale, shift):
    a, b = scale * np.cos(angle), scale * np.sin(angle)
    return points @ np.array([[a, b], [-b, a]]) + shift


def test_template_onto_itself_is_the_identity():
    matrix = similarity(TEMPLATE * 224, TEMPLATE * 224)
    np.testing.assert_allclose(matrix, [[1, 0, 0], [0, 1, 0]], atol=1e-9)


def test_similarity_recovers_a_known_map():
    points = RNG.uniform(0, 100, (5, 2))
    target = turned(points, 0.7, 1.8, (12, -5))
    np.testing.assert_allclose(apply(similarity(points, target), points), target, atol=1e-9)


def test_similarity_is_the_least_squares_answer_of_opencv():
    points, target = RNG.uniform(0, 100, (2, 5, 2))
    mine = similarity(points, target)
    error = np.square(apply(mine, points) - target).sum()
    for _ in range(200):  # no nearby similarity fits better
        near = mine + 1e-3 * RNG.normal(size=(2, 3)) * [1, 1, 30]
        near[1, 0], near[1, 1] = -near[0, 1], near[0, 0]
        assert np.square(apply(near, points) - target).sum() >= error
    assert np.isclose(mine[0, 0], mine[1, 1]) and np.isclose(mine[0, 1], -mine[1, 0])


def test_affine_recovers_a_known_map_that_no_similarity_can():
    points = RNG.uniform(0, 100, (5, 2))
    matrix = np.array([[1.2, 0.4, 3], [-0.1, 0.7, 9]])
    np.testing.assert_allclose(affine(points, apply(matrix, points)), matrix, atol=1e-9)


def test_points_that_are_all_the_same_are_an_error():
    with pytest.raises(ValueError, match="distinct"):
        similarity(np.ones((5, 2)), TEMPLATE)


def test_invert_undoes_apply():
    matrix = similarity(RNG.uniform(0, 100, (5, 2)), TEMPLATE * 224)
    points = RNG.uniform(0, 300, (20, 2))
    np.testing.assert_allclose(apply(invert(matrix), apply(matrix, points)), points, atol=1e-6)


def test_align_puts_the_points_where_the_template_has_them():
    frame = np.zeros((480, 640, 3), np.uint8)
    points = turned(TEMPLATE * 200, 0.3, 1.0, (250, 120))
    for x, y in points:
        cv2.circle(frame, (round(x), round(y)), 4, (255, 255, 255), -1)
    crop, matrix = align(frame, points, TEMPLATE, 224)
    assert crop.shape == (224, 224, 3) and matrix.dtype == np.float32
    for x, y in TEMPLATE * 224:
        assert crop[round(y), round(x), 0] > 200


def test_a_large_face_is_averaged_and_stays_in_place():
    fine = RNG.integers(0, 256, (800, 800, 3), np.uint8)
    crop = warp_crop(fine, np.array([[0.25, 0, -0.375], [0, 0.25, -0.375]]), 200)
    mean = cv2.resize(fine, (200, 200), interpolation=cv2.INTER_AREA)
    assert np.abs(crop.astype(int) - mean).max() <= 2


def test_the_published_fit_samples_a_large_face_as_opencv_does():
    fine = RNG.integers(0, 256, (800, 900, 3), np.uint8)
    points = turned(TEMPLATE * 700, 0.1, 1.0, (60, 30)) + RNG.normal(0, 5, (5, 2))
    crop, matrix = align(fine, points, TEMPLATE, 224, "affine")
    plain = cv2.warpAffine(fine, matrix, (224, 224), flags=cv2.INTER_LINEAR)
    assert np.abs(crop.astype(int) - plain).max() <= 2
    averaged = align(fine, points, TEMPLATE, 224, "similarity")[0]
    assert averaged.std() < crop.std() / 2  # noise survives sampling, not the mean
