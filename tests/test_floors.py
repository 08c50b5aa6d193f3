"""Imports only go down (design.md, "Floors"): walked with ast, and tried on planted violations."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = {
    "demo": 0,  # its __init__ sets one environment variable
    "demo.errors": 0,
    "demo.manifest": 1,
    "demo.sessions": 2,
    "demo.align": 2,
    "demo.warp": 2,
    "demo.paste": 2,
    "demo.picture": 2,
    "demo.mark": 2,
    "demo.words": 0,
    "demo.detect": 3,
    "demo.mesh": 3,
    "demo.encode": 3,
    "demo.inject": 4,  # names encode's Identity, imports nothing else of its floor
    "demo.swap": 3,
    "demo.pipeline": 5,
    "demo.provenance": 6,
    "demo.preview": 6,
    "demo.bench": 7,
    "demo.ui": 7,
    "demo.__main__": 8,
    "app": 8,
}
# Neighbours that may be seen on the same floor: alignment is plain geometry.
BESIDE = {("demo.paste", "demo.align")}


def imports(source: str) -> set[str]:
    """Every module that a source names: `from a.b import c` names a.b and perhaps a.b.c."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def violations(name: str, source: str) -> list[str]:
    """What `name` imports and may not."""
    found = []
    for module in sorted(imports(source)):
        top = module.split(".")[0]
        if top in ("torch", "models", "tests"):
            found.append(f"{name} imports {module}")
        if top == "onnxruntime" and name != "demo.sessions":
            found.append(f"{name} imports {module}; only demo.sessions may")
        if top == "gradio" and name not in ("demo.ui", "app"):
            found.append(f"{name} imports {module}; only demo.ui and app may")
        known = module in FLOORS and module not in ("demo", name) and (name, module) not in BESIDE
        if known and FLOORS[module] >= FLOORS[name]:
            found.append(f"{name} (floor {FLOORS[name]}) imports {module}")
    return found


def sources() -> dict[str, str]:
    files = [*sorted((ROOT / "demo").glob("*.py")), ROOT / "app.py"]
    names = [".".join(f.relative_to(ROOT).with_suffix("").parts) for f in files]
    return {n.removesuffix(".__init__"): f.read_text() for n, f in zip(names, files, strict=True)}


def test_every_file_has_a_floor():
    assert set(sources()) <= set(FLOORS)


@pytest.mark.parametrize("name", list(sources()))
def test_imports_go_down(name):
    assert violations(name, sources()[name]) == []


def test_only_ui_raises_gradio_errors():
    assert [n for n, text in sources().items() if "gr.Error" in text] in (["demo.ui"], [])


def test_nothing_but_the_server_and_the_training_is_there():
    tops = {p.name for p in ROOT.iterdir() if p.is_dir() and not p.name.startswith(".")}
    assert tops <= {"demo", "web", "models", "tests", "dist", "node_modules"} | {"__pycache__"}


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("demo.swap", "import torch"),
        ("demo.swap", "from models.networks.swap import Swap"),
        ("demo.swap", "import onnxruntime as ort"),
        ("demo.swap", "from demo import encode"),
        ("demo.align", "from demo.pipeline import FaceSwapper"),
        ("demo.warp", "from demo.paste import paste"),
        ("demo.pipeline", "import gradio as gr"),
    ],
)
def test_the_walk_sees_a_violation(name, source):
    assert violations(name, source)
