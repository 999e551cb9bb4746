"""A run's one file is written whole, and read back first."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from striate.errors import AuditError, OutputError
from striate.export import single
from striate.export.single import export_single
from striate.train import open_run


def test_it_says_what_it_wrote(finished_run: Path, tmp_path: Path) -> None:
    path = tmp_path / "tiny.safetensors"
    made = export_single(open_run(finished_run), path)
    assert (made.file, made.bytes, made.tensors, made.values) == (path, path.stat().st_size, 4, 1554)
    assert os.listdir(tmp_path) == ["tiny.safetensors"]


def test_a_file_that_reads_back_otherwise_is_not_written(finished_run: Path, tmp_path: Path, monkeypatch) -> None:
    right = single.content_of

    def wrong(document, network, tensors, temperature):
        return right(document, network, {name: each + 1 for name, each in tensors.items()}, temperature)

    monkeypatch.setattr(single, "content_of", wrong)
    with pytest.raises(AuditError) as caught:
        export_single(open_run(finished_run), tmp_path / "tiny.safetensors")
    assert str(caught.value) == (
        f"tiny.safetensors read back is another run than {finished_run}.\n"
        "A file must have the same weights, network, classes and preprocessing; nothing is written.\n"
        "This is an error in Striate; please report it with the network."
    )
    monkeypatch.setattr(single, "content_of", lambda *given: right(*given[:3], 2.5))
    with pytest.raises(AuditError, match="read back is another run"):
        export_single(open_run(finished_run), tmp_path / "tiny.safetensors")
    assert os.listdir(tmp_path) == []


def test_its_name_ends_as_its_kind_does(finished_run: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught:
        export_single(open_run(finished_run), tmp_path / "tiny.bin")
    assert str(caught.value) == (
        f"{tmp_path}/tiny.bin does not end in .safetensors.\n"
        "Programs know a safetensors file by its suffix.\nName it tiny.safetensors."
    )
