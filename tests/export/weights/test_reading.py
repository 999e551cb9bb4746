"""Files of weights: two formats, checkpoints around them, and all that must not be opened."""

from __future__ import annotations

import os
import pickle
import struct
import warnings
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from striate.errors import WeightsError
from striate.export.weights import reading
from striate.export.weights.reading import read_weights

TENSORS = {"conv.weight": torch.arange(6.0).view(2, 3), "conv.bias": torch.zeros(2)}


def same(found: dict[str, torch.Tensor]) -> bool:
    return found.keys() == TENSORS.keys() and all(torch.equal(found[name], each) for name, each in TENSORS.items())


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_of_torch_save_in_both_of_its_formats(tmp_path: Path, zipped) -> None:
    torch.save(TENSORS, tmp_path / "a.bin", _use_new_zipfile_serialization=zipped)
    assert same(read_weights(tmp_path / "a.bin").tensors)


def test_safetensors_with_their_texts_whatever_the_suffix(tmp_path: Path) -> None:
    save_file(TENSORS, str(tmp_path / "a.pth"), metadata={"classes": '["a", "b"]'})
    found = read_weights(tmp_path / "a.pth")
    assert same(found.tensors)
    assert found.others == {"classes": '["a", "b"]'}
    assert len(found.digest()) == 64


@pytest.mark.parametrize("key", ["state_dict", "model", "model_state_dict", "net", "weights"])
def test_a_checkpoint_has_them_as_a_member(tmp_path: Path, key) -> None:
    torch.save({"epoch": 3, key: TENSORS, "classes": ["a", "b"], "optimizer": {"lr": 0.1}}, tmp_path / "a.pth")
    found = read_weights(tmp_path / "a.pth")
    assert same(found.tensors)
    assert found.others["classes"] == ["a", "b"]


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."])
def test_prefixes_of_wrappers_are_taken_off(tmp_path: Path, prefix) -> None:
    torch.save({prefix + name: each for name, each in TENSORS.items()}, tmp_path / "a.pth")
    assert same(read_weights(tmp_path / "a.pth").tensors)


class Runs:
    """Whose unpickling would make a file."""

    def __init__(self, proof: Path) -> None:
        self.proof = str(proof)

    def __reduce__(self):
        return os.mkdir, (self.proof,)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(tmp_path: Path, zipped) -> None:
    proof = tmp_path / "ran"
    torch.save(TENSORS | {"more": Runs(proof)}, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(WeightsError) as caught:
        read_weights(tmp_path / "a.pth")
    assert str(caught.value) == (
        f"{tmp_path / 'a.pth'}: would run code as it is opened: it needs posix.mkdir.\n"
        "Only tensors, numbers and texts are read; a pickle can hold any program.\n"
        "Where you trust the file, save its weights alone: torch.save(model.state_dict(), 'weights.pth')."
    )
    assert not proof.exists()


def test_a_plain_pickle_is_refused_and_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")  # which turns the safe way off for others
    proof = tmp_path / "ran"
    (tmp_path / "a.pth").write_bytes(pickle.dumps(Runs(proof)))
    with pytest.raises(WeightsError):
        read_weights(tmp_path / "a.pth")
    assert not proof.exists()


def test_a_whole_module_is_refused_with_the_remedy(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 3), tmp_path / "a.pth")
    with pytest.raises(WeightsError, match=r"needs torch\.nn\.modules\.linear\.Linear.\n.*\n.*model\.state_dict\(\)"):
        read_weights(tmp_path / "a.pth")


def test_a_program_of_torchscript_is_refused(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(torch.nn.ReLU()), str(tmp_path / "a.pt"))
    with pytest.raises(WeightsError, match="is a TorchScript program"):
        read_weights(tmp_path / "a.pt")


def test_a_compressed_zip_is_refused(tmp_path: Path) -> None:
    torch.save(TENSORS, tmp_path / "a.pth")
    with zipfile.ZipFile(tmp_path / "a.pth") as given, zipfile.ZipFile(tmp_path / "b.pth", "w") as packed:
        for each in given.namelist():
            packed.writestr(each, given.read(each), compress_type=zipfile.ZIP_DEFLATED)
    with pytest.raises(WeightsError, match=r"is a compressed zip\.\ntorch\.save writes a zip"):
        read_weights(tmp_path / "b.pth")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "is empty"),
        (b"\x80\x04 no weights", "is no file of weights, or is damaged"),
        (b"PK\x03\x04 no zip", "is no file of weights, or is damaged"),
        ((20).to_bytes(8, "little") + b"{" + b"no json" * 9, "is damaged: .*\nIt begins as a safetensors file does"),
        (b"<html>not found</html>", "is no file of weights, or is damaged"),
    ],
)
def test_what_is_no_file_of_weights(tmp_path: Path, content: bytes, text: str) -> None:
    (tmp_path / "a.pth").write_bytes(content)
    with pytest.raises(WeightsError, match=text):
        read_weights(tmp_path / "a.pth")


def test_a_file_that_was_cut_short(tmp_path: Path) -> None:
    for suffix in ("pth", "safetensors"):
        file = tmp_path / f"a.{suffix}"
        torch.save(TENSORS, file) if suffix == "pth" else save_file(TENSORS, str(file))
        file.write_bytes(file.read_bytes()[:-40])
        with pytest.raises(WeightsError, match="damaged"):
            read_weights(file)


def test_places_that_are_no_file(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="cannot be read: No such file or directory"):
        read_weights(tmp_path / "none.pth")
    with pytest.raises(WeightsError, match="is no file"):
        read_weights(tmp_path)
    with pytest.raises(WeightsError, match="is no file"):
        read_weights(Path("/dev/zero"))


def test_a_file_that_is_too_large_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save(TENSORS, tmp_path / "a.pth")
    monkeypatch.setattr(reading, "LARGEST", 100)
    with pytest.raises(WeightsError, match=r"has [\d,]+ bytes\.\n100 are read at most"):
        read_weights(tmp_path / "a.pth")
    monkeypatch.undo()
    monkeypatch.setattr(reading, "MOST_TENSORS", 1)
    with pytest.raises(WeightsError, match="holds 2 tensors"):
        read_weights(tmp_path / "a.pth")


@pytest.mark.parametrize(
    ("held", "text"),
    [
        ([1, 2], "holds list"),
        ({}, "holds no weights by name; it has nothing"),
        ({"epoch": 3, "a": "b"}, r"it has epoch \(int\), a \(str\)"),
        ({"conv.weight": torch.ones(2, 2).to_sparse()}, "conv.weight is torch.sparse_coo"),
        ({"conv.weight": torch.ones(2, dtype=torch.complex64)}, "conv.weight is torch.strided, torch.complex64"),
        ({"conv.weight": torch.ones(2, device="meta")}, "on meta"),
    ],
)
def test_other_things_than_plain_tensors_by_name(tmp_path: Path, held: object, text: str) -> None:
    torch.save(held, tmp_path / "a.pth")
    with pytest.raises(WeightsError, match=text):
        read_weights(tmp_path / "a.pth")


def test_a_zip_that_says_it_spans_several_disks(tmp_path: Path) -> None:
    """Older Pythons raise an error of their own as early as they are asked whether this is a zip."""
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0, 0, 0, 0, 0)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, 0, 2)
    (tmp_path / "x.pth").write_bytes(bytes(56) + locator + end)
    reasons = "zipfiles that span multiple disks are not supported|it holds what torch.save does not write"
    with pytest.raises(WeightsError, match=f"is damaged: ({reasons})"):
        read_weights(tmp_path / "x.pth")
