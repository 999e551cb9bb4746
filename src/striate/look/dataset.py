"""A data set looked at as a whole, before anything is trained: what is in it, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from striate.data.source import SPLITS
from striate.data.thumbnails import Thumbnails, thumbnails
from striate.errors import MissingSplitError
from striate.look.suspects import Judged, Suspect, judge
from striate.look.twins import Twins, twins

Watch = Callable[[str, float], None]


@dataclass(frozen=True)
class Place:
    """Where an image is: its split, its file or number in it, and its class."""

    split: str
    name: str
    label: str


@dataclass(frozen=True)
class DataSet:
    """The contents of a data set, and the images that look wrong. `parts` has one entry per split.

    Images are numbered through all parts. `leaks` are the twins that are in training and test images; `conflicts` are
    the twins of different classes. With `equal_only`, only equal images were searched, not nearly equal ones. `judged`
    is None where labels were not judged.
    """

    source: str
    parts: tuple[Thumbnails, ...]
    twins: tuple[Twins, ...]
    equal_only: bool
    judged: Judged | None

    @property
    def copies(self) -> tuple[int, int]:
        """How many images are equal to an earlier one, and how many more are nearly so."""
        equal = [each for each in self.twins if each.equal]
        near = [each for each in self.twins if not each.equal]
        in_near = {number for each in near for number in each.members}
        within = [each for each in equal if each.members[0] in in_near]  # their members are in one such group
        counts = [sum(len(each.members) - 1 for each in groups) for groups in (equal, near, within)]
        return counts[0], counts[1] - counts[2]

    @cached_property
    def whole(self) -> list[Twins]:
        """The twins, without groups of equal ones that are a part of nearly equal ones."""
        in_near = {number for each in self.twins if not each.equal for number in each.members}
        return [each for each in self.twins if not (each.equal and each.members[0] in in_near)]

    def telling(self, group: Twins) -> list[int]:
        """The members of a group, first one of each split and class: of a large group not all are shown."""
        first: dict[tuple[str, str], int] = {}
        for number in group.members:
            place = self.place(number)
            first.setdefault((place.split, place.label), number)
        leading = [*first.values()]
        return leading + [each for each in group.members if each not in leading]

    @property
    def leaks(self) -> list[Twins]:
        """Twins in more than one split."""
        return [each for each in self.whole if len({self.place(number).split for number in each.members}) > 1]

    @property
    def conflicts(self) -> list[Twins]:
        """Twins of more than one class."""
        return [each for each in self.whole if len({self.place(number).label for number in each.members}) > 1]

    @property
    def leaked(self) -> int:
        """How many test images are, or nearly are, training images."""
        places = [self.place(number) for each in self.leaks for number in each.members]
        return len({place for place in places if place.split == "test"})

    @property
    def unreadable(self) -> list[tuple[str, str]]:
        """The files that cannot be read, each with the reason."""
        return [each for part in self.parts for each in part.unreadable]

    @property
    def suspects(self) -> tuple[Suspect, ...]:
        """The training images whose label looks wrong."""
        return self.judged.suspects if self.judged else ()

    def place(self, number: int) -> Place:
        """Where an image is."""
        part, at = self.part(number)
        return Place(part.split, part.names[at], part.classes[int(part.labels[at])])

    def part(self, number: int) -> tuple[Thumbnails, int]:
        """The split of an image, and its number in it."""
        for part in self.parts:
            if number < len(part):
                return part, number
            number -= len(part)
        raise IndexError(number)

    def counts(self) -> dict[str, list[int]]:
        """By class, how many images each split has of it."""
        counters = [Counter(part.classes[label] for label in part.labels.tolist()) for part in self.parts]
        return {name: [each[name] for each in counters] for name in self.parts[0].classes}

    def sizes(self) -> Counter[tuple[int, int]]:
        """How many images there are of each (height, width)."""
        return Counter(size for part in self.parts for size in part.sizes)

    def members(self) -> dict[str, Any]:
        """Everything as JSON."""
        groups = [
            {"equal": each.equal, "images": [vars(self.place(number)) for number in each.members]}
            for each in self.twins
        ]
        suspects = [
            {
                **vars(self.place(each.number)),
                "other": self.parts[0].classes[each.other],
                "probability": each.own,
                "probability_of_other": each.likely,
            }
            for each in self.suspects
        ]
        return {
            "source": self.source,
            "splits": {part.split: len(part) for part in self.parts},
            "classes": {
                name: dict(zip([part.split for part in self.parts], counts, strict=True))
                for name, counts in self.counts().items()
            },
            "sizes": [{"height": h, "width": w, "images": count} for (h, w), count in self.sizes().most_common()],
            "grey": sum(sum(part.grey) for part in self.parts),
            "unreadable": [{"file": file, "reason": reason} for file, reason in self.unreadable],
            "duplicates": groups,
            "near_duplicates_looked_for": not self.equal_only,
            "leaked_test_images": self.leaked,
            "mislabelled": suspects,
            "judge_accuracy": self.judged.accuracy if self.judged else None,
        }


def examine(source: str | Path, *, labels: bool = True, watch: Watch = lambda _, __: None) -> DataSet:
    """Read all images of a source, as `load` takes it, and look for what is wrong; nothing is written or changed.

    With `labels` two small networks judge the training images' labels (`look.suspects`), which takes most of the time.
    `watch` is told what is done, and the share of it. Raises DataError where there are no training images.
    """
    parts: list[Thumbnails] = []
    for split in SPLITS:
        watch(f"Reading the {split} images", 0.0)
        try:
            parts.append(thumbnails(source, split))
        except MissingSplitError:
            if split == "train":
                raise
    found = twins(parts, watch=lambda share: watch("Comparing all images", share))
    judged = judge(parts[0], watch=lambda share: watch("Judging labels", share)) if labels else None
    return DataSet(str(source), tuple(parts), found.groups, found.equal_only, judged)


def worst(sets: Sequence[Twins], most: int) -> list[Twins]:
    """The first groups, the largest first."""
    return sorted(sets, key=lambda each: (-len(each.members), each.members))[:most]
