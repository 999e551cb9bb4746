from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from striate.data.decode import decode, read_header, tensor_of
from striate.errors import DataError


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def bomb(path: Path, width: int, height: int) -> Path:
    """A PNG of some bytes that announces any number of pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunk = b"IHDR" + head
    end = struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)) + end)
    return path


@pytest.mark.parametrize(
    ("image", "mode", "pixel"),
    [
        (Image.new("L", (3, 2), 77), "L", 77),
        (Image.new("1", (3, 2), 1), "L", 255),
        (Image.new("LA", (3, 2), (0, 0)), "L", 255),
        (Image.new("I;16", (3, 2), 0x7F00), "L", 127),
        (Image.new("RGB", (3, 2), (1, 2, 3)), "RGB", (1, 2, 3)),
        (Image.new("RGBA", (3, 2), (0, 0, 0, 51)), "RGB", (204, 204, 204)),
        (Image.new("RGB", (3, 2), (255, 0, 0)).convert("P"), "RGB", (255, 0, 0)),
    ],
)
def test_every_mode_becomes_grey_or_rgb(tmp_path: Path, image: Image.Image, mode: str, pixel: object):
    file = saved(tmp_path / "one.png", image)
    found = decode(file)
    assert (found.mode, found.size, found.getpixel((0, 0))) == (mode, (3, 2), pixel)
    assert read_header(file).grey == (mode == "L")
    assert read_header(file).size == (2, 3)


def test_a_palette_with_a_transparent_colour_lies_on_white(tmp_path: Path):
    image = Image.new("P", (2, 1), 0)
    image.putpalette([200, 0, 0, 0, 0, 200])
    image.putpixel((1, 0), 1)
    found = decode(saved(tmp_path / "one.gif", image, transparency=0))
    assert [found.getpixel((column, 0)) for column in (0, 1)] == [(255, 255, 255), (0, 0, 200)]


def test_16_bits_of_grey_with_a_transparent_level_lie_on_white(tmp_path: Path):
    image = Image.fromarray(np.array([[0, 5, 0x7F00]], np.uint16))
    found = decode(saved(tmp_path / "one.png", image, transparency=5))
    assert [found.getpixel((column, 0)) for column in range(3)] == [0, 255, 127]


def test_cmyk_jpeg_is_rgb(tmp_path: Path):
    assert decode(saved(tmp_path / "one.jpg", Image.new("CMYK", (8, 8), (0, 0, 0, 0)))).getpixel((0, 0)) == (255,) * 3


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "webp", "tiff"])
def test_images_come_upright(tmp_path: Path, orientation: int, suffix: str):
    upright = Image.fromarray(np.array([[10, 60, 110], [160, 210, 250]], dtype=np.uint8)).convert("RGB")
    # What a camera held this way would have stored: the inverse of what a viewer does.
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    stored = upright.transpose(Image.Transpose(undo[orientation])) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if suffix == "webp" else {}
    file = saved(tmp_path / f"one.{suffix}", stored, exif=exif, **options)
    assert read_header(file).size == (2, 3)
    assert np.array_equal(np.asarray(decode(file)), np.asarray(upright))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_a_broken_exif_block_is_no_reason(tmp_path: Path):
    file = saved(tmp_path / "one.jpg", Image.new("L", (8, 8), 50), exif=b"Exif\0\0MM\0*rubbish")
    assert decode(file).size == (8, 8)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty (0 bytes)"),
        (b"GIF89a", "not an image of a known format"),
        (b"no image at all", "not an image of a known format"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image of a known format"),
        (None, "no such file"),
    ],
)
def test_why_a_file_cannot_be_read(tmp_path: Path, content: bytes | None, reason: str):
    file = tmp_path / "one.png"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DataError) as caught:
        decode(file)
    assert caught.value.what == reason


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "webp", "gif"])
def test_a_truncated_file_is_told(tmp_path: Path, suffix: str):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8))
    file = saved(tmp_path / f"one.{suffix}", noise)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(DataError, match="cut short|damaged|not an image"):
        decode(file)


def test_flipped_bytes_are_told_or_decoded_but_never_stumbled_over(tmp_path: Path):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (12, 12, 3), dtype=np.uint8))
    good = saved(tmp_path / "one.png", noise).read_bytes()
    reasons = set()
    for place in range(0, len(good), 3):
        file = tmp_path / "bad.png"
        file.write_bytes(good[:place] + bytes([good[place] ^ 0xFF]) + good[place + 1 :])
        try:
            decode(file)
        except DataError as error:
            reasons.add(error.what)
    assert len(reasons) > 3
    assert "" not in reasons


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(("width", "height"), [(10_000, 5_001), (30_000, 30_000), (70_000, 2)])
def test_a_decompression_bomb_is_refused_before_decoding(tmp_path: Path, width: int, height: int):
    file = bomb(tmp_path / "bomb.png", width, height)
    with pytest.raises(DataError, match="too large: .*at most 50,000,000"):
        read_header(file)


def test_fractions_have_a_reason(tmp_path: Path):
    with pytest.raises(DataError, match="32-bit fractions"):
        decode(saved(tmp_path / "one.tiff", Image.new("F", (2, 2), 0.5)))


def test_32_bit_integers_are_refused_and_16_bits_of_a_pgm_read(tmp_path: Path):
    """Of 32 bits no one knows which values are black and white."""
    levels = np.full((2, 3), 200, dtype=np.int32)
    with pytest.raises(DataError, match="32-bit integers; save it with 8 bits per channel"):
        decode(saved(tmp_path / "one.tiff", Image.fromarray(levels)))
    (tmp_path / "one.pgm").write_bytes(b"P5 3 2 65535\n" + np.full((2, 3), 0x7F00, dtype=">u2").tobytes())
    assert decode(tmp_path / "one.pgm").getpixel((0, 0)) == 127


def tiff(bits: int, photometric: int, content: bytes) -> bytes:
    """A grey TIFF of 2 × 1 pixels, uncompressed."""
    entries = [(256, 2), (257, 1), (258, bits), (259, 1), (262, photometric), (273, 122), (278, 1), (279, len(content))]
    directory = b"".join(struct.pack("<HHII", tag, 3, 1, value) for tag, value in entries)
    return struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + directory + bytes(16) + content


@pytest.mark.parametrize(
    ("bits", "photometric", "content", "wanted"),
    [
        (12, 1, bytes([0x80, 0x0F, 0xFF]), (128, 255)),  # 2048 and 4095
        (16, 1, struct.pack("<2H", 0x8000, 0xFFFF), (128, 255)),
        (16, 0, struct.pack("<2H", 0x8000, 0xFFFF), (127, 0)),  # 0 is white
    ],
)
def test_grey_of_more_than_8_bits_in_a_tiff(bits: int, photometric: int, content: bytes, wanted: tuple[int, int]):
    image = decode(tiff(bits, photometric, content))
    assert (image.getpixel((0, 0)), image.getpixel((1, 0))) == wanted


def test_tensors_have_channels_first():
    assert tensor_of(Image.new("RGB", (3, 2), (1, 2, 3)))[:, 1, 2].tolist() == [1, 2, 3]
