"""One run behind the server: it answers questions about images with messages, and knows no HTTP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from math import prod
from time import perf_counter
from typing import TypeVar

import msgspec
import numpy as np
import torch
from torch import Tensor

from striate.accounting.unit import Rectangle, seen, unclipped
from striate.data import PreparationStep
from striate.data.image_file import MOST_SENT, open_picture
from striate.description.network import INPUT
from striate.errors import RequestError, RunError, ShapeError, unknown_name
from striate.look.predictor import Predictor, Stored, Watched
from striate.look.unit import explain, step_number
from striate.read.reader import BLANK, Reader
from striate.serve import messages as m
from striate.serve import wire
from striate.serve.batching import Batcher, Limits, Watcher, attempted, one_by_one
from striate.serve.board import position_of
from striate.serve.light import Light
from striate.train.answer_checks import no_classes
from striate.web.attribution import METHODS, attribution
from striate.web.describe import describe, described_examples
from striate.web.sandbox import Trial, trials, try_it

MOST_VALUES = 2_000_000
"""The most numbers in an answer of /activations in JSON; as bytes, sixteen times as many."""
WAITING_LONG = 4
"""The most requests that may wait for an attribution. It takes seconds, so it has a queue of its own."""

Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Images:
    """Images to classify: an image file, or the pixels of several."""

    content: bytes
    prepared: bool = True
    pixels: bool = False


@dataclass(frozen=True, eq=False)
class Classified:
    """For each image its class's number and the probabilities of all; and how one was prepared."""

    best: list[int]
    rows: list[list[float]]
    steps: tuple[PreparationStep, ...] = ()


def _reader_of(predictor: Predictor) -> Reader | None:
    """The reader of a run with a class for gaps; None where its network cannot slide along a line
    or takes images of another size."""
    try:
        return Reader(predictor.run)
    except ShapeError:
        return None


class Model:
    """One run: images that arrive together are classified together; all else is computed one by one.

    Classifying, looking inside and attribution each have a queue and a thread of their own, so that none delays
    another. Raises BusyError where a queue is full, and the errors of what is asked.
    """

    def __init__(self, name: str, predictor: Predictor, limits: Limits, watcher: Watcher | None = None) -> None:
        self.name, self.run, self.predictor = name, predictor.run, predictor
        self.looking, self.attributing = predictor.twin(), predictor.twin()
        self.reader = _reader_of(predictor) if BLANK in self.predictor.classes else None
        light = Light(predictor)
        self.images = Batcher(
            self._classify,
            most=predictor.at_once,
            limits=limits,
            watcher=watcher,
            light=lambda job: (
                light.pixels(job.content) if job.pixels else light.file(job.content, prepared=job.prepared)
            ),
        )
        self.looks: Batcher[Callable[[], object], object] = Batcher(one_by_one, limits=limits)
        long = Limits(min(WAITING_LONG, limits.waiting), limits.seconds)
        self.attributions: Batcher[Callable[[], m.Attribution], m.Attribution] = Batcher(one_by_one, limits=long)

    @cached_property
    def served(self) -> m.Served:
        """The run in a list of runs."""
        predictor = self.predictor
        return m.Served(
            name=self.name,
            classes=list(predictor.classes),
            reads=self.reader is not None,
            trained=predictor.trained,
            kernels=predictor.choice.kernels,
            board=predictor.board,
        )

    @cached_property
    def network(self) -> m.Network:
        """The network with its account."""
        described = describe(self.predictor) | {"trials": trials(self.run.network), "methods": METHODS}
        return msgspec.convert(described, m.Network, from_attributes=True)

    @cached_property
    def examples(self) -> m.Examples:
        """The images to try that the run has kept."""
        return msgspec.convert({"examples": described_examples(self.run)}, m.Examples)

    async def predict(self, content: bytes, *, prepared: bool = True) -> m.Prepared:
        """The class of an image file."""
        found = await self.images.ask(Images(content, prepared))
        values, best = found.rows[0], found.best[0]
        return m.Prepared(
            name=self.predictor.classes[best],
            probability=values[best],
            probabilities=dict(zip(self.predictor.classes, values, strict=True)),
            trained=self.predictor.trained,
            steps=[m.StepNote(step.name, step.note) for step in found.steps],
        )

    async def predict_many(self, pixels: bytes) -> m.Batch:
        """The classes of images of the network's size, from their pixels."""
        found = await self.images.ask(Images(pixels, pixels=True))
        names = list(self.predictor.classes)
        return m.Batch([names[best] for best in found.best], names, found.rows, self.predictor.trained)

    def check_layers(self, query: m.OfLayers) -> None:
        """Raise UnknownNameError for a path that is no layer's."""
        self._wanted(query)

    async def activations(self, content: bytes, query: m.OfLayers, *, as_bytes: bool) -> m.Activations | bytes:
        """Layers' outputs for an image, as a message, or as the page's bytes."""
        return await self._look(partial(self._activations, content, query, as_bytes))

    async def unit(self, content: bytes, query: m.OfUnit) -> m.Unit:
        """How a unit's value is computed."""
        return await self._look(partial(self._unit, content, query))

    async def position(self, content: bytes) -> m.Position:
        """The position at the end of a game."""
        return await self._look(partial(position_of, self.predictor, content))

    async def read(self, reader: Reader, content: bytes) -> m.Lines:
        """The lines on an image, by this run's reader."""
        lines = await self._look(lambda: reader.read(open_picture(content, most_pixels=MOST_SENT)))
        return msgspec.convert({"lines": [line.to_dict() for line in lines]}, m.Lines)

    async def account(self, trial: Trial) -> m.Tried:
        """The account of a network with other numbers."""
        return msgspec.convert(await self._look(partial(try_it, trial, own=self.run.network)), m.Tried)

    async def attribution(self, content: bytes, query: m.OfClass) -> m.Attribution:
        """How much each pixel raises a class's score."""
        if query.name not in self.predictor.classes:
            raise unknown_name("class", query.name, self.predictor.classes)
        return await self.attributions.ask(partial(self._attribution, content, query))

    async def _look(self, work: Callable[[], Result]) -> Result:
        return await self.looks.ask(work)  # pyright: ignore[reportReturnType] - a queue of all kinds of results

    def _classify(self, jobs: Sequence[Images]) -> list[Classified | Exception]:
        """The classes of all images of all jobs, computed together."""
        prepared = [attempted(partial(self._pixels, job)) for job in jobs]
        good = [each[0] for each in prepared if not isinstance(each, Exception)]
        if not good:
            return [each for each in prepared if isinstance(each, Exception)]
        values = self.predictor.probabilities(torch.cat(good) if len(good) > 1 else good[0]).numpy()
        if values.ndim > 2:
            raise no_classes(values.shape[1:], self.run.folder)
        finite = np.isfinite(values.sum(axis=1)).tolist()
        best, rows = values.argmax(axis=1).tolist(), values.tolist()
        found: list[Classified | Exception] = []
        first = 0
        for each in prepared:
            if isinstance(each, Exception):
                found.append(each)
                continue
            own = slice(first, first := first + len(each[0]))
            found.append(Classified(best[own], rows[own], each[1]) if all(finite[own]) else self._not_finite())
        return found

    def _pixels(self, job: Images) -> tuple[Stored, tuple[PreparationStep, ...]]:
        if not job.pixels:
            return self.predictor.pixels(job.content, prepared=job.prepared)
        shape = self.run.network.input
        size = prod(shape)
        if len(job.content) % size:
            raise RequestError(
                f"{len(job.content):,} bytes are no whole number of images.",
                f"An image of {self.name} has {size:,}: {' × '.join(map(str, shape))} (channels, height, width).",
                "Send the pixels alone, one byte each, without a header.",
            )
        return torch.frombuffer(bytearray(job.content), dtype=torch.uint8).view(-1, *shape), ()

    def _activations(self, content: bytes, query: m.OfLayers, as_bytes: bool) -> m.Activations | bytes:
        began = perf_counter()
        plan, wanted = self.looking.plan, self._wanted(query)
        found = self._watch(content, wanted, query)
        layers = [  # the input first; a layer may be called so, too
            ("input" if number == INPUT else plan.steps[number].path, _first(values, query.maps))
            for number, values in sorted(found.outputs.items())
        ]
        if sum(values.numel() for _, values in layers) > MOST_VALUES * (16 if as_bytes else 1):
            raise RequestError(
                f"more than {MOST_VALUES:,} activations.", "An answer holds no more.", "Ask with ?paths=A,B."
            )
        if as_bytes:
            head = wire.prediction_head(found.prediction)
            head["milliseconds"] = round(1000 * (perf_counter() - began), 1)
            return wire.pack(head, layers, found.prediction.steps)
        listed = [m.Layer(path, list(one.shape), one.flatten().tolist()) for path, one in layers]
        said = found.prediction
        return m.Activations(
            name=said.name,
            probability=said.probability,
            probabilities=said.probabilities,
            trained=said.trained,
            layers=listed,
        )

    def _wanted(self, query: m.OfLayers) -> set[int] | None:
        """The numbers of the layers that are asked for; None for all."""
        if query.paths is None:
            return None
        return {step_number(self.predictor.plan, path) for path in query.paths.split(",") if path != "input"}

    def _unit(self, content: bytes, query: m.OfUnit) -> m.Unit:
        plan, (maps, row, column) = self.looking.plan, (query.map, query.row, query.column)
        number = step_number(plan, query.path)
        step = plan.steps[number]
        sources = {number, *(source for source in step.sources if source != INPUT)}
        explained = explain(self.looking, self._watch(content, sources, query).outputs, number, (maps, row, column))
        spatial = len(step.output) == 3
        at = [range(row, row + 1), range(column, column + 1)] if spatial else [None, None]
        corner = Rectangle((row, row), (column, column)) if spatial else None
        return m.Unit(
            path=step.path,
            map=maps,
            row=row,
            column=column,
            value=explained.value,
            formula=explained.formula,
            terms=[m.Term(each.label, each.patch, each.weights, each.value) for each in explained.terms],
            others=m.Others(*explained.others),
            bias=explained.bias,
            field=_field(seen(plan, number, at[0], at[1])),
            unclipped=_field(unclipped(plan, number, corner)),
        )

    def _attribution(self, content: bytes, query: m.OfClass) -> m.Attribution:
        image, _ = self.attributing.read(content, prepared=query.prepared)
        found = attribution(self.attributing, image, self.predictor.classes.index(query.name), method=query.method)
        if not bool(found.isfinite().all()):
            raise self._not_finite()
        return m.Attribution(query.name, query.method, found.tolist())

    def _watch(self, content: bytes, wanted: set[int] | None, query: m.OfImage) -> Watched:
        found = self.looking.watch(content, wanted, prepared=query.prepared)
        if not all(bool(values.isfinite().all()) for values in found.outputs.values()):
            raise self._not_finite()
        return found

    def _not_finite(self) -> RunError:
        return RunError(
            f"{self.name} gave numbers that are not finite.",
            "Its training went wrong, or its weights are damaged.",
            "Train it again, with a lower rate.",
        )


def _first(values: Tensor, maps: int) -> Tensor:
    """The first maps; all maps where each is one value, and all values of a flat vector."""
    return values[:maps] if values.ndim == 3 and values[0].numel() > 1 else values


def _field(found: Rectangle | None) -> m.Field | None:
    return None if found is None else m.Field(found.rows, found.columns)
