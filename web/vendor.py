"""`python -m web.vendor` copies what `npm ci` fetched, and the page needs, into web/vendor/.

The folder is not committed: versions and sums are package-lock.json's.
"""

from __future__ import annotations

import shutil
from pathlib import Path

WEB = Path(__file__).resolve().parent
VENDOR = WEB / "vendor"
ORT = "onnxruntime-web/dist/"
FILES = {
    ORT + "ort.wasm.min.mjs": "ort.wasm.min.mjs",
    ORT + "ort-wasm-simd-threaded.mjs": "ort-wasm-simd-threaded.mjs",
    ORT + "ort-wasm-simd-threaded.wasm": "ort-wasm-simd-threaded.wasm",
    ORT + "ort.webgpu.min.mjs": "ort.webgpu.min.mjs",
    ORT + "ort-wasm-simd-threaded.asyncify.mjs": "ort-wasm-simd-threaded.asyncify.mjs",
    ORT + "ort-wasm-simd-threaded.asyncify.wasm": "ort-wasm-simd-threaded.asyncify.wasm",
    "mediabunny/dist/bundles/mediabunny.min.mjs": "mediabunny.min.mjs",
    "qr/index.js": "qr.js",
}


def vendor() -> None:
    """Raise FileNotFoundError, saying what to do, when npm has not been here."""
    if not (WEB / "node_modules").is_dir():
        raise FileNotFoundError("web/node_modules is missing; run `make site`, or npm ci in web/")
    VENDOR.mkdir(exist_ok=True)
    for source, name in FILES.items():
        shutil.copyfile(WEB / "node_modules" / source, VENDOR / name)


if __name__ == "__main__":
    vendor()
