"""Every state of the page as a picture to be looked at; not part of `make test`.

    python -m tests.page.shots FOLDER    # phone and desk, light and dark

What can be measured is printed: text that is cut off, and targets too small for a finger.
"""

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from skimage.data import astronaut

from demo.picture import write_picture
from tests.page.clips import write_clip
from tests.page.site import CAMERA, CHROMIUM, SIZES, choose, film, served, text, until
from web.build import build

VIEWS = {
    "phone": {"device_scale_factor": 2, "has_touch": True, "is_mobile": True},
    "desk": {"device_scale_factor": 1},
}
FAULTS = """() => {
  const seen = (element) => element.checkVisibility() && element.getClientRects().length;
  const name = (element) => element.id || element.textContent.trim() || element.className;
  const cut = [...document.querySelectorAll("button, .button, p, h1, h2, summary, label")]
    .filter((e) => seen(e) && e.scrollWidth > e.clientWidth + 1).map((e) => `cut: ${name(e)}`);
  const small = [...document.querySelectorAll("button, .button, summary, .check, .slider")]
    .filter((e) => seen(e) && (e.offsetHeight < 44 || e.offsetWidth < 44))
    .map((e) => `small: ${name(e)} ${e.offsetWidth} x ${e.offsetHeight}`);
  const wide = document.documentElement.scrollWidth > innerWidth ? ["wider than the screen"] : [];
  return [...cut, ...small, ...wide];
}"""


class Shots:
    """Pictures of one size of screen: `shots("name")` takes it in both schemes."""

    def __init__(self, folder, size, page):
        self.folder, self.size, self.page = folder, size, page

    def __call__(self, name):
        width, height = SIZES[self.size]
        for fault in self.page.evaluate(FAULTS):
            print(f"{name}, {self.size}: {fault}", flush=True)
        if self.size == "phone":  # all of it; playwright's own way would forget the finger
            whole = self.page.evaluate("document.documentElement.scrollHeight")
            self.page.set_viewport_size({"width": width, "height": whole})
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)
            self.page.screenshot(path=self.folder / f"{name}-{self.size}-{scheme}.png")
        self.page.set_viewport_size({"width": width, "height": height})


def pictures(page, shots, files):
    shots("empty")
    page.click("details.sent summary")
    shots("sent")
    page.click("details.sent summary")
    page.click("#picture-swap")
    text(page, "picture-state", "First choose")
    shots("error-order")
    page.set_input_files("#source-file", files / "text.png")
    text(page, "source-state", "not a picture")
    shots("error-file")
    choose(page, files / "source.png")
    shots("source")
    if page.is_visible("#phone"):
        page.click("#phone")
        until(page, "document.querySelector('#phone-code svg') !== null")
        shots("phone-code")
        page.click("#phone")
    page.set_input_files("#picture-file", files / "target.png")
    text(page, "picture-state", "found")
    shots("faces")
    page.click("#picture-swap")
    text(page, "picture-state", "swapped in")
    shots("result")


def camera(page, shots, _):
    page.click("#tab-live")
    shots("live-empty")
    page.click("#live-start")
    text(page, "live-stats", "face found")
    shots("live")
    page.click("#live-stop")
    page.click("#source-take")
    until(page, "document.getElementById('source-camera').videoWidth")
    shots("source-camera")
    page.click("#source-cancel")
    shots("source-cancelled")


def clips(page, shots, files):
    page.click("#tab-clip")
    shots("clip-empty")
    page.set_input_files("#clip-file", files / "clip.mp4")
    until(page, "document.getElementById('clip-shown').readyState > 1")
    page.click("#clip-start")
    text(page, "clip-state", "% done")
    shots("clip-progress")
    text(page, "clip-state", "with a swapped face")
    until(page, "document.getElementById('clip-shown').readyState > 1")
    shots("clip-done")


def stopped(page, shots, files):
    """A first visit whose networks do not come."""
    page.set_input_files("#source-file", files / "source.png")
    text(page, "load-state", "Loading")
    shots("loading")


def offline(page, shots, files):
    """A visit that had no time to load the networks before the connection went."""
    page.context.set_offline(True)
    page.set_input_files("#source-file", files / "source.png")
    text(page, "load-state", "connection")
    shots("offline")


def stalled(context):
    """The networks' requests, which get no answer."""
    held = []
    context.route("**/*.onnx", lambda route: held.append(route))
    return held


def shoot(browser, address, files, folder, size):
    width, height = SIZES[size]
    view = {"viewport": {"width": width, "height": height}, "reduced_motion": "reduce"}
    for work in ((pictures, camera, clips), (stopped,), (offline,)):
        stop = {"service_workers": "block"} if stopped in work else {}
        context = browser.new_context(**view, **VIEWS[size], **stop)
        held = stalled(context) if stop else []
        page = context.new_page()
        page.goto(address)
        until(page, "document.getElementById('source-hint').textContent && " + (
            "true" if stop else "crossOriginIsolated"))  # fmt: skip
        for part in work:
            part(page, Shots(folder, size, page), files)
        for route in held:
            route.abort()
        context.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", choices=SIZES, action="append")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        files, picture = Path(folder), astronaut()
        build(files / "site")
        write_picture(files / "target.png", picture)
        write_picture(files / "source.png", picture[:400, ::-1].copy())
        write_clip(files / "clip.mp4", picture)
        (files / "text.png").write_text("not a picture")
        args = [*CAMERA, f"--use-file-for-fake-video-capture={film(picture, files / 'film.y4m')}"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=args)
        with served(files / "site") as address:
            named = address.replace("127.0.0.1", "page.localhost")  # a name has a code for phones
            for size in options.size or SIZES:
                shoot(browser, named, files, options.folder, size)
        browser.close()


if __name__ == "__main__":
    main()
