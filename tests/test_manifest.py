"""`manifest`: what is read, and that one altered byte of any file is a named error."""

import json
import shutil

import numpy as np
import pytest

from demo.errors import PackError
from demo.manifest import PACK, load

NAMES = ("detect", "mesh", "encode", "inject", "swap")


@pytest.fixture
def copy(tmp_path):
    shutil.copy(PACK / "manifest.json", tmp_path)
    shutil.copytree(PACK / "weights", tmp_path / "weights")
    return tmp_path


def test_the_released_pack_is_whole():
    manifest = load()
    assert list(manifest.graphs) == list(NAMES)
    assert manifest.points == ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
    assert manifest.align.template.shape == (5, 2) and manifest.align.template.min() > 0
    assert manifest.mesh.mean.shape == (468, 3)
    assert manifest.mesh.triangles.max() == 467
    assert manifest.graphs["swap"].inputs["kernels"] == [22291]


def test_the_whole_pack_is_small():
    assert sum(graph.bytes for graph in load().graphs.values()) <= 24e6


@pytest.mark.parametrize("name", NAMES)
def test_one_altered_byte_is_an_error(copy, name):
    path = load(copy).graphs[name].path
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(PackError, match=f"{name}.onnx: altered"):
        load(copy)


@pytest.mark.parametrize("name", NAMES)
def test_a_truncated_or_missing_file_is_an_error(copy, name):
    path = load(copy).graphs[name].path
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(PackError, match="truncated"):
        load(copy)
    path.unlink()
    with pytest.raises(PackError, match="missing"):
        load(copy)


def test_a_folder_that_is_no_pack(tmp_path):
    with pytest.raises(PackError, match="not found"):
        load(tmp_path)
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(PackError, match="not a pack's manifest"):
        load(tmp_path)
    (tmp_path / "manifest.json").write_text("]")
    with pytest.raises(PackError, match="not a pack's manifest"):
        load(tmp_path)


def test_the_template_is_arcfaces():
    points = load().align.template * 112
    np.testing.assert_allclose(points[0], (38.2946, 51.6963), atol=1e-3)
    assert json.loads((PACK / "manifest.json").read_text())["align"]["size"] == 224


def test_an_older_manifest_pastes_as_ours_and_an_unknown_style_is_an_error(copy):
    path = copy / "manifest.json"
    raw = json.loads(path.read_text())
    assert load(copy).paste.style == "plain"
    path.write_text(json.dumps({k: v for k, v in raw.items() if k != "paste"}))
    assert load(copy).paste.style == "plain"
    path.write_text(json.dumps({**raw, "paste": {"style": "magic"}}))
    with pytest.raises(PackError, match="'magic': expected plain or reference"):
        load(copy)
    path.write_text(json.dumps({**raw, "align": {**raw["align"], "fit": "magic"}}))
    with pytest.raises(PackError, match="'magic': expected similarity or affine"):
        load(copy)
