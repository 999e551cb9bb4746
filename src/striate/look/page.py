"""look.html: all figures on one page that needs no other file, and each figure in a file of its own."""

from __future__ import annotations

import os.path
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template
from PIL import Image

from striate.accounting.rows import account
from striate.accounting.unit import view
from striate.data.decode import decode
from striate.description.labels import path_part
from striate.description.network import Network
from striate.errors import ShapeError, unknown_name
from striate.files import elsewhere, make_folder, write_whole
from striate.language import FONTS
from striate.language.say import language, say, say_html
from striate.look.attribution_figure import attribution
from striate.look.bench import Kernel
from striate.look.bench_figure import bench
from striate.look.choose import cam_step, find_step, is_map
from striate.look.drawing import Figure
from striate.look.excitation_figure import wants
from striate.look.field import fields
from striate.look.filters import filters
from striate.look.invariance_figure import invariance
from striate.look.learning import learning
from striate.look.maps import maps
from striate.look.png import require_hangul, to_png
from striate.look.sharing import sharing
from striate.look.subject import Shown, Subject, shown

SECTIONS = {
    "filters": (
        "Filters",
        "The weights as pictures. Filters of the first layer read the image, deeper ones read maps.",
    ),
    "learning": ("The training, epoch by epoch", "The first layer's filters from random to final weights; the errors."),
    "maps": ("Feature maps", "The output of each layer for an image, from the pixels to the answer."),
    "bench": ("The filter bench", "One kernel at a time, and the sum that makes each value."),
    "fields": ("Receptive fields", "The pixels that a unit reads, and how strongly it depends on each of them."),
    "attribution": ("Attribution", "The pixels behind an answer, by four methods, and a control with random weights."),
    "wants": ("What excites a unit", "The hierarchy of features: from strokes to characters, from edges to objects."),
    "invariance": ("When the image moves", "A convolution's maps move along; pooling makes later layers change less."),
    "sharing": ("Sharing and locality", "The weights that a convolution saves by sharing and by small windows."),
}
"""The sections by the word for --only, in the order of the page: a heading and a description."""


@dataclass(frozen=True)
class Wish:
    """The figures that are wanted: sections (all if none are named), a layer, a unit, a class, image files, a
    kernel."""

    only: tuple[str, ...] = ()
    layer: str | None = None
    unit: str | None = None
    target: str | None = None
    images: tuple[str, ...] = ()
    kernel: Kernel | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Section:
    """A section of the page with its figures, and the seconds that they took."""

    key: str
    figures: tuple[Figure, ...]
    seconds: float

    @property
    def heading(self) -> str:
        """The heading of the section."""
        return say(SECTIONS[self.key][0])

    @property
    def about(self) -> str:
        """The description of the section."""
        return say(SECTIONS[self.key][1])


def look(subject: Subject, wish: Wish = Wish()) -> Iterator[Section]:
    """The sections one by one, as they are made. Raises UnknownNameError, ShapeError, SpecError, DataError."""
    check(subject, wish)
    images = shown(subject, wish.images)
    for key in SECTIONS:
        if key in (wish.only or SECTIONS) and (made := section(subject, wish, key, images)):
            yield made


def section(subject: Subject, wish: Wish, key: str, images: list[Shown]) -> Section | None:
    """One section of a wish that `check` has passed, for the images that `shown` gave; None where it has no figure."""
    start = time.perf_counter()
    figures = tuple(_figures(key, subject, wish, images))
    return Section(key, figures, time.perf_counter() - start) if figures else None


def check(subject: Subject, wish: Wish) -> None:
    """Raise UnknownNameError where a wish names an unknown section, layer or class, SpecError where a unit is not
    there, ShapeError where no figure can be made of its layer."""
    for key in wish.only:
        if key not in SECTIONS:
            raise unknown_name("section", key, SECTIONS)
    for path in (wish.layer, (wish.unit or "").partition(":")[0]):
        if path and find_step(subject.network, path).head:
            raise ShapeError(
                "belongs to an auxiliary head, which runs in training only.",
                "Figures show only layers that the answer depends on.",
                "Ask for a layer outside of the head.",
            ).at(path)
    if wish.unit and "fields" in (wish.only or SECTIONS):
        view(subject.network, wish.unit)
    if wish.layer and "attribution" in wish.only:
        cam_step(subject.network, wish.layer)
    if wish.target is not None and wish.target not in subject.classes:
        raise unknown_name("class", wish.target, subject.classes)


def write_look(subject: Subject, sections: Sequence[Section], *, folder: Path, png: bool = False) -> Path:
    """Write each figure as an SVG, with `png` also as a PNG, and look.html with all; returns the page's path."""
    if png:
        require_hangul()
    with elsewhere("--out"):
        make_folder(folder)
        for section in sections:
            for figure in section.figures:
                write_whole(folder / f"{figure.name}.svg", figure.standalone())
                if png:
                    write_whole(folder / f"{figure.name}.png", to_png(figure))
    page = _template().render(
        fonts=FONTS,
        language=language(),
        network=subject.network,
        subject=subject,
        totals=account(subject.network).totals,
        sections=sections,
    )
    with elsewhere("--out"):
        write_whole(folder / "look.html", page)
    return folder / "look.html"


def _figures(key: str, subject: Subject, wish: Wish, images: list[Shown]) -> list[Figure]:
    target = None if wish.target is None else subject.classes.index(wish.target)
    first = images[0]
    match key:
        case "filters":
            return filters(subject, layer=wish.layer)
        case "learning":
            return [] if subject.run is None else learning(subject.run)
        case "maps":
            return _each(images, [maps(subject, image, layer=wish.layer) for image in images])
        case "bench":
            pictures: list[Image.Image | None] = [decode(Path(image)) for image in wish.images] or [None]
            return _each(images, [bench(subject, picture, kernel=wish.kernel) for picture in pictures])
        case "fields":
            return [fields(subject, first, unit=wish.unit, layer=wish.layer)]
        case "attribution":
            mapped = wish.layer is not None and is_map(find_step(subject.network, wish.layer))
            layer = wish.layer if mapped else None  # of a flat layer there is no Grad-CAM
            return _each(images, [attribution(subject, image, target=target, layer=layer) for image in images])
        case "wants":
            return wants(subject, layer=wish.layer)
        case "invariance":
            return invariance(subject, first)
        case "sharing":
            return [sharing(subject.network)]
        case _:
            raise unknown_name("section", key, SECTIONS)


def _each(images: list[Shown], figures: list[Figure]) -> list[Figure]:
    """With several images, their names in the names of the files."""
    if len(images) == 1:
        return figures
    return [
        Figure(f"{figure.name}-{place}-{path_part(Path(image.name).stem)}", figure.title, figure.caption, figure.svg)
        for place, (figure, image) in enumerate(zip(figures, images, strict=True), 1)
    ]


def default_folder(target: str, network: Network) -> Path:
    """The folder for the figures: in the run, or look/NETWORK."""
    return Path(target) / "look" if os.path.isdir(target) else Path("look") / path_part(network.name)


@cache
def _template() -> Template:
    text = files("striate.look").joinpath("look.html.jinja").read_text(encoding="utf-8")
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page.globals.update(say=say_html)
    return page.from_string(text)
