"""The notation: round trips, what it understands, and errors that point at the place."""

import re
from contextlib import suppress
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from striate import Network, Source, account, find, from_json, from_text, to_json, to_text
from striate.description.checks import title
from striate.description.layers import (
    ALPHAS,
    FUNCTIONS,
    KINDS,
    RBF,
    Activation,
    Auxiliary,
    BatchNorm,
    Block,
    Branches,
    Conv,
    Dropout,
    Flatten,
    Gate,
    GlobalAveragePool,
    Layer,
    Linear,
    LocalResponseNorm,
    PadChannels,
    Pool,
    PositionBias,
    Residual,
    Scale,
    Shuffle,
    Softmax,
    Subsample,
    Upsample,
)
from striate.description.limits import MAGNITUDE, YEAR
from striate.description.notation.words import WORDS, usage
from striate.errors import FormatError, SpecError
from tests.support.networks import NESTED
from tests.support.strategies import networks

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]) | st.sampled_from("\u200d\u00a0"), max_size=12)
FINITE = st.floats(-MAGNITUDE, MAGNITUDE)


def is_title(text: str) -> bool:
    with suppress(SpecError):
        return bool(title("a name", text))
    return False


TITLES = TEXTS.filter(is_title)


def layers_of(text: str) -> tuple[Layer, ...]:
    return tuple(from_text(f"3x32x32: {text}").layers)


@pytest.mark.parametrize("one_line", [False, True])
def test_round_trip(one_line: bool) -> None:
    text = to_text(NESTED, one_line=one_line)
    assert from_text(text) == NESTED
    assert to_text(from_text(text), one_line=one_line) == text


@given(network=networks(), one_line=st.booleans())
@settings(max_examples=100, deadline=None)
def test_round_trip_of_random_networks(network: Network, one_line: bool) -> None:
    text = to_text(network, one_line=one_line)
    assert from_text(text) == network
    assert ("\n" in text) is not one_line


@given(
    name=TITLES,
    paper=TEXTS,
    year=st.integers(0, YEAR),
    place=TEXTS,
    departures=st.lists(TEXTS, max_size=2),
    rate=st.floats(0, 0.999) | st.just(-0.0),
    layer=NAMES,
    centres=st.lists(
        st.lists(
            st.one_of(st.sampled_from([1.0, -1.0, -0.0]), FINITE),
            min_size=2,
            max_size=2,
        ),
        min_size=1,
        max_size=3,
    ),
    row=st.sets(st.integers(0, 20), min_size=1),
)
def test_round_trip_of_every_text_and_number(name, paper, year, place, departures, rate, layer, centres, row) -> None:
    layers = [
        Conv(1, kernel=1, table=(tuple(sorted(row)),), name=layer),
        Dropout(rate),
        Auxiliary([GlobalAveragePool()], weight=rate),
        Flatten(),
        RBF(centres),
    ]
    network = Network(name, (3, 4, 5), layers, Source(paper, year, place, tuple(departures)))
    for one_line in (True, False):
        assert from_text(to_text(network, one_line=one_line)) == network
    assert from_json(to_json(network)) == network
    assert to_json(from_json(to_json(network))) == to_json(network)


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        ("conv 16 5x5 pad 2", [Conv(16, kernel=5, padding=2)]),
        ("conv 96 11x11 /4", [Conv(96, kernel=11, stride=4)]),
        ("conv 8 3 /2x1 same", [Conv(8, kernel=3, stride=(2, 1), padding="same")]),
        ("conv 8 3×5 pad 1x2", [Conv(8, kernel=(3, 5), padding=(1, 2))]),
        ("conv 8 3x3 pad 0 1 2 3", [Conv(8, kernel=3, padding=(0, 1, 2, 3))]),
        ("conv 9 3x3 groups 3 dilation 2 no bias", [Conv(9, kernel=3, groups=3, dilation=2, bias=False)]),
        ("conv 2 1x1 table(02 1)", [Conv(2, kernel=1, table=((0, 2), (1,)))]),
        ("conv 2 1x1 table(0,12 12,)", [Conv(2, kernel=1, table=((0, 12), (12,)))]),
        ("conv 2 1x1 table(01 # a) comment\n 1)", [Conv(2, kernel=1, table=((0, 1), (1,)))]),
        ("C1: Conv 6 5x5, ReLU", [Conv(6, kernel=5, name="C1"), Activation("relu")]),
        ("max 3 /2", [Pool("max", kernel=3, stride=2)]),
        ("max 2 ceil", [Pool("max", kernel=2, ceil=True)]),
        ("average 7", [Pool("average", kernel=7)]),
        ("average 3 pad 1 uncounted", [Pool("average", kernel=3, padding=1, count_padding=False)]),
        ("global_average", [GlobalAveragePool()]),
        ("subsample 2, scaled_tanh", [Subsample(kernel=2), Activation("scaled_tanh")]),
        (
            "lrn, lrn 3 alpha 1e-3 beta 0.5 k 1",
            [LocalResponseNorm(), LocalResponseNorm(size=3, alpha=1e-3, beta=0.5, k=1)],
        ),
        ("bn, bn epsilon 0.001 momentum 0.01", [BatchNorm(), BatchNorm(epsilon=0.001, momentum=0.01)]),
        ("dropout 0.5, pad_channels 8, position_bias", [Dropout(0.5), PadChannels(8), PositionBias()]),
        (
            "silu, leaky_relu, elu alpha 0.5",
            [Activation("silu"), Activation("leaky_relu"), Activation("elu", alpha=0.5)],
        ),
        ("upsample 2x1, shuffle 3, scale", [Upsample((2, 1)), Shuffle(3), Scale()]),
        (
            "gate(relu), branches(; relu; kept: ())",
            [Gate([Activation("relu")]), Branches([[], [Activation("relu")], Block([], name="kept")])],
        ),
        ("linear 10", [Flatten(), Linear(10)]),
        ("flatten, linear 4 no bias, softmax", [Flatten(), Linear(4, bias=False), Softmax()]),
        ("global_average, linear 4", [GlobalAveragePool(), Linear(4)]),
        ("softmax", [Flatten(), Softmax()]),
        ("rbf(+-; 0.5 -2)", [Flatten(), RBF([[1, -1], [0.5, -2]])]),
        ("(relu)", [Block([Activation("relu")])]),
        ("2*relu", [Activation("relu")] * 2),
        ("b: 2*(relu, bn)", [Block([Activation("relu"), BatchNorm()], name=f"b{number}") for number in (1, 2)]),
        ("residual(relu)", [Residual([Activation("relu")])]),
        ("residual(relu | bn)", [Residual([Activation("relu")], shortcut=[BatchNorm()])]),
        (
            "branches(conv 64 1x1; conv 96 1x1, relu; a: (bn); ((bn)))",
            [
                Branches(
                    [
                        [Conv(64, kernel=1)],
                        [Conv(96, kernel=1), Activation("relu")],
                        Block([BatchNorm()], name="a"),
                        Block([Block([BatchNorm()])]),
                    ]
                )
            ],
        ),
        ("auxiliary(linear 2)", [Auxiliary([Flatten(), Linear(2)])]),
        (
            "h: auxiliary 0.5 (global_average, linear 2)",
            [Auxiliary([GlobalAveragePool(), Linear(2)], weight=0.5, name="h")],
        ),
        (
            "relu # a comment, with a comma\n\n  bn,\n# another\ntanh\n",
            [Activation("relu"), BatchNorm(), Activation("tanh")],
        ),
        ("residual(\n  relu\n|\n  bn\n)", [Residual([Activation("relu")], shortcut=[BatchNorm()])]),
        ("rbf( # glyphs\n +-+;\r\n --+ )", [Flatten(), RBF([[1, -1, 1], [-1, -1, 1]])]),
    ],
)
def test_what_is_understood(text: str, layers: list[Layer]) -> None:
    assert layers_of(text) == tuple(layers)


def test_headers() -> None:
    text = '# mine\nname my-net\npaper "On \\"nets\\"" 1998\nplace "table 1"\ndeparture "none"\n\n1×8×9:\nrelu\n'
    network = from_text(text)
    assert (network.name, network.input) == ("my-net", (1, 8, 9))
    assert network.source == Source('On "nets"', 1998, "table 1", ("none",))
    assert from_text("1x2x3: relu", name="given").name == "given"
    assert from_text('paper "" 0 1x2x3: relu').source == Source("", 0)


def test_convnetjs_in_one_line() -> None:
    line = (
        "3x32x32: conv 16 5x5 pad 2, relu, max 2, conv 20 5x5 pad 2, relu, max 2, conv 20 5x5 pad 2, relu, max 2, "
        "linear 10, softmax"
    )
    assert account(from_text(line)).totals.parameters == 22_466
    assert from_text(line).layers == find("convnetjs-cifar10").layers


# refused.txt: after $ a text (\\n: a new line), then what is said of it.
REFUSED = Path(__file__).with_name("refused.txt").read_text(encoding="utf-8").strip().split("\n\n")
SHORT = {
    "LAYERS": "The layers are: conv, max, average, subsample, global_average, bn, lrn, relu, tanh, scaled_tanh, "
    "sigmoid, leaky_relu, relu6, elu, silu, gelu, gelu_tanh, hard_sigmoid, hard_swish, dropout, flatten, linear, rbf, "
    "softmax, pad_channels, upsample, shuffle, scale, position_bias, residual, gate, branches, auxiliary; "
    "and ( ) for a block.",
    "INPUT": "A network begins with its input, channels x height x width, and a colon: 3x32x32: conv 16 5x5, relu, ...",
}


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.splitlines()[0][2:40])
def test_what_is_refused_is_pointed_at(case: str) -> None:
    text, *lines = case.split("\n")
    with pytest.raises(FormatError) as caught:
        from_text(text[2:].replace("\\n", "\n").replace("\\\\", "\\"))
    assert str(caught.value).split("\n") == [SHORT.get(line, line) for line in lines]


@given(text=st.text(st.sampled_from(list('0123x× :,;|()*/#"\\\n.+-acefnorluv')), max_size=30))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_network_or_a_format_error(text: str) -> None:
    for whole in (text, f"3x8x8: {text}"):
        with suppress(FormatError):
            assert from_text(to_text(from_text(whole))) == from_text(whole)


@pytest.mark.parametrize(
    "text", ["3x8x8: " + "(" * 100_000, "3x8x8: conv " + "9" * 10_000 + " 1", "1x1x" + "9" * 5_000 + ": relu"]
)
def test_absurd_texts_are_refused(text: str) -> None:
    with pytest.raises(FormatError):
        from_text(text)


def test_a_net_file_stands_for_its_network(tmp_path) -> None:
    path = tmp_path / "mine.net"
    path.write_text(to_text(find("lenet5")))
    assert find(str(path)) == find("lenet5")
    path.write_text("\ufeff1x8x8:\n  relu\n  linear 2\n", encoding="utf-8")
    assert (find(str(path)).name, len(find(str(path)).layers)) == ("mine", 3)
    path.write_text("1x8x8:\n  rely\n")
    with pytest.raises(FormatError, match="mine.net: line 2, column 3: 'rely' is no layer"):
        find(str(path))


def test_a_network_written_out_stands_for_itself() -> None:
    assert find("1x8x8: linear 2").layers == (Flatten(), Linear(2))
    with pytest.raises(FormatError, match="line 1, column 1: 'conv' is not the size of an input"):
        find("conv 3 3x3, relu")


def test_the_page_has_every_layer_as_it_is_written() -> None:
    page = (Path(__file__).parents[2] / "docs" / "notation.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z_0-9]+\b.*?)` \| [^|]+ \|$", page, re.MULTILINE)
    assert rows[: len(WORDS)] == [usage(word) for word in WORDS]


def test_every_field_of_every_kind_can_be_written() -> None:
    for word in WORDS.values():
        written = {each.field for each in (*word.values, *word.options)} | set(word.preset) | {"name"}
        alpha = {"alpha"} if word.preset.get("function") in {*FUNCTIONS} - {*ALPHAS} else set()
        assert written | alpha == {each.name for each in fields(word.kind)} - {"_"}
    assert {word.kind for word in WORDS.values()} | {Block, Residual, Gate, Branches, Auxiliary} == set(KINDS.values())
