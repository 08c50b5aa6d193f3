"""The exam: its pairs, its columns on known answers, two pairs end to end with ../shared."""

import csv
import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from demo.align import align
from demo.errors import NoFaceError, SmallFaceError
from demo.manifest import load
from models import evaluate
from models.judge import COLUMNS, LIKE, Exam, like_pairs

MANIFEST = load(check=False)
MEAN = MANIFEST.mesh.mean
SHARED = evaluate.ROOT.parent.parent / "shared"
POINTS = MANIFEST.align.template * 300 + (120, 60)  # a face in the middle of the astronaut's frame


def people(count: int = 240) -> list[dict]:
    """Rows of an invented table: three sets, a few people with several pictures."""
    rng = np.random.default_rng(1)
    return [
        {
            "set": ("congress", "faker", "ytf")[i % 3],
            "identity": f"{i % 3}-{i // 6}",
            "yaw": rng.normal(0, 0.06),
        }
        for i in range(count)
    ]


def test_pairs_are_of_different_people_of_like_yaw_in_equal_ways():
    rows = people()
    pairs = like_pairs(rows, 180)
    assert len(pairs) == 180
    ways = [(rows[s]["set"], rows[t]["set"]) for s, t in pairs]
    assert {ways.count(way) for way in ways} == {20}
    for source, target in pairs:
        assert rows[source]["identity"] != rows[target]["identity"]
        assert abs(rows[source]["yaw"] - rows[target]["yaw"]) <= LIKE


def test_pairs_are_seeded_and_fewer_are_the_beginning_of_more():
    rows = people()
    assert np.array_equal(like_pairs(rows, 50), like_pairs(rows, 180)[:50])
    assert not np.array_equal(like_pairs(rows, 50), like_pairs(rows, 50, seed=1))


class Painter:
    """Stands in for FaceSwapper: answers with what it was told to."""

    def __init__(self, found: int = 1, refuses: Exception | None = None):
        self.report = SimpleNamespace(found=found, swapped=found)
        self.refuses = refuses

    def set_source(self, source):
        if self.refuses:
            raise self.refuses
        self.source = source

    def swap_frame(self, target):
        return self.source


@pytest.mark.parametrize(
    ("painter", "swapped", "no_face"),
    [
        (Painter(), 1, 0),
        (Painter(found=0), 0, 1),
        (Painter(refuses=NoFaceError("none")), 0, 1),
        (Painter(refuses=SmallFaceError("small")), 0, 0),
    ],
)
def test_through_says_what_happened(monkeypatch, painter, swapped, no_face):
    monkeypatch.setattr(evaluate, "FaceSwapper", lambda engine, pack: painter)
    source, target = np.zeros((4, 4, 3), np.uint8), np.ones((4, 4, 3), np.uint8)
    result, happened = evaluate.through("idn", None)(source, target)
    assert happened == {"swapped": swapped, "no_face": no_face}
    assert (result is target) == bool(painter.refuses)


@pytest.fixture
def exam(astronaut) -> Exam:
    """An exam of one pair (0 -> 1) that knows its faces without any teacher."""
    exam = Exam.__new__(Exam)
    other = np.ascontiguousarray(astronaut[:, ::-1])
    rows = [{"points": POINTS, "yaw": yaw, "file": "x.jpg"} for yaw in (0.0, 0.01)]
    crops = np.stack(
        [align(f, POINTS, MANIFEST.align.template, 224)[0] for f in (other, astronaut)]
    )
    exam.faces = SimpleNamespace(rows=rows, crops=crops, n=2, people=np.array(["a", "b"]),
                                 sets=np.array(["faker", "ytf"]))  # fmt: skip
    exam.topology, exam.judge = MANIFEST.mesh, unit_pixels
    exam.landmarks = lambda frame, points: (mesh_at(points), 1.0)
    exam.pairs, exam.frames = np.array([[0, 1]]), {0: other, 1: astronaut}
    exam.meshes = {1: mesh_at(POINTS)}
    exam.gallery = exam.judge(crops)
    exam.grey = {0: exam.judge(crops[:1], grey=True)[0]}
    return exam


def unit_pixels(crops, grey: bool = False) -> np.ndarray:
    """A judge that compares pixels."""
    flat = [np.array(c[::8, ::8], float) - 128 for c in crops]
    flat = [(c.mean(2) if grey else c).ravel() for c in flat]
    return np.stack([c / np.linalg.norm(c) for c in flat])


def mesh_at(points: np.ndarray) -> np.ndarray:
    """The mean mesh where the aligned crop lies: POINTS span 300 pixels."""
    return ((MEAN + 0.5) * 300 / 224 + [119.5, 59.5, 0]).astype(np.float32)


def test_copying_the_target_changes_nothing(exam):
    figures, _ = exam.run(evaluate.copy, np.array([], int))
    row = figures[0]
    assert set(row) == set(COLUMNS)
    still = ("pose_deg", "expression_pct", "outside_hull", "outside_crop", "tint", "retrieval")
    assert all(row[key] == pytest.approx(0, abs=1e-4) for key in still)
    assert row["cos_target"] == pytest.approx(1) and row["sharpness"] == 1
    assert row["cos_source"] < 0.9


def test_returning_the_source_is_seen_in_every_column(exam):
    def method(source, target):
        return source, {"swapped": 1.0, "no_face": 0.0}

    figures, views = exam.run(method, np.array([0]))
    row = figures[0]
    assert row["cos_source"] == pytest.approx(1) and row["cos_grey"] == pytest.approx(1)
    assert row["retrieval"] == 1 and row["cos_target"] < 0.9
    assert row["outside_hull"] > 10 and row["outside_crop"] > 10
    assert views[0].shape == (336, 336, 3)


def test_summary_counts_groups_and_the_table_shows_them(exam):
    figures = {"copy": exam.run(evaluate.copy, np.array([], int))[0]}
    report = evaluate.summary(exam, figures)
    assert list(report["groups"]["copy"])[:2] == ["ytf", "frontal"]
    assert all(group["pairs"] == 1 for group in report["groups"]["copy"].values())
    text = evaluate.table(report["groups"]["copy"], "copy")
    assert "pairs" in text and "ytf" in text
    json.dumps(report)


def test_means_errors_and_the_table_of_known_rows():
    figures = [dict.fromkeys(COLUMNS, value) for value in (1.0, 3.0)]
    assert set(evaluate.mean(figures).values()) == {2.0}
    assert evaluate.error(figures)["tint"] == pytest.approx(2**-0.5)
    lines = evaluate.table(dict.fromkeys(("copy", "mesh"), evaluate.mean(figures))).splitlines()
    assert len(lines) == 3 and len({len(line) for line in lines}) == 1
    assert lines[1].split()[1:] == ["2"] * len(COLUMNS)


def test_a_source_without_a_face_leaves_the_target(pack, astronaut):
    frame, happened = evaluate.through("mesh", pack)(np.zeros((200, 200, 3), np.uint8), astronaut)
    assert frame is astronaut and happened == {"swapped": 0, "no_face": 1}


def test_a_missing_shared_folder_is_named(tmp_path, capsys):
    with pytest.raises(SystemExit):
        evaluate.parse(["--shared", str(tmp_path)])
    said = capsys.readouterr().err
    assert str(tmp_path) in said and "mfn_y1.pt" in said and "--shared" in said


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the folder ../shared")
def test_two_pairs_end_to_end(tmp_path):
    evaluate.main(["--pairs", "2", "--out", str(tmp_path), "--cache", str(evaluate.ROOT / "cache")])
    report = json.loads((tmp_path / "report.json").read_text())
    copied, mesh = report["rows"]["copy"], report["rows"]["mesh"]
    assert copied["pose_deg"] < 0.01 and copied["cos_target"] == pytest.approx(1, abs=1e-5)
    assert mesh["cos_source"] > copied["cos_source"] + 0.2 and mesh["outside_crop"] < 1
    with (tmp_path / "pairs.csv").open(newline="") as file:
        assert len(list(csv.reader(file))) == 1 + 2 * len(report["rows"])
    assert cv2.imread(str(tmp_path / "sheet.png")).shape[1] > 200
