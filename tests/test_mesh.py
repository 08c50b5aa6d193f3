"""Pose against rotations that are known."""

import cv2
import numpy as np
import pytest

from demo.manifest import load
from demo.mesh import pose

MEAN = load(check=False).mesh.mean


def turn(axis, degrees):
    """Rotation about x, y or z (right-handed; x right, y down, z away from the camera)."""
    return cv2.Rodrigues(np.eye(3)["xyz".index(axis)] * np.deg2rad(degrees))[0]


@pytest.mark.parametrize("degrees", [-40, -10, 0, 25])
@pytest.mark.parametrize(("axis", "index", "sign"), [("y", 0, -1), ("x", 1, -1), ("z", 2, 1)])
def test_pose_recovers_a_turn(axis, index, sign, degrees):
    points = (MEAN - 5) @ turn(axis, degrees).T * 1.7 + 30
    angles = pose(points.astype(np.float32), MEAN)
    assert abs(angles[index] - sign * degrees) < 0.01
    assert all(abs(a) < 0.01 for i, a in enumerate(angles) if i != index)


def test_looking_to_the_pictures_right_is_positive_yaw():
    """The nose is nearest the camera: turned towards +x it moves to the right."""
    nose = MEAN[:, 2].argmin()
    for degrees in (-30, 30):
        points = MEAN @ turn("y", degrees).T
        moved = points[nose, 0] - points[:, 0].mean() > MEAN[nose, 0] - MEAN[:, 0].mean()
        assert (pose(points, MEAN)[0] > 0) == moved
