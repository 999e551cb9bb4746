"""Graphs that are easily read as another network: each is refused, or answers as ONNX Runtime does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from onnx import TensorProto  # noqa: E402 - after what may be missing

from striate.errors import FormatError  # noqa: E402
from striate.exchange.reading import read_onnx  # noqa: E402
from tests.support.by_hand import Hand, difference  # noqa: E402

NEAR = 1e-5
"""The largest difference, as a share of the output's range."""
SHAPE = ("batch", 3, 8, 9)
Make = Callable[[Hand], str]


def conv(hand: Hand, units: int = 4, value: str = "images") -> str:
    return hand.node("Conv", value, hand.noise(units, 3, 1, 1), hand.noise(units))


def vector(hand: Hand) -> str:
    return hand.node("Gemm", hand.node("Flatten", hand.images), hand.noise(216, 5), hand.noise(5))


def last(hand: Hand) -> str:
    """A convolution's maps with channels last."""
    return hand.node("Transpose", conv(hand), perm=[0, 2, 3, 1])


def of_means(hand: Hand, weight: str) -> str:
    """A linear layer over the mean of each map, with a weight of 5×3 that is computed."""
    return hand.node("Gemm", hand.node("Flatten", hand.node("GlobalAveragePool", hand.images)), weight, transB=1)


def along_height(hand: Hand) -> str:
    return hand.node("Flatten", hand.norm(hand.node("Transpose", conv(hand, 8), perm=[0, 2, 3, 1]), 8))


def mask(hand: Hand) -> str:
    value = hand.node("Dropout", hand.images, outputs=2)
    return hand.node("Where", hand.nodes[-1].output[1], value, hand.images)


def resized(hand: Hand, *inputs: str, **attributes: object) -> str:
    rule = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    made = hand.node("Resize", hand.images, "", *inputs, mode="nearest", **rule, **attributes)
    return hand.node("GlobalAveragePool", made)


def rounded_up(hand: Hand) -> str:
    """A window that begins in the padding: a Pad's, where it counts, and a pooling's, where it does not."""
    value = hand.pad(hand.node("Relu", hand.images), [0, 0, 0, 0, 0, 0, 1, 0])
    return hand.node("MaxPool", value, kernel_shape=[2, 2], strides=[4, 2], ceil_mode=1)


def padded(hand: Hand) -> str:
    """Pixels less a mean for each channel, padded, and no window behind."""
    value = hand.pad(hand.node("Sub", hand.images, hand.noise(1, 3, 1, 1)), [0, 0, 1, 0, 0, 0, 0, 0])
    return hand.node("Relu", value)


def extremes(hand: Hand, operator: str) -> str:
    """The maximum of each map and its mean, put together: maps of 1×1 and a vector."""
    value = conv(hand)
    return hand.node(operator, hand.node("GlobalMaxPool", value), hand.node("GlobalAveragePool", value))


REFUSED: dict[str, tuple[tuple[int | str, ...], Make, str]] = {
    "a normalisation along the height": (SHAPE, along_height, "has 8 numbers over 8×8×9"),
    "a mean of everything": (
        ("batch", 3, 1, 1),
        lambda h: h.node("ReduceMean", conv(h)),
        r"takes a mean along dimensions \[0, 1, 2, 3\] of 4",
    ),
    "weights added at places": (
        SHAPE,
        lambda h: of_means(
            h, h.node("ScatterND", h.noise(5, 3), h.array([[0], [0]], np.int64), h.noise(2, 3), reduction="add")
        ),
        "puts values together by add",
    ),
    "values made whole numbers": (
        SHAPE,
        lambda h: h.node("Cast", h.node("CastLike", h.images, h.whole(1)), to=TensorProto.FLOAT),
        "makes whole numbers of values",
    ),
    "a number for each image": (
        (5, 3, 8, 9),
        lambda h: h.node("Gemm", h.node("Flatten", h.images), h.noise(216, 5), h.noise(5, 1)),
        "has a bias of 5×1 for 5 units",
    ),
    "a vector flattened into rows": (
        SHAPE,
        lambda h: h.node("Softmax", h.node("Flatten", vector(h), axis=2), axis=-1),
        "flattens from dimension 2",
    ),
    "a softmax over images": (
        SHAPE,
        lambda h: h.node("Softmax", h.node("Add", vector(h), h.noise(1, 1, 5)), axis=1),
        "is over dimension 1",
    ),
    "an output with channels last, flattened": (
        SHAPE,
        lambda h: h.node("Flatten", last(h)),
        "its output has 288 in another order",
    ),
    "an output with images last": (
        SHAPE,
        lambda h: h.node("Transpose", vector(h), perm=[1, 0]),
        "its output has 5 in another order",
    ),
    "a limit that few values reach": (SHAPE, lambda h: h.clip(h.images, 0, 200), "computes clip as a part of no"),
    "a local response over an even number": (
        SHAPE,
        lambda h: h.node("LRN", h.images, size=4, alpha=1.0),
        "normalises over 4 maps. The number must be odd",
    ),
    "factors in another order": (
        SHAPE,
        lambda h: resized(h, h.array([1.0, 1.0, 2.0, 3.0]), axes=[0, 1, 3, 2]),
        "resizes some dimensions, or keeps a ratio",
    ),
    "sizes that keep a ratio": (
        (1, 3, 8, 9),
        lambda h: resized(h, "", h.whole(1, 3, 16, 27), keep_aspect_ratio_policy="not_larger"),
        "resizes some dimensions, or keeps a ratio",
    ),
    "SAME where windows leave values out": (
        SHAPE,
        lambda h: h.node("MaxPool", h.images, kernel_shape=[1, 1], strides=[4, 1], auto_pad="SAME_UPPER"),
        "pads by SAME_UPPER where windows leave 3 values out",
    ),
    "a window of padding alone": (SHAPE, rounded_up, "pads by 0 where no window follows"),
    "a padding behind a number for each channel": (SHAPE, padded, "pads by 0 where no window follows"),
    "a maximum less a mean": (SHAPE, lambda h: extremes(h, "Sub"), "computes -1 · a"),
    "a maximum by a mean": (SHAPE, lambda h: extremes(h, "Div"), "divides a value by another"),
    "the mask of a dropout": (SHAPE, mask, "reads a value that no layer gives, such as the mask of a dropout"),
}


@pytest.mark.parametrize("trap", REFUSED)
def test_what_no_layer_says_is_refused(trap: str, tmp_path: Path) -> None:
    shape, make, message = REFUSED[trap]
    hand = Hand(shape, 18)
    with pytest.raises(FormatError, match=message):
        read_onnx(hand.write(tmp_path / "net.onnx", make(hand)))


READ: dict[str, Make] = {
    "a mean along no dimension": lambda h: h.node("ReduceMean", conv(h), noop_with_empty_axes=1),
    "a sum of weights along no dimension": lambda h: of_means(
        h, h.node("ReduceSum", h.noise(5, 3), noop_with_empty_axes=1)
    ),
    "remainders with the sign of what is divided": lambda h: of_means(
        h, h.node("Mod", h.noise(5, 3), h.array(np.full((5, 3), 0.3)), fmod=1)
    ),
    "weights made whole numbers": lambda h: of_means(
        h, h.node("Cast", h.node("CastLike", h.node("Mul", h.noise(5, 3), h.array(10.0)), h.whole(1)), to=1)
    ),
    "no limits": lambda h: conv(h, value=h.node("Clip", h.images)),
    "VALID, rounded up": lambda h: h.node(
        "MaxPool", h.images, kernel_shape=[3, 3], strides=[2, 2], auto_pad="VALID", ceil_mode=1
    ),
    "maps with channels last": last,
    "a maximum and a mean": lambda h: extremes(h, "Add"),
    "a vector in more dimensions": lambda h: h.node("Add", vector(h), h.noise(1, 1, 5)),
}


@pytest.mark.parametrize("trap", READ)
def test_what_layers_say_answers_as_the_runtime_does(trap: str, tmp_path: Path) -> None:
    hand = Hand(SHAPE, 18)
    file = hand.write(tmp_path / "net.onnx", READ[trap](hand))
    images = np.random.default_rng(1).normal(0, 3, (3, 3, 8, 9)).astype(np.float32)
    assert difference(read_onnx(file), file, images) < NEAR


def test_whole_numbers_become_floats_before_they_are_computed(tmp_path: Path) -> None:
    hand = Hand(SHAPE, 18)
    value = hand.node("Cast", hand.node("Div", hand.images, hand.array(200, np.uint8)), to=TensorProto.FLOAT)
    file = hand.write(tmp_path / "net.onnx", conv(hand, value=value), kind=TensorProto.UINT8)
    with pytest.raises(FormatError, match="computes numbers of type uint8. Pixels become floats"):
        read_onnx(file)
