"""The page of a look at a data set: the pictures that look wrong, to be judged by a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template

from striate.description.labels import one_line
from striate.look.dataset import DataSet, worst
from striate.look.pictures import data_uri
from striate.look.twins import Twins
from striate.wording import percent

SUSPECTS, GROUPS, IN_GROUP, SIZES = 96, 40, 6, 12
"""The most suspects, groups, images of a group and sizes that are shown."""
SIDE = 96
"""Pixels of a picture."""


@dataclass(frozen=True)
class Shown:
    """A picture on the page: its address, a line in bold, and the image's name."""

    uri: str
    head: str
    name: str


def dataset_page(found: DataSet) -> str:
    """A look at a data set as one page that needs no other file."""
    leaks, conflicts = found.leaks, found.conflicts
    told = {*leaks, *conflicts}
    others = [each for each in found.whole if each not in told]
    classes = found.parts[0].classes
    suspects = [
        _shown(found, each.number, f"{one_line(classes[each.other])}, not {one_line(classes[each.label])}?")
        for each in found.suspects[:SUSPECTS]
    ]
    return _template().render(
        found=found,
        title=one_line(Path(found.source).name),
        small=all(part.folder is None for part in found.parts),
        copies=sum(found.copies),
        suspects=suspects,
        leaks=_groups(found, leaks),
        conflicts=_groups(found, conflicts),
        others=_groups(found, others),
        other_count=len(others),
        largest=max(1, *(counts[0] for counts in found.counts().values())),
        sizes=found.sizes().most_common(SIZES),
        percent=percent,
    )


def _groups(found: DataSet, groups: Sequence[Twins]) -> list[list[Shown]]:
    return [
        [
            _shown(found, number, f"{found.place(number).split}: {one_line(found.place(number).label)}")
            for number in found.telling(each)[:IN_GROUP]
        ]
        for each in worst(groups, GROUPS)
    ]


def _shown(found: DataSet, number: int, head: str) -> Shown:
    part, at = found.part(number)
    return Shown(data_uri(part.picture(at, side=SIDE)), head, one_line(part.names[at]))


@cache
def _template() -> Template:
    text = files("striate.look").joinpath("dataset.html.jinja").read_text(encoding="utf-8")
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return page.from_string(text)
