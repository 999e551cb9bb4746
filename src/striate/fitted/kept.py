"""A fitted network's run as a folder that stays, and as bytes that a pickle holds."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from weakref import finalize

from striate.description.json import to_json
from striate.errors import OutputError, RunError
from striate.files import new_folder
from striate.modules import Built
from striate.train.checkpoint import BEST, save_checkpoint
from striate.train.filters import FILE as FILTERS
from striate.train.lock import FILE as LOCK
from striate.train.run import Run, open_run, require_free
from striate.train.single import content_of

_KEPT = ("run.json", "network.json", "events.jsonl", BEST, FILTERS)
"""The files of a run's folder that a pickle holds: all but those needed only to continue the training."""


def save_run(run: Run, model: Built, folder: Path) -> Path:
    """Make a run's folder in another place, whole or not at all; one file becomes a folder."""
    try:
        require_free(folder)
    except RunError as error:
        raise RunError(error.what, "A run is a new folder, so that nothing is overwritten.", "Name another.") from None
    try:
        with new_folder(folder) as partial:
            if run.single:
                replace(run, folder=partial, single=False).write()
                save_checkpoint(partial / BEST, model.state_dict(), {"temperature": run.temperature})
            else:
                shutil.copytree(run.folder, partial, ignore=shutil.ignore_patterns(LOCK), dirs_exist_ok=True)
    except OutputError as error:
        raise OutputError(error.what, "It was not saved.", "Save it in another place.") from None
    return folder


def contents(run: Run) -> dict[str, bytes]:
    """The files of a run that a pickle holds, by name."""
    if run.single and run.folder.suffix == ".onnx":  # whose weights may be in files beside it
        content = content_of(run.document(), to_json(run.network), run.model().state_dict(), run.temperature)
        return {f"{run.folder.stem}.safetensors": content}
    if run.single:
        return {run.folder.name: run.folder.read_bytes()}
    for name in ("run.json", "network.json", BEST):
        if not (run.folder / name).exists():
            raise RunError(
                f"{run.folder} has no {name} any more.",
                "A model is pickled from the files of its run.",
                "Open it where it is now: striate.from_pretrained(FOLDER).",
            )
    return {name: (run.folder / name).read_bytes() for name in _KEPT if (run.folder / name).exists()}


class TemporaryRun:
    """A temporary folder that is deleted with this object, without the warning that TemporaryDirectory gives."""

    def __init__(self) -> None:
        self.name = mkdtemp(prefix="striate-fit-")
        self.cleanup = finalize(self, shutil.rmtree, self.name, ignore_errors=True)


def put_back(files: dict[str, bytes]) -> tuple[Run, TemporaryRun]:
    """The run that `contents` gave, in a folder that is gone with the second value; all of it is checked again."""
    held = TemporaryRun()
    folder = Path(held.name, "run")
    folder.mkdir()
    for name, content in files.items():
        (folder / Path(name).name).write_bytes(content)
    single = "run.json" not in files
    return open_run(folder / Path(next(iter(files))).name if single else folder), held
