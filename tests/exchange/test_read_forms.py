"""One meaning in many forms: each opset's own, and each exporter's. What is read has one description and one answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from striate import from_text
from tests.support.written import written

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402 - after what may be missing

from striate.errors import FormatError  # noqa: E402
from striate.exchange.reading import read_onnx  # noqa: E402
from striate.exchange.reading.file import NEWEST, OLDEST  # noqa: E402
from tests.support.by_hand import Hand, answers, difference  # noqa: E402

NEAR = 1e-5
"""The largest difference, as a share of the output's range."""
SHAPE = ("batch", 3, 8, 9)


def layers(network) -> list:
    return [(layer, sources) for _, layer, sources in written(network)]


def require(hand: Hand, output: str, text: str, tmp_path: Path) -> None:
    """The file is read as the network of the text, and gives the file's answers."""
    file = hand.write(tmp_path / "net.onnx", output)
    read = read_onnx(file)
    shape = [each for each in hand.shape[1:] if isinstance(each, int)]
    images = np.random.default_rng(1).normal(size=(3, *shape)).astype(np.float32)
    if text:
        assert layers(read.network) == layers(from_text(text))
    assert difference(read, file, images) < NEAR


@pytest.mark.parametrize("opset", range(OLDEST, NEWEST + 1))
def test_every_opset_is_read_as_the_same_network(opset: int, tmp_path: Path) -> None:
    if opset > onnx.defs.onnx_opset_version():
        pytest.skip(f"the installed onnx has no opset {opset}")
    hand = Hand(SHAPE, opset)
    value = hand.pad(hand.images, [0, 0, 1, 1, 0, 0, 1, 1])
    value = hand.node("Conv", value, hand.noise(4, 3, 3, 3), hand.noise(4))
    value = hand.dropout(hand.clip(hand.norm(value, 4), 0.0, 6.0))
    value = hand.larger(value, 2, 3)
    value = hand.along("Squeeze", hand.along("Unsqueeze", value, [2], 13), [2], 13)
    value = hand.node("Conv", value, hand.noise(5, 4, 2, 2), strides=[2, 2])
    value = hand.along("ReduceMean", value, [2, 3], 18, keepdims=0)
    value = hand.node("Gemm", value, hand.noise(5, 6), hand.noise(6))
    value = hand.node("Softmax", value) if opset < 13 else hand.node("Softmax", value, axis=1)
    text = "3x8x9: conv 4 3x3 pad 1, bn epsilon 0.001, relu6, upsample 2x3, conv 5 2 /2 no bias, global_average"
    require(hand, value, f"{text}, linear 6, softmax", tmp_path)


def same(name: str, size: int) -> Callable[[Hand], str]:
    def make(hand: Hand) -> str:
        value = hand.node("Conv", hand.images, hand.noise(4, 3, size, 3), strides=[2, 3], auto_pad=name)
        return hand.node("MaxPool", value, kernel_shape=[2, 2], auto_pad=name)

    return make


def flat(hand: Hand, features: int, value: str, units: int = 5) -> str:
    return hand.node("Gemm", hand.node("Flatten", value), hand.noise(features, units), hand.noise(units))


def hard_swish(hand: Hand, value: str, form: int) -> str:
    three, six = hand.array(3.0), hand.array(6.0)
    if form == 0:
        return hand.node("Div", hand.node("Mul", value, hand.clip(hand.node("Add", value, three), 0, 6)), six)
    if form == 1:
        return hand.node("Mul", value, hand.node("Div", hand.clip(hand.node("Add", three, value), 0, 6), six))
    if form == 2:
        least = hand.node("Min", hand.node("Relu", hand.node("Add", value, three)), six)
        return hand.node("Mul", hand.node("Mul", least, hand.array(1 / 6)), value)
    return hand.node("Mul", value, hand.node("HardSigmoid", value, alpha=1 / 6, beta=0.5))


def gated(hand: Hand, form: int) -> str:
    """Squeeze and excitation: the means kept as maps, as a vector, or repeated to whole maps."""
    value = hand.node("Conv", hand.images, hand.noise(4, 3, 3, 3), hand.noise(4))
    if form == 0:
        gate = hand.node("Conv", hand.node("GlobalAveragePool", value), hand.noise(4, 4, 1, 1), hand.noise(4))
    else:
        gate = hand.along("ReduceMean", value, [-1, -2], 18, keepdims=0)
        gate = hand.node("Gemm", gate, hand.noise(4, 4), hand.noise(4), transB=1)
        gate = hand.along("Unsqueeze", gate, [2, 3], 13)
    gate = hand.node("Sigmoid", gate)
    if form == 2:
        gate = hand.node("Expand", gate, hand.node("Shape", value))
    value = hand.node("Mul", gate, value) if form == 1 else hand.node("Mul", value, gate)
    return hand.node("GlobalAveragePool", value)


def repeated(hand: Hand, operator: str) -> str:
    """Upsampling as Keras writes it: one more dimension, repeated, then made part of the one before."""
    value = hand.node("Conv", hand.images, hand.noise(4, 3, 1, 1), hand.noise(4))
    for axis, sizes in ((3, [-1, 4, 16, 9]), (4, [-1, 4, 16, 27])):
        value = hand.along("Unsqueeze", value, [axis], 13)
        times = [1, 1, 1, 1, 1]
        times[axis] = 2 if axis == 3 else 3
        value = hand.node(operator, value, hand.whole(*times))
        value = hand.node("Reshape", value, hand.whole(*sizes))
    return flat(hand, 4 * 16 * 27, value)


def by_shape(hand: Hand) -> str:
    """A flattening as PyTorch's older exporter writes it."""
    value = hand.node("Conv", hand.images, hand.noise(2, 3, 1, 1), hand.noise(2))
    images = hand.node("Gather", hand.node("Shape", value), hand.array(0, np.int64), axis=0)
    sizes = hand.node("Concat", hand.along("Unsqueeze", images, [0], 13), hand.whole(-1), axis=0)
    value = hand.node("Reshape", value, sizes)
    return hand.node("Add", hand.node("MatMul", value, hand.noise(144, 5)), hand.noise(5))


def formula(hand: Hand) -> str:
    """A batch normalisation by its formula, with the convolution's channels last, as Keras writes it over PyTorch."""
    value = hand.node("Conv", hand.images, hand.noise(4, 3, 1, 1))
    value = hand.node("Transpose", value, perm=[0, 2, 3, 1])
    value = hand.node("Sub", value, hand.noise(1, 1, 1, 4))
    value = hand.node("Add", hand.node("Mul", value, hand.noise(1, 1, 1, 4)), hand.noise(1, 1, 1, 4))
    value = hand.node("Transpose", hand.node("Relu", value), perm=[0, 3, 1, 2])
    return flat(hand, 288, value)


def constants(hand: Hand) -> str:
    """Constants in every form that a node gives them."""
    weight = hand.node("Constant", value=numpy_helper.from_array(hand.random.normal(size=(4, 3, 1, 1)).astype("f4")))
    zeros = hand.node("ConstantOfShape", hand.whole(4))
    value = hand.node("Identity", hand.node("Conv", hand.images, hand.node("Identity", weight), zeros))
    low, high = hand.node("Constant", value_float=0.0), hand.node("Constant", value_float=6.0)
    value = hand.node("Clip", value, low, high)
    value = hand.node("Reshape", value, hand.node("Constant", value_ints=[-1, 288]))
    shift = hand.node("Expand", hand.node("Constant", value_floats=[0.5]), hand.whole(5))
    matrix = hand.node("Transpose", hand.noise(5, 288), perm=[1, 0])
    return hand.node("Add", hand.node("MatMul", value, matrix), shift)


def half(hand: Hand, kind: int) -> str:
    """Weights that are kept in fewer bits, or in more, and cast."""
    numbers = hand.random.normal(size=12).tolist()
    hand.weights.append(helper.make_tensor("short", kind, [4, 3, 1, 1], numbers))
    value = hand.node("Conv", hand.images, hand.node("Cast", "short", to=TensorProto.FLOAT), hand.noise(4))
    return flat(hand, 288, value)


def listed(hand: Hand) -> str:
    """Initialisers that are listed as inputs, as before IR version 4."""
    value = hand.node("Conv", hand.images, hand.noise(4, 3, 1, 1), hand.noise(4))
    hand.inputs += [helper.make_tensor_value_info(each.name, each.data_type, each.dims) for each in hand.weights]
    return flat(hand, 288, value)


def nested(hand: Hand) -> str:
    """A branch that splits again, whose ends an optimiser put into one concatenation."""
    ends = [hand.node("Conv", hand.images, hand.noise(2, 3, 1, 1), hand.noise(2))]
    stem = hand.node("Relu", hand.node("Conv", hand.images, hand.noise(4, 3, 1, 1), hand.noise(4)))
    ends += [hand.node("Conv", stem, hand.noise(each, 4, 1, 1), hand.noise(each)) for each in (2, 3)]
    ends += [hand.node("Conv", hand.images, hand.noise(1, 3, 1, 1), hand.noise(1))]
    return flat(hand, 8 * 72, hand.node("Concat", *ends, axis=-3))


def largest(hand: Hand) -> str:
    """A maximum of whole maps, and one over copies of the outermost values, which add nothing."""
    value = hand.node("Conv", hand.images, hand.noise(4, 3, 1, 1), hand.noise(4))
    value = hand.node("Pad", value, hand.whole(0, 0, 1, 0, 0, 0, 1, 2), mode="edge")
    value = hand.node("MaxPool", value, kernel_shape=[3, 3], strides=[1, 2])
    return flat(hand, 4, hand.along("ReduceMax", value, [2, 3], 18, keepdims=1))


FORMS: dict[str, tuple[int, Callable[[Hand], str], str]] = {
    "SAME_UPPER": (17, same("SAME_UPPER", 4), "3x8x9: conv 4 4x3 /2x3 pad 1 1 0 0 no bias, max 2 /1 pad 0 1 0 1"),
    "SAME_LOWER": (17, same("SAME_LOWER", 5), "3x8x9: conv 4 5x3 /2x3 pad 2 1 0 0 no bias, max 2 /1 pad 1 0 1 0"),
    "VALID": (17, same("VALID", 4), "3x8x9: conv 4 4x3 /2x3 no bias, max 2 /1"),
    "hard swish, divided last": (17, lambda h: flat(h, 216, hard_swish(h, h.images, 0)), "hard_swish"),
    "hard swish, divided first": (17, lambda h: flat(h, 216, hard_swish(h, h.images, 1)), "hard_swish"),
    "hard swish, Relu and Min": (17, lambda h: flat(h, 216, hard_swish(h, h.images, 2)), "hard_swish"),
    "hard swish, by HardSigmoid": (13, lambda h: flat(h, 216, hard_swish(h, h.images, 3)), "hard_swish"),
    "relu6, Relu and Min": (
        12,
        lambda h: flat(h, 216, h.node("Min", h.array(6.0), h.node("Relu", h.images))),
        "relu6",
    ),
    "gates of 1×1 maps": (
        17,
        lambda h: gated(h, 0),
        "3x8x9: conv 4 3, gate(global_average, linear 4, sigmoid), global_average",
    ),
    "gates of vectors": (
        11,
        lambda h: gated(h, 1),
        "3x8x9: conv 4 3, gate(global_average, linear 4, sigmoid), global_average",
    ),
    "gates that are repeated": (
        18,
        lambda h: gated(h, 2),
        "3x8x9: conv 4 3, gate(global_average, linear 4, sigmoid), global_average",
    ),
    "upsampling by Tile": (17, lambda h: repeated(h, "Tile"), "3x8x9: conv 4 1, upsample 2x3, linear 5"),
    "upsampling by Expand": (13, lambda h: repeated(h, "Expand"), "3x8x9: conv 4 1, upsample 2x3, linear 5"),
    "a flattening by its sizes": (13, by_shape, "3x8x9: conv 2 1, linear 5"),
    "a normalisation's formula": (17, formula, "3x8x9: conv 4 1 no bias, bn epsilon 0, relu, linear 5"),
    "constants of nodes": (17, constants, "3x8x9: conv 4 1 no bias, relu6, linear 5"),
    "float16": (17, lambda h: half(h, TensorProto.FLOAT16), "3x8x9: conv 4 1, linear 5"),
    "bfloat16": (17, lambda h: half(h, TensorProto.BFLOAT16), "3x8x9: conv 4 1, linear 5"),
    "float64": (17, lambda h: half(h, TensorProto.DOUBLE), "3x8x9: conv 4 1, linear 5"),
    "weights as inputs": (9, listed, "3x8x9: conv 4 1, linear 5"),
    "a flattened concatenation": (
        17,
        nested,
        "3x8x9: branches(conv 2 1; conv 4 1, relu, branches(conv 2 1; conv 3 1); conv 1 1), linear 5",
    ),
    "maxima": (18, largest, "3x8x9: conv 4 1, max 3x3 /1x2 pad 1 1 0 2, max 8x5, linear 5"),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(form: str, tmp_path: Path) -> None:
    opset, make, text = FORMS[form]
    hand = Hand(SHAPE, opset)
    text = text if ":" in text else f"3x8x9: {text}, linear 5"
    require(hand, make(hand), text, tmp_path)


def test_weights_in_a_file_beside_the_model(tmp_path: Path) -> None:
    hand = Hand(SHAPE)
    model = hand.model(flat(hand, 288, hand.node("Conv", hand.images, hand.noise(4, 3, 1, 1), hand.noise(4))))
    onnx.save(model, tmp_path / "whole.onnx")
    onnx.save(model, tmp_path / "net.onnx", save_as_external_data=True, location="net.data", size_threshold=16)
    assert (tmp_path / "net.data").stat().st_size > 5000
    whole, apart = read_onnx(tmp_path / "whole.onnx"), read_onnx(tmp_path / "net.onnx")
    assert whole.network.layers == apart.network.layers
    assert all(np.array_equal(whole.weights[each], apart.weights[each]) for each in whole.weights)


@pytest.mark.parametrize("kind", [TensorProto.FLOAT16, TensorProto.DOUBLE])
def test_whole_networks_in_other_precisions(kind: int, tmp_path: Path) -> None:
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    hand = Hand(SHAPE)
    value = hand.node("Conv", hand.images, hand.noise(4, 3, 3, 3, kind=dtype), hand.noise(4, kind=dtype))
    value = hand.node("Relu", value)
    value = hand.node("Gemm", hand.node("Flatten", value), hand.noise(168, 5, kind=dtype))
    file = hand.write(tmp_path / "net.onnx", value, kind=kind)
    read = read_onnx(file)
    assert layers(read.network) == layers(from_text("3x8x9: conv 4 3, relu, linear 5 no bias"))
    images = np.random.default_rng(1).normal(size=(3, 3, 8, 9)).astype(dtype)
    assert difference(read, file, images) < (3e-3 if kind == TensorProto.FLOAT16 else NEAR)


@pytest.mark.parametrize(
    ("corner", "down", "factor", "fits"),
    [
        ("half_pixel", "round_prefer_floor", 2, True),
        ("half_pixel", "floor", 2, False),
        ("asymmetric", "floor", 3, True),
        ("asymmetric", "round_prefer_floor", 3, False),
        ("tf_half_pixel_for_nn", "floor", 2, True),
        ("align_corners", "floor", 2, False),
    ],
)
def test_upsampling_is_read_only_where_values_are_repeated(corner, down, factor, fits, tmp_path: Path) -> None:
    hand = Hand(SHAPE, 11)
    scales = hand.array([1.0, 1.0, factor, factor])
    options = {"coordinate_transformation_mode": corner, "nearest_mode": down}
    value = hand.node("Resize", hand.images, hand.array(np.zeros(0)), scales, **options)
    value = flat(hand, 3 * 72 * factor**2, value)
    if fits:
        require(hand, value, f"3x8x9: upsample {factor}, linear 5", tmp_path)
        return
    with pytest.raises(FormatError, match="repeats values by another rule"):
        read_onnx(hand.write(tmp_path / "net.onnx", value))


def test_channels_last_from_end_to_end(tmp_path: Path) -> None:
    """As tf2onnx writes a network of Keras: pixels scaled, NHWC, asymmetric padding, means squeezed, dense weights."""
    hand = Hand(["batch", 9, 8, 3], 13)
    value = hand.node("Sub", hand.node("Mul", hand.images, hand.array(1 / 127.5)), hand.array(1.0))
    value = hand.node("Transpose", value, perm=[0, 3, 1, 2])
    value = hand.node("Conv", value, hand.noise(4, 3, 3, 3), hand.noise(4), strides=[2, 2], pads=[0, 0, 1, 1])
    value = hand.node("Transpose", hand.node("Relu", value), perm=[0, 2, 3, 1])
    value = hand.pad(value, [0, 1, 0, 0, 0, 0, 1, 0])
    value = hand.node("Transpose", value, perm=[0, 3, 1, 2])
    value = hand.node("MaxPool", value, kernel_shape=[2, 2], strides=[1, 1])
    value = hand.node("Transpose", value, perm=[0, 2, 3, 1])
    value = hand.node("Reshape", value, hand.whole(-1, 64))
    value = hand.node("Add", hand.node("MatMul", value, hand.noise(64, 5)), hand.noise(5))
    file = hand.write(tmp_path / "net.onnx", hand.node("Softmax", value, axis=-1))
    read = read_onnx(file)
    text = "3x9x8: conv 4 3 /2 pad 0 1 0 1, relu, max 2 /1 pad 1 0 0 1, linear 5, softmax"
    assert layers(read.network) == layers(from_text(text))
    assert read.channels_last
    assert (float(read.scale), float(read.shift)) == pytest.approx((1 / 127.5, -1))
    images = np.random.default_rng(1).integers(0, 256, size=(3, 9, 8, 3)).astype(np.float32)
    assert difference(read, file, images) < NEAR


def test_a_padding_of_zeros_before_a_maximum_of_negative_values_is_refused(tmp_path: Path) -> None:
    """As ResNet50V2 of Keras has: a description's maximum pads by −∞."""
    hand = Hand(SHAPE)
    value = hand.node("Conv", hand.images, hand.noise(4, 3, 1, 1), hand.noise(4))
    value = hand.node("MaxPool", hand.pad(value, [0, 0, 1, 1, 0, 0, 1, 1]), kernel_shape=[3, 3])
    with pytest.raises(FormatError) as caught:
        read_onnx(hand.write(tmp_path / "net.onnx", flat(hand, 4 * 72, value)))
    assert "(Pad): pads by 0 where no window follows that does so itself." in str(caught.value)
    assert "a maximum does where no value below 0 reaches it, and else by −∞." in str(caught.value)


def test_a_product_over_rows_is_no_linear_layer(tmp_path: Path) -> None:
    hand = Hand(SHAPE)
    value = hand.node("MatMul", hand.images, hand.noise(9, 4))
    with pytest.raises(FormatError, match="multiplies each row of 3×8×9"):
        read_onnx(hand.write(tmp_path / "net.onnx", flat(hand, 96, value)))


def test_inputs_that_nothing_reads_are_passed_over(tmp_path: Path) -> None:
    hand = Hand(SHAPE)
    hand.inputs.append(helper.make_tensor_value_info("spare", TensorProto.FLOAT, [1, 1, 1, 3]))
    value = flat(hand, 216, hand.images)
    read = read_onnx(hand.write(tmp_path / "net.onnx", value))
    assert read.source == "images"
    assert answers(read, np.zeros((1, 3, 8, 9))).shape == (1, 5)


def test_a_branch_that_reads_a_value_from_around_it_waits_for_it(tmp_path: Path) -> None:
    hand = Hand(SHAPE)
    value = hand.node("Relu", hand.node("Conv", hand.images, hand.noise(4, 3, 1, 1), hand.noise(4)))
    graph = helper.make_graph(
        [helper.make_node("Identity", [value], ["r"])],
        "g",
        [],
        [helper.make_tensor_value_info("r", TensorProto.FLOAT, None)],
    )
    value = hand.node("If", hand.array(True, np.bool_), then_branch=graph, else_branch=graph)
    require(hand, flat(hand, 4 * 72, value), "3x8x9: conv 4 1x1, relu, linear 5", tmp_path)
