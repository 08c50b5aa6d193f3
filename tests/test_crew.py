"""Clips on a real Ray cluster of two machines, as far as Ray can tell: the same frames as here."""

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


@pytest.fixture
def short(monkeypatch):
    """Stretches of a third of a second: five in the clip."""
    monkeypatch.setattr(video, "STRETCH", 1 / 3)


def test_two_workers_make_what_one_process_makes(files, tmp_path, address, short):
    """Frame for frame, time for time, sample for sample; in relative paths, as people type them."""
    here, there, heard = tmp_path / "here.mp4", tmp_path / "there.mp4", []
    parts, clip = [Part(files / "source.png")], files / "many" / "one.mp4"
    expected = swap_clip(parts, clip, here)
    with cluster(address) as workers, pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        outcome = swap_clip(
            parts,
            clip,
            Path("there.mp4"),
            crew=workers,
            tell=lambda share, words: heard.append(share),
        )
    assert sum(workers.done.values()) >= 8 and len(workers.done) == 2
    assert (outcome.frames, outcome.swapped) == (expected.frames, expected.swapped) == (40, 40)
    assert heard == sorted(heard) and heard[-1] == pytest.approx(1)
    (times, frames), (other_times, others) = (
        zip(*clips.shown(p), strict=True) for p in (here, there)
    )
    assert times == other_times
    np.testing.assert_array_equal(frames, others)
    np.testing.assert_array_equal(clips.heard(here)[0], clips.heard(there)[0])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["here.mp4", "there.mp4"]


def test_a_cluster_goes_on_where_one_process_was_stopped(files, tmp_path, address, short, capsys):
    """By the command line, with a folder."""

    def stop(share, words):
        if share > 0.6:
            raise KeyboardInterrupt

    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(KeyboardInterrupt):
        swap_clip(
            [Part(files / "source.png")], files / "many" / "one.mp4", out / "one.mp4", tell=stop
        )
    words = ["swap", str(files / "source.png"), str(files / "many"), "-o", str(out)]
    assert main([*words, "--ray", address]) == 0
    assert "40 of 40 frames" in (said := capsys.readouterr().out) and "continued" in said
    assert [p.name for p in out.iterdir()] == ["one.mp4"]


@pytest.mark.parametrize("share", [0.1, 0.6])
def test_a_change_of_mind_leaves_nothing(files, tmp_path, address, short, share):
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
