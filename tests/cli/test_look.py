"""striate look as people call it."""

import os
from pathlib import Path

from tests.support.commands import striate


def test_it_prints_what_it_made_and_where(finished_run: Path, tmp_path: Path) -> None:
    done = striate("look", finished_run, "--only", "maps,sharing", "--out", "seen", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    maps, sharing, page = done.stdout.splitlines()
    assert maps.startswith("maps          1 figure ")
    assert sharing.startswith("sharing       1 figure ")
    assert page == "page: seen/look.html"
    assert sorted(os.listdir(tmp_path / "seen")) == ["look.html", "maps.svg", "sharing.svg"]


def test_quiet_prints_the_page_alone(tmp_path: Path) -> None:
    done = striate("look", "lenet5", "--only", "filters", "--quiet", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "look/lenet5/look.html\n", "")


def test_mistakes_get_an_answer_and_exit_code_2(tmp_path: Path) -> None:
    done = striate("look", "lenet5", "--layer", "c33", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: no layer is called 'c33'.\n")
    assert done.stderr.endswith("Did you mean 'C3'?\n")
    done = striate("look", "lenet5", "--kernel", "1 2; 3", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "the kernel is '1 2; 3'." in done.stderr
    assert os.listdir(tmp_path) == []


def test_a_choice_without_a_figure_leaves_the_page_as_it_is(tmp_path: Path) -> None:
    done = striate("look", "lenet5", "--only", "filters", "--layer", "F6", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "There is no figure of F6 in filters: name another layer or section." in done.stderr
    assert os.listdir(tmp_path) == []
