"""`demo.page`: the unbuilt page behind the app's own server."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from demo.page import ISOLATED, WEB, mount
from web.vendor import vendor


def get(path, **places):
    """The answer of a server that shows nothing but the page."""
    app = FastAPI()
    mount(app, **places)

    async def ask():
        wire = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=wire, base_url="http://page") as client:
            return await client.get(path, follow_redirects=True)

    return asyncio.run(ask())


@pytest.fixture(scope="module", autouse=True)
def runtime():
    vendor()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/web", "text/html"),
        ("/web/", "text/html"),
        ("/web/main.js", "javascript"),
        ("/web/vendor/ort.wasm.min.mjs", "javascript"),
        ("/web/vendor/ort-wasm-simd-threaded.wasm", "application/wasm"),
        ("/web/models/manifest.json", "application/json"),
        ("/web/models/weights/swap.onnx", "application/octet-stream"),
        ("/web/page.webmanifest", "application/manifest+json"),
    ],
)
def test_served_isolated_and_by_its_type(path, kind):
    answer = get(path)
    assert answer.status_code == 200 and kind in answer.headers["content-type"]
    assert all(answer.headers[name] == value for name, value in ISOLATED.items())


@pytest.mark.parametrize(
    "path",
    ["/web/build.py", "/web/node_modules/qr/index.js", "/web/models/export.py", "/web/no.js"],
)
def test_nothing_else_is_served(path):
    assert get(path).status_code == 404


def test_a_missing_runtime_is_said(tmp_path):
    (tmp_path / "index.html").write_text((WEB / "index.html").read_text())
    answer = get("/web/", web=tmp_path)
    assert answer.status_code == 503 and "make site" in answer.text
