"""Post 002: a lecture on convolutional networks, second half: the networks from LeNet-5 to AlphaGo."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import cast

from striate.account import Account
from striate.account.grid import megabytes
from striate.account.memory import memory
from striate.claims.claim import (
    Claim,
    Verdict,
    alone,
    convolutions,
    counted,
    filters,
    layer,
    listed,
    out,
    split,
    totals,
)
from striate.spec.checks import Pair
from striate.spec.layers import Activation, BatchNorm, Conv, Dropout, GlobalAveragePool, Linear
from striate.spec.shapes import Axis, show

RIGHT, CAVEAT, WRONG = Verdict
VGG = "vgg-d"


def _count(name: str, *kinds: type) -> int:
    return sum(isinstance(row.step.layer, kinds) for row in counted(name).rows if not row.in_head)


def _weighted(name: str) -> int:
    return _count(name, Conv, Linear)


def _sides(name: str) -> str:
    """The sides of the maps that a network's convolutions make, each once in a row."""
    return " → ".join(str(side) for side, _ in groupby(row.step.output[1] for row in convolutions(name)))


def _main_path(name: str) -> list[tuple[int, int]]:
    """(side, number) of the convolutions that are not on a shortcut, by the side of their maps."""
    found = Counter(row.step.output[1] for row in convolutions(name) if ".shortcut." not in row.path)
    return sorted(found.items(), reverse=True)


def _share(account: Account, until: str) -> float:
    """The share of all outputs that the layers up to one make, the input with them."""
    made = account.input[0] * account.input[1] * account.input[2]
    for row in account.rows:
        made += row.counts.activations
        if row.path == until:
            break
    return 100 * made / account.totals.activations


def _two(name: str, one: str, other: str) -> float:
    """The share of all outputs that two layers make."""
    made = layer(name, one).counts.activations + layer(name, other).counts.activations
    return 100 * made / totals(name).activations


def _bytes(values: int) -> str:
    mb, mib = megabytes(values, 10**8)
    return f"{mb} MB ({mib} MiB)"


def _kernels(name: str) -> str:
    found = Counter(cast(Pair, row.step.layer.kernel) for row in convolutions(name) if isinstance(row.step.layer, Conv))
    return ", ".join(f"{times} of {show(kernel)}" for kernel, times in sorted(found.items()))


CLAIMS = (
    Claim(
        "002",
        "LeNet-5: (32 − 5)/1 + 1 = 28, then (28 − 2)/2 + 1 = 14.",
        RIGHT,
        "6×28×28, 6×14×14",
        lambda: f"{out(layer('lenet5', 'C1'))}, {out(layer('lenet5', 'S2'))}",
    ),
    Claim(
        "002",
        "AlexNet's input is 227×227; the 224 of the figure is a slip.",
        CAVEAT,
        "(227 − 11)/4 + 1 = 55; (224 − 11)/4 + 1 = 54.25",
        lambda: f"{Axis(227, 11, 4).formula}; {Axis(224, 11, 4).formula}",
        "The sizes need 227 (or a padding of three pixels); the paper's text has 224 throughout.",
    ),
    Claim("002", "AlexNet's conv1 gives 55×55×96.", RIGHT, "96×55×55", lambda: out(layer("alexnet", "conv1"))),
    Claim(
        "002",
        "AlexNet's conv1 has 34,848 parameters.",
        CAVEAT,
        "34,944 (34,848 weights, 96 biases)",
        lambda: split(layer("alexnet", "conv1").counts),
        "The weights alone.",
    ),
    Claim(
        "002",
        "AlexNet's pool1 gives (55 − 3)/2 + 1 = 27, so 27×27×96, and has no parameters.",
        RIGHT,
        "96×27×27, 0 parameters",
        lambda: f"{out(layer('alexnet', 'pool1'))}, {layer('alexnet', 'pool1').counts.parameters} parameters",
        "In the paper the normalisation comes before the pooling.",
    ),
    Claim(
        "002",
        "AlexNet's filters grow from 96 to 256 and 384.",
        CAVEAT,
        "96, 256, 384, 384, 256",
        lambda: listed(filters("alexnet")),
        "The last convolution has 256 again.",
    ),
    Claim(
        "002",
        "AlexNet has ReLU after every convolution and linear layer.",
        CAVEAT,
        "7 ReLUs for 8 layers of weights",
        lambda: f"{_count('alexnet', Activation)} ReLUs for {_weighted('alexnet')} layers of weights",
        "Not before the softmax.",
    ),
    Claim(
        "002",
        "AlexNet has dropout of 0.5 in its linear layers.",
        CAVEAT,
        "2 for 3 linear layers",
        lambda: f"{_count('alexnet', Dropout)} for {_count('alexnet', Linear)} linear layers",
        "In the first two.",
    ),
    Claim(
        "002",
        "ZFNet's conv1 is 7×7 with stride 2, where AlexNet's is 11×11 with stride 4.",
        RIGHT,
        "conv 96 7×7 /2 pad 1; conv 96 11×11 /4",
        lambda: f"{layer('zfnet', 'conv1').words}; {layer('alexnet', 'conv1').words}",
    ),
    Claim(
        "002",
        "ZFNet widens conv3, conv4 and conv5.",
        CAVEAT,
        "zfnet 384, 384, 256; zfnet-512 512, 1024, 512",
        lambda: f"zfnet {listed(filters('zfnet')[2:])}; zfnet-512 {listed(filters('zfnet-512')[2:])}",
        "That is a variant of the paper; its base has AlexNet's filters. conv2 has stride 2 as well.",
    ),
    Claim(
        "002",
        "VGG has 3×3 convolutions with stride 1 and padding 1, and 2×2 poolings, only.",
        CAVEAT,
        "vgg-d 13 of 3×3; vgg-c 3 of 1×1, 10 of 3×3",
        lambda: f"vgg-d {_kernels(VGG)}; vgg-c {_kernels('vgg-c')}",
        "Configuration C has three 1×1 convolutions.",
    ),
    Claim(
        "002",
        "VGG has 138 million parameters.",
        RIGHT,
        "138,357,544 (138,344,128 weights, 13,416 biases)",
        lambda: split(totals(VGG)),
    ),
    Claim(
        "002",
        "VGG's maps shrink: 224, 112, 56, 28, 14, 7.",
        RIGHT,
        "224 → 112 → 56 → 28 → 14 → 7",
        lambda: f"{_sides(VGG)} → {layer(VGG, 'pool5').step.output[1]}",
    ),
    Claim(
        "002",
        "VGG's filters grow: 64, 128, 256, 512.",
        RIGHT,
        "64 → 128 → 256 → 512",
        lambda: " → ".join(str(each) for each, _ in groupby(filters(VGG))),
    ),
    Claim(
        "002",
        "VGG keeps 24 million values, 93 MB for an image.",
        WRONG,
        "15,237,608 values, 60.95 MB (58.13 MiB)",
        lambda: f"{totals(VGG).activations:,} values, {_bytes(4 * totals(VGG).activations)}",
        "24 million is not the sum of the lecture's own rows, and 24 million values would take 96 MB.",
    ),
    Claim(
        "002",
        "With the backward pass it is about 200 MB.",
        WRONG,
        "twice all outputs 121.90 MB (116.25 MiB); what autograd keeps 73.25 MB (69.86 MiB)",
        lambda: (
            f"twice all outputs {_bytes(8 * totals(VGG).activations)}; what autograd keeps "
            f"{_bytes(memory(counted(VGG)).figures['kept for backward'])}"
        ),
        "By the lecture's rule it is twice the forward pass; PyTorch keeps less, as a ReLU's input isn't needed.",
    ),
    Claim(
        "002",
        "Most of VGG's memory is in its first layers.",
        RIGHT,
        "conv1_1 and conv1_2 42 %, all up to pool2 72 % of all outputs",
        lambda: (
            f"conv1_1 and conv1_2 {_two(VGG, 'conv1_1', 'conv1_2'):.0f} %, all up to pool2 "
            f"{_share(counted(VGG), 'pool2'):.0f} % of all outputs"
        ),
    ),
    Claim(
        "002",
        "One linear layer of VGG has 100 million parameters.",
        RIGHT,
        "102,764,544 (102,760,448 weights, 4,096 biases), 74 % of all",
        lambda: (
            f"{split(layer(VGG, 'fc6').counts)}, "
            f"{100 * layer(VGG, 'fc6').counts.parameters / totals(VGG).parameters:.0f} % of all"
        ),
    ),
    Claim(
        "002",
        "An average pooling of 7×7×512 gives 512 values.",
        RIGHT,
        "512",
        lambda: out(alone((512, 7, 7), GlobalAveragePool())),
    ),
    Claim(
        "002",
        "GoogLeNet has an average pooling from 7×7 to 1×1 in place of linear layers.",
        CAVEAT,
        "1024×7×7 to 1024, then linear 1000 with 1,025,000 parameters",
        lambda: (
            f"{show(layer('googlenet', 'pool5').step.inputs[0])} to {out(layer('googlenet', 'pool5'))}, then "
            f"{layer('googlenet', 'fc').words} with {layer('googlenet', 'fc').counts.parameters:,} parameters"
        ),
        "One linear layer remains.",
    ),
    Claim(
        "002",
        "GoogLeNet has 5 million parameters.",
        WRONG,
        "6,998,552; 13,378,280 in training",
        lambda: f"{totals('googlenet').parameters:,}; {counted('googlenet').training.parameters:,} in training",
        "Seven million; the paper's own table adds up to 6.8 million.",
    ),
    Claim(
        "002", "AlexNet has 60 million parameters.", RIGHT, "60,965,224", lambda: f"{totals('alexnet').parameters:,}"
    ),
    Claim(
        "002",
        "GoogLeNet has a twelfth of AlexNet's parameters.",
        WRONG,
        "1/8.7",
        lambda: f"1/{totals('alexnet').parameters / totals('googlenet').parameters:.1f}",
        "The paper says twelve too; it does not follow from the network that it describes.",
    ),
    Claim(
        "002",
        "GoogLeNet computes more than twice as fast as AlexNet.",
        WRONG,
        "2.18 times AlexNet's MACs",
        lambda: f"{totals('googlenet').macs / totals('alexnet').macs:.2f} times AlexNet's MACs",
        "The slide has twice the computation, not twice the speed.",
    ),
    Claim(
        "002",
        "ResNet-152 is faster than VGG.",
        CAVEAT,
        "11.3 billion MACs; VGG-D 15.5, VGG-E 19.6",
        lambda: (
            f"{totals('resnet152').macs / 1e9:.1f} billion MACs; VGG-D {totals(VGG).macs / 1e9:.1f}, "
            f"VGG-E {totals('vgg-e').macs / 1e9:.1f}"
        ),
        "It takes fewer MACs; the paper does not measure speed.",
    ),
    Claim(
        "002",
        "About 150 layers of ResNet-152 work on 56×56 maps.",
        WRONG,
        "1 on 112×112, 9 on 56×56, 24 on 28×28, 108 on 14×14, 9 on 7×7",
        lambda: ", ".join(f"{times} on {side}×{side}" for side, times in _main_path("resnet152")),
        "Most of them work on 14×14 maps. Convolutions of shortcuts are left out here.",
    ),
    Claim(
        "002",
        "Batch norm is in all layers of ResNet.",
        CAVEAT,
        "155 for 155 convolutions and 1 linear layer",
        lambda: (
            f"{_count('resnet152', BatchNorm)} for {len(convolutions('resnet152'))} convolutions and "
            f"{_count('resnet152', Linear)} linear layer"
        ),
        "After every convolution, shortcuts included, but not after the linear layer.",
    ),
    Claim(
        "002",
        "ResNet has 1×1 convolutions.",
        CAVEAT,
        "resnet34 3 of 1×1, 32 of 3×3, 1 of 7×7; resnet50 36 of 1×1, 16 of 3×3, 1 of 7×7",
        lambda: f"resnet34 {_kernels('resnet34')}; resnet50 {_kernels('resnet50')}",
        "In the blocks of 50 layers and more; in ResNet-18 and 34 on shortcuts only.",
    ),
    Claim(
        "002",
        "AlphaGo's input is 19×19×48, its output 19×19.",
        RIGHT,
        "48×19×19 to 1×19×19",
        lambda: f"{show(counted('alphago-policy').input)} to {out(layer('alphago-policy', 'conv13'))}",
        "The 48 planes are features made by hand, not strategies.",
    ),
    Claim(
        "002",
        "AlphaGo's convolutions keep 19×19 with P = (F − 1)/2.",
        RIGHT,
        "19 throughout: 1 of 1×1, 11 of 3×3, 1 of 5×5",
        lambda: f"{_sides('alphago-policy')} throughout: {_kernels('alphago-policy')}",
    ),
)
