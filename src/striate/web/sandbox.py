"""The sandbox: the account of a network with changed numbers. No module is built and no framework runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from striate.accounting import account
from striate.accounting.fit import unseen
from striate.accounting.fitting import fitting
from striate.accounting.show.fit import fit_table
from striate.description.json import Json
from striate.description.layers import (
    Auxiliary,
    Block,
    Branches,
    Conv,
    Gate,
    Layer,
    Linear,
    Pool,
    Residual,
    Subsample,
    count,
)
from striate.description.network import Network, Step, branches_of, names, outline
from striate.description.notation.reading import from_text
from striate.description.shapes import Shape, show
from striate.errors import FormatError, SpecError, StriateError, unknown_name
from striate.networks import NETWORKS, find

LARGEST = 1024
"""The largest side of an input, kernel, stride or padding in the sandbox."""
MOST_FILTERS = 65_536
"""The most filters or units of a layer in the sandbox, so that an answer takes no time."""

MOST_CHARACTERS, MOST_LAYERS, MOST_FACTOR = 40_000, 1_000, 16
"""The most characters and layers of a network that is typed in, and its largest factor of an upsampling."""

EXAMPLES = {
    "post-002": Network("post-002", (1, 7, 7), [Conv(1, kernel=3, stride=3, name="conv1")]),
}
"""Networks to try besides the run's own and the catalogue's: post 002's 3×3 filter on 7×7, with stride 3."""

_LIMITS = (
    dict.fromkeys(("filters", "units", "channels"), MOST_FILTERS)
    | dict.fromkeys(("kernel", "stride", "padding", "dilation"), LARGEST)
    | {"factor": MOST_FACTOR}
)
"""The largest numbers of a network that is typed in."""
FIELDS = ("filters", "kernel", "stride", "padding")
Changes = Mapping[str, Mapping[str, int | str]]
"""For the path of a layer, new values of some of FIELDS."""


@dataclass(frozen=True)
class Trial:
    """A network of EXAMPLES or of the catalogue, the run's own, or one in notation, with another input and numbers."""

    network: str
    input: Shape | None = None
    changes: Changes = field(default_factory=dict)


def try_it(trial: Trial, *, own: Network) -> dict[str, Json]:
    """The account and the fit of a trial as JSON.

    Where layers do not fit, or a layer cannot have such numbers, `problem` has the error and the account is None.
    Raises UnknownNameError for an unknown network, and FormatError for a text that cannot be read.
    """
    base = named(trial.network, own=own)
    try:
        network = changed(base, trial.changes)
        result = account(network, input=trial.input)
        for row in result.rows:
            _check_maps(row.step)
    except SpecError as error:
        return {"network": base.name, "problem": error_to_dict(error), "account": None, "fit": None, "text": None}
    fit = fitting(network, input=trial.input)
    return {
        "network": base.name,
        "problem": None,
        "account": result.to_dict(),
        "fit": fit.to_dict(),
        "text": fit_table(fit, width=72),
        "exact": all(unseen(row.step) is None for row in result.rows),
    }


def trials(own: Network) -> list[str]:
    """The names of the networks that can be tried."""
    return [*EXAMPLES, own.name, *(name for name in NETWORKS if name != own.name)]


def named(name: str, *, own: Network) -> Network:
    """A network that can be tried."""
    if name == own.name:
        return own
    if ":" in name:
        return typed(name)
    return EXAMPLES[name] if name in EXAMPLES else find(name) if name in NETWORKS else _unknown(name, own)


def typed(text: str) -> Network:
    """The network of a text in notation. Raises FormatError, or SpecError where it is too large here."""
    if len(text) > MOST_CHARACTERS:
        raise SpecError(f"a network of {len(text):,} characters.", f"Here it may have {MOST_CHARACTERS:,} at most.")
    network = from_text(text, name="typed")
    if sum(map(count, network.layers)) > MOST_LAYERS:
        raise SpecError("too many layers.", f"The sandbox takes {MOST_LAYERS:,} at most.")
    if max(network.input) > LARGEST:
        raise SpecError(f"the input is {show(network.input)}.", f"Here a side may be {LARGEST:,} at most.")
    for node in outline(network).nodes:
        for name, most in _LIMITS.items():
            values = getattr(node.layer, name, 0)
            large = max(
                (each for each in (values if isinstance(values, tuple) else (values,)) if isinstance(each, int)),
                default=0,
            )
            if large > most:
                raise SpecError(f"{name} is {large:,}.", f"Here it may be {most:,} at most.", where=node.path)
    return network


def changed(network: Network, changes: Changes) -> Network:
    """The network with other numbers in some layers, by path."""
    left = dict(changes)
    layers = _changed(network.layers, "", left)
    if left:
        path = next(iter(left))
        raise SpecError(
            f"{network.name} has no layer {path!r} with numbers to change.",
            "Those that have are convolutions, pooling, subsampling and linear layers.",
        )
    return replace(network, layers=layers)


def _changed(layers: Sequence[Layer], prefix: str, left: dict[str, Mapping[str, int | str]]) -> list[Layer]:
    return [_one(layer, prefix + name, left) for name, layer in zip(names(layers), layers, strict=True)]


def _one(layer: Layer, path: str, left: dict[str, Mapping[str, int | str]]) -> Layer:
    match layer:
        case Block() | Gate() | Auxiliary():
            return replace(layer, layers=_changed(layer.layers, f"{path}.", left))
        case Residual():
            body = _changed(layer.layers, f"{path}.", left)
            return replace(layer, layers=body, shortcut=_changed(layer.shortcut, f"{path}.shortcut.", left))
        case Branches():
            blocks = branches_of(layer).items()
            return replace(layer, branches=[_one(block, f"{path}.{name}", left) for name, block in blocks])
        case Conv() | Pool() | Subsample() | Linear() if path in left:
            return _with(layer, path, left.pop(path))
        case _:
            return layer


def _with(layer: Conv | Pool | Subsample | Linear, path: str, values: Mapping[str, int | str]) -> Layer:
    words = {"filters": "units"} if isinstance(layer, Linear) else {}
    members = {words.get(name, name): value for name, value in values.items()}
    unfit = [name for name in members if name not in layer.__dataclass_fields__]
    if unfit:
        raise SpecError(f"{type(layer).__name__} has no {unfit[0]}.", "Leave it out.", where=path)
    for name, value in members.items():
        most = MOST_FILTERS if name in ("filters", "units") else LARGEST
        if isinstance(value, int) and value > most:
            raise SpecError(f"{name} is {value:,}.", f"Here it may be {most:,} at most.", where=path)
    try:
        return replace(layer, **members)
    except SpecError as error:
        raise error.at(path) from None


def read_trial(document: Json) -> Trial:
    """The trial in a JSON document. Raises FormatError where it cannot be read."""
    expected = 'Expected {"network": NAME, "input": [C, H, W], "changes": {PATH: {"kernel": 3, ...}}}.'
    if not isinstance(document, dict) or not isinstance(name := document.get("network"), str):
        raise FormatError("the document names no network.", expected)
    if extra := set(document) - {"network", "input", "changes"}:
        raise FormatError(f"unknown: {', '.join(sorted(extra))}.", expected)
    changes = document.get("changes") or {}
    sizes = document.get("input")
    if sizes is not None and not (
        isinstance(sizes, list)
        and len(sizes) == 3
        and all(type(each) is int and 1 <= each <= LARGEST for each in sizes)
    ):
        raise FormatError(f"input is {sizes!r}.", f"It is [channels, height, width], each from 1 to {LARGEST:,}.")
    if not isinstance(changes, dict) or not all(map(_is_change, changes.values())):
        raise FormatError("changes cannot be read.", f"For a path: some of {', '.join(FIELDS)}, whole numbers.")
    return Trial(name, tuple(sizes) if sizes else None, changes)  # pyright: ignore[reportArgumentType]


def _is_change(value: Json) -> bool:
    return isinstance(value, dict) and all(
        key in FIELDS and (type(each) is int or (key == "padding" and each == "same")) for key, each in value.items()
    )


def _check_maps(step: Step) -> None:
    """Raise SpecError for maps so large that the fit of the windows on them would take long."""
    if len(step.output) == 3 and max(step.output[1:]) > 4 * LARGEST:
        raise SpecError(
            f"makes maps of {show(step.output)}.", f"Here a side may be {4 * LARGEST:,} at most.", where=step.path
        )


def _unknown(name: str, own: Network) -> Network:
    raise unknown_name("network", name, trials(own))


def error_to_dict(error: StriateError) -> dict[str, Json]:
    """An error's three lines and its place as JSON."""
    return {"where": error.where, "what": error.what, "expected": error.expected, "remedy": error.remedy}
