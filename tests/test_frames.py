"""Accounts and runs as data frames and pictures, and what a notebook shows of values."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from striate import account, find
from striate.errors import OutputError, RequirementError, RunError, UnknownNameError
from striate.frames import frame_of
from striate.train import Evaluation, open_run
from striate.train.run import Run


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_an_account_is_a_frame(library: str) -> None:
    pytest.importorskip(library, reason=f"{library} is not installed")
    found = account("lenet5")
    frame = found.frame(library)
    assert type(frame).__module__.partition(".")[0] == library
    assert frame.shape[0] == len(found.rows)
    assert frame["weights"].sum() + frame["biases"].sum() == 60_000
    assert list(frame["path"]) == [row.path for row in found.rows]
    assert [list(each) for each in frame["receptive_field_size"]] == [
        list(row.receptive_field.size) for row in found.rows
    ]


def test_a_run_is_a_frame(finished_run: Path) -> None:
    pytest.importorskip("pandas", reason="pandas is not installed")
    frame = open_run(finished_run).frame()
    assert list(frame["epoch"]) == [1, 2, 3]
    assert list(frame["accuracy"]) == [each["accuracy"] for each in open_run(finished_run).events("epoch")]


def test_frames_need_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pandas", "polars"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(RequirementError, match="pandas or polars is not installed.\nA frame is a DataFrame"):
        frame_of([])
    with pytest.raises(RequirementError, match="polars is not installed.\n.*\nInstall it: pip install polars"):
        frame_of([], "polars")
    with pytest.raises(UnknownNameError, match="The data frame libraries are: pandas, polars.\nDid you mean 'pandas'"):
        frame_of([], "panda")


def test_pictures_are_svg_or_png(finished_run: Path, tmp_path: Path) -> None:
    run = open_run(finished_run)
    for picture, texts in ((account("alexnet").plot(), ["alexnet", "parameters"]), (run.curves(), ["Loss", "Error"])):
        root = ElementTree.fromstring(picture.svg)
        shown = {each.text for each in root.iter("{http://www.w3.org/2000/svg}text")}
        assert set(texts) <= shown
        assert picture._repr_svg_() == picture.svg
        assert picture.save(tmp_path / "one.svg").read_text() == picture.svg
        with Image.open(picture.save(tmp_path / "one.png")) as image:
            assert image.format == "PNG"
            assert len(image.getcolors(1 << 20) or []) > 10
    with pytest.raises(OutputError, match=r"one.jpg does not end in .svg or .png.\nsave writes a picture, as SVG"):
        run.curves().save(tmp_path / "one.jpg")


def test_a_run_without_epochs_has_no_curves(finished_run: Path, tmp_path: Path) -> None:
    run = open_run(finished_run)
    (tmp_path / "run.json").write_text((finished_run / "run.json").read_text())
    (tmp_path / "network.json").write_text((finished_run / "network.json").read_text())
    with pytest.raises(RunError, match="has no epochs to draw."):
        open_run(tmp_path).curves()
    assert "<table>" in run._repr_html_()
    assert "<table>" not in open_run(tmp_path)._repr_html_()


def test_what_a_notebook_shows(finished_run: Path) -> None:
    run: Run = open_run(finished_run)
    html = run._repr_html_()
    assert "tiny" in html
    assert html.count("<tr>") == 4
    assert ">validation</th>" in html
    assert ">test</th>" in replace(run, recipe=replace(run.recipe, hold_out=0.0))._repr_html_()
    assert "<svg" in find("lenet5")._repr_svg_()  # pyright: ignore[reportAttributeAccessIssue]
    row = {"images": 2, "recall": 1.0, "precision": 0.5}
    rows = {f"<b>{number}": row | {"errors": number % 2} for number in range(30)}
    html = Evaluation(60, 15, 0.25, 0.75, 0.9, 0.75, 0.8, rows, [[0]])._repr_html_()
    assert "15 errors in 60 images: 25.00%" in html
    assert "&lt;b&gt;1<" in html
    assert "<b>1<" not in html
    assert html.count("<tr>") == 13
