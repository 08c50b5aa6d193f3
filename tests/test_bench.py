"""The bench's figures are there and consistent; how large they are is the machine's business."""

import json
import time
from types import SimpleNamespace

import numpy as np
import pytest

from demo import bench
from demo.media import probe


def test_timed_is_median_and_p95():
    spent = bench.timed(lambda: np.zeros(10), runs=50)
    assert 0 < spent["median"] <= spent["p95"]
    assert bench.timed(lambda: time.sleep(0.01), runs=5)["median"] >= 10


def test_every_stage_is_measured(monkeypatch):
    def once(work, runs=1):
        work()
        return {"median": 2.0, "p95": 2.0}

    monkeypatch.setattr(bench, "timed", once)
    monkeypatch.setattr(bench, "clip_rate", lambda engine: 30.0)
    figures = bench.measure()
    stages = {"detect", "align", "mesh", "encode", "inject", "bake", "swap", "warp", "paste"}
    whole = {f"{what}_{engine}" for what in ("frame", "picture") for engine in ("idn", "mesh")}
    assert set(figures["milliseconds"]) == stages | whole
    gflops = figures["gflops"]
    assert gflops["matrix_multiply"] == pytest.approx(2 * 768**3 / 2.0 / 1e6)
    assert gflops["idn_share"] == gflops["idn"] / gflops["matrix_multiply"]
    assert figures["model_bytes"] <= 24e6 and figures["peak_memory_mb"] > 50


def test_the_frame_holds_one_face_of_300_pixels(pack):
    frame = bench.frame_720p()
    assert frame.shape == (720, 1280, 3)
    faces = pack.faces(frame)
    height = faces[0].box[3] - faces[0].box[1]
    assert 240 < height < 360


def test_as_json_it_prints_json_and_nothing_else(monkeypatch, capsys):
    spent = {"detect": {"median": 1.5, "p95": 2.0}}
    figures = {"milliseconds": spent, "load": 0.5, "load_pack_seconds": 0.4, "model_bytes": 1}
    figures["gflops"] = {"matrix_multiply": 80.0, "idn": 20.0, "idn_share": 0.25}
    figures |= {"clip_frames_per_second": {"mesh": 30.0}}
    figures |= {"peak_memory_mb": 200.0, "provider": "cpu"}
    monkeypatch.setattr(bench, "measure", lambda: figures)
    monkeypatch.setattr(bench, "single_thread", lambda: None)
    bench.report(as_json=True)
    assert json.loads(capsys.readouterr().out) == figures
    bench.report()
    assert "25% of this machine's" in capsys.readouterr().out


def test_a_clips_rate_is_frames_over_seconds(monkeypatch):
    """Opening the weights, ten seconds here, does not count."""

    def swapped(parts, clip, out, settings):
        assert probe(clip).sound == ("aac",) and probe(clip).height == 720
        frames = round(30 * settings.end)
        return SimpleNamespace(frames=frames, seconds=10 + frames / 25)

    monkeypatch.setattr(bench, "swap_clip", swapped)
    assert bench.clip_rate("mesh", seconds=1.5) == pytest.approx(25)
