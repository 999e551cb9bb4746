"""Jobs of predictions: killed at any moment and given again, each image is in the file exactly once."""

import csv
import io
import json
import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from striate.errors import OutputError, RunError, SpecError
from striate.predictions import job as jobs
from striate.predictions import work
from striate.predictions.answers import Manner
from striate.predictions.job import JobRequest
from striate.predictions.work import predict_all
from striate.train.run import open_run
from tests.support.killing import FOLDERS, calls_of, killed_many_times

IMAGES, PART = 42, 4


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    """A folder of pictures of several sizes and modes, in two folders, three of which cannot be read."""
    folder, dice = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    (folder / "b").mkdir()
    for number in range(IMAGES):
        file = folder / ("b" if number % 3 else "") / f"{number:02}.png"
        shape = (28, 28) if number % 2 else (20 + number, 31, 3)
        Image.fromarray(dice.integers(0, 256, shape, dtype=np.uint8)).save(file)
        if number % 19 == 7:
            file.write_bytes(file.read_bytes()[:70])
    (folder / "notes.txt").write_text("no image")
    (folder / ".hidden.png").write_bytes(b"")
    return folder


def job_request(run: Path, pictures: Path, out: Path, top: int = 0) -> JobRequest:
    return JobRequest(open_run(run), (str(pictures),), out, Manner("torch", top=top))


def give_the_command(run: str, pictures: str, out: str) -> None:
    """What `striate predict --out` does, as somebody gives it until the file is there."""
    jobs.LEAST = jobs.MOST = PART
    torch.set_num_threads(1)
    if not Path(out).exists() or Path(f"{out}.parts/job.json").exists():
        predict_all(job_request(Path(run), Path(pictures), Path(out)))


@pytest.fixture
def in_small_parts(monkeypatch) -> None:
    monkeypatch.setattr(jobs, "LEAST", PART)
    monkeypatch.setattr(jobs, "MOST", PART)


@pytest.fixture(scope="module")
def undisturbed(finished_run, pictures, tmp_path_factory) -> bytes:
    out = tmp_path_factory.mktemp("undisturbed") / "found.csv"
    predict_all(job_request(finished_run, pictures, out))
    return out.read_bytes()


@pytest.fixture(scope="module")
def calls(finished_run, pictures, tmp_path_factory) -> int:
    """The calls and returns of a whole job: 6,184 with Python 3.11, the first part after 3,500; others have fewer."""
    out = tmp_path_factory.mktemp("counted") / "found.csv"
    command = partial(give_the_command, str(finished_run), str(pictures), str(out))
    return calls_of(command, module=__name__, folders=FOLDERS)


@pytest.mark.parametrize("seeds", [(8,), pytest.param(range(20), marks=pytest.mark.slow)])
def test_killed_at_any_moment_each_image_is_there_once(
    seeds, calls, finished_run, pictures, undisturbed, tmp_path
) -> None:
    hits = 0
    for seed in seeds:
        out = tmp_path / f"found-{seed}.csv"
        command = partial(give_the_command, str(finished_run), str(pictures), str(out))
        hits += killed_many_times(command, module=__name__, kills=4, calls=calls, seed=seed)
        assert out.read_bytes() == undisturbed
        assert os.listdir(tmp_path) == [out.name]
        out.unlink()
    assert hits >= 1.5 * len(seeds)
    rows = list(csv.DictReader(io.StringIO(undisturbed.decode())))
    assert len({row["image"] for row in rows}) == len(rows) == IMAGES
    assert sum(bool(row["error"]) for row in rows) == 2


class _Stop(Exception):  # noqa: N818 - no error, but an end
    pass


def test_killed_after_the_file_has_appeared(finished_run, pictures, undisturbed, tmp_path, monkeypatch) -> None:
    out, folder = tmp_path / "found.csv", tmp_path / "found.csv.parts"

    def stop(job: jobs.Job) -> None:
        raise _Stop

    with monkeypatch.context() as patched:
        patched.setattr(work, "remove", stop)
        with pytest.raises(_Stop):
            predict_all(job_request(finished_run, pictures, out))
    assert out.read_bytes() == undisturbed
    assert (folder / "job.json").exists()
    predict_all(job_request(finished_run, pictures, out))
    assert out.read_bytes() == undisturbed
    assert not folder.exists()


def test_what_a_removed_job_left_is_not_taken(finished_run, pictures, undisturbed, tmp_path) -> None:
    out, folder = tmp_path / "found.csv", tmp_path / "found.csv.parts"
    folder.mkdir()
    for name in ("images.jsonl", "000000.safetensors"):  # a kill while the folder of a finished job was removed
        (folder / name).write_bytes(b"of the job before")
    predict_all(job_request(finished_run, pictures, out))
    assert out.read_bytes() == undisturbed


def test_what_is_done_is_not_done_again(finished_run, pictures, undisturbed, tmp_path, in_small_parts) -> None:
    out = tmp_path / "found.csv"

    def stop(done: int, images: int) -> None:
        if done >= 3 * PART:
            raise _Stop

    with pytest.raises(_Stop):
        predict_all(job_request(finished_run, pictures, out), tell=stop)
    parts = sorted(Path(f"{out}.parts").glob("*.safetensors"))
    before = [(part.name, part.stat().st_mtime_ns) for part in parts]
    assert len(before) == 3
    assert not out.exists()
    seen: list[int] = []
    found = predict_all(job_request(finished_run, pictures, out), tell=lambda done, _: seen.append(done))
    assert (seen[0], seen[-1], found.before) == (3 * PART, IMAGES, 3 * PART)
    assert out.read_bytes() == undisturbed
    assert not Path(f"{out}.parts").exists()


def _stopped(request: JobRequest) -> Path:
    """A job with its first part done."""

    def stop(done: int, images: int) -> None:
        if done:
            raise _Stop

    with pytest.raises(_Stop):
        predict_all(request, tell=stop)
    return Path(f"{request.file}.parts")


def test_a_part_that_was_damaged_is_said_and_done_again(
    finished_run, pictures, undisturbed, tmp_path, in_small_parts
) -> None:
    out = tmp_path / "found.csv"
    part = _stopped(job_request(finished_run, pictures, out)) / "000000.safetensors"
    content = bytearray(part.read_bytes())
    content[-3] ^= 4
    part.write_bytes(content)
    with pytest.raises(RunError) as caught:
        predict_all(job_request(finished_run, pictures, out))
    assert str(caught.value) == (
        f"{part} is damaged: its checksum is not that of what it holds.\n"
        "It is a file of a job of predictions that was not finished.\n"
        "It is removed: give the same command again, and its images are answered anew."
    )
    predict_all(job_request(finished_run, pictures, out))
    assert out.read_bytes() == undisturbed


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda folder: (folder / "job.json").write_text("{}"), "job.json is damaged: its members are not those"),
        (lambda folder: (folder / "job.json").write_text("[" * 9999), "its members are not those of a job"),
        (
            lambda folder: (folder / "job.json").write_text(
                (folder / "job.json").read_text().replace('"version": "1"', '"version": "2"')
            ),
            "it is of another version",
        ),
        (
            lambda folder: (folder / "images.jsonl").write_text('["a", "b"]\n'),
            f"images.jsonl is damaged: it has 1 images of {IMAGES}",
        ),
        (
            lambda folder: (folder / "images.jsonl").write_text('{"a": 1}\n' * IMAGES),
            "images.jsonl is damaged: a line of it is no image",
        ),
    ],
)
def test_a_damaged_job_is_refused(damage, text, finished_run, pictures, tmp_path, in_small_parts) -> None:
    out = tmp_path / "found.csv"
    damage(_stopped(job_request(finished_run, pictures, out)))
    with pytest.raises(RunError, match=text) as caught:
        predict_all(job_request(finished_run, pictures, out))
    assert str(caught.value).endswith(f"Remove {out}.parts, and give the command again: it begins anew.")
    assert not out.exists()


def test_another_job_is_not_continued(finished_run, pictures, tmp_path, in_small_parts) -> None:
    out = tmp_path / "found.csv"
    folder = _stopped(job_request(finished_run, pictures, out))
    with pytest.raises(OutputError) as caught:
        predict_all(job_request(finished_run, pictures / "b", out, top=2))
    assert str(caught.value) == (
        f"{folder} is of another job: IMAGE..., --top differ.\n"
        "A job that was stopped is continued by the same command.\n"
        "Give the same command, remove that folder, or give another name to --out."
    )
    other = json.loads((folder / "job.json").read_text())
    assert other["job"]["--top"] == 0


def test_kernels_that_cannot_run_here_begin_no_job(finished_run, pictures, tmp_path, monkeypatch) -> None:
    out = tmp_path / "found.csv"
    asked = job_request(finished_run, pictures, out)
    monkeypatch.setattr("striate.execution.choice._capabilities", dict)
    with pytest.raises(SpecError, match="PyTorch finds no bfloat16 instructions in this processor"):
        predict_all(replace(asked, manner=Manner("bfloat16")))
    assert list(tmp_path.iterdir()) == []
    predict_all(replace(asked, manner=Manner("auto")))
    assert out.exists()


def test_nothing_is_overwritten_and_one_process_writes(finished_run, pictures, tmp_path, in_small_parts) -> None:
    out = tmp_path / "found.csv"
    folder = _stopped(job_request(finished_run, pictures, out))
    asked = job_request(finished_run, pictures, out)
    with jobs.Lock(folder), pytest.raises(OutputError) as caught:
        predict_all(asked)
    assert str(caught.value).startswith(f"{folder} is being written by process {os.getpid()} on ")
    assert str(caught.value).endswith("\nWait for it, or stop it with Ctrl-C.")
    predict_all(job_request(finished_run, pictures, out))
    before = out.read_bytes()
    with pytest.raises(OutputError, match="is there already.\nPredictions are written into a new file"):
        predict_all(job_request(finished_run, pictures, out))
    assert out.read_bytes() == before


def test_a_file_that_appears_while_a_job_is_stopped_is_not_overwritten(
    finished_run, pictures, tmp_path, in_small_parts, monkeypatch
) -> None:
    out = tmp_path / "found.csv"
    folder = _stopped(job_request(finished_run, pictures, out))
    out.write_text("another program's")
    with pytest.raises(OutputError, match="is there already"):
        predict_all(job_request(finished_run, pictures, out))
    assert out.read_text() == "another program's"
    out.unlink()
    right = work.writer_for

    def late(*given, **options):
        out.write_text("another program's")
        return right(*given, **options)

    with monkeypatch.context() as patched:  # it appears while the lines are written
        patched.setattr(work, "writer_for", late)
        with pytest.raises(OutputError, match="is there already"):
            predict_all(job_request(finished_run, pictures, out))
    assert out.read_text() == "another program's"
    out.unlink()
    assert predict_all(job_request(finished_run, pictures, out)).images == IMAGES
    assert not folder.exists()


def test_a_disk_that_is_full_keeps_what_is_done(
    finished_run, pictures, undisturbed, tmp_path, in_small_parts, monkeypatch
) -> None:
    out = tmp_path / "found.csv"

    def full(path: Path, content: bytes | str) -> None:
        raise jobs.unwritten(path, OSError(28, "No space left on device"))

    folder = _stopped(job_request(finished_run, pictures, out))
    with monkeypatch.context() as patched:
        patched.setattr(work, "write_whole", full)
        with pytest.raises(OutputError) as caught:
            predict_all(job_request(finished_run, pictures, out))
    assert str(caught.value) == (
        f"{folder}/000001.safetensors cannot be written: No space left on device.\n"
        f"Parts that are done are kept in {folder}.\n"
        "Make room, then give the same command again; or give another file to --out."
    )
    predict_all(job_request(finished_run, pictures, out))
    assert out.read_bytes() == undisturbed
