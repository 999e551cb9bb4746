"""A run written as a program of torch.export, once it has given the run's answers without Striate."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from striate.data import ImageSet, Preprocessing
from striate.description.json import to_json
from striate.description.network import plan
from striate.errors import AuditError
from striate.exchange.graph import Value
from striate.exchange.model import INPUT, LABEL, OUTPUT, PROBABILITIES
from striate.export.images import compared_images, fitted_once
from striate.export.onnx.agreement import Agreement, Compared, Other, agreement_with, sample
from striate.export.place import require_place
from striate.export.pt2 import fresh
from striate.export.pt2.module import Bare, Classifier
from striate.files import elsewhere, write_whole
from striate.modules import Built
from striate.train.imported import require_classifier
from striate.train.losses import class_scores
from striate.train.run import Run

BATCH = "batch"
_REMEDY = "Try another version of PyTorch. If it stays so, this is a fault of Striate: please report it."


@dataclass(frozen=True)
class Program:
    """A file that was written: its size, what goes in and out, and how it answered images of `split`."""

    file: Path
    bytes: int
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    split: str
    agreement: Agreement


def export_pt2(run: Run, file: Path, *, bare: bool = False, source: str | None = None) -> Program:
    """Write a run's best weights as a program of torch.export, whole or not at all.

    It takes pixels and gives probabilities and labels, or with `bare` takes normalised images and gives logits; the
    batch has any size. An interpreter of its own, in which Striate cannot be imported, answers the images that
    `compared_images` chooses. Raises AuditError where the answers are not the run's, OutputError, and what reading the
    run and its images raises.
    """
    require_place(file, ".pt2", "an exported program")
    if not bare:
        require_classifier(run)
    images = compared_images(run, source)
    pictures = run.preprocessing if images.fitted else None
    run = fitted_once(run, images)
    module = run.model()
    content = program_of(run, module, tuple(images.images.shape[1:]), bare=bare, pictures=pictures)
    agreement = answers_agree(content, run, module, images=sample(run, images), bare=bare)
    with elsewhere("--out"):
        write_whole(file, content)
    channels, *size = images.images.shape[1:]
    if bare:
        inputs = (Value(INPUT, "float32", run.network.input),)
        outputs = (Value(OUTPUT, "float32", plan(run.network).output),)
    else:
        inputs = (Value(INPUT, "uint8", (*size, channels)),)
        outputs = (Value(PROBABILITIES, "float32", (len(run.classes),)), Value(LABEL, "int64", ()))
    return Program(file, len(content), inputs, outputs, images.split, agreement)


def program_of(
    run: Run, module: Built, shape: tuple[int, ...], *, bare: bool, pictures: Preprocessing | None = None
) -> bytes:
    """The content of the file, for stored images of `shape`, (channels, height, width).

    Its extra files are classes.json, preprocessing.json, temperature.json and network.json; where `pictures` is given,
    also pictures.json, the preprocessing of pictures that are not cropped or letterboxed yet. Where the code that was
    traced lies on this machine is left out.
    """
    channels, height, width = shape
    if bare:
        traced, given = Bare(module).eval(), torch.zeros(2, *run.network.input)
    else:
        traced = Classifier(module, run.preprocessing, temperature=run.temperature).eval()
        given = torch.zeros(2, height, width, channels, dtype=torch.uint8)
    extra = {
        "classes.json": json.dumps(run.classes),
        "preprocessing.json": json.dumps(run.preprocessing.to_dict()),
        "temperature.json": json.dumps(run.temperature),
        "network.json": to_json(run.network),
        **({"pictures.json": json.dumps(pictures.to_dict())} if pictures else {}),
    }
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            program = torch.export.export(traced, (given,), dynamic_shapes=({0: torch.export.Dim(BATCH)},))
            for node in program.graph.nodes:
                node.meta.pop("stack_trace", None)
            passing = io.BytesIO()
            torch.export.save(program, passing, extra_files=extra)
    except Exception as problem:  # the errors of tracing have no common kind
        raise _failed(run, "torch.export cannot trace the network", str(problem)) from None
    return passing.getvalue()


def answers_agree(content: bytes, run: Run, module: Built, *, images: ImageSet, bare: bool) -> Agreement:
    """How a program's answers compare with those of the run's `module`: see `agreement_with`."""
    other = Other(
        lambda given: _without_striate(content, run, given, bare=bare),
        "the exported program and the run's module",
        _REMEDY,
    )
    return agreement_with(other, run, module, images=images, bare=bare)


def _without_striate(content: bytes, run: Run, given: Tensor, *, bare: bool) -> Compared:
    with TemporaryDirectory(prefix="striate-pt2-") as name:
        folder = Path(name)
        write_whole(folder / "program.pt2", content)
        save_file({"images": given}, folder / "images.safetensors")
        command = [sys.executable, "-P", fresh.__file__, name, str(torch.get_num_threads())]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
        if done.returncode:
            raise _failed(run, "the exported program cannot be run without Striate", done.stderr)
        found = load_file(folder / "answers.safetensors")
    if not bare:
        return Compared(found["scores"], found["outputs"], found["labels"])
    scores = class_scores(run.network, found["outputs"])
    return Compared(scores, found["outputs"], scores.argmax(1))


def _failed(run: Run, what: str, output: str) -> AuditError:
    words = output.strip().splitlines() or [""]
    return AuditError(
        f"{what}: {words[-1]:.200}",
        "It must answer images as the run does; nothing is written.",
        _REMEDY,
        where=str(run.folder),
    )
