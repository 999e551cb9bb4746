"""Where the images of a run come from, as the command line and run.json have it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from striate.data import ImageSet, Preprocessing, Stream, load, load_stream
from striate.data.labels import Kind
from striate.train.run import Run


@dataclass(frozen=True)
class Images:
    """Where a run's images come from: `source` as --data has it.

    With a `way` that crops or letterboxes, images of a folder are brought to the network's size when they are read, and
    a new run keeps it as its preprocessing. A `stream` decodes images when they are asked for. `given` are training
    images that a program has, whose source has no name; `span` and `labels` say what their values and labels were.
    """

    source: str = "mnist"
    resize: tuple[int, int] | None = None
    skip_unreadable: bool = False
    way: Preprocessing | None = None
    stream: bool = False
    given: ImageSet | None = None
    span: tuple[float, float] | None = None
    labels: Kind = "text"

    def load(self, split: str, *, wanted: tuple[int, ...] | None = None) -> ImageSet:
        """Read a split; `wanted` is the size that an error proposes where sizes differ."""
        if self.given is not None and split == "train":
            return self.given
        read = load_stream if self.stream else load
        return read(
            self.source,
            split,
            resize=self.resize,
            wanted=wanted,
            skip_unreadable=self.skip_unreadable,
            way=self.way,
        )


def images_as(run: Run, source: str, *, way: Preprocessing | None) -> Images:
    """The images of a source, read as the run's own are."""
    data = run.data
    return Images(source, data.resize, data.skip_unreadable, way, data.stream and source == data.source)


def decoding(images: ImageSet) -> dict[str, Any]:
    """The member `decoded` of the event "profile": what was decoded of a stream since the last call. None of a store's.

    `seconds` are those of all workers together.
    """
    if not isinstance(images.images, Stream):
        return {}
    count, seconds = images.images.meter.read()
    return {"decoded": {"images": count, "seconds": seconds, "workers": images.images.workers}}
