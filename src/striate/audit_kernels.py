"""The kernels that a network may run on, held against the module on PyTorch: outputs, and every layer's gradients.

A training step is taken on each, with the same random weights and images. Kernels are wrong where they are further off
than float32 explains: by more than a ten thousandth of what is compared, and many times what the module itself changes
by when its images change in their last digits. Where two values nearly tie, at a ReLU or in a maximum, one float32 may
truly differ from another; so kernels that differ are tried on other weights, and are wrong when they differ again.

Dropout is left out, as each kernel draws for itself. Memory that the kernels do not write is NaN, and so never right.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from striate.accounting import account
from striate.description.layers import RBF, Composite, Dropout, Layer, changed
from striate.description.network import Network, plan
from striate.errors import AuditError
from striate.execution.choice import missing
from striate.execution.executor import OnEngine, executor
from striate.kernels.engine import Goal, Pictures
from striate.modules import build

ALLOWED, TIMES = 1e-4, 10.0
"""What kernels may be off, as a share of what is compared, and as a multiple of what the last digits change."""
ALLOWED_OF_TIES = 5e-3
"""In gradients of networks so large that some values always tie: one in a million moves a gradient by a thousandth."""
LAST_DIGITS = 1e-6
SAYS_LITTLE = 0.1
"""Where gradients may be off by more than this share, that they agree says little."""
DRAWS = 3
"""Kernels are wrong when they differ on two of so many random weights and images."""
MOST_PARAMETERS, MOST_MACS = 200_000_000, 10**11
"""Larger networks are not run: their weights, three sets of gradients, or a step's time would be too much."""
CHEAP, MANY, FEW = 50_000_000, 17, 2
"""A network of fewer MACs takes many images, of which the last begins a new group of sixteen; others take few."""
ORDER = ("engine", "operators", "channels-last")
"""All kernels but the module's own and bfloat16, which has fewer digits; the last lay the weights out anew."""
ANSWERS = "answers while evaluating"


@dataclass(frozen=True)
class KernelCheck:
    """By how much one kind of kernels differs from the module, as shares of what the module shows.

    `outputs` have the paths of the layers that give them, the network's last and its heads; `gradients` those of the
    layers that own the parameters. `wrong` are the paths where either is too far off; gradients may be off by
    `allowed`. Kernels that cannot run the network, or were not run, say why in `refused`.
    """

    kernels: str
    outputs: dict[str, float]
    gradients: dict[str, float]
    wrong: tuple[str, ...] = ()
    refused: str = ""
    allowed: float = 0.0

    @property
    def agrees(self) -> bool:
        """Whether nothing differs; so too where nothing was compared."""
        return not self.wrong

    @property
    def says_little(self) -> bool:
        """Whether the module's own gradients change so much with the last digits of its images that few faults show."""
        return self.allowed > SAYS_LITTLE


def audit_kernels(network: Network) -> list[KernelCheck]:
    """A check for each kind of kernels that `auto` chooses among, but the module's own.

    >>> from striate.description.notation.reading import from_text
    >>> [check.agrees for check in audit_kernels(from_text("1x8x8: conv 2 3x3, tanh, linear 3"))]
    [True, True, True]
    """
    refused = {name: _too_large(network) or missing(network, name) or "" for name in ORDER}
    found: dict[str, list[KernelCheck]] = {name: [] for name in ORDER if not refused[name]}
    certain = replace(network, layers=_without_chance(network.layers))
    for seed in range(DRAWS):
        if open_ := [name for name in found if _verdict(found[name]) is None]:
            draw = _Draw(certain, seed)
            for name in open_:
                found[name].append(draw.check(name))
    verdicts = {name: _verdict(checks) or checks[-1] for name, checks in found.items()}
    return [verdicts.get(name) or KernelCheck(name, {}, {}, refused=refused[name]) for name in ORDER]


def _verdict(checks: list[KernelCheck]) -> KernelCheck | None:
    """The check that decides: the first where it agrees, else whichever of two that say the same; None as yet."""
    for agrees in (True, False):
        same = [check for check in checks if check.agrees == agrees]
        if len(same) == 2 or (same and agrees and len(checks) == 1):
            return same[-1]
    return None


def require_kernels(checks: list[KernelCheck]) -> None:
    """Raise AuditError where any kernels differ from the module."""
    wrong = [check for check in checks if not check.agrees]
    if wrong:
        raise AuditError(
            f"the module on PyTorch and {' and '.join(check.kernels for check in wrong)} differ.",
            "\n".join(f"{check.kernels} differs in {', '.join(check.wrong[:8])}" for check in wrong),
            "This is a fault of Striate, not of the network: please report it. Until then train with --kernels torch.",
        )


def _too_large(network: Network) -> str:
    totals = account(network).training
    if totals.parameters > MOST_PARAMETERS:
        return f"it has more than {MOST_PARAMETERS:,} parameters"
    return f"it has more than {MOST_MACS:,} MACs" if totals.macs > MOST_MACS else ""


def _without_chance(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """The same layers with no dropout in them."""
    return tuple(_certain(layer) for layer in layers)


def _certain(layer: Layer) -> Layer:
    if isinstance(layer, Dropout):
        return replace(layer, rate=0.0)
    return changed(layer, _certain) if isinstance(layer, Composite) else layer


@dataclass(frozen=True)
class _Shown:
    """What a training step shows: outputs by the layer's path, gradients by the parameter's name; and the network's
    output while it evaluates."""

    outputs: dict[str, Tensor]
    gradients: dict[str, Tensor]
    answers: Tensor

    def named(self) -> dict[str, Tensor]:
        return {**self.outputs, **self.gradients, ANSWERS: self.answers}


class _Draw:
    """A network with random weights and images, and what its module shows on PyTorch."""

    def __init__(self, network: Network, seed: int) -> None:
        self.network, self.plan = network, plan(network)
        generator = torch.Generator().manual_seed(seed)
        self.module = build(network, generator=generator)
        with torch.no_grad():
            for each in self.module.parameters():
                if each.ndim == 1:  # biases, scales and shifts that all are alike would hide that they are mixed up
                    each += 0.1 * torch.randn(each.shape, generator=generator)
        self.buffers = {name: each.clone() for name, each in self.module.named_buffers()}
        count = MANY if account(network).training.macs < CHEAP else FEW
        self.images = torch.randn(count, *network.input, generator=generator)
        moved = self.images + LAST_DIGITS * torch.randn(self.images.shape, generator=generator)
        self.labels = torch.randint(0, math.prod(self.plan.output), (count,), generator=generator)
        self.wanted = self._step(self.module.logits, self.images)
        unsure = _differences(self._step(self.module.logits, moved), self.wanted)
        # Whichever layer a near tie shows up in, another kernel may have one in any other.
        most = max((off for name, off in unsure.items() if name in self.wanted.gradients), default=0.0)
        least = ALLOWED if count == MANY else ALLOWED_OF_TIES
        self.allowed = {name: ALLOWED + TIMES * off for name, off in unsure.items()}
        self.allowed_of_gradients = least + TIMES * most
        self.allowed |= dict.fromkeys(self.wanted.gradients, self.allowed_of_gradients)

    def check(self, kernels: str) -> KernelCheck:
        """The kernels beside the module."""
        if not all(bool(each.isfinite().all()) for each in self.wanted.named().values()):
            return KernelCheck(kernels, {}, {}, refused="the module's own figures are not finite")
        runs, wanted = executor(self.module, kernels), self.wanted
        with _nan_in_new_tensors():
            found = self._on_engine(runs) if isinstance(runs, OnEngine) else self._step(runs.logits, self.images)
        if not found.outputs:
            wanted = replace(wanted, outputs={})
        shown: tuple[dict[str, float], dict[str, float]] = {}, {}
        wrong: list[str] = []
        for name, off in _differences(found, wanted).items():
            of_parameter = name in self.wanted.gradients
            path = name.rpartition(".")[0] if of_parameter else self._last if name == ANSWERS else name
            shown[of_parameter][path] = max(shown[of_parameter].get(path, 0.0), off)
            if not off <= self.allowed[name] and path not in wrong:
                wrong.append(path)
        return KernelCheck(kernels, *shown, wrong=tuple(wrong), allowed=self.allowed_of_gradients)

    def _on_engine(self, runs: OnEngine) -> _Shown:
        """An engine's step shows no outputs; its answers are the same where there is no batch normalisation."""
        engine, threads = runs.engine, torch.get_num_threads()
        self._restore_statistics()
        outputs = engine.outputs(Pictures(self.images), threads=threads)
        goal = Goal(self.labels, "rbf-mle" if self._ends_in_rbf else "cross-entropy")
        engine.step(Pictures(self.images), goal, rule=None, threads=threads)
        names: dict[Tensor, str] = {each: name for name, each in self.module.named_parameters()}
        gradients = {names[each]: of for each, of in zip(engine.parameters, engine.gradients, strict=True)}
        return _Shown({} if self.buffers else {self._last: outputs}, gradients, outputs)

    def _step(self, logits: Callable[..., Tensor], images: Tensor) -> _Shown:
        self._restore_statistics()
        with torch.no_grad():
            self.module.eval()
            answers = logits(images)
        self.module.train()
        heads: dict[str, Tensor] = {}
        outputs = {self._last: logits(images, heads if self.plan.heads else None), **heads}
        loss = torch.stack([self._loss(each) for each in outputs.values()]).sum()
        parameters = dict(self.module.named_parameters())
        found = torch.autograd.grad(loss, [*parameters.values()], allow_unused=True)
        gradients = {name: each for name, each in zip(parameters, found, strict=True) if each is not None}
        return _Shown({path: each.detach() for path, each in outputs.items()}, gradients, answers)

    def _restore_statistics(self) -> None:
        for name, each in self.buffers.items():
            self.module.get_buffer(name).copy_(each)

    def _loss(self, outputs: Tensor) -> Tensor:
        """What a network learns by: the mean over the images. A head with other outputs than classes: their squares."""
        if outputs.shape != (len(self.images), *self.plan.output):
            return outputs.square().mean()
        if self._ends_in_rbf:
            return outputs.gather(1, self.labels[:, None]).mean()
        return F.cross_entropy(outputs.flatten(1), self.labels)

    @property
    def _ends_in_rbf(self) -> bool:
        return isinstance(self.network.layers[-1], RBF)

    @property
    def _last(self) -> str:
        return self.plan.steps[self.plan.last].path


def _differences(found: _Shown, wanted: _Shown) -> dict[str, float]:
    """By how much each thing differs, as a share of it; a gradient far smaller than most, as a share of most."""
    norms = [each.norm() for each in wanted.gradients.values()]
    least = 0.01 * torch.stack(norms).norm().item() if norms else 0.0
    shown, differences = found.named(), dict[str, float]()
    for name, exact in wanted.named().items():
        off = (shown.get(name, torch.zeros_like(exact)) - exact).norm().item()
        differences[name] = off / max(exact.norm().item(), least if name in wanted.gradients else 0.0, 1e-12)
    return differences


@contextmanager
def _nan_in_new_tensors() -> Iterator[None]:
    """PyTorch fills what it hands out uninitialised with NaN."""
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
