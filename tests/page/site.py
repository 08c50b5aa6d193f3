"""What the page's tests share: the built site on a plain static server, and a browser that sees it.

The page's policy forbids `eval`, so playwright's own waiting cannot be used: `until` asks again.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np

CHROMIUM = "/usr/bin/chromium"
QUIET = [
    "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
SIZES = {"phone": (360, 640), "desk": (1440, 900)}  # pixels, width and height
CAMERA = [*QUIET, "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]


class Plain(SimpleHTTPRequestHandler):
    """A host that sends no header of ours."""

    def log_message(self, *_):
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a static server that shows `folder`; gone after the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Plain, directory=folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def until(page, script: str, seconds: float = 90):
    """What `script` says once it says something true; it is asked again while the page reloads."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if found := page.evaluate(script):
                return found
        except Exception as error:
            if "navigat" not in str(error) and "context" not in str(error):
                raise
        page.wait_for_timeout(50)
    raise AssertionError(f"never came true: {script}\n{page.inner_text('body')}")


def text(page, name: str, words: str, seconds: float = 90) -> str:
    """The text of an element, once `words` are in it."""
    found = f"document.getElementById({name!r}).textContent"
    return until(page, f"{found}.includes({words!r}) && {found}", seconds)


def pixels(page, name: str) -> np.ndarray:
    """(h, w, 3) uint8 RGB: what a canvas shows."""
    wide, high, data = page.evaluate(
        """(name) => {
            const canvas = document.getElementById(name);
            const { width, height } = canvas;
            const copy = new OffscreenCanvas(width, height);
            const pen = copy.getContext("2d");
            pen.drawImage(canvas, 0, 0);
            const { data } = pen.getImageData(0, 0, width, height);
            let text = "";
            for (const byte of data) text += String.fromCharCode(byte);
            return [width, height, btoa(text)];
        }""",
        name,
    )
    return np.frombuffer(base64.b64decode(data), np.uint8).reshape(high, wide, 4)[..., :3]


def film(picture: np.ndarray, path: Path, count: int = 60) -> Path:
    """A camera's 640 x 480 film of a picture that is moved and turned, as YUV4MPEG2."""
    with path.open("wb") as file:
        file.write(b"YUV4MPEG2 W640 H480 F30:1 Ip A1:1 C420jpeg\n")
        for turn in np.arange(count) * 2 * np.pi / count:
            zoom = 2.0 + 0.15 * np.sin(turn)
            corner = (
                320 - zoom * 225 + 40 * np.cos(turn),
                220 - zoom * 120 + 15 * np.sin(2 * turn),
            )
            matrix = np.array([[zoom, 0, corner[0]], [0, zoom, corner[1]]])
            frame = cv2.warpAffine(picture, matrix, (640, 480), borderMode=cv2.BORDER_REFLECT)
            file.write(b"FRAME\n" + cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420).tobytes())
    return path


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
