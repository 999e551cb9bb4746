"""The catalogue's data of a network: its paper, and the figures that the paper prints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from striate.description.network import Network, Source

UNITS = {"": 1.0, "%": 1.0, "thousand": 1e3, "million": 1e6, "billion": 1e9}


@dataclass(frozen=True)
class Paper:
    """A publication. `year` is that of its first appearance; `fields` are its other BibTeX fields.

    >>> paper = Paper("doe2020", "misc", ("Jane Doe", "Guido van Rossum"), "On sums", 2020, (("eprint", "2001.1"),))
    >>> paper.cited
    'Doe, van Rossum, On sums'
    """

    key: str
    kind: str
    authors: tuple[str, ...]
    title: str
    year: int
    fields: tuple[tuple[str, str], ...] = ()

    @property
    def cited(self) -> str:
        """The family names and the title, in one line."""
        names = ", ".join(_family(author) for author in self.authors[:4])
        return f"{names}{' and others' if len(self.authors) > 4 else ''}, {self.title}"

    def source(self, place: str = "", *departures: str) -> Source:
        """A network's source in this paper."""
        return Source(self.cited, self.year, place, departures)

    def bibtex(self) -> str:
        """The BibTeX entry."""
        authors = " and ".join(f"{_family(author)}, {_given(author)}".strip(", ") for author in self.authors)
        members = {"author": authors, "title": f"{{{self.title}}}", "year": str(self.year)} | dict(self.fields)
        width = max(map(len, members))
        lines = [f"  {name:{width}} = {{{value}}}," for name, value in members.items()]
        return "\n".join([f"@{self.kind}{{{self.key},", *lines, "}"])


@dataclass(frozen=True)
class Published:
    """A figure as the paper prints it: `value` is its text, `unit` one of UNITS.

    `measure` is the quantity: "parameters", "connections" or "MACs", which the account also computes, or an error or an
    accuracy, on the images `data`. `place` is its place in the paper.

    >>> Published("parameters", "60", "million", place="abstract").number
    60000000.0
    """

    measure: str
    value: str
    unit: str = ""
    data: str = ""
    place: str = ""

    @property
    def number(self) -> float:
        """The figure as a number."""
        return float(self.value.replace(",", "")) * UNITS[self.unit]

    @property
    def text(self) -> str:
        """The figure with its unit."""
        return f"{self.value} {self.unit}".strip()

    def agrees(self, computed: float) -> bool:
        """Whether a computed number equals the printed one when it is rounded to the printed digits.

        >>> Published("MACs", "1.8", "billion").agrees(1_814_073_344)
        True
        """
        places = len(self.value.partition(".")[2])
        return f"{computed / UNITS[self.unit]:,.{places}f}" == f"{self.number / UNITS[self.unit]:,.{places}f}"


@dataclass(frozen=True)
class Trained:
    """The numbers of a network's training as its paper prints them; None or "" where it prints none.

    `rate` is the learning rate at the start; `initialisation` is a name of `striate.modules.INITIALISATIONS`.
    """

    place: str
    batch: int | None = None
    rate: float | None = None
    momentum: float | None = None
    weight_decay: float | None = None
    initialisation: str = ""


@dataclass(frozen=True)
class Entry:
    """A network of the catalogue: the function that makes it, a description in one line, its paper and its figures.

    `recipe` is the name of the recipe that follows its paper, "" where there is none, and `trained` has the numbers
    that the paper prints of that training. `data` is its default source of training images inside Striate. The first
    error or accuracy among `published` represents the network in a list.
    """

    make: Callable[[], Network]
    about: str
    paper: Paper | None = None
    published: tuple[Published, ...] = ()
    recipe: str = ""
    data: str = "mnist"
    trained: Trained | None = None

    @property
    def quality(self) -> Published | None:
        """The error, or the accuracy, that represents the network in a list."""
        found = (each for each in self.published if each.measure.endswith(("error", "accuracy")))
        return next(found, None)


def _family(author: str) -> str:
    """The family name, with its particles: lower-case words before the last."""
    words = author.split()
    start = len(words) - 1
    while start > 0 and words[start - 1].islower():
        start -= 1
    return " ".join(words[start:])


def _given(author: str) -> str:
    return author.removesuffix(_family(author)).strip()
