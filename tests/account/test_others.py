"""What other counters print, against those counters."""

import contextlib
import importlib.metadata
import io
import warnings
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from torch.utils.flop_counter import FlopCounterMode

from striate import Network, account, find
from striate.account.others import VERSIONS, as_counted_by
from striate.build import Built, build
from striate.errors import SpecError, UnknownNameError
from tests.strategies import networks


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
def test_random_networks(tool: str) -> None:
    @given(network=networks())
    @settings(max_examples=20, deadline=None)
    def hold(network: Network) -> None:
        assert said(tool, network) == ask(tool, network)

    hold()
