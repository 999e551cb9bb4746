"""Several processes train as one does: the same losses and weights but for rounding, each image once, one writer."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click import UsageError

from striate import from_text
from striate.cli.processes import folder_of, was_begun
from striate.errors import DataError, LearningError, PeerError, SpecError
from striate.kernels.binary import library
from striate.modules import build
from striate.train import Learner, Recipe, session
from striate.train.distributed import World, here, joined, launched, require_one_model, require_one_set
from striate.train.parts import parts_of, unfit_error, unfit_for_parts
from tests.support.commands import striate
from tests.support.idx import first_digits
from tests.support.several import Case, together, trained

COLOURS = {
    **{"rotation": 9, "shift": 1, "crop": 0.3, "elastic": 0.5, "lighting": 0.1, "brightness": 0.2, "contrast": 0.1},
    **{"saturation": 0.2, "hue": 9, "cutout": 3, "flip": True},
}
PLAIN = "3x8x8: conv 4 3x3, relu, dropout 0.3, conv 5 3x3, max 2, relu, linear 12, relu, dropout 0.5, linear 4"
NORMS = (
    "3x8x8: conv 4 3x3 no bias, bn, relu, dropout 0.2, conv 5 3x3 no bias, bn, relu, "
    "linear 12 no bias, bn, relu, linear 4"  # a bias before a normalisation has a gradient of rounding errors alone
)
CASES = {
    "augmentation, weights, smoothing": Case(
        PLAIN, {"augmentation": COLOURS, "class_weights": "balanced", "label_smoothing": 0.1}
    ),
    "whole pixels, symmetries, average": Case(
        PLAIN,
        {
            "augmentation": {"shift": 2, "alternating_flip": True, "symmetries": "images"},
            "optimiser": "sgd",
            "rate": 0.02,
            "average": 0.8,
        },
    ),
    "mixup, weights, batch norm": Case(
        NORMS, {"mixup": 0.7, "class_weights": "balanced", "batch": 9, "optimiser": "sgd", "rate": 0.02}
    ),
    "muon, channels last, batch norm": Case(
        NORMS, {"optimiser": "muon", "rate": 0.01, "filter_rate": 0.02}, "channels-last"
    ),
    "adadelta, balanced": Case(PLAIN, {"optimiser": "adadelta", "rate": 0.5, "sampling": "balanced"}),
    "accumulated": Case(PLAIN, {"augmentation": COLOURS, "accumulate": 3, "batch": 13}),
}
KERNELS = {
    "engine, uneven parts, dropout": Case(PLAIN, {"batch": 80}, "engine", images=130),
    "engine, warped, accumulated": Case(
        PLAIN, {"batch": 140, "accumulate": 2, "augmentation": {"rotation": 12, "elastic": 0.5}}, "engine", images=180
    ),
    "engine, momentum, average": Case(
        PLAIN.replace("dropout 0.3, ", "").replace("dropout 0.5, ", ""),
        {"optimiser": "sgd", "rate": 0.05, "average": 0.9, "loss": "cross-entropy"},
        "engine",
    ),
    "engine, muon, mixup, weights": Case(
        PLAIN,
        {
            "optimiser": "muon",
            "rate": 0.01,
            "filter_rate": 0.02,
            "mixup": 0.7,
            "class_weights": "balanced",
            "label_smoothing": 0.1,
            "batch": 80,
        },
        "engine",
        images=130,
    ),
    "operators, batch norm, dropout": Case(
        NORMS, {"batch": 70, "augmentation": {"shift": 1, "flip": True}}, "operators", images=110
    ),
}


def alike(cases: dict[str, Case], count: int, folder: Path) -> None:
    for (name, case), (figures, tensors) in zip(cases.items(), together([*cases.values()], count, folder), strict=True):
        wanted, state = trained(case)
        torch.testing.assert_close(torch.tensor(figures), torch.tensor(wanted), rtol=2e-4, atol=2e-5, msg=name)
        assert tensors.keys() == state.keys(), name
        for path, each in state.items():
            torch.testing.assert_close(
                tensors[path], each, rtol=1e-3, atol=1e-4, msg=lambda text, n=name, p=path: f"{n}, {p}: {text}"
            )


def test_two_processes_train_as_one_does(tmp_path: Path) -> None:
    cases = CASES if isinstance(library(), str) else CASES | KERNELS
    alike(cases, 2, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("count", [3, 4])
def test_three_and_four_processes_train_as_one_does(tmp_path: Path, count: int) -> None:
    alike(
        CASES | ({} if isinstance(library(), str) else {"engine": KERNELS["engine, momentum, average"]}),
        count,
        tmp_path,
    )


def test_without_torchrun_there_is_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    assert launched() is None
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "1")
    for name, value in (("LOCAL_RANK", "0"), ("MASTER_ADDR", "localhost"), ("MASTER_PORT", "1")):
        monkeypatch.setenv(name, value)
    assert launched() is None
    with joined("cpu") as world:
        assert world == here() == World(0, 1)
        assert world.told(lambda: {"a": 1}) == {"a": 1}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"MASTER_PORT": None, "LOCAL_RANK": None},
            "the environment has RANK and WORLD_SIZE, and lacks LOCAL_RANK, MASTER_PORT.\n"
            "Processes that train together find each other by all five of RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, "
            "MASTER_PORT.\n"
            "Start them by torchrun, which sets these; or unset RANK and WORLD_SIZE to train in one process.",
        ),
        ({"RANK": "one"}, "RANK is 'one'.\nIt must be a whole number, at least 0.\nStart it by torchrun."),
        ({"RANK": "²"}, "RANK is '²'.\nIt must be a whole number, at least 0.\nStart it by torchrun."),
        ({"RANK": "2"}, "RANK is 2 and WORLD_SIZE 2.\nRanks are counted from 0.\nStart it by torchrun."),
    ],
)
def test_a_wrong_environment_is_named(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, str | None], text: str
) -> None:
    whole = {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "MASTER_ADDR": "localhost", "MASTER_PORT": "29500"}
    for name, value in (whole | change).items():
        monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
    with pytest.raises(SpecError) as raised:
        launched()
    assert str(raised.value) == text


def test_parts_cover_a_batch_once_and_begin_with_lane_groups_where_they_can() -> None:
    for total in [*range(1, 70), 128, 257]:
        for size, accumulate in ((1, 1), (2, 1), (3, 2), (4, 4)):
            if total < size * accumulate:
                continue
            parts = [part for own in parts_of(total, World(0, size), accumulate) for part in own]
            assert [place for part in parts for place in range(part.first, part.end)] == [*range(total)]
            assert all(len(part) for part in parts)
            if total >= 16 * size * accumulate * 2:
                assert all(part.first % 16 == 0 for part in parts)
    with pytest.raises(SpecError) as raised:
        parts_of(7, World(0, 4), 2)
    assert str(raised.value) == (
        "a batch of 7 images cannot be cut into 8 parts: 4 processes, accumulate 2.\n"
        "Each part has an image or more.\n"
        "Take larger batches (--batch), fewer processes, or --set accumulate=1."
    )


def test_kernels_that_cannot_share_a_batch_are_refused_and_not_chosen() -> None:
    two, norms, plain = World(0, 2), from_text(NORMS), from_text(PLAIN)
    assert unfit_for_parts(norms, Recipe(), World(), batch=128) == {}
    found = unfit_for_parts(norms, Recipe(), two, batch=128)
    assert found["engine"] == "the statistics of batch normalisation are not exchanged between processes on them"
    assert {*unfit_for_parts(plain, Recipe(), two, batch=128)} == {"compiled"}
    assert {*unfit_for_parts(plain, Recipe(), two, batch=20)} == {"compiled", "engine", "operators"}
    assert str(unfit_error(plain, "engine", "dropout needs parts of a multiple of 16 images on them")) == (
        "Striate's kernels (engine) cannot train network in parts: dropout needs parts of a multiple of 16 images on "
        "them.\nSeveral processes, and accumulate, cut each batch into parts.\n"
        "Leave --kernels at auto in a new run; a run that began on these kernels goes on in one process."
    )
    if not isinstance(library(), str):
        with pytest.raises(SpecError, match="engine.* cannot train .* in parts: dropout needs parts of"):
            Learner(build(plain), Recipe(batch=20, accumulate=2), kernels="engine")
    assert Learner(build(plain), Recipe(batch=20, accumulate=2)).runs.kernels not in ("engine", "operators")


def test_weights_that_drift_apart_end_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def other(self: World, own: torch.Tensor, counts: list[int]) -> torch.Tensor:
        return torch.cat([own + 1, own])

    monkeypatch.setattr(World, "rows", other)
    with pytest.raises(LearningError) as raised:
        require_one_model(World(1, 2), build(from_text(PLAIN)), epoch=3)
    assert str(raised.value) == (
        "the weights of process 1 of 2 are not those of process 0 after epoch 3.\n"
        "All processes make the same update from the same sum of gradients.\n"
        "Use one version of PyTorch and one kind of processor for all, and report it if they are the same."
    )


def test_one_process_of_torchrun_takes_its_run_up_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, network = tmp_path / "run", from_text("1x28x28: conv 4 5x5 /2, relu, linear 10")
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "a job")
    (tmp_path / "digits").mkdir()
    data = session.Images(str(first_digits(tmp_path / "digits", train=200, test=10)))
    run, split = session.prepare(network, data, Recipe(epochs=1), folder=folder, device="cpu", threads=1)
    session.start(run, split).close()
    assert was_begun(here(), folder)
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "another job")
    assert not was_begun(here(), folder)
    monkeypatch.setenv("TORCHELASTIC_MAX_RESTARTS", "3")
    with pytest.raises(UsageError, match="Give the run a folder by --out"):
        folder_of(here(), None, "lenet5")


def test_other_images_in_one_process_end_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(World, "rows", lambda self, own, counts: torch.cat([own, own]))
    require_one_set(World(1, 2), ("a", "b"), source="photos")
    monkeypatch.setattr(World, "rows", lambda self, own, counts: torch.cat([own, own + 1]))
    with pytest.raises(DataError) as raised:
        require_one_set(World(1, 2), ("a", "b"), source="photos")
    assert str(raised.value) == (
        "photos: process 1 of 2 has read other images than process 0.\n"
        "All processes read the same images.\n"
        "Compare the machines' copies of them, and copy them anew."
    )


def test_a_lost_process_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: object) -> None:
        raise RuntimeError("Connection closed by peer\nand more")

    monkeypatch.setattr(torch.distributed, "all_reduce", lost)
    with pytest.raises(PeerError) as raised:
        World(1, 2).add_up(torch.zeros(1))
    assert str(raised.value) == (
        f"process 1 of 2 (on {socket.gethostname()}) has lost the others: Connection closed by peer\n"
        "All processes take each step together; when one ends, so do all.\n"
        "The one that failed says why in a message of its own."
    )


def test_only_training_runs_in_several_processes() -> None:
    several = {"RANK": "1", "WORLD_SIZE": "2"}
    done = striate("account", "lenet5", **several)
    assert done.returncode == 2
    assert "(in process 1 of 2) striate account runs in one process, and this is one of 2: start" in done.stderr
    done = striate("train", "lenet5", **several)
    assert done.returncode == 2
    assert "Error in process 1 of 2: the environment has RANK and WORLD_SIZE, and lacks" in done.stderr


def test_accumulated_gradients_are_those_of_the_whole_batch() -> None:
    for case in (CASES["augmentation, weights, smoothing"], CASES["whole pixels, symmetries, average"]):
        figures, tensors = trained(case)
        again, parts = trained(replace(case, recipe=case.recipe | {"accumulate": 4}))
        torch.testing.assert_close(torch.tensor(again), torch.tensor(figures), rtol=2e-4, atol=2e-5)
        for path, each in tensors.items():
            torch.testing.assert_close(parts[path], each, rtol=1e-3, atol=1e-4, msg=path)
