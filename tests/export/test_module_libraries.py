"""Models of torchvision and timm as live modules, in an environment of theirs: parameters and outputs are their own.

STRIATE_TORCHVISION names its Python: one with torchvision, timm, and what Striate needs.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

PYTHON = os.environ.get("STRIATE_TORCHVISION", "")
ROOT = Path(__file__).parents[2]
MOST = 1e-5
"""The largest difference of outputs, as a share of their range."""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not Path(PYTHON).is_file(), reason="STRIATE_TORCHVISION names no Python that has torchvision and timm"
    ),
]
TORCHVISION = (
    *("alexnet", "vgg16_bn", "googlenet", "resnet18", "resnet50", "squeezenet1_1", "densenet121", "mobilenet_v2"),
    *("mobilenet_v3_small", "efficientnet_b0", "mnasnet1_0", "regnet_y_400mf", "resnext50_32x4d"),
)
TIMM = (
    *("resnet18", "vgg11", "densenet121", "mobilenetv2_100", "mobilenetv3_small_100", "efficientnet_b0"),
    *("seresnet50", "tf_efficientnet_b0"),
)


def described(model: str) -> dict[str, object]:
    own = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    program = ROOT / "tests/support/describing.py"
    return json.loads(subprocess.run([PYTHON, str(program), model], env=own, capture_output=True, check=True).stdout)


@pytest.mark.parametrize(
    "model", [*(f"torchvision:{name}" for name in TORCHVISION), *(f"timm:{name}" for name in TIMM)]
)
def test_a_librarys_model_is_described_with_its_weights(model: str) -> None:
    found = described(model)
    assert "error" not in found, found["error"]
    assert found["account"] == found["module"]
    assert found["difference"] <= MOST  # pyright: ignore[reportOperatorIssue]
    assert found["stays"]


@pytest.mark.parametrize(
    ("model", "call"),
    [
        ("torchvision:shufflenet_v2_x1_0", "stage2.1/split (aten.split.Tensor): takes a part of a value."),
        (
            "torchvision:convnext_tiny",
            "features.7.2.block.2/layer_norm_21 (aten.layer_norm.default): is no operator that",
        ),
    ],
)
def test_a_model_that_no_description_says_is_refused_in_words(model: str, call: str) -> None:
    assert call in str(described(model)["error"])
