"""The figures of a fitted network, as a value that a notebook shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

import torch
from torch import Tensor

from striate.data import ImageSet
from striate.look.drawing import Figure
from striate.look.page import Section, Wish, look, write_look
from striate.look.subject import MOST, Subject, subject
from striate.train.run import Run


@dataclass(frozen=True, eq=False)
class Looked:
    """Sections of figures; a notebook shows all of them, one below the other."""

    subject: Subject
    sections: tuple[Section, ...]

    @property
    def figures(self) -> list[Figure]:
        """All figures, in the order of their sections."""
        return [figure for section in self.sections for figure in section.figures]

    def write(self, folder: str | Path) -> Path:
        """Write each figure as an SVG, and look.html with all of them; returns the page's path."""
        return write_look(self.subject, self.sections, folder=Path(folder))

    def _repr_html_(self) -> str:
        parts = [f"{each.svg}<p>{escape(each.caption)}</p>" for each in self.figures]
        return "\n".join(parts)


def looked(run: Run, validation: ImageSet | None, packed: Tensor | None, only: tuple[str, ...]) -> Looked:
    """The figures of a run for `packed` images, or for its `validation` images, or for others where there are none."""
    found = subject(run)
    if packed is not None:
        labels = torch.zeros(len(packed), dtype=torch.int64)
        given = ImageSet(packed, labels, ("image",), "arrays", "test", "picture", fitted=True)
        found = replace(found, data=given.subset(torch.arange(min(MOST, len(packed)))), origin=_words(packed, "given"))
    elif validation is not None:
        some = validation.subset(torch.arange(min(MOST, len(validation))))
        found = replace(found, data=some, origin=_words(some.labels, "validation"))
    return Looked(found, tuple(look(found, Wish(only=only))))


def _words(images: Tensor, kind: str) -> str:
    return f"{min(MOST, len(images))} {kind} images"
