"""Figures and reports in Korean: no English sentence is left, and the language ends with the command."""

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from striate.cli.parameters import LANGUAGE, LOG
from striate.cli.verbs.look import ONLY
from striate.errors import RequirementError
from striate.language.say import LANGUAGES, language, speaking
from striate.look import look, png, subject, write_look, write_report
from striate.look.page import SECTIONS
from striate.train import evaluation, open_run
from striate.train.logs import LOGS
from tests.support.commands import striate

STAY = {
    "conv", "max", "pool", "relu", "linear", "flatten", "output", "table",  # of the notation, and paths of layers
    "tiny", "mnist", "digits", "MACs", "MAC", "FLOP", "RBF", "ReLU", "Grad", "CAM", "PATH", "layer",  # names
}  # fmt: skip
"""Words that are the same in every language."""


class Words(HTMLParser):
    """The texts of a page and of its figures, without its style, its commands and its lists of numbers."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.within: list[str] = []
        self.text, self.language = "", ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.within.append(tag)
        if tag == "html":
            self.language = dict(attrs).get("lang") or ""

    def handle_endtag(self, tag: str) -> None:
        while self.within and self.within.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not {"style", "dl", "code"} & set(self.within):
            self.text += f" {data}"

    def english(self) -> set[str]:
        return {re.sub(r"\d+$", "", word) for word in re.findall(r"[A-Za-z]{3,}\d*", self.text)} - STAY


def test_look_is_korean_in_every_figure(finished_run: Path, tmp_path: Path) -> None:
    with speaking("ko"):
        found = subject(finished_run)
        page = write_look(found, list(look(found)), folder=tmp_path).read_text(encoding="utf-8")
    words = Words(page)
    assert words.language == "ko"
    assert words.english() - set(re.findall("[A-Za-z]{3,}", found.data.source)) == set()
    assert "풀링이 버리는 값" in words.text


def test_the_report_is_korean(finished_run: Path, tmp_path: Path) -> None:
    shutil.copytree(finished_run, tmp_path / "run")
    run = open_run(tmp_path / "run")
    outputs, images = evaluation.evaluate(run)
    with speaking("ko"):
        write_report(run, outputs, images)
    words = Words((tmp_path / "run" / "report.html").read_text(encoding="utf-8"))
    assert words.language == "ko"
    assert words.english() == set()
    assert "혼동 행렬" in words.text


def test_options_name_the_languages_the_logs_and_the_sections_that_there_are() -> None:
    assert list(LANGUAGE.choices) == list(LANGUAGES)
    assert list(LOG.choices) == list(LOGS)
    assert list(ONLY) == list(SECTIONS)


def test_the_command_speaks_korean_and_stops_when_it_ends(tmp_path: Path) -> None:
    done = striate("look", "lenet5", "--only", "sharing", "--lang", "ko", "--quiet", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert '<html lang="ko">' in (tmp_path / "look/lenet5/look.html").read_text(encoding="utf-8")
    assert language() == "en"
    done = striate("look", "lenet5", "--lang", "kr", cwd=tmp_path)
    assert done.returncode == 2
    assert "'kr' is not one of 'en', 'ko'" in done.stderr


def test_pngs_in_korean_without_a_font_are_refused_before_anything_is_drawn(tmp_path: Path, monkeypatch) -> None:
    pytest.importorskip("resvg_py", reason="the extra look is not installed")
    monkeypatch.setattr(png, "drawn_as", lambda suffix, svg: b"a box")
    png.require_hangul()  # in English nothing is asked for
    with speaking("ko"), pytest.raises(RequirementError) as refused:
        png.require_hangul()
    assert str(refused.value) == (
        "no font of this machine has Hangul, which PNG files in Korean need.\n"
        "The SVG files and the page need none here: they take the fonts of the machine that shows them.\n"
        "Install a font, such as Debian's package fonts-nanum or fonts-noto-cjk, or leave out --png and --slides."
    )
    done = striate("look", "lenet5", "--only", "sharing", "--lang", "ko", "--png", cwd=tmp_path)
    assert done.returncode == 2
    assert "no font of this machine has Hangul" in done.stderr
    assert list(tmp_path.iterdir()) == []
