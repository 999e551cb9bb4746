"""Names that others chose, in pages and figures: text, whatever they are."""

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch
from PIL import Image

from striate.errors import DataError
from striate.export.page import alone
from striate.look import page
from striate.look.drawing import Drawing
from striate.look.report import write_report
from striate.look.subject import subject
from striate.serve import Predictor
from striate.train import Recipe, evaluation, open_run, session
from tests.support.networks import TINY

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'"


@pytest.fixture
def run(finished_run: Path, tmp_path: Path):
    """A run whose first class has a name that is markup; what it is judged by is kept elsewhere."""
    opened = open_run(finished_run)
    classes = (HOSTILE, *opened.classes[1:])
    events = tmp_path / "events.jsonl"
    events.write_bytes((finished_run / "events.jsonl").read_bytes())
    for name in ("best.safetensors", "filters.safetensors"):
        (tmp_path / name).write_bytes((finished_run / name).read_bytes())
    return replace(opened, folder=tmp_path, data=replace(opened.data, classes=classes))


def test_the_report_and_the_pages_show_a_name_as_text(run, finished_run: Path, tmp_path: Path) -> None:
    outputs, images = evaluation.evaluate(open_run(finished_run))
    run.log("warning", kind="x", what=HOSTILE, cause=HOSTILE, remedy=HOSTILE)
    write_report(run, outputs, images)
    found = replace(subject(finished_run), classes=run.classes, run=run)
    sections = list(page.look(found, page.Wish(only=("maps", "attribution"))))
    page.write_look(found, sections, folder=tmp_path / "look")
    for text in (
        (tmp_path / "report.html").read_text(),
        (tmp_path / "look/look.html").read_text(),
        alone(Predictor(run)),
    ):
        assert "alert(1)" in text
        assert "<script>alert" not in text
        assert not re.search(r"<img src=x", text)


def test_a_figure_is_xml_whatever_it_says() -> None:
    drawing = Drawing("a\x1b[2J\0\x9b<b>&")
    drawing.text(0, 0, "four\x07\x0b\ud800")
    ElementTree.fromstring(drawing.svg())


def test_a_class_folder_with_control_characters_is_refused(tmp_path: Path) -> None:
    for name in ("a", "b\x1b[2J"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(8):
            Image.new("L", (28, 28), number).save(tmp_path / "photos" / name / f"{number}.png")
    with pytest.raises(DataError) as caught:
        session.prepare(TINY, session.Images(str(tmp_path / "photos")), Recipe(), folder=tmp_path / "run")
    assert str(caught.value) == (
        rf"{tmp_path}/photos: the name of the class folder b\x1b[2J holds a control character."
        "\n"
        "A class bears its folder's name, which must be text.\nRename the folder, in train and in test."
    )
    assert not (tmp_path / "run").exists()
    torch.set_num_threads(1)
