"""`train` runs one stage: `python -m models.train STAGE [--minutes M]`, resumable at any moment.

The order, from nothing to a pack (each line resumes where a killed run left off):

    python -m models.train mesh   --minutes 30      # 468 points, from the landmark teacher
    python -m models.train encode --minutes 30      # identity and look, from the recogniser
    python -m models.train detect --minutes 40      # boxes and five points
    torchrun --nproc-per-node 2 -m models.train swap --minutes 90 --set size=128  # then 160, 224
    python -m models.train teacher --minutes 20 --device cuda   # with a GPU: the network teacher,
    python -m models.train quality --minutes 3 --device cuda    # how far its pictures are trusted,
    python -m models.train distil  --minutes 20 --device cuda   # and the IDN once more, from it
    python -m models.export                         # weights/*.onnx and manifest.json
    python -m models.evaluate                       # what it is worth

A stage (models/stages/*.py) brings networks, losses and a measure on held-out people; the loop
here brings Adam, a cosine, an average of the weights (EMA), checkpoints and the log. A run lives in
models/runs/STAGE: `last.pt` (everything, atomic), `log.csv`, and the same curves for TensorBoard.
`models/checkpoints/STAGE.safetensors` (EMA weights, half precision) is what is committed and what a
fresh checkout starts from.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import importlib
import math
import os
import time
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.distributed as dist
from tensorboardX import SummaryWriter
from torch import nn

from models.checkpoint import ROOT, Average, publish, resume, save

STAGES = ("mesh", "encode", "detect", "swap", "teacher", "quality", "distil")


@dataclasses.dataclass
class Run:
    """What the loop needs to know; a stage's own knobs are its Settings."""

    steps: int = 1_000_000  # whichever of steps and minutes ends first ends the run
    minutes: float = 30.0  # of this and all earlier starts of the same run together
    warmup: int = 100  # steps of linear warm-up
    hold: float = 0.0  # share of the run at the full rate, before the cosine
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


def train(name: str, run: Run, knobs: list[str]) -> None:
    """Run one stage until its steps or minutes are over. knobs: `key=value` for its Settings."""
    rank, world = join()
    torch.set_num_threads(run.threads)
    cv2.setNumThreads(1)  # its helpers would fight the training for the cores
    torch.manual_seed(run.seed)
    module = importlib.import_module(f"models.stages.{name}")
    settings = dataclasses.replace(module.Settings(), **parse_knobs(module.Settings, knobs))
    stage = module.Stage(settings, run.shared, run.cache, run.device)
    out = run.out or ROOT / "runs" / name
    out.mkdir(parents=True, exist_ok=True)
    optimiser = torch.optim.Adam(stage.groups(), betas=(0.9, 0.99), fused=True)
    bases = [group["lr"] for group in optimiser.param_groups]
    average = Average(stage.networks, run.decay)
    published = getattr(stage, "publishes", name)
    start, elapsed = resume(
        published, out, stage, optimiser, average, device=run.device, fresh=run.fresh
    )
    if start == 0 and hasattr(stage, "prepare"):
        stage.prepare()
        average.networks.load_state_dict(stage.networks.state_dict())
    log = Log(out / "log.csv")
    began = saved = time.monotonic()
    step = start
    while True:
        spent = elapsed + time.monotonic() - began
        progress = agree(max(step / run.steps, spent / run.minutes / 60), world)
        if progress >= 1:
            break
        for group, base in zip(optimiser.param_groups, bases, strict=True):
            group["lr"] = base * rate(run, step, progress)
        # The generator is made anew each step, so that a resumed run draws what it would have.
        terms = stage.losses(step, np.random.default_rng((run.seed, step, rank)))
        optimiser.zero_grad(set_to_none=True)
        terms["total"].backward()
        share(stage.networks, world)
        norm = nn.utils.clip_grad_norm_(stage.networks.parameters(), run.clip)
        if torch.isfinite(norm):  # one broken batch may not end a night's work
            optimiser.step()
        average.update(stage.networks, step)
        step += 1
        if rank:
            continue
        log.add({**terms, "norm": norm})
        if step % run.log_steps == 0:
            log.line(step, spent, progress)
        if time.monotonic() - saved > run.save_minutes * 60:
            spent = elapsed + time.monotonic() - began
            save(out, stage, optimiser, average, step, spent)
            log.measured(step, measure(stage, average))
            if hasattr(stage, "keep"):
                stage.keep(out, average, progress)
            saved = time.monotonic()
    if rank == 0:
        finish(published, out, stage, optimiser, average, step, spent, log)


def rate(run: Run, step: int, progress: float) -> float:
    """Share of the learning rate: a linear rise, a while at the full rate, a cosine to zero."""
    fall = max(0.0, progress - run.hold) / max(1 - run.hold, 1e-9)
    return min(1.0, (step + 1) / run.warmup) * (1 + math.cos(math.pi * fall)) / 2


def finish(name: str, out: Path, stage, optimiser, average, step: int, spent: float, log) -> None:
    save(out, stage, optimiser, average, step, spent)
    log.measured(step, measure(stage, average))
    log.board.close()
    publish(name, average, getattr(stage, "notes", {}), getattr(stage, "helpers", ()))


def join() -> tuple[int, int]:
    """(rank, world) under torchrun, (0, 1) alone. Two processes of one thread each are faster than
    one of two, above all beside other work: they meet once a step, not once a layer."""
    world = int(os.environ.get("WORLD_SIZE", 1))
    if world > 1 and not dist.is_initialized():
        dist.init_process_group("gloo")
    return int(os.environ.get("RANK", 0)), world


def agree(progress: float, world: int) -> float:
    """The first process's clock is everyone's."""
    if world == 1:
        return progress
    value = torch.tensor(progress, dtype=torch.float64)
    dist.broadcast(value, 0)
    return value.item()


def share(networks: nn.Module, world: int) -> None:
    """The mean of all processes' gradients, in one exchange."""
    if world == 1:
        return
    owned = [p for p in networks.parameters() if p.requires_grad]
    grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in owned]
    flat = torch.cat([g.reshape(-1) for g in grads])
    dist.all_reduce(flat)
    for p, part in zip(owned, (flat / world).split([p.numel() for p in owned]), strict=True):
        p.grad = part.view_as(p)


def measure(stage, average: Average) -> dict[str, float]:
    """The stage's own measure, with the averaged weights in place of the raw ones."""
    raw, stage.networks = stage.networks, average.networks.eval()
    with torch.no_grad():
        figures = stage.measure()
    stage.networks = raw
    return figures


class Log:
    """Running means of the named terms: on the screen, in log.csv and for TensorBoard."""

    def __init__(self, path: Path):
        self.path, self.sums, self.count, self.clock = path, {}, 0, time.monotonic()

    @cached_property
    def board(self) -> SummaryWriter:
        return SummaryWriter(str(self.path.parent))  # made late: of several processes one writes

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
        for key, value in figures.items():
            self.board.add_scalar(key, value, step)
        self.board.flush()


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
