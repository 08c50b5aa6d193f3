"""`python -m web.build` writes dist/: the whole page, ready for any static host (`make site`).

Weights are stored in half precision under names that hold their sum, the service worker learns the
sum of every file, and every path is relative, so that the folder works wherever it is put.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from pathlib import Path

from demo.manifest import PACK, load
from models.half import half
from web.vendor import WEB, vendor

DIST = WEB.parent / "dist"
PAGES = ("*.html", "*.css", "*.js", "*.webmanifest", "ui/*.js", "icons/*")
LEFT = "const FILES = /** @type {Record<string, string>} */ ({});"
MOST = 12_000_000  # bytes of all graphs, over the wire


def build(out: Path = DIST) -> dict[str, str]:
    """Write the site into `out`, which is emptied first. Returns path -> sha256."""
    vendor()
    shutil.rmtree(out, ignore_errors=True)
    files = sorted(path for pattern in PAGES for path in WEB.glob(pattern))
    for path in [*files, *sorted((WEB / "vendor").iterdir())]:
        target = out / path.relative_to(WEB)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    pack(out / "models")
    (out / ".nojekyll").touch()  # GitHub Pages would leave out names that begin with _
    sums = {name: digest((out / name).read_bytes()) for name in names(out)}
    script = (out / "sw.js").read_text()
    known = json.dumps({name: sum[:16] for name, sum in sums.items()}, indent=2)
    (out / "sw.js").write_text(script.replace(LEFT, f"const FILES = {known};"))
    return sums


def pack(out: Path) -> None:
    """The models, half the size, and a manifest that says where each came from."""
    manifest = load(PACK)
    graphs = {}
    for name, graph in manifest.graphs.items():
        data = half(graph.path.read_bytes())
        file = f"weights/{name}.{digest(data)[:8]}.onnx"
        (out / file).parent.mkdir(parents=True, exist_ok=True)
        (out / file).write_bytes(data)
        graphs[name] = manifest.raw["graphs"][name] | {
            "file": file, "bytes": len(data), "sha256": digest(data), "precision": "fp16 weights",
            "made_from": graph.sha256,
        }  # fmt: skip
    total = sum(graph["bytes"] for graph in graphs.values())
    if total > MOST:
        raise SystemExit(f"the models are {total:,} bytes; expected at most {MOST:,}")
    raw = {**manifest.raw, "graphs": graphs}
    (out / "manifest.json").write_text(json.dumps(raw, separators=(",", ":")))


def names(out: Path) -> list[str]:
    """What the service worker may keep: everything but itself, in a fixed order."""
    files = (path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    return sorted(name for name in files if name not in ("sw.js", ".nojekyll"))


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=DIST)
    folder = parser.parse_args().out
    build(folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    models = sum(path.stat().st_size for path in (folder / "models").rglob("*.onnx"))
    print(f"{folder}: {size / 1e6:.1f} MB, of which the models are {models / 1e6:.1f} MB")
