"""Korean text in figures: Hangul is drawn in PNGs where the machine has a font for it."""

import shutil
import subprocess

import pytest

from striate.look.raster import drawn_as

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="40"><text x="5" y="28" font-size="24">{}</text></svg>'


def has_a_korean_font() -> bool:
    found = shutil.which("fc-list")
    return found is not None and bool(subprocess.run([found, ":lang=ko"], capture_output=True, check=False).stdout)


@pytest.mark.skipif(not has_a_korean_font(), reason="no font for Korean is installed (Debian's fonts-noto-cjk)")
def test_hangul_is_drawn_letter_by_letter() -> None:
    pytest.importorskip("resvg_py", reason="the extra look is not installed")
    blank, *letters = [drawn_as(".png", SVG.format(text)) for text in ("", "가", "나", "합")]
    assert len({blank, *letters}) == 4  # without a font all of them would be blank, or one box
