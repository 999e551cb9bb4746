"""Memory's figures, against tensors that PyTorch holds."""

import pytest
import torch
from hypothesis import given, settings

from striate import Conv, Flatten, Linear, Network, Pool, Residual, account, find
from striate.accounting.liveness import gradient_peak, inference_peak
from striate.accounting.memory import DTYPES, OPTIMISERS, largest_batch, memory, parse_bytes
from striate.accounting.show.memory import budget_text, memory_table
from striate.description.network import INPUT, plan
from striate.errors import SpecError, UnknownNameError
from striate.modules import build
from striate.train.muon import Muon
from tests.support.strategies import networks


def run_by_hand(network: Network) -> int:
    """The most values of maps alive at once when the modules run one by one, each map let go after its last reader."""
    model, planned = build(network, device="meta").eval(), plan(network)
    steps = [(number, step) for number, step in enumerate(planned.steps) if not step.head]
    values = {INPUT: torch.empty(1, *network.input, device="meta")}
    peak = 0
    for position, (number, step) in enumerate(steps):
        sources = [values[source] for source in step.sources]
        module = model.get_submodule(step.path)
        match step.layer:
            case Residual():
                values[number] = sources[0] + sources[1]
            case _ if len(sources) > 1:
                values[number] = torch.cat(sources, 1)
            case _:
                values[number] = module(sources[0])
        storages = {each.untyped_storage()._cdata: each.untyped_storage().nbytes() for each in values.values()}
        peak = max(peak, sum(storages.values()))
        later = {source for _, other in steps[position + 1 :] for source in other.sources} | {planned.last}
        values = {key: value for key, value in values.items() if key in later}
    return peak // 4


@given(network=networks())
@settings(max_examples=60, deadline=None)
def test_the_inference_peak_is_what_a_run_holds(network: Network) -> None:
    assert inference_peak(plan(network)) == run_by_hand(network)


def test_the_inference_peak_of_known_networks() -> None:
    assert inference_peak(plan(find("simple-cnn"))) == 2 * 64 * 28 * 28
    skip = Network("n", (1, 8, 8), [Conv(4, kernel=1), Residual([Conv(8, kernel=1), Conv(4, kernel=1)])])
    assert inference_peak(plan(skip)) == (4 + 8 + 4) * 64


def test_the_gradient_peak_holds_a_shortcut_too() -> None:
    skip = Network("n", (1, 8, 8), [Conv(4, kernel=1), Residual([Conv(8, kernel=1), Conv(4, kernel=1)])])
    assert gradient_peak(plan(skip)) == (4 + 8 + 4) * 64
    assert gradient_peak(plan(find("fully-connected"))) == 10


@pytest.mark.parametrize("dtype", sorted(DTYPES))
@pytest.mark.parametrize("optimiser", sorted(OPTIMISERS))
def test_optimiser_state_is_what_pytorch_keeps(dtype: str, optimiser: str) -> None:
    model = build(find("lenet5")).to(getattr(torch, dtype))
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    kinds = {
        "sgd": lambda: torch.optim.SGD(model.parameters()),
        "momentum": lambda: torch.optim.SGD(model.parameters(), momentum=0.9),
        "adam": lambda: torch.optim.Adam(model.parameters()),
        "adamw": lambda: torch.optim.AdamW(model.parameters()),
        "adadelta": lambda: torch.optim.Adadelta(model.parameters()),
        "muon": lambda: Muon([{"params": list(model.parameters())}], lr=0.1, momentum=0.9),
    }
    made = kinds[optimiser]()
    made.step()
    held = [tensor for state in made.state.values() for tensor in state.values() if isinstance(tensor, torch.Tensor)]
    figures = memory(account(find("lenet5")), dtype=dtype, optimiser=optimiser).figures
    assert figures["optimiser state"] == sum(tensor.nbytes for tensor in held)
    assert figures["parameters"] == figures["gradients"] == sum(each.nbytes for each in model.parameters())
    assert figures["fixed values"] == model.output.centres.nbytes


def test_totals_are_sums_of_their_parts() -> None:
    figures = memory(account(find("simple-cnn"), batch=3), optimiser="momentum").figures
    parts = ["parameters", "fixed values", "gradients", "optimiser state", "kept for backward", "gradients in flight"]
    assert figures["training"] == sum(figures[name] for name in parts)
    assert figures["inference"] == figures["parameters"] + figures["fixed values"] + figures["inference peak"]


def test_all_outputs_are_the_textbook_sum() -> None:
    network = Network("n", (3, 8, 8), [Conv(4, kernel=3), Pool("max", kernel=2), Flatten(), Linear(10)])
    assert memory(account(network, batch=2), dtype="float16").figures["all outputs"] == 2 * 2 * (192 + 144 + 36 + 10)


@pytest.mark.parametrize("budget", ["200MB", "1GiB", "8GiB"])
@pytest.mark.parametrize("name", ["lenet5", "simple-cnn"])
def test_the_largest_batch_fits_and_one_more_does_not(name: str, budget: str) -> None:
    one, limit = account(find(name)), parse_bytes(budget)
    best = largest_batch(one, limit)
    assert (
        memory(one.for_batch(best)).figures["training"] <= limit < memory(one.for_batch(best + 1)).figures["training"]
    )


def test_no_batch_fits_in_too_little() -> None:
    result = memory(account(find("simple-cnn")), dtype="float16", optimiser="sgd")
    assert largest_batch(result.account, 10**6) == 0
    assert " ".join(budget_text(result, 10**6).split()) == (
        "No batch trains within 1.0000 MB (0.9537 MiB) with float16, sgd: one image takes 6.3208 MB (6.0280 MiB)."
    )


@pytest.mark.parametrize(("text", "size"), [("8GiB", 8 * 2**30), ("8gb", 8 * 10**9), ("1.5 MiB", 1572864), ("7", 7)])
def test_amounts_of_memory(text: str, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "GiB", "8 GiBs", "-1GB", "1e9"])
def test_what_is_no_amount_says_so(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_bytes(text)
    assert str(caught.value) == (
        f"{text!r} is not an amount of memory.\n"
        "It must be a number and a unit: B, kB, MB, GB, TB, KiB, MiB, GiB, TiB.\n"
        "1 GiB is 1024³ bytes, 1 GB is 1000³."
    )


def test_unknown_types_and_optimisers_say_so() -> None:
    with pytest.raises(UnknownNameError) as caught:
        memory(account(find("lenet5")), dtype="float23")
    assert str(caught.value) == (
        "no dtype is called 'float23'.\nThe dtypes are: bfloat16, float16, float32, float64.\nDid you mean 'float32'?"
    )
    with pytest.raises(UnknownNameError, match="no optimiser is called 'rmsprop'."):
        memory(account(find("lenet5")), optimiser="rmsprop")


@pytest.mark.parametrize("name", ["simple-cnn", "alexnet", "googlenet", "resnet152"])
@pytest.mark.parametrize("depth", [None, 1])
@pytest.mark.parametrize("width", [80, 160])
def test_the_table_keeps_within_the_page_and_has_every_figure(width: int, depth: int | None, name: str) -> None:
    result = memory(account(find(name), batch=128))
    text = memory_table(result, width=width, depth=depth)
    assert max(map(len, text.splitlines())) <= width
    assert all(f"{figure:,}" in text for figure in result.figures.values())
