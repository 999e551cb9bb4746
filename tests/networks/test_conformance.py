"""What every network of the catalogue must do."""

import pytest
import torch
from safetensors.torch import load, save

from striate import NETWORKS, account, find, from_json, to_json
from striate.audit import audit
from striate.build import build
from striate.spec.layers import RBF

ALL = sorted(NETWORKS)


@pytest.fixture(params=ALL)
def network(request):
    return find(request.param)


def test_its_name_is_its_key(network) -> None:
    assert NETWORKS[network.name]() == network


def test_json(network) -> None:
    assert from_json(to_json(network)) == network


def test_account_and_module_agree(network) -> None:
    checks = audit(network)
    assert [str(check) for check in checks if not check.agrees] == []
    assert len(checks) == len(account(network).rows)
    assert sum(check.macs[1] for check in checks) == account(network).training.macs


def test_forward_gives_a_score_for_each_class(network) -> None:
    outputs = build(network)(torch.rand(3, *network.input))
    assert outputs.shape == (3, 10)
    assert torch.isfinite(outputs).all()
    if network.probabilities:
        torch.testing.assert_close(outputs.sum(1), torch.ones(3))


def test_a_gradient_reaches_every_parameter(network) -> None:
    initialisation = "lecun" if isinstance(network.layers[-1], RBF) else "he"
    model = build(network, initialisation=initialisation, generator=torch.Generator().manual_seed(0)).eval()
    model.logits(torch.rand(8, *network.input)).square().sum().backward()
    silent = [path for path, each in model.named_parameters() if each.grad is None or not each.grad.any()]
    assert silent == []


def test_weights_survive_a_file(network) -> None:
    model, other = build(network), build(network)
    other.load_state_dict(load(save(dict(model.state_dict()))))
    pixels = torch.rand(2, *network.input)
    assert torch.equal(model.eval()(pixels), other.eval()(pixels))


def test_submodules_bear_the_paths(network) -> None:
    model = build(network, device="meta")
    for row in account(network).rows:
        assert model.get_submodule(row.path) is not None


def test_nothing_is_computed_in_place(network) -> None:
    """What a hook captures stays what it was."""
    model = build(network).eval()
    captured = []
    for row in account(network).rows:
        model.get_submodule(row.path).register_forward_hook(lambda _, __, out: captured.append((out, out.clone())))
    model(torch.rand(2, *network.input))
    assert all(torch.equal(now, then) for now, then in captured)
