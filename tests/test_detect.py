"""`detect` against insightface's own decoder, against torch, against brute force."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

from demo.detect import Options, decode, detect, find_detector, load_detector, nms, prepare
from demo.errors import PackError
from demo.manifest import load
from demo.sessions import open_session

torch = pytest.importorskip("torch")

from models.assign import answers as typical_answers  # noqa: E402
from models.export import export  # noqa: E402
from models.networks.detect import Detect  # noqa: E402

WEIGHTS = Path(__file__).resolve().parent.parent / "models" / "weights" / "detect.onnx"
ASTRONAUT = skimage.data.astronaut()  # (512, 512, 3) uint8 RGB, public domain
POINTS = np.array([[203, 101], [246, 103], [224, 127], [203, 140], [247, 140]])  # by hand, +-2

SHIPPED = load(check=False).detect  # the threshold that the product uses

needs_weights = pytest.mark.skipif(not WEIGHTS.exists(), reason="models/weights/detect.onnx")


@pytest.fixture(scope="module")
def session():
    return open_session(WEIGHTS, device="cpu", threads=1)


def mosaic() -> np.ndarray:
    """Four astronauts of different sizes, (512, 640, 3)."""
    frame = np.full((512, 640, 3), 90, np.uint8)
    for side, y, x in ((320, 0, 0), (200, 20, 400), (128, 330, 60), (256, 250, 340)):
        small = cv2.resize(ASTRONAUT, (side, side), interpolation=cv2.INTER_AREA)
        frame[y : y + side, x : x + side] = small[: len(frame) - y]
    return frame


@needs_weights
@pytest.mark.parametrize("frame", [ASTRONAUT, mosaic()], ids=["astronaut", "mosaic"])
def test_decodes_as_insightface_does(session, frame):
    from insightface.model_zoo import get_model

    theirs = get_model(str(WEIGHTS), providers=["CPUExecutionProvider"])
    assert type(theirs).__name__ == "SCRFD"
    boxes, points = theirs.detect(frame[..., ::-1], input_size=(frame.shape[1], frame.shape[0]))
    ours = detect(session, frame, Options(size=max(frame.shape)))
    assert len(ours) == len(boxes) > 0
    for face, box, spots in zip(ours, boxes, points, strict=True):
        np.testing.assert_allclose(face.box + 0.5, box[:4], atol=0.1)  # theirs count from corners
        np.testing.assert_allclose(face.points + 0.5, spots, atol=0.1)
        assert face.score == pytest.approx(box[4], abs=1e-3)


@needs_weights
@pytest.mark.parametrize("scale", [0.3, 0.5, 1.0, 2.0])
def test_finds_the_astronaut(session, scale):
    side = round(512 * scale)
    frame = cv2.resize(ASTRONAUT, (side, side), interpolation=cv2.INTER_AREA)
    (face,) = detect(session, frame, Options(score=SHIPPED.score))
    away = np.linalg.norm(face.points / scale - POINTS, axis=1)
    assert away.max() < 6, away  # the eyes are 43 px apart
    x0, y0, x1, y1 = face.box / scale
    assert x0 < 203 < 246 < x1 and y0 < 101 < 140 < y1


@needs_weights
@pytest.mark.parametrize("turn", [-30, 30])
def test_finds_a_tilted_face(session, turn):
    matrix = cv2.getRotationMatrix2D((224, 120), turn, 1.0)
    frame = cv2.warpAffine(ASTRONAUT, matrix, (512, 512))
    face = detect(session, frame)[0]
    upright = (face.points - matrix[:, 2]) @ matrix[:, :2]
    assert np.linalg.norm(upright - POINTS, axis=1).max() < 10


@needs_weights
def test_a_face_that_fills_the_frame_is_found(session):
    (face,) = detect(session, ASTRONAUT[75:170, 180:272])
    assert np.linalg.norm(face.points - (POINTS - [180, 75]), axis=1).max() < 8


@needs_weights
def test_finds_all_of_a_mosaic_best_first(session):
    faces = detect(session, mosaic(), Options(640, SHIPPED.score))
    assert len(faces) == 4
    scores = [face.score for face in faces]
    assert scores == sorted(scores, reverse=True)


@needs_weights
@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_blank_frame_has_no_face(session, value):
    assert detect(session, np.full((240, 320, 3), value, np.uint8)) == []


@needs_weights
@pytest.mark.parametrize("shape", [(1, 1, 3), (5, 400, 3), (333, 77, 3)])
def test_any_shape_is_an_answer(session, shape):
    assert isinstance(detect(session, np.zeros(shape, np.uint8)), list)


@pytest.mark.parametrize(
    "frame",
    [np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3)), np.zeros((0, 9, 3), np.uint8), "frame.jpg"],
)
def test_wrong_frames_say_got_and_expected(frame):
    with pytest.raises(ValueError, match=r"got .* expected a frame \(h, w, 3\) uint8 RGB"):
        detect(lambda image: {}, frame)


def test_prepare_says_where_a_point_went():
    frame = np.zeros((100, 40, 3), np.uint8)
    frame[60:64, 20:24] = 255
    for border in (0.0, 0.25):
        image, scale, offset = prepare(frame, 320, border)
        assert image.shape[2] % 32 == 0 and image.shape[3] % 32 == 0 and scale <= 2
        y, x = (np.argwhere(image[0, 0] > 0.5).mean(0) + 0.5 - offset) / scale
        assert (x, y) == pytest.approx((22, 62), abs=0.3)
    assert prepare(np.zeros((1080, 1920, 3), np.uint8), 320)[0].shape == (1, 3, 192, 320)


def answers(width: int, height: int, stride: int, row: int, **values) -> list[np.ndarray]:
    """Nine empty arrays but for one answer."""
    cells = [2 * (height // s) * (width // s) for s in (8, 16, 32)]
    out = [np.zeros((c, n), np.float32) for n in (1, 4, 10) for c in cells]
    for i, key in enumerate(("score", "box", "points")):
        out[(8, 16, 32).index(stride) + 3 * i][row] = values[key]
    return out


def test_decode_counts_strides_from_the_cells_corner():
    row = 2 * (3 * 20 + 7) + 1  # line 3, column 7 of a 20 cells wide grid, the second answer
    given = answers(320, 192, 16, row, score=0.9, box=[1, 2, 3, 4], points=np.arange(10))
    boxes, points, scores = decode(given, 320, 0.5)
    np.testing.assert_allclose(boxes, [[6 * 16, 1 * 16, 10 * 16, 7 * 16]])
    np.testing.assert_allclose(points[0, 1], [(7 + 2) * 16, (3 + 3) * 16])
    np.testing.assert_allclose(scores, [0.9])


@pytest.mark.parametrize("side", [80, 160, 320, 640])
def test_points_count_from_the_middle_of_a_pixel(side):
    frame, reach = np.zeros((side, side, 3), np.uint8), side // 8
    frame[side // 4 : side // 4 + reach, side // 2 : side // 2 + reach] = 255
    middle = np.array([side // 2, side // 4]) + (reach - 1) / 2

    def session(image):  # answers as SCRFD would: from the corner of the first pixel, in strides
        y, x = (np.average(np.arange(n) + 0.5, weights=image[0, 0].sum(a) - image[0, 0].min() * n)
                for a, n in ((1, image.shape[2]), (0, image.shape[3])))  # fmt: skip
        spots = np.tile([x / 8, y / 8], 5)
        given = answers(image.shape[3], image.shape[2], 8, 0, score=0.9, box=[0] * 4, points=spots)
        return dict(zip("abcdefghi", given, strict=True))

    (face,) = detect(session, frame)
    np.testing.assert_allclose(face.points, np.tile(middle, (5, 1)), atol=0.02)


def test_nms_is_brute_force():
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 60, (80, 2))
    boxes, scores = np.hstack([low, low + rng.uniform(5, 50, (80, 2))]), rng.random(80)
    kept = []
    for i in np.argsort(-scores):
        if all(iou(boxes[i], boxes[j]) <= 0.4 for j in kept):
            kept.append(i)
    assert nms(boxes, scores, 0.4) == kept
    assert nms(np.zeros((0, 4)), np.zeros(0), 0.4) == []


def iou(a, b) -> float:
    w, h = (max(0, min(a[i + 2], b[i + 2]) - max(a[i], b[i])) for i in (0, 1))
    area = [(x[2] - x[0]) * (x[3] - x[1]) for x in (a, b)]
    return w * h / (sum(area) - w * h)


@needs_weights
def test_a_foreign_scrfd_stands_in_for_ours(session):
    ours, theirs = detect(session, ASTRONAUT), detect(load_detector(WEIGHTS), ASTRONAUT)
    np.testing.assert_allclose(theirs[0].points, ours[0].points, atol=0.01)
    assert load_detector(WEIGHTS.parent)(image=np.zeros((1, 3, 32, 32), np.float32))


def test_a_missing_detector_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(PackError, match="no such detector"):
        load_detector("buffalo_x")
    pack = tmp_path / ".insightface" / "models" / "mine"
    pack.mkdir(parents=True)
    (pack / "w600k.onnx").write_bytes(b"")
    with pytest.raises(PackError, match="holds no detector"):
        find_detector(Path("mine"))
    (pack / "det_500m.onnx").write_bytes(b"no graph")
    assert find_detector(Path("mine")).name == "det_500m.onnx"
    with pytest.raises(PackError, match="not a graph"):
        load_detector("mine")


# The side stair: the network, and how it is trained.


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Detect().eval()


def test_torch_is_onnx_at_another_size(network, tmp_path):
    export("detect", network, tmp_path)
    image = torch.rand(1, 3, 96, 160) * 2 - 1
    with torch.no_grad():
        expected = network(image)
    given = open_session(tmp_path / "weights" / "detect.onnx", device="cpu", threads=1)
    answers = given(image=image.numpy())
    assert tuple(answers) == network.outputs
    for name, tensor in zip(network.outputs, expected, strict=True):
        np.testing.assert_allclose(answers[name], tensor.numpy(), atol=1e-4)


def test_an_untrained_answer_is_a_face_of_the_typical_side(network):
    image = torch.zeros(1, 3, 64, 64)
    arrays = [answer.detach().numpy() for answer in network(image)]
    boxes, points, _ = decode(arrays, 64, 0.0)
    sides = np.sqrt(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1))
    np.testing.assert_allclose(sides, typical_answers(64, 64)[2], rtol=0.3)
    assert (points[:, 0, 0] < points[:, 1, 0]).all()  # the left eye is left
