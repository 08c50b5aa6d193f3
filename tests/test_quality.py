"""Advice against pictures made bad on purpose, one way at a time."""

import cv2
import numpy as np
import pytest

from demo.mesh import pose
from demo.quality import Quality, advise, measure


@pytest.fixture
def frame(astronaut):
    return cv2.resize(astronaut, (480, 480), interpolation=cv2.INTER_AREA)


def judged(pack, frame):
    return measure(pack, frame, pack.faces(frame)[0])


def test_a_good_picture_needs_no_advice(pack, frame):
    assert advise(judged(pack, frame)) == [] and advise(None) == []


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: (f * 0.25).astype(np.uint8), "Turn to the light"),
        (lambda f: np.clip(f * 1.7, 0, 255).astype(np.uint8), "Less light"),
        (lambda f: cv2.resize(f, (240, 240), interpolation=cv2.INTER_AREA), "Come closer"),
        (lambda f: cv2.GaussianBlur(f, (0, 0), 2), "Hold still"),
        (lambda f: f[:, 190:].copy(), "Move to the middle"),
    ],
)
def test_each_fault_is_named_alone(pack, frame, spoil, words):
    (advice,) = advise(judged(pack, spoil(frame)))
    assert advice.startswith(words)


def test_sharpness_does_not_take_the_dark_for_blur(pack, frame):
    dim = judged(pack, (frame * 0.5).astype(np.uint8)).sharpness
    assert dim == pytest.approx(judged(pack, frame).sharpness, rel=0.15)


def test_yaw_is_the_meshs(pack, frame):
    """The mean mesh, turned by a known angle and seen by nobody else's code."""
    mean = pack.manifest.mesh.mean
    a = np.deg2rad(30)
    turned = mean @ np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
    assert abs(abs(pose(turned, mean)[0]) - 30) < 1e-3
    whole = judged(pack, frame).__dict__
    assert advise(Quality(**whole | {"yaw": -30.0}))[0].startswith("Face the camera")
