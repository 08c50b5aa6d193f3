"""`picture` turns files into frames and back: (h, w, 3) uint8 RGB, upright, opaque, sRGB.

It knows the odd corners of picture files. It knows nothing of faces or of marks.
"""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError
from pillow_heif import register_heif_opener

from demo.errors import TooLargeError, UnreadableError

Array = np.ndarray
LIMIT = 40_000_000  # pixels
READ = ("JPEG", "MPO", "PNG", "WEBP", "HEIF", "AVIF", "TIFF", "BMP", "GIF")
WRITE = {
    ".png": ("PNG", {"compress_level": 4}),
    ".jpg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".jpeg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".webp": ("WEBP", {"quality": 95}),
}
ORIENTATION = 0x0112  # EXIF tag
TURNS = {  # orientation -> what makes the stored picture upright (EXIF 2.32, 4.6.4)
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
EXPECTED = "expected a whole JPEG, PNG, WebP, HEIC, TIFF, GIF or BMP picture"

register_heif_opener()
Image.init()
OPEN = tuple(kind for kind in READ if kind in Image.OPEN)  # AVIF is not in every build of Pillow
# Pillow's own guard, for every reader in this process: it warns from here on, and refuses at twice.
Image.MAX_IMAGE_PIXELS = LIMIT
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", message="Corrupt EXIF data")


def read_picture(file: Path | str | bytes) -> Array:
    """A picture file, or its bytes, as a frame (h, w, 3) uint8 RGB; the first one if it moves.

    Raises TooLargeError over 40 megapixels, before decoding; UnreadableError for anything that is
    no whole picture.
    """
    name = "picture" if isinstance(file, bytes) else Path(file).name
    data = read_bytes(file)
    if not data:
        raise UnreadableError(f"{name}: got 0 bytes; {EXPECTED}")
    try:
        with Image.open(io.BytesIO(data), formats=OPEN) as image:
            check_size(image.width * image.height, name)
            image.load()
            return np.array(opaque(srgb(eight_bit(upright(image)))))
    except TooLargeError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise too_large(int(re.search(r"\d+", str(error))[0]), name) from None
    except UnidentifiedImageError:
        raise UnreadableError(f"{name}: not a picture that can be read; {EXPECTED}") from None
    except Exception as error:  # decoders raise types of their own for every kind of broken file
        raise UnreadableError(f"{name}: damaged or cut short ({error}); {EXPECTED}") from error


def write_picture(path: Path | str, frame: Array) -> None:
    """Write a frame (h, w, 3) uint8 RGB as PNG, JPEG (quality 95) or WebP, by the name's ending."""
    Path(path).write_bytes(encode_picture(frame, Path(path).suffix))


def encode_picture(frame: Array, suffix: str) -> bytes:
    """A frame (h, w, 3) uint8 RGB as the bytes of a file. suffix: ".png", ".jpg" or ".webp".

    Raises ValueError for another ending, or a frame of another kind or too wide for the format.
    """
    if suffix.lower() not in WRITE:
        raise ValueError(f"cannot write {suffix or 'a name without ending'!r}: use {list(WRITE)}")
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or not frame.size:
        raise ValueError(f"frame: got {frame.dtype} {frame.shape}; expected uint8 (h, w, 3) RGB")
    kind, options = WRITE[suffix.lower()]
    memory = io.BytesIO()
    try:
        Image.fromarray(frame).save(memory, kind, **options)
    except (OSError, ValueError) as error:
        size = f"{frame.shape[1]}x{frame.shape[0]}"
        raise ValueError(f"{kind} cannot hold {size} pixels ({error}); use .png") from error
    return memory.getvalue()


def read_bytes(file: Path | str | bytes) -> bytes:
    if isinstance(file, bytes):
        return file
    try:
        return Path(file).read_bytes()
    except OSError as error:
        reason = error.strerror or "cannot be opened"
        raise UnreadableError(f"{Path(file).name}: {reason.lower()}; {EXPECTED}") from None


def check_size(pixels: int, name: str) -> None:
    if pixels > LIMIT:
        raise too_large(pixels, name)


def too_large(pixels: int, name: str) -> TooLargeError:
    return TooLargeError(
        f"{name}: got {pixels / 1e6:.1f} megapixels; expected at most {LIMIT / 1e6:.0f}: "
        "make the picture smaller first"
    )


def upright(image: Image.Image) -> Image.Image:
    """Turned as its EXIF says. A damaged EXIF block says nothing; HEIC and TIFF turn themselves."""
    try:
        turn = TURNS.get(image.getexif().get(ORIENTATION))
    except Exception:  # any type, from any byte of a damaged block; the pixels are still good
        turn = None
    if turn is None:
        return image
    turned = image.transpose(turn)
    turned.info = dict(image.info)
    return turned


def eight_bit(image: Image.Image) -> Image.Image:
    """Modes of 16 and 32 bits a channel in 8: integers span 0..65535, floats 0..1 or 0..255."""
    if image.mode.startswith("I"):
        wide = np.clip(np.array(image).astype(np.int64), 0, 65535)
        return Image.fromarray(((wide * 255 + 32767) // 65535).astype(np.uint8))
    if image.mode == "F":
        wide = np.nan_to_num(np.array(image))
        wide = wide * 255 if wide.max() <= 1 else wide
        return Image.fromarray(np.clip(np.rint(wide), 0, 255).astype(np.uint8))
    return image


def srgb(image: Image.Image) -> Image.Image:
    """Colours of a wider profile (a phone's Display P3, a printer's CMYK) brought to sRGB."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "RGBA", "CMYK"):
        return image
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        turned = ImageCms.profileToProfile(
            image, source, ImageCms.createProfile("sRGB"), outputMode=mode
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image  # a profile that cannot be read changes nothing
    return turned


def opaque(image: Image.Image) -> Image.Image:
    """RGB; where the picture is transparent, white shows through."""
    clear = {"A", "a"} & set(image.getbands()) or "transparency" in image.info
    if not clear:
        return image.convert("RGB")
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")
