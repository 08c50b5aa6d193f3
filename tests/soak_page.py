"""The long measurements of the page in web/, for figures; not part of `make test`.

    python -m tests.soak_page first --times 3    # seconds from the files' arrival to a picture
    python -m tests.soak_page soak --minutes 10  # the camera: does memory grow, does the rate fall

Each prints a line of JSON for each visit or half minute and one at the end, with the load.
--site DIR takes a page that was built before. The camera is a film of a moving face.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import sync_playwright
from skimage.data import astronaut

from demo.picture import write_picture
from tests.camera import memory, spent
from tests.page.site import CAMERA, CHROMIUM, SIZES, choose, film, served, text, until
from web.build import build

SETTLE = 15  # seconds until caches are full
WINDOW = 30  # seconds of one measurement
# V8 lets the room for short-lived objects rise to 32 MB in each of the page's two threads, over
# minutes: no leak, but as large as one. Here it may not rise.
YOUNG = ("--expose-gc", "--min-semi-space-size=1", "--max-semi-space-size=1")
WATCH = """() => {
  window.marks = [];
  for (const id of ["load-state", "source-state", "picture-state"]) {
    const line = document.getElementById(id);
    const mark = () => marks.push([performance.now() / 1000, line.textContent]);
    new MutationObserver(mark).observe(line, { childList: true });
  }
}"""
MARKS = {"came": "Starting", "opened": "Ready.", "source": "is ready", "swapped": "swapped in"}
COUNT = """() => {
  window.shown = 0;
  const stats = document.getElementById("live-stats");
  new MutationObserver(() => (shown += 1)).observe(stats, { childList: true });
}"""


def tell(**figures):
    print(json.dumps({**figures, "load": round(os.getloadavg()[0], 2)}), flush=True)


def processes(browser):
    """Kind -> process numbers. The largest "renderer" is the page's, with its workers."""
    session = browser.new_browser_cdp_session()
    found = {}
    for part in session.send("SystemInfo.getProcessInfo")["processInfo"]:
        found.setdefault(part["type"], []).append(part["id"])
    session.detach()
    return found


def visit(browser, address):
    width, height = SIZES["desk"]
    page = browser.new_context(viewport={"width": width, "height": height}).new_page()
    page.goto(address)
    until(page, "crossOriginIsolated && document.readyState == 'complete'")
    return page


def first(browser, address, options):
    """Seconds after the last byte has come; `cpu`, seconds of processor of the whole visit."""
    rows = []
    for _ in range(options.times):
        page = visit(browser, address)
        parts = processes(browser)["renderer"]
        before = sum(map(spent, parts))
        page.evaluate(WATCH)
        page.set_input_files("#picture-file", options.folder / "target.png")
        choose(page, options.folder / "source.png")
        page.click("#picture-swap")
        text(page, "picture-state", "swapped in")
        marks = page.evaluate("marks")
        at = {
            name: next(when for when, said in marks if words in said)
            for name, words in MARKS.items()
        }
        came = at.pop("came")
        rows.append({name: round(when - came, 2) for name, when in at.items()})
        rows[-1] |= {"loading": round(came - marks[0][0], 2)}
        rows[-1] |= {"cpu": round(sum(map(spent, parts)) - before, 2)}
        tell(test="first", **rows[-1], runs_on=page.inner_text("#load-state"))
        page.context.close()
    middle = {name: statistics.median(row[name] for row in rows) for name in rows[0]}
    tell(test="first, median", **middle)


def soak(browser, address, options):
    page = visit(browser, address)
    choose(page, options.folder / "source.png")
    page.click("#tab-live")
    page.click("#live-start")
    text(page, "live-stats", "face found")
    page.evaluate(COUNT)
    page.wait_for_timeout(SETTLE * 1000)
    rows = []
    for _ in range(max(2, round(options.minutes * 60 / WINDOW))):
        rows.append(window(browser, page))
        tell(test="soak", **rows[-1], said=page.inner_text("#live-stats"))
    start, end = rows[0], rows[-1]
    grown = {name: round(end[name] - start[name], 1) for name in ("renderer", "gpu")}
    tell(test="soak, at the end", start=start, end=end, grown=grown)


def window(browser, page):
    """Frames a second, and the median of the megabytes that are held when the garbage is out.

    Where memory is plenty, a browser lets garbage lie for minutes: that is no leak.
    """
    parts = processes(browser)
    held = {"renderer": [], "gpu": []}
    began = time.monotonic()
    page.evaluate("shown = 0")
    for second in range(WINDOW):
        page.wait_for_timeout(1000)
        if second % 10 == 0:
            for place in (page, *page.workers):
                place.evaluate("globalThis.gc?.()")
        for name, kind in (("renderer", "renderer"), ("gpu", "GPU")):
            there = [number for number in parts[kind] if Path(f"/proc/{number}").exists()]
            held[name].append(max(map(memory, there)))
    shown = page.evaluate("shown")
    figures = {name: round(statistics.median(values), 1) for name, values in held.items()}
    return {"fps": round(shown / (time.monotonic() - began), 1), **figures}


def materials(folder):
    """The camera's film, a source and a target."""
    picture = astronaut()
    film(picture, folder / "film.y4m")
    write_picture(folder / "target.png", picture)
    source = cv2.resize(np.ascontiguousarray(picture[:400, ::-1]), None, fx=1.15, fy=0.95)
    write_picture(folder / "source.png", source)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tests = {work.__name__: work for work in (first, soak)}
    parser.add_argument("test", choices=tests)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--site", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        options.folder = Path(folder)
        materials(options.folder)
        if options.site is None:
            options.site = options.folder / "site"
            build(options.site)
        args = [*CAMERA, f"--use-file-for-fake-video-capture={options.folder / 'film.y4m'}"]
        args += [f"--js-flags={' '.join(YOUNG)}"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=args)
        with served(options.site) as address:
            tests[options.test](browser, address, options)
        browser.close()


if __name__ == "__main__":
    main()
