"""Which kernels train what, how that is asked for, and what a run keeps of it."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import striate.execution.choice
from striate import Activation, Auxiliary, BatchNorm, Conv, Flatten, Gate, Linear, Network, Residual, find, from_text
from striate.errors import KernelMemoryError, RunError, SpecError
from striate.execution import training
from striate.execution.choice import Choice, missing
from striate.execution.executor import executor
from striate.execution.names import TRAINING
from striate.execution.training import Clock, choose_for_training
from striate.kernels.binary import CHOICE, Library, library
from striate.kernels.engine import Pictures, unsupported
from striate.modules import build
from striate.train import Recipe, session
from striate.train.kernel_choice import with_kernels
from striate.train.run import open_run
from tests.support.commands import python

NAMES = "engine, operators, torch, channels-last, bfloat16, compiled"
GATED = Network("gated", (1, 6, 6), [Gate([Conv(1, kernel=3, padding=1)]), Flatten(), Linear(2)])
MEASURED = [name for name in TRAINING if name != "compiled"]
NORMALISED = Network("bn", (1, 6, 6), [Conv(2, kernel=3), BatchNorm(), Flatten(), Linear(2)])


def test_networks_that_stay_with_pytorch_and_why() -> None:
    gate = Residual([BatchNorm(), Gate([Conv(1, kernel=3, padding=1)])])
    assert unsupported(find("lenet5")) is None
    assert unsupported(find("resnet20-cifar")) is None
    assert unsupported(GATED) == "gate1 is a Gate"
    assert unsupported(Network("res", (1, 6, 6), [gate, Flatten(), Linear(2)])) == "residual1.gate1 is a Gate"
    silu = [BatchNorm(), Activation("silu"), Flatten(), Linear(2)]
    assert unsupported(Network("silu", (1, 6, 6), silu)) == "silu1 is a silu"
    head = [BatchNorm(), Auxiliary([Flatten(), Linear(2)]), Flatten(), Linear(2)]
    assert unsupported(Network("head", (1, 6, 6), head)) == "it has auxiliary heads"
    for answering in (GATED, Network("silu", (1, 6, 6), silu), Network("head", (1, 6, 6), head)):
        assert unsupported(answering, answering=True) is None
    steep = [BatchNorm(), Activation("leaky_relu", alpha=0.2), Flatten(), Linear(2)]
    assert unsupported(Network("steep", (1, 6, 6), steep), answering=True) == "leaky_relu1 is a leaky_relu"
    assert unsupported(Network("sum", (1, 6, 6), [Residual([BatchNorm()])])) == "it has no layer with parameters"
    assert unsupported(Network("none", (1, 6, 6), [Activation("relu")])) == "it has no layer with parameters"


def test_asking_for_kernels_that_cannot_run_a_network() -> None:
    with pytest.raises(SpecError) as raised:
        executor(build(GATED), "engine")
    assert str(raised.value) == (
        "gated cannot run on Striate's kernels (engine): gate1 is a Gate.\n"
        "The engine takes most networks, the operators any; "
        "`striate doctor` says whether they are there.\n"
        "Leave kernels at auto, or ask for torch."
    )
    with pytest.raises(SpecError, match="kernels"):
        executor(build(NORMALISED), "fast")
    with pytest.raises(SpecError) as raised:
        executor(build(NORMALISED), "auto")
    assert str(raised.value) == f"kernels 'auto' names none.\nIt must be one of {NAMES}."


@pytest.mark.parametrize("kernels", ["engine", "operators"])
def test_maps_that_the_memory_does_not_hold_are_not_begun(kernels: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A training keeps all maps but those of the ReLU, and a gradient; answers have two at a time."""
    network = from_text("1x4x16: conv 64 1x1, relu, conv 64 1x1, flatten, linear 2")
    needed = 2 * (64 * 4 * 16) * 16 * 4  # two maps of 16 images, in bytes
    if reason := missing(network, kernels):
        pytest.skip(reason)
    monkeypatch.setattr(striate.execution.choice, "machine_memory", lambda: needed)
    assert missing(network, kernels, answering=True) is None
    assert missing(network, kernels) == "16 images at once take 0.00105 GB, and this machine has 0.000524 GB"


@pytest.mark.parametrize("kernels", ["engine", "operators"])
def test_kernels_read_float32_alone(kernels: str) -> None:
    with pytest.raises(SpecError) as raised:
        executor(build("lenet5-dense").double(), kernels)
    assert str(raised.value) == (
        "lenet5-dense has parameters that are not float32 on the CPU.\n"
        f"Striate's kernels ({kernels}) read no others.\n"
        "Run it on torch, or bring it to float32 on the CPU first."
    )


def test_the_environment_chooses_an_instruction_set(monkeypatch) -> None:
    library.cache_clear()
    try:
        monkeypatch.setenv(CHOICE, "torch")
        assert library() == "STRIATE_KERNELS=torch asks for PyTorch's kernels"
        library.cache_clear()
        monkeypatch.setenv(CHOICE, "abacus")
        assert "abacus is no instruction set of this machine" in str(library())
    finally:
        library.cache_clear()


def test_the_library_is_there() -> None:
    assert isinstance(library(), Library)


def test_a_choice_is_measured_and_leaves_no_trace() -> None:
    network = find("lenet5-dense")
    torch.manual_seed(3)
    before, threads = torch.random.get_rng_state(), torch.get_num_threads()
    choice = choose_for_training(build(network, generator=torch.Generator()), batch=32, threads=None)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.get_num_threads() == threads
    assert choice.kernels in ("engine", "torch")
    assert {"engine, 1 thread", "torch, 1 thread"} <= {*choice.milliseconds}
    assert choose_for_training(build(network), batch=32, threads=1, kernels="torch").milliseconds == {}


def test_kernels_are_measured_for_a_batch_of_one_value_a_channel() -> None:
    """As where a training freezes its statistics, or shares them between processes."""
    network = from_text("1x8x8: conv 2 8x8, bn, relu, flatten, linear 3")
    choice = choose_for_training(build(network), batch=1, threads=1, without=("engine", "bfloat16"))
    assert choice.milliseconds


def steps_take(seconds: dict[str, float], monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that only steps move, each by as much as its kernels are said to take, whatever the threads."""
    now = [0.0]

    def step(kernels: str, *_: object) -> Callable[[int], None]:
        def take(_: int) -> None:
            now[0] += seconds[kernels]

        return take

    monkeypatch.setattr(training, "_step", step)
    return lambda: now[0]


@pytest.mark.parametrize(
    ("took", "best", "tried"),
    [
        ((1e-3, 5e-3), "engine", ["engine", "torch"]),  # so far ahead that nothing else is tried
        ((2e-3, 5e-3, None, None, 1.8e-3), "bfloat16", ["engine", "torch", "bfloat16"]),  # it may be so much faster
        ((3e-3, 5e-3, 2.6e-3, 4e-3, 4e-3), "operators", None),
        ((6e-3, 5e-3, 7e-3, 4e-3, 5e-3), "channels-last", None),
        ((6e-3, 5e-3, 7e-3, 4e-3, 3e-3), "bfloat16", None),
        ((2.0, 1.0, 3.0, 1.5, 1.2), "torch", None),
    ],
)
def test_the_fastest_is_chosen(
    took: tuple[float | None, ...], best: str, tried: list[str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True}, raising=False)
    seconds = {name: each for name, each in zip(training.ORDER, took, strict=False) if each is not None}
    clock = steps_take(seconds, monkeypatch)
    choice = choose_for_training(build("lenet5-dense"), batch=8, threads=1, clock=clock)
    assert choice == Choice(best, 1, {f"{each}, 1 thread": 1e3 * seconds[each] for each in tried or seconds})


def test_a_program_that_disturbs_the_first_steps_does_not_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's first steps take 115 ms, all later ones 98; bfloat16's, 112."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True}, raising=False)
    now, taken = [0.0], [0]

    def step(kernels: str, *_: object) -> Callable[[int], None]:
        def take(_: int) -> None:
            taken[0] += kernels == "engine"
            usual = {"engine": 0.115 if taken[0] <= 4 else 0.098, "bfloat16": 0.112}
            now[0] += usual.get(kernels, 0.2)

        return take

    monkeypatch.setattr(training, "_step", step)
    choice = choose_for_training(build("lenet5-dense"), batch=8, threads=1, clock=lambda: now[0])
    assert (choice.kernels, choice.milliseconds["engine, 1 thread"]) == ("engine", 98.0)


def test_bfloat16_rounds_and_must_save_five_per_cent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True}, raising=False)
    for bfloat16, best in ((0.096, "engine"), (0.094, "bfloat16")):
        clock = steps_take(
            {"engine": 0.1, "torch": 0.2, "operators": 0.2, "channels-last": 0.2, "bfloat16": bfloat16}, monkeypatch
        )
        assert choose_for_training(build("lenet5-dense"), batch=8, threads=1, clock=clock).kernels == best


def test_kernels_that_fail_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = training._step

    def step(kernels: str, *rest: Any) -> Callable[[int], None]:
        def fail(_: int) -> None:
            raise KernelMemoryError("not enough memory.")

        return fail if kernels == "engine" else usual(kernels, *rest)

    monkeypatch.setattr(training, "_step", step)
    choice = choose_for_training(build("lenet5-dense"), batch=32, threads=1)
    assert choice.kernels != "engine"
    assert "engine, 1 thread" not in choice.milliseconds
    monkeypatch.setattr(training.torch, "get_num_threads", lambda: 2)
    monkeypatch.setattr(training.torch, "set_num_threads", lambda _: None)
    with pytest.raises(KernelMemoryError):  # where no others may do the job
        choose_for_training(build("lenet5-dense"), batch=32, threads=None, kernels="engine")


def test_channels_last_lays_out_weights_and_changes_no_value() -> None:
    network = find("simple-cnn")
    plain, last = (build(network, generator=torch.Generator().manual_seed(1)) for _ in range(2))
    runs = executor(last, "channels-last")
    four = [name for name, each in last.named_parameters() if each.ndim == 4 and min(each.shape[1:]) > 1]
    assert four
    for name, weight in last.named_parameters():
        assert torch.equal(weight, plain.get_parameter(name))
        assert weight.is_contiguous() == (name not in four)
    images = torch.rand(2, *network.input)
    last.eval()
    torch.testing.assert_close(runs.answers(Pictures(images)), plain.eval().logits(images), rtol=1e-4, atol=1e-5)
    assert last.get_parameter(four[0]).is_contiguous(memory_format=torch.channels_last)


def test_channels_last_is_refused_where_pytorch_writes_beyond_its_memory() -> None:
    few = from_text("3x8x8: conv 8 1x1 /2, relu, linear 10, softmax")
    with pytest.raises(SpecError) as caught:
        executor(build(few), "channels-last")
    assert (
        "with channels last, PyTorch may write beyond its memory in conv1, a convolution of 1×1 with a stride and "
        "fewer than 16 channels.\n"
    ) in str(caught.value)
    assert missing(few, "bfloat16")
    for text in ("16x8x8: conv 8 1x1 /2, linear 10", "3x8x8: conv 8 1x1, linear 10", "3x8x8: conv 8 3x3 /2, linear 10"):
        assert missing(from_text(text), "channels-last") is None


def test_what_the_engine_cannot_take_is_measured_layer_by_layer() -> None:
    module = build(GATED)
    choice = choose_for_training(module, batch=32, threads=1)
    assert {each.split(",")[0] for each in choice.milliseconds} >= {"operators", "torch"}
    assert choice.kernels != "engine"
    fixed = choose_for_training(module, batch=32, threads=1, without=("engine",), kernels="engine")
    assert fixed.kernels == "torch"  # an optimiser that the engine does not have


def test_networks_layer_by_layer_need_the_library(monkeypatch) -> None:
    monkeypatch.setattr(striate.execution.choice, "library", lambda: "they have not been compiled")
    assert missing(NORMALISED, "operators") == "they have not been compiled"
    assert missing(NORMALISED, "torch") is None
    with pytest.raises(SpecError, match="bn cannot run on Striate's kernels, layer by layer.*have not been compiled"):
        executor(build(NORMALISED), "operators")


def test_a_module_that_runs_on_kernels_can_be_copied() -> None:
    model = build("lenet5-dense").eval()
    images = torch.rand(3, *model.network.input)
    first = executor(model, "engine").answers(Pictures(images))
    copy = deepcopy(model)
    with torch.no_grad():
        copy.get_parameter("output.bias").add_(1)
    torch.testing.assert_close(executor(copy, "engine").answers(Pictures(images)), first + 1)
    assert torch.equal(executor(model, "engine").answers(Pictures(images)), first)


def test_an_empty_batch_of_maps_has_an_empty_answer() -> None:
    module = build(NORMALISED).eval()
    assert executor(module, "operators").answers(Pictures(torch.rand(0, 1, 6, 6))).shape == (0, 2)


def test_training_begins_without_what_it_does_not_use() -> None:
    """PyTorch's compiler alone takes most of a second to import."""
    code = """
import sys
import striate.train.session
from striate import find
from striate.modules import build
from striate.train import Learner, Recipe
Learner(build(find("lenet5-dense")), Recipe(), kernels="engine")
print([name for name in ("torch._dynamo", "torch.onnx", "rich", "jinja2") if name in sys.modules])
"""
    assert python(code).stdout == "[]\n"


def run_of(folder: Path, **settled: object) -> tuple[session.Run, session.Split]:
    recipe = Recipe(epochs=1, batch=64, until=0.5)
    run, split = session.prepare(
        find("lenet5-dense"), session.Images(), recipe, folder=folder / "run", device="cpu", threads=1
    )
    few = replace(split.train, images=split.train.images[:640], labels=split.train.labels[:640])
    part = replace(split.validation, images=split.validation.images[:100], labels=split.validation.labels[:100])
    return with_kernels(run, **settled), session.Split(few, part)  # type: ignore[arg-type]


@pytest.mark.parametrize("kernels", MEASURED)
def test_a_run_keeps_its_kernels_and_threads(tmp_path: Path, kernels: str) -> None:
    if reason := missing(find("lenet5-dense"), kernels):
        pytest.skip(reason)
    run, split = run_of(tmp_path, kernels=kernels, threads=1)
    *_, finished = session.start(run, split)
    assert isinstance(finished, session.Finished)
    kept = open_run(tmp_path / "run")
    assert (kept.kernels, kept.threads) == (kernels, 1)


def test_a_run_of_an_earlier_version_goes_on_under_todays_name(tmp_path: Path) -> None:
    run, split = run_of(tmp_path, kernels="engine", threads=1)
    for _ in session.start(run, split):
        pass
    text = run.path("run.json").read_text()
    run.path("run.json").write_text(text.replace('"kernels": "engine"', '"kernels": "striate"'))
    assert '"striate"' in run.path("run.json").read_text()
    assert open_run(tmp_path / "run").kernels == "engine"


def test_all_kernels_learn_the_same(tmp_path: Path) -> None:
    losses = []
    here = [each for each in MEASURED if not missing(find("lenet5-dense"), each)]
    for kernels in here:
        run, split = run_of(tmp_path / kernels, kernels=kernels, threads=1)
        losses.append([event.loss for event in session.start(run, split) if isinstance(event, session.Batch)])
    for kernels, others in zip(here, losses, strict=True):
        assert losses[0][:3] == pytest.approx(others[:3], rel=0.02 if kernels == "bfloat16" else 1e-3)


def test_a_run_goes_on_only_on_its_own_kernels(tmp_path: Path, monkeypatch) -> None:
    run, split = run_of(tmp_path, kernels="engine", threads=1)
    for _ in session.start(run, split):
        pass
    monkeypatch.setattr(session, "missing", lambda network, kernels, device: "they have not been compiled")
    with pytest.raises(RunError) as raised:
        session.resume(run, split)
    assert str(raised.value) == (
        f"{run.folder} was trained on Striate's kernels, which cannot run here: they have not been compiled.\n"
        "It goes on, bit for bit, only on them.\n"
        "Begin a new run, or take it to a machine that has them; Striate's are compiled by: "
        "python -m striate.kernels.compile"
    )
