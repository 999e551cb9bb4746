"""Reads run.json strictly: a member of a wrong type or beyond its bounds is named in an error."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from striate.data import Preprocessing
from striate.data.decode import MOST_SAMPLES
from striate.data.labels import KINDS, Kind, values_of
from striate.description.json import from_json
from striate.description.network import Network, plan
from striate.description.shapes import show
from striate.errors import FormatError, RunError, SpecError, StriateError, quote
from striate.execution.names import MOST_THREADS, TRAINING, current_name
from striate.train.members import Members, parsed
from striate.train.recipe import recipe_from_dict

FORMAT = "striate-run"
VERSION = 1
_DEVICE = re.compile(r"[a-z]{1,16}(:\d{1,3})?")
_AS_WRITTEN = "run.json and network.json must be as striate train wrote them."


@dataclass(frozen=True)
class DataRecord:
    """The images that a run was trained on: `source` as given to --data, and the fingerprints of the two parts.

    `channels` are those of the stored images; runs of earlier versions have none. A `stream` decoded them as it went.
    Images that a program had (`striate.fit`) have an empty `source`; `span` are the values that became black and full
    light, where they were given, and `labels` what the class names stand for: text, whole numbers or truth values.
    """

    source: str
    classes: tuple[str, ...]
    resize: tuple[int, int] | None
    skip_unreadable: bool
    unreadable: tuple[tuple[str, str], ...]
    train_images: int
    validation_images: int
    train_fingerprint: str
    validation_fingerprint: str
    channels: int | None = None
    stream: bool = False
    span: tuple[float, float] | None = None
    labels: Kind = "text"


@dataclass(frozen=True)
class Transfer:
    """Where a run's first weights were taken over from, and which layers' they are: `taken`, by path.

    `new` are the layers that began with fresh weights, each with the reason; `unused` those that only the source has.
    """

    source: str
    taken: tuple[str, ...]
    new: tuple[tuple[str, str], ...] = ()
    unused: tuple[str, ...] = ()


def read_record(folder: Path) -> dict[str, Any]:
    """The fields of a Run, by name, from run.json and network.json of a folder.

    Raises FileNotFoundError or NotADirectoryError where there is no run.json, and RunError, with the file and the
    member, where one of the two cannot be read.
    """
    path = folder / "run.json"
    document = _json(path)
    if not isinstance(document, dict) or (document.get("format"), document.get("version")) != (FORMAT, VERSION):
        raise RunError(
            f"{path} is not of a version that this Striate reads.",
            f"It reads {FORMAT} {VERSION}.",
            "A newer run needs a newer Striate.",
        )
    network = _network(folder / "network.json")
    try:
        return {"folder": folder, "network": network, **members_of(Members(document), network)}
    except StriateError as error:
        place = f"{error.where}: " if error.where else ""
        raise RunError(f"{path} is damaged: {place}{error.what}", error.expected or _AS_WRITTEN, error.remedy) from None


def members_of(run: Members, network: Network) -> dict[str, Any]:
    """The fields of a Run but its folder and network, from the members of its run.json. Raises FormatError."""
    data = _data(run.within("data"))
    if plan(network).output != (len(data.classes),):
        raise FormatError(
            f"data.classes are {len(data.classes)} for an output of {show(plan(network).output)}.",
            "The network has an output for each class.",
        )
    preprocessing = Preprocessing.from_dict(run.within("preprocessing").values)
    if preprocessing.shape != network.input:
        raise FormatError(
            f"preprocessing.shape is {show(preprocessing.shape)} for an input of {show(network.input)}.",
            "Images are brought to the network's input.",
        )
    kernels = current_name(run.text("kernels")) if "kernels" in run.values else "torch"
    if kernels not in ("auto", *TRAINING):
        raise FormatError(f"kernels is {kernels!r}.", f"It must be one of {', '.join(('auto', *TRAINING))}.")
    device = run.text("device")
    if not _DEVICE.fullmatch(device):
        raise FormatError(f"device is {device!r}.", "It must be a device's name, such as cpu or cuda:0.")
    milliseconds = run.within("milliseconds") if "milliseconds" in run.values else Members({})
    environment = run.within("environment")
    origin = None if run.values.get("origin") is None else run.within("origin")
    reproduction = None if run.values.get("reproduction") is None else dict(run.within("reproduction").values)
    return {
        "recipe": recipe_from_dict(run.within("recipe").values),
        "data": data,
        "preprocessing": preprocessing,
        "threads": run.whole("threads", least=1, most=MOST_THREADS),
        "device": device,
        "environment": {key: environment.text(key) for key in environment.values},
        "test_looks": run.whole("test_looks"),
        "kernels": kernels,
        "milliseconds": {key: milliseconds.number(key, least=0) for key in milliseconds.values},
        "reproduction": reproduction,
        "most_threads": run.whole("most_threads", most=MOST_THREADS) if "most_threads" in run.values else 0,
        "origin": None if origin is None else {key: origin.text(key) for key in origin.values},
        "transfer": None if run.values.get("transfer") is None else _transfer(run.within("transfer")),
    }


def _transfer(transfer: Members) -> Transfer:
    return Transfer(transfer.text("source"), transfer.texts("taken"), transfer.pairs("new"), transfer.texts("unused"))


def _data(data: Members) -> DataRecord:
    for key in data.values:
        if key not in {each.name for each in fields(DataRecord)}:
            raise FormatError(f"{data.named(str(key))} is an unknown key.", "This Striate wrote none such.")
    classes = data.texts("classes")
    if len(set(classes)) < len(classes) or not all(classes):
        raise FormatError("data.classes names one twice, or none.", "Every class has a name of its own.")
    return DataRecord(
        source=data.text("source"),
        classes=classes,
        resize=data.pair("resize", most=MOST_SAMPLES),
        skip_unreadable=data.flag("skip_unreadable"),
        unreadable=data.pairs("unreadable"),
        train_images=data.whole("train_images"),
        validation_images=data.whole("validation_images"),
        train_fingerprint=data.text("train_fingerprint"),
        validation_fingerprint=data.text("validation_fingerprint"),
        channels=None if data.values.get("channels") is None else data.whole("channels", least=1, most=48),
        stream=data.flag("stream") if "stream" in data.values else False,
        span=None if data.values.get("span") is None else _span(data),
        labels=_kind(data, classes) if "labels" in data.values else "text",
    )


def _span(data: Members) -> tuple[float, float]:
    values = data.values["span"]
    if isinstance(values, list) and len(values) == 2:
        low, high = (Members({"span": each}, "data.").number("span") for each in values)
        if low < high:
            return low, high
    raise FormatError("data.span is no pair of ascending numbers.", "It is what black and full light are: [0, 16].")


def _kind(data: Members, classes: tuple[str, ...]) -> Kind:
    text = data.text("labels")
    for kind in KINDS:
        if kind == text:
            try:
                values_of(classes, kind)
            except (ValueError, OverflowError):
                raise FormatError(f"data.labels is {kind!r}, and data.classes are no such labels.") from None
            return kind
    raise FormatError(f"data.labels is {quote(text)}.", f"It must be one of {', '.join(KINDS)}.")


def _json(path: Path) -> Any:
    try:
        return parsed(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as problem:
        raise RunError(f"{path} cannot be read: {problem.strerror}.", _AS_WRITTEN) from None
    except ValueError as problem:
        raise RunError(f"{path} cannot be read: {problem}.", "It must be the JSON that striate train wrote.") from None


def _network(path: Path) -> Network:
    remedy = "Take the file from a copy, or train anew."
    try:
        network = from_json(path.read_text(encoding="utf-8"))
        plan(network)
    except OSError as problem:
        raise RunError(f"{path} cannot be read: {problem.strerror}.", _AS_WRITTEN, remedy) from None
    except SpecError as error:
        place = f"{error.where}: " if error.where else ""
        what = f"{path} is damaged: {place}{error.what}"
        raise RunError(what, error.expected or _AS_WRITTEN, error.remedy or remedy) from None
    except (ValueError, OverflowError, RecursionError) as problem:
        raise RunError(f"{path} is damaged: {problem}.", _AS_WRITTEN, remedy) from None
    return network
