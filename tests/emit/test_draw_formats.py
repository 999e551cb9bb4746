"""Figures as text: well-formed, the same each time, safe whatever a name says, and compiled where LaTeX is."""

import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given, settings

from striate import NETWORKS, Conv, Flatten, Linear, Network, Source, find
from striate.description.network import plan
from striate.emit.draw.choose import STYLES, figure_of
from striate.emit.draw.families import LOOKS
from striate.emit.draw.formats import FORMATS
from striate.emit.draw.mermaid import to_mermaid
from striate.emit.draw.svg import to_svg
from striate.emit.draw.tikz import to_tikz
from striate.emit.draw.widths import width
from tests.support.everything import everything

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = Network(
    '<script>alert(1)!"> 100% of_my $n$ #1 & {x^2} `q` 日 Łódź ]]',
    (1, 8, 8),
    [Conv(2, kernel=3, name="_a_"), Flatten(), Linear(2, name="end")],
    Source("</title><script> \\input{/etc/passwd} \\end{document} %\\ ü & ]]>", 2020),
)


def texts(svg: str) -> list[str]:
    return [text.text or "" for text in ET.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_in_every_format(name: str) -> None:
    for style in STYLES:
        figure = figure_of(find(name), style=style)
        svg, tex, mermaid = to_svg(figure), to_tikz(figure), to_mermaid(figure)
        assert len(texts(svg)) == len(list(figure.all_texts()))
        assert tex.isascii()
        assert tex.count("{") == tex.count("}")
        assert tex.count("\\node") == len(list(figure.all_texts()))
        lines = mermaid.splitlines()
        assert sum(":::" in line for line in lines) == len(figure.nodes)
        assert sum("-->" in line or "-.->" in line for line in lines) == sum(
            bool(each.target) for each in figure.arrows
        )
        assert sum("subgraph" in line for line in lines) == lines.count("end") + sum(
            line.strip() == "end" and line != "end" for line in lines
        )


@settings(max_examples=40, deadline=None)
@given(everything())
def test_random_networks_in_every_format(network: Network) -> None:
    figure = figure_of(network)
    for write in FORMATS.values():
        assert write(figure) == write(figure_of(network))
    ET.fromstring(to_svg(figure))


def test_an_svg_names_every_layer_where_the_pointer_is() -> None:
    network = find("lenet5")
    titles = "\n".join(title.text or "" for title in ET.fromstring(to_svg(figure_of(network))).iter(f"{SVG}title"))
    assert [step.path for step in plan(network).steps if f"{step.path}: " not in titles] == []
    assert "S2: subsample 2x2 → 6×14×14" in titles


def test_an_svg_needs_nothing_beside_it_and_styles_nothing_but_itself() -> None:
    svg = to_svg(figure_of(find("googlenet")))
    assert not re.search(r"href|url\(|<script|<image|@import", svg)
    style = re.search(r"<style>(.*?)</style>", svg)
    assert style is not None
    rules = re.sub(r"@media\(prefers-color-scheme:dark\)\{(.*)\}$", r"\1", style[1])
    selectors = [each for rule in re.findall(r"([^{}]+)\{[^{}]*\}", rules) for each in rule.split(",")]
    assert [each for each in selectors if not each.startswith(".striate-figure ")] == []


@pytest.mark.parametrize("dark", [False, True])
def test_text_has_contrast_on_every_fill(dark: bool) -> None:
    """At least 4.5 to 1, as WCAG asks of text of this size."""
    main, soft = ("#eceff3", "#b3bcc8") if dark else ("#1b1f24", "#4d5661")
    page = "#14161a" if dark else "#ffffff"
    fills = [look.dark_fill if dark else look.fill for look in LOOKS.values()]
    svg = to_svg(figure_of(find("lenet5")))
    assert all(colour in svg for colour in (main, soft))
    assert min(contrast(text, fill) for text in (main, soft) for fill in [page, *fills]) >= 4.5


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_hostile_names_are_only_text() -> None:
    figure = figure_of(HOSTILE)
    svg = to_svg(figure)
    assert HOSTILE.name in texts(svg)
    assert "<script" not in svg
    tex = to_tikz(figure)
    assert r"\textless{}script\textgreater{}" in tex
    assert "\\input{/" not in tex
    assert tex.count("\\end{document}") == 1
    assert r"U+65E5" in tex
    assert r"\'{o}d\'{z}" in tex
    mermaid = to_mermaid(figure)
    assert "<script" not in mermaid
    assert [line for line in mermaid.splitlines() if "alert" in line] == [mermaid.splitlines()[0]]
    assert mermaid.startswith("%% #60;script#62;alert(1)#33;#34;#62; 100#37; of#95;my")


needs_latex = pytest.mark.skipif(
    shutil.which("pdflatex") is None, reason="pdflatex is not installed (Debian: texlive-pictures, texlive-latex-extra)"
)


@needs_latex
@pytest.mark.parametrize(
    "network", [find("lenet5"), find("googlenet"), find("resnet8-tiny"), HOSTILE], ids=lambda network: network.name[:9]
)
def test_latex_compiles_at_the_first_try(network: Network, tmp_path: Path) -> None:
    (tmp_path / "figure.tex").write_text(to_tikz(figure_of(network)), encoding="ascii")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "figure.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Warning" not in done.stdout
    assert (tmp_path / "figure.pdf").stat().st_size > 5_000


def test_in_a_browser_texts_are_no_wider_than_their_estimate(browser) -> None:
    """Measured with the fonts of this machine; on a slide of 1920×1080 no text is lower than 14 pixels."""
    page = browser.new_page()
    for name in ("lenet5", "googlenet", "resnet50", "mobilenet-v1"):
        svg = to_svg(figure_of(find(name)))
        page.set_content(f"<body>{svg}</body>")
        measured = page.evaluate("[...document.querySelectorAll('svg text')].map(text => text.getComputedTextLength())")
        figure = figure_of(find(name))
        estimated = sorted(width(text.words, text.size, bold=text.bold) for text in figure.all_texts())
        assert [each for each, most in zip(sorted(measured), estimated, strict=True) if each > most * 1.02] == []
    page.close()
