"""Records of Go games as a source of images: a file, or a folder of files. Splits are made of whole games."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from striate.data.boards import Boards
from striate.data.cache import cache_folder
from striate.data.listing import TEST_SHARE, natural
from striate.data.store import ImageSet
from striate.data.workers import told
from striate.errors import DataError, MissingSplitError
from striate.go.coordinates import name_of
from striate.go.games import Games
from striate.go.records import Note, Records, is_record, read_records

SIZE = 19
_LAYOUT = "Records are FILE.sgf, FILE.sgf.gz, or a folder of such files, best with folders train and test."


def record_files(source: Path) -> dict[str, list[Path]] | None:
    """The files of records of a source by split; None where it has none.

    A folder has them in train and test, or side by side, where names that end in "test" are of the test part. Files of
    no split, under "", are cut into both by games.
    """
    if source.is_file():
        name = "test" if _stem(source).endswith("test") else ""
        return {name: [source]} if is_record(source) else None
    parts = {name: _records_in(source / name) for name in ("train", "test") if (source / name).is_dir()}
    if any(parts.values()):
        return {name: files for name, files in parts.items() if files}
    files = _records_in(source)
    if not files:
        return None
    test = [file for file in files if _stem(file).endswith("test")]
    if not test:
        return {"": files}
    return {name: some for name, some in (("train", [f for f in files if f not in test]), ("test", test)) if some}


def boards_of(source: Path, split: str) -> ImageSet:
    """The positions of a split, each with the point that was played. Raises DataError where there are none."""
    parts = record_files(source) or {}
    if parts and "" not in parts and split not in parts:
        raise MissingSplitError(
            f"has no {split} games.", _LAYOUT, f"Add a folder {split} with records.", where=str(source)
        )
    files = parts.get(split, parts.get("", []))
    records = _kept(files)
    games = records.games if split in parts else _share(records.games, split)
    moves = torch.from_numpy(games.positions)
    if not len(moves):
        why = f" The first of those left out: {records.left_out[0].where}: {records.left_out[0].why}."
        raise DataError(
            f"no {split} game on a {SIZE}×{SIZE} board among {len(files)} files of records.",
            _LAYOUT + (why if records.left_out else ""),
            "Give other records.",
            where=str(source),
        )
    labels = torch.from_numpy(games.answers(games.positions))
    noted = tuple((note.where, note.why) for note in (*records.left_out, *records.cut))
    return ImageSet(
        Boards(games, moves),
        labels,
        tuple(name_of(point, SIZE) for point in range(SIZE * SIZE)),
        str(source),
        split,
        "board",
        unreadable=noted,
        mapped=True,
    )


def _share(games: Games, split: str) -> Games:
    """The games of a split, where the records have none: about one game in TEST_SHARE is a test game, by its moves."""
    places = list(zip(games.starts[:-1].tolist(), games.starts[1:].tolist(), strict=True))
    chosen = [
        number
        for number, (first, last) in enumerate(places)
        if (_number(games.moves[first:last].tobytes()) % TEST_SHARE == 0) == (split == "test")
    ]
    return some_games(games, chosen)


def some_games(games: Games, chosen: list[int]) -> Games:
    """The games of these numbers, in this order."""
    pieces = [games.moves[games.starts[number] : games.starts[number + 1]] for number in chosen]
    starts = np.cumsum([0, *map(len, pieces)]).astype(np.int64)
    moves = np.concatenate([np.zeros(0, np.int16), *pieces])
    return Games(games.size, moves, starts, tuple(games.names[number] for number in chosen))


def _number(content: bytes) -> int:
    return int.from_bytes(hashlib.sha256(content).digest()[:8], "big")


def _records_in(folder: Path) -> list[Path]:
    try:
        found = [file for file in folder.iterdir() if is_record(file) and file.name[0] != "." and file.is_file()]
    except OSError as error:
        raise DataError(f"cannot be listed: {error.strerror}.", _LAYOUT, where=str(folder)) from None
    return sorted(found, key=lambda file: natural(file.name))


def _stem(file: Path) -> str:
    return file.name.lower().split(".sgf")[0]


def _kept(files: list[Path]) -> Records:
    """The records of files, from the cache where they have been read before."""
    about = [(str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    key = hashlib.sha256(repr(("go", 3, SIZE, about)).encode()).hexdigest()
    root = cache_folder()
    place = None if root is None else root / f"go-{key[:32]}.safetensors"
    if place is not None and (found := _read(place)) is not None:
        return found
    records = read_records(files, SIZE, tell=lambda share: told("Reading records", share))
    if place is not None:
        _write(place, records)
    return records


def _read(place: Path) -> Records | None:
    try:
        with safe_open(str(place), framework="np") as file:
            notes = json.loads((file.metadata() or {})["notes"])
            moves, starts = file.get_tensor("moves"), file.get_tensor("starts")
        lists = [tuple(Note(*each) for each in notes[name]) for name in ("left_out", "cut")]
        return Records(Games(SIZE, moves, starts, tuple(notes["names"])), *lists)
    except (OSError, SafetensorError, KeyError, ValueError, TypeError):
        return None


def _write(place: Path, records: Records) -> None:
    """Keep records in the cache; where it cannot be written, they are read anew the next time."""
    notes = {name: [(each.where, each.why) for each in getattr(records, name)] for name in ("left_out", "cut")}
    passing = place.with_name(f"{place.name}.{os.getpid()}.tmp")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        tensors = {"moves": records.games.moves, "starts": records.games.starts}
        save_file(tensors, str(passing), {"notes": json.dumps(notes | {"names": list(records.games.names)})})
        passing.replace(place)
    except (OSError, SafetensorError):
        passing.unlink(missing_ok=True)
