"""`picture` turns any picture file that a person has into a frame, and a frame into a file.

Upright, RGB, 8 bit, whatever came in. It knows files; it knows nothing of faces.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from pillow_heif import register_heif_opener

from demo.errors import TooLargeError, UnreadableError

Array = np.ndarray
register_heif_opener()
Image.MAX_IMAGE_PIXELS = None  # the limit below is checked first, and names what to do
LARGEST = 40_000_000  # pixels
SUFFIXES = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP"}


def read_picture(file: Path | str | bytes) -> Array:
    """A picture file, or its bytes -> (h, w, 3) uint8 RGB, upright.

    EXIF orientation is applied, alpha lies on white, 16 bits become 8, CMYK and palettes become
    RGB, of an animation the first frame is taken. Raises UnreadableError, TooLargeError.
    """
    name = "the picture" if isinstance(file, bytes) else Path(file).name
    try:
        data = file if isinstance(file, bytes) else Path(file).read_bytes()
        with Image.open(io.BytesIO(data)) as image:
            width, height = image.size
            if width * height > LARGEST:
                raise TooLargeError(
                    f"{name}: {width} x {height} is {width * height / 1e6:.0f} megapixels; "
                    f"expected at most {LARGEST / 1e6:.0f}: make it smaller first"
                )
            return to_rgb(ImageOps.exif_transpose(image))
    except FileNotFoundError:
        raise UnreadableError(f"{name}: not found") from None
    except UnidentifiedImageError:
        raise UnreadableError(f"{name}: {unknown(data)}") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        if isinstance(error, TooLargeError):
            raise
        raise UnreadableError(f"{name}: damaged or truncated ({error})") from error


def unknown(data: bytes) -> str:
    if not data:
        return "the file is empty; expected a picture"
    return "not a picture; expected JPEG, PNG, WebP, HEIC, TIFF, GIF or BMP"


def to_rgb(image: Image.Image) -> Array:
    """Any Pillow mode -> (h, w, 3) uint8."""
    if image.mode.startswith("I") or image.mode == "F":
        return deep_grey(np.asarray(image))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return np.array(image.convert("RGB"))


def deep_grey(values: Array) -> Array:
    """16-bit grey (Pillow reads it as I or I;16) -> (h, w, 3) uint8."""
    top = 255 if values.max(initial=0) <= 255 else 65535
    grey = np.clip(np.rint(values.astype(np.float64) * (255 / top)), 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def write_picture(path: Path | str, frame: Array) -> None:
    """frame (h, w, 3) uint8 RGB -> JPEG (quality 95, full colour), PNG or WebP, by the suffix.

    Nothing of the input's metadata is written: it may name a person or a place.
    Raises ValueError for another suffix.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"{Path(path).name}: expected a name ending in {', '.join(SUFFIXES)}")
    options = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"quality": 95}, "PNG": {}}
    kind = SUFFIXES[suffix]
    Image.fromarray(frame).save(path, kind, **options[kind])
