"""Networks for other classes than their own."""

import pytest

from striate import NETWORKS, RBF, Flatten, Linear, Network, Softmax, find
from striate.description.network import plan
from striate.errors import SpecError
from striate.networks.adapt import adapted
from striate.networks.glyphs import centres

WORDS = ("cat", "dog", "emu")


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_with_a_linear_output_gets_one_unit_a_class(name: str) -> None:
    network = find(name)
    if name.startswith(("alphago", "go-policy")):
        with pytest.raises(SpecError, match="has no linear layer whose units could be 3 classes."):
            adapted(network, WORDS)
    elif isinstance(network.layers[-1], RBF):
        with pytest.raises(SpecError, match=rf"{name} ends in 1[01] RBF units, which cannot be 3 classes\."):
            adapted(network, WORDS)
    else:
        found = adapted(network, WORDS)
        assert plan(found).output == (3,)
        before, after = plan(network).steps, plan(found).steps
        changed = [one.path for one, other in zip(before, after, strict=True) if one.layer != other.layer]
        assert len(changed) == 1 + len(plan(network).heads)
        assert adapted(found, WORDS) == found


def test_what_fits_is_left_alone() -> None:
    network = Network("two", (1, 4, 4), [Flatten(), Linear(3), Softmax()])
    assert adapted(network, WORDS) is network


def test_rbf_units_get_the_bitmaps_of_characters() -> None:
    letters = tuple("ABCabc")
    found = adapted(find("lenet5"), letters)
    assert found.layers[-1].centres == centres(letters)
    assert found.layers[:-1] == find("lenet5").layers[:-1]
    assert adapted(find("lenet5"), tuple("0123456789")) == find("lenet5")
    assert adapted(find("lenet5"), tuple("9876543210")).layers[-1].centres == centres(tuple("9876543210"))
