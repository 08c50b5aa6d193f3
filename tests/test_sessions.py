"""`sessions`: named arrays in and out, kernels baked in, devices that are not there."""

import numpy as np
import pytest

from demo.errors import PackError
from demo.manifest import load
from demo.sessions import blob, open_session

RNG = np.random.default_rng(0)


def test_names_are_the_manifests():
    for name, graph in load().graphs.items():
        kernels = np.zeros(22_291, np.float32) if name == "swap" else None
        session = open_session(graph.path, device="cpu", threads=1, kernels=kernels)
        arrays = {
            key: RNG.random([s if isinstance(s, int) else 64 for s in shape], np.float32)
            for key, shape in graph.inputs.items()
            if key != "kernels"
        }
        assert list(session(**arrays)) == list(graph.outputs)


def test_kernels_are_part_of_the_session():
    path, crop = load().graphs["swap"].path, RNG.random((1, 3, 224, 224), np.float32)
    patches = [
        open_session(path, device="cpu", kernels=RNG.normal(0, s, 22_291))(crop=crop)["patch"]
        for s in (0.1, 0.2)
    ]
    assert np.abs(patches[0] - patches[1]).max() > 1e-3
    with pytest.raises(PackError, match=r"swap\.onnx"):
        open_session(path, device="cpu")  # an IDN without an identity is no network


def test_a_file_that_is_no_graph(tmp_path):
    path = tmp_path / "x.onnx"
    path.write_bytes(b"not a graph")
    with pytest.raises(PackError, match=r"x\.onnx"):
        open_session(path, device="cpu")


def test_a_device_that_is_not_there_is_an_error():
    path = load().graphs["mesh"].path
    with pytest.raises(ValueError, match="DmlExecutionProvider is not in this build"):
        open_session(path, device="directml")
    with pytest.raises(ValueError, match="expected auto"):
        open_session(path, device="abacus")


def test_the_provider_says_which_and_why():
    session = open_session(load().graphs["mesh"].path, device="cpu", threads=2)
    assert session.provider == "CPUExecutionProvider, 2 threads (asked for)"


def test_blob_scales_and_turns():
    crop = RNG.integers(0, 256, (8, 8, 3), np.uint8)
    np.testing.assert_allclose(blob(crop)[0].transpose(1, 2, 0) * 255, crop, atol=1e-4)
    with pytest.raises(ValueError, match="expected uint8"):
        blob(crop.astype(np.float32))
