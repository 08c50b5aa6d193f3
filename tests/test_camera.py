"""The Live tab as a visitor meets it: a real server, a real browser, a camera of stamped frames."""

import json
import time
import urllib.request

import cv2
import numpy as np
import pytest
from playwright.sync_api import sync_playwright

from demo.picture import write_picture
from demo.provenance import SYNTHETIC
from tests.camera import attached, browser, choose, clip, killable, opened, served, start

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
FIGURES = "document.getElementById('live-figures').textContent"
SAYS = "document.getElementById('live-say').textContent"


@pytest.fixture(scope="module")
def files(tmp_path_factory, astronaut):
    folder = tmp_path_factory.mktemp("live")
    clip(folder / "camera.y4m", astronaut, count=48, size=(320, 240))
    dotted = astronaut[:400].copy()  # dots on it: seen wherever the face is carried
    for x in (196, 235):  # cheeks
        cv2.circle(dotted, (x, 140), 9, (40, 20, 20), -1)
    write_picture(folder / "dotted.png", dotted)
    write_picture(folder / "plain.png", np.ascontiguousarray(astronaut[:400, ::-1]))
    return folder


@pytest.fixture(scope="module")
def url(files):
    with served(files / "gradio", "--visitors", "2") as (address, _):
        yield address


@pytest.fixture(scope="module")
def playwright():
    with sync_playwright() as made:
        yield made


@pytest.fixture(scope="module")
def chromium(playwright, files):
    made = browser(playwright, files / "camera.y4m")
    yield made
    made.close()


@pytest.fixture
def page(chromium, url, files):
    made = opened(chromium, url, files / "plain.png")
    yield made
    made.evaluate("Live.stop()")
    made.close()


def words(page, text, where="live-say"):
    page.wait_for_function(
        "([id, text]) => document.getElementById(id).textContent.includes(text)",
        arg=[where, text], timeout=90_000,
    )  # fmt: skip


def seen(page, count=12):
    """Rows [number, milliseconds, when] of the frames that come back."""
    page.evaluate("probe.take()")
    page.wait_for_function(f"probe.seen.length >= {count}", timeout=90_000)
    return page.evaluate("probe.take()")["seen"]


def test_one_sees_oneself_swapped_and_the_figures(page):
    start(page)
    numbers = [row[0] for row in seen(page)]
    steps = np.diff(numbers) % 48
    assert (steps < 24).all() and len(set(numbers)) > 6  # forward, and not frozen
    page.wait_for_function(f"/[1-9].* FPS .*ms from camera.*mesh.*Provider/.test({FIGURES})")
    assert page.evaluate("document.getElementById('live-instead').hidden")
    page.click("#live-stop")
    page.wait_for_function("!document.getElementById('live-out').srcObject")


def test_another_face_without_another_connection(page, files):
    """A source with dots on its face arrives in the picture that runs."""
    start(page)
    track = "document.getElementById('live-out').srcObject.getVideoTracks()[0].id"
    known = page.evaluate(track)
    one, two = faces(page), faces(page)
    choose(page, files / "dotted.png")
    page.wait_for_timeout(1500)
    other = faces(page)
    assert apart(two, other) > 3 * apart(one, two) + 2
    assert page.evaluate(track) == known


def faces(page):
    """Number -> (24, 24, 3), the face of each frame of the loop that came back."""
    page.evaluate("probe.keep = true; probe.take()")
    page.wait_for_function("probe.faces.length >= 36", timeout=90_000)
    got = page.evaluate("probe.take()")
    found = np.array(got["faces"], float).reshape(-1, 24, 24, 4)[..., :3]
    return {row[0]: face for row, face in zip(got["seen"], found, strict=True)}


def apart(one, two):
    """Levels of 255 between two runs, by the same frames of the camera, where the face is."""
    both = sorted(one.keys() & two.keys())
    assert len(both) > 8
    return float(np.median([np.abs(one[n] - two[n])[5:13, 6:14].mean() for n in both]))


def test_a_third_is_refused_and_finds_the_other_ways(chromium, url, files):
    pages = [opened(chromium, url, files / "plain.png", probe=False) for _ in range(3)]
    for page in pages[:2]:
        start(page)
    pages[2].click("#live-start")
    pages[2].get_by_text("All 2 places are taken").wait_for(timeout=90_000)
    assert pages[2].get_by_role("link", name="open it here").get_attribute("href") == "web/"
    pages[0].evaluate("Live.stop()")
    start(pages[2])
    for page in pages:
        page.close()


def test_a_killed_browser_frees_its_place(playwright, chromium, url, files):
    with killable(files / "camera.y4m", files / "doomed") as (port, kill):
        for one in (attached(playwright, port), chromium):
            start(opened(one, url, files / "plain.png", probe=False))
        kill()
        began = time.monotonic()
    third = opened(chromium, url, files / "plain.png", probe=False)
    third.click("#live-start")
    third.get_by_text("All 2 places are taken").first.wait_for(timeout=90_000)
    while third.evaluate("document.getElementById('live-say').textContent").startswith("Press"):
        assert time.monotonic() - began < 90, "the place was not given back"
        third.click("#live-start")
        third.wait_for_timeout(1000)
    third.wait_for_function("document.getElementById('live-out').videoWidth > 0", timeout=90_000)
    for context in chromium.contexts:
        context.close()


def test_without_a_way_through_it_says_why_and_offers_others(chromium, url, files):
    """A firewall: the browser may use relays only, and there is none."""
    page = opened(chromium, url, files / "plain.png", probe=False)
    page.evaluate(
        "const Real = RTCPeerConnection;"
        "window.RTCPeerConnection = function (o) {"
        "  return new Real({ ...o, iceTransportPolicy: 'relay' }); };"
    )
    page.click("#live-start")
    words(page, "Connecting")
    began = time.monotonic()
    words(page, "a firewall or a network between")
    assert time.monotonic() - began < 60
    assert not page.evaluate("document.getElementById('live-instead').hidden")
    page.close()


def test_an_unplugged_camera_is_said_and_comes_back(page):
    start(page)
    seen(page)
    page.evaluate("""() => {
      const track = document.getElementById('live-self').srcObject.getVideoTracks()[0];
      track.stop(); track.dispatchEvent(new Event('ended')); }""")
    words(page, "The camera is gone")
    words(page, "No picture comes from your camera", "live-advice")
    page.evaluate("navigator.mediaDevices.dispatchEvent(new Event('devicechange'))")
    page.wait_for_function(f"{SAYS} === ''", timeout=90_000)
    seen(page)


def test_a_refused_camera_is_said(page):
    page.evaluate("""() => { navigator.mediaDevices.getUserMedia =
      () => Promise.reject(new DOMException('no', 'NotAllowedError')); }""")
    page.click("#live-start")
    words(page, "may not use the camera")
    assert not page.evaluate("document.getElementById('live-instead').hidden")


def test_a_recording_comes_back_marked(page, tmp_path):
    start(page)
    page.click("#live-record")
    page.wait_for_selector("#live-record.stop", timeout=90_000)
    seen(page, 20)
    page.click("#live-record")
    page.wait_for_selector("#live-file a", timeout=90_000)
    with page.expect_download() as download:
        page.click("#live-file a")
    download.value.save_as(tmp_path / "live.mp4")
    data = (tmp_path / "live.mp4").read_bytes()
    assert data[4:8] == b"ftyp" and SYNTHETIC.encode() in data


def test_the_http_stream_swaps_too(page):
    page.get_by_text("No connection? The HTTP stream").click()
    page.click("#live-http-start")
    camera = page.locator("#live-http-camera button:visible")
    camera.first.click()  # the camera
    page.wait_for_selector("#live-http-camera video", timeout=90_000)
    page.locator("#live-http-camera .button-wrap button:visible").first.click()  # and go
    page.wait_for_selector("#live-http-out img", timeout=90_000)
    page.get_by_text("mesh · CPU").wait_for(timeout=90_000)


def test_nothing_is_told_to_strangers(url):
    ask = urllib.request.Request(
        url + "live/offer", json.dumps({"key": "x", "sdp": "", "type": "offer"}).encode(),
        {"Content-Type": "application/json"},
    )  # fmt: skip
    with urllib.request.urlopen(ask) as answer:
        assert "press Start" in json.load(answer)["refused"]
