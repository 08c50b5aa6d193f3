"""The visitor's camera, here a film of the astronaut, in the built page."""

import numpy as np
import pytest

from tests.page.site import SIZES, choose, pixels, text, until


@pytest.mark.parametrize("size", list(SIZES))
def test_live(visit, host, files, astronaut, size):
    page = visit(host, size)
    choose(page, files["source"])
    page.click("#tab-live")
    page.click("#live-start")
    text(page, "live-stats", "face found")
    until(page, "Number(document.getElementById('live-stats').textContent.split(' ')[0]) > 1")
    shown = pixels(page, "live-shown")
    assert shown.shape == (480, 640, 3) and shown.std() > 20
    label = shown[443:468, 12:110]  # white letters on a dark ground
    assert (label > 240).all(2).mean() > 0.03 and np.median(label) < 120
    page.click("#live-stop")
    assert page.inner_text("#live-stats") == "" and page.wrong == []
    assert page.evaluate("document.getElementById('live-camera').srcObject") is None
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]


def test_the_camera_can_be_the_source(visit, host):
    page = visit(host, "phone")
    page.click("#source-take")
    until(page, "document.getElementById('source-camera').videoWidth")
    page.click("#source-shutter")
    text(page, "source-state", "ready")
    assert pixels(page, "source-face").std() > 20
    page.click("#source-take")
    until(page, "document.getElementById('source-camera').videoWidth")
    page.click("#source-cancel")
    assert page.is_visible("#source-face") and not page.is_visible("#source-hint")
