"""What of a run is kept: everything while it runs, the averaged weights when it is done.

`models/runs/STAGE/last.pt` resumes a run to the step; `models/checkpoints/STAGE.safetensors` (EMA
weights, half precision) is committed, exported, and what a fresh checkout starts from.
"""

from __future__ import annotations

import copy
import os
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

ROOT = Path(__file__).resolve().parent


class Average:
    """Exponential moving average of all weights and buffers, warm from the first step."""

    def __init__(self, networks: nn.Module, decay: float):
        self.networks = copy.deepcopy(networks).requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, networks: nn.Module, step: int) -> None:
        rate = 1 - min(self.decay, (1 + step) / (10 + step))
        fresh = networks.state_dict()
        for key, value in self.networks.state_dict().items():
            if value.dtype.is_floating_point:
                value.lerp_(fresh[key].to(value.dtype), rate)
            else:
                value.copy_(fresh[key])


def save(out: Path, stage, optimiser, average: Average, step: int, elapsed: float) -> None:
    """Everything a killed run needs, written beside and renamed: never half a file."""
    state = {
        "networks": stage.networks.state_dict(),
        "average": average.networks.state_dict(),
        "optimiser": optimiser.state_dict(),
        "step": step,
        "elapsed": elapsed,
    }
    part = out / "last.part"
    torch.save(state, part)
    os.replace(part, out / "last.pt")


def resume(
    name: str, out: Path, stage, optimiser, average: Average, *, device: str, fresh: bool
) -> tuple[int, float]:
    """(step, seconds spent) of the run in `out`, or of a new one from the committed weights.

    Committed are the parts that are worth keeping; what a file lacks (a discriminator) starts anew.
    """
    last = out / "last.pt"
    if last.exists() and not fresh:
        state = torch.load(last, map_location=device, weights_only=True)
        stage.networks.load_state_dict(state["networks"])
        average.networks.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        print(f"resumed at step {state['step']}", flush=True)
        return state["step"], state["elapsed"]
    committed = ROOT / "checkpoints" / f"{name}.safetensors"
    if committed.exists():
        kept = {key.partition(".")[0] for key in load_file(committed)}
        for networks in (stage.networks, average.networks):
            for part in kept:
                load_average(committed, networks[part], part)
        print("started from the committed checkpoint", flush=True)
    return 0, 0.0


def publish(
    name: str, average: Average, notes: dict[str, str], helpers: tuple[str, ...] = ()
) -> None:
    """The averaged weights in half precision, for the repository and for export.

    helpers: networks that were needed in training only.
    """
    folder = ROOT / "checkpoints"
    folder.mkdir(exist_ok=True)
    tensors = {
        key: (value.half() if value.dtype.is_floating_point else value).contiguous()
        for key, value in average.networks.state_dict().items()
        if key.partition(".")[0] not in helpers
    }
    save_file(tensors, folder / f"{name}.safetensors", metadata=notes)


def load_average(path: Path, networks: nn.Module, part: str = "") -> nn.Module:
    """Committed weights (half precision) into networks (single precision), strictly.

    part: only the network of that name, where a stage trains several.
    """
    prefix = f"{part}." if part else ""
    tensors = {
        key.removeprefix(prefix): value.float() if value.dtype == torch.float16 else value
        for key, value in load_file(path).items()
        if key.startswith(prefix)
    }
    networks.load_state_dict(tensors)
    return networks
