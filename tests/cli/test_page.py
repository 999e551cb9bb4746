"""striate page as people call it."""

import json
import re
import shutil
from pathlib import Path

import torch

from striate.data import ImageSet
from striate.look.examples import keep_examples
from striate.train import open_run
from tests.support.commands import striate


def test_it_writes_one_file_and_says_so(finished_run: Path, tmp_path: Path) -> None:
    done = striate("page", finished_run, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    size = (tmp_path / "tiny.html").stat().st_size / 1e6
    assert done.stdout == f"tiny.html   tiny, {size:.1f} MB. It needs no other file: open it in a browser.\n"
    done = striate("page", finished_run, "-o", "page.html", cwd=tmp_path)
    assert done.stdout.startswith("page.html   tiny")
    assert (tmp_path / "page.html").read_bytes() == (tmp_path / "tiny.html").read_bytes()


def test_the_language_of_a_page_stands_in_its_file(finished_run: Path, tmp_path: Path) -> None:
    assert striate("page", finished_run, "--lang", "ko", cwd=tmp_path).returncode == 0
    assert '<html lang="en" data-lang="ko">' in (tmp_path / "tiny.html").read_text(encoding="utf-8")
    done = striate("page", finished_run, "--lang", "fr", cwd=tmp_path)
    assert done.returncode == 2
    assert "Invalid value for '--lang': 'fr' is not one of 'en', 'ko'." in done.stderr


def test_what_is_no_run_gets_an_answer(tmp_path: Path) -> None:
    done = striate("page", "runs/lenet5", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: runs/lenet5 does not exist.\n")
    assert list(tmp_path.iterdir()) == []


def test_several_runs_make_one_file(finished_run: Path, tmp_path: Path) -> None:
    shutil.copytree(finished_run, tmp_path / "other")
    done = striate("page", finished_run, "other", cwd=tmp_path)
    assert done.stdout.startswith("tiny.html   tiny, ")
    assert '"run":"other"' in (tmp_path / "tiny.html").read_text(encoding="utf-8")
    done = striate("page", "other", "other", cwd=tmp_path)
    assert done.returncode == 2
    assert "other is named twice." in done.stderr


def test_a_file_that_cannot_be_written_is_named(finished_run: Path, tmp_path: Path) -> None:
    done = striate("page", finished_run, "-o", "not/there.html", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        "Error: not/there.html cannot be written: No such file or directory.\n"
        "It was not written.\nGive another place to --out.\n"
    )


def test_without_examples_no_image_is_in_the_file(finished_run: Path, tmp_path: Path) -> None:
    run = open_run(Path(shutil.copytree(finished_run, tmp_path / "run")))
    pixels = torch.full((10, 1, 28, 28), 7, dtype=torch.uint8)
    keep_examples(run, ImageSet(pixels, torch.arange(10), run.classes, "", "validation", "digits"))

    def kept(*words: str) -> int:
        assert striate("page", "run", "-o", "page.html", *words, cwd=tmp_path).returncode == 0
        text = (tmp_path / "page.html").read_text(encoding="utf-8")
        found = re.search(r'id="striate-examples"[^>]*>(.*?)</script>', text, re.DOTALL)
        assert found
        return sum(map(len, json.loads(found[1]).values()))

    assert (kept(), kept("--no-examples")) == (10, 0)
