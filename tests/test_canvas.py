"""`canvas` and `labels`: labels go where their pixels go, and only what is in sight is learnt."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from models.canvas import carry, paste, visible
from models.labels import Labels, merge


def test_labels_follow_the_picture_when_it_is_flipped():
    points = np.array([[[10, 20], [30, 21], [20, 30], [12, 40], [28, 41.0]]])
    labels = Labels(np.array([[5, 10, 35, 50.0]]), points, np.array([True]))
    flip = np.array([[-1.0, 0, 63], [0, 1, 0], [0, 0, 1]])
    there = carry(labels, flip)
    np.testing.assert_allclose(there.boxes, [[28, 10, 58, 50]])
    np.testing.assert_allclose(there.points[0, :2], [[33, 21], [53, 20]])  # left stays left
    back = carry(there, flip)
    np.testing.assert_allclose(back.points, points)


def test_a_canvas_knows_what_is_in_sight():
    owner = np.zeros((100, 100), np.uint8)
    owner[:, 50:] = 3
    assert visible(np.array([40, 10, 60, 30]), owner, 3) == 0.5
    assert visible(np.array([80, 10, 120, 30]), owner, 3) == 0.5  # half beyond the canvas
    assert visible(np.array([-30, -30, -10, -10]), owner, 3) == 0


def test_the_tables_points_come_first():
    points = np.array([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]], np.float32)
    other = np.concatenate([[200, 0, 240, 50], (points + 170).ravel(), [0.3]])
    mine = np.concatenate([[10, 10, 90, 110], (points + 2).ravel(), [0.9]])
    labels = merge(points, np.array([other, mine], np.float32))
    np.testing.assert_allclose(labels.boxes[0], [10, 10, 90, 110])
    np.testing.assert_allclose(labels.points[0], points)
    assert labels.sure.tolist() == [True, False]
    missed = merge(points, np.zeros((0, 15), np.float32))
    x0, y0, x1, y1 = missed.boxes[0]
    assert x0 < 30 < 70 < x1 and y0 < 40 < 80 < y1


@pytest.mark.parametrize("soft", [False, True])
def test_a_pasted_picture_lies_where_its_owner_says(soft):
    canvas, owner = np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64), np.uint8)
    picture = np.full((20, 30, 3), 255, np.uint8)
    turn = np.array([[0, -1, 50], [1, 0, 10.0]])  # a quarter turn: (x, y) -> (50 - y, 10 + x)
    paste(canvas, owner, picture, turn, 7, soft=soft)
    middle = np.zeros((64, 64), bool)
    middle[14:36, 35:47] = True
    assert (owner[middle] == 7).all() and (canvas[middle] > 250).all()
    assert soft or (canvas[owner != 7] == 0).all()
    assert 600 <= np.count_nonzero(owner) <= 660
    paste(canvas, owner, picture, turn * [1, 1, 20], 9, soft=soft)
    assert not (owner == 9).any()
