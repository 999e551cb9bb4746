"""`striate.fit`: from arrays to a saved run, whose answers are those of the object that trained it."""

from __future__ import annotations

import gc
import json
import pickle
import shutil
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import striate
from striate import find
from striate.data import load
from striate.data.image_file import open_picture, prepare
from striate.errors import DataError, FormatError, RunError, SpecError, UnknownNameError
from striate.fitted import fit as fitting
from striate.fitted.defaults import network_for
from striate.fitted.fitted import Fitted
from striate.look.examples import examples_of
from striate.train import Recipe, Run, open_run
from striate.train.kernel_choice import with_kernels
from tests.support.bars import IMAGES, NUMBERS, SMALL, TEST, TRUTH, WORDS
from tests.support.commands import striate as command

pytestmark = pytest.mark.filterwarnings("ignore:No validation image")  # of trainings that are kept short
GENERATOR = np.random.default_rng(0)


def test_it_learns_and_answers_with_the_labels(model: Fitted) -> None:
    answers = model.predict(TEST)
    assert answers.dtype == WORDS.dtype
    assert (answers == WORDS[TRUTH]).mean() > 0.9
    found = model.predict_proba(TEST)
    assert found.shape == (40, 3)
    assert np.allclose(found.sum(1), 1, atol=1e-5)
    assert (model.classes[found.argmax(1)] == answers).all()
    evaluation = model.evaluate(TEST, WORDS[TRUTH])
    assert evaluation.top1 == (answers == WORDS[TRUTH]).mean()
    assert model.evaluate().images == model.run.data.validation_images


def test_it_says_what_the_weights_that_it_kept_have_reached(model: Fitted) -> None:
    kept = model.evaluate().top1
    assert repr(model) == f"Fitted(network, 3 classes, {100 * kept:.2f} % of the validation images right)"
    uneven = pickle.loads(pickle.dumps(model))  # where classes are, the epoch that is kept may not have the most right
    uneven.run.log("finished", why="", epoch=2, accuracy=kept / 2)
    assert repr(uneven) == f"Fitted(network, 3 classes, {50 * kept:.2f} % of the validation images right)"


def test_outputs_that_are_not_finite_are_no_answer(model: Fitted) -> None:
    broken = pickle.loads(pickle.dumps(model))
    with torch.no_grad():
        next(broken.model.parameters()).fill_(3e38)
    for call in (broken.predict, broken.predict_proba):
        with pytest.raises(RunError, match="has no answer for 40 of 40 images: not finite."):
            call(TEST)


def test_the_answers_are_those_of_the_module(model: Fitted) -> None:
    values = torch.from_numpy(TEST)[:, None] / 255 * (1.175 + 0.1) - 0.1
    with torch.inference_mode():
        expected = (model.run.model()(values) / model.run.temperature).softmax(1)
    assert np.allclose(model.predict_proba(TEST), expected, atol=1e-6)


def test_many_images_are_answered_alike(model: Fitted) -> None:
    many = np.concatenate([TEST] * 20)  # more than FEW: the fastest kernels answer
    assert np.allclose(model.predict_proba(many).reshape(20, 40, 3), model.predict_proba(TEST), atol=1e-5)


def test_every_form_of_the_same_images_has_the_same_answer(model: Fitted, tmp_path: Path) -> None:
    expected = model.predict_proba(TEST)
    files = []
    for number, image in enumerate(TEST):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
        files.append(tmp_path / f"{number}.png")
    for given in (
        TEST / 255,
        torch.from_numpy(TEST),
        torch.from_numpy(TEST)[:, None],
        TEST[..., None],
        list(TEST),
        [Image.fromarray(image) for image in TEST],
        files,
        list(map(str, files)),
        [each.read_bytes() for each in files],
    ):
        assert np.array_equal(model.predict_proba(given), expected)
    assert np.array_equal(model.predict_proba(str(files[3])), model.predict_proba(TEST[3:4]))
    assert model.predict(TEST[:0]).shape == (0,)


def test_a_saved_run_is_the_same_and_every_verb_reads_it(model: Fitted, tmp_path: Path) -> None:
    folder = model.save(tmp_path / "kept" / "mine")
    run = open_run(folder)
    assert Fitted(run).predict(TEST).tolist() == model.predict(TEST).tolist()
    assert (folder / "report.html").stat().st_size > 1000
    Image.fromarray(TEST[0]).save(tmp_path / "one.png")
    found = json.loads(command("predict", str(folder), str(tmp_path / "one.png"), "--json").stdout)
    assert found[0]["class"] == WORDS[TRUTH[0]]
    done = command("evaluate", str(folder))
    assert done.returncode == 2
    assert "was trained on arrays of a program, and has no images.\n" in done.stderr
    assert "--data FOLDER" in done.stderr
    done = command("train", "--resume", str(folder))
    assert done.returncode == 2
    assert "was trained on arrays of a program, which it does not keep." in done.stderr
    for verb in (["account", str(folder)], ["look", str(folder), "--only", "filters", "--out", str(tmp_path / "look")]):
        assert command(*verb).returncode == 0
    for word, label in zip(WORDS, range(3), strict=True):
        (tmp_path / "photos" / "test" / word).mkdir(parents=True)
        for number in np.flatnonzero(label == TRUTH):
            Image.fromarray(TEST[number]).save(tmp_path / "photos" / "test" / word / f"{number}.png")
    done = command("evaluate", str(folder), "--data", str(tmp_path / "photos"), "--json")
    assert json.loads(done.stdout)["top1"] == model.evaluate(TEST, WORDS[TRUTH]).top1
    with pytest.raises(RunError, match="is there already.\nA run is a new folder"):
        model.save(folder)
    assert sorted(each.name for each in folder.parent.iterdir()) == ["mine"]


def test_it_shows_the_accuracy_of_the_weights_that_it_kept(model: Fitted, monkeypatch: pytest.MonkeyPatch) -> None:
    events = {"epoch": [{"accuracy": 0.9}, {"accuracy": 0.5}], "finished": [{"accuracy": 0.5}]}
    monkeypatch.setattr(type(model.run), "events", lambda _, event: events[event])
    assert repr(model).endswith("50.00 % of the validation images right)")


@pytest.mark.parametrize(
    "values", [np.array([7, -2, 300]), np.array(["é", "b", "a"]), np.array([1.0, 5.0, 3.0]), np.array([3, 2, 9], "O")]
)
def test_labels_come_back_as_they_were(values: Any, tmp_path: Path) -> None:
    model = striate.fit(SMALL, IMAGES, values[NUMBERS], epochs=15)
    assert (model.predict(TEST) == values[TRUTH]).mean() > 0.8
    again = Fitted(open_run(model.save(tmp_path / "run")))
    assert again.predict(TEST).tolist() == model.predict(TEST).tolist()
    assert set(model.predict(TEST).tolist()) <= set(values.tolist())


def test_truth_values_and_a_span(tmp_path: Path) -> None:
    model = striate.fit(
        "1x8x8: conv 4 3x3 same, relu, linear 2", IMAGES / 16.0 - 4, NUMBERS == 1, epochs=15, span=(-4, 12)
    )
    answers = model.predict(TEST / 16.0 - 4)
    assert answers.dtype == bool
    assert (answers == (TRUTH == 1)).mean() > 0.8
    again = Fitted(open_run(model.save(tmp_path / "run")))
    assert again.predict(TEST / 16.0 - 4).tolist() == answers.tolist()
    assert again.evaluate(TEST / 16.0 - 4, TRUTH == 1).top1 == (answers == (TRUTH == 1)).mean()
    document = json.loads((tmp_path / "run/run.json").read_text())
    for key, value, text in (
        ("span", [2, 2], "data.span is no pair"),
        ("span", "all", "data.span is no pair"),
        ("labels", "number", "data.labels is 'number'"),
        ("labels", "whole", "data.labels is 'whole', and data.classes are no such labels"),
    ):
        changed = document | {"data": document["data"] | {key: value}}
        (tmp_path / "run/run.json").write_text(json.dumps(changed))
        with pytest.raises(RunError, match=text):
            open_run(tmp_path / "run")


def test_the_same_seed_gives_the_same_weights_and_leaves_no_trace() -> None:
    before, random = torch.get_num_threads(), torch.get_rng_state()
    first, second, other = (striate.fit(SMALL, IMAGES, NUMBERS, epochs=2, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first.predict_proba(TEST), second.predict_proba(TEST))
    assert not np.array_equal(first.predict_proba(TEST), other.predict_proba(TEST))
    assert torch.get_num_threads() == before
    assert torch.equal(torch.get_rng_state(), random)
    folder = first.run.folder
    assert folder.exists()
    del first
    assert not folder.exists()


@pytest.mark.filterwarnings("error::ResourceWarning", "error::pytest.PytestUnraisableExceptionWarning")
def test_its_folder_is_gone_with_it_and_without_a_warning() -> None:
    model = striate.fit(SMALL, IMAGES, NUMBERS, epochs=1)
    folder = model.run.folder
    assert folder.exists()
    del model
    gc.collect()
    assert not folder.parent.exists()


def test_it_is_pickled_whole(model: Fitted, tmp_path: Path) -> None:
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict_proba(TEST), model.predict_proba(TEST))
    assert again.epochs == model.epochs
    assert open_run(again.save(tmp_path / "run")).classes == ("left", "middle", "right")
    with pytest.raises(DataError, match="there are no images to evaluate on"):
        again.evaluate()
    assert repr(again) == repr(model)


def test_a_run_in_one_file_answers_is_pickled_and_becomes_a_folder(model: Fitted, tmp_path: Path) -> None:
    folder = model.save(tmp_path / "run")
    assert (
        command("export", str(folder), "--to", "safetensors", "--out", str(tmp_path / "one.safetensors")).returncode
        == 0
    )
    single = Fitted(open_run(tmp_path / "one.safetensors"))
    again = pickle.loads(pickle.dumps(single))
    third = Fitted(open_run(again.save(tmp_path / "third")))
    for each in (single, again, third):
        assert np.array_equal(each.predict_proba(TEST), model.predict_proba(TEST))


def test_a_run_that_was_moved_away_is_not_pickled_empty(model: Fitted, tmp_path: Path) -> None:
    opened = Fitted(open_run(model.save(tmp_path / "run")))
    (tmp_path / "run").rename(tmp_path / "other")
    with pytest.raises(RunError, match="has no run.json any more"):
        pickle.dumps(opened)


def test_numbers_of_numpy_are_numbers() -> None:
    images = IMAGES.astype(np.float32)
    found = striate.fit(SMALL, images, NUMBERS, epochs=np.int64(1), span=(images.min(), images.max()))
    assert found.run.data.span == (float(images.min()), float(images.max()))
    assert found.run.recipe.epochs == 1


def test_one_grey_image_is_not_many_of_one_column(model: Fitted) -> None:
    one = TEST[0].reshape(*TEST.shape[-2:])[..., None]
    with pytest.raises(DataError, match="one in grey, or"):
        model.predict(one)
    assert model.predict(one[None]).shape == (1,)


def test_an_onnx_file_with_weights_beside_it_is_pickled_whole(model: Fitted, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
    folder = model.save(tmp_path / "run")
    assert command("export", str(folder), "--to", "onnx", "--out", str(tmp_path / "one.onnx")).returncode == 0
    made = onnx.load(tmp_path / "one.onnx")
    place = tmp_path / "two"
    place.mkdir()
    onnx.save(made, place / "net.onnx", save_as_external_data=True, location="net.data", size_threshold=0)
    single = Fitted(open_run(place / "net.onnx"))
    again = pickle.loads(pickle.dumps(single))
    shutil.rmtree(place)
    assert np.allclose(again.predict_proba(TEST), model.predict_proba(TEST), atol=1e-5)


def test_looks(model: Fitted, tmp_path: Path) -> None:
    assert [each.name for each in model.look(only="filters").figures]
    looked = model.look(TEST[:2], only=("maps",))
    assert "<svg" in looked._repr_html_()
    assert looked.write(tmp_path / "look").exists()
    with pytest.raises(UnknownNameError, match="no section is called 'filter'"):
        model.look(only="filter")


def test_recipes() -> None:
    seen: list[int] = []
    found = striate.fit(SMALL, IMAGES, NUMBERS, epochs=2, recipe={"batch": 30}, on_epoch=lambda e: seen.append(e.epoch))
    assert (found.run.recipe.batch, found.run.recipe.epochs, seen) == (30, 2, [1, 2])
    assert striate.fit(SMALL, IMAGES, NUMBERS, recipe=Recipe(epochs=1, hold_out=0.5)).run.data.validation_images == 60
    assert striate.fit(SMALL, IMAGES, NUMBERS, epochs=1, recipe={"seed": 7}).run.recipe.seed == 7
    assert striate.fit(SMALL, IMAGES, NUMBERS, epochs=1, recipe={"seed": 7}, seed=3).run.recipe.seed == 3
    assert striate.fit(SMALL, IMAGES, NUMBERS, recipe="tanh", epochs=1).run.recipe.initialisation == "lecun"
    with pytest.raises(FormatError, match="'rte' is an unknown member"):
        striate.fit(SMALL, IMAGES, NUMBERS, recipe={"rte": 1})
    with pytest.raises(DataError, match="recipe is 7"):
        striate.fit(SMALL, IMAGES, NUMBERS, recipe=7)  # pyright: ignore[reportArgumentType]


def test_numbers_of_the_augmentation_leave_the_networks_others() -> None:
    found = fitting._recipe(find("cifar-fast"), {"augmentation": {"cutout": 8}}).augmentation
    assert (found.cutout, found.shift, found.alternating_flip) == (8, 2.0, True)
    found = fitting._recipe(find("cifar-fast"), {"augmentation": {"flip": True}}).augmentation
    assert (found.flip, found.alternating_flip, found.shift) == (True, False, 2.0)


def test_both_ways_to_even_classes_out_are_one_too_many() -> None:
    with pytest.raises(SpecError, match="class_weights and sampling are both balanced"):
        striate.fit(SMALL, IMAGES, NUMBERS, recipe={"class_weights": "balanced", "sampling": "balanced"})


def test_pytorchs_default_type_changes_nothing(model: Fitted, tmp_path: Path) -> None:
    wanted = model.predict_proba(TEST)
    model.save(tmp_path / "run")
    again = striate.fit(SMALL, IMAGES, NUMBERS, epochs=1, device="cpu").predict_proba(TEST)
    torch.set_default_dtype(torch.float64)
    try:
        assert np.array_equal(striate.from_pretrained(tmp_path / "run").predict_proba(TEST), wanted)
        found = striate.fit(SMALL, IMAGES, NUMBERS, epochs=1, device="cpu")
        assert torch.get_default_dtype() == torch.float64
        assert np.array_equal(found.predict_proba(TEST), again)
        found.predict(np.concatenate([TEST] * 10))  # more than are answered on PyTorch's kernels without a question
    finally:
        torch.set_default_dtype(torch.float32)


def test_kernels_are_measured_anew_for_another_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def counted(run: Run) -> Run:
        calls.append(torch.get_num_threads())
        return with_kernels(run)

    monkeypatch.setattr(fitting, "with_kernels", counted)
    monkeypatch.setattr(fitting, "_SETTLED", {})
    before = torch.get_num_threads()
    try:
        for threads in (2, 1, 1):
            torch.set_num_threads(threads)
            run = striate.fit(SMALL, IMAGES, NUMBERS, epochs=1, device="cpu").run
            assert run.threads <= threads
    finally:
        torch.set_num_threads(before)
    assert calls == [2, 1]


def test_what_on_epoch_raises_leaves_no_signal_handler() -> None:
    def fails(_: object) -> None:
        raise ZeroDivisionError

    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with pytest.raises(ZeroDivisionError) as caught:
        striate.fit(SMALL, IMAGES, NUMBERS, epochs=2, on_epoch=fails)
    assert caught.tb is not None  # a notebook keeps it, too
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_images_that_were_padded_are_kept_as_they_were(tmp_path: Path) -> None:
    network = "1x10x10: conv 4 3x3 same, relu, flatten, linear 3"
    found = striate.fit(network, IMAGES, NUMBERS, epochs=1)
    run = open_run(found.save(tmp_path / "run"))
    assert found.validation is not None
    shown = [prepare(open_picture(each.picture), run.preprocessing)[0] for each in examples_of(run)]
    assert shown
    for pixels in shown:
        assert any(torch.equal(pixels[0], one) for one in found.validation.images[:])


def test_ctrl_c_ends_it_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    timer = threading.Timer(1.0, lambda: signal.raise_signal(signal.SIGINT))
    timer.start()
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        striate.fit(SMALL, IMAGES, NUMBERS, epochs=100_000)
    assert time.monotonic() - begun < 20
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", [(1, 1, 2), (3, 1, 40), (1, 2, 2), (1, 28, 28), (3, 224, 224), (1, 300, 9)])
def test_a_network_suits_every_size(shape: tuple[int, int, int]) -> None:
    found = striate.account(network_for(shape, 5))
    assert found.totals.parameters < 2_000_000
    assert striate.from_text(striate.to_text(network_for(shape, 5))) == network_for(shape, 5)


def test_without_a_network_digits_are_learned() -> None:
    digits = load("mnist", "test")
    images, labels = digits.images[:900, 0].numpy(), digits.labels[:900].numpy()
    model = striate.fit(None, images[:600], labels[:600], epochs=4)
    assert model.evaluate(images[600:], labels[600:]).top1 > 0.8
