"""Korean text in figures: Hangul is drawn in PNGs where the machine has a font for it."""

import shutil
import subprocess

import pytest
from PIL import Image, ImageDraw

from striate.look.pictures import png, sheet
from striate.raster import drawn_as

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="40"><text x="5" y="28" font-size="24">{}</text></svg>'


def has_a_korean_font() -> bool:
    found = shutil.which("fc-list")
    return found is not None and bool(subprocess.run([found, ":lang=ko"], capture_output=True, check=False).stdout)


NEEDS_FONT = pytest.mark.skipif(
    not has_a_korean_font(), reason="no font for Korean is installed (Debian's fonts-noto-cjk)"
)


@NEEDS_FONT
def test_hangul_is_drawn_letter_by_letter() -> None:
    pytest.importorskip("resvg_py", reason="the extra look is not installed")
    blank, *letters = [drawn_as(".png", SVG.format(text)) for text in ("", "가", "나", "합")]
    assert len({blank, *letters}) == 4  # without a font all of them would be blank, or one box


@NEEDS_FONT
def test_classes_with_korean_names_stand_under_the_mistakes() -> None:
    picture = Image.new("L", (8, 8))
    sheets = [png(sheet([picture], side=80, columns=1, labels=[name])) for name in ("고양이", "강아지", "비행기")]
    assert len(set(sheets)) == 3


def test_labels_wider_than_their_picture_have_room() -> None:
    pictures, label = [Image.new("L", (8, 8))] * 2, "airplane as automobile"
    wide = sheet(pictures, side=80, columns=2, labels=[label] * 2)
    assert wide.width > 2 * ImageDraw.Draw(wide).textlength(label)
    assert sheet(pictures, side=80, columns=2, labels=["a", "b"]).width == 2 * 86 + 6
    assert sheet(pictures * 8, side=80, columns=16, labels=[label * 3] * 16).width <= 1400


def test_latin_names_are_drawn_as_ever_and_other_letters_do_no_harm() -> None:
    picture = Image.new("L", (8, 8))
    assert sheet([picture], side=80, columns=1, labels=["cat as dog"]).size == (92, 108)
    assert sheet([picture], side=80, columns=1, labels=["қазақ ა"]).size == (92, 108)
