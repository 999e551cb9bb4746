"""torchvision's variants of networks, where they differ from the papers'; most published weights are for these.

Layers have this catalogue's names. MACs and parameters were counted from torchvision 0.29.1.
"""

from __future__ import annotations

from functools import partial

from striate.description.layers import (
    Activation,
    BatchNorm,
    Block,
    Branches,
    Conv,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Layer,
    Linear,
    Pool,
    Softmax,
)
from striate.description.network import Network
from striate.networks import googlenet, resnet, vgg
from striate.networks.alexnet import classifier
from striate.networks.entry import Entry, Paper

WEIRD_TRICK = Paper(
    "krizhevsky2014one",
    "misc",
    ("Alex Krizhevsky",),
    "One weird trick for parallelizing convolutional neural networks",
    2014,
    (("eprint", "1404.5997"), ("archiveprefix", "arXiv")),
)
# The configuration of VGG behind each name, by the number of weight layers.
VGG_BN = {"vgg11-bn": "vgg-a", "vgg13-bn": "vgg-b", "vgg16-bn": "vgg-d", "vgg19-bn": "vgg-e"}


def alexnet_torchvision() -> Network:
    """The later AlexNet on one tower, without response normalisation: 61,100,840 parameters."""
    layers: list[Layer] = []
    for number, (filters, kernel, stride, padding) in enumerate(
        ((64, 11, 4, 2), (192, 5, 1, 2), (384, 3, 1, 1), (256, 3, 1, 1), (256, 3, 1, 1)), 1
    ):
        layers += [
            Conv(filters, kernel=kernel, stride=stride, padding=padding, name=f"conv{number}"),
            Activation("relu", name=f"relu{number}"),
        ]
        if number in (1, 2, 5):
            layers.append(Pool("max", kernel=3, stride=2, name=f"pool{number}"))
    head: list[Layer] = [Flatten()]
    for number in (6, 7):
        head += [
            Dropout(0.5, name=f"drop{number}"),
            Linear(4096, name=f"fc{number}"),
            Activation("relu", name=f"relu{number}"),
        ]
    return Network(
        "alexnet-torchvision",
        (3, 224, 224),
        [*layers, *head, Linear(1000, name="fc8"), Softmax()],
        WEIRD_TRICK.source(
            "section 5, as torchvision has it", "The third convolution has 384 filters and the fourth 256, as there."
        ),
    )


def resnet_torchvision(depth: int) -> Network:
    """A bottleneck ResNet whose stride is in the 3×3 convolution: 231,211,008 MACs more than the paper's."""
    return resnet.resnet(f"resnet{depth}-torchvision", depth, stride_on=2)


def vgg_bn(name: str) -> Network:
    """A configuration of VGG with batch norm after each convolution."""
    layers: list[Layer] = []
    for block, (filters, kernels) in enumerate(zip(vgg.FILTERS, vgg.TABLE_1[VGG_BN[name]], strict=True), 1):
        for number, kernel in enumerate(kernels, 1):
            place = f"{block}_{number}"
            layers += [
                Conv(filters, kernel=kernel, padding=kernel // 2, name=f"conv{place}"),
                BatchNorm(name=f"norm{place}"),
                Activation("relu", name=f"relu{place}"),
            ]
        layers.append(Pool("max", kernel=2, name=f"pool{block}"))
    return Network(
        name,
        (3, 224, 224),
        [*layers, *classifier()],
        vgg.PAPER.source("section 2.1, table 1", "Batch norm behind each convolution, which the paper does not have."),
    )


def googlenet_torchvision() -> Network:
    """GoogLeNet with batch norm, 3×3 filters in place of 5×5, and no auxiliary heads: 6,624,904 parameters."""
    modules = [_inception(name) for name in googlenet.INCEPTIONS]
    return Network(
        "googlenet-torchvision",
        (3, 224, 224),
        [
            *_conv(64, "1", kernel=7, stride=2),
            _pool("pool1", 3),
            *_conv(64, "2_reduce", kernel=1),
            *_conv(192, "2", kernel=3),
            _pool("pool2", 3),
            *modules[:2],
            _pool("pool3", 3),
            *modules[2:7],
            _pool("pool4", 2),
            *modules[7:],
            GlobalAveragePool(name="pool5"),
            Dropout(0.2, name="drop5"),
            Linear(1000, name="fc"),
            Softmax(),
        ],
        googlenet.PAPER.source(
            "section 5, table 1, as torchvision has it",
            "Batch norm behind each convolution, and no biases; 3×3 filters where the paper has 5×5.",
            "No response normalisation; the fourth pooling is 2×2; dropout of 0.2.",
            "The auxiliary heads are left out, as they are when torchvision loads weights.",
        ),
    )


def _inception(name: str) -> Branches:
    ones, reduce3, threes, reduce5, fives, projection = googlenet.INCEPTIONS[name]
    pool = Pool("max", kernel=3, stride=1, padding=1, name="pool")
    return Branches(
        [
            Block(_conv(ones, "1", kernel=1), name="branch1"),
            Block([*_conv(reduce3, "1", kernel=1), *_conv(threes, "2", kernel=3)], name="branch2"),
            Block([*_conv(reduce5, "1", kernel=1), *_conv(fives, "2", kernel=3)], name="branch3"),
            Block([pool, *_conv(projection, "1", kernel=1)], name="branch4"),
        ],
        name=f"inception{name}",
    )


def _conv(filters: int, name: str, *, kernel: int, stride: int = 1) -> list[Layer]:
    return [
        Conv(filters, kernel=kernel, stride=stride, padding=kernel // 2, bias=False, name=f"conv{name}"),
        BatchNorm(epsilon=0.001, name=f"norm{name}"),
        Activation("relu", name=f"relu{name}"),
    ]


def _pool(name: str, kernel: int) -> Pool:
    return Pool("max", kernel=kernel, stride=2, ceil=True, name=name)


ENTRIES = {
    "alexnet-torchvision": Entry(
        alexnet_torchvision, "AlexNet on one tower with fewer filters, as torchvision has it.", WEIRD_TRICK
    ),
    "googlenet-torchvision": Entry(
        googlenet_torchvision,
        "GoogLeNet with batch norm and 3×3 filters for 5×5, as torchvision has it.",
        googlenet.PAPER,
    ),
    **{
        f"resnet{depth}-torchvision": Entry(
            partial(resnet_torchvision, depth),
            f"{depth} weight layers, the stride in the 3×3 convolutions, as torchvision has it.",
            resnet.PAPER,
            recipe="resnet",
        )
        for depth in (50, 101, 152)
    },
    **{
        name: Entry(
            partial(vgg_bn, name),
            f"VGG's configuration {configuration.removeprefix('vgg-').upper()} with batch norm.",
            vgg.PAPER,
            recipe="vgg",
        )
        for name, configuration in VGG_BN.items()
    },
}
