"""A fake camera whose frames carry their number, a browser that holds it, and a ruler.

`clip` writes what Chromium plays as a camera; `probe.js` reads the numbers back, from the visitor's
own picture and from the one that returns, and keeps how long each took from glass to glass.
"""

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import TimeoutError as Late

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream", "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip
PROBE = (ROOT / "tests" / "probe.js").read_text()
BITS, BLOCK = 10, 16  # of the number; pixels at 640x480 of one bit's square


def clip(path, picture, count=96, size=(640, 480), rate=30, away=()):
    """A y4m in which `picture` drifts a little, each frame stamped; Chromium plays it in a loop.

    picture: (h, w, 3) uint8 RGB, shown whole and upright, grey beside it; None: grey alone.
    away: numbers of frames in which it is not there.
    """
    width, height = size
    with open(path, "wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{rate}:1 Ip A1:1 C420jpeg\n".encode())
        for number in range(count):
            there = None if number in away else picture
            frame = stamp(shown(there, number / count, size), number)
            file.write(b"FRAME\n" + cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420).tobytes())
    return path


def shown(picture, phase, size):
    """One frame (height, width, 3): the picture goes round a small circle once a loop."""
    width, height = size
    if picture is None:
        return np.full((height, width, 3), 90, np.uint8)
    zoom = height / len(picture)
    x, y = (height / 60) * np.array([np.cos(2 * np.pi * phase), np.sin(2 * np.pi * phase)])
    side = (width - picture.shape[1] * zoom) / 2
    matrix = np.float64([[zoom, 0, side + x], [0, zoom, y]])
    return cv2.warpAffine(picture, matrix, size, borderValue=(90, 90, 90))


def stamp(frame, number):
    """Squares in the upper left corner: one white, one black, then the bits, lowest first."""
    block = BLOCK * frame.shape[0] // 480
    for i, bit in enumerate([1, 0, *(number >> n & 1 for n in range(BITS))]):
        y, x = (i // 6) * block, (i % 6) * block
        frame[y : y + block, x : x + block] = 235 * bit + 16 * (1 - bit)
    return frame


@contextlib.contextmanager
def served(folder, *options, before="", scheme="http"):
    """(address, process) of `python app.py`. before: Python that runs first, to slow it down."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = f"import sys, app\n{before}\nsys.exit(app.main())"
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code, "--port", str(port), *options],
        cwd=ROOT, env={**os.environ, "GRADIO_TEMP_DIR": str(folder)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    address = f"{scheme}://127.0.0.1:{port}/"
    try:
        ready(address, process)
        yield address, process
    finally:
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=30)[0]
    assert "Traceback" not in told, told
    assert len(told.splitlines()) < 12, told  # nothing about faces is logged


def browser(playwright, camera, *flags):
    return playwright.chromium.launch(
        executable_path=CHROMIUM,
        args=[*FLAGS, f"--use-file-for-fake-video-capture={camera}", *flags],
    )


@contextlib.contextmanager
def killable(camera, folder):
    """(browser, what kills it): one of its own, that can end without a goodbye."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [CHROMIUM, "--headless=new", f"--remote-debugging-port={port}", *FLAGS,
         f"--user-data-dir={folder}", f"--use-file-for-fake-video-capture={camera}", "about:blank"],
        start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        ready(f"http://127.0.0.1:{port}/json/version", process)
        yield f"http://127.0.0.1:{port}", lambda: os.killpg(process.pid, signal.SIGKILL)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def attached(playwright, address, tries=4):
    """A browser that runs already; one that is still busy with its start may not answer at once."""
    for _ in range(tries - 1):
        with contextlib.suppress(Late):
            return playwright.chromium.connect_over_cdp(address, timeout=15_000)
    return playwright.chromium.connect_over_cdp(address)


def ready(address, process):
    for _ in range(240):
        with contextlib.suppress(OSError):
            trusting = ssl._create_unverified_context()
            return urllib.request.urlopen(address, timeout=5, context=trusting).close()
        assert process.poll() is None, process.args
        time.sleep(0.5)
    raise TimeoutError(address)


def opened(browser, address, source, probe=True):
    """A page at the Live tab with a source chosen and agreed to; mirror off, so numbers read."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.add_init_script(PROBE)
    page.goto(address)
    page.get_by_role("tab", name="Live").click()
    page.wait_for_selector("#live-source input[type=file]", state="attached", timeout=60_000)
    choose(page, source)
    page.uncheck("#live-mirror input")
    if probe:
        page.evaluate("probe.begin()")
    return page


def choose(page, source):
    """Another source, and the consent that it asks for."""
    taken = "document.getElementById('live-taken')?.textContent.includes('Using')"
    clear = page.locator("#live-source button[aria-label='Remove Image']")
    if clear.count():
        clear.first.click()
        page.wait_for_function(f"!{taken}", timeout=90_000)
    page.set_input_files("#live-source input[type=file]", str(source))
    page.wait_for_function(taken, timeout=90_000)
    page.check("#live-consent input")


def start(page, timeout=90_000):
    page.click("#live-start")
    page.wait_for_function("document.getElementById('live-out').videoWidth > 0", timeout=timeout)


def summary(got, seconds):
    """Rate and latencies of what `probe.take()` gave."""
    if not got["seen"]:
        return {"fps": 0.0}
    late = np.array([row[1] for row in got["seen"]])
    return {
        "fps": round(got["frames"] / seconds, 1),
        "p50": float(np.percentile(late, 50)),
        "p95": float(np.percentile(late, 95)),
        "most": float(late.max()),
    }


def memory(pid):
    """Resident megabytes of a process."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) / 1024


def spent(pid):
    """Seconds of processor that a process has used, all threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
