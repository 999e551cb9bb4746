"""Files are written whole or not at all, and checkpoints say what is wrong with them."""

import errno
import os
from pathlib import Path

import pytest
import torch

from striate.errors import OutputError, RunError
from striate.files import append_line, make_folder, new_folder, write_whole
from striate.modules import build
from striate.train.checkpoint import load_checkpoint, restore, save_checkpoint
from tests.support.commands import python
from tests.support.networks import TINY


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.txt"
    write_whole(file, "old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError) as caught:
        write_whole(file, "new")
    assert str(caught.value) == (
        f"{file} cannot be written: No space left on device.\n"
        "What was saved before is whole.\n"
        "Make room or give another folder, then go on with --resume."
    )
    assert file.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_real_limit_is_met_without_half_a_file(tmp_path: Path) -> None:
    """A process that may write no file of more than 1,000 bytes, as on a disk that is full."""
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from striate.errors import OutputError; from striate.files import write_whole\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "write_whole(Path('small'), 'x' * 999)\n"
        "try: write_whole(Path('large'), 'x' * 10_000)\n"
        "except OutputError as error: print(error.what)"
    )
    done = python(code, cwd=tmp_path)
    assert done.stdout == "large cannot be written: File too large.\n"
    assert os.listdir(tmp_path) == ["small"]


def test_folders_and_lines_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written: Not a directory"):
        make_folder(tmp_path / "file" / "folder")
    with pytest.raises(OutputError, match="cannot be written: Is a directory"):
        append_line(tmp_path, "line")


@pytest.mark.parametrize("problem", [KeyboardInterrupt(), OSError(28, "No space left on device"), ValueError("no")])
def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path, problem: BaseException) -> None:
    def fill() -> None:
        with new_folder(tmp_path / "new") as partial:
            (partial / "file").write_text("half")
            raise problem

    with pytest.raises(OutputError if isinstance(problem, OSError) else type(problem)):
        fill()
    assert not [*tmp_path.iterdir()]
    (tmp_path / "new").mkdir()  # an empty one is replaced
    with new_folder(tmp_path / "new") as partial:
        (partial / "file").write_text("whole")
        assert not [*(tmp_path / "new").iterdir()]
    assert [each.name for each in tmp_path.iterdir()] == ["new"]
    assert (tmp_path / "new" / "file").read_text() == "whole"


def test_a_checkpoint_round_trip(tmp_path: Path) -> None:
    tensors = {"a": torch.rand(3, 4), "b": torch.arange(5), "c": torch.tensor(2.5)}
    save_checkpoint(tmp_path / "x.safetensors", tensors, {"epoch": 3, "loss": 0.1 + 0.2})
    found, state = load_checkpoint(tmp_path / "x.safetensors")
    assert state == {"epoch": 3, "loss": 0.1 + 0.2}
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())


def test_a_missing_and_a_damaged_checkpoint(tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    with pytest.raises(RunError, match=r"x.safetensors is missing.\nA run keeps last.safetensors from its first epoch"):
        load_checkpoint(file)
    save_checkpoint(file, {"a": torch.rand(100)}, {})
    whole = file.read_bytes()
    for content in (b"", whole[:7], whole[:100], whole[:-1], b"\xff" * 8 + whole[8:], b"\x80\x04\x95pickle"):
        file.write_bytes(content)
        with pytest.raises(RunError, match="is damaged: .*\nIt must be a checkpoint that Striate wrote."):
            load_checkpoint(file)


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    model = build(TINY)
    with pytest.raises(RunError, match="x does not fit the run's network: "):
        restore(model, None, {"conv1.weight": torch.rand(2, 2)}, where=Path("x"))
