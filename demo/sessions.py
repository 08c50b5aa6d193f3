"""`sessions` turns a graph's file into a function from named arrays to named arrays.

The one import of onnxruntime. It knows providers and threads; it knows nothing of faces.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read at import, by wheels from 1.29 on
import onnxruntime as ort

from demo.errors import PackError

Array = np.ndarray
PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
}


class Session:
    """One opened graph: `session(crop=array)` -> {"points": array, ...}.

    provider: a sentence for the screen, which device and why.
    """

    def __init__(self, net: ort.InferenceSession, provider: str):
        self.net, self.provider = net, provider
        self.names = [output.name for output in net.get_outputs()]

    def __call__(self, **arrays: Array) -> dict[str, Array]:
        return dict(zip(self.names, self.net.run(None, arrays), strict=True))


def open_session(
    path: Path | str, *, device: str = "auto", threads: int = 0, kernels: Array | None = None
) -> Session:
    """Open a graph.

    device: "auto" (the fastest that is installed) or a key of PROVIDERS. threads: 0 lets the
    runtime choose. kernels: (22291,) float32, baked into the graph as constants: as inputs they
    would be re-packed every frame, 1.7 times slower.
    Raises PackError when the file is no graph, ValueError when the device is not there.
    """
    provider, reason = choose(device)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    if kernels is not None:
        value = ort.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(kernels, np.float32))
        options.add_external_initializers(["kernels"], [value])
    providers = [provider] if provider == PROVIDERS["cpu"] else [provider, PROVIDERS["cpu"]]
    try:
        net = ort.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # the runtime raises types of its own for every kind of bad file
        raise PackError(f"{Path(path).name}: not a graph that opens here ({error})") from error
    count = f", {threads} thread{'s' if threads > 1 else ''}" if threads else ""
    return Session(net, f"{net.get_providers()[0]}{count} ({reason})")


def choose(device: str) -> tuple[str, str]:
    """(provider, why). A device that was asked for and is missing is an error, never silence."""
    there = ort.get_available_providers()
    if device == "auto":
        for name in ("cuda", "coreml"):
            if PROVIDERS[name] in there:
                return PROVIDERS[name], f"{name} found"
        return PROVIDERS["cpu"], "no GPU provider installed"
    if device not in PROVIDERS:
        raise ValueError(f"device {device!r}: expected auto, {', '.join(PROVIDERS)}")
    if PROVIDERS[device] not in there:
        raise ValueError(
            f"device {device!r}: {PROVIDERS[device]} is not in this build of ONNX Runtime "
            f"({', '.join(there)}); install the matching package or use cpu"
        )
    return PROVIDERS[device], "asked for"


def blob(crop: Array) -> Array:
    """A crop (s, s, 3) uint8 RGB as graphs take it: (1, 3, s, s) float32, 0..1."""
    if crop.dtype != np.uint8 or crop.ndim != 3 or crop.shape[2] != 3:
        raise ValueError(f"crop: got {crop.dtype} {crop.shape}; expected uint8 (s, s, 3) RGB")
    return np.ascontiguousarray(crop.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
