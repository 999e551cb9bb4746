"""Steps in bfloat16: float32 weights, gradients and answers, refused without the processor's instructions."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings

from striate import Network, from_text
from striate.description.network import plan
from striate.errors import RunError, SpecError
from striate.execution.choice import missing
from striate.execution.executor import OnTorch, executor
from striate.kernels.engine import Pictures
from striate.modules import build
from striate.train import Recipe, open_run, session
from striate.train.checkpoint import load_checkpoint
from striate.train.kernel_choice import with_kernels
from tests.support.everything import everything

RESIDUAL = from_text(
    "3x16x16: conv 16 3x3 same no bias, bn, relu, residual(conv 16 3x3 same no bias, bn, relu, "
    "conv 16 3x3 same no bias, bn), relu, auxiliary(global_average, linear 4), global_average, linear 10, softmax"
)


@pytest.fixture
def supported(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor that says it has bfloat16's instructions; where it has not, PyTorch emulates them."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True}, raising=False)


@pytest.mark.usefixtures("supported")
def test_weights_gradients_logits_and_answers_are_float32() -> None:
    plain, model = (build(RESIDUAL, generator=torch.Generator().manual_seed(1)) for _ in range(2))
    runs = executor(model, "bfloat16")
    assert isinstance(runs, OnTorch)
    images, labels = torch.rand(32, 3, 16, 16, generator=torch.Generator().manual_seed(2)), torch.arange(32) % 10
    wanted_heads: dict[str, torch.Tensor] = {}
    heads: dict[str, torch.Tensor] = {}
    wanted, found = plain.logits(images, wanted_heads), runs.logits(images, heads)
    assert found.dtype == torch.float32
    assert {each.dtype for each in heads.values()} == {torch.float32}
    assert not torch.allclose(found, wanted, atol=1e-5)  # it did take bfloat16
    torch.testing.assert_close(found, wanted, atol=0.1, rtol=0.05)
    torch.testing.assert_close(heads, wanted_heads, atol=0.1, rtol=0.05)
    for outputs in (wanted, found):
        F.cross_entropy(outputs, labels).backward()
    for path, each in model.named_parameters():
        exact = plain.get_parameter(path).grad
        if exact is not None:
            assert each.grad is not None
            assert {each.dtype, each.grad.dtype} == {torch.float32}
            assert F.cosine_similarity(each.grad.flatten(), exact.flatten(), dim=0) > 0.97, path
    model.eval().load_state_dict(plain.eval().state_dict())
    with torch.inference_mode():
        torch.testing.assert_close(runs.answers(Pictures(images)), plain.logits(images))


@given(network=everything())
@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
def test_all_of_the_notation_takes_a_step(network: Network) -> None:
    model = build(network, generator=torch.Generator().manual_seed(1)).train()
    heads: dict[str, torch.Tensor] | None = {} if plan(network).heads else None
    images = torch.rand(3, *network.input, generator=torch.Generator().manual_seed(2))
    outputs = OnTorch(model, kernels="bfloat16").logits(images, heads)
    assert outputs.dtype == torch.float32
    (outputs.mean() + sum(each.mean() for each in (heads or {}).values())).backward()
    assert all(each.grad is None or each.grad.dtype == torch.float32 for each in model.parameters())


@pytest.mark.usefixtures("supported")
def test_a_run_learns_by_it_and_goes_on_to_the_same_weights(few_digits: Path, tmp_path: Path) -> None:
    network = from_text("1x28x28: conv 4 5x5 /2, bn, relu, linear 10, softmax")
    found = []
    for name in ("whole", "parted"):
        images, recipe = session.Images(str(few_digits)), Recipe(epochs=2, batch=50, rate=0.01)
        run, split = session.prepare(network, images, recipe, folder=tmp_path / name, device="cpu", threads=1)
        run = with_kernels(run, kernels="bfloat16", threads=1)
        for number, _ in enumerate(session.start(run, split)):
            if name == "parted" and number == 30:
                signal.raise_signal(signal.SIGINT)
        if name == "parted":
            assert run.events("interrupted")
            list(session.resume(open_run(run.folder), session.reload(run)))
        found.append((open_run(run.folder), load_checkpoint(run.folder / "last.safetensors")[0]))
    (whole, weights), (_, resumed) = found
    assert whole.kernels == "bfloat16"
    assert all(torch.equal(resumed[path], each) for path, each in weights.items())
    assert whole.events("epoch")[-1]["accuracy"] > 0.7


def test_it_is_refused_without_the_instructions(finished_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict, raising=False)
    assert missing(RESIDUAL, "bfloat16") == "PyTorch finds no bfloat16 instructions in this processor"
    with pytest.raises(SpecError, match="bfloat16"):
        executor(build(RESIDUAL), "bfloat16")
    run = replace(open_run(finished_run), kernels="bfloat16")
    with pytest.raises(RunError) as caught:
        session.resume(run, session.reload(run))
    assert str(caught.value) == (
        f"{finished_run} was trained on PyTorch's kernels, channels last, steps in bfloat16, which cannot run here: "
        "PyTorch finds no bfloat16 instructions in this processor.\n"
        "It goes on, bit for bit, only on them.\n"
        "Begin a new run, or take it to a machine that has them; Striate's are compiled by: "
        "python -m striate.kernels.compile"
    )
