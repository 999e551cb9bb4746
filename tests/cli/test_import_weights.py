"""striate import-weights and striate export --to torchvision as people call them."""

import json
import re
from pathlib import Path

import pytest

from tests.support.commands import striate
from tests.support.pictures import DIGITS
from tests.support.weights import drawn, kept


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with squeezenet1_1.pth, for three classes."""
    folder = tmp_path_factory.mktemp("published")
    kept(drawn("squeezenet-1.1", "torchvision", classes=3)[1], folder / "squeezenet1_1.pth")
    (folder / "names.txt").write_text("cat\ncow\ndog\n")
    return folder


def test_a_run_from_a_file_predicts(published: Path, tmp_path: Path) -> None:
    file = published / "squeezenet1_1.pth"
    done = striate("import-weights", "squeezenet-1.1", file, "--from", "torchvision", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "runs/squeezenet-1.1   squeezenet-1.1, 724,035 parameters, 3 classes",
        f"  weights   {file}: torchvision's squeezenet1_1, 52 tensors by name",
        "  input     shorter side to 256 pixels (bilinear), the middle 224 × 224; values from -2.12 to 2.25, -2.04 to "
        "2.43, -1.8 to 2.64",
        "            as torchvision's for squeezenet1_1",
        "  classes   class 0, class 1, class 2; the file names none: --classes FILE",
        "Next: striate predict runs/squeezenet-1.1 PICTURE, or striate serve runs/squeezenet-1.1 --open",
    ]
    found = striate("predict", "runs/squeezenet-1.1", DIGITS / "5-photo.png", cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    assert "class " in found.stdout
    again = striate("import-weights", "squeezenet-1.1", file, "--from", "torchvision", "--json", cwd=tmp_path)
    assert json.loads(again.stdout)["run"] == "runs/squeezenet-1.1-2"


def test_the_same_for_programs_with_names_and_a_folder(published: Path, tmp_path: Path) -> None:
    options = ("--classes", published / "names.txt", "--shorter", 240, "--out", "mine", "--json")
    done = striate(
        "import-weights",
        "squeezenet-1.1",
        published / "squeezenet1_1.pth",
        "--from",
        "torchvision",
        *options,
        cwd=tmp_path,
    )
    found = json.loads(done.stdout)
    assert (found["run"], found["network"], found["tensors"], found["not_used"]) == ("mine", "squeezenet-1.1", 52, [])
    assert found["classes"] == ["cat", "cow", "dog"]
    assert (found["preprocessing"]["fit"], found["preprocessing"]["shorter"]) == ("crop", 240)
    assert found["origin"]["library"] == "torchvision"


def test_out_again(published: Path, tmp_path: Path) -> None:
    file = published / "squeezenet1_1.pth"
    striate("import-weights", "squeezenet-1.1", file, "--from", "torchvision", "-o", "mine", cwd=tmp_path)
    done = striate("export", "mine", "--to", "torchvision", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    first, *rest = done.stdout.splitlines()
    assert re.fullmatch(r"mine\.safetensors   torchvision's squeezenet1_1, 2\.9 MB, 52 tensors", first)
    assert rest == [
        "  model = torchvision.models.squeezenet1_1(num_classes=3)",
        "  model.load_state_dict(safetensors.torch.load_file('mine.safetensors'))",
        "  input  shorter side to 256 pixels (bilinear), the middle 224 × 224; values from -2.12 to 2.25, "
        "-2.04 to 2.43, -1.8 to 2.64",
    ]
    done = striate("export", "mine", "--to", "torchvision", "-o", "a.pth", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["model"] == "squeezenet1_1"
    assert (tmp_path / "a.pth").is_file()


def test_mistakes_get_an_answer(published: Path, finished_run: Path, tmp_path: Path) -> None:
    file = published / "squeezenet1_1.pth"
    done = striate("import-weights", "resnet50", file, "--from", "torchvision", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: resnet50 is not the resnet50 of torchvision: it has the stride")
    done = striate("import-weights", "squeezenet-1.1", file, cwd=tmp_path)
    assert done.returncode == 2
    assert "Missing option '--from'" in done.stderr
    done = striate("import-weights", "squeezenet-1.1", "none.pth", "--from", "torchvision", cwd=tmp_path)
    assert done.stderr.startswith("Error: none.pth: cannot be read: No such file or directory.\n")
    done = striate("export", finished_run, "--to", "torchvision", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(
        "Error: torchvision has no model with the layers of tiny.\nIt has alexnet-torchvision"
    )
    done = striate("export", finished_run, "--to", "torchvision", "--bare", cwd=tmp_path)
    assert "--bare is not for --to torchvision." in done.stderr
    assert list(tmp_path.iterdir()) == []
