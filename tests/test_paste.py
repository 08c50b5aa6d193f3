"""`paste` against the blend written out, and what it must not touch."""

import cv2
import numpy as np
import pytest
from scipy import ndimage

from demo.align import invert
from demo.paste import harden, paste

RNG = np.random.default_rng(0)
FRAME = RNG.integers(0, 256, (120, 160, 3), np.uint8)
PATCH = RNG.integers(0, 256, (40, 40, 3), np.uint8)
MASK = cv2.GaussianBlur(np.pad(np.ones((20, 20), np.float32), 10), (0, 0), 3)


def shifted(x, y):
    return np.array([[1, 0, -x], [0, 1, -y]], np.float32)


def test_a_shift_is_the_blend_written_out():
    out = paste(FRAME, PATCH, MASK, shifted(30, 50))
    expected = FRAME.astype(np.float64)
    region = expected[50:90, 30:70]
    region += MASK[..., None] * (PATCH - region)
    assert np.abs(out - expected).max() <= 0.51


def test_a_zero_mask_changes_no_bit_and_the_input_is_never_touched():
    before = FRAME.copy()
    out = paste(FRAME, PATCH, np.zeros_like(MASK), shifted(3, 4))
    np.testing.assert_array_equal(out, FRAME)
    assert out is not FRAME
    paste(FRAME, PATCH, MASK, shifted(3, 4))
    np.testing.assert_array_equal(FRAME, before)


def test_outside_the_crops_square_every_bit_stays():
    turn = cv2.getRotationMatrix2D((20, 20), 30, 1.3)
    turn[:, 2] += (-40, -25)
    out = paste(FRAME, PATCH, np.ones_like(MASK), turn)
    corners = cv2.transform(np.float32([[[-1, -1], [41, -1], [41, 41], [-1, 41]]]), invert(turn))
    square = cv2.fillConvexPoly(np.zeros(FRAME.shape[:2]), corners[0].round().astype(int), 1)
    outside = cv2.dilate(square, np.ones((3, 3))) == 0
    np.testing.assert_array_equal(out[outside], FRAME[outside])
    assert (out[~outside] != FRAME[~outside]).any()


@pytest.mark.parametrize("place", [(-25, 40), (140, -10), (150, 110), (-20, -20)])
def test_a_face_at_the_border(place):
    out = paste(FRAME, PATCH, MASK, shifted(*place))
    larger = np.pad(FRAME, ((40, 40), (40, 40), (0, 0)))
    whole = paste(larger, PATCH, MASK, shifted(place[0] + 40, place[1] + 40))
    assert np.abs(out.astype(int) - whole[40:-40, 40:-40]).max() <= 1


def test_a_face_outside_the_frame_changes_nothing():
    np.testing.assert_array_equal(paste(FRAME, PATCH, MASK, shifted(500, 500)), FRAME)


def test_a_fine_patch_in_a_small_face_is_averaged():
    """A patch four times as fine as the face may not alias: stripes of one pixel become grey."""
    stripes = np.zeros((160, 160, 3), np.uint8)
    stripes[:, ::2] = 255
    matrix = np.array([[4, 0, -200], [0, 4, -160]], np.float32)
    out = paste(FRAME, stripes, np.ones((160, 160), np.float32), matrix)
    inner = out[45:75, 55:85].astype(int)
    assert abs(inner.mean() - 127) < 8 and inner.std() < 16


def test_harden_is_grey_morphology_and_means():
    """Against scipy: dilation, two erosions, a mean over 7, a margin of 10 softened over 11."""
    hills = ndimage.gaussian_filter(RNG.normal(0, 1, (90, 80)), 9)
    mask = (2e-3 * (hills - hills.min()) / np.ptp(hills)).astype(np.float32)  # about the threshold
    face = np.where(mask > 1e-3, 1, mask)
    face = ndimage.maximum_filter(face, 11, mode="constant", cval=-np.inf)
    for _ in range(2):
        face = ndimage.minimum_filter(face, 11, mode="constant", cval=np.inf)
    face = ndimage.uniform_filter(face, 7, mode="mirror")
    box = np.pad(np.ones((70, 60)), 10)
    expected = face * ndimage.uniform_filter(box, 11, mode="mirror")
    assert 0.1 < (face > 0.99).mean() < 0.9
    np.testing.assert_allclose(harden(mask), expected, atol=1e-5)


def test_the_reference_samples_linearly_and_rounds_down():
    half = shifted(30.5, 50)
    out = paste(FRAME, PATCH.astype(np.float32), np.ones_like(MASK), half, "reference")
    pairs = PATCH[:, :-1].astype(int) + PATCH[:, 1:]
    np.testing.assert_array_equal(out[50:90, 31:70], pairs // 2)
    fine = paste(FRAME, PATCH + np.float32(0.75), np.ones_like(MASK), shifted(30, 50), "reference")
    np.testing.assert_array_equal(fine[50:90, 30:70], PATCH)


def test_the_reference_changes_no_bit_where_the_mask_is_zero():
    turn = cv2.getRotationMatrix2D((20, 20), 30, 1.3)
    turn[:, 2] += (-40, -25)
    out = paste(FRAME, PATCH, np.zeros_like(MASK), turn, "reference")
    np.testing.assert_array_equal(out, FRAME)
