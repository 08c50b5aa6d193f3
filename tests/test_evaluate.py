"""Every figure of the evaluation on cases whose answer is known."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from demo.manifest import load
from models import evaluate, metrics

RNG = np.random.default_rng(0)
TOPOLOGY = load(check=False).mesh
MEAN = TOPOLOGY.mean
SHARED = Path(__file__).resolve().parent.parent.parent / "shared"


def test_auc_against_counting():
    score, truth = RNG.normal(size=200), RNG.random(200) < 0.3
    above = (score[truth][:, None] > score[~truth][None]).mean()
    assert metrics.auc(score, truth) == pytest.approx(above)
    assert metrics.auc(truth.astype(float), truth) == 1.0


def test_retrieval_is_by_person_not_by_picture():
    gallery = np.eye(4, dtype=np.float32)
    people = np.array(["a", "b", "b", "c"])
    found = gallery[[0, 2, 1, 0]]
    hits = metrics.retrieved(found, gallery, people, np.array(["a", "b", "c", "b"]))
    assert hits.tolist() == [True, True, False, False]


@pytest.mark.parametrize("degrees", [0, 3, 25])
def test_pose_error_is_the_angle_of_the_turn(degrees):
    axis = np.array([0.6, -0.64, 0.48]) * np.deg2rad(degrees)
    turned = (MEAN @ cv2.Rodrigues(axis)[0].T * 1.3 + 7).astype(np.float32)
    assert metrics.pose_error(turned, MEAN, MEAN) == pytest.approx(degrees, abs=0.05)


def test_landmark_error_is_in_eye_distances():
    unit = np.linalg.norm(MEAN[33, :2] - MEAN[263, :2])
    moved = MEAN + np.float32([0.03 * unit, 0.04 * unit, 9])
    assert metrics.landmark_error(moved, MEAN) == pytest.approx(5, abs=1e-3)


def test_inner_points_are_eyes_nose_and_mouth():
    inner = set(metrics.inner_points(MEAN).tolist())
    assert {33, 133, 263, 362, 1, 13, 14} <= inner and not inner & set(TOPOLOGY.oval.tolist())


def test_sharpness_tint_and_outside_of_known_changes():
    frame = RNG.integers(60, 190, (200, 200, 3), np.uint8)
    inside = np.zeros((200, 200), bool)
    inside[60:140, 60:140] = True
    assert metrics.sharpness(frame, frame, inside) == 1
    soft = cv2.GaussianBlur(frame, (0, 0), 2)
    assert metrics.sharpness(soft, frame, inside) < 0.2
    assert metrics.tint(frame, frame, inside) == 0
    redder = np.clip(frame + np.array([25, 0, 0]), 0, 255).astype(np.uint8)
    assert metrics.tint(redder, frame, inside) > 4
    brighter = np.clip(frame.astype(int) + 3, 0, 255).astype(np.uint8)
    assert metrics.tint(brighter, frame, inside) < 0.5
    other = frame.copy()
    other[inside] = 0
    assert metrics.outside(other, frame, inside) == 0
    assert metrics.outside(brighter, frame, inside) == pytest.approx(3 / 255)


@pytest.mark.parametrize(
    ("colour", "name"),
    [((235, 205, 185), "light"), ((205, 165, 130), "medium"), ((175, 130, 95), "tan"),
     ((90, 60, 45), "dark")],
)  # fmt: skip
def test_tone_of_known_colours(colour, name):
    frame = np.full((224, 224, 3), colour, np.uint8)
    assert metrics.tone(frame, MEAN, TOPOLOGY.cheeks) == name


def test_the_table_has_a_row_for_each_method_and_a_column_for_each_figure():
    figures = [dict.fromkeys(evaluate.COLUMNS, v) for v in (1.0, 3.0)]
    mean = evaluate.mean(figures)
    assert set(mean.values()) == {2.0}
    lines = evaluate.table({"copy": mean, "mesh": mean}).splitlines()
    assert len(lines) == 3 and all(len(line) == len(lines[0]) for line in lines)
    assert lines[1].split()[1:] == ["2.0000"] * len(evaluate.COLUMNS)


def test_a_source_without_a_face_leaves_the_target(pack, astronaut):
    method = evaluate.through("mesh", pack)
    frame, swapped = method(np.zeros((200, 200, 3), np.uint8), astronaut)
    assert frame is astronaut and swapped == 0


def shared_is_here() -> bool:
    return (SHARED / "faces" / "eval.zip").exists()


@pytest.mark.skipif(not shared_is_here(), reason="needs ../shared: pictures and teachers")
def test_copying_the_target_scores_as_it_must(tmp_path, pack):
    exam = evaluate.Exam(SHARED, tmp_path, count=2)
    figures, _ = exam.run(evaluate.copy)
    row = evaluate.mean(figures)
    assert row["cos_target"] == pytest.approx(1, abs=0.02)
    assert row["pose_deg"] == pytest.approx(0, abs=1e-3) and row["sharpness"] == 1
    assert row["outside"] == row["tint"] == row["swapped"] == row["expression_pct"] == 0
    swapped = evaluate.mean(exam.run(evaluate.through("mesh", pack))[0])
    assert swapped["swapped"] == 1 and swapped["outside"] < 1 / 255
    assert swapped["cos_source"] > row["cos_source"] + 0.2
