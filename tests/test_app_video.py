"""The Video tab and `/swap_video` as they are served: a real process, client and browser."""

import time

import clips
import cv2
import numpy as np
import pytest
from gradio_client import handle_file
from gradio_client.exceptions import AppError
from playwright.sync_api import sync_playwright
from test_app import CHROMIUM, QUIET, cache, client, url  # noqa: F401 - fixtures

from demo.media import probe
from demo.picture import write_picture
from demo.provenance import verify

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def files(astronaut, tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    wide = cv2.resize(astronaut[:400, ::-1], None, fx=1.15, fy=0.95)
    write_picture(folder / "source.png", wide)
    clips.write(folder / "clip.mp4", clips.moving(astronaut, 36, (480, 360)), sounds=["aac"])
    clips.write(folder / "long.mp4", clips.moving(astronaut, 900), sounds=["aac"])
    twins = [np.hstack([f, f[:, ::-1]]) for f in clips.moving(astronaut, 12, (320, 320))]
    clips.write(folder / "two.mp4", twins)
    clips.write(folder / "slow.mp4", clips.moving(astronaut, 3), [0, 6_000_000, 12_000_000])
    (folder / "text.mp4").write_text("no clip")
    return folder


def swapped(client, files, clip="clip.mp4", engine="mesh", quality="good", end=0, **rest):  # noqa: F811
    source, clip = handle_file(files / "source.png"), handle_file(files / clip)
    words = (rest.get("who", "main"), rest.get("consent", True))
    return client.predict(source, clip, engine, 1.0, quality, 0, end, *words,
                          api_name="/swap_video")  # fmt: skip


def test_round_trip(client, files):  # noqa: F811
    path, status = swapped(client, files, end=0.8, who="all")
    assert status.startswith("24 of 24 frames swapped with `mesh`")
    assert probe(path).sound == ("aac",) and abs(probe(path).seconds - 0.8) < 0.04
    assert verify(path).valid and verify(path).synthetic


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"consent": False}, "confirm first"),
        ({"clip": "text.mp4"}, "no video clip"),
        ({"clip": "slow.mp4"}, "expected at most 120: trim it"),
        ({"quality": "odd"}, "expected one of small, good, best"),
        ({"who": "7"}, "There is no person 7"),
    ],
)
def test_errors_come_back_by_name(client, files, how, words):  # noqa: F811
    with pytest.raises(AppError, match=words):
        swapped(client, files, **how)


@pytest.fixture
def page(url):  # noqa: F811
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        made = browser.new_page(viewport={"width": 1440, "height": 1000})
        made.goto(url)
        made.get_by_role("tab", name="Video").click()
        yield made
        browser.close()


def filled(page, files, clip):
    for name, path in (("#videosource", files / "source.png"), ("#clip", files / clip)):
        page.wait_for_selector(f"{name} input[type=file]", state="attached", timeout=60_000)
        page.set_input_files(f"{name} input[type=file]", path)
    page.wait_for_selector("#clipfaces img", timeout=60_000)
    page.get_by_text("Using the picture above").last.wait_for(timeout=60_000)
    page.check("#videoconsent input")


def test_a_person_swaps_a_clip_in_a_browser(page, files, tmp_path):
    filled(page, files, "clip.mp4")
    assert "480x360" in page.inner_text("#clipfound")
    assert not page.get_by_title("Trim video to selection").is_visible()  # fetched from elsewhere
    page.click("#tryframe")
    page.wait_for_selector("#tried img", timeout=60_000)
    page.click("#swapclip")
    page.wait_for_selector("#clipfile a", timeout=60_000)
    assert "36 of 36 frames swapped" in page.inner_text("#clipstatus")
    page.wait_for_selector("#clipresult video", timeout=60_000)
    played = page.evaluate(
        """async () => { const video = document.querySelector("#clipresult video");
        video.muted = true; await video.play(); await new Promise(r => setTimeout(r, 400));
        return [video.videoWidth, video.duration, video.currentTime, video.error]; }"""
    )
    assert played[0] == 480 and abs(played[1] - 1.2) < 0.1 and played[2] > 0 and played[3] is None
    with page.expect_download() as download:
        page.click("#clipfile a")
    download.value.save_as(tmp_path / "out.mp4")
    assert verify(tmp_path / "out.mp4").synthetic
    page.screenshot(path=str(tmp_path / "page.png"), full_page=True)


def test_a_clicked_face_alone_is_swapped(page, files):
    filled(page, files, "two.mp4")
    box = page.locator("#clipfaces img").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2)
    time.sleep(1)  # the preview comes back with a bright box
    page.click("#swapclip")
    page.wait_for_selector("#clipfile a", timeout=60_000)
    assert "2 people were seen, 1 swapped" in page.inner_text("#clipstatus")


def test_cancel_stops_and_leaves_nothing(page, files, cache):  # noqa: F811
    filled(page, files, "long.mp4")
    before = set(cache.rglob("*"))
    page.click("#swapclip")
    page.get_by_text("s left").first.wait_for(timeout=60_000)
    assert any(path.suffix == ".part" for path in set(cache.rglob("*")) - before)
    page.click("#cancelclip")
    page.get_by_text("nothing was kept").wait_for(timeout=10_000)
    assert [p for p in set(cache.rglob("*")) - before if p.is_file()] == []
