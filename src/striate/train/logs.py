"""Writes the figures of each epoch in the formats of other tools: CSV, TensorBoard, Weights & Biases, MLflow.

All files are in the run's folder; nothing is sent anywhere. They are written from the run's own events. A resumed
training rewrites them from the first epoch, so that no epoch is missing or there twice.
"""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from striate.errors import OutputError
from striate.extras import EXTRAS, require_extra
from striate.files import make_folder, unwritten, write_whole
from striate.train.loop import Epoch
from striate.train.run import Run
from striate.train.session import Event

COLUMNS = {
    "loss": "loss/training",
    "validation_loss": "loss/validation",
    "train_accuracy": "accuracy/training",
    "accuracy": "accuracy/validation",
    "balanced_accuracy": "accuracy/validation-balanced",
    "rate": "rate",
    "temperature": "temperature",
    "seconds": "time/seconds",
    "images_per_second": "time/images-per-second",
}
"""The members of an epoch, and what they are called in TensorBoard, Weights & Biases and MLflow."""

Logged = dict[str, Any]
Write = Callable[[Logged], None]


def require_logs(names: Sequence[str]) -> None:
    """Raises RequirementError, with the command that installs it, where a tool's package is not there."""
    for name in names:
        if any(extra.name == name for extra in EXTRAS):
            require_extra(name, f"--log {name} needs")


def logged(run: Run, events: Iterator[Event], names: Sequence[str]) -> Iterator[Event]:
    """The events of a training, as they come; each epoch is also written to the logs of these names.

    Raises OutputError where one cannot be written; the training's own files are whole then, and it can be resumed.
    """
    with ExitStack() as held:
        logs = [held.enter_context(LOGS[name](run)) for name in dict.fromkeys(names)]
        for event in events:
            if isinstance(event, Epoch):
                for write in logs:
                    write(run.events("epoch")[-1])
            yield event


@contextmanager
def _csv(run: Run) -> Iterator[Write]:
    """metrics.csv: a line for each epoch, under a line of names."""

    def write(_: Logged | None = None) -> None:
        text = io.StringIO()
        table = csv.DictWriter(text, ["epoch", "time", *COLUMNS], extrasaction="ignore", lineterminator="\n")
        table.writeheader()
        table.writerows(run.events("epoch"))
        write_whole(run.path("metrics.csv"), text.getvalue())

    write()
    yield write


@contextmanager
def _tensorboard(run: Run) -> Iterator[Write]:
    """tensorboard/: an event file; `tensorboard --logdir runs` shows all runs."""
    from torch.utils.tensorboard import SummaryWriter

    folder = _emptied(run, "tensorboard")
    with _written(folder), SummaryWriter(str(folder)) as writer:
        writer.add_text("recipe", "\n".join(f"- {name}: {value}" for name, value in run.recipe.to_dict().items()), 0)

        def write(epoch: Logged) -> None:
            for tag, value in _scalars(epoch):
                writer.add_scalar(tag, value, epoch["epoch"], walltime=_time(epoch))
            writer.flush()

        _repeat(run, write)
        yield write


@contextmanager
def _wandb(run: Run) -> Iterator[Write]:
    """wandb/: an offline run of Weights & Biases; `wandb sync FOLDER` sends it, where one wants that."""
    import wandb  # pyright: ignore[reportMissingImports] - an extra that is not installed for the checks

    folder = _emptied(run, "wandb")
    with _written(folder):
        settings = wandb.Settings(silent=True, console="off", disable_git=True, save_code=False)
        recipe = run.recipe.to_dict() | {"network": run.network.name}
        theirs = wandb.init(
            mode="offline", dir=str(run.folder), project="striate", name=run.name, config=recipe, settings=settings
        )

        def write(epoch: Logged) -> None:
            theirs.log(dict(_scalars(epoch)), step=epoch["epoch"])

        try:
            _repeat(run, write)
            yield write
        finally:
            theirs.finish()


@contextmanager
def _mlflow(run: Run) -> Iterator[Write]:
    """mlflow/mlflow.db: a store of MLflow; `mlflow ui --backend-store-uri sqlite:///FILE` shows it.

    MLflow keeps its stores open while the process lives, so an earlier store stays, and its runs are deleted there.
    """
    from mlflow.entities import Metric  # pyright: ignore[reportMissingImports] - another one
    from mlflow.tracking import MlflowClient  # pyright: ignore[reportMissingImports]

    folder = run.path("mlflow")
    make_folder(folder)
    with _written(folder):
        client = MlflowClient(f"sqlite:///{folder.absolute() / 'mlflow.db'}")
        place = (folder.absolute() / "artifacts").as_uri()
        known = client.get_experiment_by_name("striate")
        experiment = known.experiment_id if known else client.create_experiment("striate", artifact_location=place)
        for earlier in client.search_runs([experiment]):
            client.delete_run(earlier.info.run_id)
        own = client.create_run(experiment, run_name=run.name).info.run_id
        client.log_param(own, "network", run.network.name)
        for name, value in run.recipe.to_dict().items():
            client.log_param(own, name, value)

        def write(epoch: Logged) -> None:
            at = round(1000 * _time(epoch))
            client.log_batch(own, [Metric(tag, value, at, epoch["epoch"]) for tag, value in _scalars(epoch)])

        _repeat(run, write)
        try:
            yield write
        except BaseException:
            client.set_terminated(own, "KILLED")
            raise
        client.set_terminated(own)


LOGS = {"csv": _csv, "tensorboard": _tensorboard, "wandb": _wandb, "mlflow": _mlflow}
"""The logs by the word for --log."""


def _scalars(epoch: Logged) -> Iterator[tuple[str, float]]:
    for member, tag in COLUMNS.items():
        if epoch.get(member) is not None:
            yield tag, float(epoch[member])


def _repeat(run: Run, write: Write) -> None:
    for epoch in run.events("epoch"):
        write(epoch)


def _emptied(run: Run, name: str) -> Path:
    """A folder in the run's, without what an earlier process wrote there."""
    folder = run.path(name)
    shutil.rmtree(folder, ignore_errors=True)
    make_folder(folder)
    return folder


@contextmanager
def _written(folder: Path) -> Iterator[None]:
    """Context in which what another library cannot write is an error of ours."""
    try:
        yield
    except OutputError:
        raise
    except OSError as problem:
        raise unwritten(folder, problem) from None


def _time(epoch: Logged) -> float:
    """Seconds since 1970."""
    return datetime.fromisoformat(epoch["time"]).timestamp()
