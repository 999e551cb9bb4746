"""The three formats hold the same rows, read by their own readers, and those that the plain module computes."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from striate.data import read_image
from striate.errors import OutputError, RequirementError
from striate.predictions import rows
from striate.predictions.answers import Manner
from striate.predictions.job import JobRequest
from striate.predictions.work import predict_all
from striate.train.run import open_run


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> list[str]:
    folder, dice = tmp_path_factory.mktemp("pictures"), np.random.default_rng(1)
    files = [folder / name for name in ("a.png", "b,\"'\n.png", "c.png", "=d.png")]
    for file in files:
        Image.fromarray(dice.integers(0, 256, (33, 21), dtype=np.uint8)).save(file)
    files[2].write_bytes(b"no image")
    return [str(file) for file in files]


@pytest.fixture(scope="module")
def expected(finished_run, pictures) -> list[torch.Tensor | None]:
    """The probabilities by the plain module, image by image."""
    run = open_run(finished_run)
    model, found = run.model(), []
    for number, file in enumerate(pictures):
        if number == 2:
            found.append(None)
            continue
        pixels = run.preprocessing.normalise(read_image(file, run.preprocessing)[0])
        found.append((model.logits(pixels) / run.temperature).softmax(1)[0].detach())
    return found


def predicted(run: Path, pictures: list[str], out: Path, *, top: int = 0) -> Path:
    found = predict_all(JobRequest(open_run(run), tuple(pictures), out, Manner("auto", top=top)))
    assert (found.images, found.unreadable) == (4, 1)
    assert found.named == [(pictures[2], "not an image of a known format")]
    return out


def read(file: Path) -> list[dict]:
    """The rows by another reader than ours, as CSV has them; empty text is None."""
    if file.suffix == ".csv":
        with file.open(newline="", encoding="utf-8") as stream:
            found = list(csv.DictReader(stream))
    else:
        found = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed").read_table(file).to_pylist()
    return [{key: _value(key, value) for key, value in row.items()} for row in found]


def _value(key: str, value: object) -> object:
    if value in ("", None):
        return None
    return float(value) if key.startswith(("probability", "p_")) else value


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_has_the_probabilities_of_all_classes(suffix, finished_run, pictures, expected, tmp_path) -> None:
    found = read(predicted(finished_run, pictures, tmp_path / f"found{suffix}"))
    shown = [name.replace("\n", "\\n") for name in pictures]
    assert [row["image"] for row in found] == shown
    for row, wanted in zip(found, expected, strict=True):
        chances = [row[f"p_{name}"] for name in "0123456789"]
        if wanted is None:
            assert row == dict.fromkeys(row) | {"image": shown[2], "error": "not an image of a known format"}
            continue
        assert chances == pytest.approx(wanted.tolist(), abs=1e-5)
        assert (row["class"], row["probability"], row["error"]) == (str(int(wanted.argmax())), max(chances), None)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_has_the_top_classes(suffix, finished_run, pictures, expected, tmp_path) -> None:
    found = read(predicted(finished_run, pictures, tmp_path / f"found{suffix}", top=3))
    for row, wanted in zip(found, expected, strict=True):
        assert list(row) == [
            *("image", "class", "probability", "error"),
            *("class_2", "probability_2", "class_3", "probability_3"),
        ]
        if wanted is None:
            assert [key for key, value in row.items() if value] == ["image", "error"]
            continue
        best = wanted.topk(3)
        assert [row["class"], row["class_2"], row["class_3"]] == [str(each) for each in best.indices.tolist()]
        chances = [row["probability"], row["probability_2"], row["probability_3"]]
        assert chances == pytest.approx(best.values.tolist(), abs=1e-5)


@pytest.mark.parametrize("top", [0, 2])
def test_json_lines_have_the_members_of_the_command(top, finished_run, pictures, expected, tmp_path) -> None:
    out = predicted(finished_run, pictures, tmp_path / "found.jsonl", top=top)
    found = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [list(row) for row in found] == [
        ["image", "error"] if wanted is None else ["image", "class", "probability", "probabilities"]
        for wanted in expected
    ]
    for row, wanted in zip(found, expected, strict=True):
        if wanted is not None:
            best = wanted.topk(top or 10)
            chances = dict(zip(map(str, best.indices.tolist()), best.values.tolist(), strict=True))
            assert row["probabilities"] == pytest.approx(chances, abs=1e-5)
            assert row["probability"] == max(row["probabilities"].values())


def test_other_suffixes_are_refused(monkeypatch) -> None:
    with pytest.raises(OutputError) as caught:
        rows.require_format(Path("found.xlsx"))
    assert str(caught.value) == (
        "found.xlsx has no suffix of a format that predictions are written in.\n"
        "Expected one of .csv, .parquet, .jsonl.\n"
        "Give such a name to --out, such as predictions.csv."
    )
    monkeypatch.setattr("striate.extras.find_spec", lambda name: None)
    rows.require_format(Path("found.csv"))
    with pytest.raises(RequirementError, match="found.parquet needs pyarrow.\nIt comes with the extra `parquet`"):
        rows.require_format(Path("found.parquet"))
