"""A trained network from a folder or a file, to be asked from a program."""

from __future__ import annotations

import os
from pathlib import Path

from striate.errors import RunError
from striate.export.hub.write import WEIGHTS
from striate.fitted.fitted import Fitted
from striate.train.answer_checks import require_scores
from striate.train.run import Run, open_run


def from_pretrained(folder: str | Path) -> Fitted:
    """The network of a run, of a run as one file, or of a folder of the hub's layout: see `striate.from_pretrained`."""
    return Fitted(open_pretrained(folder))


def open_pretrained(folder: str | Path) -> Run:
    """The run that such a folder or file is. Raises RunError where there is none."""
    path = Path(folder)
    if not os.path.lexists(path):
        raise RunError(
            f"{path} does not exist.",
            "It is a folder or a file on this machine: nothing is downloaded.",
            f"A model of the hub is fetched by: hf download {path} --local-dir FOLDER",
        )
    run = open_run(path / WEIGHTS if not (path / "run.json").exists() and (path / WEIGHTS).exists() else path)
    require_scores(run)
    return run
