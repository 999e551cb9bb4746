"""striate evaluate, as people call it."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.cli.test_cli import striate


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    shutil.copytree(finished_run, folder)
    return folder


def test_rejection_is_one_line_or_a_table(run: Path) -> None:
    plain, told = striate("evaluate", run).stdout, striate("evaluate", run, "--reject").stdout
    line = next(line for line in plain.splitlines() if "what is kept" in line)
    share = re.fullmatch(r"  wrong 0\.\d+% of what is kept if the (.*)% that it is least sure of are rejected", line)
    assert share
    assert line in told
    assert "Rejected first" not in plain
    head, names, *rows = told[told.index("  Rejected first") :].splitlines()[:5]
    assert head == "  Rejected first is where the two largest logits differ least."
    assert names.split("  ")[1:3] == ["rejected", "images"]
    assert [row.split()[:2] for row in rows] == [["0.00%", "0"], ["0.33%", "1"], ["0.67%", "2"]]


def test_rejection_as_json_agrees_with_itself(run: Path) -> None:
    found = json.loads(striate("evaluate", run, "--json").stdout)
    rejection = found["rejection"]
    assert rejection["compared"] == "the two largest logits"
    first, *_, last = rejection["table"]
    assert (first["rejected"], first["errors"], first["error_rate"]) == (0, found["errors"], found["error_rate"])
    assert last["rejected"] == pytest.approx(0.2)
    assert last["error_rate"] < first["error_rate"]
    assert rejection["reached"]["error_rate"] <= rejection["wanted_error_rate"] == 0.005
