"""A job of predictions: its folder, beside the result file, keeps the job's description and its finished parts."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from striate.accounting import account
from striate.description.json import to_json
from striate.errors import OutputError, RunError
from striate.execution.choice import Choice
from striate.execution.inference import answering, choose_for_inference
from striate.execution.names import KERNELS
from striate.files import make_folder, unwritten, write_whole
from striate.modules import Built, placed
from striate.predictions.answers import FORMAT, VERSION, Answerer, Manner
from striate.predictions.listing import Listed, damaged, listed_images, require_apart
from striate.train.answer_checks import require_scores
from striate.train.lock import Lock
from striate.train.metrics import batch_for
from striate.train.run import Run

FOLDER, JOB, LIST, WRITTEN = ".parts", "job.json", "images.jsonl", "written.mark"
PART_MACS, LEAST, MOST = 1e12, 64, 4096
"""The MACs of a part, and the least and most images of one. A killed job loses at most the parts it was working on."""


@dataclass(frozen=True)
class JobRequest:
    """A request for predictions: the run, the `sources` of images, the result file, and the manner (kernels,
    device)."""

    run: Run
    sources: tuple[str, ...]
    file: Path
    manner: Manner


@dataclass(frozen=True, eq=False)
class Job:
    """A job in its folder: the request, with the kernels that were chosen for it, and the list of its images."""

    request: JobRequest
    folder: Path
    listed: Listed
    model: Built

    @property
    def manner(self) -> Manner:
        """The manner of answering, in which the kernels are never "auto"."""
        return self.request.manner

    def answerer(self) -> Answerer:
        """The run's weights on the job's kernels."""
        return Answerer(self.request.run, self.manner, model=self.model)

    def part(self, number: int) -> Path:
        """The file of a part."""
        return self.folder / f"{number:06}.safetensors"

    def pending(self) -> list[int]:
        """The numbers of the parts that are not done."""
        return [number for number in range(self.listed.parts) if not self.part(number).exists()]


@contextmanager
def opened(request: JobRequest) -> Iterator[Job]:
    """Context with the job begun, or continued where its folder is there. One process at a time has it.

    Raises OutputError where the file is there already or cannot be written, or the folder is of another job; DataError
    where a source has no images; RunError where the run cannot be read, or the job's folder is damaged.
    """
    folder = request.file.with_name(request.file.name + FOLDER)
    if os.path.lexists(request.file) and not (folder / JOB).exists():
        raise taken(request.file)
    require_apart(request.sources)
    require_scores(request.run)
    model = placed(request.run.model(), request.manner.device)
    begun = folder.exists()
    with kept_in(folder):
        make_folder(folder)
    with _locked(folder):
        try:
            record = _continued(request, folder, model) or _begun(request, folder, model)
            begun = True
        finally:
            if not begun:  # listing the images failed: leave no folder behind
                shutil.rmtree(folder, ignore_errors=True)
        listed = Listed(folder / LIST, count=record["images"], part_size=record["part_size"])
        manner = replace(request.manner, kernels=record["kernels"], threads=record["threads"])
        job = Job(replace(request, manner=manner), folder, listed, model)
        if os.path.lexists(request.file) and not (folder / WRITTEN).exists():  # not the job's own
            raise taken(request.file)
        yield job


def taken(file: Path) -> OutputError:
    """The error for a file that is there and is not the job's own."""
    return OutputError(
        f"{file} is there already.",
        "Predictions are written into a new file, so that nothing is overwritten.",
        "Remove it, or give another name to --out.",
    )


@contextmanager
def kept_in(folder: Path) -> Iterator[None]:
    """Context in which an OutputError says that the finished parts are kept in the job's folder."""
    try:
        yield
    except OutputError as error:
        raise OutputError(
            error.what,
            f"Parts that are done are kept in {folder}.",
            "Make room, then give the same command again; or give another file to --out.",
        ) from None
    except OSError as problem:
        raise OutputError(
            unwritten(Path(problem.filename or folder), problem).what,
            f"Parts that are done are kept in {folder}.",
            "Make room, then give the same command again; or give another file to --out.",
        ) from None


def _locked(folder: Path) -> Lock:
    try:
        with kept_in(folder):
            return Lock(folder)
    except RunError as error:
        raise OutputError(
            error.what, "One process at a time writes a file of predictions.", "Wait for it, or stop it with Ctrl-C."
        ) from None


def _continued(request: JobRequest, folder: Path, model: Built) -> dict[str, Any] | None:
    """The record of a job that has begun, or None. Raises OutputError where the folder is of another job."""
    if not (folder / JOB).exists():
        return None
    record = _read(folder / JOB)
    differ = [name for name, value in _identity(request, model).items() if record["job"].get(name) != value]
    if request.manner.kernels not in ("auto", record["kernels"]):
        differ.append("--kernels")
    if differ:
        raise OutputError(
            f"{folder} is of another job: {', '.join(differ)} {'differ' if len(differ) > 1 else 'differs'}.",
            "A job that was stopped is continued by the same command.",
            "Give the same command, remove that folder, or give another name to --out.",
        )
    return record


def _begun(request: JobRequest, folder: Path, model: Built) -> dict[str, Any]:
    """The record of a job that begins now, which is written once the list of its images is."""
    with kept_in(folder):
        for left in folder.glob("*.*"):  # of a job whose record was removed as its file was finished
            if left.name[0] != ".":
                left.unlink()
        if request.manner.kernels != "auto":
            answering(model, Choice(request.manner.kernels, 1))  # where they cannot, no job is begun
        count = _listed(folder / LIST, request.sources)
        choice = _choice(request, model, count)
        macs = max(1, account(request.run.network).totals.macs)
        size = int(min(MOST, max(LEAST, PART_MACS / macs)))
        record = {"format": FORMAT, "version": VERSION, "job": _identity(request, model)}
        record |= {"images": count, "part_size": size, "kernels": choice.kernels, "threads": choice.threads}
        write_whole(folder / JOB, json.dumps(record, indent=2) + "\n")
    return record


def _listed(path: Path, sources: tuple[str, ...]) -> int:
    """Write the list of the images; their number."""
    partial, count = path.with_suffix(".partial"), 0
    with partial.open("w", encoding="utf-8") as file:
        for item in listed_images(sources):
            file.write(item.line())
            count += 1
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    return count


def _choice(request: JobRequest, model: Built, count: int) -> Choice:
    """The kernels that were asked for, or the fastest ones for this number of images."""
    batch = min(count, batch_for(request.run.network))
    return choose_for_inference(model, batch=batch, images=count, kernels=request.manner.kernels)


def _identity(request: JobRequest, model: Built) -> dict[str, Any]:
    """The values that must be the same for a job to be continued, under the words by which an error names them."""
    digest = hashlib.blake2b(digest_size=16)
    run = request.run
    for text in (to_json(run.network), json.dumps([run.preprocessing.to_dict(), run.classes]), str(run.temperature)):
        digest.update(text.encode())
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    sources = [os.path.realpath(source).encode("utf-8", "surrogateescape").hex() for source in request.sources]
    return {
        "RUN": digest.hexdigest(),
        "IMAGE...": sorted(sources),
        "--top": request.manner.top,
        "--device": request.manner.device,
    }


def _read(path: Path) -> dict[str, Any]:
    """The record of a job. Raises RunError where it is damaged or of a newer version."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        kinds = {"format": str, "version": str, "job": dict, "images": int, "part_size": int}
        kinds |= {"kernels": str, "threads": int}
        whole = isinstance(record, dict) and all(type(record.get(name)) is kind for name, kind in kinds.items())
    except (OSError, ValueError, RecursionError):
        record, whole = {}, False
    if whole and (record["format"], record["version"]) != (FORMAT, VERSION):
        raise damaged(path, "it is of another version")
    bounds = whole and record["images"] > 0 and record["part_size"] > 0 and record["threads"] > 0
    if not bounds or record["kernels"] not in KERNELS:
        raise damaged(path, "its members are not those of a job")
    return record


def remove(job: Job) -> None:
    """Remove the folder of a job that is finished; the record goes first, so that half a folder is none."""
    with suppress(OSError):
        (job.folder / JOB).unlink()
    shutil.rmtree(job.folder, ignore_errors=True)
