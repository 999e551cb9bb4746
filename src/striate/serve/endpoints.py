"""The endpoints of the interface: the app makes its routes from them, and /openapi.json is generated from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from msgspec import Struct

from striate.serve import messages as m

Taken = Literal["", "image", "pixels", "json"]


@dataclass(frozen=True)
class Endpoint:
    """One endpoint: what its body is, the type of its query, and the type of its answer.

    `gives` is None for text. One `of_run` is also at /models/NAME/..., which stands for ?run=NAME.
    """

    method: Literal["GET", "POST"]
    path: str
    what: str
    gives: type[Struct] | Any | None
    takes: Taken = ""
    query: type[Struct] = m.NoQuery

    @property
    def of_run(self) -> bool:
        """Whether it is about one run."""
        return issubclass(self.query, m.OfRun)


ENDPOINTS = (
    Endpoint("GET", "/runs", "The runs that are served.", m.Runs),
    Endpoint("GET", "/health", "Whether the server is running; asked without a token.", m.Health),
    Endpoint("GET", "/metrics", "Counts and times of requests, in Prometheus's text format.", None),
    Endpoint(
        "GET",
        "/network",
        "The network: its layers with their account, its classes, and how images become its input.",
        m.Network,
        query=m.OfRun,
    ),
    Endpoint(
        "GET",
        "/examples",
        "A few validation images of each class, which the run has kept: none where it has kept none.",
        m.Examples,
        query=m.OfRun,
    ),
    Endpoint("POST", "/predict", "The class of an image.", m.Prepared, "image", m.OfImage),
    Endpoint(
        "POST",
        "/predict-many",
        "The classes of many images. The body is their pixels, one byte each, image after image, without headers: each "
        "image has the channels, height and width of the network's input, and is stored as its training images are.",
        m.Batch,
        "pixels",
        m.OfRun,
    ),
    Endpoint(
        "POST",
        "/activations",
        "Every layer's output for an image. With Accept: application/octet-stream, one byte per value, for the page: "
        "the length of a JSON header in four bytes, little-endian, the header, then the values v as 128 + 127·v/scale.",
        m.Activations,
        "image",
        m.OfLayers,
    ),
    Endpoint(
        "POST",
        "/unit",
        "How one unit's value is computed: its receptive field, the values it reads, its weights, and their sum.",
        m.Unit,
        "image",
        m.OfUnit,
    ),
    Endpoint(
        "POST",
        "/position",
        "The position at the end of a game of Go: its stones, and the legal moves. Of a network that plays Go the body "
        "of every request is a game as SGF, in place of an image.",
        m.Position,
        "image",
        m.OfRun,
    ),
    Endpoint("POST", "/read", "The lines of digits on an image.", m.Lines, "image", m.OfRun),
    Endpoint(
        "POST",
        "/attribution",
        "How much each pixel of the input raises (above 0) or lowers the score of a class.",
        m.Attribution,
        "image",
        m.OfClass,
    ),
    Endpoint("POST", "/account", "The account and the fit of a network with other numbers.", m.Tried, "json", m.OfRun),
    Endpoint("GET", "/openapi.json", "This description.", dict[str, Any]),
)
