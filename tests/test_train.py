"""The loop: a killed run continues where it was, averages are averages, settings are checked."""

import csv
import os
import struct
import sys
import types
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from tensorboardX.proto import event_pb2
from torch import nn

from models import checkpoint, train


@dataclass(frozen=True)
class Settings:
    lr: float = 0.3
    batch: int = 8


class Stage:
    """A line through noisy points; the loop cannot tell it from a face swapper."""

    def __init__(self, settings, shared, cache, device):
        self.settings = settings
        self.networks = nn.ModuleDict({"line": nn.Linear(2, 1)})
        self.die_at = int(os.environ.get("DIE_AT", -1))

    def groups(self):
        return [{"params": self.networks.parameters(), "lr": self.settings.lr}]

    def losses(self, step, rng):
        if step == self.die_at:
            raise KeyboardInterrupt
        x = torch.from_numpy(rng.normal(size=(self.settings.batch, 2)).astype(np.float32))
        error = (self.networks["line"](x)[:, 0] - x @ torch.tensor([2.0, -1.0])).square().mean()
        return {"error": error, "total": error}

    def measure(self):
        return {"slope": self.networks["line"].weight[0, 0].item()}


@pytest.fixture
def line(monkeypatch, tmp_path):
    stage = types.ModuleType("models.stages.line")
    stage.Stage, stage.Settings = Stage, Settings
    monkeypatch.setitem(sys.modules, "models.stages.line", stage)
    for module in (train, checkpoint):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    threads = torch.get_num_threads()
    yield lambda out, **run: train.train(
        "line", train.Run(out=tmp_path / out, save_minutes=0, log_steps=10, warmup=5, **run), []
    )
    torch.set_num_threads(threads)


def final(folder):
    state = torch.load(folder / "last.pt", weights_only=True)
    return state["networks"]["line.weight"], state["step"]


def test_it_learns_logs_and_publishes(line, tmp_path):
    line("a", steps=120)
    weight, step = final(tmp_path / "a")
    assert step == 120
    torch.testing.assert_close(weight[0], torch.tensor([2.0, -1.0]), atol=0.05, rtol=0)
    rows = list(csv.DictReader((tmp_path / "a" / "log.csv").read_text().splitlines()))
    errors = [float(row["value"]) for row in rows if row["name"] == "error"]
    assert errors[-1] < errors[0] / 10
    published = checkpoint.load_average(
        tmp_path / "checkpoints" / "line.safetensors", nn.Linear(2, 1), "line"
    )
    torch.testing.assert_close(published.weight, weight, atol=0.2, rtol=0)


def test_tensorboard_shows_what_the_table_says(line, tmp_path):
    line("a", steps=30)
    rows = list(csv.DictReader((tmp_path / "a" / "log.csv").read_text().splitlines()))
    (events,) = (tmp_path / "a").glob("events.out.tfevents.*")
    data, shown = events.read_bytes(), []
    while data:  # length, its checksum, the event, its checksum
        (length,) = struct.unpack("<Q", data[:8])
        event = event_pb2.Event.FromString(data[12 : 12 + length])
        shown += [(event.step, value.tag, value.simple_value) for value in event.summary.value]
        data = data[16 + length :]
    assert {(step, name) for step, name, _ in shown} >= {(30, "error"), (30, "slope")}
    expected = [(int(row["step"]), row["name"], float(row["value"])) for row in rows]
    assert [(s, n, pytest.approx(v, rel=1e-4)) for s, n, v in shown] == expected


def test_a_killed_run_ends_as_an_undisturbed_one(line, tmp_path, monkeypatch):
    line("whole", steps=60)
    (tmp_path / "checkpoints" / "line.safetensors").unlink()  # both begin from nothing
    monkeypatch.setenv("DIE_AT", "37")
    with pytest.raises(KeyboardInterrupt):
        line("killed", steps=60)
    assert final(tmp_path / "killed")[1] == 37
    monkeypatch.delenv("DIE_AT")
    line("killed", steps=60)
    torch.testing.assert_close(final(tmp_path / "killed")[0], final(tmp_path / "whole")[0])


def test_average_is_the_exponential_mean():
    network = nn.Linear(1, 1, bias=False)
    average = checkpoint.Average(network, decay=0.5)
    nn.init.ones_(network.weight)
    start = average.networks.weight.item()
    average.update(network, step=1000)
    assert average.networks.weight.item() == pytest.approx((start + 1) / 2)


@pytest.mark.parametrize("hold", [0.0, 0.5, 1.0])
def test_the_rate_rises_holds_and_falls_to_nothing(hold):
    run = train.Run(hold=hold, warmup=10)
    assert train.rate(run, 4, 0.0) == 0.5
    assert train.rate(run, 100, hold * 0.99) > 0.99
    assert train.rate(run, 100, (1 + hold) / 2) == pytest.approx(0.5 if hold < 1 else 1)
    assert train.rate(run, 100, 1.0) == pytest.approx(0 if hold < 1 else 1, abs=1e-9)


def test_settings_are_typed_and_unknown_ones_refused():
    assert train.parse_knobs(Settings, ["lr=0.1", "batch=4"]) == {"lr": 0.1, "batch": 4}
    with pytest.raises(SystemExit, match="unknown setting speed"):
        train.parse_knobs(Settings, ["speed=9"])
