"""Runs a network layer by layer on Striate's operators, for networks that the engine refuses.

Between layers, maps are kept in lane groups of 16 images (the operators' blocks), and flat vectors as ordinary tensors.
The shape of a step's output decides which, so all terms of a sum have the same form. The result of a batch
normalisation, an activation or a sum is not written to memory where the next layer can compute it while it reads: see
`Maps`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import assert_never, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.description.layers import (
    RBF,
    Activation,
    BatchNorm,
    Branches,
    Conv,
    Dropout,
    Flatten,
    Gate,
    GlobalAveragePool,
    Joined,
    Linear,
    LocalResponseNorm,
    PadChannels,
    Pool,
    PositionBias,
    Residual,
    Scale,
    Shuffle,
    Softmax,
    Subsample,
    Upsample,
)
from striate.description.network import INPUT, Step, plan
from striate.execution.tensors import tensors_of
from striate.kernels.engine import Pictures
from striate.kernels.lower import IDENTITY, Mapped, has_function
from striate.kernels.operators import GROUP, Affine, from_blocks, join, text_of, to_blocks
from striate.modules import Built
from striate.modules.containers import Heads
from striate.modules.shared import SharedBatchNorm

Fusing = Conv | Pool | Subsample | LocalResponseNorm
"""Layers whose operator can also apply the activation that follows them."""


@dataclass
class Maps:
    """Maps that are computed when they are read: function(Σ (scale · term + shift)) over one or two terms in blocks.

    `sums` holds, for a single term, each channel's sum of values and sum of squares; None where they are not known.
    """

    terms: list[tuple[Tensor, Affine | None]]
    function: str = IDENTITY
    sums: Tensor | None = None

    def whole(self, images: int) -> Tensor:
        """The maps' values; computed once and kept."""
        if len(self.terms) > 1 or self.terms[0][1] or self.function != IDENTITY:
            (first, first_affine), (second, second_affine) = [*self.terms, (None, None)][:2]
            assert first is not None  # noqa: S101 - there is a first term
            affines = (first_affine, second_affine)
            self.terms = [(join(first, second, affines, images=images, function=self.function), None)]
            self.function, self.sums = IDENTITY, None
        return self.terms[0][0]


class Layerwise:
    """Runs the network of `module` with its parameters, its buffers and its mode: float32 and on the CPU."""

    kernels = "operators"

    def __init__(self, module: Built) -> None:
        network = module.network
        self.module, self.plan, self.tensors = module, plan(network), tensors_of(module)
        steps, last = self.plan.steps, self.plan.last
        self.output = steps[last].sources[0] if network.probabilities else last
        self.order = [number for number in range(len(steps)) if number != last or not network.probabilities]
        # The caller reads the outputs, so an output must not be fused into the layer after it.
        self.times = self._reads(self.order, [self.output, *self.plan.ends.values()])
        self.reader = {source: step.layer for step in steps for source in step.sources}

    def _reads(self, steps: list[int], outputs: list[int]) -> Counter[int]:
        """How often each step's value is read: by `steps`, and once more where it is among the `outputs`."""
        return Counter([*(source for number in steps for source in self.plan.steps[number].sources), *outputs])

    def answers(self, pictures: Pictures) -> Tensor:
        """The logits of some images."""
        return self.logits(pictures.floats())

    def logits(self, images: Tensor, heads: Heads = None) -> Tensor:
        """The output before a closing softmax; with a dictionary `heads` the auxiliary heads run too."""
        if not len(images):  # the operators take no empty batch
            return self.module.logits(images, heads)
        run = _Run(self, len(images))
        run.values[INPUT] = Maps([(to_blocks(images), None)])
        ends = self.plan.ends if heads is not None else {}
        order = [number for number in self.order if heads is not None or not self.plan.steps[number].head]
        reads_left = self._reads(order, [self.output, *ends.values()])
        for number in order:
            run.values[number] = run.step(number, self.plan.steps[number])
            for source in self.plan.steps[number].sources:
                reads_left[source] -= 1
                if not reads_left[source]:
                    del run.values[source]
        if heads is not None:
            heads |= {path: run.flat(number) for path, number in ends.items()}
        return run.flat(self.output)

    def fused(self, number: int) -> str:
        """The activation that a step's layer applies to its own output, because nothing else reads that output."""
        reader = self.reader.get(number)
        if number == INPUT or not isinstance(self.plan.steps[number].layer, Fusing):
            return IDENTITY
        if self.times[number] != 1 or not isinstance(reader, Activation) or not has_function(reader):
            return IDENTITY
        return reader.function


class _Run:
    """One pass of a batch of `images`."""

    def __init__(self, layers: Layerwise, images: int) -> None:
        self.layers, self.images = layers, images
        self.values: dict[int, Maps | Tensor] = {}

    def flat(self, number: int) -> Tensor:
        """A step's output as an ordinary tensor, (images, ...)."""
        value = self.values[number]
        return from_blocks(value.whole(self.images), self.images) if isinstance(value, Maps) else value

    def step(self, number: int, step: Step) -> Maps | Tensor:
        """The output of a step."""
        source, module = step.sources[0], self.layers.module
        value = self.values[source]
        if isinstance(value, Tensor):
            return self._of_vectors(step)
        match step.layer:
            case Conv() | Pool() | Subsample() | LocalResponseNorm():
                return self._mapped(number, step, step.layer)
            case GlobalAveragePool():
                return from_blocks(self._mapped(number, step, step.layer).whole(self.images), self.images).flatten(1)
            case Activation():
                return self._activated(step, value, step.layer)
            case BatchNorm():
                return self._normalised(module.get_submodule(step.path), value)
            case Residual():
                return Maps([self._term(each) for each in step.sources])
            case Branches():
                return Maps([(torch.cat([self._term(each, plain=True)[0] for each in step.sources], 1), None)])
            case Dropout():
                return Maps([(module.get_submodule(step.path)(value.whole(self.images)), None)])
            case PadChannels():
                more = step.layer.channels - step.inputs[0][0]
                return Maps([(F.pad(value.whole(self.images), (0, 0, 0, 0, 0, 0, 0, more)), None)])
            case PositionBias():
                bias = self.layers.tensors[f"{step.path}.bias"]
                return Maps([(value.whole(self.images) + bias[..., None], None)])
            case Upsample():
                down, across = cast("tuple[int, int]", step.layer.factor)
                rows = value.whole(self.images).repeat_interleave(down, 2)
                return Maps([(rows.repeat_interleave(across, 3), None)])
            case Shuffle():
                groups = value.whole(self.images).unflatten(1, (step.layer.groups, -1))
                return Maps([(groups.transpose(1, 2).flatten(1, 2), None)])
            case Scale():
                weight = self.layers.tensors[f"{step.path}.weight"]
                return Maps([(value.whole(self.images) * weight[:, None, None, None], None)])
            case Gate():
                return Maps([(value.whole(self.images) * self._factor(step.sources[1]), None)])
            case Flatten():
                return self.flat(source).flatten(1)
            case Linear() | RBF() | Softmax():
                raise AssertionError(f"{step.path} stands on maps")  # a plan lets them stand on flat vectors alone
            case _:
                assert_never(step.layer)

    def _of_vectors(self, step: Step) -> Tensor:
        """The output of a step that reads flat vectors."""
        parts = [self.flat(source) for source in step.sources]
        if not isinstance(step.layer, Joined):
            return self.layers.module.get_submodule(step.path)(parts[0])
        match step.layer:
            case Residual():
                return parts[0] + parts[1]
            case Gate():
                return parts[0] * parts[1]
            case Branches():
                return torch.cat(parts, 1)
            case _:
                assert_never(step.layer)

    def _mapped(self, number: int, step: Step, layer: Mapped) -> Maps:
        """The output of a layer whose operator applies its input's scale, shift and activation while it reads."""
        value, source = self.values[step.sources[0]], step.sources[0]
        assert isinstance(value, Maps)  # noqa: S101 - the caller has looked
        if len(value.terms) > 1 or self.layers.times[source] > 1:
            value.whole(self.images)
        blocks, affine = value.terms[0]
        weight, bias = (self.layers.tensors.get(f"{step.path}.{name}") for name in ("weight", "bias"))
        text = text_of(layer, blocks, self.layers.fused(number), value.function)
        sums = isinstance(self.layers.reader.get(number), BatchNorm)
        scale, shift = affine or (None, None)
        made, _, totals = torch.ops.striate.layer(blocks, weight, bias, scale, shift, text, self.images, sums)
        return Maps([(made, None)], sums=totals if sums else None)

    def _factor(self, source: int) -> Tensor:
        """The factors of a gate in blocks: one per value of the maps, or one per map."""
        value = self.values[source]
        return to_blocks(value[:, :, None, None]) if isinstance(value, Tensor) else value.whole(self.images)

    def _activated(self, step: Step, value: Maps, layer: Activation) -> Maps:
        if self.layers.fused(step.sources[0]) != IDENTITY:
            return value
        if not has_function(layer):  # PyTorch's function, because the operators have none
            return Maps([(self.layers.module.get_submodule(step.path)(value.whole(self.images)), None)])
        if value.function != IDENTITY:
            value.whole(self.images)
        return Maps(value.terms, layer.function)

    def _term(self, source: int, *, plain: bool = False) -> tuple[Tensor, Affine | None]:
        value = self.values[source]
        assert isinstance(value, Maps)  # noqa: S101 - parts of a sum are of one kind
        if plain or len(value.terms) > 1 or value.function != IDENTITY:
            value.whole(self.images)
        return value.terms[0]

    def _normalised(self, norm: nn.Module, value: Maps) -> Maps:
        assert isinstance(norm, nn.BatchNorm2d)  # noqa: S101 - `build` makes no other for maps
        blocks = value.whole(self.images)
        mean, variance = norm.get_buffer("running_mean"), norm.get_buffer("running_var")
        if norm.training:
            sums = value.sums if value.sums is not None else _sums(blocks, self.images)
            count = self.images * blocks.shape[2] * blocks.shape[3]
            if count == 1 and not isinstance(norm, SharedBatchNorm):
                raise ValueError(f"a batch normalisation of 1 value a channel, {tuple(blocks.shape[1:4])}")
            if isinstance(norm, SharedBatchNorm):
                mean, variance = norm.statistics(sums, blocks.shape[2] * blocks.shape[3])
            else:
                mean = sums[0] / count
                variance = (sums[1] / count - mean.square()).clamp_min(0)
                _keep_statistics(norm, mean.detach(), variance.detach() * (count / (count - 1)))
        scale = norm.weight * (variance + norm.eps).rsqrt()
        return Maps([(blocks, (scale.float(), (norm.bias - mean * scale).float()))])


def _sums(blocks: Tensor, images: int) -> Tensor:
    """For each channel the sums of all values and of their squares, empty lanes left out."""
    full, lanes = divmod(images, GROUP)
    found = blocks.new_zeros(2, blocks.shape[1], dtype=torch.float64)
    for part in (blocks[:full], blocks[full:, ..., :lanes]):
        squares = part.square()
        found = found + torch.stack([each.sum((0, 2, 3, 4), dtype=torch.float64) for each in (part, squares)])
    return found


@torch.no_grad()
def _keep_statistics(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> None:
    kept, momentum = dict(norm.named_buffers()), norm.momentum or 0.0
    kept["num_batches_tracked"] += 1
    kept["running_mean"].lerp_(mean.float(), momentum)
    kept["running_var"].lerp_(variance.float(), momentum)
