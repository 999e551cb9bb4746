"""Any kernels held against the same module on PyTorch in float64: outputs, heads, statistics and gradients.

Kernels are wrong where they are further off than float32 is: the tolerance is a few ten thousandths of the largest
value, and a multiple of what PyTorch's own float32 is off. Where one float32 may truly differ from another the case is
not compared: a ReLU's input, or two values of a maximum, that nearly tie (a gradient then goes elsewhere), and batch
normalisations of channels that hardly vary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from unittest.mock import patch

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate import Network
from striate.description.layers import Pool
from striate.description.network import plan
from striate.description.shapes import window
from striate.execution.choice import missing
from striate.execution.executor import OnTorch
from striate.execution.layerwise import Layerwise
from striate.execution.tensors import tensors_of
from striate.kernels.binary import library
from striate.kernels.compile import instruction_sets
from striate.kernels.engine import Engine, Goal, Pictures
from striate.kernels.operators import binding, single
from striate.modules import Built, build, evaluating
from striate.modules.pooling import SidePaddedPooling

INSTRUCTION_SETS = [name for name in instruction_sets() if not isinstance(library(name), str)]
NEAR = 1e-5
"""Values count as tied that differ by less than this share of the largest."""
OWN, NORMALISED, PYTORCH = 2e-5, 2e-3, 50.0
"""Tolerance, as a share of the largest value, and as a multiple of what PyTorch's float32 is off; in a training step of
batch normalisations gradients are small differences of large numbers."""

Made = dict[str, Tensor]
Logits = Callable[[Tensor, dict[str, Tensor]], Tensor]


@dataclass(frozen=True)
class Case:
    """What is compared: a network, how many images, and the seed of its weights and images."""

    network: Network
    images: int
    seed: int = 0

    def module(self) -> Built:
        """The network, its biases, scales and shifts all different; weights neither vanish nor explode."""
        generator = torch.Generator().manual_seed(self.seed)
        made = build(self.network, initialisation="lecun", generator=generator)
        for each in made.parameters():
            each.data += 0.2 * torch.randn(each.shape, generator=generator)
        return made

    def pixels(self) -> Tensor:
        """The images."""
        generator = torch.Generator().manual_seed(self.seed + 1000)
        return torch.randn(self.images, *self.network.input, generator=generator)

    def labels(self) -> Tensor:
        """A class for each."""
        generator = torch.Generator().manual_seed(self.seed + 2000)
        return torch.randint(0, plan(self.network).output[0], (self.images,), generator=generator)


@contextmanager
def nan_in_new_tensors() -> Iterator[None]:
    """PyTorch fills what it hands out uninitialised with NaN, and with the largest whole number."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)


@contextmanager
def operators_on(instruction_set: str) -> Iterator[None]:
    """The operators of another instruction set."""
    single._handle.cache_clear()
    try:
        with patch.object(binding, "library", partial(library, instruction_set)):
            yield
    finally:
        single._handle.cache_clear()


def learned(module: nn.Module, logits: Logits, pixels: Tensor) -> Made:
    """Everything that a training step of `module` shows, by name, run by `logits`; the loss is a sum with weights."""
    pixels = pixels.clone().requires_grad_()
    heads: dict[str, Tensor] = {}
    outputs = {"output": logits(pixels, heads), **{f"head {path}": each for path, each in heads.items()}}
    generator = torch.Generator().manual_seed(5)
    weights = {name: torch.randn(each.shape, generator=generator) for name, each in sorted(outputs.items())}
    loss = torch.stack([(each * weights[name]).sum() for name, each in outputs.items()]).sum()
    leaves = {"images": pixels, **dict(module.named_parameters())}
    found = torch.autograd.grad(loss, [*leaves.values()], allow_unused=True)
    gradients = {f"gradient of {name}": each for name, each in zip(leaves, found, strict=True) if each is not None}
    buffers = {name: each.clone() for name, each in module.named_buffers() if each.is_floating_point()}
    return {name: each.detach() for name, each in {**outputs, **gradients, **buffers}.items()}


def stepped(module: Built, pixels: Tensor, labels: Tensor) -> Made:
    """What a step of the engine shows, on PyTorch: outputs in evaluation, gradients of the cross entropy, and running
    statistics."""
    with torch.no_grad(), evaluating(module):
        outputs = module.logits(pixels)
    F.cross_entropy(module.logits(pixels), labels).backward()
    return {"output": outputs, **_learned(module)}


def _learned(module: Built) -> Made:
    gradients = {f"gradient of {name}": each.grad for name, each in module.named_parameters() if each.grad is not None}
    return {**gradients, **{name: each.clone() for name, each in module.named_buffers()}}


def stepped_on_engine(case: Case, instruction_set: str, threads: int) -> Made:
    """The same on the engine."""
    module = case.module()
    engine = Engine(case.network, tensors_of(module), instruction_set=instruction_set)
    outputs = engine.outputs(Pictures(case.pixels()), threads=threads)
    engine.step(Pictures(case.pixels()), Goal(case.labels()), rule=None, threads=threads)
    return {"output": outputs, **_learned(module)}


def faults(found: Made, wanted: Made, pytorch: Made, *, own: float = OWN) -> list[str]:
    """What differs from `wanted`, which is exact, by more than float32 does, of which `pytorch` is an example."""
    assert found.keys() == wanted.keys()
    largest = max((each.abs().max().item() for name, each in wanted.items() if "gradient" in name), default=0.0)
    wrong: list[str] = []
    for name, exact in wanted.items():
        if not exact.numel():
            continue
        scale = max(exact.abs().max().item(), 0.1 * largest if "gradient" in name else 0.0, 1e-3)
        allowed = own * scale + PYTORCH * (pytorch[name].double() - exact).abs().max().item()
        off = (found[name].double() - exact).abs().max().item()
        if not off <= allowed:
            wrong.append(f"{name} is off by {off:.3g} of {scale:.3g}; allowed is {allowed:.3g}")
    return wrong


def check_module(case: Case, *, instruction_sets: list[str]) -> bool:
    """Operators on each instruction set, and channels last, against PyTorch; False where nothing can be said."""
    exact, plain = case.module().double(), case.module()
    with _hard(exact) as hard:
        wanted = learned(exact, exact.logits, case.pixels().double())
    if hard:
        return False
    pytorch = learned(plain, plain.logits, case.pixels())
    own = NORMALISED if _normalises(plain) else OWN
    with torch.inference_mode():
        answers = exact.eval().logits(case.pixels().double())
        float_answers = plain.eval().logits(case.pixels())
    last = [] if missing(case.network, "channels-last") else ["channels-last"]
    for name in [*last, *instruction_sets]:
        module = case.module()
        runs = OnTorch(module, kernels=name) if name == "channels-last" else Layerwise(module)
        runner: Logits = runs.logits
        with operators_on(name if name in instruction_sets else ""), nan_in_new_tensors():
            found = learned(module, runner, case.pixels())
            wrong = faults(found, wanted, pytorch, own=own)
            assert not wrong, f"{name}: {'; '.join(wrong)}"
            with torch.inference_mode():
                module.eval()
                found = {"output": runner(case.pixels(), {})}
            wrong = faults(found, {"output": answers}, {"output": float_answers})
            assert not wrong, f"{name}, evaluating: {'; '.join(wrong)}"
    return True


def check_engine(case: Case, *, instruction_sets: list[str], threads: int = 1) -> bool:
    """The engine on each instruction set against PyTorch; False where nothing can be said."""
    exact, plain = case.module().double(), case.module()
    with _hard(exact) as hard:
        wanted = stepped(exact, case.pixels().double(), case.labels())
    if hard:
        return False
    pytorch = stepped(plain, case.pixels(), case.labels())
    own = NORMALISED if _normalises(plain) else OWN
    for name in instruction_sets:
        with nan_in_new_tensors():
            wrong = faults(stepped_on_engine(case, name, threads), wanted, pytorch, own=own)
        assert not wrong, f"{name}: {'; '.join(wrong)}"
    return True


def check_answers(case: Case, *, instruction_sets: list[str], threads: int = 1) -> None:
    """The engine for answers alone on each instruction set against PyTorch."""
    exact, plain = case.module().double().eval(), case.module().eval()
    with torch.inference_mode():
        wanted = {"output": exact.logits(case.pixels().double())}
        pytorch = {"output": plain.logits(case.pixels())}
    for name in instruction_sets:
        module = case.module()
        engine = Engine(case.network, tensors_of(module), answering=True, instruction_set=name)
        with nan_in_new_tensors():
            found = {"output": engine.outputs(Pictures(case.pixels()), threads=threads)}
        wrong = faults(found, wanted, pytorch)
        assert not wrong, f"{name}: {'; '.join(wrong)}"


def _normalises(module: Built) -> bool:
    return any(isinstance(each, (nn.BatchNorm1d, nn.BatchNorm2d)) for each in module.modules())


@contextmanager
def _hard(module: Built) -> Iterator[list[str]]:
    """The paths of layers where float32 need not agree with float64, filled while `module` runs in float64."""
    found: list[str] = []
    layers = {step.path: step for step in plan(module.network).steps}

    def look(path: str, each: nn.Module, values: Tensor) -> None:
        values = values.detach()
        if not values.numel():
            return
        most = values.abs().max()
        if isinstance(each, nn.ReLU6):
            near = any(bool((((values - edge).abs() < NEAR * most) & (values != edge)).any()) for edge in (0, 6))
        elif isinstance(each, nn.Hardsigmoid):
            near = any(bool(((values - edge).abs() < NEAR * most).any()) for edge in (-3, 3))
        elif isinstance(each, (nn.ReLU, nn.LeakyReLU)):
            near = bool(((values.abs() < NEAR * most) & (values != 0)).any())
        elif isinstance(each, (nn.BatchNorm1d, nn.BatchNorm2d)):
            variance, mean = torch.var_mean(values.transpose(0, 1).flatten(1), 1, correction=0)
            near = bool((variance < 1e-3 * mean.square()).any() or (variance < 1e-4).any())
        else:
            layer, shape = layers[path].layer, layers[path].inputs[0]
            assert isinstance(layer, Pool)
            near = _nearly_tied(values, layer, shape, NEAR * most.item())
        if near:
            found.append(path)

    watched = (
        nn.ReLU,
        nn.LeakyReLU,
        nn.ReLU6,
        nn.Hardsigmoid,
        nn.BatchNorm1d,
        nn.BatchNorm2d,
        nn.MaxPool2d,
        SidePaddedPooling,
    )
    hooks = [
        each.register_forward_pre_hook(lambda one, values, path=path: look(path, one, values[0]))
        for path, each in module.named_modules()
        if isinstance(each, watched) and getattr(each, "function", "max") == "max"
    ]
    yield found
    for hook in hooks:
        hook.remove()


def _nearly_tied(maps: Tensor, layer: Pool, shape: tuple[int, ...], least: float) -> bool:
    """Whether the two largest values of any window differ by less than `least`, but are not the same."""
    axes = window(layer, shape).axes
    sides = [(axis.before, (axis.output - 1) * axis.stride + axis.kernel - axis.before - axis.size) for axis in axes]
    windows = F.pad(maps, (*sides[1], *sides[0]), value=-torch.inf)
    for number, axis in enumerate(axes):
        windows = windows.unfold(2 + number, axis.kernel, axis.stride)
    two = windows.flatten(4)
    if two.shape[-1] < 2:
        return False
    first, second = two.topk(2, dim=-1).values.unbind(-1)
    gap = (first - second)[second > -torch.inf]
    return bool(((gap < least) & (gap != 0)).any())
