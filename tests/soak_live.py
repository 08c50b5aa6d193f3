"""The long measurements of the Live tab, for figures; not part of `make test`.

    python -m tests.soak_live speed              # 640x480: frames a second, glass to glass
    python -m tests.soak_live slow --minutes 5   # work slowed to 300 ms a frame
    python -m tests.soak_live two --minutes 2    # two visitors: is any face the other's
    python -m tests.soak_live kill               # a killed browser: seconds until its place is free
    python -m tests.soak_live source             # another face while live: seconds until it is seen
    python -m tests.soak_live nobody             # half a minute without a face: what is said when
    python -m tests.soak_live soak --minutes 30  # growth, exceptions, rate at start and end

Each prints one line of JSON a minute, and at the end, with the machine's load. --lock FILE takes a
lock around each window that is measured, on a machine that others use too. --engine idn measures
the other engine.
"""

import argparse
import contextlib
import fcntl
import json
import os
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import sync_playwright
from skimage.data import astronaut

from demo.picture import write_picture
from tests.camera import (
    attached,
    browser,
    choose,
    clip,
    killable,
    memory,
    opened,
    served,
    spent,
    start,
    summary,
)

SETTLE = 10  # seconds until rates and bitrates have risen
WINDOW = 20  # seconds of one measurement
SLOW = """
import time
from demo.live import Visitor
paint = Visitor.paint
def slow(self, frame):
    start = time.monotonic()
    out = paint(self, frame)
    time.sleep(max(0.0, 0.3 - (time.monotonic() - start)))
    return out
Visitor.paint = slow
"""


def tell(**figures):
    print(json.dumps({**figures, "load": round(os.getloadavg()[0], 2)}), flush=True)


@contextlib.contextmanager
def alone(lock):
    """The machine to oneself, as far as others keep to the lock."""
    if lock is None:
        yield
        return
    with open(lock, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def window(page, process, seconds=WINDOW):
    """What came back in some seconds, and what the server holds and spends: `cpu`, milliseconds of
    processor for a frame that came back, does not depend on what else the machine does."""
    page.evaluate("probe.light = true; probe.take()")
    began, before = time.monotonic(), spent(process.pid)
    page.wait_for_timeout(seconds * 1000)
    got = page.evaluate("probe.take()")
    figures = summary(got, time.monotonic() - began)
    each = (spent(process.pid) - before) * 1e3 / max(got["frames"], 1)
    held = round(memory(process.pid), 1)
    return {**figures, "unread": got["unread"], "mb": held, "cpu": round(each, 1)}


def live(chromium, address, options, source="plain.png"):
    page = opened(chromium, address, options.folder / source)
    if options.engine != "mesh":
        page.get_by_role("radio", name=options.engine).check()
    start(page)
    page.wait_for_timeout(SETTLE * 1000)
    return page


def speed(playwright, options):
    with served(options.folder / "gradio") as (address, process), alone(options.lock):
        chromium = browser(playwright, options.folder / "camera.y4m")
        page = live(chromium, address, options)
        told = page.inner_text("#live-figures")
        tell(test="speed", engine=options.engine, **window(page, process), shown=told)
        chromium.close()


def slow(playwright, options):
    with served(options.folder / "gradio", before=SLOW) as (address, process):
        chromium = browser(playwright, options.folder / "camera.y4m")
        page = live(chromium, address, options)
        end = time.monotonic() + options.minutes * 60
        while time.monotonic() < end:
            tell(test="slow", **window(page, process, min(40, options.minutes * 30)))
            page.wait_for_timeout(5000)
        with alone(options.lock):
            tell(test="slow, at the end", **window(page, process))
        chromium.close()


def two(playwright, options):
    """How many faces that come back are their own visitor's, the other's, and neither's.

    What each visitor should see is taken before, from either alone, by the frame's number. A face
    is somebody's where it lies within half the distance between both; one that fades in after it
    was lost is nobody's, nor is one whose number was misread.
    """
    names = ["plain.png", "dotted.png"]
    with served(options.folder / "gradio", "--visitors", "2") as (address, _):
        chromium = browser(playwright, options.folder / "camera.y4m")
        expected = []
        for name in names:
            page = live(chromium, address, options, name)
            expected.append(faces(page, SETTLE))
            page.close()
        pages = [live(chromium, address, options, name) for name in names]
        third = opened(chromium, address, options.folder / "plain.png", probe=False)
        third.click("#live-start")
        third.get_by_text("All 2 places are taken").wait_for(timeout=30_000)
        third.close()
        own, other, neither, nearest = [0, 0], [0, 0], [0, 0], [9e9, 9e9]
        end = time.monotonic() + options.minutes * 60
        for page in pages:
            page.evaluate("probe.keep = true; probe.take()")
        while time.monotonic() < end:
            pages[0].wait_for_timeout(5000)
            for i, page in enumerate(pages):
                for number, seen in taken(page):
                    if not all(number in known for known in expected):
                        continue
                    mine, theirs = (expected[j][number] for j in (i, 1 - i))
                    half, away = off(mine, theirs) / 2, off(seen, theirs)
                    own[i] += off(seen, mine) < half
                    other[i] += away < half
                    neither[i] += min(off(seen, mine), away) >= half
                    nearest[i] = min(nearest[i], away / half)
        nearest = np.round(nearest, 2).tolist()
        tell(test="two", own=own, other=other, neither=neither, nearest_to_other=nearest)
        chromium.close()


def faces(page, seconds):
    """Number -> (24, 24, 3), the faces that come back in some seconds."""
    page.evaluate("probe.keep = true; probe.take()")
    page.wait_for_timeout(seconds * 1000)
    return dict(taken(page))


def taken(page):
    """[(number, (24, 24, 3))] of every frame since the last time."""
    got = page.evaluate("probe.take()")
    found = np.array(got["faces"], float).reshape(-1, 24, 24, 4)[..., :3]
    return [(row[0], face) for row, face in zip(got["seen"], found, strict=True)]


def off(one, two):
    """Levels of 255 between two faces of one frame of the camera."""
    return float(np.abs(one - two)[5:13, 6:14].mean())


def kill(playwright, options):
    with served(options.folder / "gradio", "--visitors", "1") as (address, _):
        camera = options.folder / "camera.y4m"
        waiting = browser(playwright, camera)
        third = opened(waiting, address, options.folder / "plain.png", probe=False)
        with killable(camera, options.folder / "doomed") as (port, end):
            doomed = attached(playwright, port)
            live(doomed, address, options)
            began = time.monotonic()
            end()
        say = "document.getElementById('live-say').textContent"
        while third.evaluate(say).startswith("Press"):
            third.click("#live-start")
            third.wait_for_timeout(250)
        tell(test="kill", seconds=round(time.monotonic() - began, 1))
        waiting.close()


def source(playwright, options):
    """From the consent to the first frame that shows the new face."""
    with served(options.folder / "gradio") as (address, _), alone(options.lock):
        chromium = browser(playwright, options.folder / "camera.y4m")
        page = live(chromium, address, options)
        before = faces(page, 6)
        page.evaluate("""() => document.querySelector('#live-consent input').addEventListener(
          'change', () => { window.agreed = performance.now(); })""")
        choose(page, options.folder / "dotted.png")
        page.evaluate("probe.keep = true; probe.take()")
        page.wait_for_timeout(5000)
        agreed, got = page.evaluate("[window.agreed, probe.take()]")
        after = [(row, np.array(f, float).reshape(24, 24, 4)[..., :3])
                 for row, f in zip(got["seen"], got["faces"], strict=True)]  # fmt: skip
        far = [(r[2] - agreed, off(f, before[r[0]])) for r, f in after if r[0] in before]
        most = np.median([distance for _, distance in far[-30:]])
        first = next(when for when, distance in far if distance > most / 2)
        tell(test="source", milliseconds=round(first), far=round(float(most), 1))
        chromium.close()


def nobody(playwright, options):
    """Ten seconds of a face, 32 without, again and again: the advice as it changes, and whether
    frames go on coming back; at the end the face must be swapped as before."""
    camera = clip(
        options.folder / "away.y4m", astronaut(), count=630, rate=15, away=range(150, 630)
    )
    with served(options.folder / "gradio") as (address, _):
        chromium = browser(playwright, camera)
        page = live(chromium, address, options)
        began, last, told = time.monotonic(), None, []
        page.evaluate("probe.take()")
        while time.monotonic() < began + 60 * options.minutes:
            page.wait_for_timeout(500)
            say = page.inner_text("#live-advice"), page.inner_text("#live-say")
            if say != last:
                told.append([round(time.monotonic() - began, 1), *say])
                last = say
        seen = page.evaluate("probe.take()")["seen"]
        gap = float(np.diff([row[2] for row in seen]).max()) if len(seen) > 1 else None
        tell(test="nobody", told=told, frames=len(seen), longest_gap=gap)
        chromium.close()


def soak(playwright, options):
    with served(options.folder / "gradio") as (address, process):
        chromium = browser(playwright, options.folder / "camera.y4m")
        page = live(chromium, address, options)
        with alone(options.lock):
            tell(test="soak, at the start", **window(page, process, 60))
        end = time.monotonic() + options.minutes * 60
        while time.monotonic() < end:
            page.wait_for_timeout(40_000)
            tell(test="soak", **window(page, process))
        with alone(options.lock):
            tell(test="soak, at the end", **window(page, process, 60))
        chromium.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tests = {work.__name__: work for work in (speed, slow, two, kill, source, nobody, soak)}
    parser.add_argument("test", choices=tests)
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--engine", default="mesh")
    parser.add_argument("--lock")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        options.folder = Path(folder)
        materials(options.folder)
        tests[options.test](playwright, options)


def materials(folder):
    """The camera's clip and two sources: one plain, one with dots on its cheeks."""
    picture = astronaut()
    clip(folder / "camera.y4m", picture, count=96)
    write_picture(folder / "plain.png", np.ascontiguousarray(picture[:400, ::-1]))
    dotted = picture[:400].copy()
    for x in (196, 235):
        cv2.circle(dotted, (x, 140), 9, (40, 20, 20), -1)
    write_picture(folder / "dotted.png", dotted)


if __name__ == "__main__":
    main()
