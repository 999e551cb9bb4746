"""A run: the folder that holds one training, or a network that was brought in with its weights (`imported`).

run.json              recipe, data, preprocessing, environment, how often the test images were looked at
network.json          the network, as `striate account` takes it
events.jsonl          one JSON object a line: started, epoch, profile, threads, warning, resumed,
                      interrupted, finished, evaluated
start.safetensors     the weights that it began with, where some were taken over from another run (`transfer`)
last.safetensors      everything that going on needs: weights, optimiser, position
previous.safetensors  what was last.safetensors before: a training goes on from it where that is damaged
best.safetensors      the weights of the epoch with the highest validation accuracy, and no more
filters.safetensors   the first layer's filters after each epoch
examples.safetensors  a few validation images of each class, which its page offers to try
pictures/, report.html
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from torch import Tensor

from striate.data import Preprocessing
from striate.description.header import ONNX, SUFFIX
from striate.description.json import to_json
from striate.description.labels import path_part
from striate.description.network import Network
from striate.errors import OutputError, RunError
from striate.files import append_line, new_folder, write_whole
from striate.frames import frame_of
from striate.modules import Built, build
from striate.picture import Picture
from striate.train.checkpoint import BEST, START, load_checkpoint, restore, save_checkpoint
from striate.train.checkpoint_state import temperature_kept
from striate.train.curves import both_charts
from striate.train.events import read_events
from striate.train.notebook_html import run_html
from striate.train.onnx_run import read_onnx_run
from striate.train.recipe import Recipe
from striate.train.record import FORMAT, VERSION, read_record
from striate.train.record import DataRecord as DataRecord
from striate.train.record import Transfer as Transfer
from striate.train.single import Single, read_single


@dataclass(frozen=True)
class Run:
    """A run as its folder describes it.

    It is trained on `kernels` with `threads`; `milliseconds` has a step's time for each choice that was measured.
    Between epochs Striate's kernels may take up to `most_threads`; 0 keeps to the number that was given.
    `reproduction` is how it is trained where `striate reproduce` made it. `origin` says where the weights of a run
    come from that was not trained here (`train.imported`): its data has classes and no images. A `single` run is one
    file, `folder` (`train.single`): it has weights, but no events and no pictures, and is never written to. A process
    that `follows` another one in the same training does not write it either.
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
    most_threads: int = 0
    origin: dict[str, str] | None = None
    single: bool = False
    transfer: Transfer | None = None
    follows: bool = False

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, in the order of the outputs."""
        return self.data.classes

    def path(self, name: str) -> Path:
        """A file of the run. Raises RunError where the run is itself one file."""
        if self.single:
            raise RunError(
                f"{self.folder} is one file, and has no {name}.",
                "The folder of a run has more than its weights: its epochs, filters and pictures.",
                "Give the folder that it was exported from.",
            )
        return self.folder / name

    @property
    def plays_go(self) -> bool:
        """Whether it answers positions of Go."""
        return self.preprocessing.form == "board"

    @property
    def name(self) -> str:
        """The name of its folder or file, without a suffix that files have."""
        name = self.folder.resolve().name
        return Path(name).stem if self.single else name

    def document(self) -> dict[str, Any]:
        """The members of run.json."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "network": self.network.name,
            "recipe": self.recipe.to_dict(),
            "data": asdict(self.data),
            "preprocessing": self.preprocessing.to_dict(),
            "kernels": self.kernels,
            "threads": self.threads,
            "most_threads": self.most_threads,
            "milliseconds": self.milliseconds,
            "device": self.device,
            "environment": self.environment,
            "test_looks": self.test_looks,
            "reproduction": self.reproduction,
            "origin": self.origin,
            "transfer": None if self.transfer is None else asdict(self.transfer),
        }

    def write(self) -> None:
        """Write run.json and network.json."""
        write_whole(self.path("network.json"), to_json(self.network))
        write_whole(self.path("run.json"), json.dumps(self.document(), indent=2) + "\n")

    def log(self, event: str, **members: Any) -> None:
        """Append an event; a single run keeps none, and a process that follows leaves it to the first one."""
        if self.single or self.follows:
            return
        append_line(self.path("events.jsonl"), json.dumps({"event": event, "time": now(), **members}))

    def events(self, event: str | None = None) -> list[dict[str, Any]]:
        """The events so far, or those of one kind, without a line that was cut off. RunError where one is damaged."""
        if self.single:
            return []
        found = read_events(self.path("events.jsonl"))
        return [each for each in found if event is None or each["event"] == event]

    def model(self, *, checkpoint: str = BEST) -> Built:
        """The trained network, on the CPU and in evaluation mode."""
        path = self.folder if self.single else self.path(checkpoint)
        tensors = one_file(path).tensors if self.single else load_checkpoint(path)[0]
        model = build(self.network, initialisation=self.recipe.initialisation).float()  # whatever PyTorch's default is
        restore(model, None, tensors, where=path)
        return model.eval()

    @property
    def temperature(self) -> float:
        """What the best weights' class scores are divided by, so that the network is as sure as it is right.

        1 where a checkpoint has none."""
        if self.single:
            return one_file(self.folder).temperature
        path = self.path(BEST)
        return temperature_kept(load_checkpoint(path)[1], where=path)

    def frame(self, library: str | None = None) -> Any:
        """A DataFrame with a row for each epoch, of "pandas" or "polars", or of the first that is installed.

        Raises RequirementError where there is none.
        """
        return frame_of(self.events("epoch"), library)

    def curves(self) -> Picture:
        """The curves of loss and error by epoch, which a notebook shows. RunError where there are no epochs."""
        epochs = self.events("epoch")
        if not epochs:
            raise RunError(
                f"{self.folder} has no epochs to draw.",
                "A run that was trained here keeps what each epoch reached; "
                "one file, or weights from elsewhere, do not.",
                "Train it: striate train.",
            )
        return both_charts(epochs, self.judging)

    @property
    def judging(self) -> str:
        """The images by which the best epoch was chosen: "validation", or "test" where none are held out."""
        return "validation" if self.recipe.hold_out else "test"

    def _repr_html_(self) -> str:
        """The run as a notebook shows it."""
        return run_html(self)

    def looked_at_test(self) -> Run:
        """The same run, with one more look at the test images added to those that run.json has by now.

        A single run keeps no count: it stays as it is."""
        if self.single:
            return self
        run = replace(self, test_looks=open_run(self.folder).test_looks + 1)
        run.write()
        return run


def events_again(run: Run, history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The run's events, with the epochs of a checkpoint's `history` and no others: some may not have been logged, and
    others come anew."""
    known = {each["epoch"] for each in history}
    kept = [each for each in run.events() if each["event"] != "epoch" or each["epoch"] in known]
    logged = {each["epoch"] for each in kept if each["event"] == "epoch"}
    return kept + [each for each in history if each["epoch"] not in logged]


def create_run(run: Run, weights: Mapping[str, Tensor] | None = None) -> None:
    """Make the folder of a new run, whole or not at all, with the `weights` that it begins with if they are given.

    Raises RunError where something is there already.
    """
    folder = run.folder
    require_free(folder)
    try:
        with new_folder(folder) as partial:
            replace(run, folder=partial).write()
            if weights is not None:
                save_checkpoint(partial / START, dict(weights), {})
    except OutputError:
        require_free(folder)  # another process may have made it meanwhile
        raise


def require_free(folder: Path) -> None:
    """Raises RunError where a new run cannot be made under this name."""
    if folder.name in ("", ".."):
        raise RunError(
            f"{str(folder)!r} is no name for a run.",
            "A run is a new folder, which appears as a whole under a name of its own.",
            "Give one to --out, such as runs/mine.",
        )
    if not os.path.lexists(folder) or (folder.is_dir() and not any(folder.iterdir())):
        return
    raise RunError(
        f"{folder} is there already.",
        "A new run needs a folder of its own, so that nothing is overwritten.",
        f"Go on with it by --resume {shlex.quote(str(folder))}, or give another folder to --out.",
    )


def open_run(folder: str | Path) -> Run:
    """The run that a folder, or one file, holds. RunError where it holds none, or one that cannot be read."""
    folder = Path(folder)
    if folder.suffix in (SUFFIX, ONNX) and not folder.is_dir():
        return Run(**one_file(folder).fields)
    try:
        return Run(**read_record(folder))
    except (FileNotFoundError, NotADirectoryError):
        kind = "is not a run" if os.path.lexists(folder) else "does not exist"
        raise RunError(
            f"{folder} {kind}.",
            "A run is a folder that striate train made; it holds a run.json.",
            _nearby(folder),
        ) from None


def one_file(path: Path) -> Single:
    """The run that is one file: a safetensors file of Striate's, or an ONNX file of anybody's."""
    return read_onnx_run(path) if path.suffix == ONNX else read_single(path)


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
