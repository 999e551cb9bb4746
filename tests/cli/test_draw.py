"""`striate draw`: where it writes, what it says, and what it refuses."""

import os
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner

from striate import find
from striate.cli.verbs.draw import command
from striate.emit.draw.choose import figure_of
from striate.emit.draw.svg import to_svg
from tests.support.commands import python, striate


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(command, list(arguments))
    return done.exit_code, done.output if done.exception is None or done.exit_code == 2 else str(done.exception)


def test_the_name_of_the_network_names_the_file(folder: Path) -> None:
    assert run("LeNet-5") == (0, "figure: lenet5.svg\n")
    assert (folder / "lenet5.svg").read_text(encoding="utf-8") == to_svg(figure_of(find("lenet5")))
    assert os.listdir(folder) == ["lenet5.svg"]


@pytest.mark.parametrize(("name", "begins"), [("a.svg", "<svg"), ("a.TEX", "\\documentclass"), ("a.mmd", "%% alexnet")])
def test_the_suffix_says_the_format(folder: Path, name: str, begins: str) -> None:
    assert run("alexnet", "-o", name) == (0, f"figure: {name}\n")
    assert (folder / name).read_text(encoding="utf-8").startswith(begins)


def test_a_format_without_a_file_name(folder: Path) -> None:
    assert run("lenet5", "--as", "mmd") == (0, "figure: lenet5.mmd\n")


def test_a_file_without_a_suffix_has_the_format_that_is_named(folder: Path) -> None:
    assert run("lenet5", "-o", "figure", "--as", "mmd") == (0, "figure: figure\n")
    assert (folder / "figure").read_text(encoding="utf-8").startswith("%% lenet5")


def test_advice_where_text_is_small_is_of_use(folder: Path) -> None:
    chain = "1x9x9: " + ", ".join(f"conv {number + 1} 1x1" for number in range(300))
    wide = run(chain, "--style", "volumes", "-o", "a.svg")[1]
    assert wide.splitlines()[-1].endswith("1920x1080; --style blocks needs less room.")
    closed = run(chain, "--style", "blocks", "--depth", "1", "-o", "b.svg")[1]
    assert closed.splitlines()[-1].endswith("pixels high on a slide of 1920x1080.")


def test_standard_output_has_the_figure_and_nothing_else(folder: Path) -> None:
    code, text = run("lenet5", "-o", "-")
    assert code == 0
    assert text == to_svg(figure_of(find("lenet5")))
    assert run("lenet5", "-o", "-", "--as", "tex")[1].startswith("\\documentclass")
    assert os.listdir(folder) == []


def test_a_line_of_notation_and_a_file(folder: Path) -> None:
    line = "1x28x28: conv 8 5x5, relu, max 2, linear 10"
    (folder / "mine.net").write_text(line)
    assert run(line, "-o", "line.svg") == (0, "figure: line.svg\n")
    assert run("mine.net") == (0, "figure: mine.svg\n")
    titles = [(folder / name).read_text(encoding="utf-8").count("8@24×24") for name in ("line.svg", "mine.svg")]
    assert titles == [1, 1]


def test_style_and_depth() -> None:
    texts = [
        {text.text for text in ET.fromstring(run("resnet50", "-o", "-", *more)[1]).iter() if text.tag.endswith("text")}
        for more in (("--style", "volumes"), ("--depth", "1"), ())
    ]
    assert "2048@7×7" in texts[0]
    assert "stage1" in texts[1]
    assert "block2 … block6" not in texts[1]
    assert "block2 … block6" in texts[2]


def test_a_figure_too_large_for_a_slide_says_so() -> None:
    code, text = run("inception-bn", "--depth", "2")
    assert code == 0
    assert text.splitlines()[1].endswith("pixels high on a slide of 1920x1080; --depth opens fewer blocks.")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ["lenet5", "-o", "lenet5.png"],
            "lenet5.png ends in .png.\n"
            "A figure is written as .svg, as .tex (LaTeX with TikZ) or as .mmd (Mermaid).\n"
            "Give the file one of these suffixes, or - for standard output.",
        ),
        (["lenet5", "-o", "figure"], "figure has no suffix.\nA figure is written as .svg"),
        (["lenet5", "-o", "a.svg", "--as", "tex"], "--out ends in .svg and --as is tex: leave one of them out."),
        (["lenet5", "--depth", "0"], "0 is not in the range x>=1."),
        (["lenet5", "--style", "cubes"], "'cubes' is not one of 'volumes', 'blocks'."),
        (["lenet", "-o", "a.svg"], "Did you mean 'lenet5'?"),
        (["1x4x4: conv 2 7x7", "-o", "a.svg"], "conv1: a window 7 long does not fit an input of 1×4×4"),
        (
            ["lenet5", "-o", "missing/a.svg"],
            "missing/a.svg cannot be written: No such file or directory.\n"
            "It was not written.\nGive another place to --out.",
        ),
    ],
)
def test_what_it_refuses(folder: Path, arguments: list[str], text: str) -> None:
    done = striate("draw", *arguments)
    assert done.returncode == 2
    assert text in done.stderr
    assert os.listdir(folder) == []


def test_a_full_disk_leaves_no_file(folder: Path) -> None:
    code = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "from striate.cli import main; sys.argv = ['striate', 'draw', 'lenet5']; main()"
    )
    done = python(code)
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2,
        "Error: lenet5.svg cannot be written: File too large.",
    )
    assert os.listdir(folder) == []


@pytest.mark.parametrize("name", ["lenet5", "resnet20-cifar"])
def test_the_pictures_of_the_docs_are_what_it_draws(name: str) -> None:
    picture = Path(__file__).parents[2] / "docs" / "images" / f"draw-{name}.svg"
    assert picture.read_text(encoding="utf-8") == to_svg(figure_of(find(name)))
