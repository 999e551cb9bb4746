"""The audit finds what is wrong."""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from striate import Network, find
from striate.audit import audit, require_agreement
from striate.errors import AuditError
from tests.spec.test_network import NESTED
from tests.strategies import networks


def test_every_kind_of_block_agrees() -> None:
    require_agreement(audit(NESTED))


@given(network=networks())
@settings(max_examples=40, deadline=None)
def test_random_networks_agree(network: Network) -> None:
    require_agreement(audit(network))


def test_a_difference_is_an_error_that_names_it() -> None:
    checks = audit(find("lenet5"))
    checks[0] = replace(checks[0], macs=(117600, 117601))
    with pytest.raises(AuditError) as caught:
        require_agreement(checks)
    assert str(caught.value) == (
        "the account and the built module differ in 1 of 14 layers.\n"
        "C1: MACs 117,600 in the account, 117,601 in the module\n"
        "This is a fault of Striate, not of the network: please report it."
    )


def test_who_counted_is_said() -> None:
    by_path = {check.path: check.counted_by for check in audit(find("lenet5"))}
    assert by_path["C1"] == "FlopCounterMode"
    assert by_path["C3"] == by_path["S2"] == by_path["output"] == "uses of its weights"


def test_bytes_kept_are_those_of_the_layer_that_keeps_them() -> None:
    by_path = {check.path: check.kept for check in audit(find("lenet5"))}
    assert by_path["C1"] == (2 * 4 * 32 * 32, 2 * 4 * 32 * 32)
    assert by_path["tanh1"] == (2 * 4 * 6 * 28 * 28, 2 * 4 * 6 * 28 * 28)
    assert by_path["flatten1"] == (0, 0)
    checks = [replace(check, kept=(1, 2)) if check.path == "S2" else check for check in audit(find("lenet5"))]
    with pytest.raises(AuditError, match="S2: kept bytes 1 in the account, 2 in the module"):
        require_agreement(checks)
