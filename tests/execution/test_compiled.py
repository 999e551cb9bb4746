"""PyTorch's compiler as kernels of a training: only by name, the same step, and refused in words without a compiler."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from striate import find, from_text
from striate.errors import SpecError
from striate.execution import choice
from striate.execution.choice import missing, require
from striate.execution.executor import OnTorch, executor
from striate.kernels.engine import Pictures
from striate.modules import build
from tests.support.commands import striate
from tests.support.networks import TINY

HEADS = "3x16x16: conv 4 3x3, relu, max 2, linear 4"


def test_without_a_compiler_it_is_refused_in_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(SpecError) as raised:
        require(TINY, "compiled")
    assert str(raised.value) == (
        "tiny cannot run on PyTorch's compiler (compiled): it needs a C++ compiler, and no-such-compiler is not "
        "found.\n"
        "The engine takes most networks, the operators any; `striate doctor` says whether they are there.\n"
        "Leave kernels at auto, or ask for torch."
    )
    done = striate("train", "lenet5-dense", "--compile", "--out", tmp_path / "run", CXX="no-such-compiler")
    assert done.returncode == 2
    assert "cannot run on PyTorch's compiler (compiled): it needs a C++ compiler" in done.stderr
    assert not (tmp_path / "run").exists()
    monkeypatch.delenv("CXX")
    monkeypatch.setattr(choice.shutil, "which", lambda name: "/bin/sh")
    monkeypatch.setattr(choice.sysconfig, "get_path", lambda name: str(tmp_path))
    assert missing(TINY, "compiled") == (f"it needs Python's header files, and {tmp_path / 'Python.h'} is not there")


def test_two_wishes_that_differ_are_refused() -> None:
    done = striate("train", "lenet5-dense", "--compile", "--kernels", "torch")
    assert done.returncode == 2
    assert "--compile asks for PyTorch's compiler, and --kernels for torch: leave one out." in done.stderr
    done = striate("train", "--resume", "tests", "--compile")
    assert done.returncode == 2


def test_on_another_device_striates_kernels_are_refused_and_pytorchs_are_not() -> None:
    network = find("lenet5-dense")
    for name in ("torch", "channels-last", "bfloat16", "compiled"):
        assert missing(network, name, device="cuda") is None
    for name in ("engine", "operators"):
        assert missing(network, name, device="cuda") == "they run on the CPU, and the device is cuda"


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("g++"), reason="PyTorch's compiler needs a C++ compiler")
def test_a_compiled_step_is_the_plain_step_and_answers_are_not_compiled() -> None:
    network = from_text(HEADS)
    plain, compiled = (build(network, generator=torch.Generator().manual_seed(1)) for _ in range(2))
    images = torch.rand(6, *network.input, generator=torch.Generator().manual_seed(2))
    runs = executor(compiled, "compiled")
    assert isinstance(runs, OnTorch)
    runs.logits(images).square().mean().backward()
    plain.logits(images).square().mean().backward()
    for (path, one), (_, two) in zip(plain.named_parameters(), compiled.named_parameters(), strict=True):
        torch.testing.assert_close(two.grad, one.grad, msg=path)
    assert torch.equal(runs.module.eval().logits(images[:3]), plain.eval().logits(images[:3]))
    assert torch.equal(runs.answers(Pictures(images[:1])), plain.logits(images[:1]))
