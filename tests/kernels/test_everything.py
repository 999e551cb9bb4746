"""Everything that the notation can say, on every kernel, against PyTorch in float64; memory is NaN beforehand."""

from __future__ import annotations

import os

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from striate import Network, from_text
from striate.description.layers import BatchNorm
from striate.description.network import plan
from tests.support.comparison import (
    INSTRUCTION_SETS,
    Case,
    check_answers,
    check_engine,
    check_module,
    nan_in_new_tensors,
)
from tests.support.everything import ANSWERING, JOINED, SEQUENTIAL, everything

pytestmark = pytest.mark.skipif(not INSTRUCTION_SETS, reason="the kernels have not been compiled")

FIXED = "1x10x10: conv 8 3x3 /2 same, bn, relu, conv 9 3x3 /2 same, bn, relu, global_average, linear 32, "
MODULES = {
    "a sum of flat vectors": "1x8x8: flatten, linear 8, residual(linear 8, relu), linear 2",
    "a sum after global_average": f"{FIXED}residual(linear 32, relu), linear 10",
    "a shortcut of flat vectors": "2x5x5: linear 4, residual(linear 6, bn, tanh | linear 6), bn, linear 2",
    "sums inside sums": "2x5x5: linear 4, residual(residual(linear 4, tanh), residual(bn, linear 4)), linear 2",
    "an activation after global_average": "1x8x8: conv 3 3x3, global_average, tanh, linear 2",
    "position_bias in a body": "2x8x8: conv 3 3x3 same, residual(position_bias, tanh), conv 2 3x3, linear 2",
    "position_bias in a branch": "2x8x8: branches(conv 2 1x1, position_bias; position_bias; bn), relu, linear 2",
    "position_bias on vectors": "1x4x4: linear 5, residual(position_bias, tanh), linear 2",
    "heads inside heads": "2x8x8: conv 3 3x3, auxiliary(global_average, tanh, auxiliary(relu, linear 2), linear 3), "
    "linear 2",
    "a head of the output": "2x8x8: conv 3 3x3, linear 4, auxiliary(tanh, linear 3)",
    "a head of the logits": "2x8x8: conv 3 3x3, linear 4, auxiliary(tanh, linear 3), softmax",
    "a head that only has a head": "2x8x8: conv 3 3x3, auxiliary(auxiliary(tanh)), linear 4",
    "a head of maps": "2x6x6: conv 3 3x3, auxiliary(tanh), conv 2 3x3, auxiliary(relu, auxiliary(tanh)), linear 4",
    "no division by an image that is not there": "1x8x8: conv 3 3x3 no bias, tanh, lrn 3 alpha 1 k 0, linear 2",
    "a sum of one thing": "2x6x6: residual(auxiliary(linear 2)), linear 4, residual(auxiliary(linear 2)), linear 2",
}
ENDINGS = (
    "1x8x8: linear 5, tanh, softmax",
    "1x8x8: conv 4 3x3, relu, conv 5 3x3 same, flatten, softmax",
    "1x8x8: conv 4 3x3, bn, relu, conv 5 3x3 same, flatten, softmax",
    "1x8x8: conv 4 3x3 same, relu, conv 3 3x3 same, sigmoid, flatten",
    "1x8x8: conv 4 3x3, bn, relu6, conv 1 1x1 no bias, position_bias, flatten, softmax",
    "2x8x8: conv 20 3x3, relu6, conv 1 1x1 no bias, position_bias, tanh, flatten, softmax",
    "2x6x6: position_bias, tanh, conv 3 3x3, max 2, flatten",
    "1x8x8: conv 4 3x3, flatten, residual(linear 144, tanh), linear 2",
    "1x8x8: conv 4 3x3 same, bn, flatten, residual(position_bias, tanh), linear 2",
    "2x6x6: conv 3 3x3 same, max 2 /1, flatten, position_bias, softmax",
    # Padded windows over maps of 1×1, behind a convolution that could be a linear layer.
    "1x8x8: conv 12 8x8, relu, conv 4 3x3 same, linear 3",
    "3x1x1: conv 20 1x1, bn, relu, conv 5 3x3 same, linear 3",
    "3x1x1: conv 20 1x1, residual(conv 20 3x3 same), linear 3",
    "2x4x4: conv 20 4x4, relu, max 3 pad 1, conv 6 1x1, flatten",
)
ANSWERS = (
    "8x6x6: gate(global_average, linear 2, relu, linear 8, sigmoid), flatten, linear 3",
    "1x8x8: conv 20 8x8, relu, conv 4 3x3 same, linear 3",
    "3x2x2: conv 20 2x2, bn, relu, conv 20 3x3 same groups 20, bn, relu, conv 8 1x1, bn, linear 3",
    "8x6x6: conv 8 3x3 same, bn, gate(global_average, linear 8, hard_sigmoid), relu, linear 3",
    "4x6x6: residual(conv 4 3x3 same, bn, silu, gate(average 6, conv 4 1x1, sigmoid)), hard_swish, linear 3",
    "4x6x6: gate(conv 4 3x3 same, tanh), gate(gate(conv 4 1x1, gelu)), conv 2 3x3, gelu_tanh, linear 3",
    "4x6x6: conv 20 3x3, gelu, max 2, silu, linear 9, gate(linear 9, sigmoid), linear 3, softmax",
    "4x6x6: branches(gate(global_average, linear 4, sigmoid); ; gate(bn)), conv 3 1x1, leaky_relu, linear 3",
    "3x6x6: conv 4 3x3, auxiliary(silu, linear 2), elu, linear 3",
    "3x6x6: residual(conv 3 3x3 same, auxiliary(bn, gate(tanh), linear 2)), linear 3, auxiliary(linear 2)",
)
POOLS = (
    *("max 3 /3 pad 1", "average 4 pad 1", "average 3 /3 pad 2", "max 2 /3", "max 3 /4 pad 1", "average 1x2 /5x3"),
    *("max 4 /4 pad 3x0", "average 3 /3 pad 0x2", "max 2 /2 pad 1", "max 3 /2 pad 1 ceil", "average 2 /2 ceil"),
    *("average 3 /3 pad 1 uncounted", "max 2x3 /4x3 pad 1 0 2 1", "subsample 2 /3", "subsample 2x3 /2x4"),
)


@pytest.mark.parametrize("text", MODULES.values(), ids=MODULES.keys())
@pytest.mark.parametrize("images", [2, 19])
def test_what_once_was_wrong_or_may_be(text: str, images: int) -> None:
    assert any(
        check_module(Case(from_text(text), images, seed), instruction_sets=INSTRUCTION_SETS) for seed in range(4)
    )


@pytest.mark.parametrize("text", ENDINGS)
@pytest.mark.parametrize("images", [2, 19])
def test_a_last_layer_may_be_any(text: str, images: int) -> None:
    cases = [Case(from_text(text), images, seed) for seed in range(4)]
    assert any(check_engine(case, instruction_sets=INSTRUCTION_SETS) for case in cases)


@pytest.mark.parametrize("text", ANSWERS)
@pytest.mark.parametrize("images", [1, 19])
def test_what_is_taken_for_answers_alone(text: str, images: int) -> None:
    check_answers(Case(from_text(text), images), instruction_sets=INSTRUCTION_SETS)


@pytest.mark.parametrize("pool", POOLS)
def test_every_pixel_has_a_gradient_whether_it_is_read_or_not(pool: str) -> None:
    for size in (13, 15, 16):
        after_tanh = from_text(f"1x{size}x{size}: conv 2 3x3 same, tanh, {pool}, linear 2")
        plain = from_text(f"1x{size}x{size}: conv 2 3x3 same, {pool}, linear 2")
        for network, images in ((after_tanh, 3), (plain, 17)):
            cases = [Case(network, images, seed) for seed in range(4)]
            assert any(check_module(case, instruction_sets=INSTRUCTION_SETS) for case in cases)
            assert any(check_engine(case, instruction_sets=INSTRUCTION_SETS) for case in cases)


def examples(count: int) -> settings:
    """So many of a fixed seed; with HYPOTHESIS_PROFILE=nightly new ones, as many as the profile says."""
    health = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    if os.environ.get("HYPOTHESIS_PROFILE") == "nightly":
        return settings(suppress_health_check=health)
    return settings(max_examples=count, derandomize=True, database=None, deadline=None, suppress_health_check=health)


@examples(60)
@given(everything(), st.sampled_from([1, 2, 3, 16, 17, 33]), st.integers(0, 9))
def test_any_network_layer_by_layer(network: Network, images: int, seed: int) -> None:
    if images == 1 and any(isinstance(step.layer, BatchNorm) for step in plan(network).steps):
        images = 2
    assume(check_module(Case(network, images, seed), instruction_sets=INSTRUCTION_SETS))


@examples(60)
@given(everything(only=SEQUENTIAL), st.integers(1, 40), st.integers(0, 9), st.sampled_from([1, 2]))
def test_any_network_as_a_whole(network: Network, images: int, seed: int, threads: int) -> None:
    assume(check_engine(Case(network, images, seed), instruction_sets=INSTRUCTION_SETS, threads=threads))


@examples(60)
@given(everything(only=JOINED), st.integers(2, 40), st.integers(0, 9), st.sampled_from([1, 2]))
def test_any_network_with_statistics_as_a_whole(network: Network, images: int, seed: int, threads: int) -> None:
    assume(check_engine(Case(network, images, seed), instruction_sets=INSTRUCTION_SETS, threads=threads))


@examples(60)
@given(everything(only=ANSWERING), st.integers(1, 40), st.integers(0, 9), st.sampled_from([1, 2]))
def test_any_network_answers_as_a_whole(network: Network, images: int, seed: int, threads: int) -> None:
    check_answers(Case(network, images, seed), instruction_sets=INSTRUCTION_SETS, threads=threads)


def test_memory_is_nan_beforehand() -> None:
    """Else the tests above would see a fault only where memory happens to have been used."""
    with nan_in_new_tensors():
        assert torch.empty(3).isnan().all()
        assert torch.ones(1).new_empty(2, 3).isnan().all()
    assert os.environ["STRIATE_POISON"]
