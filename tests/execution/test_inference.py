"""The kernels that answer: which are chosen on what times, how long measuring may take, and that all agree."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from striate import Conv, Flatten, Linear, Network, Scale
from striate.errors import KernelMemoryError, RequirementError
from striate.execution import choice, inference
from striate.execution.choice import Choice, missing
from striate.execution.inference import answering, choose_for_inference
from striate.execution.names import KERNELS
from striate.kernels.engine import Pictures
from striate.look.predictor import Predictor
from striate.modules import Built, build
from striate.train import open_run

SCALED = Network("scaled", (1, 6, 6), [Conv(2, kernel=3), Scale(), Flatten(), Linear(2)])
"""A network that the engine does not take."""
"""What the engine does not take."""


class Times:
    """A clock that only answers move, each by as much as its kernels are said to take; it may be for each image.

    Without a time for ONNX Runtime it is not installed; `making` is what making a session of it would take.
    """

    making = 0.0
    per_image = False

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **seconds: float) -> None:
        self.seconds = {name.replace("_", "-"): each for name, each in seconds.items()}
        self.now = 0.0
        self.taken: list[str] = []
        monkeypatch.setattr(inference, "answering", self._executor)
        if "onnx-runtime" not in self.seconds:
            monkeypatch.setattr(choice, "missing_packages", lambda _: ["onnxruntime"])
        monkeypatch.setattr(inference, "seconds_to_make", lambda _: self.making)

    def _executor(self, module: Built, choice: Choice) -> object:
        times = self
        if choice.kernels == "onnx-runtime":
            self.now += self.making

        class Runs:
            def answers(self, pictures: Pictures) -> None:
                times.taken.append(choice.kernels)
                own = times.seconds.get(f"{choice.kernels}:{choice.threads}") or times.seconds[choice.kernels]
                times.now += own * (len(pictures) if times.per_image else 1)

        return Runs()

    def clock(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference.torch, "get_num_threads", lambda: 1)


CHOSEN = [
    ({"torch": 0.01, "engine": 0.002, "operators": 0.02, "channels_last": 0.008}, "engine"),
    ({"torch": 0.01, "engine": 0.02, "operators": 0.02, "channels_last": 0.008}, "channels-last"),
    ({"torch": 0.01, "engine": 0.0097, "operators": 0.02, "channels_last": 0.0096}, "torch"),
    ({"torch": 0.01, "onnx_runtime": 0.004, "engine": 0.005, "operators": 0.02}, "onnx-runtime"),
    ({"torch": 0.01, "onnx_runtime": 0.004, "engine": 0.003, "operators": 0.02}, "engine"),
    (
        {"torch": 0.01, "onnx_runtime": 0.0099, "engine": 0.02, "operators": 0.02, "channels_last": 0.008},
        "channels-last",
    ),
]


@pytest.mark.parametrize(("seconds", "best"), CHOSEN)
def test_the_fastest_answers_but_torch_where_others_save_little(
    seconds: dict[str, float], best: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = Times(monkeypatch, **seconds)
    chosen = choose_for_inference(build("lenet5-dense"), batch=64, clock=times.clock)
    assert (chosen.kernels, chosen.threads) == (best, 1)
    shown = {f"{name.replace('_', '-')}, 1 thread": 1e3 * each for name, each in seconds.items()}
    assert chosen.milliseconds == pytest.approx(shown)


def test_operators_are_not_tried_for_less_than_half_of_their_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    times = Times(monkeypatch, torch=0.01, operators=0.001, channels_last=0.01)
    assert choose_for_inference(build(SCALED), batch=7, clock=times.clock).kernels == "torch"
    assert "operators" not in times.taken
    assert choose_for_inference(build(SCALED), batch=8, clock=times.clock).kernels == "operators"


@pytest.mark.parametrize(("images", "most"), [(1, 0.5), (10, 0.8), (10_000, 3.5), (None, 3.5)])
def test_measuring_takes_a_fifth_of_the_job_at_most(
    images: int | None, most: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two answers on PyTorch, a tenth of a second each, and the candidate in hand when the limit is reached."""
    times = Times(monkeypatch, torch=0.1, engine=0.1, operators=0.1, channels_last=0.1)
    choose_for_inference(build("lenet5-dense"), batch=1, images=images, clock=times.clock)
    assert times.now <= most
    if images == 1:
        assert {*times.taken} == {"torch"}
    if images is None:
        assert times.now > 1


def test_onnx_runtime_is_not_begun_where_making_it_twice_takes_more_than_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times = Times(monkeypatch, torch=0.1, onnx_runtime=0.01, engine=0.1, operators=0.1, channels_last=0.1)
    times.making = 0.5
    module = build("lenet5-dense")
    for images, begun in ((1, False), (10, False), (50, False), (70, True), (None, True)):
        times.taken.clear()
        chosen = choose_for_inference(module, batch=1, images=images, clock=times.clock).kernels
        assert ("onnx-runtime" in times.taken) == begun, images
        assert (chosen == "onnx-runtime") == begun, images


def test_onnx_runtime_is_tried_with_one_thread_where_a_batch_is_soon_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference.torch, "get_num_threads", lambda: 2)
    seconds = {"torch": 0.1, "onnx-runtime:2": 0.003, "onnx-runtime:1": 0.002, "channels-last": 0.1}
    times = Times(monkeypatch, **seconds, onnx_runtime=0.1)
    chosen = choose_for_inference(build(SCALED), batch=1, clock=times.clock)
    assert (chosen.kernels, chosen.threads) == ("onnx-runtime", 1)
    times.seconds["onnx-runtime:2"] = 0.03
    chosen = choose_for_inference(build(SCALED), batch=1, clock=times.clock)
    assert (chosen.kernels, chosen.threads) == ("onnx-runtime", 2)
    assert "onnx-runtime, 1 thread" not in chosen.milliseconds


def test_operators_are_tried_on_full_lanes_alone_where_onnx_runtime_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    """And channels last is not tried at all."""
    times = Times(monkeypatch, torch=0.01, onnx_runtime=0.005, operators=0.001)
    for batch, tried in ((8, False), (15, False), (16, True)):
        times.taken.clear()
        choose_for_inference(build(SCALED), batch=batch, clock=times.clock)
        assert ("operators" in times.taken) == tried


@pytest.mark.parametrize(("each", "measured"), [(1e-5, 500), (1e-2, 32)])
def test_a_large_batch_is_measured_by_a_part_where_it_takes_long(
    each: float, measured: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two lane groups a thread; what a batch takes is worked out from them."""
    times = Times(monkeypatch, torch=each, operators=each, channels_last=each / 2)
    times.per_image = True
    given: list[int] = []
    monkeypatch.setattr(inference, "Pictures", lambda images: given.append(len(images)) or Pictures(images))
    chosen = choose_for_inference(build(SCALED), batch=500, images=10_000, clock=times.clock)
    assert given[-1] == measured
    assert chosen.kernels == "channels-last"
    assert chosen.milliseconds["torch, 1 thread"] == pytest.approx(1e3 * each * 500)
    assert times.now < 0.3 * each * 10_000 + 0.1


def test_a_server_tries_every_kind_however_long_a_batch_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    times = Times(monkeypatch, torch=12.0, onnx_runtime=8.0, engine=9.5, operators=6.0)
    chosen = choose_for_inference(build("lenet5-dense"), batch=64, clock=times.clock)
    assert chosen.kernels == "operators"
    assert times.taken == ["torch", "onnx-runtime", "engine", "operators", "onnx-runtime", "operators"]


def test_a_program_that_falls_into_a_short_turn_rules_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first batch and the first turn of ONNX Runtime take nine times as long as it does."""
    times = Times(monkeypatch, torch=3e-4, onnx_runtime=2e-4, engine=4e-4, channels_last=3e-4, operators=9e-4)
    usual, late = times.seconds, {"onnx-runtime": 1.9e-3}

    class Late(dict[str, float]):
        def __getitem__(self, name: str) -> float:
            return late[name] if name in late and times.taken.count(name) <= 2 else usual[name]

    times.seconds = Late(usual)
    assert choose_for_inference(build("lenet5-dense"), batch=1, clock=times.clock).kernels == "onnx-runtime"


def test_a_runtime_that_other_threads_disturb_is_not_ruled_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first batch is slow, and so are all its answers right after PyTorch, whose threads still look for work."""
    times = Times(monkeypatch, torch=6e-3, onnx_runtime=1e-3, engine=2.5e-3, operators=9e-3, channels_last=6e-3)
    usual = times.seconds
    turns: list[str] = []

    class Disturbed(dict[str, float]):
        def __getitem__(self, name: str) -> float:
            if not turns or turns[-1] != name:
                turns.append(name)
            return (5 if name == "onnx-runtime" and turns[-2:-1] == ["torch"] else 1) * usual[name]

    times.seconds = Disturbed(usual)
    assert choose_for_inference(build("lenet5-dense"), batch=1, clock=times.clock).kernels == "onnx-runtime"


def test_kernels_that_fail_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    times = Times(monkeypatch, torch=0.01, engine=0.001, operators=0.005, channels_last=0.01)
    whole = inference.answering

    class Failing:
        def answers(self, pictures: Pictures) -> None:
            raise KernelMemoryError("not enough memory.")

    def failing(module: Built, choice: Choice) -> object:
        return Failing() if choice.kernels == "engine" else whole(module, choice)

    monkeypatch.setattr(inference, "answering", failing)
    chosen = choose_for_inference(build("lenet5-dense"), batch=64, clock=times.clock)
    assert chosen.kernels == "operators"
    assert "engine, 1 thread" not in chosen.milliseconds


def test_a_runtime_that_does_not_work_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    times = Times(monkeypatch, torch=0.01, onnx_runtime=0.001, channels_last=0.005, operators=0.01)
    whole = inference.answering

    def broken(module: Built, choice: Choice) -> object:
        if choice.kernels == "onnx-runtime":
            raise RequirementError("ONNX Runtime cannot run it.")
        return whole(module, choice)

    monkeypatch.setattr(inference, "answering", broken)
    assert choose_for_inference(build(SCALED), batch=1, clock=times.clock).kernels == "channels-last"


def test_a_named_kind_and_other_precisions_are_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    times = Times(monkeypatch)
    assert choose_for_inference(build("lenet5"), batch=1, kernels="engine") == Choice("engine", 1)
    assert choose_for_inference(build("lenet5").double(), batch=1) == Choice("torch", 1)
    assert not times.taken


@pytest.mark.parametrize("name", ["lenet5", "lenet5-keras", "simple-cnn", "resnet20-cifar"])
@pytest.mark.parametrize("images", [1, 3, 20])
def test_all_kernels_answer_what_the_module_does(name: str, images: int) -> None:
    module = build(name, generator=torch.Generator().manual_seed(1)).eval()
    given = torch.randint(0, 256, (images, *module.network.input), dtype=torch.uint8)
    pictures = Pictures(given, torch.arange(images).flip(0), low=-0.1, scale=1.275 / 255)
    with torch.inference_mode():
        wanted = module.logits(given.flip(0).float() * pictures.scale + pictures.low)
        for kernels in [each for each in KERNELS if not missing(module.network, each)]:
            found = answering(module, Choice(kernels, 1)).answers(pictures)
            torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4 * wanted.abs().max().item())


def test_channels_last_answers_from_a_copy_of_the_filters_alone() -> None:
    module = build("simple-cnn").eval()
    last = answering(module, Choice("channels-last", 1)).module
    assert all(each.is_contiguous() for each in module.parameters())
    own = [name for name, each in last.named_parameters() if each is not module.get_parameter(name)]
    assert own == [name for name, each in module.named_parameters() if each.ndim == 4]


@pytest.mark.parametrize("kernels", ["engine", "torch", "onnx-runtime"])
def test_a_predictor_and_its_twin_answer_on_the_chosen_kernels(
    finished_run: Path, kernels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: Callable[..., Choice] = lambda *_, **__: Choice(kernels, 1)  # noqa: E731
    monkeypatch.setattr("striate.look.predictor.choose_for_inference", chosen)
    predictor = Predictor(open_run(finished_run))
    twin = predictor.twin()
    assert predictor.runs.kernels == twin.runs.kernels == kernels
    assert twin.runs.module is twin.model is not predictor.model
    content = (Path(__file__).parents[2] / "examples/digits/3-chalk.png").read_bytes()
    found, again, seen = predictor.predict(content), twin.predict(content), predictor.watch(content).prediction
    assert found == again
    assert seen.probabilities == pytest.approx(found.probabilities, rel=1e-4, abs=1e-6)
