"""A disk that is full, fails or may not be written, at every single write of a run: an error of ours, and all is whole.

Each trial lets the n-th write fail, until there is no n-th one; then the run is taken up again, to the same weights.
"""

from __future__ import annotations

import errno
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from striate.errors import OutputError, RunError
from striate.export.page import write_page
from striate.export.single import export_single
from striate.look.predictor import Predictor
from striate.train import Recipe, open_run, session
from striate.train.checkpoint import load_checkpoint
from striate.train.imported import ClassifierSettings, create_imported
from tests.support.networks import TINY

RECIPE = Recipe(epochs=2, batch=400, rate=0.01)


class Half:
    """An open file of which a write takes half of the bytes, and then fails."""

    def __init__(self, file: Any, number: int) -> None:
        self.file, self.number = file, number

    def write(self, data: bytes) -> int:
        self.file.write(data[: len(data) // 2])
        self.file.flush()
        raise OSError(self.number, os.strerror(self.number))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def __enter__(self) -> Half:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()


class Disk:
    """Counts the writes to a folder, and lets one of them fail: the `nth`, and all after it if `lasting`."""

    def __init__(self, folder: Path, nth: int, number: int, *, lasting: bool) -> None:
        self.folder, self.nth, self.number, self.lasting = str(folder), nth, number, lasting
        self.count = 0

    def fails(self, path: object) -> bool:
        """Whether the next write, which is to this path, fails."""
        if not str(path).startswith(self.folder):
            return False
        self.count += 1
        return self.count == self.nth or (self.lasting and self.count > self.nth)


@contextmanager
def disk(folder: Path, nth: int, number: int, *, lasting: bool = False) -> Iterator[Disk]:
    """Let a write to a folder fail. Files are opened, flushed, renamed, linked, and folders made by these functions."""
    made, patch = Disk(folder, nth, number, lasting=lasting), pytest.MonkeyPatch()
    real = {"open": Path.open, "replace": Path.replace, "mkdir": Path.mkdir, "link": os.link, "fsync": os.fsync}

    def opened(self: Path, mode: str = "r", *more: Any, **options: Any) -> Any:
        file = real["open"](self, mode, *more, **options)
        if not set(mode) & set("wax+") or not made.fails(self):
            return file
        assert isinstance(file, io.BufferedIOBase)
        return Half(file, made.number)

    def guarded(name: str) -> Callable[..., Any]:
        def call(path: Any, *more: Any, **options: Any) -> Any:
            if made.fails(path if name != "fsync" else folder):
                raise OSError(made.number, os.strerror(made.number))
            return real[name](path, *more, **options)

        return call

    patch.setattr(Path, "open", opened)
    for name in ("replace", "mkdir"):
        patch.setattr(Path, name, guarded(name))
    for name in ("link", "fsync"):
        patch.setattr(os, name, guarded(name))
    try:
        yield made
    finally:
        patch.undo()


def refusal(work: Callable[[], object]) -> str:
    """What an OutputError says; "" where there is none. Any other error is a failure."""
    try:
        work()
    except OutputError as error:
        return error.what
    return ""


def train_or_resume(folder: Path, split: Any, made: Any) -> None:
    if folder.exists():
        run = open_run(folder)
        events = session.resume(run, split)
    else:
        events = session.start(replace(made, folder=folder), split)
    for _ in events:
        pass


@pytest.fixture(scope="module")
def prepared(few_digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Any, Path]]:
    """A run that was not begun, its images, and the folder of the same run undisturbed."""
    threads = torch.get_num_threads()
    folder = tmp_path_factory.mktemp("full") / "whole"
    made, split = session.prepare(TINY, session.Images(str(few_digits)), RECIPE, folder=folder, device="cpu", threads=1)
    made = replace(made, kernels="torch")
    train_or_resume(folder, split, made)
    yield made, split, folder
    torch.set_num_threads(threads)


def trial(prepared: tuple[Any, Any, Path], folder: Path, nth: int, number: int, *, lasting: bool) -> bool:
    """Train while the n-th write fails, and go on; whether there was an n-th one."""
    made, split, whole = prepared
    folder.parent.mkdir(exist_ok=True)
    with disk(folder.parent, nth, number, lasting=lasting) as full:
        what = refusal(lambda: train_or_resume(folder, split, made))
    assert what == "" or (os.strerror(number) in what and str(folder.parent) in what)
    if full.count < nth:
        return False
    for each in folder.glob("*.safetensors"):
        if each.name != "filters.safetensors":
            load_checkpoint(each)
    assert [each for each in folder.parent.iterdir() if each.name[0] != "."] in ([], [folder])
    train_or_resume(folder, split, made)
    for name in ("last.safetensors", "best.safetensors"):
        found, expected = load_checkpoint(folder / name)[0], load_checkpoint(whole / name)[0]
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[key], expected[key]) for key in expected)
    assert [each["epoch"] for each in open_run(folder).events("epoch")] == [1, 2]
    return True


@pytest.mark.parametrize("nth", [1, 3, 7, 9, 13, 19, 26, 32])
def test_a_few_writes_that_fail(nth: int, prepared, tmp_path: Path) -> None:
    assert trial(prepared, tmp_path / "run", nth, errno.ENOSPC, lasting=True)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "lasting"), [(errno.ENOSPC, True), (errno.EIO, False), (errno.EROFS, True)])
def test_every_write_that_fails(number: int, lasting: bool, prepared, tmp_path: Path) -> None:
    nth = 1
    while trial(prepared, tmp_path / str(nth) / "run", nth, number, lasting=lasting):
        shutil.rmtree(tmp_path / str(nth))
        nth += 1
    assert nth > 30  # so many writes has this training


def bring(run: Any, folder: Path) -> None:
    module = run.model()
    create_imported(
        folder / "made", run.network, module.state_dict(),
        answers=ClassifierSettings(run.preprocessing, run.classes, 1.0), origin={"file": "x"},
    )  # fmt: skip


EXPORTS: dict[str, Callable[[Any, Path], object]] = {
    "single": lambda run, folder: export_single(run, folder / "out.safetensors"),
    "page": lambda run, folder: write_page(Predictor(run), file=folder / "out.html"),
    "import": bring,
}


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from-then-on"])
@pytest.mark.parametrize("name", EXPORTS)
def test_what_cannot_be_exported_leaves_nothing(name: str, lasting: bool, finished_run: Path, tmp_path: Path) -> None:
    run, nth = open_run(finished_run), 0
    while True:
        nth += 1
        folder = tmp_path / str(nth)
        folder.mkdir()
        with disk(folder, nth, errno.ENOSPC, lasting=lasting) as full:
            what = refusal(lambda folder=folder: EXPORTS[name](run, folder))
        assert what == "" or "No space left on device" in what
        if full.count < nth:
            break
        assert "No space left on device" in what
        assert [each for each in folder.iterdir() if each.name[0] != "."] == []
    assert nth > 2
    assert len(os.listdir(folder)) == 1


MOUNTED = (
    "mount -t tmpfs -o size={size}k none {place} && cd {place} && {python} -m striate train lenet5-keras --out run "
    "--data {digits} --epochs 2 --batch 400 --threads 1 --kernels torch; echo code $?; "
    "mount -o remount,{then} {place} && {python} -m striate train --resume run; echo code $?; cp -r run {kept}"
)


@pytest.mark.slow
@pytest.mark.parametrize(("size", "then"), [(20, "ro"), (120, "size=64m"), (400, "size=64m"), (400, "ro")])
def test_a_real_disk_that_is_full_and_one_that_is_read_only(
    size: int, then: str, few_digits: Path, tmp_path: Path
) -> None:
    (tmp_path / "disk").mkdir()
    names = {"size": size, "place": tmp_path / "disk", "python": sys.executable, "digits": few_digits, "then": then}
    command = MOUNTED.format(**names, kept=tmp_path / "kept")
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", command], capture_output=True, text=True, env=os.environ | {"COLUMNS": "90"}
    )
    if "code" not in done.stdout:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()[-80:]}")
    assert "Traceback" not in done.stderr
    codes = [line for line in done.stdout.splitlines() if line.startswith("code ")]
    assert codes[0] in ("code 0", "code 2")
    if codes[0] == "code 2":
        assert "cannot be written: No space left on device." in done.stderr
    if then == "ro":
        assert codes[1] == "code 2"
        assert "Read-only file system." in done.stderr or "does not exist" in done.stderr
    elif (tmp_path / "kept").exists():
        assert codes[1] == "code 0", done.stderr
        load_checkpoint(tmp_path / "kept/last.safetensors")
        assert len(open_run(tmp_path / "kept").events("epoch")) == 2
    else:
        with pytest.raises(RunError):
            open_run(tmp_path / "kept")
