"""A run where a network is taken, and a network where a run is."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from striate import find
from striate.cli import root
from striate.description.json import to_json
from striate.errors import FormatError, RunError, ShapeError
from striate.look.untrained import untrained
from striate.networks import NETWORKS
from striate.train.recipe_file import with_settings
from striate.train.recipes import find_recipe
from striate.train.run import open_run
from tests.support.commands import striate
from tests.support.networks import TINY
from tests.support.pictures import DIGITS
from tests.support.serving import serving

FOUR = DIGITS / "4-pen.png"


def asked(*words: object) -> Result:
    return CliRunner().invoke(root, [str(each) for each in words], standalone_mode=False)


def said(*words: object) -> str:
    """What a verb prints."""
    found = asked(*words)
    if found.exception is not None:
        raise found.exception
    return found.stdout


@pytest.fixture
def place(finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that has runs/tiny, and the same network as a file, tiny.json; it is gone to."""
    shutil.copytree(finished_run, tmp_path / "runs/tiny")
    (tmp_path / "tiny.json").write_text(to_json(TINY))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("verb", ["account", "show", "audit"])
def test_a_run_stands_for_its_network(place: Path, verb: str) -> None:
    assert said(verb, "runs/tiny") == said(verb, "tiny.json")
    assert said(verb, "runs/tiny/", "--json") == said(verb, "tiny.json", "--json")


def test_the_recipe_of_a_run_is_shown_and_used_again(place: Path, few_digits: Path) -> None:
    shown = said("show", "runs/tiny", "--as", "recipe")
    Path("mine.toml").write_text(shown)
    assert find_recipe("mine.toml") == open_run(Path("runs/tiny")).recipe
    assert said("show", "tiny.json", "--as", "recipe") != shown
    words = ("--set", "weight_decay=0.5", "--set", "augmentation.shift=1", "--epochs", 1)
    said("train", "runs/tiny", "--data", few_digits, "--recipe", "mine.toml", *words)
    used = open_run(Path("runs/tiny-2")).recipe
    assert (used.weight_decay, used.augmentation.shift, used.epochs) == (0.5, 1, 1)
    assert used == with_settings(find_recipe("mine.toml"), ["weight_decay=0.5", "augmentation.shift=1", "epochs=1"])


def test_runs_are_compared_and_trained_anew(place: Path, few_digits: Path) -> None:
    assert said("compare", "runs/tiny", "lenet5") == said("compare", "tiny.json", "lenet5")
    assert said("account", "lenet5", "--versus", "runs/tiny") == said("account", "lenet5", "--versus", "tiny.json")
    out = said("train", "runs/tiny", "--data", few_digits, "--epochs", 1)
    assert "run: runs/tiny-2\n" in out
    assert find("runs/tiny-2") == TINY


def test_the_paper_of_a_runs_network_is_cited(place: Path) -> None:
    (place / "runs/mine").mkdir()
    (place / "runs/mine/network.json").write_text(to_json(find("lenet5")))
    assert said("cite", "runs/mine") == said("cite", "lenet5")


def test_a_folder_that_is_no_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(FormatError) as caught:
        find(str(tmp_path))
    assert str(caught.value) == (
        f"{tmp_path}: is a folder without a network.\n"
        "The folder of a run has one: striate train makes it.\n"
        "A file (.net or .json) or a run's folder may be given too, or a network written out: "
        "'1x28x28: conv 8 5x5, relu, linear 10'."
    )


@pytest.mark.parametrize("name", ["tiny.json", "lenet5"])
def test_a_network_stands_for_its_run(place: Path, name: str) -> None:
    if name == "lenet5":
        (place / "runs/tiny").rename(place / "runs/lenet5")
    folder = "runs/tiny" if name == "tiny.json" else "runs/lenet5"
    found = asked("predict", name, FOUR)
    assert found.exception is None
    assert found.stderr == f"{name}: using its run {folder}.\n"
    assert found.stdout == said("predict", folder, FOUR)
    assert asked("evaluate", name, "--json").stderr.startswith(f"{name}: using its run {folder}.\n")


@pytest.mark.parametrize("verb", ["predict", "read", "evaluate"])
def test_a_network_without_a_run_cannot_answer(verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    image = [] if verb == "evaluate" else [FOUR]
    for name in ("lenet5", "1x28x28: conv 4 5x5, linear 10"):
        network = find(name).name
        with pytest.raises(RunError) as caught:
            said(verb, name, *image)
        assert str(caught.value) == (
            f"{name} is a network without a run: there is no runs/{network}.\n"
            "A run is a folder that striate train made; a network without a run is not trained.\n"
            f"Train it first: striate train {name if name == 'lenet5' else repr(name)}."
        )


def test_another_network_of_the_same_name_is_not_taken(place: Path) -> None:
    (place / "tiny.net").write_text("1x28x28: linear 10\n")
    with pytest.raises(RunError, match="tiny.net is a network without a run"):
        said("predict", "tiny.net", FOUR)


def test_a_name_that_is_nearly_one_is_told(place: Path) -> None:
    with pytest.raises(RunError) as caught:
        said("predict", "lenet", FOUR)
    assert str(caught.value) == (
        "lenet does not exist: there is no run and no network of that name.\n"
        "A run is a folder that striate train made; it holds a run.json.\n"
        "Did you mean 'lenet5'?"
    )
    with pytest.raises(RunError, match=r"runs/lost does not exist.\n.*\nRuns nearby: runs/tiny."):
        said("predict", "runs/lost", FOUR)


def test_look_with_random_weights_names_the_run_that_has_others(place: Path) -> None:
    (place / "runs/tiny").rename(place / "runs/lenet5")
    done = striate("look", "lenet5", "--only", "filters", cwd=place)
    assert (done.returncode, done.stderr) == (
        0,
        "The weights are random. For the weights of its run: striate look runs/lenet5\n",
    )


def test_an_untrained_network_is_served_and_says_so(tmp_path: Path) -> None:
    with serving("lenet5-dense", cwd=tmp_path) as server:
        assert server.json("GET", "/health")[1]["trained"] is False
        assert [each["trained"] for each in server.json("GET", "/runs")[1]["runs"]] == [False]
        assert server.json("GET", "/network")[1]["trained"] is False
        for path in ("/predict", "/activations"):
            status, found = server.json("POST", path, FOUR.read_bytes(), Content_Type="image/png")
            assert (status, found["trained"]) == (200, False)
            assert set(found["probabilities"]) == set("0123456789")
        assert server.line == f"lenet5-dense (untrained: random weights) at {server.address}   (Ctrl-C stops it)\n"


def test_a_run_of_the_name_is_served_and_said(place: Path) -> None:
    with serving("tiny.json", cwd=place) as server:
        assert server.json("GET", "/runs")[1]["runs"][0]["trained"] is True
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(20) == 0
        assert server.process.stderr is not None
        assert server.process.stderr.read() == "tiny.json: using its run runs/tiny.\n\nStopped.\n"


def test_a_page_of_an_untrained_network_says_so(tmp_path: Path) -> None:
    done = striate("page", "lenet1", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("lenet1.html   lenet1 (untrained: random weights), 0.")
    assert '"trained":false' in (tmp_path / "lenet1.html").read_text(encoding="utf-8")
    done = striate("page", "lenet1", "lenet1", cwd=tmp_path)
    assert done.returncode == 2
    assert "lenet1 is named twice." in done.stderr


def test_every_small_network_of_the_catalogue_can_be_drawn_on_or_says_why_not() -> None:
    refused = []
    for name in NETWORKS:
        network = find(name)
        if network.input[1] > 64:
            continue
        try:
            predictor = untrained(network)
        except ShapeError:
            refused.append(name)
            continue
        found = predictor.predict(b"(;SZ[19];B[dd])" if predictor.board else FOUR.read_bytes())
        assert not found.trained
        assert sum(found.probabilities.values()) == pytest.approx(1, abs=1e-4), name
    assert refused == []


@pytest.mark.parametrize(
    ("text", "what"),
    [("48x19x19: conv 1 1x1, linear 3", "network takes 48×19×19, which is no image."),
     ("1x28x28: conv 4 5x5", "network ends in 4×24×24.")],
)  # fmt: skip
def test_a_network_that_cannot_be_drawn_on_is_refused(text: str, what: str) -> None:
    with pytest.raises(ShapeError) as caught:
        untrained(find(text))
    assert caught.value.what == what
    assert caught.value.expected.startswith("A network that is served ")


def test_help_says_what_a_run_may_be() -> None:
    for verb in ("serve", "page", "predict", "evaluate"):
        assert "lenet5 for runs/lenet5" in " ".join(said(verb, "--help").split()), verb
    for verb in ("account", "audit", "compare"):
        assert "folder of a run" in " ".join(said(verb, "--help").split()), verb
    assert json.loads(said("account", "lenet5", "--json"))["network"] == "lenet5"
