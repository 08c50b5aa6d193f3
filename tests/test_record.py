"""A recording plays, says what it is in three ways, keeps the time; a dropped one is gone."""

import av
import cv2
import numpy as np

from demo.label import drawn, label
from demo.mark import marked
from demo.provenance import verify
from demo.record import Recorder


def record(recorder, frames, step=0.25):
    """Give them one by one, waiting for each: none is let go."""
    for frame in frames:
        recorder.add(frame)
        while recorder._worker.busy or recorder._worker.pending is not None:
            pass
        recorder.clock.now += step


def test_a_recording_is_marked_signed_and_in_time(tmp_path, astronaut, clock):
    frame = label(cv2.resize(astronaut, (641, 480)))
    recorder = Recorder(tmp_path / "live.mp4", clock)
    record(recorder, [frame] * 4)
    path = recorder.save()
    with av.open(str(path)) as file:
        played = [(f.time, f.to_ndarray(format="rgb24")) for f in file.decode(video=0)]
    np.testing.assert_allclose([t for t, _ in played], [0, 0.25, 0.5, 0.75], atol=1e-3)
    first = played[0][1]
    assert first.shape == (480, 640, 3) and marked(first)
    expected = cv2.resize(frame, (640, 480), interpolation=cv2.INTER_AREA)
    assert np.abs(first.astype(int) - expected).mean() < 4
    tag = drawn(480 // 18)
    assert cv2.matchTemplate(first, tag, cv2.TM_CCOEFF_NORMED).max() > 0.95
    verdict = verify(path)
    assert verdict.valid and verdict.synthetic and verdict.marked
    assert list(tmp_path.iterdir()) == [path]


def test_a_camera_that_changes_size_goes_on_in_the_first(tmp_path, astronaut, clock):
    recorder = Recorder(tmp_path / "live.mp4", clock)
    record(recorder, [astronaut, astronaut[:240, :320].copy()])
    with av.open(str(recorder.save())) as file:
        assert [(f.width, f.height) for f in file.decode(video=0)] == [(512, 512)] * 2


def test_a_dropped_recording_leaves_nothing(tmp_path, astronaut, clock):
    recorder = Recorder(tmp_path / "live.mp4", clock)
    record(recorder, [astronaut])
    recorder.drop()
    assert list(tmp_path.iterdir()) == []


def test_without_a_frame_there_is_no_file(tmp_path):
    assert Recorder(tmp_path / "live.mp4").save() is None
    assert list(tmp_path.iterdir()) == []


def test_it_ends_at_its_limit(tmp_path, astronaut, clock):
    recorder = Recorder(tmp_path / "live.mp4", clock)
    record(recorder, [astronaut] * 3, step=400)
    with av.open(str(recorder.save())) as file:
        assert len(list(file.decode(video=0))) == 2
