"""What every network of the catalogue must do."""

from math import prod

import pytest
import torch
from safetensors.torch import load, save

from striate import NETWORKS, Network, account, find, from_json, from_text, to_json, to_text
from striate.audit import audit
from striate.description.layers import RBF
from striate.description.network import plan
from striate.modules import build
from tests.support.small import small

ALL = sorted(NETWORKS)


@pytest.fixture(params=ALL)
def network(request) -> Network:
    return find(request.param)


@pytest.fixture(params=ALL)
def quick(request) -> Network:
    """The network, or where it is large the same layers on a smaller input and narrower."""
    return small(find(request.param))


def test_its_name_is_its_key(network) -> None:
    assert NETWORKS[network.name]() == network


def test_json(network) -> None:
    assert from_json(to_json(network)) == network


def test_notation(network) -> None:
    for one_line in (False, True):
        text = to_text(network, one_line=one_line)
        assert from_text(text) == network
        assert to_text(from_text(text), one_line=one_line) == text


def test_account_and_module_agree(network) -> None:
    checks = audit(network)
    assert [str(check) for check in checks if not check.agrees] == []
    assert len(checks) == len(account(network).rows)
    assert sum(check.macs[1] for check in checks) == account(network).training.macs


def test_submodules_bear_the_paths(network) -> None:
    model = build(network, device="meta")
    for row in account(network).rows:
        assert model.get_submodule(row.path) is not None


def test_the_small_one_has_the_same_layers(network) -> None:
    assert [step.path for step in plan(small(network)).steps] == [step.path for step in plan(network).steps]


def test_forward_gives_a_score_for_each_class(quick) -> None:
    outputs = build(quick)(torch.rand(3, *quick.input))
    assert outputs.shape == (3, prod(plan(quick).output))
    assert torch.isfinite(outputs).all()
    if quick.probabilities:
        torch.testing.assert_close(outputs.sum(1), torch.ones(3))


def test_a_gradient_reaches_every_parameter(quick) -> None:
    initialisation = "lecun" if isinstance(quick.layers[-1], RBF) else "he"
    model = build(quick, initialisation=initialisation, generator=torch.Generator().manual_seed(0)).eval()
    heads: dict = {}
    outputs = model.logits(torch.rand(8, *quick.input, generator=torch.Generator().manual_seed(1)), heads)
    assert list(heads) == list(plan(quick).heads)
    sum(each.square().sum() for each in [outputs, *heads.values()]).backward()
    silent = [path for path, each in model.named_parameters() if each.grad is None or not each.grad.any()]
    assert silent == []


def test_weights_survive_a_file(quick) -> None:
    model, other = build(quick), build(quick)
    other.load_state_dict(load(save(dict(model.state_dict()))))
    pixels = torch.rand(2, *quick.input)
    assert torch.equal(model.eval()(pixels), other.eval()(pixels))


def test_nothing_is_computed_in_place(quick) -> None:
    """What a hook captures stays what it was."""
    model = build(quick).eval()
    captured = []
    for step in plan(quick).steps:
        model.get_submodule(step.path).register_forward_hook(lambda _, __, out: captured.append((out, out.clone())))
    model.logits(torch.rand(2, *quick.input), {})
    assert all(torch.equal(now, then) for now, then in captured)
