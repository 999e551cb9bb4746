"""Post 002: a lecture on convolutional networks: VGG."""

from __future__ import annotations

from itertools import groupby

from striate.accounting import Account
from striate.accounting.memory import memory
from striate.accounting.show.grid import megabytes
from striate.claims.claim import Claim, Verdict
from striate.claims.questions import (
    alone,
    counted,
    depth_and_error,
    filters,
    kernels,
    layer,
    listed,
    out,
    printed,
    quoted,
    sides_of,
    split,
    totals,
)
from striate.description.layers import GlobalAveragePool

RIGHT, CAVEAT, WRONG = Verdict
VGG = "vgg-d"


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


CLAIMS = (
    Claim(
        86,
        "002",
        "VGG has 3×3 convolutions with stride 1 and padding 1, and 2×2 poolings, only.",
        CAVEAT,
        "vgg-d 13 of 3×3; vgg-c 3 of 1×1, 10 of 3×3",
        lambda: f"vgg-d {kernels(VGG)}; vgg-c {kernels('vgg-c')}",
        "Configuration C has three 1×1 convolutions.",
    ),
    Claim(
        87,
        "002",
        "Of A to E, configuration D with 16 layers of weights is the best.",
        CAVEAT,
        "vgg-a 11 layers 10.4 %, vgg-b 13 layers 9.9 %, vgg-c 16 layers 8.8 %, vgg-d 16 layers 8.1 %, "
        "vgg-e 19 layers 8.0 %",
        lambda: listed([depth_and_error(f"vgg-{letter}") for letter in "abcde"]),
        "E is as good or a little better; the authors published both D and E.",
    ),
    Claim(
        88,
        "002",
        "VGG reaches a top-5 error of 7.3 %.",
        RIGHT,
        "7.3 % on ILSVRC-2014 test, seven networks (table 7 of the paper)",
        lambda: quoted(printed(VGG, "top-5 error", "ILSVRC-2014 test")),
    ),
    Claim(
        89,
        "002",
        "VGG has 138 million parameters.",
        RIGHT,
        "138,357,544 (138,344,128 weights, 13,416 biases)",
        lambda: split(totals(VGG)),
    ),
    Claim(
        90,
        "002",
        "VGG's maps shrink, 224, 112, 56, 28, 14, 7, while its filters grow, 64, 128, 256, 512.",
        RIGHT,
        "224 → 112 → 56 → 28 → 14 → 7; 64 → 128 → 256 → 512",
        lambda: (
            f"{sides_of(VGG)} → {layer(VGG, 'pool5').step.output[1]}; "
            f"{' → '.join(str(each) for each, _ in groupby(filters(VGG)))}"
        ),
    ),
    Claim(
        91,
        "002",
        "VGG keeps 24 million values, 93 MB for an image.",
        WRONG,
        "15,237,608 values, 60.95 MB (58.13 MiB)",
        lambda: f"{totals(VGG).activations:,} values, {_bytes(4 * totals(VGG).activations)}",
        "24 million is not the sum of the lecture's own rows, and 24 million values would take 96 MB.",
    ),
    Claim(
        92,
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
        93,
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
        94,
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
        95,
        "002",
        "An average pooling of 7×7×512 gives 512 values.",
        RIGHT,
        "512",
        lambda: out(alone((512, 7, 7), GlobalAveragePool())),
    ),
)
