"""Caffe's prototxt is read by OpenCV's importer, with the account's shapes, and gives our module's outputs."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings

from striate import (
    NETWORKS,
    Activation,
    BatchNorm,
    Conv,
    Flatten,
    Gate,
    Linear,
    LocalResponseNorm,
    Network,
    Pool,
    Residual,
    Scale,
    Subsample,
    Upsample,
    find,
)
from striate.description.layers import RBF, Composite, PositionBias, Simple, changed
from striate.description.network import Step, plan
from striate.description.notation.reading import from_text
from striate.emit.source import source
from striate.errors import SpecError
from striate.modules import build
from tests.emit.repeating import WRONG_ONCE, repeating
from tests.support.caffemodel import caffemodel
from tests.support.everything import everything
from tests.support.settled import spread
from tests.support.sizes import by_name, lighter

REASON = "OpenCV 4, which imports Caffe's files, is not installed (pip install 'opencv-python-headless<5')"


@pytest.fixture
def importer() -> Any:
    cv2 = pytest.importorskip("cv2", reason=REASON)
    if not hasattr(cv2.dnn, "readNetFromCaffe"):
        pytest.skip(REASON)
    return cv2.dnn.readNetFromCaffe


def blobs(step: Step, name: str, state: dict[str, torch.Tensor], text: str) -> dict[str, list[torch.Tensor]]:
    """Our weights of a layer, by the layers of the prototxt that have them."""
    own = [each for key, each in state.items() if "num_batches" not in key and key != "index"]
    match step.layer:
        case Conv() if step.layer.table is not None:
            starts = np.cumsum([0, *map(len, step.layer.table)])
            parts = [own[0][start:end][None] for start, end in pairwise(starts)]
            inner = next(each for each in (f"{name}/more", name) if f'"{each}/filter0"' in text)
            return {
                f"{inner}/filter{at}": [part, *(each[at : at + 1] for each in own[1:])] for at, part in enumerate(parts)
            }
        case Conv():
            return {f"{name}/more" if f'"{name}/more"' in text else name: own}
        case BatchNorm():
            return {name: [own[2], own[3], torch.ones(1)], f"{name}/scale": own[:2]}
        case RBF():
            centres = torch.tensor(step.layer.centres)
            return {name: [torch.cat([torch.ones_like(centres), -2 * centres], 1), centres.square().sum(1)]}
        case Upsample():
            return {name: [torch.ones(step.output[0], 1, *step.layer.factor)]}
        case Linear() | Scale() | Subsample() | PositionBias():
            return {name: own}
        case _:
            return {}


def with_k_of_1(layer: Any) -> Any:
    """The layer with k = 1 in normalisations of responses: OpenCV's importer passes over k."""
    if isinstance(layer, LocalResponseNorm):
        return replace(layer, k=1.0)
    return changed(layer, with_k_of_1) if isinstance(layer, Composite) else layer


def compare(network: Network, read: Any) -> None:
    network = replace(network, layers=[with_k_of_1(each) for each in network.layers])
    generator = torch.Generator().manual_seed(3)
    ours = build(network, generator=generator).eval()
    spread(ours, generator)
    text, weights = source(network, "caffe"), {}
    for step in plan(network).steps:
        if isinstance(step.layer, Simple) and not step.head:
            name = step.path.replace(".", "/")
            weights |= blobs(step, name, ours.get_submodule(step.path).state_dict(), text)
    net = read(np.frombuffer(text.encode(), np.uint8), np.frombuffer(caffemodel(weights), np.uint8))
    images = torch.rand(1, *network.input, generator=generator)
    identifiers, _, outputs = net.getLayersShapes([1, *network.input])
    shapes = {net.getLayer(int(each)).name: out for each, out in zip(identifiers.ravel(), outputs, strict=True)}
    for step in plan(network).steps:
        name = step.path.replace(".", "/")
        if not step.head and name in shapes:
            assert tuple(map(int, shapes[name][0])) == (1, *step.output), step.path
    net.enableFusion(False)  # a sum and the normalisation behind it are fused into something else
    net.setInput(images.numpy())
    found = torch.from_numpy(net.forward())
    with torch.no_grad():
        expected = ours(images)
    assert found.shape == expected.shape
    assert (expected - found).abs().max() <= 1e-3 * expected.abs().max() + 1e-6


UNREADABLE = {name: "Bias" for name in NETWORKS if name.startswith(("alphago", "go-policy"))}
"""What OpenCV's importer has no layer for, although Caffe has."""


@pytest.mark.parametrize("name", by_name([*NETWORKS]))
def test_the_catalogue_gives_our_outputs(name: str, importer: Any) -> None:
    if name in UNREADABLE:
        with pytest.raises(Exception, match=UNREADABLE[name]):
            compare(lighter(find(name)), importer)
    else:
        compare(lighter(find(name)), importer)


@given(everything())
@settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_random_networks_give_our_outputs(importer: Any, network: Network) -> None:
    try:
        text = source(network, "caffe")
    except SpecError as error:
        assert "Caffe has no " in str(error)  # noqa: PT017
        return
    if "Bias" not in re.findall(r'type: "(\w+)"', text):
        compare(network, importer)


REFUSED = "averages that leave padding out"


@pytest.mark.parametrize("name", [each for each in WRONG_ONCE if each != REFUSED])
def test_what_was_wrong_once(name: str, importer: Any) -> None:
    compare(from_text(WRONG_ONCE[name]), importer)


def test_what_was_wrong_once_is_refused() -> None:
    with pytest.raises(SpecError, match=r"^p1\.block1\.pool1: Caffe has no average pooling that leaves padding out"):
        source(from_text(WRONG_ONCE[REFUSED]), "caffe")


@given(repeating())
@settings(max_examples=40, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_repeated_blocks_give_our_outputs(importer: Any, network: Network) -> None:
    try:
        source(network, "caffe")
    except SpecError as error:
        assert "Caffe has no " in str(error)  # noqa: PT017
        return
    compare(network, importer)


def test_lenet5_reads_as_a_person_would_write_it() -> None:
    text = source(find("lenet5-dense"), "caffe")
    assert text[text.index("name:") :].startswith("""\
name: "lenet5-dense"
layer {
  name: "data"
  type: "Input"
  top: "data"
  input_param {
    shape {
      dim: 1
      dim: 1
      dim: 32
      dim: 32
    }
  }
}
layer {
  name: "C1"
  type: "Convolution"
  bottom: "data"
  top: "C1"  # 6×28×28
  convolution_param {
    num_output: 6
    kernel_size: 5
  }
}
layer {
  name: "relu1"
  type: "ReLU"
  bottom: "C1"
  top: "C1"
}
layer {
  name: "S2"
  type: "Pooling"
  bottom: "C1"
  top: "S2"  # 6×14×14
  pooling_param {
    pool: MAX
    kernel_size: 2
    stride: 2
  }
}
""")


def test_nothing_is_written_over_that_is_read_again() -> None:
    network = Network("twice", (1, 4, 4), [Conv(1, kernel=1), Residual([Activation("relu"), Conv(1, kernel=1)])])
    assert 'bottom: "conv1"\n  top: "residual1/relu1"\n' in source(network, "caffe")


def test_a_pooling_that_rounds_down_is_cut() -> None:
    assert source(find("resnet18"), "caffe").count('type: "Slice"') == 2
    assert source(find("googlenet"), "caffe").count('type: "Slice"') == 0


@pytest.mark.parametrize(
    ("layer", "what", "expected", "remedy"),
    [
        (
            Activation("gelu"),
            "gelu",
            "It has relu, leaky_relu, elu, tanh and sigmoid, and what they make up.",
            "Put one of these in its place, such as silu, which is x times a sigmoid.",
        ),
        (
            LocalResponseNorm(size=4),
            "LRN over 4 maps",
            "It takes an odd number of adjacent maps.",
            "Give it an odd size, such as 5.",
        ),
        (
            Pool("average", kernel=2, padding=1, count_padding=False),
            "average pooling that leaves padding out, as this one does with a kernel of 2×2, a stride of 2×2 and a "
            "padding of (1, 1, 1, 1)",
            "It counts padding as zeros.",
            "Count the padding, or give it none.",
        ),
        (
            Pool("max", kernel=3, stride=3, padding=(0, 0, 0, 2)),
            "pooling with a kernel of 3×3, a stride of 3×3 and a padding of (0, 0, 0, 2)",
            "Its padding is the same on opposite sides, and less than the kernel.",
            "Pad opposite sides alike, by less than the kernel.",
        ),
        (
            Pool("average", kernel=3, stride=2, padding=(1, 0, 1, 0), ceil=True),
            "average pooling with a kernel of 3×3, a stride of 2×2 and a padding of (1, 0, 1, 0) whose last window "
            "hangs over the edge",
            "Its padding is the same on opposite sides.",
            "Pad opposite sides alike, or give it no ceil.",
        ),
    ],
)
def test_what_caffe_cannot_express_is_refused(layer: Any, what: str, expected: str, remedy: str) -> None:
    network = Network("odd", (4, 5, 5), [layer, Flatten(), Linear(2)])
    with pytest.raises(SpecError) as caught:
        source(network, "caffe")
    path = plan(network).steps[0].path
    assert str(caught.value).splitlines() == [f"{path}: Caffe has no {what}.", expected, remedy]


def test_hostile_names(importer: Any) -> None:
    layers = [
        Conv(2, kernel=3, padding=(0, 1, 0, 1), name="data"),
        Gate([Flatten(name="flatten"), Linear(2, name="layer")], name="top"),
        Flatten(name="name"),
        Linear(2, name="bottom"),
    ]
    compare(Network('a "quoted" {name}', (1, 4, 4), layers), importer)


def test_nothing_is_written_over_values_that_a_flatten_shares() -> None:
    """Caffe's flatten gives out its input's memory, which the gate multiplies."""
    text = source(from_text("4x8x8: conv 4 1x1, gate(flatten, relu, linear 4), linear 2"), "caffe")
    assert 'bottom: "gate1/flatten1"\n  top: "gate1/relu1"' in text
    plain = source(from_text("4x8x8: conv 4 1x1, flatten, relu, linear 4"), "caffe")
    assert 'bottom: "flatten1"\n  top: "flatten1"' in plain
