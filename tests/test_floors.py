"""Imports only go down (design.md, "Floors"): walked with ast, and tried on planted violations."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = {
    "demo": 0,  # its __init__ sets one environment variable
    "demo.errors": 0,
    "demo.words": 0,
    "demo.manifest": 0,
    "demo.sessions": 1,
    "demo.align": 1,
    "demo.newest": 1,
    "demo.label": 1,
    "demo.turn": 1,
    "demo.https": 1,
    "demo.warp": 1,
    "demo.paste": 1,
    "demo.finish": 1,
    "demo.picture": 1,
    "demo.tone": 0,
    "demo.flow": 0,
    "demo.journal": 0,
    "demo.crew": 1,
    "demo.media": 1,
    "demo.sound": 1,
    "demo.decode": 1,
    "demo.mux": 1,
    "demo.detect": 2,
    "demo.mesh": 2,
    "demo.encode": 2,
    "demo.inject": 2,
    "demo.swap": 2,
    "demo.track": 2,
    "demo.pack": 3,
    "demo.pipeline": 3,
    "demo.cast": 3,
    "demo.mark": 4,
    "demo.provenance": 4,
    "demo.quality": 4,
    "demo.live": 4,
    "demo.visitors": 5,
    "demo.record": 5,
    "demo.prompt": 4,
    "demo.wire": 5,
    "demo.stretch": 4,
    "demo.video": 4,
    "demo.page": 5,
    "demo.preview": 5,
    "demo.ui": 5,
    "demo.ui.common": 5,
    "demo.ui.source": 5,
    "demo.ui.image": 5,
    "demo.ui.live": 5,
    "demo.ui.roles": 5,
    "demo.ui.video": 5,
    "demo.bench": 6,
    "demo.batch": 6,
    "demo.__main__": 6,
    "app": 6,
}
# Neighbours that may be seen from the same floor, each for one thing.
BESIDE = {
    ("demo.manifest", "demo.errors"),
    ("demo.paste", "demo.align"),  # the inverse of a matrix
    ("demo.inject", "demo.encode"),  # the Identity that it takes
    ("demo.track", "demo.detect"),  # the Face that it follows
    ("demo.provenance", "demo.mark"),
    ("demo.pipeline", "demo.pack"),  # the weights that it paints with
    ("demo.live", "demo.quality"),
    ("demo.wire", "demo.visitors"),
    ("demo.decode", "demo.media"),  # an opened file
    ("demo.mux", "demo.media"),
    ("demo.mux", "demo.sound"),
    ("demo.stretch", "demo.mark"),
    ("demo.video", "demo.stretch"),
    ("demo.video", "demo.provenance"),
    ("demo.ui", "demo.ui.image"),
    ("demo.ui", "demo.ui.live"),
    ("demo.ui", "demo.visitors"),
    ("demo.ui.source", "demo.ui.common"),
    ("demo.ui.live", "demo.ui.common"),
    ("demo.ui.live", "demo.ui.source"),
    ("demo.ui.live", "demo.visitors"),
    ("demo.ui.live", "demo.record"),
    ("demo.ui", "demo.ui.video"),
    ("demo.ui.source", "demo.ui.common"),
    ("demo.ui.roles", "demo.preview"),
    ("demo.ui.video", "demo.ui.common"),
    ("demo.ui.video", "demo.ui.source"),
    ("demo.ui.video", "demo.ui.roles"),
    ("demo.ui.video", "demo.preview"),
    ("demo.ui.image", "demo.ui.common"),
    ("demo.ui.image", "demo.ui.source"),
    ("demo.ui.image", "demo.preview"),
    ("demo.__main__", "demo.bench"),
    ("demo.__main__", "demo.batch"),
}
ALONE = {
    "onnxruntime": ("demo.sessions",),
    "gradio": ("demo.ui", "app"),
    "fastrtc": ("demo.wire", "demo.turn"),
    "aiortc": ("demo.wire", "demo.prompt"),
    "ray": ("demo.crew",),
}
SCREEN = (
    "app",
    "demo.ui",
    "demo.ui.common",
    "demo.ui.image",
    "demo.ui.live",
    "demo.ui.source",
    "demo.ui.source",
    "demo.ui.roles",
    "demo.ui.video",
    "demo.preview",
    "demo.words",
    "demo.bench",
    "demo.batch",
    "demo.__main__",
)
# What is shipped is measured by who had no hand in making it.
JUDGES = ("models.evaluate", "models.judge", "models.metrics")
MAKERS = ("models.networks", "models.stages", "models.train", "models.checkpoint", "models.losses",
          "models.pairs", "models.export")  # fmt: skip


def imports(name: str, source: str) -> set[str]:
    """Every module that a source names, wherever in it, relative and by `import_module` too.

    `from a.b import c` names a.b and perhaps a.b.c.
    """
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = name.split(".")[: -node.level] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and node.args and called(node) in LOADERS:
            found |= {a.value for a in node.args[:1] if isinstance(a, ast.Constant)}
    return found


LOADERS = ("import_module", "__import__")


def called(node: ast.Call) -> str:
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def violations(name: str, source: str) -> list[str]:
    """What `name` imports and may not."""
    rules = above_demo if name.split(".")[0] in ("demo", "app") else above_models
    found = [f"{name} imports {m}" for m in sorted(imports(name, source)) if rules(name, m)]
    for module in sorted(imports(name, source)):
        top = module.split(".")[0]
        if top == "tests" or (top in ALONE and not name.startswith(ALONE[top])):
            found.append(f"{name} imports {module}; only {ALONE.get(top, 'tests')} may")
    return found


def above_demo(name: str, module: str) -> bool:
    if module.split(".")[0] in ("torch", "models"):
        return True
    known = module in FLOORS and module not in ("demo", name) and (name, module) not in BESIDE
    return known and FLOORS[module] >= FLOORS[name]


def above_models(name: str, module: str) -> bool:
    if name.startswith("models.networks"):
        return module.startswith("demo") or (
            module.startswith("models") and not module.startswith("models.networks")
        )
    return module.startswith(SCREEN) or (name in JUDGES and module.startswith(MAKERS))


def sources(*folders: str) -> dict[str, str]:
    files = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    files += [ROOT / "app.py"] if "demo" in folders else []
    names = [".".join(f.relative_to(ROOT).with_suffix("").parts) for f in files]
    return {n.removesuffix(".__init__"): f.read_text() for n, f in zip(names, files, strict=True)}


def test_every_file_has_a_floor():
    assert set(sources("demo")) == set(FLOORS)


@pytest.mark.parametrize("name", list(sources("demo", "models")))
def test_imports_go_down(name):
    assert violations(name, sources("demo", "models")[name]) == []


def test_no_circle_in_models():
    every = sources("models")
    graph = {name: imports(name, text) & set(every) - {name} for name, text in every.items()}
    assert list(TopologicalSorter(graph).static_order())
    with pytest.raises(CycleError):
        list(TopologicalSorter(graph | {"models.data": {"models.pairs"}}).static_order())


def test_every_agreed_neighbour_is_still_needed():
    every = sources("demo")
    assert [pair for pair in BESIDE if pair[1] not in imports(pair[0], every[pair[0]])] == []


def test_only_ui_raises_gradio_errors():
    every = sources("demo", "models")
    assert [n for n, text in every.items() if "gr.Error" in text] == ["demo.ui.common"]


def test_nothing_but_the_server_and_the_training_is_there():
    tops = {p.name for p in ROOT.iterdir() if p.is_dir() and not p.name.startswith(".")}
    assert tops <= {"demo", "web", "models", "tests", "dist", "node_modules"} | {"__pycache__"}


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("demo.swap", "import torch"),
        ("demo.swap", "def f():\n    import torch.nn as nn"),
        ("demo.swap", "import importlib\nimportlib.import_module('torch')"),
        ("demo.swap", "from models.networks.swap import Swap"),
        ("demo.swap", "import onnxruntime as ort"),
        ("demo.swap", "from demo import encode"),
        ("demo.encode", "from demo.inject import inject"),
        ("demo.inject", "from demo.swap import swap"),
        ("demo.align", "from demo.pipeline import FaceSwapper"),
        ("demo.align", "from .pipeline import FaceSwapper"),
        ("demo.align", "from . import paste"),
        ("demo.warp", "from demo.paste import paste"),
        ("demo.pipeline", "import gradio as gr"),
        ("demo.pipeline", "from tests.conftest import pack"),
        ("app", "from models.card import table"),
        ("models.train", "from demo.ui import build"),
        ("models.export", "import onnxruntime"),
        ("models.networks.swap", "from demo.align import align"),
        ("models.networks.swap", "from models.losses import rec"),
        ("models.judge", "from models.pairs import Pairs"),
        ("models.evaluate", "from models.networks.swap import Swap"),
    ],
)
def test_the_walk_sees_a_violation(name, source):
    assert violations(name, source)


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("demo.paste", "from demo.align import invert"),
        ("demo.inject", "from .encode import Identity"),
        ("models.evaluate", "from demo.pipeline import FaceSwapper"),
        ("models.networks.detect", "from models.networks.layers import Block"),
    ],
)
def test_the_walk_lets_the_agreed_pass(name, source):
    assert violations(name, source) == []
