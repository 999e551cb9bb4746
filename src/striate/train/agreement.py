"""Compares the answers of a run's kernels with those of the PyTorch module with the same weights."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor

from striate.data import ImageSet
from striate.errors import AuditError
from striate.execution.executor import Executor
from striate.execution.names import KERNELS
from striate.train.losses import class_scores
from striate.train.metrics import Outputs
from striate.train.run import Run

IMAGES = 64
ALLOWED, TIMES = 1e-3, 100.0
"""The largest difference of scores: a share of their range, plus a multiple of PyTorch's own float32 error."""


@torch.inference_mode()
def require_agreement(run: Run, runs: Executor, packed: ImageSet, outputs: Outputs) -> None:
    """Raise AuditError where the `outputs` of `runs` for `packed` images differ from those of its PyTorch module.

    Only the first `IMAGES` images are compared. Values that are not finite must be equal.
    """
    if runs.kernels == "torch":
        return
    plain = deepcopy(runs.module).to(memory_format=torch.contiguous_format)  # pyright: ignore[reportCallIssue] - the stubs lack it
    pixels = run.preprocessing.normalise(packed.images[:IMAGES])
    found, wanted = outputs.scores[:IMAGES], class_scores(run.network, plain.logits(pixels))
    if not _differ(found, wanted, allowed=ALLOWED).any():
        return
    # With some weights the scores depend on float32's rounding errors, which differ between kernels. The module in
    # float64 says how large these errors are.
    exact = class_scores(run.network, plain.double().logits(pixels.double()))
    unsure = (wanted.double() - exact).abs().nan_to_num(0.0, 0.0, 0.0).max().item() / _range(wanted)
    differ = _differ(found, wanted, allowed=ALLOWED + TIMES * unsure).any(1)
    if differ.any():
        raise AuditError(
            f"{KERNELS[runs.kernels]} ({runs.kernels}) and the plain PyTorch module differ in their answers to "
            f"{int(differ.sum())} of {len(wanted)} images.",
            "Weights and images are the same, so the answers must be too, to float32's accuracy; nothing is reported.",
            "This is a fault of Striate: please report it. Until it is mended train with --kernels torch. To evaluate "
            f"these weights on PyTorch's kernels: striate evaluate {run.folder} --kernels torch",
            where=str(run.folder),
        )


def _differ(found: Tensor, wanted: Tensor, *, allowed: float) -> Tensor:
    """Where scores differ: by more than the share `allowed` of their range, or where only one of them is finite."""
    finite = wanted.isfinite() & found.isfinite()
    same = torch.where(finite, (found - wanted).abs() <= allowed * _range(wanted), found == wanted)
    return ~(same | (found.isnan() & wanted.isnan()))


def _range(scores: Tensor) -> float:
    """The largest minus the smallest finite score, at least a thousandth of the largest absolute value."""
    finite = scores[scores.isfinite()]
    if not finite.numel():
        return 1.0
    return max((finite.max() - finite.min()).item(), 1e-3 * finite.abs().max().item(), 1e-30)
