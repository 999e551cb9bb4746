"""The table of docs/scale.md is what its command prints."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_table_of_imagenet_is_computed() -> None:
    script = runpy.run_path(str(ROOT / "benchmarks/scale.py"))
    rows = [script["row_of"](paper, rate=100.0) for paper in script["PAPERS"]]
    assert script["markdown"](rows, rate=100.0) in (ROOT / "docs/scale.md").read_text(encoding="utf-8")
    # By hand, for AlexNet: two GPUs of 1.581 TFLOP/s for five days have 1.366e18 operations to give.
    alexnet = rows[0]
    assert alexnet.flop == 6 * alexnet.macs * 1_200_000 * 90
    assert alexnet.share_of_peak[1] == alexnet.flop / (2 * 1.581e12 * 5 * 86_400)
