"""`page` serves the page of `web/`, which swaps on the visitor's own device, at /web/.

Unbuilt, straight from the checkout, with the headers that give it threads. It knows addresses and
files. It knows nothing of what the page does.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from demo.manifest import PACK

WEB = PACK.parent / "web"
SHOWN = {".html", ".css", ".js", ".mjs", ".wasm", ".svg", ".png", ".webmanifest", ".onnx", ".json"}
ISOLATED = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",  # a changed file is seen at the next visit
}
TYPES = {".onnx": "application/octet-stream", ".webmanifest": "application/manifest+json",
         ".mjs": "text/javascript", ".wasm": "application/wasm"}  # fmt: skip
MISSING = (
    "The page that swaps on your own device needs its runtime once: run `make site` "
    "(it fetches ONNX Runtime Web from npm), then load this address again."
)


class Files(StaticFiles):
    """What a browser asks of the page; nothing else that lies in the folder."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        suffix = Path(path).suffix
        if "node_modules" in path or (suffix and suffix not in SHOWN):
            return PlainTextResponse("not a file of the page", 404, ISOLATED)
        response = await super().get_response(path, scope)
        response.headers.update(ISOLATED)
        if suffix in TYPES:
            response.headers["Content-Type"] = TYPES[suffix]
        return response


def mount(app: FastAPI, web: Path = WEB, pack: Path = PACK) -> None:
    """Serve the page at /web/ and the weights below it. Call it before anything mounted at /."""

    @app.get("/web")
    def here() -> Response:
        return RedirectResponse("web/")

    @app.get("/web/")
    def index() -> Response:
        if not (web / "vendor" / "ort.wasm.min.mjs").is_file():
            return PlainTextResponse(MISSING, 503)
        return FileResponse(web / "index.html", headers=ISOLATED)

    @app.get("/web/models/manifest.json")
    def manifest() -> Response:
        return FileResponse(pack / "manifest.json", headers=ISOLATED)

    app.mount("/web/models/weights", Files(directory=pack / "weights"))
    app.mount("/web", Files(directory=web))
