"""The messages of the interface as types: queries, and answers in JSON. The OpenAPI description is made from them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from striate.web.attribution import METHODS, Method

Whole = Annotated[int, Meta(ge=0, le=2**20)]
Plane = list[list[float]]
Place = tuple[float, float, float, float]
"""(left, top, right, bottom) in pixels."""


class NoQuery(Struct):
    """No parameters."""


class OfRun(Struct, kw_only=True):
    """A request to one run."""

    run: Annotated[str, Meta(description="Which run, by its name; needed where several are served.")] = ""


class OfImage(OfRun, kw_only=True):
    """A request about an image."""

    steps: Annotated[
        Literal["on", "off"],
        Meta(description="Whether a drawing is brought to MNIST's form first, or only resized."),
    ] = "on"

    @property
    def prepared(self) -> bool:
        """Whether a drawing is brought to MNIST's form."""
        return self.steps == "on"


class OfLayers(OfImage, kw_only=True):
    """A request for layers' outputs."""

    paths: Annotated[str, Meta(description="Only these layers: their paths, separated by commas.")] | None = None
    maps: Annotated[int, Meta(ge=1, le=4096, description="The most maps of each layer.")] = 64


class OfUnit(OfImage, kw_only=True):
    """A request about one unit."""

    path: Annotated[str, Meta(description="The layer's path.")]
    map: Annotated[Whole, Meta(description="The map, or the unit of a flat vector, counted from 0.")] = 0
    row: Annotated[Whole, Meta(description="The row in the map.")] = 0
    column: Annotated[Whole, Meta(description="The column in the map.")] = 0


class OfClass(OfImage, kw_only=True):
    """A request about one class's score."""

    name: Annotated[str, Meta(description="The class's name.")] = field(name="class")
    method: Annotated[Method, Meta(description="How.")] = METHODS[0]


class Health(Struct):
    """The state of the server: the first run's network, the kernels that answer, and Striate's version."""

    status: Literal["ok"]
    network: str
    trained: bool
    kernels: str
    version: str


class Served(Struct):
    """One run that is served; `reads` says whether it reads lines, `board` the lines of its board where it plays Go."""

    name: str
    classes: list[str]
    reads: bool
    trained: bool
    kernels: str
    board: int | None = None


class Runs(Struct):
    """The runs that are served."""

    runs: list[Served]


class Network(Struct):
    """A network with its account, its classes, and how images become its input."""

    network: str
    run: str
    source: str
    text: str
    trained: bool
    trained_on: str
    input: list[int]
    batch: int
    biases: bool
    classes: list[str]
    last: int
    rows: list[dict[str, Any]]
    totals: dict[str, Any]
    training_totals: dict[str, Any]
    convention: dict[str, Any]
    preprocessing: dict[str, Any]
    trials: list[str]
    methods: list[str]
    board: int | None = None
    planes: list[str] = []


class Example(Struct):
    """A validation image that the run has kept: its class, and a PNG file in base64."""

    name: str = field(name="class")
    picture: str


class Examples(Struct):
    """The validation images that a run has kept."""

    examples: list[Example]


class Prediction(Struct, kw_only=True):
    """The class of an image; `trained` is false where the network's weights are random."""

    name: str = field(name="class")
    probability: float
    probabilities: dict[str, float]
    trained: bool


class StepNote(Struct):
    """A step from the image to the network's input."""

    name: str
    note: str


class Prepared(Prediction, kw_only=True):
    """A prediction, and how the image was prepared."""

    steps: list[StepNote]


class Batch(Struct):
    """Images' classes, and for each image the probability of each of `names`."""

    classes: list[str]
    names: list[str]
    probabilities: Plane
    trained: bool


class Layer(Struct):
    """A layer's output: its values in the order of its shape."""

    path: str
    shape: list[int]
    values: list[float]


class Activations(Prediction, kw_only=True):
    """A prediction, and layers' outputs; the first is the network's input, with the path "input"."""

    layers: list[Layer]


class Term(Struct):
    """A term of a sum: the values that are read, and their weights."""

    label: str
    patch: Plane
    weights: Plane | None
    value: float


class Others(Struct):
    """Terms that are not written out: their number and their sum."""

    count: int
    value: float


class Field(Struct):
    """The first and the last row and column of the input."""

    rows: tuple[int, int]
    columns: tuple[int, int]


class Unit(Struct):
    """How a unit's value is computed, and its receptive field on the input; `unclipped` reaches into the padding."""

    path: str
    map: int
    row: int
    column: int
    value: float
    formula: str
    terms: list[Term]
    others: Others
    bias: float | None
    field: Field | None
    unclipped: Field | None


class Character(Struct):
    """A character that was read."""

    name: str
    confidence: float
    box: Place


class Line(Struct):
    """A line that was read."""

    text: str
    confidence: float
    box: Place
    characters: list[Character]


class Lines(Struct):
    """The lines on an image, from top to bottom."""

    lines: list[Line]


class Attribution(Struct):
    """How much each pixel of the input raises (above 0) or lowers the score of a class."""

    name: str = field(name="class")
    method: str
    values: Plane


class Move(Struct):
    """A move of a game: the name of its point, or pass."""

    colour: Literal["black", "white"]
    name: str


class Position(Struct, kw_only=True):
    """A game of Go and the position at its end. Points are counted row by row from above; 0 is empty, 1 black, 2 white.

    `first` has the stones before the first of `moves`; `komi` is null where the record has none. `broken` says why the
    game ends before an illegal move.
    """

    size: int
    stones: list[int]
    first: list[int]
    moves: list[Move]
    to_play: Literal["black", "white"]
    last: int | None
    captured: tuple[int, int]
    legal: list[int]
    komi: float | None
    comment: str
    broken: str


class Tried(Struct, kw_only=True):
    """The account and the fit of a network with other numbers; `problem` says why there is none."""

    network: str
    problem: dict[str, str] | None
    account: dict[str, Any] | None
    fit: dict[str, Any] | None
    text: str | None
    exact: bool = True


class Problem(Struct):
    """An error: `what` went wrong and `where`, what was `expected`, and a `remedy`."""

    where: str
    what: str
    expected: str
    remedy: str


class Error(Struct):
    """The answer to a request that is refused."""

    error: Problem
