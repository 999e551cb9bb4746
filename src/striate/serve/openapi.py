"""The definition of the interface: the app makes its routes from it, and /openapi.json is generated from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from striate import __version__
from striate.web.attribution import METHODS
from striate.web.sandbox import FIELDS

Schema = dict[str, Any]


@dataclass(frozen=True)
class Parameter:
    """A query parameter."""

    name: str
    what: str
    schema: Schema
    required: bool = False


@dataclass(frozen=True)
class Endpoint:
    """One endpoint. `takes` is "", "image" or "json"; `gives` has the members of the answer."""

    method: str
    path: str
    what: str
    gives: dict[str, Schema]
    takes: str = ""
    parameters: tuple[Parameter, ...] = ()


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


NUMBER: Schema = {"type": "number"}
WHOLE: Schema = {"type": "integer"}
TEXT: Schema = {"type": "string"}
TRUTH: Schema = {"type": "boolean", "description": "False where the network is untrained and its weights are random."}
OBJECT: Schema = {"type": "object"}
PLANE = _list(_list(NUMBER))
RECTANGLE: Schema = {"type": ["object", "null"], "properties": {"rows": _list(WHOLE), "columns": _list(WHOLE)}}
ERROR: Schema = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {"where": TEXT, "what": TEXT, "expected": TEXT, "remedy": TEXT},
            "required": ["where", "what", "expected", "remedy"],
        }
    },
    "required": ["error"],
}
PREDICTION: dict[str, Schema] = {
    "class": TEXT,
    "probability": NUMBER,
    "probabilities": {"type": "object", "additionalProperties": NUMBER},
    "trained": TRUTH,
}
STEPS = Parameter(
    "steps",
    "Whether a drawing is brought to MNIST's form first, or only resized.",
    {"enum": ["on", "off"], "default": "on"},
)
RUN = Parameter("run", "Which run, by its name; by default the first.", TEXT)

ENDPOINTS = (
    Endpoint(
        "GET",
        "/runs",
        "The runs that are served: names, classes, whether they read lines, whether they are trained, and the kernels "
        "that answer.",
        {"runs": _list(OBJECT)},
    ),
    Endpoint(
        "GET",
        "/health",
        "Whether the server is running.",
        {"status": TEXT, "network": TEXT, "trained": TRUTH, "kernels": TEXT, "version": TEXT},
    ),
    Endpoint(
        "GET",
        "/network",
        "The network: its layers with their account, its classes, and how images become its input.",
        {
            "network": TEXT,
            "trained": TRUTH,
            "input": _list(WHOLE),
            "classes": _list(TEXT),
            "rows": _list(OBJECT),
            "totals": OBJECT,
            "convention": OBJECT,
            "preprocessing": OBJECT,
            "text": TEXT,
        },
        parameters=(RUN,),
    ),
    Endpoint(
        "POST",
        "/predict",
        "The class of an image.",
        PREDICTION | {"steps": _list(OBJECT)},
        "image",
        (STEPS, RUN),
    ),
    Endpoint(
        "POST",
        "/activations",
        "Every layer's output for an image. With Accept: application/octet-stream, one byte per value, for the page: "
        "the length of a JSON header in four bytes, little-endian, the header, then the values v as 128 + 127·v/scale.",
        PREDICTION
        | {
            "layers": _list(
                {"type": "object", "properties": {"path": TEXT, "shape": _list(WHOLE), "values": _list(NUMBER)}}
            )
        },
        "image",
        (
            STEPS,
            RUN,
            Parameter("paths", "Only these layers: their paths, separated by commas.", TEXT),
            Parameter("maps", "The most maps of each layer.", {"type": "integer", "default": 64}),
        ),
    ),
    Endpoint(
        "POST",
        "/unit",
        "How one unit's value is computed: its receptive field, the values it reads, its weights, and their sum.",
        {
            "value": NUMBER,
            "formula": TEXT,
            "terms": _list(
                {"type": "object", "properties": {"label": TEXT, "patch": PLANE, "weights": PLANE, "value": NUMBER}}
            ),
            "others": OBJECT,
            "bias": {"type": ["number", "null"]},
            "field": RECTANGLE,
            "unclipped": RECTANGLE,
        },
        "image",
        (
            STEPS,
            RUN,
            Parameter("path", "The layer's path.", TEXT, required=True),
            Parameter("map", "The map, or the unit of a flat vector, counted from 0.", WHOLE),
            Parameter("row", "The row in the map.", WHOLE),
            Parameter("column", "The column in the map.", WHOLE),
        ),
    ),
    Endpoint(
        "POST",
        "/read",
        "The lines of digits on an image, each character with its box (left, top, right, bottom) in pixels.",
        {
            "lines": _list(
                {
                    "type": "object",
                    "properties": {
                        "text": TEXT,
                        "confidence": NUMBER,
                        "box": _list(NUMBER),
                        "characters": _list(OBJECT),
                    },
                }
            )
        },
        "image",
        (RUN,),
    ),
    Endpoint(
        "POST",
        "/attribution",
        "How much each pixel of the input raises (above 0) or lowers the score of a class.",
        {"class": TEXT, "method": TEXT, "values": PLANE},
        "image",
        (
            STEPS,
            RUN,
            Parameter("class", "The class's name.", TEXT, required=True),
            Parameter("method", "How.", {"enum": list(METHODS)}),
        ),
    ),
    Endpoint(
        "POST",
        "/account",
        "The account and the fit of a network with other numbers.",
        {"network": TEXT, "problem": {"type": ["object", "null"]}, "account": OBJECT, "fit": OBJECT, "text": TEXT},
        "json",
    ),
    Endpoint("GET", "/openapi.json", "This description.", {"openapi": TEXT, "info": OBJECT, "paths": OBJECT}),
)

TRIAL: Schema = {
    "type": "object",
    "required": ["network"],
    "properties": {
        "network": TEXT,
        "input": _list(WHOLE),
        "changes": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": {field: {"type": ["integer", "string"]} for field in FIELDS},
            },
        },
    },
}


def openapi() -> dict[str, Any]:
    """The description of the interface, in OpenAPI 3.1."""
    paths: dict[str, Any] = {}
    for each in ENDPOINTS:
        paths[each.path] = {each.method.lower(): _operation(each)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Striate", "version": __version__, "description": "Trained networks that answer."},
        "paths": paths,
    }


def _operation(each: Endpoint) -> dict[str, Any]:
    gives = {"type": "object", "properties": each.gives}
    error = {"description": "What went wrong, what was expected, what to do.", **_json(ERROR)}
    operation: dict[str, Any] = {
        "operationId": each.path.strip("/").removesuffix(".json"),
        "summary": each.what,
        "responses": {"200": {"description": each.what, **_json(gives)}, "4XX": error},
    }
    if each.parameters:
        operation["parameters"] = [
            {"in": "query", "name": one.name, "description": one.what, "required": one.required, "schema": one.schema}
            for one in each.parameters
        ]
    if each.takes == "image":
        body: Schema = {"type": "string", "format": "binary"}
        kinds = ("image/png", "image/jpeg", "application/octet-stream")
        operation["requestBody"] = {"required": True, "content": {kind: {"schema": body} for kind in kinds}}
    elif each.takes == "json":
        operation["requestBody"] = {"required": True, **_json(TRIAL)}
    return operation


def _json(schema: Schema) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}
