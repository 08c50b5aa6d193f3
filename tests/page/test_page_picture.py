"""Pictures in the built page are the server's, at its root and under a sub-path."""

import csv
import zipfile
from pathlib import Path

import numpy as np
import pytest

from demo.picture import read_picture
from demo.pipeline import FaceSwapper
from demo.provenance import verify
from tests.page.site import SIZES, choose, swapped, text

SHARED = Path(__file__).resolve().parents[2].parent / "shared"


def close_to_python(page, pack, source, target):
    swapper = FaceSwapper("idn", pack)
    swapper.set_source(read_picture(source))
    frame = read_picture(target)
    expected = swapper.swap_frame(frame)
    found = swapped(page, source, target)
    assert found.shape == expected.shape
    face = (expected != frame).any(2)
    assert face.sum() > 500
    off = np.abs(found.astype(float) - expected)
    noise = np.square(off[face]).mean()
    assert off[face].mean() <= 2 and 10 * np.log10(255**2 / noise) >= 38
    assert off[~face].mean() < 0.02


@pytest.mark.parametrize(
    ("place", "size", "target"),
    [("", "desk", "target"), ("deep/page/", "phone", "large"), ("", "phone", "small")],
)
def test_a_swapped_picture_is_python_s(visit, host, pack, files, place, size, target):
    page = visit(host + place, size)
    close_to_python(page, pack, files["source"], files[target])
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]
    assert [url for url in page.asked if not url.startswith((host + place, "blob:"))] == []
    assert page.wrong == [] and page.inner_text("#sent") == "0 bytes sent"


@pytest.mark.skipif(not SHARED.exists(), reason="the held-out pictures are not beside the checkout")
def test_ten_held_out_pairs_are_python_s(visit, host, pack, tmp_path):
    from models.judge import like_pairs

    rows = list(csv.DictReader((SHARED / "faces" / "eval.csv").read_text().splitlines()))
    pairs = like_pairs([row | {"yaw": float(row["yaw"])} for row in rows], 10)
    page = visit(host)
    with zipfile.ZipFile(SHARED / "faces" / "eval.zip") as archive:
        for pair in pairs:
            names = [archive.extract(rows[i]["file"], tmp_path) for i in pair]
            close_to_python(page, pack, *map(Path, names))


def test_the_saved_picture_is_marked(visit, host, files, tmp_path):
    page = visit(host)
    swapped(page, files["source"], files["target"])
    with page.expect_download() as download:
        page.click("#picture-save")
    download.value.save_as(tmp_path / "out.jpg")
    verdict = verify(tmp_path / "out.jpg")
    assert verdict.marked and verdict.valid and verdict.synthetic


def test_what_is_missing_is_said(visit, host, files):
    page = visit(host)
    page.click("#picture-swap")
    text(page, "picture-state", "First choose whose face")
    for name, words in (("blank", "The source shows no face"), ("text", "not a picture")):
        page.set_input_files("#source-file", files[name])
        text(page, "source-state", words)
    page.set_input_files("#source-file", files["source"])
    text(page, "source-state", "ready")
    assert page.inner_text("#picture-state") == ""  # it is missing no more
    page.click("#picture-swap")
    text(page, "picture-state", "confirm first")


def test_an_identity_file_goes_both_ways(visit, host, pack, files, tmp_path):
    page = visit(host)
    choose(page, files["source"])
    with page.expect_download() as download:
        page.click("#identity-save")
    download.value.save_as(tmp_path / "face.idn")
    swapper = FaceSwapper("idn", pack)
    swapper.set_source(tmp_path / "face.idn")  # the server reads what the page wrote
    frame = read_picture(files["target"])
    expected = swapper.swap_frame(frame)
    found = swapped(page, tmp_path / "face.idn", files["target"])
    face = (expected != frame).any(2)
    assert np.abs(found.astype(float) - expected)[face].mean() < 2
