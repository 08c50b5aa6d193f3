"""The built page in a real browser, on a plain static server, at its root and under a sub-path."""

import csv
import io
import json
import shutil
import zipfile
from pathlib import Path

import c2pa
import cv2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

from demo.mark import marked
from demo.picture import read_picture
from demo.pipeline import FaceSwapper
from demo.provenance import SYNTHETIC, context, verify
from tests.pageclips import read_clip, write_clip
from tests.site import CAMERA, CHROMIUM, film, pixels, served, text, until
from web.build import build

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
SIZES = {"phone": (360, 640), "desk": (1440, 900)}


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """The site at the server's root, and once more under /deep/page/."""
    folder = tmp_path_factory.mktemp("site")
    build(folder / "root")
    shutil.copytree(folder / "root", folder / "root" / "deep" / "page")
    return folder / "root"


@pytest.fixture(scope="module")
def host(dist):
    with served(dist) as address:
        yield address


@pytest.fixture(scope="module")
def browser(tmp_path_factory, astronaut):
    clip = film(astronaut, tmp_path_factory.mktemp("camera") / "film.y4m")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*CAMERA, f"--use-file-for-fake-video-capture={clip}"]
        )
        yield made
        made.close()


@pytest.fixture
def visit(browser):
    """Open an address in a browser that knows nothing yet; what went wrong or astray is kept."""
    opened = []

    def go(address, size="desk", script="", **options):
        width, height = SIZES[size]
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        opened.append(context)
        context.add_init_script(script)
        page = context.new_page()
        page.asked, page.wrong = [], []
        context.on("request", lambda request: page.asked.append(request.url))
        page.on("pageerror", lambda error: page.wrong.append(str(error)))
        page.goto(address)
        until(page, "crossOriginIsolated && document.readyState == 'complete'")
        return page

    yield go
    for visitor in opened:
        visitor.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory, astronaut):
    """Pictures of the astronaut in several sizes, one mirrored and stretched, and what is none."""
    folder = tmp_path_factory.mktemp("pictures")
    frames = {
        "target": astronaut,
        "source": cv2.resize(astronaut[:400, ::-1], None, fx=1.15, fy=0.95),
        "large": cv2.resize(astronaut, None, fx=3.3, fy=3.3),
        "small": cv2.resize(astronaut, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA),
        "blank": np.full((200, 200, 3), 90, np.uint8),
    }
    for name, frame in frames.items():
        Image.fromarray(frame).save(folder / f"{name}.png")
    (folder / "text.png").write_text("not a picture")
    return {path.stem: path for path in folder.iterdir()}


def choose(page, source):
    page.set_input_files("#source-file", source)
    text(page, "source-state", "ready")
    page.check("#consent")


def swapped(page, source, target):
    """What the page makes of two files: (h, w, 3) uint8 RGB."""
    choose(page, source)
    page.set_input_files("#picture-file", target)
    text(page, "picture-state", "found")
    page.click("#picture-swap")
    text(page, "picture-state", "swapped in")
    return pixels(page, "picture-shown")


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


def test_second_visit_without_network(browser, dist, files):
    context = browser.new_context()
    with served(dist / "deep") as address:
        first = context.new_page()
        first.goto(address + "page/")
        until(first, "crossOriginIsolated")
        before = swapped(first, files["source"], files["target"])
        first.close()
    again = context.new_page()  # the server is gone
    again.goto(address + "page/")
    assert (swapped(again, files["source"], files["target"]) == before).all()
    context.close()


def test_a_damaged_network_is_refused_by_name(visit, dist, files, tmp_path):
    shutil.copytree(dist / "deep" / "page", tmp_path / "page")
    (graph,) = (tmp_path / "page" / "models" / "weights").glob("mesh.*.onnx")
    data = bytearray(graph.read_bytes())
    data[len(data) // 2] ^= 1
    graph.write_bytes(data)
    with served(tmp_path / "page") as address:
        page = visit(address)
        page.set_input_files("#source-file", files["source"])
        text(page, "load-state", "altered or cut short")


def test_a_new_version_is_offered_and_taken(visit, dist, tmp_path):
    site = tmp_path / "page"
    shutil.copytree(dist / "deep" / "page", site)
    with served(site) as address:
        page = visit(address)
        words = (site / "words.js").read_text().replace("Whose face", "Whose head")
        (site / "words.js").write_text(words)
        script = (site / "sw.js").read_text()
        old = json.loads(script.split("const FILES = ")[1].split(";")[0])["words.js"]
        (site / "sw.js").write_text(script.replace(old, "0" * 16))
        page.reload()
        until(page, "document.getElementById('update').hidden === false")
        assert page.inner_text("#source-title").endswith("Whose face")
        page.click("#reload")
        until(page, "document.getElementById('source-title').textContent.includes('head')")


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


def test_the_camera_can_be_the_source(visit, host):
    page = visit(host, "phone")
    page.click("#source-take")
    until(page, "document.getElementById('source-camera').videoWidth")
    page.click("#source-shutter")
    text(page, "source-state", "ready")
    assert pixels(page, "source-face").std() > 20


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", list(SIZES))
def test_no_serious_fault_for_those_who_cannot_see_or_point(visit, host, files, size, scheme):
    page = visit(host, size, color_scheme=scheme)
    swapped(page, files["source"], files["target"])
    axe = (ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js").read_text()
    for tab in ("live", "clip", "picture"):
        page.click(f"#tab-{tab}")
        page.evaluate(axe)
        found = page.evaluate("axe.run()")
        bad = [v for v in found["violations"] if v["impact"] in ("serious", "critical")]
        assert [(v["id"], [node["html"] for node in v["nodes"]]) for v in bad] == []
        assert len(found["passes"]) > 15


def test_tabs_by_keyboard(visit, host):
    page = visit(host)
    page.focus("#tab-picture")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-live"
    assert page.is_visible("#panel-live") and not page.is_visible("#panel-picture")
