"""Clips on a real Ray cluster of two machines, as far as Ray can tell: the same frames as here."""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import clips
import numpy as np
import pytest

from demo import crew, video
from demo.__main__ import main
from demo.crew import Task, cluster
from demo.errors import CancelledError, ClusterError, UnreadableError
from demo.media import probe
from demo.picture import write_picture
from demo.stretch import Settings, Work, scan
from demo.video import Part, swap_clip

ROOT = Path(__file__).resolve().parent.parent
MEMORY = 80_000_000  # bytes of each machine for what tasks hand over, which is next to nothing


@pytest.fixture(scope="module")
def address():
    """host:port of a cluster of two machines with one core each."""
    from ray.cluster_utils import Cluster

    room = {"num_cpus": 1, "object_store_memory": MEMORY}
    made = Cluster(initialize_head=True, head_node_args={**room, "include_dashboard": False})
    made.add_node(**room)
    yield made.address
    made.shutdown()


@pytest.fixture(scope="module")
def files(astronaut, tmp_path_factory):
    """A source, and a folder with a clip of 1.3 seconds."""
    folder = tmp_path_factory.mktemp("crew")
    write_picture(folder / "source.png", np.ascontiguousarray(astronaut[:400, ::-1]))
    (folder / "many").mkdir()
    clips.write(folder / "many" / "one.mp4", clips.moving(astronaut, 40), sounds=["aac"])
    return folder


@pytest.fixture(scope="module", autouse=True)
def short():
    """Stretches of a third of a second at most: five in the clip."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(video, "STRETCH", 1 / 3)
        yield


@pytest.fixture(scope="module")
def expected(files):
    """The clip as this process alone makes it."""
    swap_clip([Part(files / "source.png")], files / "many" / "one.mp4", files / "expected.mp4")
    return files / "expected.mp4"


def assert_same(one, two):
    """Frame for frame, time for time, sample for sample."""
    (times, frames), (others, pictures) = (zip(*clips.shown(p), strict=True) for p in (one, two))
    assert times == others
    np.testing.assert_array_equal(frames, pictures)
    np.testing.assert_array_equal(clips.heard(one)[0], clips.heard(two)[0])


def test_two_workers_make_what_one_process_makes(files, tmp_path, address, expected, monkeypatch):
    """With a path as people type it, from a folder that no worker stands in."""
    heard = []
    monkeypatch.chdir(tmp_path)
    with cluster(address) as workers:
        outcome = swap_clip(
            [Part(files / "source.png")], files / "many" / "one.mp4", Path("out.mp4"),
            crew=workers, tell=lambda share, words: heard.append(share),
        )  # fmt: skip
    assert len(workers.done) == 2 and sum(workers.done.values()) >= 8
    assert (outcome.frames, outcome.swapped, outcome.people) == (40, 40, 1)
    assert heard == sorted(heard) and heard[-1] == pytest.approx(1)
    assert_same(tmp_path / "out.mp4", expected)
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]


def test_a_cluster_goes_on_where_one_process_was_stopped(
    files, tmp_path, address, expected, capsys
):
    """By the command line, with a folder."""

    def stop(share, words):
        if share > 0.6:
            raise KeyboardInterrupt

    clip, out = files / "many" / "one.mp4", tmp_path / "one.mp4"
    with pytest.raises(KeyboardInterrupt):
        swap_clip([Part(files / "source.png")], clip, out, tell=stop)
    words = ["swap", str(files / "source.png"), str(clip.parent), "-o", str(tmp_path)]
    assert main([*words, "--ray", address]) == 0
    assert "40 of 40 frames" in (said := capsys.readouterr().out) and "continued" in said
    assert_same(out, expected)
    assert [p.name for p in tmp_path.iterdir()] == ["one.mp4"]


def test_a_worker_that_is_killed_is_replaced(files, tmp_path, address, expected):
    killed = []

    def tell(share, words):
        if workers.done and not killed:
            killed.append(next(iter(workers.done)))
            os.kill(int(killed[0].split("/")[1]), signal.SIGKILL)

    clip, out = files / "many" / "one.mp4", tmp_path / "out.mp4"
    with cluster(address) as workers:
        swap_clip([Part(files / "source.png")], clip, out, tell=tell, crew=workers)
    assert killed and sum(workers.done.values()) >= 8
    assert_same(out, expected)
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]


@pytest.mark.parametrize("share", [0.1, 0.6])
def test_a_change_of_mind_leaves_nothing(files, tmp_path, address, share):
    def tell(done, words):
        if done > share:
            raise CancelledError("stopped")

    clip = files / "many" / "one.mp4"
    with cluster(address) as workers, pytest.raises(CancelledError):
        swap_clip([Part(files / "source.png")], clip, tmp_path / "o.mp4", tell=tell, crew=workers)
    assert list(tmp_path.iterdir()) == []


def test_a_workers_error_comes_back_by_name(files, tmp_path, address):
    path = clips.write(tmp_path / "gone.mp4", [np.zeros((64, 64, 3), np.uint8)] * 3)
    work = Work(probe(path), (), Settings(), ".mp4")
    path.unlink()
    task = Task(tmp_path / "out.npz", 3, partial(scan, work, (0, 9000)))
    with cluster(address) as workers, pytest.raises(UnreadableError, match=r"gone\.mp4: no such"):
        workers([task], lambda frames: None)
    broken = Task(tmp_path / "out.npz", 3, partial(divmod, 1, 0))
    with cluster(address) as workers, pytest.raises(ClusterError, match=r"failed: divmod"):
        workers([broken], lambda frames: None)


@pytest.mark.parametrize(
    ("modules", "words"),
    [({"ray": None}, f'run: pip install "{crew.RAY}"'), ({}, "no Ray cluster at nonsense: ")],
)
def test_without_ray_or_a_cluster_it_says_what_to_do(
    files, tmp_path, monkeypatch, capsys, modules, words
):
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    clip = str(files / "many" / "one.mp4")
    swap = ["swap", str(files / "source.png"), clip, "-o", str(tmp_path / "out.mp4")]
    assert main([*swap, "--ray", "nonsense"]) == ClusterError.code
    assert words in capsys.readouterr().err and list(tmp_path.iterdir()) == []


def test_ray_is_asked_for_only_by_who_wants_it():
    code = "import sys, demo.__main__; sys.exit('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
    assert f"{crew.RAY} " in (ROOT / "tests" / "requirements.txt").read_text()
