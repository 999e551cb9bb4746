"""Post 002: a lecture on convolutional networks: GoogLeNet, ResNet, AlphaGo's policy network."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import cast

from striate.claims.claim import Claim, Verdict
from striate.claims.questions import (
    convolutions,
    counted,
    depth,
    depth_and_error,
    kernels,
    layer,
    listed,
    number_of,
    out,
    points,
    printed,
    quoted,
    sides_of,
    totals,
    trained,
)
from striate.description.checks import Pair
from striate.description.layers import Activation, BatchNorm, Conv, Dropout, Linear, Residual
from striate.description.shapes import show

RIGHT, CAVEAT, WRONG = Verdict
VGG = "vgg-d"
GO = "alphago-policy"
CIFAR = [f"resnet{layers}-cifar" for layers in (20, 32, 44, 56, 110)]


def _main_path(name: str) -> list[tuple[int, int]]:
    """(side, number) of the convolutions that are not on a shortcut, by the side of their maps."""
    found = Counter(row.step.output[1] for row in convolutions(name) if ".shortcut." not in row.path)
    return sorted(found.items(), reverse=True)


def _additions(name: str) -> str:
    """The additions of a network, and what lies on the way of the gradient through them."""
    rows = counted(name).rows
    added = [(row, after) for row, after in pairwise(rows) if isinstance(row.step.layer, Residual)]
    followed = sum(isinstance(after.step.layer, Activation) for _, after in added)
    projected = sum(".shortcut." in row.path for row in convolutions(name))
    return f"{len(added)} additions, {followed} with a ReLU after them, {projected} with a convolution on the shortcut"


def _variances() -> str:
    """The variance that ResNet's paper gives the weights of a convolution, and the one of Glorot and Bengio."""
    row = layer("resnet152", "stage1.block1.conv2")
    maps, filters = row.step.inputs[0][0], row.step.output[0]
    into, onward = row.counts.weights // filters, row.counts.weights // maps
    name = trained("resnet152").initialisation
    where = f"for {filters} filters of 3×3 on {maps} maps"
    return f"{name}: {where} the variance is 2/{into}; Xavier's is 2/({into} + {onward})"


def _paddings() -> str:
    """AlphaGo's output, the sides of its maps, and the padding of each kernel."""
    sizes = {
        (cast(Pair, conv.kernel), conv.padding) for row in convolutions(GO) if isinstance(conv := row.step.layer, Conv)
    }
    found = ", ".join(f"{show(kernel)} pad {cast(tuple[int, ...], padding)[0]}" for kernel, padding in sorted(sizes))
    return f"{out(layer(GO, 'conv13'))}, {out(counted(GO).rows[-1])} probabilities; {sides_of(GO)} throughout: {found}"


CLAIMS = (
    Claim(
        96,
        "002",
        "GoogLeNet won in 2014 with a top-5 error of 6.7 %.",
        RIGHT,
        "6.67 % on ILSVRC-2014 test, seven networks, 144 crops (table 2 of the paper)",
        lambda: quoted(printed("googlenet", "top-5 error", "ILSVRC-2014 test")),
    ),
    Claim(
        97,
        "002",
        "VGG has a top-5 error of 7.4 %.",
        WRONG,
        "7.3 % on ILSVRC-2014 test, seven networks (table 7 of the paper)",
        lambda: quoted(printed("vgg-d", "top-5 error", "ILSVRC-2014 test")),
        "The post has 7.3 % itself, in its section on VGG.",
    ),
    Claim(
        98,
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
        99,
        "002",
        "GoogLeNet has 5 million parameters.",
        WRONG,
        "6,998,552; 13,378,280 in training",
        lambda: f"{totals('googlenet').parameters:,}; {counted('googlenet').training.parameters:,} in training",
        "Seven million; the paper's own table adds up to 6.8 million.",
    ),
    Claim(
        100,
        "002",
        "AlexNet has 60 million parameters.",
        RIGHT,
        "60,965,224",
        lambda: f"{totals('alexnet').parameters:,}",
    ),
    Claim(
        101,
        "002",
        "GoogLeNet has a twelfth of AlexNet's parameters.",
        WRONG,
        "1/8.7",
        lambda: f"1/{totals('alexnet').parameters / totals('googlenet').parameters:.1f}",
        "The paper says twelve too; it does not follow from the network that it describes.",
    ),
    Claim(
        102,
        "002",
        "GoogLeNet computes more than twice as fast as AlexNet.",
        WRONG,
        "2.18 times AlexNet's MACs",
        lambda: f"{totals('googlenet').macs / totals('alexnet').macs:.2f} times AlexNet's MACs",
        "The slide has twice the computation, not twice the speed.",
    ),
    Claim(
        103,
        "002",
        "GoogLeNet's error is about ten points lower than AlexNet's.",
        RIGHT,
        "16.4 % − 6.67 % = 9.73",
        lambda: points(
            printed("alexnet", "top-5 error", "ILSVRC-2012 test, five"),
            printed("googlenet", "top-5 error", "ILSVRC-2014 test"),
        ),
        "Test images, several networks each; AlexNet's are the five that had learned from no other images.",
    ),
    Claim(
        104,
        "002",
        "ResNet won in 2015 with a top-5 error of 3.6 %.",
        RIGHT,
        "3.57 % on ILSVRC-2015 test, six networks (table 5 of the paper)",
        lambda: quoted(printed("resnet152", "top-5 error", "ILSVRC-2015 test")),
        "Six networks together; one alone has 4.49 % on the validation images.",
    ),
    Claim(
        106,
        "002",
        "The plot on the left shows that AlexNet and VGG err more the more layers they have.",
        WRONG,
        "alexnet 8 layers 18.2 %, vgg-a 11 layers 10.4 %, vgg-e 19 layers 8.0 %; plain18 18 layers 27.94 %, plain34 "
        "34 layers 28.54 %",
        lambda: (
            f"{listed([depth_and_error(name) for name in ('alexnet', 'vgg-a', 'vgg-e')])}; "
            f"{listed([depth_and_error(name, 'top-1 error') for name in ('plain18', 'plain34')])}"
        ),
        "It shows plain networks of 20 to 56 layers on CIFAR-10. Those err more with depth, and so do the plain "
        "networks for ImageNet (top-1 error here). From AlexNet through VGG the top-5 error falls.",
    ),
    Claim(
        107,
        "002",
        "ResNet's error always falls with more layers.",
        CAVEAT,
        "resnet20-cifar to resnet110-cifar: 8.75 %, 7.51 %, 7.17 %, 6.97 %, 6.43 %",
        lambda: f"{CIFAR[0]} to {CIFAR[-1]}: {listed([printed(name, 'error').text for name in CIFAR])}",
        "So it does up to 110 layers on CIFAR-10; with 1,202 layers it is 7.93 % (table 6 of the paper).",
    ),
    Claim(
        108,
        "002",
        "ResNet has 152 layers, and takes 2 to 3 weeks of training on 8 GPUs.",
        CAVEAT,
        "152 layers of weights, shortcuts left out",
        lambda: f"{depth('resnet152')} layers of weights, shortcuts left out",
        "The time and the GPUs are the slide's; the paper doesn't give them.",
    ),
    Claim(
        109,
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
        110,
        "002",
        "About 150 layers of ResNet-152 work on 56×56 maps.",
        WRONG,
        "1 on 112×112, 9 on 56×56, 24 on 28×28, 108 on 14×14, 9 on 7×7",
        lambda: ", ".join(f"{times} on {side}×{side}" for side, times in _main_path("resnet152")),
        "Most of them work on 14×14 maps. Convolutions of shortcuts are left out here.",
    ),
    Claim(
        111,
        "002",
        "The additions hand the gradient on, past about 150 layers, to the first convolution.",
        CAVEAT,
        "50 additions, 50 with a ReLU after them, 4 with a convolution on the shortcut",
        lambda: _additions("resnet152"),
        "In the network of 2015 these ReLUs and convolutions lie on the way of the gradient.",
    ),
    Claim(
        112,
        "002",
        "Batch norm is in all layers of ResNet.",
        CAVEAT,
        "155 for 155 convolutions and 1 linear layer",
        lambda: (
            f"{number_of('resnet152', BatchNorm)} for {len(convolutions('resnet152'))} convolutions and "
            f"{number_of('resnet152', Linear)} linear layer"
        ),
        "After every convolution, shortcuts included, but not after the linear layer.",
    ),
    Claim(
        113,
        "002",
        "ResNet has the Xavier initialisation, which Kaiming He made himself.",
        WRONG,
        "he: for 64 filters of 3×3 on 64 maps the variance is 2/576; Xavier's is 2/(576 + 576)",
        _variances,
        "He's initialisation has twice the variance of Xavier's there. Xavier is Xavier Glorot (Glorot, Bengio 2010).",
    ),
    Claim(
        114,
        "002",
        "ResNet starts with a rate of 0.1, AlexNet with 1e-2; ResNet has no dropout.",
        RIGHT,
        "0.1 (section 3.4) and 0.01 (section 5); 0 and 2 dropout layers",
        lambda: (
            f"{trained('resnet152').rate:g} ({trained('resnet152').place}) and {trained('alexnet').rate:g} "
            f"({trained('alexnet').place}); {number_of('resnet152', Dropout)} and {number_of('alexnet', Dropout)} "
            "dropout layers"
        ),
        "The rate is divided by ten when the error stops falling.",
    ),
    Claim(
        116,
        "002",
        "ResNet has 1×1 convolutions.",
        CAVEAT,
        "resnet34 3 of 1×1, 32 of 3×3, 1 of 7×7; resnet50 36 of 1×1, 16 of 3×3, 1 of 7×7",
        lambda: f"resnet34 {kernels('resnet34')}; resnet50 {kernels('resnet50')}",
        "In the blocks of 50 layers and more; in ResNet-18 and 34 on shortcuts only.",
    ),
    Claim(
        117,
        "002",
        "AlphaGo's input is 19×19×48: 48 features, or strategies.",
        CAVEAT,
        "48×19×19",
        lambda: show(counted("alphago-policy").input),
        "The 48 planes describe the board (stones, liberties, captures) and were made by hand; they are no strategies.",
    ),
    Claim(
        118,
        "002",
        "AlphaGo's output is a 19×19 map of probabilities, and P = (F − 1)/2 keeps that size throughout.",
        RIGHT,
        "1×19×19, 361 probabilities; 19 throughout: 1×1 pad 0, 3×3 pad 1, 5×5 pad 2",
        _paddings,
    ),
)
