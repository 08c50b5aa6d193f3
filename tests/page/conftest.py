"""The built site on a plain static server, and a visitor who knows nothing yet."""

import shutil

import cv2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

from tests.page.site import CAMERA, CHROMIUM, SIZES, film, served, until
from web.build import build


@pytest.fixture(scope="session")
def dist(tmp_path_factory):
    """The site at the server's root, and once more under /deep/page/."""
    folder = tmp_path_factory.mktemp("site")
    build(folder / "root")
    shutil.copytree(folder / "root", folder / "root" / "deep" / "page")
    return folder / "root"


@pytest.fixture(scope="session")
def host(dist):
    with served(dist) as address:
        yield address


@pytest.fixture(scope="module")  # two playwrights at a time do not go together
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
        view = {"width": width, "height": height}  # still: a colour half way has no contrast
        context = browser.new_context(viewport=view, reduced_motion="reduce", **options)
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


@pytest.fixture(scope="session")
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
