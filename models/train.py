"""`train` runs one stage: `python -m models.train STAGE [--minutes M]`, resumable at any moment.

The order, from nothing to a pack (each line resumes where a killed run left off):

    python -m models.train mesh   --minutes 30      # 468 points, from the landmark teacher
    python -m models.train encode --minutes 30      # identity and look, from the recogniser
    python -m models.train detect --minutes 40      # boxes and five points
    python -m models.train swap   --minutes 90 --size 128
    python -m models.export                         # weights/*.onnx and manifest.json
    python -m models.evaluate                       # what it is worth

A stage (models/stages/*.py) brings networks, losses and a measure on held-out people; the loop
here brings Adam, a cosine, an average of the weights (EMA), checkpoints and the log. A run lives in
models/runs/STAGE: `last.pt` (everything, atomic), `log.csv`. `models/checkpoints/STAGE.safetensors`
(EMA weights, half precision) is what is committed and what a fresh checkout starts from.
"""

from __future__ import annotations

import argparse
import copy
import csv
import dataclasses
import importlib
import math
import os
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn

ROOT = Path(__file__).resolve().parent
STAGES = ("mesh", "encode", "detect", "swap")


@dataclasses.dataclass
class Run:
    """What the loop needs to know; a stage's own knobs are its Settings."""

    steps: int = 1_000_000  # whichever of steps and minutes ends first ends the run
    minutes: float = 30.0  # of this and all earlier starts of the same run together
    warmup: int = 100  # steps of linear warm-up
    decay: float = 0.998  # of the weights' average, once it is warm
    clip: float = 5.0  # largest gradient norm
    save_minutes: float = 4.0  # between checkpoints
    log_steps: int = 50  # between lines of the log
    device: str = "cpu"
    threads: int = 1
    seed: int = 0
    shared: Path = ROOT.parent.parent / "shared"
    cache: Path = ROOT / "cache"
    out: Path | None = None  # models/runs/STAGE
    fresh: bool = False  # begin again, from the committed checkpoint if there is one


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


def train(name: str, run: Run, knobs: list[str]) -> None:
    """Run one stage until its steps or minutes are over. knobs: `key=value` for its Settings."""
    torch.set_num_threads(run.threads)
    cv2.setNumThreads(1)  # its helpers would fight the training for the cores
    torch.manual_seed(run.seed)
    module = importlib.import_module(f"models.stages.{name}")
    settings = dataclasses.replace(module.Settings(), **parse_knobs(module.Settings, knobs))
    stage = module.Stage(settings, run.shared, run.cache, run.device)
    out = run.out or ROOT / "runs" / name
    out.mkdir(parents=True, exist_ok=True)
    optimiser = torch.optim.Adam(stage.groups(), betas=(0.9, 0.99))
    bases = [group["lr"] for group in optimiser.param_groups]
    average = Average(stage.networks, run.decay)
    start, elapsed = resume(name, out, run, stage, optimiser, average)
    log = Log(out / "log.csv")
    began = saved = time.monotonic()
    step = start
    while step < run.steps and (spent := elapsed + time.monotonic() - began) < run.minutes * 60:
        progress = max(step / run.steps, spent / run.minutes / 60)
        rate = min(1.0, (step + 1) / run.warmup) * (1 + math.cos(math.pi * progress)) / 2
        for group, base in zip(optimiser.param_groups, bases, strict=True):
            group["lr"] = base * rate
        # The generator is made anew each step, so that a resumed run draws what it would have.
        terms = stage.losses(step, np.random.default_rng((run.seed, step)))
        optimiser.zero_grad(set_to_none=True)
        terms["total"].backward()
        norm = nn.utils.clip_grad_norm_(stage.networks.parameters(), run.clip)
        if torch.isfinite(norm):  # one broken batch may not end a night's work
            optimiser.step()
        average.update(stage.networks, step)
        step += 1
        log.add({**terms, "norm": norm})
        if step % run.log_steps == 0:
            log.line(step, spent, progress)
        if time.monotonic() - saved > run.save_minutes * 60:
            spent = elapsed + time.monotonic() - began
            save(out, stage, optimiser, average, step, spent)
            log.measured(step, measure(stage, average))
            saved = time.monotonic()
    save(out, stage, optimiser, average, step, elapsed + time.monotonic() - began)
    log.measured(step, measure(stage, average))
    publish(name, average, getattr(stage, "notes", {}))


def measure(stage, average: Average) -> dict[str, float]:
    """The stage's own measure, with the averaged weights in place of the raw ones."""
    raw, stage.networks = stage.networks, average.networks.eval()
    with torch.no_grad():
        figures = stage.measure()
    stage.networks = raw
    return figures


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


def resume(name: str, out: Path, run: Run, stage, optimiser, average) -> tuple[int, float]:
    """(step, seconds spent) of the run in `out`, or of a new one from the committed weights."""
    last = out / "last.pt"
    if last.exists() and not run.fresh:
        state = torch.load(last, map_location=run.device, weights_only=True)
        stage.networks.load_state_dict(state["networks"])
        average.networks.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        print(f"resumed at step {state['step']}", flush=True)
        return state["step"], state["elapsed"]
    committed = ROOT / "checkpoints" / f"{name}.safetensors"
    if committed.exists():
        load_average(committed, stage.networks)
        load_average(committed, average.networks)
        print("started from the committed checkpoint", flush=True)
    return 0, 0.0


def publish(name: str, average: Average, notes: dict[str, str]) -> None:
    """The averaged weights in half precision, for the repository and for export."""
    folder = ROOT / "checkpoints"
    folder.mkdir(exist_ok=True)
    tensors = {
        key: (value.half() if value.dtype.is_floating_point else value).contiguous()
        for key, value in average.networks.state_dict().items()
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


class Log:
    """Running means of the named terms: a line on the screen and a row in log.csv."""

    def __init__(self, path: Path):
        self.path, self.sums, self.count, self.clock = path, {}, 0, time.monotonic()

    def add(self, terms: dict) -> None:
        for key, value in terms.items():
            self.sums[key] = self.sums.get(key, 0.0) + float(value.detach())
        self.count += 1

    def line(self, step: int, spent: float, progress: float) -> None:
        means = {key: value / self.count for key, value in self.sums.items()}
        pace = (time.monotonic() - self.clock) / self.count
        left = spent * (1 - progress) / max(progress, 1e-9) / 60
        text = " ".join(f"{k} {v:.4f}" for k, v in means.items())
        print(f"{step:7d} {text} | {pace * 1e3:.0f} ms/step, {left:.0f} min left", flush=True)
        self.row(step, means)
        self.sums, self.count, self.clock = {}, 0, time.monotonic()

    def measured(self, step: int, figures: dict[str, float]) -> None:
        print(f"{step:7d} " + " ".join(f"[{k} {v:.4f}]" for k, v in figures.items()), flush=True)
        self.row(step, figures)

    def row(self, step: int, figures: dict[str, float]) -> None:
        """Long form (step, name, value): terms may differ between stages and over time."""
        new = not self.path.exists()
        with self.path.open("a", newline="") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(("step", "name", "value"))
            writer.writerows((step, key, f"{value:.6g}") for key, value in figures.items())


def parse_knobs(settings: type, knobs: list[str]) -> dict:
    """`key=value` strings, each in the type of the Settings' default."""
    kinds = {f.name: type(f.default) for f in dataclasses.fields(settings)}
    pairs = [knob.split("=", 1) for knob in knobs]
    unknown = [key for key, _ in pairs if key not in kinds]
    if unknown:
        raise SystemExit(f"unknown setting {unknown[0]}; expected one of {', '.join(kinds)}")
    return {key: kinds[key](value) for key, value in pairs}


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", dest="knobs")
    for field in dataclasses.fields(Run):
        flag = "--" + field.name.replace("_", "-")
        if field.name == "fresh":
            parser.add_argument(flag, action="store_true")
        else:
            kind = Path if field.name in ("shared", "cache", "out") else type(field.default)
            parser.add_argument(flag, type=kind, default=field.default)
    options = vars(parser.parse_args(argv))
    train(options.pop("stage"), knobs=options.pop("knobs"), run=Run(**options))


if __name__ == "__main__":
    main()
