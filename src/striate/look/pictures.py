"""Pictures as PNG: filters, single images, sheets of mistakes."""

from __future__ import annotations

import base64
import io
from contextlib import suppress
from math import ceil

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

NEGATIVE = torch.tensor([33.0, 102.0, 172.0])
POSITIVE = torch.tensor([178.0, 24.0, 43.0])
WHITE = torch.tensor([247.0, 247.0, 247.0])
FONTS = ("NotoSansCJK-Regular.ttc", "NanumGothic.ttf", "malgun.ttf", "AppleSDGothicNeo.ttc")
"""Fonts with Hangul, of Debian, Windows and macOS, by their file's name."""


def image_picture(pixels: Tensor) -> Image.Image:
    """A uint8 image of (1 or 3, height, width)."""
    array = pixels[0] if pixels.shape[0] == 1 else pixels[:3].permute(1, 2, 0)
    return Image.fromarray(array.contiguous().numpy())


def filter_picture(weights: Tensor) -> Image.Image:
    """A filter of (height, width): blue below 0, white at 0, red above; the largest weight has full colour."""
    scale = weights.abs().max().clamp_min(1e-12)
    share = (weights / scale)[..., None]
    colours = WHITE + share.clamp_min(0) * (POSITIVE - WHITE) + (-share).clamp_min(0) * (NEGATIVE - WHITE)
    return Image.fromarray(colours.round().to(torch.uint8).numpy())


def colour_filter_picture(weights: Tensor) -> Image.Image:
    """A filter of (3, height, width) as a colour image: grey at 0; the largest weight has full colour."""
    scale = weights.abs().max().clamp_min(1e-12)
    return image_picture((127.5 + 127.5 * weights / scale).round().to(torch.uint8))


def sheet(pictures: list[Image.Image], *, side: int, columns: int, labels: list[str] | None = None) -> Image.Image:
    """Pictures in rows, each enlarged without smoothing to about `side` pixels, with an optional label below.

    Labels wider than a picture widen its cell; then there are fewer columns, so that the page keeps to 1,400 pixels.
    """
    gap, text, font = 6, 16 if labels else 0, _font(labels or [])
    measured = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    cell = max(side, *(ceil(measured.textlength(each, font=font)) for each in labels or ("",)))
    columns = max(1, min(columns, 1400 // (cell + gap)))
    rows = -(-len(pictures) // columns)
    width, height = min(columns, len(pictures)) * (cell + gap) + gap, rows * (side + gap + text) + gap
    page = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(page)
    for number, picture in enumerate(pictures):
        left = gap + number % columns * (cell + gap) + (cell - side) // 2
        top = gap + number // columns * (side + gap + text)
        page.paste(picture.convert("RGB").resize((side, side), Image.Resampling.NEAREST), (left, top))
        if labels:
            pen.text((left + side / 2, top + side + 2), labels[number], fill="black", anchor="ma", font=font)
    return page


def _font(labels: list[str]) -> ImageFont.FreeTypeFont | ImageFont.ImageFont | None:
    """A font of the system where a label is not Latin, which Pillow's own cannot draw; else None, Pillow's own."""
    if all(character < "\u0250" for label in labels for character in label):
        return None
    for name in FONTS:
        with suppress(OSError):
            return ImageFont.truetype(name, 11)
    return None


def png(picture: Image.Image) -> bytes:
    """The picture as a PNG file's bytes."""
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


def data_uri(picture: Image.Image) -> str:
    """The picture as a data: address for a page."""
    return "data:image/png;base64," + base64.b64encode(png(picture)).decode()
