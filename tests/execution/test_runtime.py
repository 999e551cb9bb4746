"""ONNX Runtime as what runs a network: its answers are the module's, it only answers, and it may not be there."""

from __future__ import annotations

import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings

from striate import Network, find, from_text
from striate.errors import RequirementError, SpecError
from striate.exchange import session
from striate.execution import choice as choosing
from striate.execution.choice import Choice, missing, require
from striate.execution.executor import executor
from striate.execution.inference import answering, choose_for_inference
from striate.execution.names import RUNTIME
from striate.extras import install
from striate.kernels.engine import Pictures
from striate.modules import Built, build
from striate.train import evaluation, open_run
from striate.train.kernel_choice import with_kernels
from tests.support.commands import python, striate
from tests.support.everything import everything
from tests.support.settled import settled
from tests.support.small import small

pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from striate.execution.runtime import OnRuntime, seconds_to_make

NEAR, OWN = 1e-5, 20.0
"""The largest difference as a share of the outputs' range; or so many times what PyTorch's float32 is off."""
CATALOGUE = ("lenet5", "lenet5-keras", "resnet20-cifar", "googlenet", "alexnet", "mobilenet-v2", "efficientnet-b0")


def without_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where neither package of the extra `onnx` is installed."""
    monkeypatch.setattr("striate.extras.find_spec", lambda _: None)


def pictures(network: Network, count: int) -> torch.Tensor:
    return torch.randn(count, *network.input, generator=torch.Generator().manual_seed(5))


@torch.inference_mode()
def hold(module: Built, images: torch.Tensor, *, threads: int = 1) -> None:
    """ONNX Runtime's answers against the module's in float64."""
    found = OnRuntime(module, threads=threads).answers(Pictures(images))
    own = module.logits(images)
    reference = module.double().logits(images.double())
    span = (reference.max() - reference.min()).item() or 1.0
    off, own_off = ((each - reference).abs().max().item() / span for each in (found, own))
    assert (found.shape, found.dtype) == (reference.shape, torch.float32)
    assert off <= max(NEAR, OWN * own_off)


@settings(
    max_examples=60,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
@given(everything())
def test_any_network(network: Network) -> None:
    hold(settled(network), pictures(network, 3))


@pytest.mark.parametrize("name", CATALOGUE)
def test_networks_of_the_catalogue(name: str) -> None:
    network = small(find(name))
    for images in (1, 5):
        hold(settled(network), pictures(network, images), threads=2)


def test_an_empty_batch_has_an_empty_answer() -> None:
    module = build("lenet5-keras").eval()
    with torch.inference_mode():
        assert OnRuntime(module).answers(Pictures(torch.rand(0, *module.network.input))).shape == (0, 10)


def test_a_module_that_was_laid_out_for_channels_last_is_read_by_its_values() -> None:
    module = settled(find("resnet20-cifar"))
    executor(module, "channels-last")
    hold(module, pictures(module.network, 2))


def test_threads_at_once_get_the_answers_of_one_alone() -> None:
    module = settled(find("resnet20-cifar"))
    runs = OnRuntime(module, threads=2)
    twin = runs.twin(settled(find("resnet20-cifar")))
    assert twin.session is runs.session
    batches = [Pictures(torch.rand(each % 3 + 1, 3, 32, 32)) for each in range(24)]
    with torch.inference_mode():
        wanted = [runs.answers(each) for each in batches]
    with ThreadPoolExecutor(4) as pool:
        turns = zip([runs, twin] * 12, batches, strict=True)
        found = list(pool.map(lambda turn: turn[0].answers(turn[1]), turns))
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_what_is_made_after_the_weights_have_changed_answers_by_them() -> None:
    module = build("lenet5-keras", generator=torch.Generator().manual_seed(1)).eval()
    images = Pictures(torch.rand(2, *module.network.input))
    before = OnRuntime(module).answers(images)
    with torch.no_grad():
        module.get_parameter([name for name, _ in module.named_parameters()][-1]).add_(1)
    torch.testing.assert_close(OnRuntime(module).answers(images), before + 1)


def test_the_weights_outlive_the_module() -> None:
    """The runtime may read them where they lie."""
    network = from_text("2x4x4: position_bias, conv 40 3x3 same, scale, flatten, position_bias, linear 3")
    module, images = settled(network), Pictures(torch.rand(2, 2, 4, 4))
    wanted = module.logits(images.images).detach()
    made = session.NetworkSession(
        network, {name: each.numpy() for name, each in module.state_dict().items()}, threads=1
    )
    del module
    rubbish = [torch.full((40, 40), 7.0) for _ in range(200)]
    found = torch.from_numpy(made.answers(images.images.numpy()))
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
    assert rubbish


def test_its_threads_sleep_between_answers() -> None:
    """By default they look for work for 25 ms and more, on a core that others want."""
    module = build("resnet20-cifar").eval()
    runs, images = OnRuntime(module, threads=2), Pictures(torch.rand(4, *module.network.input))
    spent: list[float] = []
    for _ in range(5):
        runs.answers(images)
        begun = time.process_time()
        time.sleep(0.05)
        spent.append(time.process_time() - begun)
    assert min(spent) < 0.01


def test_it_does_not_train(monkeypatch: pytest.MonkeyPatch, finished_run: Path) -> None:
    text = (
        "ONNX Runtime (onnx-runtime) does not train.\n"
        "It answers: striate evaluate, predict and serve take it where it is fastest.\n"
        "Leave kernels at auto, or ask for one of engine, operators, torch, channels-last, bfloat16, compiled."
    )
    for ask in (
        lambda: require(find("lenet5"), RUNTIME),
        lambda: executor(build("lenet5"), RUNTIME),
        lambda: with_kernels(open_run(finished_run), kernels=RUNTIME),
    ):
        with pytest.raises(SpecError) as raised:
            ask()
        assert str(raised.value) == text
    done = striate("train", "lenet5", "--kernels", RUNTIME)
    assert done.returncode == 2
    assert "ONNX Runtime (onnx-runtime) does not train; it answers. Leave it at auto." in done.stderr


def test_it_reads_float32_alone() -> None:
    with pytest.raises(SpecError) as raised:
        answering(build("lenet5").double(), Choice(RUNTIME, 1))
    assert str(raised.value) == (
        "lenet5 has parameters that are not float32 on the CPU.\n"
        "ONNX Runtime (onnx-runtime) reads no others.\n"
        "Run it on torch, or bring it to float32 on the CPU first."
    )


def test_without_the_packages_it_is_never_chosen_and_asked_for_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    without_packages(monkeypatch)
    module = build("lenet5-dense").eval()
    assert missing(module.network, RUNTIME) == "onnx and onnxruntime are not installed"
    chosen = choose_for_inference(module, batch=1)
    assert chosen.kernels != RUNTIME
    assert not any(RUNTIME in each for each in chosen.milliseconds)
    with pytest.raises(RequirementError) as raised:
        answering(module, Choice(RUNTIME, 1))
    assert str(raised.value) == (
        "lenet5-dense cannot run on ONNX Runtime (onnx-runtime): onnx and onnxruntime are not installed.\n"
        "It needs onnx and onnxruntime, which come with the extra `onnx`.\n"
        f"Install them: {install('onnx')}. Or leave kernels at auto."
    )
    monkeypatch.setattr(choosing, "missing_packages", lambda _: ["onnx"])
    assert missing(module.network, RUNTIME) == "onnx is not installed"


def test_a_runtime_that_cannot_run_a_network_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("opset 21 is not supported\nand more of it")

    monkeypatch.setattr(session, "model_beside_weights", broken)
    with pytest.raises(RequirementError) as raised:
        OnRuntime(build("lenet5"))
    assert str(raised.value) == (
        "ONNX Runtime cannot run lenet5: opset 21 is not supported\n"
        "It runs every network from version 1.28 on, with onnx 1.19.\n"
        "Upgrade the packages onnx and onnxruntime, or ask for kernels torch."
    )


def test_a_run_that_it_evaluated_opens_where_it_is_missing(
    finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished_run, folder)
    measured: list[str] = []

    def chosen(*_: object, **__: object) -> Choice:
        measured.append("")
        return Choice("engine", 1, {"engine, 1 thread": 1.0})

    monkeypatch.setattr(evaluation, "_CHOSEN", {})
    monkeypatch.setattr(evaluation, "choose_for_inference", chosen)
    run = open_run(folder)
    by_runtime = {"batch": 100, "kernels": RUNTIME, "threads": 1, "milliseconds": {"onnx-runtime, 1 thread": 1.0}}
    _, images = evaluation.evaluate(run, split="validation", kernels=RUNTIME)
    run.log("evaluated", answered=by_runtime | {"batch": len(images)})
    outputs, _ = evaluation.evaluate(run, split="validation")
    assert outputs.answered is not None
    assert (outputs.answered.kernels, measured) == (RUNTIME, [])
    without_packages(monkeypatch)
    again, _ = evaluation.evaluate(open_run(folder), split="validation")
    assert again.answered is not None
    assert (again.answered.kernels, len(measured)) == ("engine", 1)
    torch.testing.assert_close(again.scores, outputs.scores, rtol=1e-4, atol=1e-4)


def test_evaluate_and_predict_say_that_it_answered(
    finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("striate.look.predictor.choose_for_inference", lambda *_, **__: Choice(RUNTIME, 1))
    folder = tmp_path / "run"
    shutil.copytree(finished_run, folder)
    told = striate("evaluate", folder, "--kernels", RUNTIME).stdout.splitlines()
    assert any(line.startswith("  answered by ONNX Runtime, ") for line in told)
    found = json.loads(striate("evaluate", folder, "--kernels", RUNTIME, "--json").stdout)
    assert found["answered"]["kernels"] == RUNTIME
    picture = Path(__file__).parents[2] / "examples/digits/3-chalk.png"
    shown = json.loads(striate("predict", folder, picture, "--json").stdout)
    assert shown[0]["kernels"] == RUNTIME


def test_a_small_job_imports_no_runtime() -> None:
    code = """
import sys
from striate.execution.inference import choose_for_inference
from striate.modules import build
choose_for_inference(build("lenet5"), batch=1, images=1)
print([name for name in ("onnx", "onnxruntime") if name in sys.modules])
"""
    assert python(code).stdout == "[]\n"


def test_the_estimate_grows_with_layers_weights_and_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    small_one, large = seconds_to_make(build("lenet5")), seconds_to_make(build("alexnet"))
    assert 0.005 < small_one < 0.1
    assert 0.4 < large < 2
    monkeypatch.delitem(__import__("sys").modules, "onnxruntime", raising=False)
    assert seconds_to_make(build("lenet5")) > 0.3
