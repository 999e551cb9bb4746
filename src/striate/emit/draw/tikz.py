"""A figure as TikZ: one LaTeX file of the class `standalone`, which pdflatex compiles as it is.

It is plain ASCII and needs no font but LaTeX's own, so that it compiles wherever TikZ is. A pixel is half a point.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from striate.emit.draw.families import LOOKS
from striate.emit.draw.figure import Figure
from striate.emit.draw.marks import Arrow, Box, Join, Mark, Panel, Point, Text, Volume, ordered
from striate.emit.draw.tex import escaped

HEAD = r"""\documentclass[border=6pt]{standalone}
\IfFileExists{lmodern.sty}{\usepackage[T1]{fontenc}\usepackage{lmodern}}{\usepackage{fix-cm}}
\usepackage{tikz}
\usetikzlibrary{arrows.meta}
"""
STYLES = r"""\begin{tikzpicture}[x=0.5pt, y=-0.5pt, line join=round, font=\sffamily,
  flow/.style={draw=ink, line width=0.7pt, -{Latex[length=4pt, width=4pt]}},
  stem/.style={draw=ink, line width=0.7pt},
  frame/.style={draw=frameline, fill=framefill, line width=0.6pt, rounded corners=4.5pt},
  edge/.style={line width=0.7pt},
  words/.style={inner sep=0pt, outer sep=0pt, text=black},
  soft/.style={words, text=ink}]
"""
ANCHORS = {"start": "base west", "middle": "base", "end": "base east"}


def to_tikz(figure: Figure) -> str:
    """The figure as a LaTeX document."""
    colours = ["\\definecolor{ink}{HTML}{4D5661}\n\\definecolor{frameline}{HTML}{AAB3BF}"]
    colours.append("\\definecolor{framefill}{HTML}{F6F7F9}")
    for family, look in LOOKS.items():
        colours.append(f"\\definecolor{{{family}fill}}{{HTML}}{{{look.fill[1:].upper()}}}")
        colours.append(f"\\definecolor{{{family}line}}{{HTML}}{{{look.line[1:].upper()}}}")
    body = [f"% {escaped(figure.name)}"]
    for mark in ordered(figure.marks):
        body += _mark(mark)
    body += map(_text, figure.texts)
    for key in figure.keys:
        body.append(f"\\draw[{_filled(key.family)}, rounded corners=2pt] {_rectangle(key.corner, 16, 16)};")
        body.append(_text(key.line))
    return "\n".join([HEAD + "\n".join(colours), "\\begin{document}", STYLES + "\n".join(body)]) + (
        "\n\\end{tikzpicture}\n\\end{document}\n"
    )


def _mark(mark: Mark) -> Iterator[str]:
    match mark:
        case Panel():
            dashed = ", dashed" if mark.dashed else ""
            for behind in (6, 3) if mark.times > 1 else ():
                x, y = mark.corner
                yield f"\\draw[frame] {_rectangle((x + behind, y + behind), mark.width, mark.height)};"
            yield f"\\draw[frame{dashed}] {_rectangle(mark.corner, mark.width, mark.height)};"
        case Arrow():
            dashed = ", dashed" if mark.dashed else ""
            yield f"\\draw[{'flow' if mark.target else 'stem'}{dashed}] {_path(mark.points)};"
        case Box():
            dashed = ", dashed" if mark.dashed else ""
            radius = 7 if mark.family == "data" else 3
            place = _rectangle(mark.corner, mark.width, mark.height)
            yield f"\\draw[{_filled(mark.family)}, rounded corners={radius}pt{dashed}] {place};"
        case Join():
            radius = min(mark.width, mark.height) / 4 - 0.1 if mark.sign != "concat" else 2
            place = _rectangle(mark.corner, mark.width, mark.height)
            yield f"\\draw[{_filled('join')}, rounded corners={radius:g}pt] {place};"
        case Volume():
            for face in mark.faces:
                fill = f"{mark.family}fill!{100 - 9 * face.shade}!black"
                yield f"\\draw[edge, draw={mark.family}line, fill={fill}] {_path(face.points)} -- cycle;"
        case _:
            assert_never(mark)
    yield from map(_text, mark.lines)


def _text(text: Text) -> str:
    size = text.size / 2
    style = "soft" if text.soft else "words"
    bold = "\\bfseries" if text.bold else ""
    font = f"font=\\fontsize{{{size:g}}}{{{size * 1.2:g}}}\\selectfont\\sffamily{bold}"
    place = f"anchor={ANCHORS[text.anchor]}, {font}] at {_point((text.x, text.y))}"
    return f"\\node[{style}, {place} {{{escaped(text.words)}}};"


def _filled(family: str) -> str:
    return f"edge, draw={family}line, fill={family}fill"


def _rectangle(corner: Point, width: float, height: float) -> str:
    return f"{_point(corner)} rectangle {_point((corner[0] + width, corner[1] + height))}"


def _path(points: tuple[Point, ...]) -> str:
    return " -- ".join(map(_point, points))


def _point(point: Point) -> str:
    return f"({round(point[0], 1) + 0:g},{round(point[1], 1) + 0:g})"
