"""The mesh engine on faces whose answer is known: onto itself, moved, open-mouthed, covered."""

import cv2
import numpy as np
import pytest

from demo.align import apply
from demo.manifest import load
from demo.mesh import Mesh
from demo.warp import Source, carry, covered, fade, hull, warp

TOPOLOGY = load(check=False).mesh
MEAN = TOPOLOGY.mean
RNG = np.random.default_rng(0)


def skin(size=224, seed=1):
    """A soft random texture round the colour of skin."""
    noise = np.random.default_rng(seed).normal(0, 60, (size, size, 3)).astype(np.float32)
    soft = np.float32([190, 140, 120]) + cv2.GaussianBlur(noise, (0, 0), 3)
    return np.clip(soft, 0, 255).astype(np.uint8)


def test_a_face_onto_itself_is_itself():
    crop = skin()
    patch, mask = warp(Source.of(crop, MEAN, TOPOLOGY), crop, Mesh(MEAN, 1.0), TOPOLOGY)
    assert patch.shape == crop.shape and mask.shape == (224, 224) and mask.dtype == np.float32
    assert np.abs(patch.astype(int) - crop)[mask > 0.01].mean() < 1.0
    assert mask.max() > 0.99 and mask.min() == 0


@pytest.mark.parametrize("size", [224, 448])
def test_a_moved_mesh_carries_pixels_as_opencv_does(size):
    matrix = cv2.getRotationMatrix2D((110, 120), 17, 0.8)
    target = MEAN * np.float32(0.8)
    target[:, :2] = apply(matrix, MEAN[:, :2])
    where, inside = carry(MEAN, target.astype(np.float32), TOPOLOGY, size)
    back = cv2.invertAffineTransform(matrix)
    y, x = np.nonzero(inside)
    expected = apply(back, np.column_stack([x, y]))
    np.testing.assert_allclose(where[y, x], expected, atol=0.05)
    assert inside.sum() > 0.15 * 224 * 224


def test_the_source_keeps_its_own_resolution():
    """A source twice as fine comes out where a coarse one does."""
    fine, target = skin(448), skin(seed=5)
    coarse = cv2.resize(fine, (224, 224), interpolation=cv2.INTER_AREA)
    larger = MEAN * np.float32(2) + np.float32([0.5, 0.5, 0])
    one, mask = warp(Source.of(coarse, MEAN, TOPOLOGY), target, Mesh(MEAN, 1.0), TOPOLOGY)
    two, _ = warp(Source.of(fine, larger, TOPOLOGY), target, Mesh(MEAN, 1.0), TOPOLOGY)
    inside = mask > 0.5
    assert np.abs(one.astype(int) - two)[inside].mean() < 6
    assert np.corrcoef(one[inside].ravel(), two[inside].ravel())[0, 1] > 0.95


def test_the_light_is_the_targets():
    dark = (skin(seed=3) * 0.4).astype(np.uint8)
    patch, mask = warp(Source.of(skin(), MEAN, TOPOLOGY), dark, Mesh(MEAN, 1.0), TOPOLOGY)
    inside = mask > 0.9
    assert np.abs(patch[inside].mean(0) - dark[inside].mean(0)).max() < 5
    assert patch[inside].std() < 1.3 * dark[inside].std()  # detail dims with its light


def test_the_hull_is_the_oval():
    mask = hull(MEAN, TOPOLOGY, 224)
    oval = cv2.fillPoly(np.zeros((224, 224)), [MEAN[TOPOLOGY.oval, :2].round().astype(int)], 1)
    assert mask[oval == 0].max() < 0.2
    deep = cv2.erode(oval, np.ones((41, 41))) > 0
    assert mask[deep].min() > 0.99


def test_an_open_mouth_stays_the_targets():
    opened = MEAN.copy()
    low = TOPOLOGY.lips[11:]
    opened[low, 1] += 14
    _, mask = warp(Source.of(skin(), MEAN, TOPOLOGY), skin(seed=9), Mesh(opened, 1.0), TOPOLOGY)
    x, y = opened[TOPOLOGY.lips, :2].mean(0).round().astype(int)
    assert mask[y, x] < 0.1


def test_hair_over_the_forehead_is_seen_and_skin_is_not():
    crop = skin()
    assert covered(crop, MEAN, TOPOLOGY).max() < 0.15
    crop[48:70, 60:110] = (30, 20, 15)
    found = covered(crop, MEAN, TOPOLOGY)
    assert found[50:66, 64:106].mean() > 0.8
    crop = skin()
    crop[130:160, 60:110] = (30, 20, 15)  # a beard is part of the face
    assert covered(crop, MEAN, TOPOLOGY).max() < 0.15


def test_fade_keeps_like_poses_and_gives_up_unlike_ones_with_a_reason():
    assert fade((5, 0, 30), (-10, 3, -20)) == (1.0, "")
    strength, reason = fade((0, 0, 0), (28, 0, 0))
    assert 0 < strength < 1 and "28 degrees" in reason and "faded" in reason
    strength, reason = fade((-30, 0, 0), (40, 0, 0))
    assert strength == 0 and "left as it is" in reason
