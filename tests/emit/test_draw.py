"""Figures: every layer is in them, with its shape; nothing lies on a text; a slide shows every network legibly."""

from collections import Counter
from cProfile import Profile
from dataclasses import replace
from math import prod

import pytest
from hypothesis import given, settings

from striate import (
    NETWORKS,
    Activation,
    Auxiliary,
    Block,
    Branches,
    Conv,
    Flatten,
    Layer,
    Linear,
    Network,
    Residual,
    Source,
    by_name,
    find,
    from_text,
)
from striate.description.network import plan
from striate.description.shapes import show
from striate.emit.draw.choose import STYLES, figure_of
from striate.emit.draw.figure import SLIDE, Figure
from striate.emit.draw.marks import INPUT, SMALL, Volume
from striate.emit.draw.stops import _size as maps_at
from striate.emit.draw.words import sizes
from striate.errors import SpecError
from tests.emit.overlaps import problems
from tests.support.commands import python
from tests.support.everything import everything
from tests.support.strategies import networks

FIRST = ("lenet5", "alexnet", "vgg-d", "googlenet", "resnet50", "densenet121", "mobilenet-v2", "efficientnet-b0")


def layers_of(figure: Figure) -> int:
    """How many layers a figure stands for: those of its nodes, as often as they and the panels around them repeat."""
    panels = {panel.id: panel for panel in figure.panels}

    def times(panel: str) -> int:
        return panels[panel].times * times(panels[panel].parent) if panel else 1

    return sum(
        len(node.layers) * times(node.panel) * (node.times if isinstance(node, Volume) else 1) for node in figure.nodes
    )


def check(network: Network, figure: Figure) -> None:
    """What holds for the figure of any network."""
    steps = plan(network).steps
    numbers = {step.path: number for number, step in enumerate(steps)}
    assert layers_of(figure) == len(steps)
    ids = Counter(node.id for node in figure.nodes)
    assert set(ids.values()) == {1}
    assert set(Counter(panel.id for panel in figure.panels).values()) <= {1}
    paths = [path for node in figure.nodes for path in node.layers]
    assert set(paths) <= set(numbers)
    assert len(set(paths)) == len(paths)
    reached = {arrow.target for arrow in figure.arrows if arrow.target}
    assert {arrow.source for arrow in figure.arrows} <= set(ids)
    assert reached == set(ids) - {INPUT}
    layers = {node.id: [steps[numbers[path]] for path in node.layers] for node in figure.nodes}
    for arrow in figure.arrows:
        if arrow.size and "…" not in arrow.size and layers.get(arrow.target):
            assert arrow.size in {sizes((shape,)) for shape in layers[arrow.target][0].inputs}, arrow
    for node in figure.nodes:
        if isinstance(node, Volume) and layers[node.id] and "…" not in node.lines[-1].words:
            assert node.lines[-1].words in {maps_at((step.output,)) for step in layers[node.id]}, node.id
    assert list(problems(figure)) == []
    assert min(text.size for text in figure.all_texts()) >= SMALL


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("style", STYLES)
def test_every_network_of_the_catalogue(name: str, style: str) -> None:
    network = find(name)
    for depth in (1, 2, 9):
        check(network, figure_of(network, style=style, depth=depth))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_slide_shows_it_legibly(name: str) -> None:
    network = find(name)
    figure = figure_of(network)
    check(network, figure)
    assert SMALL * min(SLIDE[0] / figure.width, SLIDE[1] / figure.height) >= 14


@settings(max_examples=60, deadline=None)
@given(networks())
def test_random_networks(network: Network) -> None:
    for style in STYLES:
        check(network, figure_of(network, style=style))


@settings(max_examples=60, deadline=None)
@given(everything())
def test_random_networks_of_everything(network: Network) -> None:
    for style in STYLES:
        check(network, figure_of(network, style=style))
        check(network, figure_of(network, style=style, depth=1))


def test_lenet5_is_drawn_as_the_paper_draws_it() -> None:
    figure = figure_of(find("lenet5"))
    volumes = [[text.words for text in node.lines] for node in figure.nodes]
    assert volumes == [
        ["input", "1@32×32"],
        ["C1", "6@28×28"],
        ["S2", "6@14×14"],
        ["C3", "16@10×10"],
        ["S4", "16@5×5"],
        ["C5", "120@1×1"],
        ["F6", "84"],
        ["output", "10"],
    ]
    assert [text.words for text in figure.arrows[2].lines] == ["conv 5×5", "table", "scaled tanh"]
    assert [len(node.faces) for node in figure.nodes if isinstance(node, Volume)] == [1, 6, 6, 10, 10, 1, 1, 1]


def test_the_styles_are_chosen_by_the_network() -> None:
    chosen = {name: figure_of(find(name)).style for name in FIRST}
    assert [name for name, style in chosen.items() if style == "volumes"] == ["lenet5", "alexnet", "vgg-d"]


def test_resnet50_has_its_blocks_folded_and_its_sums_joined() -> None:
    figure = figure_of(find("resnet50"))
    assert [panel.times for panel in figure.panels if panel.times > 1] == [2, 3, 5, 2]
    assert [panel.name for panel in figure.panels if panel.times > 1][2] == "block2 … block6"
    joins = [node for node in figure.nodes if node.id in ("stage3.block1", "stage3.block2")]
    into = {join.id: [arrow.source for arrow in figure.arrows if arrow.target == join.id] for join in joins}
    assert into["stage3.block1"] == ["stage3.block1.norm3", "stage3.block1.shortcut.norm1"]
    assert into["stage3.block2"] == ["stage3.block2.norm3", "stage3.relu1"]


def test_sizes_stand_on_the_edges() -> None:
    network = find("squeezenet-1.0")
    shapes = {step.path: show(step.output) for step in plan(network).steps} | {INPUT: "3×224×224"}
    arrows = [arrow for arrow in figure_of(network).arrows if arrow.target]
    assert all(arrow.size == shapes[arrow.source] for arrow in arrows)
    told = {text.words for arrow in figure_of(network).arrows for text in arrow.lines}
    assert {"96×109×109", "256×13×13", "1000"} <= told


def test_a_size_that_grows_over_the_repetitions_has_both_ends() -> None:
    sizes = [text.words for arrow in figure_of(find("densenet121")).arrows for text in arrow.lines]
    assert "64…224×56×56" in sizes  # what the six layers of the first block read
    assert "256×56×56" in sizes  # what the last of them gives


def test_depth_says_how_far_blocks_are_opened() -> None:
    network = find("resnet50")
    boxes = {depth: len(figure_of(network, depth=depth).nodes) for depth in (1, 2, 3)}
    assert boxes == {1: 9, 2: 14, 3: 50}
    closed = next(node for node in figure_of(network, depth=1).nodes if node.id == "stage1.relu3")
    assert [text.words for text in closed.lines] == ["stage1", "32 layers"]


def test_blocks_that_differ_in_their_layers_are_not_folded() -> None:
    line = "1x8x8: conv 4 3x3 pad 1, relu, conv 4 3x3 pad 1, relu, conv 5 3x3 pad 1, relu, flatten, linear 2"
    assert [node.times for node in figure_of(from_text(line)).nodes if isinstance(node, Volume)] == [1, 2, 1, 1]


def test_edges_grow_with_the_square_root_of_sizes() -> None:
    nodes = [node for node in figure_of(find("vgg-d")).nodes if isinstance(node, Volume)]
    fronts = [node.faces[0].points for node in nodes[:3]]
    heights = [points[2][1] - points[0][1] for points in fronts]
    assert heights[0] == pytest.approx(heights[1]) == pytest.approx(heights[2] * 2**0.5)


def test_heads_are_for_training_only() -> None:
    figure = figure_of(find("googlenet"), depth=9)
    assert [panel.name for panel in figure.panels if panel.dashed] == [
        "head4a, training only",
        "head4d, training only",
    ]
    assert any(text.words == "dashed: in training only" for text in figure.texts)


def test_the_legend_has_the_families_that_occur() -> None:
    assert [key.family for key in figure_of(find("lenet5")).keys] == ["data", "convolution", "pooling", "dense"]


def test_two_drawings_are_equal() -> None:
    assert figure_of(find("mobilenet-v3-small")) == figure_of(find("mobilenet-v3-small"))


def test_the_check_of_overlaps_sees_one() -> None:
    figure = figure_of(find("lenet5"))
    words = figure.texts[0]
    assert "'lenet5' lies on 'lenet5'" in list(problems(replace(figure, texts=(*figure.texts, replace(words, x=30)))))
    assert "'lenet5' is cut off" in list(problems(replace(figure, texts=(replace(words, x=figure.width - 20),))))


@pytest.mark.slow
def test_the_work_grows_with_the_layers_and_no_faster() -> None:
    """Calls of functions are counted; ten thousand layers are the most that a network may have."""

    def calls(pairs: int) -> int:
        chain = ", ".join(f"conv {1 + place % 7} 1x1, relu" for place in range(pairs))
        network = from_text(f"1x4x4: {chain}, flatten, linear 2")
        with Profile() as counted:
            figure = figure_of(network)
        assert layers_of(figure) == len(plan(network).steps)
        return sum(each.callcount for each in counted.getstats())

    assert calls(4_900) < 12 * calls(490)


def test_errors() -> None:
    with pytest.raises(SpecError) as caught:
        figure_of(find("lenet5"), style="cubes")  # pyright: ignore[reportArgumentType]
    assert str(caught.value) == "style is 'cubes'.\nIt must be one of volumes, blocks."
    with pytest.raises(SpecError) as caught:
        figure_of(find("lenet5"), depth=0)
    assert str(caught.value) == "depth is 0.\nIt must be a whole number of at least 1."


def test_a_notebook_shows_the_figure_of_a_network() -> None:
    network = find("lenet5")
    assert network._repr_svg_() == by_name.draw("lenet5")._repr_svg_()  # pyright: ignore[reportAttributeAccessIssue]
    assert by_name.as_svg(from_text("1x4x4: flatten, linear 2")) is not None
    assert by_name.as_svg(Network("unfit", (1, 4, 4), from_text("1x9x9: conv 2 7x7").layers)) is None


def test_no_framework_is_loaded() -> None:
    code = (
        "import sys, striate; striate.find('googlenet')._repr_svg_()\n"
        "from striate.cli.verbs.draw import command\n"
        "for form in ('svg', 'tex', 'mmd'):\n"
        "    command.main(['resnet50', '-o', '-', '--as', form], standalone_mode=False)\n"
        "print([name for name in ('torch', 'numpy', 'rich', 'jaxtyping') if name in sys.modules])"
    )
    out = python(code).stdout
    assert out.endswith("\n[]\n")


def test_areas_of_volumes_follow_their_values() -> None:
    """More values are more ink: along VGG-D, faces shrink where poolings halve the maps."""
    nodes = [node for node in figure_of(find("vgg-d")).nodes if isinstance(node, Volume) and "pool" in node.id]
    spans = [prod(_span(node)) for node in nodes]
    assert spans == sorted(spans, reverse=True)


def _span(node: Volume) -> tuple[float, float]:
    points = [point for face in node.faces for point in face.points]
    return max(x for x, _ in points) - min(x for x, _ in points), max(y for _, y in points) - min(y for _, y in points)


def test_long_names_and_large_sizes_lie_on_nothing() -> None:
    long = "W" * 58
    inner: list[Layer] = [Conv(2, kernel=1, name=f"{long}a"), Activation("leaky_relu", alpha=0.123456789)]
    layers: list[Layer] = [
        Conv(999_999, kernel=1, name=f"{long}b"),
        Block([Residual([*inner, Conv(999_999, kernel=1)], name=f"{long}c")], name=f"{long}d"),
        Auxiliary([Flatten(), Linear(999_999, name=f"{long}e")], name=f"{long}f"),
        Branches([[Conv(1, kernel=(1, 999_999), padding=(0, 0, 499_999, 499_999))], []], name=f"{long}g"),
        Flatten(),
        Linear(3, name=long),
    ]
    network = Network("W" * 60, (3, 1, 999_999), layers, Source("W" * 1000, 1998))
    for style in STYLES:
        for depth in (1, 2, 9):
            check(network, figure_of(network, style=style, depth=depth))


HEADED = from_text(
    "3x8x8: b: (conv 4 3x3, relu, auxiliary 0.3 (global_average, linear 5)), "
    "c: (conv 6 3x3 same, relu), flatten, linear 10"
)


def test_a_closed_block_gives_its_own_output_and_not_that_of_its_head() -> None:
    for style in STYLES:
        check(HEADED, figure_of(HEADED, style=style, depth=1))
    blocks, volumes = (figure_of(HEADED, style=style, depth=1) for style in ("blocks", "volumes"))
    after = next(node.id for node in blocks.nodes if "b.conv1" in node.layers)
    assert "4×6×6" in {arrow.size for arrow in blocks.arrows if arrow.source == after}
    assert "4@6×6" in {node.lines[-1].words for node in volumes.nodes if isinstance(node, Volume)}


def test_identical_blocks_are_folded_with_the_activation_behind_them() -> None:
    network = from_text("4x8x8: s: (a: residual(conv 4 3x3 same, bn), relu, b: residual(conv 4 3x3 same, bn), relu)")
    figure = figure_of(network, style="volumes")
    assert [node.times for node in figure.nodes if isinstance(node, Volume)] == [1, 2]


def test_the_arrows_to_heads_begin_on_the_volume_that_they_read() -> None:
    network = from_text(
        "1x8x8: conv 4 3x3, global_average, auxiliary 0.3 (linear 5, relu, linear 10), "
        "auxiliary 0.1 (linear 10), linear 10"
    )
    figure = figure_of(network, style="volumes")
    check(network, figure)
    bar = next(node for node in figure.nodes if isinstance(node, Volume) and "global_average_pool1" in node.layers)
    edges = [point for face in bar.faces for point in face.points]
    starts = [arrow.points[0] for arrow in figure.arrows if arrow.dashed]
    assert len({y for _, y in starts}) == 1
    assert all(min(x for x, _ in edges) <= x <= max(x for x, _ in edges) for x, _ in starts)
    assert starts[0][1] < min(y for _, y in edges)
