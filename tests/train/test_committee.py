"""Committees against averages worked out by hand."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from striate import RBF, Flatten, Linear, Network
from striate.errors import DataError, RunError
from striate.train import Outputs, Recipe, Run, evaluation, open_run, session
from striate.train.committee import committee, in_order, together
from striate.train.temperature import temperature_of

FLAT = Network("flat", (1, 32, 32), [Flatten(), Linear(4), RBF(tuple((float(k), 1.0, 0.0, -1.0) for k in range(10)))])
"""Another input size than the tiny run's, distances instead of logits, other values of pixels."""


@pytest.fixture(scope="module")
def other_run(few_digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    recipe = Recipe(epochs=2, batch=50, loss="rbf-map", rubbish=2.0, initialisation="lecun", low=0.0, high=1.0)
    folder = tmp_path_factory.mktemp("runs") / "flat"
    run, split = session.prepare(FLAT, session.Images(str(few_digits)), recipe, folder=folder, device="cpu")
    list(session.start(run, split))
    return run


def by_hand(scores: list[float], temperature: float) -> list[float]:
    powers = [math.exp(score / temperature) for score in scores]
    return [power / sum(powers) for power in powers]


def test_the_mean_of_calibrated_probabilities() -> None:
    first = Outputs(torch.tensor([[1.0, 2.0, 0.5], [0.0, 3.0, 1.0]]), torch.tensor([0, 1]), 0.3, temperature=2.0)
    second = Outputs(torch.tensor([[-4.0, -9.0, -30.0], [-6.0, -5.0, -1.0]]), torch.tensor([0, 1]), 4.0, 5.0)
    found = together([first, second])
    means = [
        [
            (one + other) / 2
            for one, other in zip(
                by_hand(first.scores[image].tolist(), 2.0), by_hand(second.scores[image].tolist(), 5.0), strict=True
            )
        ]
        for image in range(2)
    ]
    torch.testing.assert_close(found.probabilities, torch.tensor(means, dtype=torch.float64))
    assert found.loss == pytest.approx(-(math.log(means[0][0]) + math.log(means[1][1])) / 2)
    assert found.predicted.tolist() == [row.index(max(row)) for row in means]


def test_one_alone_is_itself_and_twice_the_same_too() -> None:
    outputs = Outputs(torch.randn(9, 4, generator=torch.Generator().manual_seed(0)), torch.arange(9) % 4, 0.0, 3.0)
    for members in ([outputs], [outputs, outputs]):
        torch.testing.assert_close(together(members).probabilities, outputs.probabilities, check_dtype=False)


def test_surest_scores_stay_apart() -> None:
    """Probabilities of 1 − 1e−30 and 1 − 1e−40 are one float; their logarithms' differences are not."""
    scores = torch.tensor([[69.0, 0.0], [92.0, 0.0]])
    differences = together([Outputs(scores, torch.tensor([0, 0]), 0.0)]).scores.diff(dim=1).neg()[:, 0]
    torch.testing.assert_close(differences, scores[:, 0].double())


def test_classes_are_matched_by_name() -> None:
    outputs = Outputs(torch.tensor([[1.0, 2.0, 3.0], [6.0, 5.0, 4.0]]), torch.tensor([2, 1]), 0.0)
    found = in_order(outputs, ("c", "a", "b"), ("a", "b", "c"))
    assert found.scores.tolist() == [[2.0, 3.0, 1.0], [5.0, 4.0, 6.0]]
    assert found.labels.tolist() == [1, 0]
    assert found.accuracy == outputs.accuracy


def test_networks_of_other_sizes_and_outputs_answer_together(finished_run: Path, other_run: Run) -> None:
    runs = [open_run(finished_run), other_run]
    found = committee(runs)
    alone = [evaluation.evaluate(run)[0] for run in runs]
    assert [member.accuracy for member in found.members] == [outputs.accuracy for outputs in alone]
    mean = sum(outputs.probabilities.double() for outputs in alone) / 2
    torch.testing.assert_close(found.together.probabilities, mean, rtol=1e-5, atol=1e-7)
    wrong = torch.stack([outputs.predicted != outputs.labels for outputs in alone])
    assert (found.missed_by_all, found.missed_by_some) == (wrong.all(0).sum(), wrong.any(0).sum())
    assert len(found.images) == 300


def test_a_committee_is_calibrated_on_its_validation_images_as_its_members_are(
    finished_run: Path, other_run: Run
) -> None:
    members = committee([open_run(finished_run), other_run], split="validation").members
    for run, outputs in zip([open_run(finished_run), other_run], members, strict=True):
        assert run.temperature == pytest.approx(temperature_of(outputs.scores, outputs.labels), rel=1e-3)


def other(run: Run, **changes: object) -> Run:
    """The run with a change in the record of its data."""
    return replace(run, data=replace(run.data, **changes))


def test_other_classes_are_refused(finished_run: Path) -> None:
    run = open_run(finished_run)
    with pytest.raises(RunError) as caught:
        committee([run, other(run, classes=(*run.classes[:8], "eight", "nine"))])
    assert str(caught.value) == (
        f"{run.folder} and {run.folder} learned different classes.\n"
        f"The networks of a committee know the same classes, matched by name; only {run.folder} knows 8, 9; "
        f"only {run.folder} knows eight, nine.\n"
        "Evaluate them one by one."
    )


def test_other_images_are_refused_unless_they_are_named(finished_run: Path, few_digits: Path) -> None:
    run = open_run(finished_run)
    with pytest.raises(RunError) as caught:
        committee([run, other(run, source="elsewhere")])
    assert str(caught.value) == (
        f"{run.folder} was trained on {run.data.source}, {run.folder} on elsewhere.\n"
        "A committee is judged on the same images.\nName them: --data SOURCE."
    )
    assert len(committee([run, other(run, source="elsewhere")], source=str(few_digits)).members) == 2


def test_other_validation_images_are_refused(finished_run: Path) -> None:
    run = open_run(finished_run)
    half = replace(run, recipe=replace(run.recipe, hold_out=0.5))
    with pytest.raises(RunError, match="Evaluate them on the test images."):
        committee([run, half], split="validation")
    assert len(committee([run, half]).images) == 300


def test_images_that_change_meanwhile_are_noticed(finished_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = open_run(finished_run)
    outputs, images = evaluation.evaluate(run)
    answers = iter([(outputs, images), (replace(outputs, labels=outputs.labels.flip(0)), images)])
    monkeypatch.setattr("striate.train.committee.evaluate", lambda *_, **__: next(answers))
    with pytest.raises(DataError) as caught:
        committee([run, run])
    assert str(caught.value) == (
        f"{run.folder} sees other images of {images.source} than {run.folder}.\n"
        "A committee answers for one image at a time.\nDid they change meanwhile? Evaluate once more."
    )
