"""Networks as JSON: round trips, and files that are refused with their place."""

import json
import time

import pytest
from hypothesis import given, settings

from striate import NETWORKS, find, from_json, to_json
from striate.errors import FormatError
from tests.support.networks import NESTED
from tests.support.strategies import networks


@pytest.mark.parametrize("network", [*(find(name) for name in NETWORKS), NESTED], ids=lambda network: network.name)
def test_round_trip(network) -> None:
    text = to_json(network)
    assert from_json(text) == network
    assert to_json(from_json(text)) == text


@given(network=networks())
@settings(max_examples=50, deadline=None)
def test_round_trip_of_random_networks(network) -> None:
    text = to_json(network)
    assert from_json(text) == network
    assert to_json(from_json(text)) == text


def document(**changes):
    return json.loads(to_json(find("lenet5-dense"))) | changes


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("{", "not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)."),
        ("[]", "the file is not a JSON object."),
        ("{}", "format is None."),
        (json.dumps(document(version=2)), "version is 2."),
        (json.dumps(document(colour="red")), "colour is an unknown key."),
        (json.dumps(document(layers=[{"kind": "conv2d"}])), "layers[0].kind is 'conv2d'."),
        (json.dumps(document(layers=[{"kind": "conv", "filters": 6}])), "layers[0].kernel is missing."),
        (
            json.dumps(document(layers=[{"kind": "conv", "filters": 6, "kernel": 5, "strides": 2}])),
            "layers[0].strides is an unknown key.",
        ),
        (
            json.dumps(document(layers=[{"kind": "block", "layers": [{"kind": "linear", "units": -1}]}])),
            "layers[0].layers[0]: Linear units is -1.",
        ),
        (json.dumps(document(input=[32, 32])), "the input is [32, 32]."),
        (json.dumps(document(source={"paper": "p"})), "source is not complete."),
        ('{"format": "striate-network", "format": "x"}', "the key 'format' is given twice in one object."),
        ('{"format": NaN}', "NaN is not a number that JSON has."),
        ("[" * 100000, None),
    ],
)
def test_what_is_refused_says_where(content, text) -> None:
    with pytest.raises(FormatError) as caught:
        from_json(content)
    if text is not None:
        assert str(caught.value).splitlines()[0] == text


def test_a_file_is_named_in_its_error(tmp_path) -> None:
    path = tmp_path / "mine.json"
    path.write_text("{}")
    with pytest.raises(FormatError, match=r"mine.json: format is None"):
        find(str(path))
    with pytest.raises(FormatError, match=r"none.json: cannot be read: No such file"):
        find(str(tmp_path / "none.json"))
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormatError, match="not a text file"):
        find(str(path))


def test_a_file_stands_for_its_network(tmp_path) -> None:
    path = tmp_path / "lenet.json"
    path.write_text(to_json(find("lenet5")))
    assert find(str(path)) == find("lenet5")


def test_a_key_that_stands_twice_among_many_is_found_at_once() -> None:
    text = "{" + "".join(f'"k{number}": 0, ' for number in range(200_000)) + '"k199999": 0}'
    start = time.process_time()
    with pytest.raises(FormatError, match="the key 'k199999' is given twice"):
        from_json(text)
    assert time.process_time() - start < 5
