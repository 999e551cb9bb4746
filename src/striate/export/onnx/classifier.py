"""A run as one ONNX model: the pixels of a stored image in, the probability of each class and the likeliest out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from striate.data import Preprocessing
from striate.description.json import to_json
from striate.description.layers import RBF
from striate.exchange.graph import Graph, Place, Value
from striate.exchange.model import INPUT, LABEL, PROBABILITIES, layer_outputs, write_network
from striate.exchange.proto import to_proto
from striate.exchange.reading.read import CLASSES, PICTURES, PREPROCESSING
from striate.export.onnx.preprocessing import Size, write_preprocessing
from striate.modules import Built, weights_of
from striate.train.run import Run

if TYPE_CHECKING:
    from onnx import ModelProto

PATH = "/classes"


def classifier_model(
    run: Run,
    module: Built,
    *,
    channels: int,
    size: Size,
    every_layer: bool = False,
    pictures: Preprocessing | None = None,
) -> ModelProto:
    """The model of a run: `module` has its weights; images have `size`, (height, width), and so many `channels`.

    Its input `images` is uint8, (batch, height, width, channels). Its outputs are `probabilities`, float32,
    (batch, classes), calibrated as in `striate predict`, and `label`, int64, (batch,), an index into the classes.
    With `every_layer` each layer's output is one, too, under its path. The metadata holds, as JSON, "classes",
    "preprocessing", "temperature" and "network"; where `pictures` is given, also "pictures", the preprocessing of
    pictures that are not cropped or letterboxed yet. Raises what `onnx_model` raises.
    """
    graph, network = Graph(), run.network
    source = write_preprocessing(graph, run.preprocessing, INPUT, channels=channels, size=size)
    written = write_network(graph, network, weights_of(module), source=source, every_layer=every_layer)
    place = Place(graph, PATH, PROBABILITIES)
    scores = written.logits
    if isinstance(network.layers[-1], RBF):
        scores = place.part("nearness", "Neg", [scores])
    scores = place.part("scores", "Div", [scores, place.floats("temperature", run.temperature)])  # `agreement.SCORES`
    place.last("Softmax", [scores], {"axis": 1})
    Place(graph, f"{PATH}/label", LABEL).last("ArgMax", [scores], {"axis": 1, "keepdims": 0})
    return to_proto(
        graph,
        name=network.name,
        inputs=[Value(INPUT, "uint8", (*size, channels))],
        outputs=[
            Value(PROBABILITIES, "float32", (len(run.classes),)),
            Value(LABEL, "int64", ()),
            *layer_outputs(graph, written),
        ],
        properties={
            CLASSES: json.dumps(run.classes),
            PREPROCESSING: json.dumps(run.preprocessing.to_dict()),
            "temperature": json.dumps(run.temperature),
            "network": to_json(network),
            **({PICTURES: json.dumps(pictures.to_dict())} if pictures else {}),
        },
    )
