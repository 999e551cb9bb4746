"""The audit finds what is wrong."""

import json
from dataclasses import replace

import pytest
import torch
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from torch import Tensor

from striate import Network, find, from_text, to_text
from striate.audit import audit, require_agreement
from striate.audit_kernels import audit_kernels, require_kernels
from striate.cli import root
from striate.errors import AuditError
from striate.execution.layerwise import Layerwise
from striate.kernels.engine import Engine
from tests.support.everything import everything
from tests.support.networks import NESTED
from tests.support.strategies import networks


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


def test_all_kernels_agree_with_the_module() -> None:
    gated = from_text(
        "3x16x16: conv 8 3x3 same, bn, relu, auxiliary(global_average, linear 10), residual(conv 8 3x3 same, relu), "
        "gate(global_average, linear 8, sigmoid), conv 16 3x3 /2 same, linear 10, softmax"
    )
    found = {check.kernels: check for check in audit_kernels(gated)}
    assert "conv" in {check.kernels: check for check in audit_kernels(NESTED)}["channels-last"].refused
    require_kernels([*found.values()])
    assert found["engine"].refused
    assert found["operators"].gradients.keys() == found["channels-last"].gradients.keys()
    assert max(found["operators"].gradients.values()) < 1e-3


@given(network=everything())
@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
def test_no_sound_kernel_is_called_wrong(network: Network) -> None:
    require_agreement(audit(network))
    require_kernels(audit_kernels(network))


def test_broken_kernels_are_named_with_the_layers_where_they_differ(monkeypatch) -> None:
    network = from_text("1x9x9: conv 3 3x3, relu, dropout 0.5, conv 2 3x3, linear 4")
    right = Layerwise.logits

    def wrong(self: Layerwise, images: Tensor, heads: dict[str, Tensor] | None = None) -> Tensor:
        self.module.get_submodule("conv2").get_parameter("bias").data += 0.1
        try:
            return right(self, images, heads)
        finally:
            self.module.get_submodule("conv2").get_parameter("bias").data -= 0.1

    monkeypatch.setattr(Layerwise, "logits", wrong)
    checks = audit_kernels(network)
    assert [(check.kernels, check.agrees) for check in checks] == [
        ("engine", True),
        ("operators", False),
        ("channels-last", True),
    ]
    with pytest.raises(AuditError) as caught:
        require_kernels(checks)
    assert str(caught.value) == (
        "the module on PyTorch and operators differ.\n"
        f"operators differs in {', '.join(checks[1].wrong)}\n"
        "This is a fault of Striate, not of the network: please report it. Until then train with --kernels torch."
    )
    assert "linear1" in checks[1].wrong
    told = CliRunner().invoke(root, ["audit", to_text(network, one_line=True)])
    assert isinstance(told.exception, AuditError)
    assert "✗  linear1" in told.output
    members = json.loads(CliRunner().invoke(root, ["audit", to_text(network, one_line=True), "--json"]).stdout)
    assert members[-1]["kernels"]["operators"]["agrees"] is False
    assert members[-1]["kernels"]["engine"]["agrees"] is True


def test_memory_that_kernels_leave_unwritten_is_found(monkeypatch) -> None:
    network = from_text("1x9x9: conv 3 3x3, tanh, linear 4")
    monkeypatch.setattr(Engine, "outputs", lambda self, pictures, threads: torch.empty(len(pictures), 4))
    found = {check.kernels: check for check in audit_kernels(network)}
    assert found["engine"].wrong == ("linear1",)
    assert found["operators"].agrees


def test_where_gradients_prove_little_the_audit_says_so(monkeypatch) -> None:
    network = "1x9x9: conv 3 3x3, bn, relu, linear 4"
    asked = ["audit", network]
    assert "The gradients prove little" not in CliRunner().invoke(root, asked).stdout
    monkeypatch.setattr("striate.audit_kernels.LAST_DIGITS", 0.3)
    told = CliRunner().invoke(root, asked).stdout
    assert "The gradients prove little" in told
    checks = [check for check in audit_kernels(from_text(network)) if not check.refused]
    assert all(f"{check.allowed:.1e}" in told for check in checks)
    members = json.loads(CliRunner().invoke(root, [*asked, "--json"]).stdout)
    assert members[0]["kernels"]["operators"]["allowed"] == checks[0].allowed


def test_kernels_that_are_not_run_say_why() -> None:
    huge = from_text("1x8x8: linear 1000000, linear 200")
    assert {check.refused for check in audit_kernels(huge)} == {"it has more than 200,000,000 parameters"}
    found = audit_kernels(from_text("1x8x8: conv 2 3x3, scale, linear 2"))
    assert [check.refused for check in found] == ["scale1 is a Scale", "", ""]


def test_auditing_kernels_leaves_pytorch_as_it_was() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state(), torch.are_deterministic_algorithms_enabled(), torch.get_num_threads()
    audit_kernels(from_text("1x8x8: conv 2 3x3, bn, dropout 0.5, linear 2"))
    after = torch.get_rng_state(), torch.are_deterministic_algorithms_enabled(), torch.get_num_threads()
    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]


def test_dropout_draws_nothing_wherever_it_stands() -> None:
    inside = ["residual(dropout 0.5)", "gate(conv 2 1x1, dropout 0.5)", "branches(; dropout 0.5)", "(dropout 0.5)"]
    network = from_text(f"2x6x6: conv 2 3x3 same, {', '.join(inside)}, linear 3")
    assert all(check.agrees for check in audit_kernels(network))


def test_a_batch_norm_without_epsilon_agrees() -> None:
    """PyTorch refuses to train one; an ONNX file may have one."""
    network = from_text("1x8x8: conv 2 3x3, bn epsilon 0, linear 2")
    assert all(each.agrees for each in audit(network))
