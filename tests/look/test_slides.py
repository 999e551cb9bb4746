"""Slides: pages of 16:9 whose letters project, nothing of a figure is lost, and no text is outside its page."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch
from PIL import Image

from striate.look.drawing import Drawing, Figure
from striate.look.slides import HEIGHT, MIN, WIDTH, slides, write_slides

SVG = "{http://www.w3.org/2000/svg}"


def tall(rows: int) -> Figure:
    """A figure of many rows of maps, each with small numbers below, and a chart within."""
    drawing = Drawing("many maps of a network")
    for row in range(rows):
        top = int(drawing.bottom) + 22
        drawing.text(0, top + 11, f"layer {row}", "head")
        drawing.text(0, top + 27, f"conv {row} 5×5 · 6×28×28", "soft")
        for tile in range(8):
            drawing.values(216 + 90 * tile, top, torch.randn(28, 28).clamp(-1, 1), scale=3)
            drawing.text(258 + 90 * tile, top + 95, f"{row}:{tile}", "small", anchor="middle")
    inner = (
        '<svg viewBox="0 0 460 240" xmlns="http://www.w3.org/2000/svg" font-size="12">'
        '<text x="5" y="20">inner</text></svg>'
    )
    drawing.nest(0, drawing.bottom + 14, 460, 240, inner)
    return Figure("many", drawing.title, "One tile a map. " * 12, drawing.svg())


def texts(svg: str) -> list[tuple[str, float, float, float]]:
    """Each text with its size and its place on the page, by the transformations of the elements around it."""
    found: list[tuple[str, float, float, float]] = []

    def walk(each: ElementTree.Element, place: tuple[float, float, float], size: float) -> None:
        x, y, scale = place
        size = float(each.get("font-size", size))
        if each.tag == f"{SVG}svg" and each.get("viewBox") and each.get("x"):
            left, top, wide, _ = map(float, each.get("viewBox", "").split())
            inner = scale * float(each.get("width", "0")) / wide
            x, y = (
                x + scale * float(each.get("x", "0")) - inner * left,
                y + scale * float(each.get("y", "0")) - inner * top,
            )
            scale = inner
        if each.tag == f"{SVG}text":
            at = (x + scale * float(each.get("x", "0")), y + scale * float(each.get("y", "0")))
            found.append(("".join(each.itertext()), size * scale, *at))
        for inside in each:
            walk(inside, (x, y, scale), size)

    walk(ElementTree.fromstring(svg), (0.0, 0.0, 1.0), 12.0)
    return found


@pytest.fixture(scope="module")
def figures() -> list[Figure]:
    torch.manual_seed(0)
    wide = Drawing("one bar")
    wide.bar(1, 40, 1.0, "weight")
    return [tall(9), Figure("bar", wide.title, "A bar.", wide.svg())]


def test_every_text_is_large_enough_and_on_its_page(figures: list[Figure]) -> None:
    made = slides(figures)
    assert len(made) > 3
    for slide in made:
        root = ElementTree.fromstring(slide.svg)
        assert (root.get("width"), root.get("height")) == ("1920", "1080")
        for text, size, x, y in texts(slide.svg):
            assert size >= MIN - 0.01, (slide.name, text)
            assert 0 <= x <= WIDTH, (slide.name, text)
            assert size * 0.7 <= y <= HEIGHT - 0.2 * size, (slide.name, text)


def test_no_part_of_a_figure_is_lost_or_shown_twice(figures: list[Figure]) -> None:
    shown = [text for slide in slides(figures) for text, *_ in texts(slide.svg)]
    for figure in figures:
        for text in re.findall(r"<text[^>]*>([^<]+)</text>", figure.svg):
            if text != figure.title:
                assert shown.count(text) == figure.svg.count(f">{text}</text>"), text
    titles = [slide.title for slide in slides(figures)]
    count = len(titles) - 1
    assert titles[:count] == [f"many maps of a network ({at} of {count})" for at in range(1, count + 1)]
    assert titles[-1] == "one bar"


def test_letters_that_are_raised_are_no_wider_than_in_their_figure(figures: list[Figure]) -> None:
    raised = re.findall(
        r'font-size="([\d.]+)"[^>]*transform="translate\([^)]*\) scale\(([\d.]+) 1\)', slides(figures)[0].svg
    )
    raised += [
        (size, share)
        for share, size in re.findall(r"scale\(([\d.]+) 1\)[^>]*font-size=\"([\d.]+)\"", slides(figures)[0].svg)
    ]
    assert raised
    for size, share in raised:
        assert min(abs(float(size) * float(share) - own) for own in (10.5, 12)) < 0.02


def test_files_are_pictures_of_16_to_9_and_an_index(figures: list[Figure], tmp_path: Path) -> None:
    pytest.importorskip("resvg_py")
    index = write_slides(figures[1:], folder=tmp_path / "slides")
    assert sorted(each.name for each in index.parent.iterdir()) == ["01-bar.png", "01-bar.svg", "index.html"]
    picture = Image.open(io.BytesIO((index.parent / "01-bar.png").read_bytes()))
    assert picture.size == (1920, 1080)
    assert picture.convert("RGB").getpixel((5, 5)) == (255, 255, 255)
    assert 'src="01-bar.svg"' in index.read_text(encoding="utf-8")


def test_korean_which_is_wider_stays_on_the_page() -> None:
    figure = replace(
        tall(9),
        title="층마다 유닛을 자극하는 것 " * 9,
        caption="유닛마다 왼쪽은 검증 이미지 가운데 그 유닛을 가장 크게 자극한 조각입니다. " * 5,
    )
    made = slides([figure])
    assert len(made) > 1
    for slide in made:
        assert slide.title.endswith(")")
        for text, size, x, _ in texts(slide.svg):
            wide = size * sum(1.0 if each > "가" else 0.62 for each in text)
            assert x + wide <= WIDTH or "/" in text, text  # the page's number stands at the right of its place
