"""Each simple layer as Caffe's layers."""

from __future__ import annotations

from typing import assert_never, cast

from striate.description.layers import (
    RBF,
    Activation,
    BatchNorm,
    Conv,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Linear,
    LocalResponseNorm,
    PadChannels,
    Pool,
    PositionBias,
    Scale,
    Shuffle,
    Simple,
    Softmax,
    Subsample,
    Upsample,
)
from striate.description.network import Step
from striate.emit.source.caffe_windows import both, conv, pool, subsample
from striate.emit.source.prototxt import Prototxt
from striate.emit.source.values import ODD, number, odd, refused


def simple(file: Prototxt, step: Step, name: str, bottom: str, *, in_place: bool) -> str:
    """Add the layers of a step; gives the blob of its output."""
    layer, shape = cast(Simple, step.layer), step.output
    top = bottom if in_place else name
    match layer:
        case Conv():
            return conv(file, step, layer, name, bottom)
        case Pool():
            return pool(file, step, layer, name, bottom)
        case Subsample():
            return subsample(file, step, layer, name, bottom)
        case BatchNorm():
            kept = None if layer.momentum == 1e-3 else number(round(1 - layer.momentum, 12))
            epsilon = None if layer.epsilon == 1e-5 else number(layer.epsilon)
            members = ("batch_norm_param", [("moving_average_fraction", kept), ("eps", epsilon)])
            made = file.layer("BatchNorm", name, [bottom], *([members] if kept or epsilon else []), top=top)
            learned = ("scale_param", [("bias_term", "true")])
            return file.layer("Scale", file.part(name, "scale"), [made], learned, top=made)
        case Scale():
            return file.layer("Scale", name, [bottom], top=top)
        case PositionBias():
            return file.layer("Bias", name, [bottom], ("bias_param", [("axis", 1), ("num_axes", -1)]), shape=shape)
        case LocalResponseNorm():
            if layer.size % 2 == 0:
                raise refused("Caffe", step.path, what=f"LRN over {layer.size} maps", expected=ODD, remedy=odd(layer))
            members = [("local_size", layer.size), ("alpha", number(layer.alpha * layer.size))]
            members += [("beta", number(layer.beta)), ("k", number(layer.k))]
            return file.layer("LRN", name, [bottom], ("lrn_param", members))
        case Activation():
            return _activation(file, step, layer, name, bottom, top)
        case Softmax():
            return file.layer("Softmax", name, [bottom], shape=shape)
        case Dropout():
            ratio = ("dropout_param", [("dropout_ratio", number(layer.rate))])
            return file.layer("Dropout", name, [bottom], ratio, top=top)
        case Flatten():
            return file.layer("Flatten", name, [bottom], shape=shape)
        case GlobalAveragePool():
            pooled = ("pooling_param", [("pool", "AVE"), ("global_pooling", "true")])
            made = file.layer("Pooling", file.part(name, "mean"), [bottom], pooled)
            return file.layer("Flatten", name, [made], shape=shape)
        case PadChannels():
            return _pad_channels(file, step, layer, name, bottom)
        case Upsample():
            rows, columns = cast("tuple[int, int]", layer.factor)
            members = [("num_output", shape[0]), ("group", shape[0]), ("bias_term", "false")]
            members += [*both("kernel_size", rows, columns), *both("stride", rows, columns)]
            members += [("weight_filler", [("type", '"constant"'), ("value", 1)])]
            fixed = ("param", [("lr_mult", 0)])
            return file.layer("Deconvolution", name, [bottom], fixed, ("convolution_param", members), shape=shape)
        case Shuffle():
            return file.layer("ShuffleChannel", name, [bottom], ("shuffle_channel_param", [("group", layer.groups)]))
        case Linear():
            bias = None if layer.bias else "false"
            members = [("num_output", layer.units), ("bias_term", bias)]
            return file.layer("InnerProduct", name, [bottom], ("inner_product_param", members), shape=shape)
        case RBF():
            return _rbf(file, step, layer, name, bottom)
        case _:
            assert_never(layer)


def _activation(file: Prototxt, step: Step, layer: Activation, name: str, bottom: str, top: str) -> str:
    match layer.function:
        case "relu":
            return file.layer("ReLU", name, [bottom], top=top)
        case "leaky_relu":
            slope = ("relu_param", [("negative_slope", number(layer.alpha or 0))])
            return file.layer("ReLU", name, [bottom], slope, top=top)
        case "elu":
            return file.layer("ELU", name, [bottom], ("elu_param", [("alpha", number(layer.alpha or 0))]), top=top)
        case "tanh":
            return file.layer("TanH", name, [bottom], top=top)
        case "sigmoid":
            return file.layer("Sigmoid", name, [bottom], top=top)
        case "scaled_tanh":
            inner = _power(file, file.part(name, "slope"), bottom, scale=2 / 3)
            made = file.layer("TanH", file.part(name, "tanh"), [inner])
            return _power(file, name, made, scale=1.7159)
        case "relu6":
            return _relu6(file, name, bottom)
        case "hard_sigmoid":
            return _hard_sigmoid(file, name, bottom)
        case "hard_swish":
            gate = _hard_sigmoid(file, file.part(name, "gate"), bottom)
            return file.layer("Eltwise", name, [bottom, gate], ("eltwise_param", [("operation", "PROD")]))
        case "silu":
            gate = file.layer("Sigmoid", file.part(name, "gate"), [bottom])
            return file.layer("Eltwise", name, [bottom, gate], ("eltwise_param", [("operation", "PROD")]))
        case "gelu" | "gelu_tanh":
            expected = "It has relu, leaky_relu, elu, tanh and sigmoid, and what they make up."
            remedy = "Put one of these in its place, such as silu, which is x times a sigmoid."
            raise refused("Caffe", step.path, what=layer.function, expected=expected, remedy=remedy)
        case _:
            assert_never(layer.function)


def _power(file: Prototxt, name: str, bottom: str, *, scale: float = 1, shift: float = 0) -> str:
    members = [("scale", number(scale) if scale != 1 else None), ("shift", number(shift) if shift else None)]
    return file.layer("Power", name, [bottom], ("power_param", members))


def _relu6(file: Prototxt, name: str, bottom: str) -> str:
    """relu(x) − relu(x − 6)."""
    low = file.layer("ReLU", file.part(name, "relu"), [bottom])
    shifted = _power(file, file.part(name, "shifted"), bottom, shift=-6)
    high = file.layer("ReLU", file.part(name, "above6"), [shifted])
    members = [("operation", "SUM"), ("coeff", 1), ("coeff", -1)]
    return file.layer("Eltwise", name, [low, high], ("eltwise_param", members))


def _hard_sigmoid(file: Prototxt, name: str, bottom: str) -> str:
    shifted = _power(file, file.part(name, "plus3"), bottom, shift=3)
    return _power(file, name, _relu6(file, file.part(name, "relu6"), shifted), scale=1 / 6)


def _pad_channels(file: Prototxt, step: Step, layer: PadChannels, name: str, bottom: str) -> str:
    """Maps times 0, behind the maps."""
    have, more = step.inputs[0][0], layer.channels - step.inputs[0][0]
    if not more:
        return file.layer("Power", name, [bottom])
    zeros = _power(file, file.part(name, "zeros"), bottom, scale=0)
    blobs = [zeros] * (more // have)
    if rest := more % have:
        part, unread = file.part(name, "some"), file.part(name, "others")
        file.slices(file.part(name, "slice"), zeros, 1, [part, unread], [rest])
        file.drop(unread)
        blobs.append(part)
    return file.layer("Concat", name, [bottom, *blobs], shape=step.output)


def _rbf(file: Prototxt, step: Step, layer: RBF, name: str, bottom: str) -> str:
    """Σ x² − 2 w·x + Σ w², as a fully connected layer over x² and x whose weights are 1 and −2 w, its bias Σ w²."""
    squares = file.layer("Power", file.part(name, "squares"), [bottom], ("power_param", [("power", 2)]))
    both = file.layer("Concat", file.part(name, "both"), [squares, bottom])
    members = ("inner_product_param", [("num_output", len(layer.centres))])
    fixed = ("param", [("lr_mult", 0)])
    file.text.append(f"# {name}: its weights are 1 for the squares and -2 times a centre for the values;")
    file.text.append("# its bias is the sum of the centre's squares; they are not trained.")
    return file.layer("InnerProduct", name, [both], fixed, fixed, members, shape=step.output)
