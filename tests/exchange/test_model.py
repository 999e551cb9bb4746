"""Networks that Striate writes as ONNX and another runtime runs: its outputs are the module's.

The reference is the module in float64. What is compared with it is how far ONNX Runtime, in float32, is off, as a share
of the output's range. Over the catalogue this is 2e-6 at most, where PyTorch's own float32 is off as much.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from torch import Tensor

from striate import NETWORKS, Network, find, from_json, from_text
from striate.description.network import plan
from striate.look.capture import capture
from striate.modules import Built, weights_of
from tests.support.everything import everything
from tests.support.settled import settled
from tests.support.sizes import lighter
from tests.support.small import is_large, small
from tests.support.strategies import networks

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from striate.errors import AuditError, RequirementError, SpecError  # noqa: E402 - after what may be missing
from striate.exchange import onnx_model, proto, requirement  # noqa: E402
from striate.exchange.graph import Graph, Node, Value  # noqa: E402

NEAR = 1e-5
"""The largest difference, as a share of the output's range."""
OWN = 20.0
"""In random networks, which may subtract two large numbers: or so many times what PyTorch's float32 is off."""
KINDS = {
    "windows in padding": "2x9x8: conv 4 3x3 pad 0 2 1 0, max 3 /2 pad 1 0 2 1, average 3x2 /2 pad 1 1 0 1, linear 3",
    "dilation, groups and strides": "4x15x13: conv 8 3x2 /2x1 dilation 2x3 groups 4, conv 6 1x3 groups 2, linear 3",
    "a window that hangs over": "2x10x12: average 4x3 /3x2 pad 2x0 ceil, linear 3",
    "one that hangs over padding": "2x8x8: average 3 /2 pad 1x0 ceil, linear 3",
    "one that hangs, uncounted": "2x8x8: average 3 /2 pad 1 ceil uncounted, linear 3",
    "a maximum that hangs over": "2x11x12: max 4 /3 ceil, max 2 /5 ceil, linear 3",
    "a last row that no window reads": "1x8x9: max 3 /4 pad 0 2 0 0, linear 3",
    "sums": "3x11x12: subsample 3 /2, subsample 2x3 /1x2, linear 3",
    "an even normalisation": "7x4x4: lrn 4 alpha 0.1, lrn 2 beta 0.5 k 1, linear 3",
    "normalisations without effect": "5x4x4: lrn 3 alpha 0, lrn 3 beta 0, linear 3",
    "large factors": "1x2x3: upsample 41x49, conv 2 5 /3, linear 3",
    "flat vectors": "2x3x3: flatten, flatten, linear 5 no bias, bn, scale, position_bias, gate(linear 5, sigmoid), "
    "residual(linear 5 | linear 5), softmax, linear 3",
    "dropout last": "2x3x3: linear 4, dropout 0.5, softmax, auxiliary(linear 3), dropout 0.2",
    "nothing else": "3x1x1: flatten, dropout 0.5, softmax",
    "heads": "2x6x6: auxiliary(conv 3 3, linear 2), conv 2 3, dropout 0.5, auxiliary(linear 3), linear 4, softmax",
    "maps in the end": "3x8x8: conv 4 3 same, relu",
}


def answers(model, images: Tensor) -> dict[str, Tensor]:
    """Every output of a model, by name, of ONNX Runtime."""
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]
    return {
        name: torch.from_numpy(found)
        for name, found in zip(names, session.run(None, {"images": images.numpy()}), strict=True)
    }


def pictures(network: Network, count: int = 2) -> Tensor:
    return torch.randn(count, *network.input, generator=torch.Generator().manual_seed(5))


@torch.inference_mode()
def errors(network: Network, module: Built, *, images: int = 2) -> tuple[float, float]:
    """How far ONNX Runtime's logits, and PyTorch's in float32, are from those in float64, as shares of their range."""
    given = pictures(network, images)
    found = answers(onnx_model(network, weights_of(module)), given)["logits"]
    own = module.logits(given)
    reference = module.double().logits(given.double())
    span = (reference.max() - reference.min()).item() or 1.0
    assert found.shape == reference.shape
    return tuple((each - reference).abs().max().item() / span for each in (found, own))  # pyright: ignore[reportReturnType]


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_at_a_small_size(name: str) -> None:
    network = small(find(name))
    assert errors(network, settled(network))[0] <= NEAR


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NETWORKS if is_large(find(name))])
def test_every_network_at_its_own_size(name: str) -> None:
    network = lighter(find(name))
    assert errors(network, settled(network), images=1)[0] <= NEAR


@pytest.mark.parametrize("text", KINDS.values(), ids=KINDS.keys())
def test_each_kind_of_layer(text: str) -> None:
    network = from_text(text)
    for seed in range(3):
        assert errors(network, settled(network, seed=seed), images=3)[0] <= NEAR


@settings(
    max_examples=150,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
@given(everything() | networks())
def test_every_layer_of_any_network(network: Network) -> None:
    module = settled(network)
    images = pictures(network, 3)
    found = answers(onnx_model(network, weights_of(module), every_layer=True), images)
    with capture(module) as own:
        module(images)
    own = dict(own)
    with capture(module.double()) as reference:
        module(images.double())
    steps = plan(network).steps
    logits = [step.path for step in steps if not step.head and step.path not in found]
    assert len(logits) == 1
    for step in steps:
        if step.head:
            assert step.path not in found
            continue
        value = found[step.path if step.path in found else "logits"]
        expected = reference[step.path]
        span = max((expected.max() - expected.min()).item(), expected.abs().max().item())
        most = max(NEAR * span, OWN * (own[step.path] - expected).abs().max().item())
        assert value.shape == expected.shape
        assert (value - expected).abs().max().item() <= most, step.path


def test_any_number_of_images() -> None:
    network = find("lenet5")
    model = onnx_model(network, weights_of(settled(network)))
    many = answers(model, pictures(network, 37))["logits"]
    one = answers(model, pictures(network, 37)[9:10])["logits"]
    assert torch.allclose(many[9:10], one, rtol=1e-5, atol=1e-4)
    assert many.shape == (37, 10)


def test_names_are_those_of_the_description() -> None:
    network = from_text("1x8x8: C1: conv 4 3x3, dropout 0.5, S2: subsample 2, label: linear 3, bn, softmax")
    model = onnx_model(network, weights_of(settled(network)))
    assert [(each.op_type, each.name, each.output[0]) for each in model.graph.node] == [
        ("Conv", "C1", "C1"),
        ("AveragePool", "S2/mean", "S2/mean"),
        ("Mul", "S2/scale", "S2/scale"),
        ("Add", "S2", "S2"),
        ("Flatten", "flatten1", "flatten1"),
        ("Gemm", "label", "label/value"),
        ("BatchNormalization", "batch_norm1", "logits"),
    ]
    weights = {each.name for each in model.graph.initializer}
    assert {"C1.weight", "C1.bias", "S2.bias", "label.weight", "batch_norm1.running_var"} <= weights
    described = {each.key: each.value for each in model.metadata_props}
    assert from_json(described["network"]) == network
    sizes = {
        each.name: [size.dim_value or size.dim_param for size in each.type.tensor_type.shape.dim]
        for each in model.graph.value_info
    }
    assert sizes["C1"] == ["batch", 4, 6, 6]


def test_every_layer_has_an_output_of_its_own() -> None:
    network = from_text("1x8x8: conv 4 3x3, dropout 0.5, auxiliary(linear 2), linear 3, dropout 0.5, softmax")
    found = answers(onnx_model(network, weights_of(settled(network)), every_layer=True), pictures(network))
    assert list(found) == ["logits", "conv1", "dropout1", "flatten1", "linear1", "softmax1"]
    assert torch.equal(found["dropout1"], found["conv1"])
    assert torch.allclose(found["softmax1"], found["logits"].softmax(1))


def test_the_module_stays_as_it_was() -> None:
    network = find("lenet5-dense")
    module = settled(network).double()
    before = {name: each.clone() for name, each in module.state_dict().items()}
    model = onnx_model(network, weights_of(module))
    assert all(torch.equal(each, before[name]) for name, each in module.state_dict().items())
    kinds = {each.name: onnx.numpy_helper.to_array(each).dtype for each in model.graph.initializer}
    assert {kinds[name] for name in before} == {np.dtype("float32")}


def test_a_package_that_is_missing_is_named(monkeypatch) -> None:
    monkeypatch.setattr("striate.extras.find_spec", lambda name: None)
    monkeypatch.setattr("striate.extras.install", lambda extra: f"pip install 'striate[{extra}]'")
    network = find("lenet5")
    with pytest.raises(RequirementError) as caught:
        onnx_model(network, weights_of(settled(network)))
    assert str(caught.value) == (
        "ONNX files need onnx.\nIt comes with the extra `onnx`.\nInstall it: pip install 'striate[onnx]'"
    )
    with pytest.raises(RequirementError) as caught:
        requirement.require_onnx()
    assert str(caught.value) == (
        "ONNX files need onnx and onnxruntime.\nThey come with the extra `onnx`.\n"
        "Install them: pip install 'striate[onnx]'"
    )


def test_weights_too_large_for_a_file_are_refused_with_their_size(monkeypatch) -> None:
    monkeypatch.setattr(proto, "MOST_BYTES", 200_000)
    with pytest.raises(SpecError) as caught:
        onnx_model(find("lenet5-dense"), weights_of(settled(find("lenet5-dense"))))
    assert str(caught.value) == (
        "the weights of lenet5-dense take 0.0 GB.\nAn ONNX file may have 0.0 GB at most.\nMake the network narrower."
    )


def test_a_graph_that_is_no_model_is_refused_with_the_checkers_words() -> None:
    graph = Graph([Node("Relu", "relu", ("nothing",), "logits", {})])
    end = Value("logits", "float32", (3,))
    with pytest.raises(AuditError) as caught:
        proto.to_proto(graph, name="odd", inputs=[Value("images", "float32", (3,))], outputs=[end], properties={})
    text = str(caught.value)
    assert text.startswith("ONNX's checker refuses the graph of odd: ")
    assert text.endswith(
        "\nIt must be a valid model, and its shapes those of the account.\n"
        "This is an error in Striate; please report it with the network."
    )


def test_a_shape_that_is_not_the_accounts_is_refused() -> None:
    graph = Graph([Node("Relu", "relu", ("images",), "relu", {}), Node("Tanh", "tanh", ("relu",), "logits", {})])
    graph.shapes["relu"] = (4,)
    value = Value("images", "float32", (3,))
    with pytest.raises(AuditError, match="relu"):
        proto.to_proto(graph, name="odd", inputs=[value], outputs=[Value("logits", "float32", (3,))], properties={})


def test_a_constant_has_one_name() -> None:
    graph = Graph()
    graph.constant("C1.weight", np.zeros(3))
    with pytest.raises(SpecError) as caught:
        graph.constant("C1.weight", np.zeros(3))
    assert str(caught.value) == "C1.weight is written twice.\nEvery constant of a graph has a name of its own."
