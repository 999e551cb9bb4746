"""Files that are refused: small graphs to make them of, and what the error must say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from striate.errors import FormatError
from striate.exchange.reading import read_onnx
from tests.support.by_hand import Hand

SHAPE = ("batch", 3, 8, 8)


def refused(content: Any, tmp_path: Path, *lines: str) -> None:
    """The content of a file is refused with these lines."""
    file = tmp_path / "net.onnx"
    file.write_bytes(content if isinstance(content, bytes) else content.SerializeToString())
    with pytest.raises(FormatError) as caught:
        read_onnx(file)
    text = str(caught.value)
    assert text.startswith(f"{file}: ")
    for line in lines:
        assert line in text


def conv(hand: Hand, weight: str, **attributes: Any) -> str:
    """A convolution of the images."""
    return hand.node("Conv", hand.images, weight, **attributes)
