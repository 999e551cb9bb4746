"""Logs in the formats of other tools, read by those tools: every epoch is there once, also after a resume."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from striate import extras
from striate.errors import OutputError
from striate.train import Recipe, open_run, session
from striate.train.logs import LOGS, logged
from tests.support.commands import striate
from tests.support.networks import TINY

RECIPE = Recipe(epochs=3, batch=50, rate=0.01)


def csv_read(folder: Path) -> dict[str, dict[int, float]]:
    with (folder / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    names = {"loss": "loss/training", "accuracy": "accuracy/validation", "rate": "rate"}
    return {tag: {int(row["epoch"]): float(row[name]) for row in rows} for name, tag in names.items()}


def tensorboard_read(folder: Path) -> dict[str, dict[int, float]]:
    reading = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="tensorboard is not installed"
    )
    found = reading.EventAccumulator(str(folder / "tensorboard"))
    found.Reload()
    tags = found.Tags()
    assert tags["tensors"] == ["recipe/text_summary"]
    scalars = {tag: found.Scalars(tag) for tag in tags["scalars"]}
    assert all(len({each.step for each in values}) == len(values) for values in scalars.values())
    return {tag: {each.step: each.value for each in values} for tag, values in scalars.items()}


def records(content: bytes) -> Iterator[bytes]:
    """The records of a file of wandb, in the format of LevelDB logs: its package has no reader of its own."""
    assert content[:4] == b":W&B"
    at, whole = 7, b""
    while at + 7 <= len(content):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        length, kind = int.from_bytes(content[at + 4 : at + 6], "little"), content[at + 6]
        whole += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last part of one
            yield whole
            whole = b""


def wandb_read(folder: Path) -> dict[str, dict[int, float]]:
    pytest.importorskip("wandb", reason="wandb is not installed")
    from wandb.proto import wandb_internal_pb2

    (file,) = folder.glob("wandb/offline-run-*/*.wandb")
    found = dict[str, dict[int, float]]()
    for data in records(file.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        if record.WhichOneof("record_type") == "history":
            for item in record.history.item:
                name = item.key or item.nested_key[0]
                found.setdefault(name, {})[record.history.step.num] = json.loads(item.value_json)
    return found


def mlflow_read(folder: Path) -> dict[str, dict[int, float]]:
    tracking = pytest.importorskip("mlflow.tracking", reason="mlflow is not installed")
    client = tracking.MlflowClient(f"sqlite:///{folder.absolute()}/mlflow/mlflow.db")
    (experiment,) = [each for each in client.search_experiments() if each.name == "striate"]
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.params["rate"] == "0.01"
    return {
        tag: {each.step: each.value for each in client.get_metric_history(run.info.run_id, tag)}
        for tag in run.data.metrics
    }


READERS = {"csv": csv_read, "tensorboard": tensorboard_read, "wandb": wandb_read, "mlflow": mlflow_read}


def expected(folder: Path) -> dict[str, dict[int, float]]:
    epochs = open_run(folder).events("epoch")
    names = {"loss": "loss/training", "accuracy": "accuracy/validation", "rate": "rate"}
    return {tag: {each["epoch"]: each[name] for each in epochs} for name, tag in names.items()}


def test_every_log_has_a_reader_here() -> None:
    assert READERS.keys() == LOGS.keys()


@pytest.mark.parametrize("name", READERS)
def test_a_tools_own_reader_finds_every_epoch_once(name: str, few_digits: Path, tmp_path: Path) -> None:
    if any(extra.name == name and extra.missing for extra in extras.EXTRAS):
        pytest.skip(f"{name} is not installed")
    folder = tmp_path / "run"
    run, split = session.prepare(TINY, session.Images(str(few_digits)), RECIPE, folder=folder, device="cpu")
    started = logged(run, session.start(run, split), [name])
    for event in started:  # as where the process is killed in the second epoch
        if isinstance(event, session.Epoch):
            break
    started.close()
    run = open_run(folder)
    list(logged(run, session.resume(run, session.reload(run)), [name, name]))
    found = READERS[name](folder)
    assert sorted(found["loss/training"]) == [1, 2, 3]
    for tag, values in expected(folder).items():
        assert found[tag] == pytest.approx(values, rel=1e-6)


def test_the_command_writes_and_resumes(few_digits: Path, tmp_path: Path) -> None:
    arguments: list[Any] = ["train", "1x28x28: conv 4 5x5 /2, relu, max 2, linear 10", "--data", few_digits]
    done = striate(*arguments, "--epochs", 2, "--out", "run", "--log", "csv", "--device", "cpu", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(csv_read(tmp_path / "run")["rate"]) == [1, 2]
    (tmp_path / "run/metrics.csv").unlink()
    assert striate("train", "--resume", "run", "--log", "csv", cwd=tmp_path).returncode == 0
    assert csv_read(tmp_path / "run") == expected(tmp_path / "run")
    assert "one of" in striate(*arguments, "--log", "tensorflow", cwd=tmp_path).stderr


def test_a_missing_package_is_named_before_anything_is_made(
    few_digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    done = striate("train", "lenet5", "--data", few_digits, "--out", "run", "--log", "wandb", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: --log wandb needs wandb.\nIt comes with the extra `wandb`.\nInstall it: ")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_an_error_of_ours(few_digits: Path, tmp_path: Path) -> None:
    run, split = session.prepare(
        TINY, session.Images(str(few_digits)), replace(RECIPE, epochs=1), folder=tmp_path / "run", device="cpu"
    )

    def blocked() -> Iterator[session.Event]:
        events = session.start(run, split)
        (tmp_path / "run/metrics.csv").mkdir()
        yield from events

    with pytest.raises(OutputError, match=r"metrics.csv cannot be written"):
        list(logged(run, blocked(), ["csv"]))
