"""What people write in a module's forward, and what no layer can say."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from striate import from_module, to_text
from striate.errors import FormatError
from striate.export.module import read_module
from tests.support.modules import NEAR, Function, conv, difference, stirred

READ = {
    "mean of a mean": (lambda x, c, f: f(c(x).mean(3).mean(2)), (conv(), nn.Linear(4, 2)), "global_average, linear 2"),
    "mean of flat maps": (lambda x, c, f: f(c(x).flatten(2).mean(-1)), (conv(), nn.Linear(4, 2)), "average, linear 2"),
    "maximum of maps": (lambda x, c: c(x).amax((2, 3)), (conv(),), "max 6x6, flatten"),
    "a divisor of the window's size": (
        lambda x, c: F.avg_pool2d(c(x), 3, 2, 1, count_include_pad=False, divisor_override=9),
        (conv(),),
        "average 3x3 /2 pad 1",
    ),
    "another divisor before a convolution's own factor": (
        lambda x, c, n: n(F.avg_pool2d(c(x), 2, divisor_override=1)),
        (conv(), nn.BatchNorm2d(4)),
        None,
    ),
    "a mean that counts no padding": (
        lambda x, c: F.avg_pool2d(c(x), 3, 2, 1, ceil_mode=True, count_include_pad=False),
        (conv(),),
        "average 3x3 /2 pad 1 ceil uncounted",
    ),
    "a maximum that hangs over": (lambda x, c: F.max_pool2d(c(x), 4, 3, ceil_mode=True), (conv(),), "max 4x4 /3 ceil"),
    "maxima with their places": (lambda x, c: F.max_pool2d(c(x), 2, return_indices=True)[0], (conv(),), "max 2x2"),
    "adaptive, a whole divisor": (lambda x, c: F.adaptive_avg_pool2d(c(x), (3, 2)), (conv(),), "average 2x3"),
    "adaptive, windows that overlap": (
        lambda x, c: F.adaptive_avg_pool2d(c(x), 6),
        (conv(kernel=(2, 2), padding=(3, 3)),),
        "average 3x3 /2",
    ),
    "adaptive, the same size": (lambda x, c: F.adaptive_avg_pool2d(c(x), 6), (conv(),), "conv 4 3x3"),
    "adaptive, larger": (lambda x, c: F.adaptive_avg_pool2d(c(x), 12), (conv(),), "upsample 2"),
    "padding as a word": (
        lambda x, c: c(x),
        (conv(4, (4, 3), padding="same", dilation=(1, 2)),),
        "conv 4 4x3 pad 1 2 2 2 dilation 1x2",
    ),
    "no padding as a word": (lambda x, c: c(x), (conv(padding="valid"),), "conv 4 3x3"),
    "groups": (lambda x, c: c(x), (conv(6, groups=3),), "conv 6 3x3 groups 3"),
    "a copy in every way": (lambda x, c: c(x).clone().contiguous().detach().to(torch.float32), (conv(),), "conv 4 3x3"),
    "without gradients": (torch.no_grad()(lambda x, c: c(x).relu()), (conv(),), "conv 4 3x3, relu"),
    "in place": (lambda x, c: c(x).add_(1).clamp_(0, 6), (conv(),), "conv 4 3x3, relu6"),
    "GELU by tanh": (lambda x, c: F.gelu(c(x), approximate="tanh"), (conv(),), "gelu_tanh"),
    "ELU": (lambda x, c: F.elu(c(x), 0.5), (conv(),), "elu alpha 0.5"),
    "a hard sigmoid": (lambda x, c: F.hardsigmoid(c(x)), (conv(),), "hard_sigmoid"),
    "a product by a matrix": (
        lambda x, c, f: torch.addmm(f.bias, c(x).flatten(1), f.weight.t()),
        (conv(), nn.Linear(144, 2)),
        "flatten, linear 2",
    ),
    "a channel shuffle": (lambda x, c: F.channel_shuffle(c(x), 2), (conv(),), "shuffle 2"),
    "values repeated": (lambda x, c: F.interpolate(c(x), scale_factor=2), (conv(),), "upsample 2"),
    "maps of zeros": (lambda x, c: F.pad(c(x), (0, 0, 0, 0, 0, 3)), (conv(),), "pad_channels 7"),
    "local response": (
        lambda x, c: F.local_response_norm(c(x), 5, alpha=5e-4, k=2.0),
        (conv(),),
        "conv 4 3x3, lrn",
    ),
    "local response of one map": (
        lambda x, c: F.local_response_norm(c(x), 3, alpha=0.3),
        (conv(1),),
        "conv 1 3x3, lrn 3 alpha 0.1 k 1",
    ),
    "one value side by side": (lambda x, c: torch.cat([c(x)], 1), (conv(),), "conv 4 3x3"),
    "an output in a dictionary": (lambda x, c: {"out": c(x), "aux": None}["out"], (conv(),), "conv 4 3x3"),
    "pixels normalised first": (
        lambda x, c: c((x - torch.tensor([0.4, 0.5, 0.6]).view(3, 1, 1)) / 0.25),
        (conv(),),
        "3x8x8: conv 4 3x3",
    ),
}


@pytest.mark.parametrize("name", READ)
def test_what_people_write_is_read(name: str) -> None:
    function, parts, ending = READ[name]
    module = stirred(Function(function, *parts))
    if ending is None:
        with pytest.raises(FormatError, match=r"avg_pool2d \(Mul\): computes 4 · a \+ 0"):
            read_module(module, (3, 8, 8))
        return
    read = read_module(module, (3, 8, 8))
    assert to_text(read.network, one_line=True).endswith(ending)
    assert difference(module, read) <= NEAR


REFUSED = {
    "a divisor": (
        lambda x, c: F.avg_pool2d(c(x), 2, divisor_override=3),
        "avg_pool2d (Mul): computes 1.33333 · a + 0. A factor belongs to a convolution, a linear layer or a",
    ),
    "a divisor of windows that hang over": (
        lambda x, c: F.avg_pool2d(c(x), 4, 3, ceil_mode=True, divisor_override=16),
        "avg_pool2d (aten.avg_pool2d.default): divides by 16 where windows hang over. A mean divides by the values.",
    ),
    "gaps in a pooling": (
        lambda x, c: F.max_pool2d(c(x), 2, dilation=2),
        "max_pool2d (MaxPool): has a dilation of 2×2. Windows of poolings have no gaps.",
    ),
    "places of maxima": (
        lambda x, c: F.max_pool2d(c(x), 2, return_indices=True)[1].float(),
        "(getitem): reads the places of maxima, or statistics. Layers read the values of layers.",
    ),
    "adaptive windows that differ": (
        lambda x, c: F.adaptive_avg_pool2d(c(x), 4),
        "makes 4 of 6 values by windows that differ. All windows have one size.",
    ),
    "dropout that goes on": (lambda x, c: F.dropout(c(x)), "drops values. In evaluation mode it must pass everything."),
    "logarithms": (
        lambda x, c: F.log_softmax(c(x).flatten(1), 1),
        "log_softmax (aten.log_softmax.int): gives logarithms of probabilities. A network ends in logits or in a",
    ),
    "a part": (lambda x, c: c(x)[:, :2], "takes a part of a value. Layers read whole values: every branch has all"),
    "two halves": (lambda x, c: torch.cat(c(x).chunk(2, 1)[::-1], 1), "(aten.split.Tensor): takes a part of a value."),
    "between values": (
        lambda x, c: F.interpolate(c(x), scale_factor=2, mode="bilinear"),
        "computes values between others. Upsampling repeats each value: nearest.",
    ),
    "some values more often": (
        lambda x, c: F.interpolate(c(x), (9, 12)),
        "resizes by 1.5 × 2, some values more often. Each value is repeated as often.",
    ),
    "noise": (lambda x, c: c(x) + torch.rand(4, 1, 1), "draws random numbers. A network gives the same answer every"),
    "half precision": (lambda x, c: c(x).half(), "makes values of torch.float16. Values between layers are float32."),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_layer_says_is_refused_in_words(name: str) -> None:
    function, said = REFUSED[name]
    with pytest.raises(FormatError) as caught:
        read_module(Function(function, conv()), (3, 8, 8))
    assert said in str(caught.value)
    assert str(caught.value).startswith("Function: 1 node says what no layer of a description can:\n")


LAYERS = {
    "a transposed convolution": (
        nn.ConvTranspose2d(3, 4, 3),
        "is a transposed convolution. Upsampling repeats values",
    ),
    "reflecting": (
        conv(padding=1, padding_mode="reflect"),
        "0/pad (Pad): pads by mode reflect. Paddings have one value.",
    ),
    "circular": (
        conv(padding=1, padding_mode="circular"),
        "0/pad (Pad): pads by mode circular. Paddings have one value.",
    ),
    "edges": (nn.ReplicationPad2d(1), "0/pad (Pad): pads by mode replicate. Paddings have one value."),
    "its own batch's statistics": (nn.BatchNorm2d(3, track_running_stats=False), "computes statistics of its batch."),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_that_no_description_has_are_refused_in_words(name: str) -> None:
    layer, said = LAYERS[name]
    with pytest.raises(FormatError) as caught:
        read_module(nn.Sequential(layer, nn.Conv2d(len(layer(torch.zeros(1, 3, 8, 8))[0]), 2, 1)), (3, 8, 8))
    assert said in str(caught.value)


def test_every_call_that_cannot_be_said_is_listed_at_once() -> None:
    module = Function(lambda x, c: torch.sin(F.selu(torch.cos(c(x)))), conv())
    said = "is no operator that layers are made of."
    with pytest.raises(FormatError) as caught:
        from_module(module, (3, 8, 8))
    assert str(caught.value).splitlines()[:4] == [
        "Function: 3 nodes say what no layer of a description can:",
        *[
            f"  {name} (aten.{name}.default): {said} See docs/import.md for those that are read."
            for name in ("cos", "selu", "sin")
        ],
    ]


ONE = (
    "Each parameter is a weight of one layer: none is shared, computed of others, or a number alone.\n"
    "Export the module as ONNX, and read the file: there, weights are what the network computes with."
)


def test_parameters_that_are_no_layers_own_are_refused_by_name() -> None:
    shared = nn.Conv2d(3, 3, 3)
    with pytest.raises(FormatError) as caught:
        from_module(nn.Sequential(shared, nn.ReLU(), shared), (3, 8, 8))
    assert str(caught.value) == (
        "Sequential: has 84 parameters, and its description 168.\n"
        "  the module has no parameter for the layers': conv2.weight, conv2.bias\n" + ONE
    )
    with pytest.raises(FormatError) as caught:
        from_module(nn.Sequential(conv(), nn.PReLU()), (3, 8, 8))
    assert str(caught.value) == (
        "Sequential: has 113 parameters, and its description 112.\n"
        "  of the module's parameters no layer has: 1.weight\n" + ONE
    )
    with pytest.raises(FormatError, match="the layers': batch_norm1.weight, batch_norm1.bias"):
        from_module(nn.Sequential(conv(), nn.BatchNorm2d(4, affine=False)), (3, 8, 8))
    normed = nn.utils.parametrizations.weight_norm(conv())
    with pytest.raises(FormatError, match="no layer has: 0.parametrizations.weight.original0"):
        from_module(nn.Sequential(normed), (3, 8, 8))
