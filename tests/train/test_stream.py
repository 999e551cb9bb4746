"""Training on a stream: killed and resumed to the same weights, whatever the number of workers; in bounded memory."""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from striate.cli import root
from striate.data import Augmentation, stream
from striate.errors import DataError, RunError
from striate.networks.adapt import adapted
from striate.train import Recipe, open_run, session
from striate.train.checkpoint import load_checkpoint
from striate.train.session import Finished, Images, Interrupted
from tests.data.test_shards import CLASSES, samples, shard
from tests.support.networks import TINY

RECIPE = Recipe(epochs=3, batch=10, rate=0.01)
MOVED = replace(RECIPE, augmentation=Augmentation(shift=1.0))


def train_or_resume(folder: str, source: str, *, workers: int = 2, kill_at: int = 0) -> None:
    """Train with a checkpoint after every step, or go on; killed after the step of that number."""
    session.SAVE_EVERY = -1.0
    torch.set_num_threads(1)
    stream.worker_count = lambda: workers
    if Path(folder).exists():
        run = open_run(Path(folder))
        events = session.resume(run, session.reload(run))
    else:
        images = Images(source, stream=True)
        run, split = session.prepare(
            adapted(TINY, CLASSES), images, MOVED, folder=Path(folder), device="cpu", threads=1
        )
        events = session.start(run, split)
    for step, _ in enumerate(events, 1):
        if step == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


def in_process(folder: Path, source: Path, *, workers: int = 2, kill_at: int = 0) -> int | None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.train.test_stream"])
    process = context.Process(
        target=train_or_resume, args=(str(folder), str(source)), kwargs={"workers": workers, "kill_at": kill_at}
    )
    process.start()
    process.join()
    return process.exitcode


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    folder = tmp_path / "shards"
    for number in range(3):
        shard(folder / f"photos-train-{number}.tar", samples(range(40 * number, 40 * number + 40)))
    shard(folder / "photos-test-0.tar", samples(range(200, 212)))
    (folder / "classes.txt").write_text("\n".join(CLASSES) + "\n")
    return folder


def test_kill_9_in_the_middle_of_an_epoch_and_resume_with_other_workers(shards: Path, tmp_path: Path) -> None:
    assert in_process(tmp_path / "whole", shards, workers=1) == 0
    assert in_process(tmp_path / "killed", shards, workers=3, kill_at=5) == -signal.SIGKILL
    assert load_checkpoint(tmp_path / "killed/last.safetensors")[1]["position"]["batch"] == 5
    assert in_process(tmp_path / "killed", shards, workers=2, kill_at=17) == -signal.SIGKILL
    assert in_process(tmp_path / "killed", shards, workers=4) == 0
    for file in ("last.safetensors", "best.safetensors"):
        one, other = (load_checkpoint(tmp_path / name / file)[0] for name in ("whole", "killed"))
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_ctrl_c_and_resume_and_other_files_are_refused(shards: Path, tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    network, images = adapted(TINY, CLASSES), Images(str(shards), stream=True)
    run, split = session.prepare(network, images, RECIPE, folder=tmp_path / "run", device="cpu", threads=1)
    seen = []
    for number, event in enumerate(session.start(run, split)):
        seen.append(event)
        if number == 4:
            signal.raise_signal(signal.SIGINT)
    assert isinstance(seen[-1], Interrupted)
    again = open_run(run.folder)
    assert again.data.stream
    os.utime(shards / "photos-train-1.tar", ns=(5, 5))
    with pytest.raises(RunError, match="are not those that this run began with"):
        session.reload(again)
    torch.set_num_threads(threads)


def test_an_image_that_breaks_in_the_middle_of_an_epoch_is_named_and_the_run_goes_on_from_there(
    shards: Path, tmp_path: Path
) -> None:
    threads = torch.get_num_threads()
    network, images = adapted(TINY, CLASSES), Images(str(shards), stream=True)
    run, split = session.prepare(network, images, RECIPE, folder=tmp_path / "run", device="cpu", threads=1)
    file = shards / "photos-train-1.tar"
    whole, times = file.read_bytes(), os.stat(file).st_mtime_ns
    with file.open("r+b") as opened:
        opened.truncate(512)
    with pytest.raises(DataError, match=r"photos-train-1\.tar/photos/\d+: empty"):
        list(session.start(run, split))
    file.write_bytes(whole)
    os.utime(file, ns=(times, times))
    again = open_run(run.folder)
    assert isinstance(list(session.resume(again, session.reload(again)))[-1], Finished)
    torch.set_num_threads(threads)


def test_the_command_streams_and_its_profile_says_whether_decoding_keeps_up(
    shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    arguments = ["train", "lenet5-dense", "--data", str(shards), "--adapt", "--epochs", "1", "--batch", "20"]
    done = CliRunner().invoke(root, [*arguments, "--stream", "--profile", "--out", "run"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "images are decoded in each epoch anew" in done.output
    assert "  waiting for images" in done.output
    assert "Decoded 110 images, with those for validation: " in done.output
    assert not (tmp_path / "cache").exists()
    (event,) = open_run(Path("run")).events("profile")
    assert event["decoded"]["images"] == 110
    done = CliRunner().invoke(root, ["evaluate", "run", "--json"], catch_exceptions=False)
    assert json.loads(done.output)["images"] == 12
    assert not (tmp_path / "cache").exists()
    done = CliRunner().invoke(root, ["train", "--resume", "run", "--stream"])
    assert "--resume takes everything from the run; leave out --stream." in done.output


def many(folder: Path, count: int) -> None:
    """Tar files of `count` small pictures of two classes, 20,000 a file; a thousand different ones come again."""
    drawn = np.random.default_rng(0)
    pictures = []
    for _ in range(1000):
        out = io.BytesIO()
        Image.fromarray(drawn.integers(0, 256, (28, 28), dtype=np.uint8)).save(out, "JPEG", quality=30)
        pictures.append(out.getvalue())
    for first in range(0, count, 20_000):
        members: dict[str, bytes] = {}
        for number in range(first, min(first + 20_000, count)):
            members[f"{number:06}.jpg"], members[f"{number:06}.cls"] = pictures[number % 1000], b"%d" % (number % 2)
        shard(folder / f"photos-train-{first:06}.tar", members)


MEASURE = """
import os, sys
from dataclasses import replace
from pathlib import Path
from striate.networks.adapt import adapted
from striate.train import Recipe, session
from tests.support.networks import TINY

def kib(name):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name))

source, folder, stream, most = sys.argv[1], Path(sys.argv[2]), sys.argv[3] == "stream", 0
images = session.Images(source, stream=stream)
network = adapted(TINY, ("0", "1"))
recipe = Recipe(epochs=1, batch=100)
run, split = session.prepare(network, images, recipe, folder=folder, device="cpu", threads=1)
run = replace(run, kernels="torch", threads=1)  # others, which take other memory, are not tried
for event in session.start(run, split):
    most = max(most, kib("RssAnon"))
print(most, len(split.train) + len(split.validation))
"""


@pytest.mark.slow
def test_memory_stays_flat_on_200_000_images(tmp_path: Path) -> None:
    """A twentieth of the images takes nearly as much: an image takes its name, label and place, not its 784 pixels."""
    counts = (10_000, 200_000)
    environment = os.environ | {"STRIATE_CACHE": str(tmp_path / "cache"), "PYTHONPATH": os.pathsep.join(sys.path)}
    for count in counts:
        many(tmp_path / str(count), count)
    for way in ("store", "stream"):
        found: list[int] = []
        for count in counts:
            folder = str(tmp_path / f"{way}{count}")
            arguments = [sys.executable, "-c", MEASURE, str(tmp_path / str(count)), folder, way]
            done = subprocess.run(arguments, capture_output=True, text=True, env=environment, check=False)
            assert done.returncode == 0, done.stderr
            kib, images = map(int, done.stdout.split())
            assert images == count
            found.append(1024 * kib)
        each = (found[1] - found[0]) / (counts[1] - counts[0])
        assert each < 784 / 2, f"{way}: {found}: {each:.0f} bytes an image"
