"""A run as one safetensors file: opened in place of its folder, and refused in words where it is damaged."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from striate import find
from striate.description.json import to_json
from striate.errors import FormatError, RunError
from striate.export.single import export_single
from striate.look.predictor import Predictor
from striate.train import open_run, session
from striate.train.evaluation import evaluate, images_of
from striate.train.single import content_of
from striate.train.tensors import checksum

REMEDY = "Take the file from a copy, or export the run anew."


@pytest.fixture(scope="module")
def file(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("single") / "tiny.safetensors"
    export_single(open_run(finished_run), path)
    return path


def metadata_of(file: Path) -> dict[str, str]:
    content = file.read_bytes()
    size = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + size])["__metadata__"]


def changed(file: Path, place: Path, *, tensors: dict | None = None, **members: str | None) -> Path:
    """A copy with other members and tensors, and a checksum that fits them."""
    held = load_file(file) if tensors is None else tensors
    metadata = {key: each for key, each in (metadata_of(file) | members).items() if each is not None}
    metadata.pop("checksum")
    metadata["checksum"] = checksum(held, json.dumps(dict(sorted(metadata.items()))))
    save_file(held, place, metadata)
    return place


def test_it_is_the_same_run(file: Path, finished_run: Path) -> None:
    run, whole = open_run(file), open_run(finished_run)
    assert (run.network, run.classes, run.preprocessing) == (whole.network, whole.classes, whole.preprocessing)
    assert (run.recipe, run.temperature, run.test_looks) == (whole.recipe, whole.temperature, whole.test_looks)
    assert (run.single, run.name, run.folder) == (True, "tiny", file)
    weights = whole.model().state_dict()
    assert all(torch.equal(each, weights[name]) for name, each in run.model().state_dict().items())
    assert load_file(file).keys() == weights.keys()


def test_it_answers_and_is_evaluated_as_the_run_is(file: Path, finished_run: Path, few_digits: Path, seven) -> None:
    run, whole = open_run(file), open_run(finished_run)
    expected = Predictor(whole).predict(seven)
    assert Predictor(run).predict(seven).probabilities == pytest.approx(expected.probabilities, abs=1e-6)
    found, _ = evaluate(run, source=str(few_digits), kernels="torch")
    wanted, _ = evaluate(whole, kernels="torch")
    assert torch.equal(found.scores, wanted.scores)


def test_it_names_nothing_of_this_machine(file: Path, few_digits: Path, finished_run: Path) -> None:
    content = file.read_bytes()
    assert str(few_digits).encode() not in content
    assert str(finished_run).encode() not in content
    assert open_run(file).environment == {}
    with pytest.raises(RunError) as caught:
        images_of(open_run(file), "test")
    assert str(caught.value) == (
        f"{file} is one file, and has no images.\n"
        "It does not say in which folder the images are that it was trained on.\n"
        "Give images: --data FOLDER, with a folder for each class."
    )


def test_images_of_striate_stay_known(finished_run: Path, tmp_path: Path) -> None:
    run = open_run(finished_run)
    on_mnist = replace(run, data=replace(run.data, source="mnist", unreadable=(("/pictures/a.png", "cut off"),)))
    path = tmp_path / "tiny.safetensors"
    path.write_bytes(
        content_of(on_mnist.document(), to_json(run.network), run.model().state_dict(), temperature=run.temperature)
    )
    opened = open_run(path)
    assert (opened.data.source, opened.data.unreadable) == ("mnist", ())
    assert len(images_of(opened, "test")) == 10_000


def test_nothing_is_written_to_it(file: Path) -> None:
    before = file.read_bytes()
    run = open_run(file)
    run.log("evaluated", images=3)
    assert run.looked_at_test() is run
    assert run.events() == []
    assert file.read_bytes() == before
    with pytest.raises(RunError) as caught:
        run.path("report.html")
    assert str(caught.value) == (
        f"{file} is one file, and has no report.html.\n"
        "The folder of a run has more than its weights: its epochs, filters and pictures.\n"
        "Give the folder that it was exported from."
    )
    with pytest.raises(RunError) as error:
        session.reload(run)
    assert str(error.value) == (
        f"{file} is one file, and has no position to go on from.\n"
        "A training goes on in its own folder, from its last checkpoint.\n"
        f"Go on in that folder, or train the same network anew: striate train {file}."
    )


def test_a_file_that_is_exported_anew_says_the_same(file: Path, tmp_path: Path) -> None:
    export_single(open_run(file), tmp_path / "again.safetensors")
    first, second = metadata_of(file), metadata_of(tmp_path / "again.safetensors")
    assert json.loads(second["run"])["origin"] == {"file": "tiny.safetensors"}
    for key in ("network", "classes", "preprocessing", "temperature"):
        assert first[key] == second[key]


def test_its_network_is_read_without_its_weights(file: Path, tmp_path: Path, finished_run: Path) -> None:
    network = open_run(finished_run).network
    assert find(str(file)) == network
    content = file.read_bytes()
    size = int.from_bytes(content[:8], "little")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(content[: 8 + size])
    assert find(str(cut)) == network


HEADER = "A safetensors file begins with a header that says what is in it."


@pytest.mark.parametrize(
    ("content", "what", "expected"),
    [
        (b"", "is no whole safetensors file: its header is missing or cut off.", HEADER),
        (b"\xff" * 20, "is no whole safetensors file: its header is missing or cut off.", HEADER),
        ((40).to_bytes(8, "little") + b"{}", "is no whole safetensors file: its header is missing or cut off.", HEADER),
        ((3).to_bytes(8, "little") + b"{a}", "is no safetensors file: its header is no JSON.", HEADER),
        (
            (2).to_bytes(8, "little") + b"{}",
            "has weights, but no network.",
            "Its header must describe the network to which the weights belong.",
        ),
        (
            (6).to_bytes(8, "little") + b"[" * 3 + b"]" * 3,
            "has weights, but no network.",
            "Its header must describe the network to which the weights belong.",
        ),
        ((200_000).to_bytes(8, "little") + b"[" * 200_000, "is no safetensors file: its header is no JSON.", HEADER),
    ],
)
def test_a_header_that_cannot_be_read(content: bytes, what: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(FormatError) as caught:
        find(str(path))
    first, second, *_ = str(caught.value).split("\n")
    assert first.startswith(f"{path}: ")
    assert first.endswith(what)
    assert second == expected


def test_other_files_are_named(finished_run: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError) as caught:
        open_run(finished_run / "best.safetensors")
    assert str(caught.value) == (
        f"{finished_run / 'best.safetensors'} is of format 'striate-checkpoint', version '2'.\n"
        "One file is a run where it is of format striate-run-file, version 1.\n"
        "Give the folder of a run, or a file that striate export RUN --to safetensors wrote."
    )
    with pytest.raises(RunError, match="no.safetensors does not exist.\nIt must be a file that striate export"):
        open_run(tmp_path / "no.safetensors")
    folder = shutil.copytree(finished_run, tmp_path / "odd.safetensors")
    assert not open_run(folder).single


def test_damage_anywhere_is_found(file: Path, tmp_path: Path) -> None:
    content = bytearray(file.read_bytes())
    size = int.from_bytes(content[:8], "little")
    path = tmp_path / "damaged.safetensors"
    for at in (3, 20, 8 + size // 2, 8 + size + 5, len(content) - 3):
        spoilt = bytearray(content)
        spoilt[at] ^= 1
        path.write_bytes(spoilt)
        with pytest.raises(RunError) as caught:
            open_run(path)
        assert str(caught.value).endswith(REMEDY) or "is of format" in str(caught.value)
    path.write_bytes(content[:-10])
    with pytest.raises(RunError, match=f"{path} is damaged: "):
        open_run(path)
    path.write_bytes(content[: 8 + size] + bytes(len(content) - 8 - size))
    with pytest.raises(RunError) as caught:
        open_run(path)
    assert str(caught.value) == (
        f"{path} is damaged: its checksum is not that of what it holds.\n"
        f"It must be a file that striate export RUN --to safetensors wrote.\n{REMEDY}"
    )


@pytest.mark.parametrize(
    ("members", "what"),
    [
        ({"network": "{}"}, "is damaged: network: "),
        ({"network": None}, "is damaged: network: "),
        ({"classes": '["a", "b"]'}, "is damaged: data.classes are 2 for an output of 10."),
        ({"classes": "7"}, "is damaged: data.classes is 7."),
        ({"preprocessing": "{}"}, "is damaged: preprocessing: missing: "),
        ({"temperature": "-1"}, "is damaged: state.temperature is -1."),
        ({"temperature": None}, "is damaged: temperature: "),
        ({"run": "nothing"}, "is damaged: run: "),
        ({"run": "[]"}, "is damaged: run is []."),
        ({"run": "{}"}, "is damaged: run.data"),
        ({"version": "2"}, "is of format 'striate-run-file', version '2'."),
    ],
)
def test_members_that_cannot_be_right(members: dict, what: str, file: Path, tmp_path: Path) -> None:
    path = changed(file, tmp_path / "odd.safetensors", **members)
    with pytest.raises(RunError) as caught:
        open_run(path)
    assert str(caught.value).startswith(f"{path} {what}")
    assert len(str(caught.value).split("\n")) == 3


def test_weights_that_cannot_be_right(file: Path, tmp_path: Path) -> None:
    held = load_file(file)
    path = changed(file, tmp_path / "a.safetensors", tensors=held | {"conv1.bias": torch.full((4,), torch.nan)})
    with pytest.raises(RunError, match="cannot be used: 4 of the 4 values of conv1.bias are not finite"):
        open_run(path)
    path = changed(file, tmp_path / "b.safetensors", tensors=held | {"conv1.bias": torch.zeros(4, dtype=torch.int16)})
    with pytest.raises(RunError, match="is damaged: conv1.bias is int16 4."):
        open_run(path)
    path = changed(file, tmp_path / "c.safetensors", tensors=held | {"conv1.bias": torch.zeros(5)})
    with pytest.raises(
        RunError, match="does not fit the run's network: conv1.bias is float32 5 in place of float32 4."
    ):
        open_run(path).model()
