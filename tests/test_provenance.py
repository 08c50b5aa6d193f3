"""What marks a picture as synthetic: read back by C2PA's own reader, and found in the pixels."""

import io
import json

import c2pa
import cv2
import numpy as np
import pytest
from PIL import Image

from demo import mark
from demo.picture import read_picture, write_picture
from demo.provenance import SYNTHETIC, save, verify

RNG = np.random.default_rng(0)


def jpeg(frame, quality):
    memory = io.BytesIO()
    Image.fromarray(frame).save(memory, "JPEG", quality=quality)
    return read_picture(memory.getvalue())


def scaled(frame, zoom):
    kind = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
    return cv2.resize(frame, None, fx=zoom, fy=zoom, interpolation=kind)


def landscape(seed):
    """A picture with the spectrum of natural ones (1/f), in colour."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-192:192, -256:256] / 512
    fall = 1 / np.fft.ifftshift(np.hypot(x, y) + 0.004)
    planes = [np.fft.ifft2(np.fft.fft2(rng.normal(size=x.shape)) * fall).real for _ in range(3)]
    stack = np.dstack(planes) / np.std(planes) * 45 + 120
    return np.clip(stack, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_saved_pictures_say_that_they_are_synthetic(tmp_path, astronaut, suffix):
    path = tmp_path / f"out{suffix}"
    save(path, astronaut)
    verdict = verify(path)
    assert (verdict.signed, verdict.valid, verdict.synthetic, verdict.marked) == (True,) * 4
    with c2pa.Reader(str(path)) as reader:  # the library's defaults, not our settings
        said = json.loads(reader.json())
    actions = said["manifests"][said["active_manifest"]]["assertions"][0]["data"]["actions"]
    assert actions[0]["digitalSourceType"] == SYNTHETIC
    codes = {status["code"] for status in said.get("validation_status", [])}
    assert codes <= {"signingCredential.untrusted"}  # self-made, and said to be
    assert list(tmp_path.iterdir()) == [path]


def test_an_altered_file_is_no_longer_valid(tmp_path, astronaut):
    path = tmp_path / "out.jpg"
    save(path, astronaut)
    data = bytearray(path.read_bytes())
    data[-4000] ^= 1
    path.write_bytes(data)
    assert verify(path).signed and not verify(path).valid


def test_a_manifest_beyond_reading_is_not_taken_for_none(tmp_path, astronaut):
    path = tmp_path / "out.jpg"
    save(path, astronaut)
    data = bytearray(path.read_bytes())
    data[data.index(b"jumd") + 1] ^= 1
    path.write_bytes(data)
    verdict = verify(path)
    assert verdict.signed and not verdict.valid
    assert verdict.sentence.startswith("Signed once, and altered since.")


def test_a_wrong_name_does_not_mislead(tmp_path, astronaut):
    save(tmp_path / "out.png", astronaut)
    for name in ("out.jpg", "out.heic"):
        verdict = verify((tmp_path / "out.png").replace(tmp_path / name))
        assert verdict.signed and verdict.valid and verdict.synthetic
        (tmp_path / name).replace(tmp_path / "out.png")


def test_a_picture_that_is_not_ours(tmp_path, astronaut):
    write_picture(tmp_path / "plain.jpg", astronaut)
    verdict = verify(tmp_path / "plain.jpg")
    assert not (verdict.signed or verdict.valid or verdict.synthetic or verdict.marked)
    assert verdict.sentence == "No signed manifest. No invisible mark."


def test_stripped_metadata_leaves_the_mark(tmp_path, astronaut):
    save(tmp_path / "out.jpg", astronaut)
    write_picture(tmp_path / "again.jpg", read_picture(tmp_path / "out.jpg"))
    verdict = verify(tmp_path / "again.jpg")
    assert verdict.marked and not verdict.signed


def test_a_failed_save_leaves_nothing(tmp_path, astronaut):
    with pytest.raises(ValueError, match="use"):
        save(tmp_path / "out.xyz", astronaut)
    assert list(tmp_path.iterdir()) == []


def test_the_mark_cannot_be_seen(astronaut):
    assert cv2.PSNR(astronaut, mark.mark(astronaut)) > 42
    assert min(cv2.PSNR(landscape(s), mark.mark(landscape(s))) for s in range(5)) > 42


@pytest.mark.parametrize("side", [8, 64, 200, 256, 320, 700])
def test_the_mark_cannot_be_seen_at_any_size(astronaut, side):
    noise = RNG.integers(0, 256, (side, 2 * side, 3), np.uint8)
    for frame in (cv2.resize(astronaut, (side, side), interpolation=cv2.INTER_AREA), noise):
        assert cv2.PSNR(frame, mark.mark(frame)) > 42


def test_a_mirrored_picture_is_still_marked(astronaut):
    assert mark.marked(mark.mark(astronaut)[:, ::-1])
    assert not mark.marked(astronaut[:, ::-1])


@pytest.mark.parametrize("quality", [90, 75])
@pytest.mark.parametrize("zoom", [0.75, 1.0, 1.5])
def test_the_mark_survives(astronaut, quality, zoom):
    for frame in (astronaut, landscape(1), astronaut[:300, 100:420]):
        assert mark.marked(jpeg(scaled(mark.mark(frame), zoom), quality))


def test_unmarked_pictures_look_unmarked():
    """Their scores are a standard normal's; the threshold lies six deviations away."""
    scores = np.array([mark.score(landscape(seed)) for seed in range(60)])
    assert abs(scores.mean()) < 0.6 and 0.6 < scores.std() < 1.5
    assert scores.max() < mark.THRESHOLD - 1.5
    noise = RNG.integers(0, 256, (200, 300, 3), np.uint8)
    assert not mark.marked(noise) and not mark.marked(np.zeros((64, 64, 3), np.uint8))


def test_the_transform_is_the_dct_of_opencv():
    plane = RNG.normal(size=(mark.SIDE, mark.SIDE)).astype(np.float32)
    mine = mark.forward(plane)
    np.testing.assert_allclose(mine[8:16, 16:24], cv2.dct(plane[8:16, 16:24]), atol=1e-4)
    np.testing.assert_allclose(mark.inverse(mine), plane, atol=1e-4)
