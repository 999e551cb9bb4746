"""Live modules that are read: the catalogue's own, classes as people write them, random networks, and refusals."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from torch import Tensor, nn

import striate
from striate import NETWORKS, Network, account, find, from_module, to_text
from striate.errors import ArgumentError, FormatError
from striate.exchange.reading import Read
from striate.export.module import read_module
from striate.train.brought import module_of
from tests.support.everything import everything
from tests.support.settled import settled
from tests.support.small import small
from tests.support.strategies import networks
from tests.support.written import written

NEAR = 1e-5
"""The largest difference of outputs as a share of their range."""
OWN = 20.0
"""In random networks: or so many times what the module's float32 is off its float64."""
FEW = ("lenet5", "lenet5-keras", "resnet8-tiny", "simple-cnn", "mobilenet-v3-small", "densenet121", "googlenet")


def pictures(read: Read) -> Tensor:
    return torch.randn(3, *read.network.input, generator=torch.Generator().manual_seed(5))


@torch.inference_mode()
def difference(module: nn.Module, read: Read) -> float:
    """By how much the description's outputs differ from the module's, as a share of their range."""
    images = pictures(read)
    scale, shift = (torch.from_numpy(np.float32(each).reshape(-1, 1, 1)) for each in (read.scale, read.shift))
    wanted, found = module.eval()(images), module_of(read.network, read)(scale * images + shift)
    return float((wanted.flatten() - found.flatten()).abs().max() / (wanted.max() - wanted.min()))


def require_same(name: str) -> None:
    network = small(find(name))
    module = settled(network)
    read = read_module(module, network.input)
    assert written(read.network) == written(network)
    assert read.network.name == network.name
    assert difference(module, read) <= NEAR


@pytest.mark.parametrize("name", FEW)
def test_networks_of_the_catalogue_come_back_with_their_weights(name: str) -> None:
    require_same(name)


LARGE = {
    name for name in NETWORKS if re.search("^vgg(-|1[369])|^zfnet-512|1(01|52)|densenet(169|201)|34|policy-", name)
}
"""Larger relatives of networks that are tested; they take minutes, and have the same layers."""


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in FEW and name not in LARGE])
def test_the_catalogue_comes_back_with_its_weights(name: str) -> None:
    require_same(name)


def check_random(network: Network) -> None:
    """Outputs are the module's, or the network is refused; never does a wrong one come out."""
    module = settled(network)
    try:
        read = read_module(module, network.input)
    except FormatError as error:
        if "what no layer of a description can" not in error.what and "parameters" not in error.what:
            raise
        return
    images = pictures(read)
    with torch.inference_mode():
        own, found = module(images), module_of(read.network, read)(images)
        wanted = module.double()(images.double())
    span = float(wanted.max() - wanted.min()) or 1.0
    most = max(NEAR * span, OWN * float((own - wanted).abs().max()))
    assert float((found - wanted).abs().max()) <= most


RANDOM = settings(
    max_examples=25, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)


@RANDOM
@given(everything() | networks())
def test_random_networks_come_back_or_are_refused(network: Network) -> None:
    check_random(network)


@pytest.mark.slow
@settings(RANDOM, max_examples=400)
@given(everything() | networks())
def test_many_random_networks_come_back_or_are_refused(network: Network) -> None:
    check_random(network)


def test_random_networks_mostly_come_back_as_they_were() -> None:
    """The property above would hold of a reader that refuses everything."""
    same: list[bool] = []

    @settings(RANDOM, max_examples=20)
    @given(networks())
    def compare(network: Network) -> None:
        try:
            same.append(written(from_module(settled(network), network.input)) == written(network))
        except FormatError:
            same.append(False)

    compare()
    assert sum(same) >= 0.6 * len(same)


class Squeeze(nn.Module):
    """A squeeze-and-excitation block as it is often written, with expand_as."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Sequential(
            nn.Linear(channels, 2, bias=False), nn.ReLU(inplace=True), nn.Linear(2, channels, bias=False), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, _, _ = x.size()
        y = F.adaptive_avg_pool2d(x, 1).view(batch, channels)
        return x * self.fc(y).view(batch, channels, 1, 1).expand_as(x)


class Unit(nn.Module):
    """A residual with a channel shuffle by hand and a gate."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(8, 8, 1, groups=2)
        self.conv2 = nn.Conv2d(8, 8, 3, padding="same", bias=False)
        self.bn = nn.BatchNorm2d(8)
        self.se = Squeeze(8)

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.conv1(x))
        batch, channels, height, width = out.shape
        out = out.view(batch, 2, channels // 2, height, width).transpose(1, 2).contiguous()
        out = out.view(batch, channels, height, width)
        out = self.se(self.bn(self.conv2(out)))
        out += x
        return F.relu(out, inplace=True)


class Own(nn.Module):
    """A user's class: functions, in-place operators, a concatenation, hard swish by hand, dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.layer1 = nn.Sequential(Unit(), Unit())
        self.left, self.right = nn.Conv2d(8, 4, 1), nn.Conv2d(8, 6, 3, padding=1)
        self.fc = nn.Linear(10 * 4 * 4, 7)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = x * F.relu6(x + 3) / 6
        x = self.layer1(x)
        x = torch.cat([F.leaky_relu(self.left(x), 0.2), F.silu(self.right(x))], 1)
        x = F.max_pool2d(x, 3, 2, 1)
        x = F.dropout(x, 0.5, self.training)
        return self.fc(x.view(x.size(0), -1))


def stirred(module: nn.Module) -> nn.Module:
    for each in module.modules():
        if isinstance(each, nn.BatchNorm2d):
            assert each.running_mean is not None
            assert each.running_var is not None
            each.running_mean.normal_(0, 0.2)
            each.running_var.uniform_(0.5, 2)
    return module


def test_a_class_of_a_users_own() -> None:
    module = stirred(Own())
    read = read_module(module, (3, 16, 16))
    assert to_text(read.network).splitlines() == [
        "name Own",
        "3x16x16:",
        "stem: conv 8 3x3 /2 pad 1",
        "hard_swish",
        "layer1: (",
        *[
            line
            for block in ("block0", "block1")
            for line in (
                f"  {block}: (",
                "    residual(",
                "      conv 8 1x1 groups 2",
                "      relu",
                "      shuffle 2",
                "      conv 8 3x3 pad 1 no bias",
                "      bn: bn",
                "      se: gate(",
                "        global_average",
                "        fc: (",
                "          linear 2 no bias",
                "          relu",
                "          linear 8 no bias",
                "          sigmoid",
                "        )",
                "      )",
                "    )",
                "    relu",
                "  )",
            )
        ],
        ")",
        "branches(",
        "  left: conv 4 1x1",
        "  leaky_relu alpha 0.2;",
        "  right: conv 6 3x3 pad 1",
        "  silu",
        ")",
        "max 3x3 /2 pad 1",
        "flatten",
        "fc: linear 7",
    ]
    assert account(read.network).totals.parameters == sum(each.numel() for each in module.parameters())
    assert difference(module, read) <= NEAR
    example = from_module(module, torch.zeros(1, 3, 16, 16))
    assert example == read.network == striate.from_module(module, (3, 16, 16))


class Function(nn.Module):
    """Some modules, and a function that puts them together."""

    def __init__(self, function, *parts: nn.Module) -> None:
        super().__init__()
        self.function, self.parts = function, nn.ModuleList(parts)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, *self.parts)


def conv(filters: int = 4, kernel: int | tuple[int, int] = 3, **given) -> nn.Conv2d:
    return nn.Conv2d(3, filters, kernel, **given)


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


def test_a_convolution_with_kernels_of_zeros_stays_whole() -> None:
    layer = nn.Conv2d(4, 4, 3)
    with torch.no_grad():
        layer.weight[0, :3] = 0
    read = read_module(nn.Sequential(layer), (4, 8, 8))
    assert to_text(read.network, one_line=True) == "name Sequential 4x8x8: conv 4 3x3"
    assert read.weights["conv1.weight"].shape == (4, 4, 3, 3)


def test_maps_of_few_columns_are_read_with_their_channels_first() -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(16 * 8 * 3, 2))
    read = read_module(module, (16, 8, 3))
    assert read.network.input == (16, 8, 3)
    assert difference(module, read) <= NEAR


def test_weights_are_copies() -> None:
    module = nn.Sequential(conv())
    read = read_module(module, (3, 8, 8))
    before = read.weights["conv1.weight"].copy()
    with torch.no_grad():
        for each in module.parameters():
            each.zero_()
    assert np.array_equal(read.weights["conv1.weight"], before)
    assert before.any()


class Marking(nn.Module):
    """Writes down what it saw, as people do while they look for an error."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.drop = conv(), nn.BatchNorm2d(4), nn.Dropout()
        self.last, self.calls = None, 0
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.seen += 1
        self.last = self.drop(self.norm(self.conv(x)))
        return self.last


@pytest.mark.parametrize("fails", [False, True])
def test_a_module_stays_as_it_was(fails: bool) -> None:
    module = Marking()
    module.norm.eval()
    handle = module.conv.register_forward_hook(lambda *given: None)
    module.conv.weight.grad = torch.ones_like(module.conv.weight)
    before = {name: (each, each.clone()) for name, each in module.state_dict(keep_vars=True).items()}
    members = [dict(vars(each)) for each in module.modules()]
    generator = torch.get_rng_state()
    if fails:
        with pytest.raises(FormatError, match="Marking: cannot be traced"):
            from_module(module, (5, 8, 8))
    else:
        assert to_text(from_module(module, (3, 8, 8)), one_line=True).endswith("conv: conv 4 3x3, norm: bn")
    assert [each.training for each in module.modules()] == [True, True, False, True]
    assert module.last is None
    assert module.calls == 0
    assert list(module.conv._forward_hooks) == [handle.id]
    assert torch.equal(module.conv.weight.grad, torch.ones_like(module.conv.weight))
    assert torch.equal(torch.get_rng_state(), generator)
    for name, each in module.state_dict(keep_vars=True).items():
        assert each is before[name][0]
        assert torch.equal(each, before[name][1])
    assert [dict(vars(each)) for each in module.modules()] == members


class Choosing(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


class Pair(nn.Module):
    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        return image * mask


WHOLE = {
    "choices": (
        Choosing(),
        (3, 8, 8),
        "Choosing: lets the values of an image choose what runs.\nA network runs the same layers for every image.\n"
        "Give the part of the module that does.",
    ),
    "inputs": (
        Pair(),
        (3, 8, 8),
        "Pair: has 2 inputs: image, mask.\nA network has one, the images.\nGive the part that reads the images.",
    ),
    "outputs": (
        Function(lambda x, c: (c(x), x), conv()),
        (3, 8, 8),
        "Function: gives 2 outputs.\nA network has one: class scores, or maps.\n"
        "Give a module that returns only the one that you want.",
    ),
    "nothing": (
        nn.Sequential(nn.Dropout()),
        (3, 8, 8),
        "Sequential: gives its input, or what does not depend on it.\nA network computes its output from images.",
    ),
    "sizes": (
        nn.Sequential(nn.Flatten(), nn.Linear(7, 3)),
        (3, 8, 8),
        "Sequential: cannot be traced: a and b must have same reduction dim, but got [2, 192] X [7, 3].\n"
        "torch.export runs it on one input of the sizes that were given.\n"
        "Give the sizes that it takes, as (channels, height, width), or the part of the module that can be traced.",
    ),
    "half": (
        nn.Sequential(conv()).half(),
        (3, 8, 8),
        "Sequential: has parameters of float16: 0.weight, 0.bias.\nWeights are float32.\n"
        "Give module.float(), or a copy of it.",
    ),
    "meta": (
        nn.Sequential(conv(device="meta")),
        (3, 8, 8),
        "Sequential: has parameters without values: 0.weight, 0.bias.\nThe weights are read along.\n"
        "Build the module on a device, and run it once where it is lazy.",
    ),
    "example": (
        nn.Sequential(conv()),
        torch.zeros(3, 8, 8),
        "Sequential: is given an example of 3×8×8 in float32.\n"
        "An example is a batch of images in float32: (batch, channels, height, width).\n"
        "Give the sizes of one image instead: (3, 224, 224).",
    ),
}


@pytest.mark.parametrize("name", WHOLE)
def test_modules_that_are_no_network_are_refused_with_a_remedy(name: str, capfd) -> None:
    module, given_input, text = WHOLE[name]
    with pytest.raises(FormatError) as caught:
        from_module(module, given_input)
    assert str(caught.value) == text
    assert capfd.readouterr() == ("", "")


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ArgumentError) as caught:
        from_module(nn.Conv2d, (3, 8, 8))  # pyright: ignore[reportArgumentType]
    assert str(caught.value) == (
        "<class 'torch.nn.modules.conv.Conv2d'> is no module.\nA torch.nn.Module is read.\n"
        "Give an object, such as resnet18(), and not its class."
    )
    with pytest.raises(ArgumentError) as caught:
        from_module(conv(), (3, 8))
    assert str(caught.value) == (
        "the input is (3, 8).\nIt is (channels, height, width), or an example tensor with the batch.\n"
        "Give the sizes of one image: (3, 224, 224)."
    )


def test_the_name_is_public_and_imports_no_torch() -> None:
    code = "import sys, striate; striate.from_module; print([n for n in ('torch', 'numpy') if n in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
