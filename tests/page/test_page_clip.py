"""Clips in the built page: frames at their times, sound, marks; by WebCodecs and without them."""

import io

import c2pa
import numpy as np
import pytest

from demo.mark import marked
from demo.provenance import SYNTHETIC, context
from tests.page.clips import read_clip, write_clip
from tests.page.site import choose, text


@pytest.fixture(scope="module")
def clip(tmp_path_factory, astronaut):
    """The path of an MP4 of uneven frame times, with a tone."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    write_clip(path, astronaut)
    return path


def test_a_clip_keeps_its_frames_and_its_sound(visit, host, files, clip, tmp_path):
    page = visit(host)
    choose(page, files["source"])
    page.click("#tab-clip")
    page.set_input_files("#clip-file", clip)
    page.click("#clip-start")
    said = text(page, "clip-state", "with a swapped face")
    assert "The sound was kept." in said
    with page.expect_download() as download:
        page.click("#clip-save")
    out = tmp_path / download.value.suggested_filename
    download.value.save_as(out)
    before, after = read_clip(clip), read_clip(out)
    assert after.shape == before.shape and after.sound > 0.8 * before.sound
    np.testing.assert_allclose(after.times, before.times, atol=0.002)
    assert "12 frames, 12 with" in said
    verdict = c2pa.Reader("video/mp4", io.BytesIO(out.read_bytes()), context=context())
    assert verdict.get_validation_state() == "Valid" and SYNTHETIC in verdict.json()
    assert marked(after.mean) and page.wrong == []


def test_without_webcodecs_a_clip_is_played_and_recorded(visit, host, files, clip, tmp_path):
    page = visit(host, script="delete window.VideoEncoder")
    choose(page, files["source"])
    page.click("#tab-clip")
    page.set_input_files("#clip-file", clip)
    page.click("#clip-start")
    assert "The sound was kept." in text(page, "clip-state", "with a swapped face")
    with page.expect_download() as download:
        page.click("#clip-save")
    assert download.value.suggested_filename == "swapped.webm"
    download.value.save_as(tmp_path / "out.webm")
    after = read_clip(tmp_path / "out.webm")  # a slow machine leaves frames out, never the sound
    assert after.shape == (240, 320, 3) and after.sound > 0.3


def test_a_clip_can_be_stopped(visit, host, files, clip):
    page = visit(host)
    choose(page, files["source"])
    page.click("#tab-clip")
    page.set_input_files("#clip-file", clip)
    page.click("#clip-start")
    text(page, "clip-state", "% done")
    page.click("#clip-cancel")
    text(page, "clip-state", "Cancelled")
    page.set_input_files("#clip-file", files["text"])
    page.click("#clip-start")
    text(page, "clip-state", "not a clip that can be read")
