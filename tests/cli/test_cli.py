"""The command as people call it: help, errors, exit codes, and what it prints."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from striate import NETWORKS
from striate.cli import VERBS
from tests.support.commands import striate, striate_process


def imported(*arguments: str) -> set[str]:
    """The packages that a command loads, from -X importtime."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "striate", *arguments], capture_output=True, text=True, check=True
    )
    return {line.rsplit("|", 1)[1].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line}


def test_version() -> None:
    done = striate_process("--version")
    assert (done.returncode, done.stdout) == (0, "striate 0.1.0\n")


@pytest.mark.parametrize("verb", [(), *[(verb,) for verb in VERBS]])
def test_help_has_examples(verb: tuple[str, ...]) -> None:
    done = striate(*verb, "--help")
    assert done.returncode == 0
    assert "Examples:\n  " in done.stdout
    assert f"striate {' '.join(verb)}" in done.stdout


@pytest.mark.parametrize(
    "arguments", [("--version",), ("account", "lenet5"), ("account", "lenet5", "--json"), ("train", "--help")]
)
def test_what_needs_no_framework_loads_none(arguments: tuple[str, ...]) -> None:
    assert not imported(*arguments) & {"torch", "numpy", "rich", "PIL", "jinja2", "safetensors"}


@pytest.mark.parametrize("verb", ["account", "draw"])
def test_an_onnx_file_is_read_without_pytorch(verb: str, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    file = Path(onnx.__file__).parent / "backend/test/data/light/light_squeezenet.onnx"
    given = ("-o", str(tmp_path / "a.svg")) if verb == "draw" else ()
    assert not imported(verb, str(file), *given) & {"torch", "safetensors", "jinja2"}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["acount", "lenet5"], "no verb is called 'acount'. Did you mean 'account'?"),
        (["account", "lenet"], "no network is called 'lenet'."),
        (["account", "lenet"], "Did you mean 'lenet5'?"),
        (["account"], "Missing argument 'NETWORK'."),
        (
            ["account", "lenet5", "--inptu", "1x2x3"],
            "No such option '--inptu'. (Did you mean one of: '--fit', '--input'?)",
        ),
        (["account", "lenet5", "--input", "28x28"], "'28x28' is not of the form CxHxW."),
        (["account", "lenet5", "--input", "1x8x8"], "C3: a window 5 long does not fit an input of 6×2×2"),
        (["account", "missing.json"], "missing.json: cannot be read: No such file or directory."),
        (["train"], "Give a NETWORK to train, such as lenet5, or --resume RUN."),
        (["train", "lenet5", "--resize", "28x28x1"], "'28x28x1' is not of the form HxW, or one number for all sides."),
        (["train", "lenet5", "--resize", "9" * 5000], "is too large: a size may be 1,000,000 at most."),
        (["train", "lenet5", "--resize", "999999x999999"], "Neither side is more than 65,536 pixels"),
        (["train", "lenet5", "--data", "nowhere"], "no source is called 'nowhere'."),
        (["train", "lenet5", "--data", "./nowhere"], "./nowhere: no such folder."),
        (["train", "lenet5", "--recipe", "tahn"], "Did you mean 'tanh'?"),
        (["train", "lenet5", "--set", "rat=1"], "Did you mean 'rate'?"),
        (["train", "--set", "rate=1", "--resume", "x"], "--resume takes everything from the run; leave out --set."),
        (["train", "lenet5", "--resume", "x"], "--resume takes everything from the run; leave out NETWORK."),
        (["train", "--adapt", "--resume", "x"], "--resume takes everything from the run; leave out --adapt."),
        (["train", "--input", "1x8x8", "--resume", "x"], "--resume takes everything from the run; leave out --input."),
        (["train", "--width", "2", "--resume", "x"], "--resume takes everything from the run; leave out --width."),
        (["train", "--data", "y", "--resume", "x"], "--resume takes everything from the run; leave out --data."),
        (["train", "--resize", "8", "--resume", "x"], "--resume takes everything from the run; leave out --resize."),
        (["train", "--threads", "1", "--resume", "x"], "--resume takes everything from the run; leave out --threads."),
        (
            ["train", "--kernels", "torch", "--resume", "x"],
            "--resume takes everything from the run; leave out --kernels.",
        ),
        (
            ["train", "--kernels", "compiled", "--resume", "x"],
            "--resume takes everything from the run; leave out --kernels.",
        ),
        (
            ["train", "--skip-unreadable", "--resume", "x"],
            "--resume takes everything from the run; leave out --skip-unreadable.",
        ),
        (["train", "vgg-a", "--width", "0"], "0.0 is not in the range x>0."),
        (["train", "lenet5", "--width", "0.5"], "lenet5 cannot be made narrower."),
        (["train", "lenet5", "--rate", "nan"], "'nan' is not a finite number."),
        (["gtp", "alphago-policy-48", "--komi", "nan"], "'nan' is not a finite number."),
        (["export", "x", "--int8", "--most-loss", "nan"], "'nan' is not a finite number."),
        (["look", "lenet5", "--only", "maps", "--class", "9"], "--class is for the section attribution, which --only"),
        (["look", "lenet5", "--kernel", ""], "the kernel is ''."),
        (["train", "--resume", "x"], "x does not exist."),
        (["train", "lenet5", "--device", "abacus"], "no device 'abacus' on this machine."),
        (["train", "lenet5", "--out", "file/run"], "file/.run."),
        (["train", "lenet5", "--out", "file"], "file is there already."),
        (["evaluate", "file"], "file is not a run."),
        (["predict", "x", "y.png"], "x does not exist."),
    ],
)
def test_mistakes_get_an_answer_and_exit_code_2(arguments: list[str], text: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = striate(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert os.listdir(tmp_path) == ["file"]


def painted(folder: Path, *, classes: Sequence[str] = "ab", count: int = 8, sizes: tuple[int, ...] = (8,)) -> Path:
    for label, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            side = sizes[number % len(sizes)]
            Image.new("L", (side, side), 40 * label + number).save(folder / name / f"{number}.png")
    return folder


@pytest.mark.parametrize(
    ("prepare", "text"),
    [
        (lambda folder: folder.mkdir(), "holds no folders of images."),
        (lambda folder: painted(folder, classes="a"), "holds one class only: 'a'."),
        (lambda folder: painted(folder, sizes=(8, 9)), "images of 2 sizes (height × width):"),
        (lambda folder: (painted(folder) / "a/3.png").write_bytes(b""), "a/3.png: empty (0 bytes)"),
        (lambda folder: (painted(folder) / "b/3.png").write_bytes(b"no image"), "b/3.png: not an image of a known"),
        (lambda folder: painted(folder), "lenet5-dense has an output of 10 for 2 classes."),
    ],
)
def test_unfit_images_are_named(prepare, text: str, tmp_path: Path) -> None:
    prepare(tmp_path / "photos")
    done = striate("train", "lenet5-dense", "--data", "photos", "--out", "run", cwd=tmp_path)
    assert done.returncode == 2
    assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert os.listdir(tmp_path) == ["photos"]


def test_a_run_is_not_made_among_the_classes_of_its_images(tmp_path: Path) -> None:
    photos = painted(tmp_path / "photos")
    for network, where in (("mlp-300", photos), ("lenet5", photos / "a")):
        done = striate("train", network, "--data", photos, "--adapt", "--resize", 28, cwd=where)
        assert done.returncode == 2
        assert "lies in the folder of its images." in done.stderr
    assert sorted(os.listdir(photos)) == ["a", "b"]
    assert len(os.listdir(photos / "a")) == 8


def test_a_folder_whose_name_is_no_text_is_not_trained_on(tmp_path: Path) -> None:
    painted(tmp_path / "pho\u200etos")
    done = striate(
        "train", "mlp-300", "--data", "pho\u200etos", "--adapt", "--resize", 28, "--out", "run", cwd=tmp_path
    )
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, "Rename the folder.")
    assert "run" not in os.listdir(tmp_path)


def test_test_pictures_of_other_sizes_are_resized_and_those_that_cannot_be_read_left_out(tmp_path: Path) -> None:
    painted(tmp_path / "photos/train", count=12)
    painted(tmp_path / "photos/test", sizes=(8, 12))
    net = "1x8x8: conv 2 3x3, relu, linear 2"
    done = striate("train", net, "--data", "photos", "--epochs", 1, "--out", "my run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "Next: striate evaluate 'my run'"
    done = striate("evaluate", "my run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("network on 16 test images of ")
    (tmp_path / "photos/test/a/0.png").write_bytes(b"")
    done = striate("evaluate", "my run", cwd=tmp_path)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, "Repair or remove them, or pass --skip-unreadable.")
    done = striate("evaluate", "my run", "--skip-unreadable", cwd=tmp_path)
    assert "  Left out 1 image that cannot be read:\n    test/a/0.png: empty (0 bytes)\n" in done.stdout
    found = json.loads(striate("evaluate", "my run", "--skip-unreadable", "--json", cwd=tmp_path).stdout)
    assert (found["images"], found["unreadable"]) == (15, [{"image": "test/a/0.png", "error": "empty (0 bytes)"}])
    assert not json.loads((tmp_path / "my run/run.json").read_text())["data"]["skip_unreadable"]


def test_train_evaluate_predict(tmp_path: Path, few_digits: Path) -> None:
    options = ("--data", few_digits, "--epochs", 2, "--out", "run")
    done = striate_process("train", "lenet5-dense", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "lenet5-dense: 61,706 parameters, 416,520 MACs per image"
    assert lines[1] == f"{few_digits}: 1,100 images for training, 100 for validation, 10 classes"
    assert lines[3].startswith("epoch 1/2  loss")
    assert lines[-1] == "Next: striate evaluate run"
    assert (tmp_path / "run/report.html").is_file()

    done = striate("evaluate", "run", "--json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert {"images", "errors", "error_rate", "top1", "top5", "per_class", "confusion"} <= set(found)
    assert found["images"] == 300
    assert found["error_rate"] == pytest.approx(found["errors"] / 300)
    done = striate("evaluate", "run", cwd=tmp_path)
    assert "The test images of this run have been looked at 2 times." in done.stdout
    assert json.loads((tmp_path / "run/run.json").read_text())["test_looks"] == 2

    Image.linear_gradient("L").crop((0, 0, 100, 256)).save(tmp_path / "stroke.png")
    done = striate("predict", "run", "lost.png", "stroke.png", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: lost.png: no such file.")
    assert done.stdout.startswith("stroke.png")
    done = striate("predict", "run", "stroke.png", "--json", "--steps", "steps", cwd=tmp_path)
    answer = json.loads(done.stdout)[0]
    assert answer["image"] == "stroke.png"
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert answer["probabilities"][answer["class"]] == answer["probability"]
    assert (tmp_path / "steps/stroke-steps.png").is_file()

    again = striate("train", "lenet5-dense", "--data", few_digits, "--out", "run", cwd=tmp_path)
    assert again.returncode == 2
    assert "run is there already." in again.stderr


def test_adapt_fits_the_last_layer(tmp_path: Path) -> None:
    painted(tmp_path / "letters", classes="abc", count=12, sizes=(28,))
    for network, kind in (("mlp-300", "linear"), ("lenet5", "rbf")):
        done = striate("train", network, "--data", "letters", "--adapt", "--epochs", 1, "--out", network, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        ending = json.loads((tmp_path / network / "network.json").read_text())["layers"][-1]
        assert ending["kind"] == kind
        assert ending.get("units", len(ending.get("centres", ()))) == 3
    plain = striate("train", "mlp-300", "--data", "letters", cwd=tmp_path)
    assert plain.stderr.splitlines()[2].startswith("Pass --adapt, which fits the last layer to the classes; or ")
    painted(tmp_path / "words", classes=("cat", "dog"), count=12, sizes=(28,))
    done = striate("train", "lenet5", "--data", "words", "--adapt", "--out", "no", cwd=tmp_path)
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2,
        "Error: lenet5 ends in 10 RBF units, which cannot be 2 classes.",
    )
    assert not (tmp_path / "no").exists()


def test_quiet_prints_the_folder_alone(tmp_path: Path, few_digits: Path) -> None:
    done = striate("train", "lenet5-dense", "--data", few_digits, "--epochs", 4, "--quiet", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "runs/lenet5-dense\n", "")


def test_unreadable_images_are_left_out_and_listed(tmp_path: Path) -> None:
    network = '"layers": [{"kind": "flatten"}, {"kind": "linear", "units": 2}]'
    (tmp_path / "two.json").write_text(
        '{"format": "striate-network", "version": 1, "name": "two", "input": [1, 8, 8], ' + network + "}"
    )
    painted(tmp_path / "photos", count=12)
    (tmp_path / "photos/a/3.png").write_bytes(b"no image")
    options = ("--data", "photos", "--out", "run", "--epochs", 1, "--skip-unreadable")
    done = striate("train", "two.json", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Left out 1 image that cannot be read; it is listed in run.json." in done.stdout
    assert json.loads((tmp_path / "run/run.json").read_text())["data"]["unreadable"] == [
        ["a/3.png", "not an image of a known format"]
    ]


def test_completion_knows_verbs_and_networks() -> None:
    assert "_STRIATE_COMPLETE" in striate_process("completion", "bash").stdout
    verbs = striate_process(_STRIATE_COMPLETE="bash_complete", COMP_WORDS="striate acc", COMP_CWORD="1")
    assert verbs.stdout.split() == ["plain,account"]
    names = striate_process(_STRIATE_COMPLETE="bash_complete", COMP_WORDS="striate account len", COMP_CWORD="2")
    assert names.stdout.split() == [f"plain,{name}" for name in NETWORKS if name.startswith("len")]
