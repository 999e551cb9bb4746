"""Layers for a batch that is computed in parts: batch normalisation over all processes, dropout by an image's place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from striate.kernels.binary import GROUP

Total = Callable[[Tensor], Tensor]
"""Sums a tensor over all processes; its gradient is summed too."""


@dataclass
class Place:
    """The images of a batch that the next pass reads: `first` to `end` − 1 of `total`.

    `together` is the number of images in the passes that all processes make at this time.
    """

    first: int = 0
    end: int = 0
    total: int = 0
    together: int = 0


class SharedBatchNorm(nn.BatchNorm2d):
    """A batch normalisation of maps or vectors whose means and variances are those of all processes' images.

    PyTorch's SyncBatchNorm takes tensors of a GPU only. The sums over processes are made in float64.
    """

    def __init__(self, like: nn.BatchNorm1d | nn.BatchNorm2d, place: Place, total: Total) -> None:
        super().__init__(like.num_features, like.eps, like.momentum, device="meta")
        self.place, self.total = place, total
        self.weight, self.bias = like.weight, like.bias
        self.running_mean, self.running_var = like.running_mean, like.running_var
        self.num_batches_tracked = like.num_batches_tracked
        self.training = like.training

    def _check_input_dim(self, input: Tensor) -> None:
        pass

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return super().forward(input)
        values = input.float()
        axes = [axis for axis in range(values.dim()) if axis != 1]
        variance, mean = torch.var_mean(values, axes, correction=0)
        own = values.numel() // values.shape[1]
        mean, variance = mean.double(), variance.double()
        sums = torch.stack([mean * own, (variance + mean.square()) * own])
        mean, variance = self.statistics(sums, own // max(1, len(values)))
        shape = [1, -1, *[1] * (values.dim() - 2)]
        scale = self.weight.double() * (variance + self.eps).rsqrt()
        shift = self.bias.double() - mean * scale
        return (values * scale.float().view(shape) + shift.float().view(shape)).to(input.dtype)

    def statistics(self, sums: Tensor, positions: int) -> tuple[Tensor, Tensor]:
        """The mean and the variance, (channels,) in float64, over all processes, which the running ones follow.

        `sums`, (2, channels), are of this process's values and of their squares; an image has `positions` values.
        """
        count = self.place.together * positions
        if count == 1:
            raise ValueError(f"a batch normalisation of 1 value a channel, {self.num_features} channels")
        sums = self.total(sums)
        mean = sums[0] / count
        variance = (sums[1] / count - mean.square()).clamp_min(0)
        with torch.no_grad():
            kept, momentum = dict(self.named_buffers()), self.momentum or 0.0
            kept["num_batches_tracked"] += 1
            kept["running_mean"].lerp_(mean.float(), momentum)
            kept["running_var"].lerp_((variance * (count / (count - 1))).float(), momentum)
        return mean, variance


class PlacedDropout(nn.Dropout):
    """Dropout that drops the same values of each image as it would in the whole batch.

    For a whole batch on the CPU it draws the same random numbers as PyTorch's dropout.
    """

    def __init__(self, like: nn.Dropout, place: Place) -> None:
        super().__init__(like.p)
        self.place = place
        self.training = like.training

    def forward(self, input: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return input
        place = self.place
        unit = GROUP if input.dim() == 5 else 1  # Striate's operators have a fifth axis, of a lane group's images
        rows = -(-place.total // unit)
        first = place.first // unit
        last = input.dim() == 4 and not input.is_contiguous()  # random numbers follow the order in memory
        order = torch.channels_last if last else torch.contiguous_format
        kept = torch.empty((rows, *input.shape[1:]), dtype=input.dtype, device=input.device, memory_format=order)
        kept = kept.bernoulli_(1 - self.p).div_(1 - self.p)
        return input * kept[first : first + len(input)]


def share_layers(model: nn.Module, place: Place, total: Total | None) -> None:
    """Give every dropout of a model its `place`, and every batch normalisation the `total` over processes.

    Parameters, buffers and paths stay. Without a `total` batch normalisations stay as they are.
    """
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            match child:
                case PlacedDropout() | SharedBatchNorm():
                    pass
                case nn.Dropout():
                    setattr(parent, name, PlacedDropout(child, place))
                case nn.BatchNorm1d() | nn.BatchNorm2d() if total is not None:
                    setattr(parent, name, SharedBatchNorm(child, place, total))
                case _:
                    pass
