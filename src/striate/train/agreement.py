"""A run's answers held against the plain PyTorch module's, with the same weights, before anyone relies on them."""

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
"""How far scores may be off, as a share of their range, and as a multiple of what PyTorch's float32 is off itself."""


@torch.inference_mode()
def require_agreement(run: Run, runs: Executor, packed: ImageSet, outputs: Outputs) -> None:
    """Raise AuditError where `outputs`, which `runs` made of `packed` images, are not what its module gives itself.

    The first images are looked at. Numbers that are not finite must be the same ones.
    """
    if runs.kernels == "torch":
        return
    plain = deepcopy(runs.module).to(memory_format=torch.contiguous_format)  # pyright: ignore[reportCallIssue] - the stubs lack it
    pixels = run.preprocessing.normalise(packed.images[:IMAGES])
    found, wanted = outputs.scores[:IMAGES], class_scores(run.network, plain.logits(pixels))
    if not _differ(found, wanted, allowed=ALLOWED).any():
        return
    # There are weights whose scores depend on float32's last digits, which are the kernels' own; float64 tells.
    exact = class_scores(run.network, plain.double().logits(pixels.double()))
    unsure = (wanted.double() - exact).abs().nan_to_num(0.0, 0.0, 0.0).max().item() / _range(wanted)
    differ = _differ(found, wanted, allowed=ALLOWED + TIMES * unsure).any(1)
    if differ.any():
        raise AuditError(
            f"{KERNELS[runs.kernels]} ({runs.kernels}) and the plain PyTorch module differ in their answers to "
            f"{int(differ.sum())} of {len(wanted)} images.",
            "Weights and images are the same, so the answers must be too, to float32's accuracy; nothing is reported.",
            "This is a fault of Striate: please report it. Until it is mended train with --kernels torch; what these "
            f"weights can do on PyTorch's kernels says: striate evaluate {run.folder} --kernels torch",
            where=str(run.folder),
        )


def _differ(found: Tensor, wanted: Tensor, *, allowed: float) -> Tensor:
    """Where two scores are not the same: further apart than `allowed` of their range, or one of them no number."""
    finite = wanted.isfinite() & found.isfinite()
    same = torch.where(finite, (found - wanted).abs() <= allowed * _range(wanted), found == wanted)
    return ~(same | (found.isnan() & wanted.isnan()))


def _range(scores: Tensor) -> float:
    """From the least to the largest of a batch; where all are nearly one number, a share of that number."""
    finite = scores[scores.isfinite()]
    if not finite.numel():
        return 1.0
    return max((finite.max() - finite.min()).item(), 1e-3 * finite.abs().max().item(), 1e-30)
