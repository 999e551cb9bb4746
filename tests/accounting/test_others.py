"""What other counters print, against those counters."""

import contextlib
import importlib.metadata
import io
import warnings
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis.strategies import one_of
from torch.utils.flop_counter import FlopCounterMode

from striate import Activation, Network, account, find, from_text
from striate.accounting.others import VERSIONS, as_counted_by
from striate.accounting.show.others import others_table
from striate.description.layers import FUNCTIONS, BatchNorm, Conv, Linear, Pool
from striate.errors import SpecError, UnknownNameError
from striate.modules import Built, build
from tests.support.everything import everything
from tests.support.strategies import networks


def by_torchinfo(model: Built) -> list[int]:
    from torchinfo import summary

    found = summary(model, (1, *model.network.input), verbose=0)
    return [found.total_params, found.total_mult_adds]


def by_fvcore(model: Built) -> list[int]:
    from fvcore.nn import FlopCountAnalysis, parameter_count

    analysis = FlopCountAnalysis(model, torch.zeros(1, *model.network.input))
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    return [parameter_count(model)[""], int(analysis.total())]


def by_ptflops(model: Built) -> list[int]:
    from ptflops import get_model_complexity_info

    macs, parameters = get_model_complexity_info(
        model, model.network.input, as_strings=False, print_per_layer_stat=False, ost=io.StringIO()
    )
    return [int(parameters), int(macs)]


def by_thop(model: Built) -> list[int]:
    from thop import profile

    macs, parameters = profile(model, (torch.zeros(1, *model.network.input),), verbose=False)
    return [int(parameters), int(macs)]


def by_flopcounter(model: Built) -> list[int]:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, *model.network.input))
    return [counter.get_total_flops()]


TOOLS: dict[str, Callable[[Built], list[int]]] = {
    "torchinfo": by_torchinfo,
    "fvcore": by_fvcore,
    "ptflops": by_ptflops,
    "thop": by_thop,
    "flopcounter": by_flopcounter,
}


def ask(tool: str, network: Network) -> list[int]:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        return TOOLS[tool](build(network).eval())


def said(tool: str, network: Network) -> list[int]:
    return [figure.total for figure in as_counted_by(tool, account(network)).figures]


SMALL = ["lenet5", "lenet5-dense", "lenet5-keras", "simple-cnn", "fully-connected"]


@pytest.mark.parametrize("tool", sorted(TOOLS))
@pytest.mark.parametrize("name", SMALL)
def test_small_networks_of_the_catalogue(tool: str, name: str) -> None:
    assert said(tool, find(name)) == ask(tool, find(name))


@pytest.mark.parametrize("tool", sorted(TOOLS))
def test_every_activation_and_layer_after_the_posts(tool: str) -> None:
    layers = [*FUNCTIONS, "upsample 3x2", "shuffle 2", "scale", "gate(conv 4 1x1)", "branches(; conv 2 1x1)"]
    layers += ["gate(global_average, linear 4, sigmoid)", "gate(max 6, conv 4 1x1, sigmoid)", "flatten, scale, gelu"]
    for layer in layers:
        network = from_text(f"4x6x6: conv 4 1x1, {layer}, linear 2")
        assert said(tool, network) == ask(tool, network), layer


@pytest.mark.parametrize("tool", sorted(TOOLS))
def test_a_pooling_for_which_pytorch_has_no_module(tool: str) -> None:
    network = from_text("1x6x6: average 1x3 /2 ceil, flatten, linear 2")
    assert said(tool, network) == ask(tool, network)


def test_biases_that_were_left_out_are_counted_by_the_tools() -> None:
    bare = account(find("lenet5-dense"), biases=False)
    assert [figure.total for figure in as_counted_by("torchinfo", bare).figures] == [61_706, 423_038]


@pytest.mark.parametrize("tool", sorted(TOOLS))
def test_random_networks(tool: str) -> None:
    @given(network=one_of(networks(), everything()))
    @settings(max_examples=40, deadline=None)
    def hold(network: Network) -> None:
        assert said(tool, network) == ask(tool, network)

    hold()


@pytest.mark.parametrize("tool", sorted(TOOLS))
@pytest.mark.parametrize("name", ["alexnet", "googlenet", "resnet50", "resnet20-cifar", "alphago-policy-128"])
@pytest.mark.slow
def test_large_networks_of_the_catalogue(tool: str, name: str) -> None:
    assert said(tool, find(name)) == ask(tool, find(name))


@pytest.mark.parametrize("name", ["lenet5-keras", "simple-cnn", "vgg-a", "googlenet", "resnet18", "resnet20-cifar"])
def test_keras_has_as_many_parameters(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    import keras

    total = 0
    for row in account(find(name)).rows:
        shape = row.step.inputs[0]
        places = (None, *shape[1:], shape[0])
        layer = row.step.layer
        if isinstance(layer, Conv):
            made = keras.layers.Conv2D(layer.filters, layer.kernel, groups=layer.groups, use_bias=layer.bias)
        elif isinstance(layer, Linear):
            made = keras.layers.Dense(layer.units, use_bias=layer.bias)
        elif isinstance(layer, BatchNorm):
            made = keras.layers.BatchNormalization()
        elif isinstance(layer, Pool):
            made = keras.layers.MaxPooling2D(layer.kernel)
        else:
            continue
        with keras.device("meta"):
            made.build(places)
        total += made.count_params()
    assert said("keras", find(name)) == [total]


def test_the_versions_are_those_installed() -> None:
    for tool in ("torchinfo", "fvcore", "ptflops", "thop", "keras"):
        assert importlib.metadata.version(tool).startswith(VERSIONS[tool])
    assert VERSIONS["flopcounter"] == f"PyTorch {'.'.join(torch.__version__.split('.')[:2])}"


def test_the_figures_that_people_meet_for_one_lenet() -> None:
    """The dense network with tanh and average pooling, which eight tools count in eight ways."""
    dense = find("lenet5-dense")
    layers = [
        Pool("average", kernel=2, name=layer.name) if isinstance(layer, Pool) else layer for layer in dense.layers
    ]
    network = Network(
        "tanh", dense.input, [Activation("tanh") if layer == Activation("relu") else layer for layer in layers]
    )
    figures = {tool: said(tool, network)[-1] for tool in TOOLS}
    assert figures == {
        "torchinfo": 423_038,
        "fvcore": 416_520,
        "ptflops": 435_646,
        "thop": 418_096,
        "flopcounter": 833_040,
    }


def test_the_text_is_a_sum() -> None:
    assert others_table(as_counted_by("torchinfo", account(find("lenet5-dense")))) == (
        "lenet5-dense · input 1×32×32 · as torchinfo 1.8.0 has it\n"
        "\n"
        "=  61,706  Total params, as torchinfo prints it and Striate counts it\n"
        "\n"
        "   416,520  MACs, as Striate counts them\n"
        "+    6,518  one for each bias, at every place\n"
        "=  423,038  Total mult-adds, as torchinfo prints it"
    )


def test_every_reason_has_a_name_and_adds_up() -> None:
    for tool in VERSIONS:
        for figure in as_counted_by(tool, account(find("googlenet"))).figures:
            assert figure.total == figure.start + sum(amount for _, amount in figure.reasons)
            assert all(reason for reason, _ in figure.reasons)


def test_keras_has_no_layer_for_what_it_does_not_know() -> None:
    with pytest.raises(SpecError) as caught:
        as_counted_by("keras", account(find("lenet5")))
    assert str(caught.value) == (
        "Keras has no layer for S2: subsample 2×2 /2.\n"
        "It has convolutions, pooling, linear layers and batch norm, whose parameters it prints.\n"
        "Its input is 6×28×28; a layer of your own would have 12."
    )


def test_an_unknown_tool_says_so() -> None:
    with pytest.raises(UnknownNameError) as caught:
        as_counted_by("torchinfos", account(find("lenet5")))
    assert str(caught.value) == (
        "no tool is called 'torchinfos'.\n"
        "The tools are: flopcounter, fvcore, keras, ptflops, thop, torchinfo.\n"
        "Did you mean 'torchinfo'?"
    )
