"""A run that was not trained here: a network that was brought in with its weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from striate.description.labels import MOST_LETTERS, is_name
from striate.description.network import Network, plan
from striate.description.shapes import show
from striate.errors import RunError, quote
from striate.files import new_folder
from striate.modules import build
from striate.train.answer_checks import require_scores
from striate.train.checkpoint import BEST, restore, save_checkpoint
from striate.train.onnx_run import ClassifierSettings as ClassifierSettings
from striate.train.onnx_run import fields_of
from striate.train.run import Run, require_free
from striate.train.tensors import not_finite


def create_imported(
    folder: Path,
    network: Network,
    tensors: Mapping[str, Tensor],
    *,
    answers: ClassifierSettings,
    origin: dict[str, str],
) -> Run:
    """Make the folder of a run from a network and its weights by path, whole or not at all.

    `origin` says where the weights come from; its member "file" names the file, the others are free. Raises RunError
    where something is in the folder's place, where the network has no output for each class, where the name of a class
    is another's or no line of text, and where the tensors are not those of the network or not finite; OutputError where
    the folder cannot be written.
    """
    require_free(folder)
    require_classes(network, answers.classes)
    values = {name: each.detach().float() if each.is_floating_point() else each for name, each in tensors.items()}
    if problem := not_finite(values):
        raise RunError(
            f"{origin['file']} cannot be used: {problem}", "Weights are finite numbers.", "Take it from a copy."
        )
    module = build(network)
    restore(module, None, values, where=Path(origin["file"]))
    run = Run(**fields_of(folder, network, answers=answers, origin=origin))
    require_scores(run)
    with new_folder(folder) as partial:
        replace(run, folder=partial).write()
        save_checkpoint(partial / BEST, values, {"temperature": answers.temperature})
    return run


def require_classifier(run: Run) -> None:
    """Raises RunError where a run does not answer with one of its classes."""
    require_scores(run)
    require_classes(run.network, run.classes)


def require_classes(network: Network, classes: tuple[str, ...]) -> None:
    """Raises RunError where a network has no output for each class."""
    output = plan(network).output
    twice = sorted(name for name, times in Counter(classes).items() if times > 1)
    if twice:
        raise RunError(f"two classes are called {quote(twice[0])}.", "Every class has a name of its own.")
    unfit = [name for name in classes if not is_name(name)]
    if unfit:
        raise RunError(
            f"a class is called {quote(unfit[0])}.",
            f"The name of a class is one line of text, with 1 to {MOST_LETTERS:,} letters.",
            "Name it otherwise.",
        )
    if output != (len(classes),):
        raise RunError(
            f"{network.name} gives {show(output)} for {len(classes):,} classes.",
            "A run answers with a value for each class, as a flat vector.",
            "Name as many classes as the network has outputs."
            if len(output) == 1
            else "Its account, figures and page need no run: give the file in place of a NETWORK.",
        )


def require_data(run: Run, source: str | None) -> str:
    """The images' source: the one that was given, else the run's own. Raises RunError where there is none."""
    if source or run.data.source:
        return source or run.data.source
    if run.single:
        raise RunError(
            f"{run.folder} is one file, and has no images.",
            "It does not say in which folder the images are that it was trained on.",
            "Give images: --data FOLDER, with a folder for each class.",
        )
    if run.origin is None:
        raise RunError(
            f"{run.folder} was trained on arrays of a program, and has no images.",
            "striate.fit keeps the weights and what they reached, and not the arrays.",
            "Give images: --data FOLDER, with a folder for each class.",
        )
    raise RunError(
        f"{run.folder} was not trained here, and has no images of its own.",
        f"Its weights come from {run.origin['file']}.",
        "Give images: --data FOLDER, with a folder for each class.",
    )
