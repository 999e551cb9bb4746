"""Small folders of images, and a cache of each test's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def paint() -> Callable[..., Path]:
    """paint(path, mode="RGB", size=(height, width), level=...): a file of one colour, its folders made."""

    def made(path: Path, *, mode: str = "RGB", size: tuple[int, int] = (6, 8), level: int = 100) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((*size, len(mode)) if len(mode) > 1 else size, level, dtype=np.uint8)).save(path)
        return path

    return made


@pytest.fixture
def pets(tmp_path: Path, paint: Callable[..., Path]) -> Path:
    """train: 3 cats of level 10, 11, 12 and 2 dogs of 20, 21; test: one of each, 30 and 40."""
    root = tmp_path / "pets"
    for split, name, levels in (
        ("train", "cat", (10, 11, 12)),
        ("train", "dog", (20, 21)),
        ("test", "cat", (30,)),
        ("test", "dog", (40,)),
    ):
        for number, level in enumerate(levels):
            paint(root / split / name / f"{number}.png", level=level)
    return root
