"""Rows on disk: made once, only when they are asked for, and shared by processes."""

import numpy as np
import pytest

from models.rows import Rows


@pytest.fixture
def opened(tmp_path):
    """(rows, numbers of rows that were made so far); each call maps the same file anew."""

    def call():
        asked = []

        def make(rows):
            asked.extend(rows.tolist())
            return rows[:, None] * np.array([1.0, 10.0])

        return Rows(tmp_path / "squares.npy", 200, (2,), np.float32, make), asked

    return call


def test_only_what_is_asked_for_is_made_and_only_once(opened):
    rows, asked = opened()
    np.testing.assert_array_equal(rows[7], [7, 70])
    np.testing.assert_array_equal(rows[np.array([9, 7, 9])], [[9, 90], [7, 70], [9, 90]])
    assert asked == [7, 9]
    np.testing.assert_array_equal(rows[5:8][:, 0], [5, 6, 7])
    assert asked == [7, 9, 5, 6]
    assert rows[:].shape == (200, 2) and len(asked) == len(set(asked)) == 200


def test_another_process_reads_what_the_first_has_made(opened):
    one, _ = opened()
    one[np.arange(10)]
    two, asked = opened()
    np.testing.assert_array_equal(two[8:12][:, 1], [80, 90, 100, 110])
    assert asked == [10, 11]
    one[10:12]
    assert two.made[:12].all() and not two.made[12:].any()


def test_a_row_that_failed_is_made_again(tmp_path):
    def make(rows):
        if fail:
            raise ValueError("no picture")
        return np.ones((len(rows), 1))

    rows, fail = Rows(tmp_path / "rows.npy", 3, (1,), np.uint8, make), True
    with pytest.raises(ValueError):
        rows[1]
    fail = False
    assert rows[1].item() == 1
