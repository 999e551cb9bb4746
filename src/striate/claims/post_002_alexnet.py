"""Post 002: a lecture on convolutional networks: LeNet-5, AlexNet, ZFNet."""

from __future__ import annotations

from striate.accounting.memory import memory
from striate.claims.claim import Claim, Verdict
from striate.claims.questions import (
    counted,
    filters,
    layer,
    listed,
    number_of,
    out,
    points,
    printed,
    quoted,
    split,
    trained,
)
from striate.description.layers import Activation, Conv, Dropout, Linear
from striate.description.shapes import Axis

RIGHT, CAVEAT, WRONG = Verdict


def _training_memory() -> int:
    """The bytes that AlexNet's training takes, on one tower, in batches of the paper's size."""
    batch = trained("alexnet").batch or 1
    return memory(counted("alexnet-one-tower").for_batch(batch), optimiser="momentum").figures["training"]


CLAIMS = (
    Claim(
        65,
        "002",
        "LeNet-5: 5×5 convolutions, stride 1: (32 − 5)/1 + 1 = 28; 2×2 poolings, stride 2: (28 − 2)/2 + 1 = 14.",
        RIGHT,
        "conv 6 5×5, conv 16 5×5 table, conv 120 5×5; subsample 2×2 /2; 6×28×28, 6×14×14",
        lambda: (
            f"{listed([layer('lenet5', path).words for path in ('C1', 'C3', 'C5')])}; {layer('lenet5', 'S2').words}; "
            f"{out(layer('lenet5', 'C1'))}, {out(layer('lenet5', 'S2'))}"
        ),
    ),
    Claim(
        66,
        "002",
        "AlexNet's input is 227×227; the 224 of the figure is a slip.",
        CAVEAT,
        "(227 − 11)/4 + 1 = 55; (224 − 11)/4 + 1 = 54.25",
        lambda: f"{Axis(227, 11, 4).formula}; {Axis(224, 11, 4).formula}",
        "The sizes need 227 (or a padding of three pixels); the paper's text has 224 throughout.",
    ),
    Claim(
        67,
        "002",
        "AlexNet has two streams because the GPUs of 2012 were weak.",
        CAVEAT,
        "on one tower 2.64 GB to train on batches of 128; the GPU had 3 GB",
        lambda: f"on one tower {_training_memory() / 1e9:.2f} GB to train on batches of 128; the GPU had 3 GB",
        "The paper says that the memory of 3 GB limits the network. Workspace comes on top of this figure.",
    ),
    Claim(68, "002", "AlexNet's conv1 gives 55×55×96.", RIGHT, "96×55×55", lambda: out(layer("alexnet", "conv1"))),
    Claim(
        69,
        "002",
        "AlexNet's conv1 has 34,848 parameters.",
        CAVEAT,
        "34,944 (34,848 weights, 96 biases)",
        lambda: split(layer("alexnet", "conv1").counts),
        "The weights alone.",
    ),
    Claim(
        70,
        "002",
        "AlexNet's pool1 gives (55 − 3)/2 + 1 = 27, so 27×27×96, and has no parameters.",
        RIGHT,
        "96×27×27, 0 parameters",
        lambda: f"{out(layer('alexnet', 'pool1'))}, {layer('alexnet', 'pool1').counts.parameters} parameters",
        "In the paper the normalisation comes before the pooling.",
    ),
    Claim(
        72,
        "002",
        "AlexNet's filters grow from 96 to 256 and 384.",
        CAVEAT,
        "96, 256, 384, 384, 256",
        lambda: listed(filters("alexnet")),
        "The last convolution has 256 again.",
    ),
    Claim(
        73,
        "002",
        "AlexNet has ReLU after every convolution and linear layer.",
        CAVEAT,
        "7 ReLUs for 8 layers of weights",
        lambda: f"{number_of('alexnet', Activation)} ReLUs for {number_of('alexnet', Conv, Linear)} layers of weights",
        "Not before the softmax.",
    ),
    Claim(
        74,
        "002",
        "AlexNet has dropout of 0.5 in its linear layers.",
        CAVEAT,
        "2 for 3 linear layers",
        lambda: f"{number_of('alexnet', Dropout)} for {number_of('alexnet', Linear)} linear layers",
        "In the first two.",
    ),
    Claim(
        75,
        "002",
        "AlexNet is trained on batches of 128.",
        RIGHT,
        "128 (section 5 of the paper)",
        lambda: f"{trained('alexnet').batch} ({trained('alexnet').place} of the paper)",
    ),
    Claim(
        76,
        "002",
        "AlexNet is trained with a momentum of 0.8.",
        WRONG,
        "0.9 (section 5 of the paper)",
        lambda: f"{trained('alexnet').momentum} ({trained('alexnet').place} of the paper)",
        "The paper and the lecture's slide have 0.9.",
    ),
    Claim(
        77,
        "002",
        "AlexNet's learning rate is 1e-2.",
        RIGHT,
        "0.01 (section 5 of the paper)",
        lambda: f"{trained('alexnet').rate:g} ({trained('alexnet').place} of the paper)",
        "At the start; it was divided by ten three times.",
    ),
    Claim(
        78,
        "002",
        "An ensemble of seven networks lowers AlexNet's top-5 error by 2.8 points.",
        CAVEAT,
        "18.2 % − 15.4 % = 2.8",
        lambda: points(
            printed("alexnet", "top-5 error", "ILSVRC-2012 validation, one"),
            printed("alexnet", "top-5 error", "ILSVRC-2012 validation, seven"),
        ),
        "Two of the seven had learned from more images before.",
    ),
    Claim(
        81,
        "002",
        "ZFNet's conv1 is 7×7 with stride 2, where AlexNet's is 11×11 with stride 4.",
        RIGHT,
        "conv 96 7×7 /2 pad 1; conv 96 11×11 /4",
        lambda: f"{layer('zfnet', 'conv1').words}; {layer('alexnet', 'conv1').words}",
    ),
    Claim(
        82,
        "002",
        "ZFNet widens conv3, conv4 and conv5.",
        CAVEAT,
        "zfnet 384, 384, 256; zfnet-512 512, 1024, 512",
        lambda: f"zfnet {listed(filters('zfnet')[2:])}; zfnet-512 {listed(filters('zfnet-512')[2:])}",
        "That is a variant of the paper; its base has AlexNet's filters. conv2 has stride 2 as well.",
    ),
    Claim(
        83,
        "002",
        "ZFNet reaches a top-5 error of 14.8 %.",
        RIGHT,
        "14.8 % on ILSVRC-2012 test, six networks (table 2 of the paper)",
        lambda: quoted(printed("zfnet", "top-5 error", "ILSVRC-2012 test")),
        "Six networks together; one network of the wider variant has 16.1 %.",
    ),
)
