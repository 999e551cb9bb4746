"""Inputs with mistakes for every reader: they are read or refused by an error of ours; `make fuzz` takes longer."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.fuzz.run import Target, inputs, tried
from tests.fuzz.targets import TARGETS

FEW, MANY = 25, 400
"""Inputs for each reader in a fast test, and in a slow one."""


def fuzzed(name: str, count: int, seed: int, folder: Path) -> tuple[int, int]:
    """How many inputs were read, and how many refused. Any other end is a failure that says how to repeat it."""
    if name == "onnx" and find_spec("onnx") is None:
        pytest.skip("onnx is not installed")
    target, read = TARGETS[name], 0
    for number, content in enumerate(inputs(target, seed, count)):
        good, problem = tried(target, content, folder / "input")
        if problem:
            kept = Path(os.environ.get("STRIATE_FUZZ", str(folder)), f"{name}-{seed}-{number}")
            kept.write_bytes(content)
            pytest.fail(f"{name}, seed {seed}, number {number}: {problem}\nThe input is in {kept}.")
        read += good
    return read, count - read


@pytest.mark.parametrize("name", TARGETS)
def test_a_few_inputs_with_mistakes(name: str, tmp_path: Path) -> None:
    target = TARGETS[name]
    if name == "onnx" and find_spec("onnx") is None:
        pytest.skip("onnx is not installed")
    for seed in target.seeds():
        assert tried(target, seed, tmp_path / "input")[1] == ""
    assert fuzzed(name, FEW, 0, tmp_path)[1] > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_many_inputs_with_mistakes(name: str, tmp_path: Path) -> None:
    fuzzed(name, MANY, 1, tmp_path)


def test_the_promise_has_the_right_numbers() -> None:
    text = " ".join((Path(__file__).parents[2] / "SECURITY.md").read_text(encoding="utf-8").split())
    said = f"{FEW} inputs for each of {len(TARGETS)} readers, `make test-slow` {MANY} more for each"
    assert f"{said} ({len(TARGETS) * MANY:,} in all)" in text


def test_what_must_not_happen_is_noticed(tmp_path: Path) -> None:
    """The test of the tests: each kind of harm is seen."""

    def writes(content: bytes, folder: Path) -> None:
        (folder.parent.parent / "outside").write_bytes(b"")

    def starts(content: bytes, folder: Path) -> None:
        os.system("true")

    def breaks(content: bytes, folder: Path) -> None:
        raise KeyError("x")

    def unpickles(content: bytes, folder: Path) -> None:
        import pickle

        pickle.loads(b"cos\ngetcwd\n.")

    for read, words in ((writes, "writes "), (starts, "os.system"), (breaks, "KeyError"), (unpickles, "find_class")):
        assert words in tried(Target(list, read), b"", tmp_path / "in" / "put")[1]
