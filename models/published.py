"""`published` knows where each array of the published checkpoints belongs in our networks.

A slot is a view of a parameter or buffer in the published layout (Paddle keeps the weights of its
linear layers (in, out)), so that reading a checkpoint is copying into slots, and their shapes are
those that the file must have. It knows nothing of files.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor, nn

from models.networks.encode import Encode
from models.networks.inject import Inject
from models.networks.swap import ENCODER, SCALES, Swap

Slots = dict[str, Tensor]

# Published names of layers, and ours. First ArcFace:
ENDS = {"conv1": "stem.0.0", "bn1": "stem.0.1", "prelu": "stem.1", "bn2": "last", "fc": "head.0",
        "bn3": "head.1"}  # fmt: skip
BLOCK = {"bn0": "before.0", "conv1": "before.1.0", "bn1": "before.1.1", "prelu": "prelu",
         "conv2": "after.0", "bn2": "after.1", "se.fc.0": "excite.0", "se.fc.1": "excite.1",
         "se.fc.2": "excite.2"}  # fmt: skip
SHORTCUT = {"downsample.0": "shortcut.0", "downsample.1": "shortcut.1"}
# Weights prediction:
TRUNK = {"first": "trunk", "norm": "trunk_norm", "first_decoder": "lower",
         "decoder_norm": "lower_norm"}  # fmt: skip
BRANCH = {"conv": "blocks", "norm": "norms", "weight": "sides"}
# Arrays of a layer:
LEAVES = {"running_mean": "_mean", "running_var": "_variance"}


def views(layer: nn.Module) -> Slots:
    """A layer's arrays under their published names, as views in the published layout."""
    own = {**dict(layer.named_parameters()), **dict(layer.named_buffers())}
    own.pop("num_batches_tracked", None)
    if isinstance(layer, nn.PReLU):
        return {"_weight": own["weight"].detach()}
    if isinstance(layer, nn.Linear):  # (in, out) there, (out, in) here
        own["weight"] = own["weight"].T
    return {LEAVES.get(name, name): value.detach() for name, value in own.items()}


def fill(slots: Slots, arrays: dict[str, np.ndarray]) -> None:
    for key, slot in slots.items():
        np.copyto(slot.numpy(), arrays[key])


def slots_of(network: nn.Module, layers: dict[str, str]) -> Slots:
    return {
        f"{theirs}.{leaf}": view
        for theirs, ours in layers.items()
        for leaf, view in views(network.get_submodule(ours)).items()
    }


def encoder_slots(encode: Encode) -> Slots:
    """Where the 691 arrays of arcface.pdparams belong."""
    layers = dict(ENDS)
    for stage, blocks in enumerate(encode.body):
        for index, block in enumerate(blocks):
            parts = BLOCK if isinstance(block.shortcut, nn.Identity) else BLOCK | SHORTCUT
            for theirs, ours in parts.items():
                layers[f"layer{stage + 1}.{index}.{theirs}"] = f"body.{stage}.{index}.{ours}"
    return slots_of(encode, layers)


def generator_slots(inject: Inject, swap: Swap) -> Slots:
    """Where the 167 arrays of MobileFaceSwap_224.pdparams belong."""
    return modulation(inject, swap) | slots_of(inject, prediction()) | slots_of(swap, tail())


def modulation(inject: Inject, swap: Swap) -> Slots:
    """Nine linear layers there, the rows of one here; pointwise kernels lie in `swap`."""
    slots = {}
    rows = zip(*(p.detach().split(SCALES) for p in inject.scales.parameters()), strict=True)
    for layer, (weight, bias) in enumerate(rows):
        half, index = ("En", layer) if layer < len(ENCODER) else ("De", layer - len(ENCODER))
        name = f"{half}coderModulation.{index}"
        slots[f"{name}.weight"] = swap.pointwise[layer].detach()[:, :, None, None]
        slots |= {f"{name}.style.weight": weight.T, f"{name}.style.bias": bias}
    return slots


def prediction() -> dict[str, str]:
    layers = {f"predictor.{theirs}": ours for theirs, ours in TRUNK.items()}
    for half, blocks in (("encoder", 5), ("decoder", 4)):
        for index in range(blocks):
            for theirs, ours in BRANCH.items():
                layers[f"predictor.{half}.{index}.{theirs}"] = f"{half}.{ours}.{index}"
    return layers


def tail() -> dict[str, str]:
    """The static layers; theirs begin with the upsampling, and nest the mask's steps."""
    final = {f"final.{index + 1}": f"final.{index}" for index in (0, 1, 3, 4, 6)}
    mask = {f"mask.{step}.{i}": f"mask.{5 * step + i}" for step in range(5) for i in (1, 2, 3)}
    return {**final, **mask, "mask.5": "verdict"}
