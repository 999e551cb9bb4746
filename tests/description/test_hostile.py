"""Descriptions of any kind: a network that comes back as it was, or an error of ours, and soon."""

import json
import random
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from striate import NETWORKS, Network, account, find, from_json, from_text, to_json, to_text
from striate.description.json import Json, from_dict, to_dict
from striate.errors import StriateError
from tests.support.networks import NESTED
from tests.support.strategies import networks

EXAMPLES = [to_text(find(name)) for name in ("lenet5", "googlenet", "resnet20-cifar", "simple-cnn")]
PIECES = [
    *"0123456789x×:,;|()*/#\"\\\n\t .+-", "\0", "\x1b[2J", "é", "字", "🙂", "\u202e", "\ufeff", "999999999999999999999",
    "9" * 50, "1e999", "-1e400", "1000*", "10000*(", "conv", "max 2 pad 2", "dilation 999999", "residual(", "branches(",
    "auxiliary 1e39 (", "rbf(+-; 1 nan)", "name", "paper", "table(0,", "softmax", "linear 1000000", "groups 7", "same",
    "(" * 40, "no bias", "uncounted", "ceil", 'name "../x"', "1x1x1000000:",
]  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from([10**400, -(10**30), -0.0, 1e300, "same", "../x", "\0", "\ud800", "conv", "block", "rbf"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["kind", "layers", "x"]), inner),
    max_leaves=6,
)  # fmt: skip


def mutated(text: str, dice: random.Random) -> str:
    """A text with a few pieces put in, taken away or doubled."""
    for _ in range(dice.randint(1, 4)):
        start = dice.randrange(len(text) + 1)
        end = min(len(text), start + dice.choice([0, 0, 1, 3, 10]))
        text = text[:start] + dice.choice(["", dice.choice(PIECES), text[start:end] * 2]) + text[end:]
    return text


def assert_comes_back(network: Network) -> None:
    """That the text and the JSON of a network give it again, where it fits its input."""
    assert from_json(to_json(network)) == network
    json.loads(to_json(network), parse_constant=lambda word: 1 / 0)
    with suppress(StriateError):
        account(network)
        for one_line in (True, False):
            assert from_text(to_text(network, one_line=one_line)) == network


@given(example=st.sampled_from(EXAMPLES), seed=st.integers(0, 2**32))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_mutated_texts_are_networks_or_errors_of_ours(example: str, seed: int) -> None:
    with suppress(StriateError):
        assert_comes_back(from_text(mutated(example, random.Random(seed))))


def places(value: Json) -> list[tuple[dict | list, str | int]]:
    """Every member of a document, with what holds it."""
    found: list[tuple[dict | list, str | int]] = []
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found += [(value, key), *places(inner)]
    return found


@given(name=st.sampled_from(["nested", "lenet1", "googlenet"]), data=st.data())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_mutated_documents_are_networks_or_errors_of_ours(name: str, data: st.DataObject) -> None:
    document = to_dict(NESTED if name == "nested" else find(name))
    for _ in range(data.draw(st.integers(1, 2))):
        holder, key = data.draw(st.sampled_from(places(document)))
        match data.draw(st.sampled_from(["other", "gone", "more"])):
            case "other":
                holder[key] = data.draw(ANYTHING)
            case "gone":
                del holder[key]
            case _ if isinstance(holder, dict):
                holder[data.draw(st.text(max_size=4))] = data.draw(ANYTHING)
            case _:
                holder *= 2
    with suppress(StriateError):
        assert_comes_back(from_dict(document))
    with suppress(StriateError):
        from_json(json.dumps(document))


@given(text=st.text(max_size=40) | st.binary(max_size=40).map(lambda each: each.decode("latin-1")))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_any_name_is_a_network_or_an_error_of_ours(text: str) -> None:
    with suppress(StriateError):
        find(text)


@given(network=networks())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_whatever_fits_comes_back(network: Network) -> None:
    account(network)
    assert_comes_back(network)


def test_names_are_found_however_they_are_written() -> None:
    written = {"LeNet-5": "lenet5", "VGG-16": "vgg-d", "ResNet-50": "resnet50", "AlexNet": "alexnet", "VGG 19": "vgg-e"}
    written |= {"GoogLeNet": "googlenet", "resnet_152": "resnet152", "vgg16": "vgg-d", "lenet5": "lenet5"}
    for text, name in written.items():
        assert find(text).name == name
    for name in NETWORKS:
        assert find(name).name == find(name.upper().replace("-", "_")).name == name
