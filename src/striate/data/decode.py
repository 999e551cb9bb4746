"""Decodes one image file: upright, eight bits, grey or RGB, transparency on white; or says why it cannot.

Errors give the reason in a few words without the file's name, which the caller adds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import BITSPERSAMPLE, PHOTOMETRIC_INTERPRETATION, TiffImageFile
from torch import Tensor

from striate.errors import DataError

MOST_PIXELS = 50_000_000
"""The most pixels of an image that is decoded: a small file can announce any number of them."""
MOST_SAMPLES = 65_536
"""The longest side of an image that is decoded."""

_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
"""The formats that are tried, whatever a file's name. Pillow has more, such as EPS, for which it runs Ghostscript."""
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Header:
    """The header of an image file: (height, width) once upright, and whether it is grey."""

    size: tuple[int, int]
    grey: bool


def read_header(file: Path | bytes) -> Header:
    """The header of an image file, or of its bytes. Raises DataError."""
    with _opened(file) as image:
        width, height = image.size
        return Header((width, height) if _orientation(image) >= 5 else (height, width), _is_grey(image))


def decode(file: Path | bytes, *, most_pixels: int = MOST_PIXELS) -> Image.Image:
    """The image, upright, of mode L (grey files) or RGB (all others), on white where it was transparent.

    `file` is a path, or the file's bytes. Raises DataError.
    """
    with _opened(file, most_pixels) as image:
        return upright(image)


def upright(image: Image.Image) -> Image.Image:
    """The image as `flattened` gives it, and turned as its EXIF data says, which the result has no more.

    Raises DataError where its pixels cannot be decoded.

    >>> photograph = Image.new("RGB", (3, 2))
    >>> photograph.getexif()[_ORIENTATION] = 6
    >>> upright(photograph).size
    (2, 3)
    """
    turn = _TURNS.get(_orientation(image))
    try:
        image.load()
        flat = flattened(image)
    except DataError:
        raise
    except Exception as error:  # the pixels of a file that Pillow has opened are decoded here
        raise DataError(_reason(error)) from None
    flat.info.clear()  # it would be turned once more where it is asked for again
    return flat if turn is None else flat.transpose(turn)


def flattened(image: Image.Image) -> Image.Image:
    """The image in mode L or RGB, on white where it is transparent; 16 bits of grey become 8.

    >>> flattened(Image.new("RGBA", (1, 1), (0, 0, 0, 0))).getpixel((0, 0))
    (255, 255, 255)
    """
    mode = "L" if _is_grey(image) else "RGB"
    if image.mode == "F":
        raise DataError("its pixels are 32-bit fractions; save it with 8 bits per channel")
    if image.mode == "I" and image.format not in ("PNG", "PPM"):  # Pillow opens 16 bits of these as 32
        raise DataError("its pixels are 32-bit integers; save it with 8 bits per channel")
    if image.mode.startswith("I"):
        levels, clear = _levels(image) >> 8, image.info.get("transparency")
        if isinstance(clear, int):  # the level of a PNG's transparent pixels
            levels[np.asarray(image) == clear] = 255
        return Image.fromarray(levels.astype(np.uint8))
    if image.has_transparency_data:
        whole = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, whole).convert(mode)
    return image.convert(mode)


def _levels(image: Image.Image) -> NDArray[np.int64]:
    """The pixels of a grey image of more than 8 bits, from 0 to 65,535.

    Pillow gives those of 12 bits in a TIFF file as they are, and does not invert those of 16 bits whose 0 is white.
    """
    levels = np.asarray(image).astype(np.int64).clip(0, 65535)
    if isinstance(image, TiffImageFile):
        if image.tag_v2.get(BITSPERSAMPLE) == (12,):
            levels *= 16
        if image.tag_v2.get(PHOTOMETRIC_INTERPRETATION) == 0:
            levels = 65535 - levels
    return levels


def tensor_of(image: Image.Image) -> UInt8[Tensor, "channels height width"]:
    """The pixels of an image of mode L or RGB.

    >>> tensor_of(Image.new("L", (3, 2), 7)).shape
    torch.Size([1, 2, 3])
    """
    pixels = torch.from_numpy(np.array(image))
    return pixels.unsqueeze(0) if pixels.ndim == 2 else pixels.permute(2, 0, 1)


def _is_grey(image: Image.Image) -> bool:
    return image.mode in ("1", "L", "LA", "La", "F") or image.mode.startswith("I")


def _orientation(image: Image.Image) -> int:
    """EXIF's orientation, 1 to 8; in a PNG only where it comes before the pixels, so that none must be decoded.

    For a TIFF it is 1: Pillow turns those itself, and gives their upright size from the start.
    """
    if image.format == "TIFF" or (image.format == "PNG" and "exif" not in image.info):
        return 1
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # a broken EXIF block is no reason to refuse the pixels
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


@contextmanager
def _opened(file: Path | bytes, most_pixels: int = MOST_PIXELS) -> Iterator[Image.Image]:
    """The open image, of bounded size; every exception, also one inside the `with` block, becomes a DataError."""
    try:
        if (len(file) if isinstance(file, bytes) else file.stat().st_size) == 0:
            raise DataError("empty (0 bytes)")
        with Image.open(BytesIO(file) if isinstance(file, bytes) else file, formats=_FORMATS) as image:
            width, height = image.size
            if width * height > most_pixels or max(width, height) > MOST_SAMPLES:
                raise DataError(f"too large: {width} × {height} pixels, at most {most_pixels:,} are decoded")
            yield image
    except DataError:
        raise
    except UnidentifiedImageError:
        raise DataError("not an image of a known format") from None
    except Image.DecompressionBombError:
        raise DataError(f"too large: at most {most_pixels:,} pixels are decoded") from None
    except FileNotFoundError:
        raise DataError("no such file") from None
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error, IndexError, ...
        raise DataError(_reason(error)) from None


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[0].lower() + error.strerror[1:]
    text = " ".join(str(error).split()) or type(error).__name__
    if "truncated" in text.lower() or isinstance(error, EOFError):
        return f"cut short ({text})"
    return f"damaged ({text})"
