"""The hub's layout: its own library reads the card, nothing names this machine, the model answers as the run does."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import striate
from striate import from_pretrained
from striate.data import load
from striate.errors import OutputError, RunError
from striate.export.hub.card import card
from striate.export.hub.write import push
from striate.train import open_run
from striate.wording import counted, percent
from tests.support.commands import striate as command

IMAGES = load("mnist", "test").images[:50, 0].numpy()


pytestmark = pytest.mark.filterwarnings("ignore:No validation image")  # of a training that is kept short


@pytest.fixture(scope="module")
def evaluated(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose test images were looked at once."""
    folder = tmp_path_factory.mktemp("hub") / "tiny"
    shutil.copytree(finished_run, folder)
    assert command("evaluate", folder).returncode == 0
    return folder


@pytest.fixture(scope="module")
def pushed(evaluated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pushed") / "digits"
    done = command("push", evaluated, folder)
    assert done.returncode == 0, done.stderr
    assert "striate.from_pretrained(" in done.stdout
    return folder


def test_it_answers_as_the_run_does(pushed: Path, evaluated: Path) -> None:
    expected = from_pretrained(evaluated).predict_proba(IMAGES)
    for place in (pushed, pushed / "model.safetensors", str(pushed)):
        assert np.array_equal(from_pretrained(place).predict_proba(IMAGES), expected)
    assert set(load_file(pushed / "model.safetensors")) == set(open_run(evaluated).model().state_dict())
    assert striate.from_json((pushed / "config.json").read_text()) == open_run(evaluated).network


def test_the_hubs_own_library_reads_the_card(pushed: Path, evaluated: Path) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")
    card = hub.ModelCard.load(pushed / "README.md")
    assert card.data.to_dict()["library_name"] == "striate"
    assert card.data.pipeline_tag == "image-classification"
    (result,) = card.data.eval_results
    last = open_run(evaluated).events("evaluated")[-1]
    assert (result.metric_type, result.metric_value) == ("accuracy", pytest.approx(last["top1"], abs=1e-6))
    assert "| how often the test images were looked at | 1 |" in card.text
    assert "parameters, trained" in card.text
    for file in ("network.svg", "training.svg"):
        assert f"]({file})" in card.text
        assert (pushed / file).read_text().startswith("<svg")


def test_a_card_has_no_figure_of_weights_that_have_learned_since(evaluated: Path, tmp_path: Path) -> None:
    shutil.copytree(evaluated, folder := tmp_path / "run")
    run = open_run(folder)
    told = f"of {counted(run.events('evaluated')[-1]['images'], 'test image')}"
    before = card(run, name="digits", drawing="network.svg", curves=None)
    last = run.events("epoch")[-1]
    run.log("epoch", **{key: value for key, value in last.items() if key not in ("event", "time")})
    after = card(run, name="digits", drawing="network.svg", curves=None)
    for word in ("model-index", told):
        assert word in before
        assert word not in after


def test_the_card_of_a_papers_training_says_what_judged_it(evaluated: Path) -> None:
    run = open_run(evaluated)
    best = run.events("finished")[-1]
    made = replace(run, reproduction={}, recipe=replace(run.recipe, hold_out=0.0))
    text = card(made, name="digits", drawing="network.svg", curves=None)
    passes, right = counted(best["epoch"], "pass"), percent(best["accuracy"])
    assert f"| right, of the test images, after {passes} | {right} |" in text
    assert "validation images" not in text
    assert "| best epoch, by the validation images |" in card(run, name="digits", drawing="network.svg", curves=None)


def test_nothing_names_the_machine(pushed: Path, evaluated: Path, few_digits: Path) -> None:
    for file in pushed.iterdir():
        content = file.read_bytes()
        for folder in (few_digits, evaluated.parent):
            assert str(folder).encode() not in content, file.name


def test_it_is_pushed_again_and_never_over_something_else(evaluated: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / ".git").mkdir(parents=True)
    run = open_run(evaluated)
    push(run, folder)
    (folder / "network.svg").write_text("old")
    assert push(run, folder).files == {each.name: each.stat().st_size for each in folder.iterdir() if each.is_file()}
    assert (folder / "network.svg").read_text().startswith("<svg")
    (folder / "README.md").write_text("mine")
    done = command("push", evaluated, folder)
    assert done.returncode == 2
    assert "holds something else than a model that striate push wrote.\nNothing of others" in done.stderr
    assert (folder / "README.md").read_text() == "mine"
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="holds something else"):
        push(run, tmp_path / "file")


def test_a_model_of_arrays_and_one_file_are_pushed(evaluated: Path, pushed: Path, tmp_path: Path) -> None:
    labels = np.array(["|a", "b`<i>"])[np.arange(50) % 2]
    model = striate.fit("1x28x28: conv 2 5x5 /4, relu, linear 2", IMAGES, labels, epochs=1)
    again = from_pretrained(model.push(tmp_path / "one"))
    assert again.predict(IMAGES).tolist() == model.predict(IMAGES).tolist()
    assert "images of its author" in (tmp_path / "one/README.md").read_text()
    single = open_run(pushed / "model.safetensors")
    push(single, tmp_path / "two")
    assert not (tmp_path / "two/training.svg").exists()
    assert "No figures came with its weights." in (tmp_path / "two/README.md").read_text()


def test_what_is_no_model_is_refused(tmp_path: Path, pushed: Path) -> None:
    with pytest.raises(RunError, match="does not exist.\nIt is a folder or a file on this machine: nothing is downl"):
        from_pretrained("someone/model")
    with pytest.raises(RunError, match="is not a run"):
        from_pretrained(tmp_path)
    shutil.copytree(pushed, tmp_path / "cut")
    content = (pushed / "model.safetensors").read_bytes()
    (tmp_path / "cut/model.safetensors").write_bytes(content[:-10])
    with pytest.raises(RunError, match="model.safetensors"):
        from_pretrained(tmp_path / "cut")
    assert json.loads((pushed / "config.json").read_text())["name"] == "tiny"
