"""kill -9 at moments of export, import, page and predict: a file is the old one, the new one, or not there; never half.

Trainings, reproductions and predictions that are killed are in tests/train/test_session.py, reproduce/test_session.py
and predictions/test_work.py.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch

from striate.export.page import write_page
from striate.export.single import export_single
from striate.look.predictor import Predictor
from striate.look.report import write_report
from striate.train import evaluation, open_run
from striate.train.checkpoint import load_checkpoint
from tests.support.killing import KILLS, Moments, calls_of, killed_at

WRITING = ("/striate/files.py", "/striate/export/", "/striate/train/imported.py", "/striate/train/run.py")
"""Moments are calls and returns of functions of these: before and after whatever is written, flushed and renamed."""


def single(run: str, file: str) -> None:
    export_single(open_run(run), Path(file))


def page(run: str, file: str) -> None:
    write_page(Predictor(open_run(run)), file=Path(file))


def onnx(run: str, file: str) -> None:
    from striate.export.onnx.write import export_onnx

    torch.set_num_threads(1)
    export_onnx(open_run(run), Path(file))


def brought(given: str, folder: str) -> None:
    from striate.export.onnx.bring import import_onnx

    torch.set_num_threads(1)
    import_onnx(Path(given), Path(folder))


def reported(run: str) -> None:
    outputs, images = evaluation.evaluate(open_run(run), split="validation")
    write_report(open_run(run), outputs, images)


def at_moments(work: Callable[[], object], kills: int, seed: int, after: Callable[[], None]) -> None:
    calls = calls_of(work, module=__name__, folders=WRITING)
    assert calls > 10
    after()
    hits = killed_at(work, Moments(kills, calls, seed, WRITING), module=__name__, after=after)
    assert hits >= kills - 2  # a library's cache may save a few calls
    work()


def whole_or_old(write: Callable[[str, str], None], run: Path, folder: Path, *, kills: int) -> None:
    """Kill a verb that writes one file, half of the time where an older one is."""
    wanted, file = folder / f"wanted{folder.suffix}.safetensors", folder / "out.safetensors"
    if write is page:
        wanted, file = wanted.with_suffix(".html"), file.with_suffix(".html")
    if write is onnx:
        wanted, file = wanted.with_suffix(".onnx"), file.with_suffix(".onnx")
    write(str(run), str(wanted))
    new = wanted.read_bytes()
    before: bytes | None = None

    def look() -> None:
        nonlocal before
        found = file.read_bytes() if file.exists() else None
        if found not in (before, new):  # the library writes the members of a head in any order
            assert write is single
            assert found
            assert sorted(found) == sorted(new)
            open_run(file).model()
        before = b"old" if before is None else None
        file.write_bytes(before) if before else file.unlink(missing_ok=True)

    at_moments(partial(write, str(run), str(file)), kills, 1, look)
    assert sorted(file.read_bytes()) == sorted(new)
    assert {each.name for each in folder.iterdir() if not each.name.startswith(".")} == {wanted.name, file.name}


def test_a_few_kills_of_an_export(finished_run: Path, tmp_path: Path) -> None:
    whole_or_old(single, finished_run, tmp_path, kills=3)


@pytest.mark.slow
@pytest.mark.parametrize("write", [single, page, onnx], ids=lambda each: each.__name__)
def test_an_export_is_whole_or_not_there(write: Callable[[str, str], None], finished_run: Path, tmp_path: Path) -> None:
    if write is onnx:
        pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    whole_or_old(write, finished_run, tmp_path, kills=KILLS)


@pytest.mark.slow
def test_an_import_is_whole_or_not_there(finished_run: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    given, folder = tmp_path / "given.onnx", tmp_path / "runs/made"
    onnx(str(finished_run), str(given))
    number = 0

    def look() -> None:
        nonlocal number
        if folder.exists():
            number += 1
            open_run(folder).model()
            folder.rename(tmp_path / f"made-{number}")

    at_moments(partial(brought, str(given), str(folder)), KILLS, 2, look)
    open_run(folder).model()


@pytest.mark.slow
def test_a_report_leaves_the_run_as_it_was(finished_run: Path, tmp_path: Path) -> None:
    import shutil

    folder = Path(shutil.copytree(finished_run, tmp_path / "run"))
    kept = {each.name: each.read_bytes() for each in folder.iterdir() if each.suffix == ".safetensors"}

    def look() -> None:
        assert {name: (folder / name).read_bytes() for name in kept} == kept
        open_run(folder).model()
        load_checkpoint(folder / "last.safetensors")
        report = folder / "report.html"
        assert not report.exists() or report.read_text(encoding="utf-8").rstrip().endswith("</html>")

    at_moments(partial(reported, str(folder)), KILLS, 3, look)
