"""An ONNX file, or any graph of its operators, as a network with its weights."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from striate.description.labels import is_name
from striate.description.layers import RBF, Block, Joined, Layer, Softmax
from striate.description.network import Network, plan
from striate.description.shapes import Shape, show
from striate.errors import FormatError, SpecError
from striate.exchange.reading.assemble import Assembly
from striate.exchange.reading.ends import input_sizes, wanted_nodes
from striate.exchange.reading.file import OURS, read_file
from striate.exchange.reading.graph import Array, FileGraph, refusal
from striate.exchange.reading.naming import network_name, paths_of
from striate.exchange.reading.operators import read_nodes
from striate.exchange.reading.pieces import INPUT, Affine, Padding
from striate.exchange.reading.reader import Reader
from striate.exchange.reading.rewriting import Rewriting, run_rules
from striate.exchange.reading.simplify import FOLD, LAST, LATE, tables, with_activations
from striate.exchange.reading.structure import structured
from striate.exchange.reading.views import View, has_channels_last, in_order

CLASSES, PREPROCESSING, PICTURES = "classes", "preprocessing", "pictures"
"""Metadata of files that Striate wrote; `PICTURES` has the preprocessing of pictures, where the file takes images that
are cropped or letterboxed already."""
MOST_STEPS = 20_000
"""Layers, joins and arithmetic before it becomes layers; a description has 10,000 layers at most."""


@dataclass(frozen=True)
class Read:
    """A network that was read, and its weights by path, such as "C1.weight".

    `scale` and `shift`, a number each or one for each channel, are what the file does to its input before the network:
    scale · a + shift. `margins` are (top, bottom, left, right) that it adds before that. Its input has its channels
    last where `channels_last` is set, and holds bytes where `pixels` is. It is `closed` where it ends in a softmax, and
    maps that the file ends in have their channels last where `ends_last` is set.
    `metadata` is the file's own, and `source` the name of its input.
    """

    network: Network
    weights: Mapping[str, Array]
    scale: Array
    shift: Array
    margins: tuple[int, int, int, int] = (0, 0, 0, 0)
    temperature: float = 1.0
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    channels_last: bool = False
    pixels: bool = False
    producer: str = ""
    closed: bool = False
    source: str = ""
    ends_last: bool = False

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, where the file has one for each output; else ()."""
        try:
            found = json.loads(self.metadata.get(CLASSES, "[]"))
        except (ValueError, RecursionError):
            return ()
        names = tuple(map(str, found)) if isinstance(found, list) else ()
        sound = len(set(names)) == len(names) and all(map(is_name, names))
        return names if sound and (len(names),) == plan(self.network).output else ()


def read_onnx(path: str | Path, *, input: Shape | None = None, output: str = "", fold: bool = False) -> Read:
    """The network of an ONNX file and its weights.

    `input` is (channels, height, width), where the file leaves sizes open. `output` names the value that the network
    ends in, where the file has several. With `fold`, batch normalisations become part of the layers before them. Raises
    FormatError where the file is damaged, and one that lists every node that says what no layer can; RequirementError
    without the package onnx.
    """
    path = Path(path)
    graph = read_file(path)
    try:
        read = read_graph(graph, input=input, output=output, fold=fold)
    except FormatError as error:
        raise error.at(str(path)) from None
    if read.network.name == "network":
        read = replace(read, network=replace(read.network, name=network_name(path.stem)))
    return read


def read_graph(graph: FileGraph, *, input: Shape | None = None, output: str = "", fold: bool = False) -> Read:
    """The network of a graph; see `read_onnx`."""
    sizes = input_sizes(graph, input)
    few = len(sizes) == 3 and sizes[2] in (1, 3) and sizes[0] not in (1, 3)
    channels_last = few and graph.producer != "pytorch"  # its channels come first
    if graph.input == OURS or graph.producer == "striate":
        with np.errstate(all="ignore"):
            return _read(graph, sizes, output, channels_last=False, fold=fold)
    first: FormatError | None = None
    for last in (channels_last, not channels_last) if len(sizes) == 3 else (False,):
        try:
            with np.errstate(all="ignore"):
                return _read(graph, sizes, output, channels_last=last, fold=fold)
        except FormatError as error:
            first = first or error
    assert first is not None  # noqa: S101 - the loop runs at least once
    raise first


def _read(graph: FileGraph, sizes: Shape, output: str, *, channels_last: bool, fold: bool) -> Read:
    reader = Reader(graph, sizes, channels_last=channels_last)
    end, nodes = wanted_nodes(graph, output)
    read_nodes(reader, nodes)
    if len(reader.pieces) > MOST_STEPS:
        raise FormatError(f"has {len(reader.pieces):,} steps.", f"A network has {MOST_STEPS:,} at most.")
    if reader.problems:
        raise refusal(reader.problems)
    view = _end(reader, end)
    last = view.piece
    rewriting = with_activations(reader.pieces, last, input=reader.shape)
    closed = rewriting.last in rewriting.pieces and isinstance(rewriting.pieces[rewriting.last].what, Softmax)
    temperature = _temperature(rewriting)
    run_rules(rewriting, LATE)
    margins, scale, shift, shape = _preprocessing(rewriting, reader.shape, bare=graph.bare)
    run_rules(rewriting, LAST)
    if fold:
        run_rules(rewriting, FOLD)
    tables(rewriting, learned=graph.learned)
    if not rewriting.pieces:
        raise FormatError("its output is its input.", "A network has layers.")
    chain = structured(rewriting.pieces, rewriting.last)
    assembly = Assembly(paths_of(graph, rewriting.pieces), body_first=graph.producer == "striate")
    try:
        network = Network(network_name(graph.name), shape, _closing_last(assembly.layers(chain)))
        steps = [step for step in plan(network).steps if not isinstance(step.layer, Joined)]
    except SpecError as error:
        raise FormatError(error.what, error.expected, error.remedy) from None
    weights: dict[str, Array] = {}
    for step, at in zip(steps, assembly.order, strict=True):
        piece = rewriting.pieces[at]
        if step.output != piece.shape:
            raise FormatError(
                f"{piece.node.name} makes {show(piece.shape)}, where {step.path} makes {show(step.output)}.",
                "Both must be of one shape.",
                "This is an error in Striate; please report it with the file.",
            )
        for name, values in piece.weights.items():
            weights[f"{step.path}.{name}"] = np.asarray(values, np.float32)
    return Read(
        network,
        weights,
        scale,
        shift,
        margins,
        temperature,
        graph.metadata,
        channels_last,
        graph.pixels,
        graph.producer,
        closed,
        graph.input,
        ends_last=has_channels_last(view),
    )


def _closing_last(layers: Sequence[Layer]) -> list[Layer]:
    """The layers with the softmax or RBF units that close the last block behind it, where every room looks for them."""
    *before, last = layers
    if not isinstance(last, Block):
        return list(layers)
    *inside, end = _closing_last(last.layers)
    if not isinstance(end, Softmax | RBF):
        return list(layers)
    return [*before, *([replace(last, layers=inside)] if inside else []), replace(end, name="")]


def _end(reader: Reader, end: str) -> View:
    """What the network ends in: values in order, or maps with channels last."""
    value = reader.values.get(end)
    if isinstance(value, View):
        value = reader.settled(value, reader.graph.nodes[-1])
        if not in_order(value) and not has_channels_last(value):
            raise FormatError(
                f"its output has {show(value.shape)} in another order.",
                "It must be the images of a batch, then the channels, height and width of each.",
                "Name a value before it is transposed: --output NAME.",
            )
        return value
    raise FormatError("has an output that does not depend on its input.", "A network computes it from images.")


def _preprocessing(
    rewriting: Rewriting, shape: Shape, *, bare: bool
) -> tuple[tuple[int, int, int, int], Array, Array, Shape]:
    """The preprocessing between the file's input and the network's: margins, then a scale and a shift."""
    margins, scale, shift = (0, 0, 0, 0), np.ones(()), np.zeros(())
    while not bare and len(first := set(rewriting.readers[INPUT])) == 1:
        at = next(iter(first))
        piece = rewriting.pieces.get(at)
        if piece is None or piece.sources != [INPUT]:
            break
        what = piece.what
        untouched = scale.size == 1 == scale and not np.any(shift)
        if isinstance(what, Padding) and len(shape) == 3 and untouched and not what.value:
            if what.before[0] or what.after[0] or any(margins):
                break
            margins = (what.before[1], what.after[1], what.before[2], what.after[2])
        elif isinstance(what, Affine) and _of_pixels(what, shape):
            scale, shift = scale * what.scale, what.scale * shift + what.shift
        else:
            break
        rewriting.input = shape = piece.shape
        rewriting.drop(at)
    return margins, scale.reshape(-1) if scale.ndim else scale, shift.reshape(-1) if shift.ndim else shift, shape


def _of_pixels(what: Affine, shape: Shape) -> bool:
    """Whether a factor and a shift are of pixels, and no layer: single numbers, or both for each of a few channels.

    One factor that is written for each channel is of pixels, too; a layer's differ, or are 1 before it learns.
    """
    sizes = (1,), (shape[0], 1, 1)
    fits = all(each.size == 1 or each.shape in sizes for each in (what.scale, what.shift))
    if not (np.all(np.isfinite(what.scale)) and np.all(np.isfinite(what.shift))):
        return False
    alike = what.scale.min() == what.scale.max() != 1
    return what.scalar or (fits and len(shape) == 3 and shape[0] <= 4 and bool(np.any(what.shift) or alike))


def _temperature(rewriting: Rewriting) -> float:
    """A number that class scores are divided by, before a closing softmax; of RBF units the scores are −distances.

    Networks that end in RBF units have no softmax in their description.
    """
    end = rewriting.pieces.get(rewriting.last)
    if end is None or not isinstance(end.what, Softmax):
        return 1.0
    at = end.sources[0]
    piece = rewriting.pieces.get(at)
    if piece is None or not isinstance(piece.what, Affine) or not piece.what.scalar or piece.what.shift:
        return 1.0
    factor, before = float(piece.what.scale), rewriting.pieces.get(piece.sources[0])
    radial = before is not None and isinstance(before.what, RBF)
    if radial == (factor > 0) or not factor:
        return 1.0
    rewriting.drop(at)
    if radial:
        rewriting.drop(rewriting.last)
    return 1 / abs(factor)
