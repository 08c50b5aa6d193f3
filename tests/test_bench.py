"""The bench's figures are there and consistent; how large they are is the machine's business."""

import numpy as np
import pytest

from demo import bench


def test_timed_is_median_and_p95():
    spent = bench.timed(lambda: np.zeros(10), runs=50)
    assert 0 < spent["median"] <= spent["p95"]


def test_every_stage_is_measured(monkeypatch):
    def once(work, runs=1):
        work()
        return {"median": 2.0, "p95": 2.0}

    monkeypatch.setattr(bench, "timed", once)
    figures = bench.measure()
    stages = {"detect", "align", "mesh", "encode", "inject", "bake", "swap", "warp", "paste"}
    assert set(figures["milliseconds"]) == stages | {"frame_idn", "frame_mesh"}
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
