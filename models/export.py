"""`python -m models.export [GRAPH ...]` writes weights/*.onnx and their entries in the manifest.

From the committed checkpoints (models/checkpoints/*.safetensors), checked against torch: a graph
that answers otherwise than its network is not written. `--random` writes untrained graphs, to try
the path with.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from safetensors import safe_open
from torch import Tensor, nn

from demo.manifest import PACK
from demo.sessions import open_session
from models.checkpoint import load_average
from models.networks.detect import Detect
from models.networks.encode import Encode
from models.networks.inject import Inject
from models.networks.layers import count
from models.networks.mesh import Mesh
from models.networks.swap import KERNELS, Config, Swap
from models.topology import write

CHECKPOINTS = PACK / "checkpoints"
LICENSE = "non-commercial research (inherited from the training pictures, see the model card)"
FACES = "13,198 faces of celeba, ytf, ffhq, utk and synthetic sets; "


@dataclass(frozen=True)
class Recipe:
    """How one graph comes about. stage: whose checkpoint it lies in, under its own name."""

    network: Callable[..., nn.Module]
    stage: str
    trained_on: str


RECIPES = {
    "detect": Recipe(Detect, "detect", FACES + "boxes of scrfd_2.5g, 120 scenes without faces"),
    "mesh": Recipe(Mesh, "mesh", FACES + "270 frames of turns; meshes of mp_face_landmarks_478"),
    "encode": Recipe(Encode, "swap", FACES + "embeddings of reid0095, pictures of the mesh engine"),
    "inject": Recipe(Inject, "swap", FACES + "pictures of the mesh engine"),
    "swap": Recipe(Swap, "swap", FACES + "pictures of the mesh engine"),
}
TOLERANCE = 1e-4  # largest difference between torch and the runtime, relative to the output


def build(name: str, random: bool) -> nn.Module:
    """The network with its trained weights, in evaluation mode."""
    recipe, path = RECIPES[name], CHECKPOINTS / f"{RECIPES[name].stage}.safetensors"
    if random or not path.exists():
        torch.manual_seed(0)
        return recipe.network().eval()
    with safe_open(path, "pt") as file:
        notes = file.metadata() or {}
    size = (Config(int(notes["size"])),) if name == "swap" and "size" in notes else ()
    network = recipe.network(*size)
    return load_average(path, network, name).eval()


def export(
    name: str, network: nn.Module, folder: Path, file: str = "", facts: dict[str, str] | None = None
) -> dict:
    """Write one graph, check it, return its entry for the manifest.

    file: its path in the pack `folder`. facts: license and trained_on. Both are ours unless given.
    """
    file, inputs = file or f"weights/{name}.onnx", network.inputs()
    facts = facts or {"license": LICENSE, "trained_on": RECIPES[name].trained_on}
    path = folder / file
    path.parent.mkdir(exist_ok=True)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter that needs no further package is the old one
        expected = network(**inputs)
        torch.onnx.export(
            network,
            tuple(inputs.values()),
            str(path),
            input_names=list(inputs),
            output_names=list(network.outputs),
            dynamic_axes=getattr(network, "dynamic", None),
            opset_version=17,
            dynamo=False,
        )
    expected = (expected,) if isinstance(expected, Tensor) else expected
    if name == "swap":
        path.write_bytes(bake(onnx.load(path)).SerializeToString())
    compare(path, inputs, dict(zip(network.outputs, expected, strict=True)))
    return {"file": file, **entry(network, path, expected), **facts}


def bake(model: onnx.ModelProto) -> onnx.ModelProto:
    """Make `kernels` an external initializer without a file: the session that is opened for an
    identity brings the numbers, and the runtime folds and packs them like any constant."""
    graph = model.graph
    graph.input.remove(next(i for i in graph.input if i.name == "kernels"))
    kernels = graph.initializer.add(name="kernels", data_type=onnx.TensorProto.FLOAT)
    kernels.dims.append(KERNELS)
    kernels.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", "kernels.bin"), ("offset", 0), ("length", KERNELS * 4)):
        kernels.external_data.add(key=key, value=str(value))
    return model


def compare(path: Path, inputs: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    arrays = {key: value.numpy() for key, value in inputs.items()}
    session = open_session(path, device="cpu", threads=1, kernels=arrays.pop("kernels", None))
    answers = session(**arrays)
    for key, tensor in expected.items():
        off = np.abs(answers[key] - tensor.numpy()).max() / max(1, tensor.abs().max().item())
        if off > TOLERANCE:
            path.unlink()
            raise SystemExit(f"{path.name}: {key} is off by {off:.2g} from torch; not written")


def entry(network: nn.Module, path: Path, outputs: tuple[Tensor, ...]) -> dict:
    data, inputs = path.read_bytes(), network.inputs()
    params, macs = count(network, *inputs.values())
    named = zip(network.outputs, outputs, strict=True)
    return {
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "precision": "fp32",
        "inputs": {key: shape(network, key, value) for key, value in inputs.items()},
        "outputs": {key: shape(network, key, value) for key, value in named},
        "params": params,
        "macs": macs,
    }


def shape(network: nn.Module, name: str, tensor: Tensor) -> list[int | str]:
    """Numbers, and a name where an axis may change between calls."""
    free = getattr(network, "dynamic", {}).get(name, {})
    return [free.get(axis, size) for axis, size in enumerate(tensor.shape)]


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("graphs", nargs="*", default=list(RECIPES), metavar="GRAPH")
    parser.add_argument("--random", action="store_true", help="untrained weights")
    parser.add_argument("--folder", type=Path, default=PACK, help="the pack to write into")
    options = parser.parse_args(argv)
    path = options.folder / "manifest.json"
    manifest = json.loads((path if path.exists() else PACK / "manifest.json").read_text())
    for name in options.graphs:
        fresh = export(name, build(name, options.random), options.folder)
        manifest["graphs"] = {**manifest["graphs"], name: fresh}
        print(f"{name}: {fresh['bytes'] / 1e6:.2f} MB, {fresh['params']:,} parameters, "
              f"{fresh['macs'] / 1e6:.1f} MMACs", flush=True)  # fmt: skip
    manifest["graphs"] = {k: manifest["graphs"][k] for k in RECIPES if k in manifest["graphs"]}
    write(path, manifest)


if __name__ == "__main__":
    main()
