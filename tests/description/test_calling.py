"""What is said of a layer that is called otherwise than its fields are."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate import (
    RBF,
    Branches,
    Conv,
    Dropout,
    Flatten,
    Linear,
    Network,
    Pool,
    Subsample,
    account,
    find,
    to_json,
    to_text,
)
from striate.accounting import account as strict_account
from striate.description.layers import KINDS
from striate.description.network import Network as Described
from striate.errors import ArgumentError, SpecError

CONV = "It takes filters without one, and by name: kernel, stride, padding, dilation, groups, table, bias, name."
CALLS: dict[str, tuple[Callable[[], object], str]] = {
    "too many": (
        lambda: Conv(16, 3, 2, bias=False),  # type: ignore[misc]
        f"Conv is called with 3 arguments without a name.\n{CONV}\nWrite Conv(16, kernel=3, stride=2, bias=False).",
    ),
    "pool": (
        lambda: Pool("max", 2),  # type: ignore[misc]
        "Pool is called with 2 arguments without a name.\n"
        "It takes function without one, and by name: kernel, stride, padding, ceil, count_padding, name.\n"
        "Write Pool('max', kernel=2).",
    ),
    "none": (
        lambda: Subsample(2),  # type: ignore[misc]
        "Subsample is called with 1 argument without a name.\n"
        "It takes by name: kernel, stride, name.\nWrite Subsample(kernel=2).",
    ),
    "lacking": (lambda: Conv(16), f"Conv lacks kernel.\n{CONV}\nWrite Conv(16, kernel=...)."),  # type: ignore[call-arg]
    "unknown": (
        lambda: Conv(16, kernel_size=3),  # type: ignore[call-arg]
        f"Conv has no kernel_size.\n{CONV}\nDid you mean kernel?",
    ),
    "twice": (
        lambda: Conv(16, filters=3, kernel=3),  # type: ignore[misc]
        f"Conv is given filters twice.\n{CONV}\nLeave one of them out.",
    ),
    "layers without a list": (
        lambda: Network("mine", (1, 8, 8), Flatten(), Linear(2), Linear(3)),  # type: ignore[call-arg]
        "Network is called with 5 arguments without a name.\n"
        "It takes name, input, layers, source.\nWrite Network(name, input, layers, source).",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_text(name: str) -> None:
    call, text = CALLS[name]
    with pytest.raises(ArgumentError) as raised:
        call()
    assert str(raised.value) == text
    assert isinstance(raised.value, TypeError)


def test_what_is_no_list_where_one_is_wanted() -> None:
    for call in (lambda: RBF(3), lambda: RBF((1.0, 2.0)), lambda: Branches(3), lambda: Branches(None)):  # type: ignore[arg-type]
        with pytest.raises(SpecError):
            call()


arguments = st.one_of(
    st.integers(-2, 9), st.text(max_size=3), st.none(), st.booleans(), st.lists(st.integers(), max_size=2)
)


@given(st.sampled_from([*KINDS.values(), Described]), st.lists(arguments, max_size=6), st.data())
def test_no_call_ends_in_a_word_of_python(kind: type, positions: list[object], data: st.DataObject) -> None:
    names = st.sampled_from([*inspect.signature(kind).parameters, "colour"])
    named = data.draw(st.dictionaries(names, arguments, max_size=4))
    with suppress(SpecError):
        kind(*positions, **named)


def test_a_good_call_is_as_it_was() -> None:
    assert Conv(16, kernel=3) == Conv(filters=16, kernel=3)
    assert str(inspect.signature(Dropout)) == "(rate: 'float' = 0.5, *, name: 'str' = '') -> None"


def test_a_name_does_where_a_network_does() -> None:
    network = find("lenet5")
    assert account("lenet5") == account(network) == strict_account(network)
    assert account("1x8x8: conv 2 3x3, linear 3", batch=2).batch == 2
    assert to_text("lenet5", one_line=True) == to_text(network, one_line=True)
    assert to_json("lenet5") == to_json(network)
    assert account("vgg16").network.name == "vgg-d"
