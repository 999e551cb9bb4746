"""Live modules that are read: the catalogue's own, random networks, and a class of a user's own."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from torch import Tensor, nn

import striate
from striate import NETWORKS, BatchNorm, Network, account, find, from_module, to_text
from striate.errors import FormatError
from striate.export.module import read_module
from striate.train.onnx_run import module_of
from tests.support.everything import everything
from tests.support.modules import NEAR, conv, difference, pictures, stirred
from tests.support.settled import settled
from tests.support.small import small
from tests.support.strategies import networks
from tests.support.written import written

OWN = 20.0
"""In random networks: or so many times what the module's float32 is off its float64."""
FEW = ("lenet5", "lenet5-keras", "resnet8-tiny", "simple-cnn", "mobilenet-v3-small")


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


RANDOM = settings(derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))


@settings(RANDOM, max_examples=8)
@given(everything() | networks())
def test_random_networks_come_back_or_are_refused(network: Network) -> None:
    check_random(network)


@pytest.mark.slow
@settings(RANDOM, max_examples=400)
@given(everything() | networks())
def test_many_random_networks_come_back_or_are_refused(network: Network) -> None:
    check_random(network)


@pytest.mark.slow
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


def test_a_softmax_that_closes_a_block_is_the_networks_own() -> None:
    class Small(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.features = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())
            self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(72, 4), nn.Softmax(1))

        def forward(self, images: Tensor) -> Tensor:
            return self.classifier(self.features(images))

    module = Small().eval()
    read = read_module(module, (1, 8, 8))
    assert read.network.probabilities
    assert difference(module, read) <= NEAR
    images = torch.rand(3, 1, 8, 8)
    with torch.no_grad():
        found = module_of(read.network, read).eval().logits(images)
        torch.testing.assert_close(found.softmax(1), module(images))


def test_a_batch_norm_with_a_mean_over_all_batches_has_the_usual_momentum() -> None:
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4, momentum=None), nn.Flatten(), nn.Linear(144, 2))
    found = from_module(module, (1, 8, 8))
    assert [each for each in found.layers if isinstance(each, BatchNorm)] == [BatchNorm(momentum=0.1)]
