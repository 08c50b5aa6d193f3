"""Picture files of every odd kind against the array that they were made from."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from demo.errors import TooLargeError, UnreadableError
from demo.picture import LIMIT, TURNS, encode_picture, read_picture, write_picture

UPRIGHT = np.zeros((24, 16, 3), np.uint8)
UPRIGHT[:12, :8], UPRIGHT[:12, 8:] = (250, 10, 10), (10, 250, 10)
UPRIGHT[12:, :8], UPRIGHT[12:, 8:] = (10, 10, 250), (240, 240, 240)
STORED = {  # orientation -> how a camera stores an upright picture, EXIF 2.32 table 4.6.4
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


def saved(image, kind="PNG", **options) -> bytes:
    memory = io.BytesIO()
    image.save(memory, kind, **options)
    return memory.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_all_orientations_come_out_upright(orientation, kind):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](UPRIGHT)))
    frame = read_picture(saved(stored, kind, exif=exif, **options.get(kind, {})))
    assert frame.dtype == np.uint8 and frame.flags.c_contiguous
    np.testing.assert_allclose(frame.astype(int), UPRIGHT, atol=4 if kind == "JPEG" else 0)


def test_every_orientation_is_in_the_table():
    assert set(STORED) - {1} == set(TURNS)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_is_no_reason_to_refuse():
    data = saved(Image.fromarray(UPRIGHT), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01")
    assert read_picture(data).shape == UPRIGHT.shape


def test_heic_round_trip():
    ramp = np.broadcast_to(np.linspace(20, 230, 64)[None, :, None], (48, 64, 3)).astype(np.uint8)
    frame = read_picture(saved(Image.fromarray(np.ascontiguousarray(ramp)), "HEIF", quality=95))
    np.testing.assert_allclose(frame.astype(int), ramp, atol=4)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_heic_of_a_turned_phone(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    large = UPRIGHT.repeat(4, 0).repeat(4, 1)
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](large)))
    frame = read_picture(saved(stored, "HEIF", quality=100, chroma=444, exif=exif.tobytes()))
    assert frame.shape == large.shape
    assert np.abs(frame.astype(int) - large).mean() < 3


def test_alpha_shows_white():
    rgba = np.zeros((2, 3, 4), np.uint8)
    rgba[..., 0], rgba[..., 3] = 200, [0, 128, 255]
    expected = [[255, 255, 255], [227, 127, 127], [200, 0, 0]]
    frame = read_picture(saved(Image.fromarray(rgba)))
    np.testing.assert_allclose(frame[0].astype(int), expected, atol=1)


def test_grey_with_alpha_and_a_transparent_palette():
    grey = Image.new("LA", (2, 1), (80, 255))
    grey.putpixel((0, 0), (0, 0))
    np.testing.assert_array_equal(read_picture(saved(grey))[0], [[255] * 3, [80] * 3])
    palette = Image.new("P", (2, 1))
    palette.putpalette([9, 8, 7, 60, 70, 80])
    palette.putpixel((1, 0), 1)
    np.testing.assert_array_equal(read_picture(saved(palette))[0], [[9, 8, 7], [60, 70, 80]])
    clear = saved(palette, transparency=b"\x00\xff")
    np.testing.assert_array_equal(read_picture(clear)[0], [[255] * 3, [60, 70, 80]])


def test_grey_and_one_bit():
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    frame = read_picture(saved(Image.fromarray(grey)))
    np.testing.assert_array_equal(frame, grey[..., None].repeat(3, 2))
    bits = Image.fromarray(np.array([[0, 255]], np.uint8)).convert("1")
    np.testing.assert_array_equal(read_picture(saved(bits))[0], [[0] * 3, [255] * 3])


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey(kind):
    wide = np.array([[0, 257, 128 * 257, 65535]], np.uint16)
    frame = read_picture(saved(Image.fromarray(wide), kind))
    np.testing.assert_array_equal(frame[0, :, 0], [0, 1, 128, 255])


def test_sixteen_bit_colour():
    row = np.array([[65535, 128 * 257, 0], [20 * 257, 257, 30 * 257]], ">u2")
    frame = read_picture(png(2, 1, 16, 2, b"\0" + row.tobytes()))
    np.testing.assert_array_equal(frame[0], [[255, 128, 0], [20, 1, 30]])


@pytest.mark.parametrize("top", [1.0, 255.0])
def test_floats(top):
    data = saved(Image.fromarray(np.array([[0, 0.5, 1]], np.float32) * np.float32(top)), "TIFF")
    np.testing.assert_array_equal(read_picture(data)[0, :, 0], [0, 128, 255])


def test_cmyk_jpeg():
    image = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    frame = read_picture(saved(image, "JPEG", quality=100))
    np.testing.assert_allclose(frame.astype(int), np.full((16, 16, 3), (255, 0, 0)), atol=4)


def test_profiles_end_in_srgb_and_damaged_ones_are_ignored():
    same = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (same, b"no profile at all"):
        frame = read_picture(saved(Image.fromarray(UPRIGHT), icc_profile=profile))
        np.testing.assert_allclose(frame.astype(int), UPRIGHT, atol=1)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_moving_pictures_give_their_first(kind):
    first, second = (Image.new("RGB", (8, 8), colour) for colour in ("red", "blue"))
    data = saved(first, kind, save_all=True, append_images=[second], lossless=True)
    np.testing.assert_array_equal(read_picture(data), np.full((8, 8, 3), (255, 0, 0)))


@pytest.mark.parametrize("pixels", [41_000_000, 100_000_000, 400_000_000])
def test_too_large_is_seen_in_the_header(pixels, monkeypatch):
    monkeypatch.setattr(Image.Image, "load", lambda *_: pytest.fail("decoded"))
    with pytest.raises(TooLargeError, match=rf"got {pixels / 1e6:.1f} megapixels.*most 40.*small"):
        read_picture(png(pixels // 1000, 1000, 8, 2, b"\0"))


def test_the_limit_itself_is_allowed():
    white = png(LIMIT // 1000, 1000, 1, 0, (b"\0" + b"\xff" * (LIMIT // 8000)) * 1000)
    assert read_picture(white).shape == (1000, LIMIT // 1000, 3)


@pytest.mark.parametrize("data", [b"", b"some text, named .jpg", b"\xff\xd8\xff\xe0", b"%PDF-1.4"])
def test_no_picture(tmp_path, data):
    path = tmp_path / "face.jpg"
    path.write_bytes(data)
    with pytest.raises(UnreadableError, match=r"face.jpg: .*expected"):
        read_picture(path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "HEIF", "TIFF"])
def test_truncated(kind, astronaut):
    data = saved(Image.fromarray(astronaut), kind)
    with pytest.raises(UnreadableError, match="expected"):
        read_picture(data[: len(data) // 2])


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(UnreadableError, match=r"gone.png: no such file"):
        read_picture(tmp_path / "gone.png")
    with pytest.raises(UnreadableError):
        read_picture(tmp_path)


@pytest.mark.parametrize(("suffix", "least"), [(".png", 99), (".jpg", 38), (".webp", 36)])
def test_round_trip(tmp_path, astronaut, suffix, least):
    write_picture(tmp_path / f"a{suffix}", astronaut)
    difference = read_picture(tmp_path / f"a{suffix}") - astronaut.astype(float)
    assert 10 * np.log10(255**2 / max((difference**2).mean(), 1e-9)) > least


def test_what_cannot_be_written(astronaut):
    with pytest.raises(ValueError, match=r"\.gif.*use"):
        encode_picture(astronaut, ".gif")
    with pytest.raises(ValueError, match="float"):
        encode_picture(astronaut.astype(float), ".png")
    with pytest.raises(ValueError, match=r"use \.png"):
        encode_picture(np.zeros((1, 20_000, 3), np.uint8), ".webp")
