"""Slides: the figures of `look`, one on each page of 16:9, with text of a size that projects; as SVG and as PNG.

No figure is drawn a second time: the SVG of each is cut between its rows where it is too high for a page, enlarged, and
its smaller letters are raised to MIN pixels, no wider than they were.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from striate.description.labels import one_line
from striate.files import elsewhere, make_folder, write_whole
from striate.language import FONTS
from striate.language.say import language, say
from striate.look.drawing import Figure
from striate.look.slide_parts import WIDE, Band, bands, cut, items
from striate.raster import drawn_as, require_raster
from striate.wording import cells

WIDTH, HEIGHT = 1920, 1080
MIN = 24
"""The smallest letters of a slide, in its pixels."""
MARGIN = 60
LARGEST = 3.0
"""The most that a figure is enlarged."""
LONGEST = 105
"""The most letters of a title, which then has the smallest letters."""
LINE = 122
"""The most letters of a line of a caption."""
NEAR = 8
"""Rows nearer than this belong together: numbers stand below their tiles."""


@dataclass(frozen=True)
class Slide:
    """A page: the name of its files, and its SVG of WIDTH × HEIGHT."""

    name: str
    title: str
    svg: str


def slides(figures: Sequence[Figure]) -> list[Slide]:
    """The pages of some figures, in their order; a high figure has several."""
    pages: list[tuple[Figure, str, tuple[Band, ...]]] = []
    for figure in figures:
        parts = list(_pages(figure))
        pages += [(figure, _title(figure, at, len(parts)), rows) for at, rows in enumerate(parts, 1)]
    return [
        Slide(f"{number:02d}-{figure.name}", title, _svg(figure, title, rows, f"{number} / {len(pages)}"))
        for number, (figure, title, rows) in enumerate(pages, 1)
    ]


def write_slides(figures: Sequence[Figure], *, folder: Path) -> Path:
    """Write each page as SVG and PNG, and index.html with all; returns the path of index.html.

    Raises RequirementError where resvg-py is not installed.
    """
    require_raster()
    made = slides(figures)
    with elsewhere("--slides"):
        make_folder(folder)
        for slide in made:
            write_whole(folder / f"{slide.name}.svg", slide.svg)
            write_whole(folder / f"{slide.name}.png", drawn_as(".png", slide.svg, zoom=1))
        write_whole(folder / "index.html", _index(made))
    return folder / "index.html"


def _title(figure: Figure, part: int, parts: int) -> str:
    """The title of one of the pages of a figure."""
    which = say(" ({part} of {parts})", part=part, parts=parts) if parts > 1 else ""
    title, *rest = _wrapped(one_line(figure.title), LONGEST - cells(which) - 2) or [""]
    return title + (" …" if rest else "") + which


def _caption(figure: Figure) -> list[str]:
    return _wrapped(one_line(figure.caption), LINE)


def _wrapped(text: str, most: int) -> list[str]:
    """A text in lines of at most `most` letters; a longer word has a line of its own."""
    lines: list[str] = []
    for word in text.split():
        if lines and cells(f"{lines[-1]} {word}") <= most:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _room(figure: Figure) -> tuple[int, int]:
    """The top and the height of the room for the figure on its page."""
    top = MARGIN + 60
    return top, HEIGHT - top - 34 * len(_caption(figure)) - 56


def _pages(figure: Figure) -> Iterator[tuple[Band, ...]]:
    """The rows of each page: as many as fit at the scale with which the figure is as wide as the page."""
    all_bands = bands(items(figure.svg))
    if not all_bands:
        return
    room = _room(figure)[1] / _widest(all_bands)
    page: list[Band] = []
    for block in _blocks(all_bands, room):
        if page and block[-1].bottom - page[0].top > room:
            yield tuple(page)
            page = []
        page += block
    yield tuple(page)


def _blocks(all_bands: Sequence[Band], room: float) -> Iterator[list[Band]]:
    """Rows that stay together, because they are near each other; one by one where they are too high for a page."""
    block: list[Band] = []
    for band in all_bands:
        if block and band.top - block[-1].bottom >= NEAR:
            yield from _split(block, room)
            block = []
        block.append(band)
    yield from _split(block, room)


def _split(block: list[Band], room: float) -> Iterator[list[Band]]:
    if block[-1].bottom - block[0].top <= room:
        yield block
    else:
        yield from ([band] for band in block)


def _widest(rows: Sequence[Band]) -> float:
    """The scale with which rows are as wide as a page."""
    left, right = min(row.left for row in rows), max(row.right for row in rows)
    return min(LARGEST, (WIDTH - 2 * MARGIN) / max(1.0, right - left))


def _svg(figure: Figure, title: str, rows: tuple[Band, ...], place: str) -> str:
    top, room = _room(figure)
    high = rows[-1].bottom - rows[0].top
    left, right = min(row.left for row in rows), max(row.right for row in rows)
    scale = min(_widest(rows), room / high)
    inside = cut(figure.svg, rows[0].top, rows[-1].bottom, smallest=MIN / scale)
    size = max(MIN, min(40, round((WIDTH - 2 * MARGIN - 160) / (WIDE * cells(title)))))
    view = f"{left:.1f} {rows[0].top:.1f} {right - left:.1f} {high:.1f}"
    across = MARGIN + (WIDTH - 2 * MARGIN - scale * (right - left)) / 2
    foot = HEIGHT - 40 - 34 * (len(_caption(figure)) - 1)
    texts = [
        f'<text x="{MARGIN}" y="{MARGIN + 28}" font-size="{size}" font-weight="600">{escape(title)}</text>',
        f'<text x="{WIDTH - MARGIN}" y="{MARGIN + 28}" font-size="{MIN}" text-anchor="end" '
        f'fill-opacity="0.72">{place}</text>',
        *(
            f'<text x="{MARGIN}" y="{foot + 34 * line}" font-size="{MIN}" fill-opacity="0.8">{escape(text)}</text>'
            for line, text in enumerate(_caption(figure))
        ),
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
            f'role="img" aria-label="{escape(title)}" font-family="{FONTS}" color="#1a1a1a" '
            'fill="currentColor">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            f'<svg x="{across:.1f}" y="{top}" width="{scale * (right - left):.1f}" height="{scale * high:.1f}" '
            f'viewBox="{view}" overflow="visible">',
            inside,
            "</svg>",
            *texts,
            "</svg>\n",
        ]
    )


def _index(made: Sequence[Slide]) -> str:
    """A page with all slides one below another, each as high as the window; the arrow keys go from one to the next."""
    pages = "\n".join(
        f'<section id="{number}"><img src="{escape(slide.name)}.svg" alt="{escape(slide.title)}" width="{WIDTH}" '
        f'height="{HEIGHT}"></section>'
        for number, slide in enumerate(made, 1)
    )
    return f"""<!doctype html>
<html lang="{language()}">
<head>
<meta charset="utf-8">
<title>{say("Slides")}</title>
<style>
html {{ scroll-snap-type: y mandatory; background: #fff; }}
body {{ margin: 0; }}
section {{ height: 100vh; display: grid; place-items: center; scroll-snap-align: start; }}
img {{ max-width: 100vw; max-height: 100vh; width: auto; height: auto; }}
@media print {{ @page {{ size: 16in 9in; margin: 0; }} section {{ break-after: page; }} }}
</style>
</head>
<body>
{pages}
<script>
const move = {{ ArrowRight: 1, PageDown: 1, " ": 1, ArrowLeft: -1, PageUp: -1 }};
addEventListener("keydown", (event) => {{
  const at = Math.round(scrollY / innerHeight) + (move[event.key] ?? 0);
  if (!(event.key in move) || !document.getElementById(String(at + 1))) return;
  event.preventDefault();
  scrollTo(0, at * innerHeight);
}});
</script>
</body>
</html>
"""
