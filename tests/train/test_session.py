"""Runs: killed at any moment and taken up again, stopped by Ctrl-C, and never shown the test images."""

import json
import os
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from striate import Flatten, Linear, Network, find, from_text
from striate.cli import root
from striate.data import Augmentation, source
from striate.errors import DataError, LearningError, RunError, ShapeError, UnknownNameError
from striate.train import Recipe, evaluation, open_run, session
from striate.train.checkpoint import load_checkpoint
from striate.train.run import create_run, free_folder
from striate.train.session import Finished, Images, Interrupted
from striate.train.whitening import with_whitening
from tests.support.killing import killed_many_times
from tests.support.networks import TINY

RECIPE = Recipe(epochs=4, batch=40, rate=0.01)
CALLS = 60_000
"""A training of `RECIPE` with a checkpoint after every step takes a few thousand calls and returns more."""


def train_or_resume(folder: str, digits: str, every: float) -> None:
    """What `striate train` does: begin, or go on where something is saved."""
    session.SAVE_EVERY = every
    torch.set_num_threads(1)
    if Path(folder).exists():
        run = open_run(folder)
        events = session.resume(run, session.reload(run))
    else:
        run, split = session.prepare(TINY, Images(digits), RECIPE, folder=Path(folder), device="cpu", threads=1)
        events = session.start(run, split)
    for _ in events:
        pass


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_checkpoint(folder / "last.safetensors")[0]


def epochs(folder: Path) -> list[dict]:
    timing = {"time", "seconds", "images_per_second"}
    return [{key: each[key] for key in each if key not in timing} for each in open_run(folder).events("epoch")]


def killed(folder: Path, digits: Path, *, kills: int, seed: int) -> int:
    """Train with a checkpoint after every step, killed again and again; the number of kills that hit."""
    work = partial(train_or_resume, str(folder), str(digits), -1.0)
    return killed_many_times(work, module=__name__, kills=kills, calls=CALLS // kills, seed=seed)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, few_digits) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "whole"
    threads = torch.get_num_threads()
    every = session.SAVE_EVERY
    train_or_resume(str(folder), str(few_digits), 30.0)
    torch.set_num_threads(threads)
    session.SAVE_EVERY = every
    return folder


def assert_alike(folder: Path, undisturbed: Path) -> None:
    found, expected = weights(folder), weights(undisturbed)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    best = [load_checkpoint(each / "best.safetensors")[0] for each in (folder, undisturbed)]
    assert all(torch.equal(best[0][name], best[1][name]) for name in best[1])
    assert epochs(folder) == epochs(undisturbed)
    assert (folder / "filters.safetensors").read_bytes() == (undisturbed / "filters.safetensors").read_bytes()


def test_kill_9_and_resume(tmp_path, few_digits, undisturbed) -> None:
    hits = killed(tmp_path / "killed", few_digits, kills=2, seed=1)
    assert hits == 2
    assert_alike(tmp_path / "killed", undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_kill_9_at_many_moments(tmp_path, few_digits, undisturbed, seed) -> None:
    """A checkpoint is saved after every step: most moments are amid a save inside an epoch."""
    killed(tmp_path / "killed", few_digits, kills=15, seed=seed)
    assert not list((tmp_path / "killed").glob(".*"))  # what had been begun was cleared away
    assert_alike(tmp_path / "killed", undisturbed)


def test_ctrl_c_saves_and_resume_goes_on(tmp_path, few_digits, undisturbed) -> None:
    threads = torch.get_num_threads()
    run, split = session.prepare(
        TINY, Images(str(few_digits)), RECIPE, folder=tmp_path / "run", device="cpu", threads=1
    )
    seen = []
    for number, event in enumerate(session.start(run, split)):
        seen.append(event)
        if number == 30:
            signal.raise_signal(signal.SIGINT)
    assert isinstance(seen[-1], Interrupted)
    assert run.events("interrupted")
    resumed = list(session.resume(open_run(run.folder), session.reload(run)))
    assert isinstance(resumed[-1], Finished)
    assert_alike(run.folder, undisturbed)
    torch.set_num_threads(threads)


def test_gradients_are_compared_with_the_first_step_after_a_resume_too(tmp_path, few_digits, monkeypatch) -> None:
    threads, watches = torch.get_num_threads(), []

    class Watched(session.GradientWatch):
        def __init__(self, *given, **named) -> None:
            super().__init__(*given, **named)
            watches.append(self)

    monkeypatch.setattr(session, "GradientWatch", Watched)
    run, split = session.prepare(
        TINY, Images(str(few_digits)), RECIPE, folder=tmp_path / "run", device="cpu", threads=1
    )
    for number, _ in enumerate(session.start(run, split)):
        if number == 30:
            signal.raise_signal(signal.SIGINT)
    first = watches[-1].first
    assert first is not None
    run.log("warning", kind="exploding", what="", cause="", remedy="", epoch=1)
    list(session.resume(open_run(run.folder), session.reload(run)))
    assert (watches[-1].first, watches[-1].reported) == (first, True)
    torch.set_num_threads(threads)


def test_a_finished_run_that_is_resumed_stays_as_it_is(undisturbed) -> None:
    before = (undisturbed / "last.safetensors").read_bytes()
    run = open_run(undisturbed)
    events = list(session.resume(run, session.reload(run)))
    assert [type(event) for event in events] == [Finished]
    assert (undisturbed / "last.safetensors").read_bytes() == before
    assert len(run.events("finished")) == 1


def test_a_run_is_a_folder_of_known_files(undisturbed) -> None:
    assert sorted(os.listdir(undisturbed)) == [
        "best.safetensors", "events.jsonl", "filters.safetensors", "last.safetensors", "network.json",
        "previous.safetensors", "run.json",
    ]  # fmt: skip
    lines = [json.loads(line) for line in (undisturbed / "events.jsonl").read_text().splitlines()]
    assert {"event", "epoch", "loss", "accuracy", "seconds", "images_per_second"} <= set(lines[1])
    assert [each["event"] for each in lines[:10]] == ["started", *["epoch", "profile"] * 4, "finished"]


def test_training_opens_no_test_image(tmp_path, few_digits, monkeypatch) -> None:
    asked = []
    real = source.idx_folder
    monkeypatch.setattr(source, "idx_folder", lambda folder, split: asked.append(split) or real(folder, split))
    run, split = session.prepare(
        TINY, Images(str(few_digits)), replace(RECIPE, epochs=1), folder=tmp_path / "run", device="cpu"
    )
    list(session.start(run, split))
    assert set(asked) == {"train"}


def test_it_ends_at_the_wanted_accuracy(tmp_path, few_digits) -> None:
    recipe = replace(RECIPE, epochs=50, until=0.5)
    run, split = session.prepare(TINY, Images(str(few_digits)), recipe, folder=tmp_path / "run", device="cpu")
    last = list(session.start(run, split))[-1]
    assert isinstance(last, Finished)
    assert last.why == "reached 50.00% on the validation images"
    assert last.epoch < 20


def test_a_loss_that_is_no_number_ends_the_training(tmp_path, few_digits) -> None:
    recipe = replace(RECIPE, rate=1e30, schedule="constant", optimiser="sgd")
    run, split = session.prepare(TINY, Images(str(few_digits)), recipe, folder=tmp_path / "run", device="cpu")
    with pytest.raises(LearningError, match=r"the loss is (nan|inf) at step \d+") as caught:
        list(session.start(run, split))
    assert "Try a tenth of it: --rate" in str(caught.value)


def test_a_folder_in_use_is_refused(tmp_path, few_digits) -> None:
    run, _ = session.prepare(TINY, Images(str(few_digits)), RECIPE, folder=tmp_path / "run", device="cpu")
    create_run(run)
    with pytest.raises(RunError) as caught:
        create_run(run)
    assert str(caught.value) == (
        f"{run.folder} is there already.\n"
        "A new run needs a folder of its own, so that nothing is overwritten.\n"
        f"Go on with it by --resume {run.folder}, or give another folder to --out."
    )
    assert os.listdir(tmp_path) == ["run"]


def test_the_next_folder_is_free(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert free_folder("lenet5") == Path("runs/lenet5")
    (tmp_path / "runs/lenet5").mkdir(parents=True)
    assert free_folder("lenet5") == Path("runs/lenet5-2")


def test_other_images_than_the_run_began_with_are_refused(undisturbed) -> None:
    run = open_run(undisturbed)
    with pytest.raises(RunError, match="the images of mnist are not those that this run began with"):
        session.reload(replace(run, data=replace(run.data, source="mnist")))


def test_an_output_of_another_size_than_the_classes_is_refused(tmp_path) -> None:
    network = Network("three", (1, 28, 28), [Flatten(), Linear(3)])
    with pytest.raises(ShapeError, match="three has an output of 3 for 10 classes"):
        session.prepare(network, Images(), RECIPE, folder=tmp_path / "run")


def test_a_device_that_is_not_there_is_refused(tmp_path, few_digits) -> None:
    with pytest.raises(UnknownNameError, match="no device 'abacus' on this machine.\nThe devices here are: cpu"):
        session.prepare(TINY, Images(str(few_digits)), RECIPE, folder=tmp_path / "run", device="abacus")


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda folder: (folder / "run.json").unlink(), "is not a run.\nA run is a folder that striate train made"),
        (lambda folder: (folder / "run.json").write_text("{"), "run.json cannot be read: Expecting property name"),
        (lambda folder: (folder / "run.json").write_text('{"format": "x"}'), "is not of a version that this Striate"),
        (lambda folder: (folder / "network.json").unlink(), "network.json cannot be read: No such file or directory."),
        (lambda folder: (folder / "network.json").write_text("[]"), "is damaged: the file is not a JSON object."),
    ],
)
def test_a_damaged_run_says_what_is_wrong(tmp_path, few_digits, damage, text) -> None:
    run, _ = session.prepare(TINY, Images(str(few_digits)), RECIPE, folder=tmp_path / "run", device="cpu")
    create_run(run)
    damage(run.folder)
    with pytest.raises(RunError) as caught:
        open_run(run.folder)
    assert text in str(caught.value)


def test_evaluation_matches_classes_by_name(undisturbed, tmp_path, few_digits) -> None:
    """The same digits as a folder of images, of classes 3 and 8 only, in the other order."""
    from PIL import Image

    from striate.data import load

    images = load(str(few_digits), "test")
    for number, (pixels, label) in enumerate(zip(images.images, images.labels.tolist(), strict=True)):
        if label in (3, 8):
            for split in ("train", "test"):
                folder = tmp_path / "digits" / split / str(label)
                folder.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels[0].numpy()).save(folder / f"{number}.png")
    run = open_run(undisturbed)
    every, _ = evaluation.evaluate(run)
    some, chosen = evaluation.evaluate(run, source=str(tmp_path / "digits"))
    assert chosen.classes == run.classes
    wanted = (every.labels == 3) | (every.labels == 8)
    assert sorted(some.labels.tolist()) == sorted(every.labels[wanted].tolist())
    assert some.accuracy == pytest.approx((every.predicted == every.labels)[wanted].double().mean().item())
    (tmp_path / "digits/train/3").rename(tmp_path / "digits/train/cat")
    (tmp_path / "digits/test/3").rename(tmp_path / "digits/test/cat")
    with pytest.raises(
        DataError, match="the images have classes that the network did not learn: cat.\nIt learned 0, 1"
    ):
        evaluation.evaluate(run, source=str(tmp_path / "digits"))


def test_validation_images_that_were_not_held_out_are_refused(undisturbed) -> None:
    run = open_run(undisturbed)
    other = replace(run, data=replace(run.data, validation_fingerprint=run.data.train_fingerprint))
    with pytest.raises(RunError, match=r"are not those that .* held out.\nImages were added, changed or taken away"):
        evaluation.evaluate(other, split="validation", kernels="torch")


def test_lenet5_takes_its_own_recipe_and_pads_to_32(tmp_path, few_digits) -> None:
    run, split = session.prepare(
        find("lenet5"), Images(str(few_digits)), replace(RECIPE, loss="rbf-mle", epochs=1), folder=tmp_path / "run"
    )
    assert split.train.images.shape[1:] == (1, 32, 32)
    assert run.preprocessing.fit == "pad"


def test_the_best_weights_are_averages_where_the_recipe_wants_them(tmp_path, few_digits) -> None:
    recipe = replace(RECIPE, average=0.95, augmentation=Augmentation(rotation=5, elastic=0.5))
    run, split = session.prepare(TINY, Images(str(few_digits)), recipe, folder=tmp_path / "run", device="cpu")
    *_, epoch, finished = session.start(run, split)
    assert isinstance(finished, Finished)
    assert finished.epoch == recipe.epochs == epoch.epoch
    kept, _ = load_checkpoint(run.path("best.safetensors"))
    last, _ = load_checkpoint(run.path("last.safetensors"))
    for name, tensor in kept.items():
        assert torch.equal(tensor, last[f"optimiser/{name}/average"])
        assert not torch.equal(tensor, last[name])
    outputs, _ = evaluation.evaluate(run, split="validation")
    assert outputs.accuracy == finished.accuracy


def test_the_command_says_that_images_change_and_weights_are_averaged(tmp_path, few_digits) -> None:
    file = tmp_path / "mine.json"
    recipe = replace(RECIPE, epochs=1, average=0.99, augmentation=Augmentation(rotation=5, elastic=0.5))
    file.write_text(json.dumps(recipe.to_dict()))
    arguments = ["train", "lenet5-keras", "--data", str(few_digits), "--recipe", str(file)]
    done = CliRunner().invoke(root, [*arguments, "--out", str(tmp_path / "run")])
    assert "\naugmentation: rotation 5, elastic 0.5\n" in done.output
    assert "\nvalidated and kept: the mean of the weights over the last 100 steps\n" in done.output


@pytest.mark.parametrize(
    ("augmentation", "text"),
    [
        (Augmentation(saturation=0.2), "images of 1 channel have no saturation and no hue."),
        (Augmentation(symmetries="images"), "images of 28×24 have no eight symmetries."),
    ],
)
def test_an_augmentation_that_images_cannot_have_leaves_no_run(
    augmentation: Augmentation, text: str, tmp_path: Path, few_digits: Path
) -> None:
    network = TINY if augmentation.saturation else Network("odd", (1, 28, 24), [Flatten(), Linear(10)])
    recipe = Recipe(epochs=1, augmentation=augmentation)
    with pytest.raises(DataError, match=text):
        session.prepare(network, Images(str(few_digits)), recipe, folder=tmp_path / "run", device="cpu", threads=1)
    assert not (tmp_path / "run").exists()


def test_a_network_that_whitens_is_trained_at_another_width(tmp_path: Path, few_digits: Path) -> None:
    words = ["train", "cifar-fast", "--data", str(few_digits), "--input", "1x32x32", "--width", "0.125"]
    words += ["--epochs", "1"]
    done = CliRunner().invoke(root, [*words, "--out", str(tmp_path / "run"), "--threads", "1"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert open_run(tmp_path / "run").network.layers[0].filters == 8
    line = from_text("1x28x28: conv 8 5x5, relu, linear 10")  # whose first layer has no name
    assert with_whitening(line, "") == line
    assert with_whitening(line, "conv1").layers[0].filters == 50
