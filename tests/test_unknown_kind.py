"""A kind of layer that no room knows: every room that dispatches over kinds names it, and none passes it over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch

from striate import Flatten, Linear, Network
from striate.accounting.counts import count
from striate.accounting.kept import kept
from striate.accounting.receptive import receptive_fields
from striate.accounting.smallest import least_side
from striate.accounting.words import words
from striate.description.network import INPUT, Node, Outline, Plan, Step
from striate.description.notation.writing import spelling
from striate.description.properties import properties
from striate.description.shapes import output_shape
from striate.emit.draw.families import family, leads
from striate.emit.draw.words import words as figure_words
from striate.emit.source import caffe_layers, keras_layers, lasagne_layers, pytorch_layers, torch7_layers
from striate.emit.source.caffe import _join
from striate.emit.source.header import _trained
from striate.emit.source.parts import Part, numbers_and_form
from striate.emit.source.prototxt import Prototxt
from striate.emit.source.repeats import Scope, _word
from striate.emit.source.values import Used, about
from striate.exchange.graph import Graph, Place
from striate.exchange.layers import write_layer
from striate.execution.layerwise import Layerwise
from striate.export.int8.quantise import in_integers
from striate.kernels.lower import _with
from striate.modules import build
from striate.modules.assemble import _simple
from striate.modules.size import _weights
from striate.read.slide import _Walk
from striate.web.numbers import _own


@dataclass(frozen=True)
class Odd:
    """What no room knows."""

    name: str = "odd1"


ODD: Any = Odd()
SHAPE = (1, 4, 4)
STEP = Step("odd1", ODD, (INPUT,), (SHAPE,), SHAPE)
PLAN = Plan(SHAPE, (STEP,), 0, {}, {})
PART = Part("odd1", "odd1", ODD, SHAPE, SHAPE, {}, ())
USED = Used()


def layer_by_layer() -> None:
    layers = Layerwise(build("lenet5-dense"))
    layers.plan, layers.order, layers.output = PLAN, [0], 0
    layers.logits(torch.zeros(1, *SHAPE))


ROOMS = {
    "properties": lambda: properties(ODD),
    "shapes": lambda: output_shape(ODD, SHAPE),
    "notation": lambda: spelling(ODD),
    "counts": lambda: count(STEP),
    "kept": lambda: kept(PLAN, closing_softmax=False),
    "receptive fields": lambda: receptive_fields(PLAN),
    "words": lambda: words(STEP),
    "smallest input": lambda: least_side(Outline((Node("odd1", ODD, (INPUT,), ""),), 0, {}, {})),
    "ONNX": lambda: write_layer(STEP, ["images"], Place(Graph(), "odd1", "odd1"), {}),
    "8-bit integers": lambda: in_integers(ODD),
    "source": lambda: numbers_and_form(ODD, SHAPE),
    "source, head": lambda: _trained(ODD, SHAPE),
    "source, PyTorch": lambda: pytorch_layers.layer_call(PART, Scope({}), USED),
    "source, Keras": lambda: keras_layers.layer_calls(PART, Scope({}), USED, "odd1"),
    "source, Torch7": lambda: torch7_layers.modules(PART, Scope({}), USED),
    "source, Caffe": lambda: caffe_layers.simple(Prototxt(PLAN), STEP, "odd1", "data", in_place=False),
    "source, Caffe's joins": lambda: _join(Prototxt(PLAN), STEP, "odd1", ["data"]),
    "source, sentences": lambda: about(PART),
    "source, definitions": lambda: _word(PART),
    "source, Lasagne": lambda: lasagne_layers.layer_calls(PART, Scope({}), USED, "odd1"),
    "figures": lambda: figure_words(ODD, SHAPE),
    "colours of figures": lambda: family(ODD),
    "boxes of figures": lambda: leads(ODD),
    "modules": lambda: _simple(ODD, SHAPE, torch.device("cpu")),
    "memory": lambda: _weights(STEP),
    "engine": lambda: _with([], ODD, STEP),
    "layer by layer": layer_by_layer,
    "page": lambda: _own(STEP),
    "sliding": lambda: list(_Walk({"odd1": SHAPE}).slid(ODD, "odd1", "odd1")),
}


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_names_it(room: str) -> None:
    with pytest.raises(AssertionError, match="Odd"):
        ROOMS[room]()


def test_a_network_does_not_hold_it() -> None:
    with pytest.raises(ValueError, match=r"Network holds Odd\(name='odd1'\)"):
        Network("odd", SHAPE, [ODD, Flatten(), Linear(2)])
