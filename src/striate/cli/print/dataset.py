"""A look at a data set, in lines."""

from __future__ import annotations

from collections.abc import Iterator, Sized

from striate.description.labels import one_line
from striate.look.dataset import DataSet, Place, worst
from striate.look.twins import Twins
from striate.wording import counted, percent

LISTED = 5
"""The most files, groups and images that a part names; the page has more."""
LABEL = 14


def dataset_lines(found: DataSet) -> Iterator[str]:
    """The contents of a data set and the images that look wrong, in labelled lines."""
    words = {"train": "training", "test": "test"}
    splits = " and ".join(f"{len(part):,} {words[part.split]}" for part in found.parts)
    yield f"{one_line(found.source)}: {splits} images, {counted(len(found.parts[0].classes), 'class')}"
    yield from _labelled("sizes", _sizes(found))
    yield from _labelled("classes", [_classes(found)])
    yield from _labelled("unreadable", _unreadable(found))
    yield from _labelled("copies", _copies(found))
    yield from _labelled("leaks", _leaks(found))
    yield from _labelled("labels", _labels(found))


def _labelled(label: str, texts: list[str]) -> Iterator[str]:
    for number, text in enumerate(texts):
        yield f"  {'' if number else label:{LABEL}}{text}"


def _sizes(found: DataSet) -> list[str]:
    sizes = found.sizes().most_common()
    if not sizes:
        return ["of no image: none can be read"]
    grey = sum(sum(part.grey) for part in found.parts)
    count = sum(len(part) for part in found.parts)
    colours = "all grey" if grey == count else "all in colour" if not grey else f"{grey:,} grey, the rest in colour"
    if len(sizes) == 1:
        (height, width), _ = sizes[0]
        return [f"{height} × {width} pixels (height × width), {colours}"]
    heights, widths = zip(*(size for size, _ in sizes), strict=True)
    (height, width), most = sizes[0]
    high, wide = (f"{min(sides)} to {max(sides)}" for sides in (heights, widths))
    return [
        f"{len(sizes):,} sizes, {high} high and {wide} wide, {colours},",
        f"most often {height} × {width} ({most:,}): train with --fit or --resize",
    ]


def _classes(found: DataSet) -> str:
    counts = {name: each[0] for name, each in found.counts().items()}
    least, most = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    if counts[least] == counts[most]:
        return f"{counts[most]:,} training images each"
    text = f"{counts[least]:,} ({one_line(least)}) to {counts[most]:,} ({one_line(most)}) training images"
    return text + (": train with --class-weights balanced" if counts[most] > 5 * max(1, counts[least]) else "")


def _unreadable(found: DataSet) -> list[str]:
    files = found.unreadable
    if not files:
        return ["no file"]
    named = [f"  {file}: {reason}" for file, reason in files[:LISTED]]
    return [f"{counted(len(files), 'file')}: train with --skip-unreadable, or mend them", *named, *_more(files)]


def _copies(found: DataSet) -> list[str]:
    equal, near = found.copies
    nearly = "nearly equal ones were not looked for" if found.equal_only else f"{near:,} nearly so"
    head = f"{counted(equal, 'image')} equal to an earlier one, {nearly}"
    conflicts = worst(found.conflicts, LISTED)
    if not conflicts:
        return [head]
    groups = counted(len(found.conflicts), "group")
    return [f"{head}; {groups} under several classes:", *(f"  {_group(found, each)}" for each in conflicts)]


def _leaks(found: DataSet) -> list[str]:
    leaks = found.leaks
    if len(found.parts) < 2:
        return ["there are no test images"]
    if not leaks:
        return ["no test image is a training image" + (", as far as equal pixels tell" if found.equal_only else "")]
    share = percent(found.leaked / len(found.parts[1]))
    named = [f"  {_group(found, each)}" for each in worst(leaks, LISTED)]
    return [f"{counted(found.leaked, 'test image')} ({share}) also in training:", *named, *_more(leaks)]


def _labels(found: DataSet) -> list[str]:
    if found.judged is None:
        return ["not judged"]
    accuracy = percent(found.judged.accuracy, 0)
    if not found.suspects:
        return [f"none looks wrong (the judges agree with {accuracy} of all labels)"]
    named = []
    for each in found.suspects[:LISTED]:
        place, other = found.place(each.number), found.parts[0].classes[each.other]
        named.append(f"  {one_line(place.name)}: {one_line(other)} rather than {one_line(place.label)}?")
    return [
        f"{len(found.suspects):,} may be wrong, likeliest first. Two small networks judged; they agree with",
        f"{accuracy} of all labels, so look before you believe:",
        *named,
        *_more(found.suspects),
    ]


def _group(found: DataSet, group: Twins) -> str:
    places = [found.place(number) for number in found.telling(group)]
    shown = [_placed(place) for place in places[:3]]
    more = f" and {len(places) - 3} more" if len(places) > 3 else ""
    return f"{' = ' if group.equal else ' ≈ '}".join(shown) + more


def _placed(place: Place) -> str:
    name = one_line(place.name)
    named = name if name.startswith((f"{place.split}/", f"{place.split} ")) else f"{place.split}: {name}"
    return named if f"{place.label}/" in name else f"{named} ({one_line(place.label)})"


def _more(items: Sized) -> list[str]:
    count = len(items) - LISTED
    return [f"  and {count:,} more"] if count > 0 else []
