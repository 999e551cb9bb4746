"""A run: the folder that holds one training.

run.json              recipe, data, preprocessing, environment, how often the test images were looked at
network.json          the network, as `striate account` takes it
events.jsonl          one JSON object a line: started, epoch, profile, warning, resumed,
                      interrupted, finished, evaluated
last.safetensors      everything that going on needs: weights, optimiser, position
best.safetensors      the weights of the epoch with the highest validation accuracy, and no more
filters.safetensors   the first layer's filters after each epoch
pictures/, report.html
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from striate.build import Built, build
from striate.data import Preprocessing
from striate.errors import RunError, StriateError
from striate.kernels.choice import missing
from striate.spec.json import from_json, to_json
from striate.spec.labels import path_part
from striate.spec.network import Network
from striate.train.checkpoint import load_checkpoint, restore
from striate.train.files import append_line, make_folder, unwritten, write_whole
from striate.train.recipe import Recipe, recipe_from_dict

FORMAT = "striate-run"
VERSION = 1


@dataclass(frozen=True)
class DataRecord:
    """Which images a run learned from: `source` as --data had it, and the fingerprints of the two parts."""

    source: str
    classes: tuple[str, ...]
    resize: tuple[int, int] | None
    skip_unreadable: bool
    unreadable: tuple[tuple[str, str], ...]
    train_images: int
    validation_images: int
    train_fingerprint: str
    validation_fingerprint: str


@dataclass(frozen=True)
class Run:
    """A run as its folder describes it.

    `kernels` and `threads` are what it runs on; `milliseconds` of a step with each that was measured to find that out.
    `reproduction` is how it is trained where `striate reproduce` made it.
    """

    folder: Path
    network: Network
    recipe: Recipe
    data: DataRecord
    preprocessing: Preprocessing
    threads: int
    device: str
    environment: dict[str, str]
    test_looks: int = 0
    kernels: str = "auto"
    milliseconds: dict[str, float] = field(default_factory=dict)
    reproduction: dict[str, Any] | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, in the order of the outputs."""
        return self.data.classes

    def path(self, name: str) -> Path:
        """A file of the run."""
        return self.folder / name

    def write(self) -> None:
        """Write run.json and network.json."""
        members = {
            "format": FORMAT,
            "version": VERSION,
            "network": self.network.name,
            "recipe": self.recipe.to_dict(),
            "data": asdict(self.data),
            "preprocessing": self.preprocessing.to_dict(),
            "kernels": self.kernels,
            "threads": self.threads,
            "milliseconds": self.milliseconds,
            "device": self.device,
            "environment": self.environment,
            "test_looks": self.test_looks,
            "reproduction": self.reproduction,
        }
        write_whole(self.path("network.json"), to_json(self.network))
        write_whole(self.path("run.json"), json.dumps(members, indent=2) + "\n")

    def log(self, event: str, **members: Any) -> None:
        """Append an event."""
        append_line(self.path("events.jsonl"), json.dumps({"event": event, "time": now(), **members}))

    def events(self, event: str | None = None) -> list[dict[str, Any]]:
        """The events so far, or those of one kind. A last line that was cut off is left out."""
        try:
            lines = self.path("events.jsonl").read_text(encoding="utf-8").split("\n")
        except FileNotFoundError:
            return []
        found: list[dict[str, Any]] = []
        for line in lines:
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return [each for each in found if event is None or each.get("event") == event]

    def model(self, *, checkpoint: str = "best.safetensors") -> Built:
        """The trained network, on the CPU and in evaluation mode."""
        path = self.path(checkpoint)
        tensors, _ = load_checkpoint(path)
        kernels = "torch" if missing(self.network, self.kernels) else self.kernels
        model = build(self.network, initialisation=self.recipe.initialisation, kernels=kernels)
        restore(model, None, tensors, where=path)
        return model.eval()

    @property
    def temperature(self) -> float:
        """What the best weights' class scores are divided by, so that the network is as sure as it is right.

        1 where a checkpoint has none."""
        return load_checkpoint(self.path("best.safetensors"))[1].get("temperature", 1.0)

    def looked_at_test(self) -> Run:
        """The same run, with one more look at the test images recorded in run.json."""
        run = replace(self, test_looks=self.test_looks + 1)
        run.write()
        return run


def create_run(run: Run) -> None:
    """Make the folder of a new run, whole or not at all. RunError where something is there already."""
    folder = run.folder
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise RunError(
            f"{folder} is there already.",
            "A new run needs a folder of its own, so that nothing is overwritten.",
            f"Go on with it by --resume {folder}, or give another folder to --out.",
        )
    passing = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    make_folder(passing)
    replace(run, folder=passing).write()
    try:
        passing.replace(folder)
    except OSError as problem:
        raise unwritten(folder, problem) from None


def open_run(folder: str | Path) -> Run:
    """The run that a folder holds. RunError where it holds none, or one that cannot be read."""
    folder = Path(folder)
    path = folder / "run.json"
    try:
        members = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        kind = "is not a run" if folder.exists() else "does not exist"
        raise RunError(
            f"{folder} {kind}.",
            "A run is a folder that striate train made; it holds a run.json.",
            _nearby(folder),
        ) from None
    except (OSError, ValueError) as problem:
        raise RunError(f"{path} cannot be read: {problem}.", "It must be the JSON that striate train wrote.") from None
    if not isinstance(members, dict) or (members.get("format"), members.get("version")) != (FORMAT, VERSION):
        raise RunError(f"{path} is not of a version that this Striate reads.", f"It reads {FORMAT} {VERSION}.")
    try:
        data = members["data"]
        return Run(
            folder=folder,
            network=from_json((folder / "network.json").read_text(encoding="utf-8")),
            recipe=recipe_from_dict(members["recipe"]),
            data=DataRecord(
                **data
                | {
                    "classes": tuple(data["classes"]),
                    "resize": tuple(data["resize"]) if data["resize"] else None,
                    "unreadable": tuple(tuple(each) for each in data["unreadable"]),
                }
            ),
            preprocessing=Preprocessing.from_dict(members["preprocessing"]),
            threads=members["threads"],
            device=members["device"],
            environment=members["environment"],
            test_looks=members["test_looks"],
            kernels=members.get("kernels", "torch"),
            milliseconds=members.get("milliseconds", {}),
            reproduction=members.get("reproduction"),
        )
    except StriateError as error:
        raise RunError(f"{folder} is damaged: {error.what}", error.expected, error.remedy) from None
    except (OSError, KeyError, TypeError, ValueError) as problem:
        raise RunError(f"{folder} is damaged: {problem!r}.", "run.json and network.json must be as written.") from None


def free_folder(name: str) -> Path:
    """runs/NAME, or runs/NAME-2, ... if it is taken, whatever the name is."""
    part, number = path_part(name), 1
    folder = Path("runs") / part
    while os.path.lexists(folder):
        number += 1
        folder = Path("runs") / f"{part}-{number}"
    return folder


def now() -> str:
    """The time, in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _nearby(folder: Path) -> str:
    parent = folder.parent if folder.parent.is_dir() else Path("runs")
    runs = sorted(str(each.parent) for each in parent.glob("*/run.json"))
    return f"Runs nearby: {', '.join(runs[:5])}." if runs else "Make one: striate train lenet5."
