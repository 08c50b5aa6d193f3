"""The app as it is served: a real process, a real client, a real browser."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import cv2
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from playwright.sync_api import sync_playwright

from demo.picture import read_picture, write_picture
from demo.provenance import verify

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = "/usr/bin/chromium"
QUIET = [
    "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Where the app keeps what visitors bring, and what they get."""
    return tmp_path_factory.mktemp("gradio")


@pytest.fixture(scope="module")
def url(cache):
    """The address of `python app.py`, started for these tests and ended after them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "app.py", "--port", str(port)],
        cwd=ROOT,
        env={**os.environ, "GRADIO_TEMP_DIR": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    address = f"http://127.0.0.1:{port}/"
    for _ in range(240):
        try:
            urllib.request.urlopen(address, timeout=5).close()
            break
        except (urllib.error.URLError, OSError):
            assert process.poll() is None, process.stdout.read()
            time.sleep(0.5)
    yield address
    process.terminate()
    told = process.communicate(timeout=30)[0]
    assert "Traceback" not in told and len(told.splitlines()) < 12  # nothing about faces is logged


@pytest.fixture(scope="module")
def client(url, tmp_path_factory):
    made = Client(url, verbose=False, download_files=str(tmp_path_factory.mktemp("client")))
    yield made
    made.close()


@pytest.fixture
def files(tmp_path, astronaut):
    wide = cv2.resize(astronaut[:400, ::-1], None, fx=1.15, fy=0.95)
    tinted = np.clip(astronaut[40:460, 60:420] * (0.6, 1.0, 1.2), 0, 255).astype(np.uint8)
    for name, frame in (("source", wide), ("tinted", tinted), ("target", astronaut),
                        ("blank", np.full((200, 200, 3), 90, np.uint8))):  # fmt: skip
        write_picture(tmp_path / f"{name}.png", frame)
    (tmp_path / "text.png").write_text("not a picture")
    return {path.stem: handle_file(path) for path in tmp_path.iterdir()}


def swapped(client, source, target, engine="mesh", strength=1.0, consent=True, faces=""):
    return client.predict(source, target, engine, strength, consent, faces, api_name="/swap_image")


@pytest.mark.parametrize("engine", ["mesh", "idn"])
def test_round_trip(client, files, astronaut, engine):
    path, status = swapped(client, files["source"], files["target"], engine)
    assert status.startswith("1 of ") and f"`{engine}`" in status and "ExecutionProvider" in status
    verdict = verify(path)
    assert verdict.valid and verdict.synthetic and verdict.marked
    difference = np.abs(read_picture(path).astype(int) - astronaut).mean(2)
    assert difference[70:170, 185:265].mean() > 4 and difference[300:].mean() < 2.5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"consent": False}, "confirm first"),
        ({"source": "blank"}, "the source shows no face"),
        ({"target": "blank"}, "No face in the target"),
        ({"source": "text"}, "not a picture"),
        ({"faces": "9"}, "There is no face 9"),
        ({"engine": "magic"}, "expected one of idn, mesh"),
    ],
)
def test_errors_come_back_by_name(client, files, change, words):
    named = {k: files.get(v, v) for k, v in change.items()}
    with pytest.raises(AppError, match=words):
        swapped(client, **{"source": files["source"], "target": files["target"], **named})


def test_two_visitors_do_not_mix(url, client, files):
    second = Client(url, verbose=False)
    jobs = [
        (who, c.submit(files[who], files["target"], "idn", 1.0, True, "", api_name="/swap_image"))
        for _ in range(5)
        for who, c in (("source", client), ("tinted", second))
    ]
    results = {"source": [], "tinted": []}
    for who, job in jobs:
        results[who].append(read_picture(job.result()[0]))
    second.close()
    for same in results.values():
        assert all((picture == same[0]).all() for picture in same)
    assert (results["source"][0] != results["tinted"][0]).any()


def test_nothing_else_is_exposed(client):
    named = set(client.view_api(return_format="dict")["named_endpoints"])
    assert named == {"/swap_image", "/swap_video"}


def test_the_open_redirect_is_closed(url):
    for path in ("gradio_api/file=https://example.com/", "file=http:/example.com"):
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(url + path)
        assert error.value.code == 403
        error.value.close()


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_a_person_swaps_in_a_browser(url, files, tmp_path, size):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(viewport={"width": size[0], "height": size[1]})
        asked = []  # what was answered from anywhere, or would have been without our policy
        page.on("requestfinished", lambda request: asked.append(request.url))
        page.on("requestfailed", lambda r: asked.append(r.url) if r.failure != "csp" else None)
        page.goto(url)
        for name in ("source", "target"):
            page.wait_for_selector(f"#{name} input[type=file]", state="attached", timeout=60_000)
            page.set_input_files(f"#{name} input[type=file]", files[name]["path"])
        page.wait_for_selector("#preview img", timeout=60_000)
        page.click("#swap")  # without consent
        page.get_by_text("confirm first").wait_for(timeout=60_000)
        page.check("#consent input")
        page.click("#swap")
        page.wait_for_selector("#file a", timeout=60_000)
        assert page.locator("#result img").count() >= 2
        assert "swapped in" in page.inner_text("#status")
        with page.expect_download() as download:
            page.click("#file a")
        download.value.save_as(tmp_path / "out.jpg")
        wide = page.evaluate("document.documentElement.scrollWidth")
        page.screenshot(path=str(tmp_path / "page.png"), full_page=True)
        browser.close()
    assert verify(tmp_path / "out.jpg").synthetic
    assert wide <= size[0]  # nothing to scroll sideways for
    assert [u for u in asked if not u.startswith((url, "data:", "blob:"))] == []


def test_the_app_says_why_it_cannot_start(tmp_path):
    done = subprocess.run(
        [sys.executable, "app.py", "--detector", "no_such_pack"],
        cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 7 and done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_visitors_are_not_counted(url):
    with urllib.request.urlopen(url + "config") as answer:
        config = json.load(answer)
    assert config["analytics_enabled"] is False
