"""What pyproject.toml allows as the oldest version of a dependency is what `make check-oldest` tries."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXTRAS = ("look", "serve", "onnx", "go", "parquet", "sklearn", "tensorboard")
UNTRIED = {"torch"}
"""Its older wheels for Linux bring 3 GB for CUDA."""


def bounds() -> dict[str, str]:
    """The lower bounds of the dependencies, and of the extras that are tried."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *(each for extra in EXTRAS for each in project["optional-dependencies"][extra])]
    found = [re.fullmatch(r"([a-z0-9-]+)>=([0-9.]+)", line) for line in lines]
    assert all(found), f"a dependency without a lower bound, or with more than one: {lines}"
    return {each[1]: each[2] for each in found if each}


def test_the_lower_bounds_are_those_that_are_tried() -> None:
    text = (ROOT / "constraints-oldest.txt").read_text(encoding="utf-8")
    tried = dict(re.findall(r"^([a-z0-9-]+)==([0-9.]+)$", text, re.MULTILINE))
    assert tried.keys() >= UNTRIED
    for name, bound in bounds().items():
        if name not in UNTRIED:
            parts = [[int(part) for part in each.split(".")] for each in (bound, tried[name])]
            assert parts[1][: len(parts[0])] == parts[0], f"{name}>={bound}, and {tried[name]} is tried"
            assert not any(parts[1][len(parts[0]) :]), f"{name}>={bound}, and {tried[name]} is tried"
