"""The folder that one uploads: everything in it is written whole, and nothing names this machine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from striate.description.json import to_json
from striate.emit.draw.choose import figure_of
from striate.emit.draw.svg import to_svg
from striate.errors import OutputError
from striate.export.hub.card import MARK, card
from striate.export.single import export_single
from striate.files import elsewhere, make_folder, write_whole
from striate.train.run import Run

WEIGHTS, CONFIG, DRAWING, CURVES, CARD = "model.safetensors", "config.json", "network.svg", "training.svg", "README.md"


@dataclass(frozen=True)
class Pushed:
    """A folder that was written: its files by name, and their sizes in bytes."""

    folder: Path
    files: dict[str, int]


def push(run: Run, folder: Path) -> Pushed:
    """Write a run as a model of the hub; a folder that holds one already gets the new files.

    Raises OutputError where something else is in its place.
    """
    require_own(folder)
    with TemporaryDirectory(prefix="striate-push-") as passing:
        export_single(run, Path(passing, WEIGHTS))
        files: dict[str, bytes] = {WEIGHTS: Path(passing, WEIGHTS).read_bytes()}
    drawn = run.events("epoch")
    files[CONFIG] = to_json(run.network).encode()
    files[DRAWING] = to_svg(figure_of(run.network)).encode()
    if drawn:
        files[CURVES] = run.curves().svg.encode()
    files[CARD] = card(run, name=folder.resolve().name, drawing=DRAWING, curves=CURVES if drawn else None).encode()
    with elsewhere("FOLDER"):
        make_folder(folder)
        for name, content in files.items():  # the card, by which the folder is known, comes last
            write_whole(folder / name, content)
    return Pushed(folder, {name: len(content) for name, content in files.items()})


def require_own(folder: Path) -> None:
    """Raises OutputError unless a folder is new, empty but for files that begin with a dot, or holds such a model."""
    if not folder.exists():
        return
    if folder.is_dir():
        others = [each.name for each in folder.iterdir() if not each.name.startswith(".")]
        path = folder / CARD
        known = path.is_file() and re.search(rf"^{MARK}$", path.read_text(encoding="utf-8", errors="replace"), re.M)
        if not others or known:
            return
    raise OutputError(
        f"{folder} holds something else than a model that striate push wrote.",
        "Nothing of others is written over.",
        "Give a new folder, or an empty one.",
    )
