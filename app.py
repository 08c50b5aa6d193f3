"""`python app.py` opens the swapper on http://127.0.0.1:7860.

It parses arguments, builds the page, and serves it; every other decision is made further down.
"""

import os

# Before any import that would open a connection to count its users.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

import argparse
import sys
from contextlib import nullcontext

import gradio as gr
import uvicorn
from fastapi import FastAPI
from starlette.responses import PlainTextResponse

from demo.errors import SwapError
from demo.https import address, certified
from demo.media import Limits
from demo.pack import Pack
from demo.page import mount
from demo.pipeline import ENGINES
from demo.ui import build
from demo.visitors import Visitors
from demo.wire import Wire

LARGEST = 100  # megabytes of one upload; forty megapixels of PNG fit


POLICY = b"default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'"


class Guard:
    """Two things that gradio 5 leaves open, closed for every visitor.

    `/gradio_api/file=https://...` is an open redirect: answered with 403. Its page fetches a script
    from a host of others: the policy lets a browser load from here alone.
    """

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        async def guarded(message):
            if message["type"] == "http.response.start":
                message.setdefault("headers", []).append((b"content-security-policy", POLICY))
            await send(message)

        named = scope.get("path", "").partition("/file=")[2]
        if named.startswith(("http:/", "https:/")):
            await PlainTextResponse("not a file of this server", 403)(scope, receive, send)
        else:
            await self.app(scope, receive, guarded)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    hosted = "SPACE_ID" in os.environ
    host = os.environ.get("GRADIO_SERVER_NAME", "0.0.0.0" if hosted else None)
    parser.add_argument("--host", default=host)
    parser.add_argument("--port", type=int, default=int(os.environ.get("GRADIO_SERVER_PORT", 7860)))
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, coreml, directml")
    parser.add_argument("--detector", help="an insightface pack or an SCRFD file instead of ours")
    parser.add_argument("--engine", choices=ENGINES, default="mesh", help="chosen at first")
    parser.add_argument("--clip-seconds", type=float, default=120, help="the longest clip taken")
    parser.add_argument("--clip-megapixels", type=float, default=9, help="of a frame; 4K has 8.3")
    parser.add_argument("--https", action="store_true", help="cameras of phones on this network")
    count = os.cpu_count() or 1
    parser.add_argument("--visitors", type=int, default=count, help="cameras at once: one a core")
    parser.add_argument("--minutes", type=float, help="how long a camera may stay; no limit")
    return parser.parse_args()


def serve(pack: Pack, engine: str, limits: Limits, visitors: Visitors) -> FastAPI:
    """The whole server: middleware, the on-device page at /web/, the cameras' signalling at /live,
    then the page at /. limits: of a visitor's clip. visitors: who may come with a camera."""
    app = FastAPI(openapi_url=None)
    app.add_middleware(Guard)
    mount(app)
    app.include_router(Wire(visitors).router)
    page = build(pack, engine, limits, visitors)
    most = f"{LARGEST}mb"
    return gr.mount_gradio_app(app, page, path="/", ssr_mode=False, max_file_size=most)


def main() -> int:
    options = arguments()
    try:
        pack = Pack.load(device=options.device, detector=options.detector)
        # Threads of their own would only get in each other's way: visitors are threads already.
        live = Pack.load(device=options.device, detector=options.detector, threads=1)
    except (SwapError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return getattr(error, "code", 2)
    limits = Limits(options.clip_seconds, round(options.clip_megapixels * 1e6), LARGEST * 1_000_000)
    visitors = Visitors(live, options.visitors, options.minutes)
    app = serve(pack, options.engine, limits, visitors)
    host = options.host or ("0.0.0.0" if options.https else "127.0.0.1")
    shown = address() if options.https and host == "0.0.0.0" else host
    scheme = "https" if options.https else "http"
    print(f"{scheme}://{shown}:{options.port}   {pack.provider}", flush=True)
    with certified() if options.https else nullcontext({}) as secure:
        uvicorn.run(app, host=host, port=options.port, log_level="warning",
                    timeout_graceful_shutdown=3, **secure)  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
