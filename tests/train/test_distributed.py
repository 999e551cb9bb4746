"""Several processes train as one does: the same losses and weights but for rounding, each image once, one writer."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from striate.kernels.binary import library
from tests.support.several import Case, together, trained

COLOURS = {
    **{"rotation": 9, "shift": 1, "crop": 0.3, "elastic": 0.5, "lighting": 0.1, "brightness": 0.2, "contrast": 0.1},
    **{"saturation": 0.2, "hue": 9, "cutout": 3, "flip": True},
}
PLAIN = "3x8x8: conv 4 3x3, relu, dropout 0.3, conv 5 3x3, max 2, relu, linear 12, relu, dropout 0.5, linear 4"
NORMS = (
    "3x8x8: conv 4 3x3 no bias, bn, relu, dropout 0.2, conv 5 3x3 no bias, bn, relu, "
    "linear 12 no bias, bn, relu, linear 4"  # a bias before a normalisation has a gradient of rounding errors alone
)
CASES = {
    "augmentation, weights, smoothing": Case(
        PLAIN, {"augmentation": COLOURS, "class_weights": "balanced", "label_smoothing": 0.1}
    ),
    "whole pixels, symmetries, average": Case(
        PLAIN,
        {
            "augmentation": {"shift": 2, "alternating_flip": True, "symmetries": "images"},
            "optimiser": "sgd",
            "rate": 0.02,
            "average": 0.8,
        },
    ),
    "mixup, weights, batch norm": Case(
        NORMS, {"mixup": 0.7, "class_weights": "balanced", "batch": 9, "optimiser": "sgd", "rate": 0.02}
    ),
    "muon, channels last, batch norm": Case(
        NORMS, {"optimiser": "muon", "rate": 0.01, "filter_rate": 0.02}, "channels-last"
    ),
    "adadelta, balanced": Case(PLAIN, {"optimiser": "adadelta", "rate": 0.5, "sampling": "balanced"}),
    "accumulated": Case(PLAIN, {"augmentation": COLOURS, "accumulate": 3, "batch": 11}),
}
KERNELS = {
    "engine, uneven parts, dropout": Case(PLAIN, {"batch": 48}, "engine", images=130),
    "engine, warped, accumulated": Case(
        PLAIN, {"batch": 70, "accumulate": 2, "augmentation": {"rotation": 12, "elastic": 0.5}}, "engine", images=180
    ),
    "engine, momentum, average": Case(
        PLAIN.replace("dropout 0.3, ", "").replace("dropout 0.5, ", ""),
        {"optimiser": "sgd", "rate": 0.05, "average": 0.9, "loss": "cross-entropy"},
        "engine",
    ),
    "operators, batch norm, dropout": Case(
        NORMS, {"batch": 40, "augmentation": {"shift": 1, "flip": True}}, "operators", images=110
    ),
}


def alike(cases: dict[str, Case], count: int, folder: Path) -> None:
    for (name, case), (figures, tensors) in zip(cases.items(), together([*cases.values()], count, folder), strict=True):
        wanted, state = trained(case)
        torch.testing.assert_close(torch.tensor(figures), torch.tensor(wanted), rtol=2e-4, atol=2e-5, msg=name)
        assert tensors.keys() == state.keys(), name
        for path, each in state.items():
            torch.testing.assert_close(
                tensors[path], each, rtol=1e-3, atol=1e-4, msg=lambda text, n=name, p=path: f"{n}, {p}: {text}"
            )


def test_two_processes_train_as_one_does(tmp_path: Path) -> None:
    cases = CASES if isinstance(library(), str) else CASES | KERNELS
    alike(cases, 2, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("count", [3, 4])
def test_three_and_four_processes_train_as_one_does(tmp_path: Path, count: int) -> None:
    alike(
        CASES | ({} if isinstance(library(), str) else {"engine": KERNELS["engine, momentum, average"]}),
        count,
        tmp_path,
    )
