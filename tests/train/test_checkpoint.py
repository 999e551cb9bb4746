"""No damage to a checkpoint goes unnoticed, no value that is not finite is kept or used, and the good one is named."""

import json
import random
import shutil
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from safetensors.torch import save

from striate.cli import root
from striate.errors import LearningError, RunError
from striate.serve import Predictor
from striate.train import evaluation, open_run, session
from striate.train.checkpoint import load_checkpoint, save_checkpoint

TENSORS = {"conv.weight": torch.arange(12.0).view(3, 4), "optimiser/conv.weight/step": torch.tensor(3.0)}
STATE = {"epoch": 3, "accuracy": 0.5}


def forged(path: Path, tensors: dict[str, torch.Tensor], **metadata: str) -> None:
    """A file that Striate did not write, or an older one did."""
    members = {"format": "striate-checkpoint", "version": "1", "state": json.dumps(STATE)} | metadata
    path.write_bytes(save(tensors, metadata=members))


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


def test_every_flipped_bit_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    save_checkpoint(file, TENSORS, STATE)
    whole = file.read_bytes()
    draw, refused = random.Random(0), 0
    for _ in range(400):
        place, bit = draw.randrange(len(whole)), draw.randrange(8)
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :])
        try:
            found, state = load_checkpoint(file)
        except RunError:
            refused += 1
            continue
        assert state == STATE
        assert found.keys() == TENSORS.keys()
        assert all(torch.equal(found[name], TENSORS[name]) for name in found)
    assert refused > 380  # the others are spaces that fill up the head


def test_one_flipped_bit_of_the_best_weights_stops_an_evaluation(run: Path) -> None:
    best = bytearray((run / "best.safetensors").read_bytes())
    best[-1] ^= 0x40  # the exponent of the last weight
    (run / "best.safetensors").write_bytes(best)
    done = CliRunner().invoke(root, ["evaluate", str(run)])
    assert isinstance(done.exception, RunError)
    assert str(done.exception) == (
        f"{run}/best.safetensors is damaged: its checksum is not that of what it holds.\n"
        "It must be a checkpoint that Striate wrote.\n"
        f"{run}/last.safetensors is whole, after 3 epochs: copy it to best.safetensors, or train anew."
    )
    assert done.output == ""
    shutil.copy(run / "last.safetensors", run / "best.safetensors")
    assert CliRunner().invoke(root, ["evaluate", str(run)]).exit_code == 0


def test_what_is_good_is_named_where_a_training_cannot_go_on(run: Path, few_digits: Path) -> None:
    (run / "last.safetensors").write_bytes(b"")
    (run / "previous.safetensors").unlink()
    opened = open_run(run)
    with pytest.raises(RunError) as caught:
        session.resume(opened, session.reload(opened))
    assert str(caught.value).splitlines()[2] == (
        f"{run}/best.safetensors is whole, for evaluate, predict and serve. "
        "To train, begin anew with --out ANOTHER_FOLDER."
    )
    assert not (run / ".lock").exists()
    (run / "best.safetensors").unlink()
    with pytest.raises(RunError, match="No other checkpoint of the run is whole. Train anew: striate train NETWORK"):
        session.resume(opened, session.reload(opened))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_refused_and_never_written(value: float, run: Path) -> None:
    file = run / "best.safetensors"
    before = file.read_bytes()
    tensors, state = load_checkpoint(file)
    tensors["conv1.weight"][0, 0, 0, 0] = value
    with pytest.raises(LearningError) as learning:
        save_checkpoint(file, tensors, state)
    assert str(learning.value).splitlines()[0] == (
        f"{file} is not written: 1 of the 100 values of conv1.weight are not finite."
    )
    assert file.read_bytes() == before
    forged(file, tensors)
    for read in (lambda: open_run(run).model(), lambda: Predictor(open_run(run))):
        with pytest.raises(RunError) as caught:
            read()
        assert str(caught.value) == (
            f"{file} cannot be used: 1 of the 100 values of conv1.weight are not finite.\n"
            "Weights are finite numbers; these ran away in training, or the file was changed.\n"
            f"{run}/last.safetensors is whole, after 3 epochs: copy it to best.safetensors, or train anew."
        )


def test_answers_that_are_not_finite_are_refused(run: Path, tmp_path: Path) -> None:
    tensors, state = load_checkpoint(run / "best.safetensors")
    save_checkpoint(run / "best.safetensors", {name: each * 1e36 for name, each in tensors.items()}, state)
    with pytest.raises(RunError) as caught:
        evaluation.evaluate(open_run(run))
    assert str(caught.value) == (
        f"{run} has no answer for 300 of 300 images: not finite.\n"
        "Its weights are finite, but so large that sums of them are not.\n"
        "Train anew at a lower rate, or take the run from a copy."
    )
    Image.linear_gradient("L").save(tmp_path / "stroke.png")
    done = CliRunner().invoke(root, ["predict", str(run), str(tmp_path / "stroke.png")])
    assert isinstance(done.exception, RunError)
    assert "nan" not in done.output


def test_a_checkpoint_of_version_1_without_a_checksum_is_read(tmp_path: Path) -> None:
    forged(tmp_path / "x.safetensors", TENSORS)
    assert load_checkpoint(tmp_path / "x.safetensors")[1] == STATE


@pytest.mark.parametrize(
    ("metadata", "what"),
    [
        ({"version": "3"}, "is of format 'striate-checkpoint', version '3'."),
        ({"version": ""}, "is of format 'striate-checkpoint', version ''."),
        ({"format": "other"}, "is of format 'other', version '1'."),
        ({"version": "2"}, "is damaged: its checksum is not that of what it holds."),
        ({"checksum": "0"}, "is damaged: its checksum is not that of what it holds."),
        ({"state": "[1]"}, "is damaged: its state is no JSON object."),
        ({"state": "[" * 100_000}, "is damaged: "),
        ({"state": "{"}, "is damaged: "),
    ],
)
def test_a_wrong_version_or_state_is_refused(metadata: dict[str, str], what: str, tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    forged(file, TENSORS, **metadata)
    with pytest.raises(RunError) as caught:
        load_checkpoint(file)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith(f"{file} {what}")
    assert len(lines) == 3


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda each: each.double(), "conv1.weight is float64 4×1×5×5 in place of float32 4×1×5×5."),
        (lambda each: each.to(torch.int64), "conv1.weight is int64 4×1×5×5 in place of float32 4×1×5×5."),
        (lambda each: each[:2], "conv1.weight is float32 2×1×5×5 in place of float32 4×1×5×5."),
        (None, "it lacks conv1.weight."),
    ],
)
def test_another_type_or_size_is_refused(change, what: str, run: Path) -> None:
    file = run / "best.safetensors"
    tensors, state = load_checkpoint(file)
    weight = tensors.pop("conv1.weight")
    save_checkpoint(file, tensors | ({"conv1.weight": change(weight)} if change else {}), state)
    with pytest.raises(RunError) as caught:
        open_run(run).model()
    assert str(caught.value) == (
        f"{file} does not fit the run's network: {what}\nBoth must be of one run.\n"
        "Take the files from a copy, or train anew."
    )


@pytest.mark.parametrize(
    ("name", "tensor", "what"),
    [
        ("conv1.weight/exp_avg", None, "adamw keeps exp_avg, exp_avg_sq, step, not exp_avg_sq, step."),
        ("conv1.weight/exp_avg", torch.zeros(3), "exp_avg is float32 3 in place of float32 4×1×5×5."),
        ("conv1.weight/step", torch.zeros(2), "step is float32 2 in place of float32 number."),
        ("conv1.weight/other", torch.zeros(2), "adamw keeps exp_avg, exp_avg_sq, step, not exp_avg, exp_avg_sq, "),
        ("conv9.weight/step", torch.zeros(()), "it also holds optimiser/conv9.weight/step."),
    ],
)
def test_an_optimiser_of_another_form_is_refused(name: str, tensor, what: str, run: Path) -> None:
    file = run / "last.safetensors"
    tensors, state = load_checkpoint(file)
    tensors.pop(f"optimiser/{name}", None)
    save_checkpoint(file, tensors | ({} if tensor is None else {f"optimiser/{name}": tensor}), state)
    opened = open_run(run)
    with pytest.raises(RunError) as caught:
        list(session.resume(opened, session.reload(opened)))
    assert what in str(caught.value)
