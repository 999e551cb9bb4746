"""MobileNets: v2 and v3 of torchvision and timm, v1 of timm. timm's batch norm has an epsilon of its own in v3."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from striate.export.weights.theirs import LIBRARIES, LibraryPreprocessing, Renamed, Shape, Theirs, strange, way_of
from striate.networks.mobilenet import BOTTLENECKS, LARGE, SMALL, BlockRow

TIMM_STEM = {"conv1": "conv_stem", "norm1": "bn1"}
# timm's names in a depthwise separable block of v1.
V1 = {"conv1": "conv_dw", "norm1": "bn1", "conv2": "conv_pw", "norm2": "bn2"}
# timm's names in an inverted residual with an expansion, and in one without.
EXPANDED = {"conv1": "conv_pw", "norm1": "bn1", "conv2": "conv_dw", "norm2": "bn2", "conv3": "conv_pwl", "norm3": "bn3"}
NARROW = {"conv2": "conv_dw", "norm2": "bn1", "conv3": "conv_pw", "norm3": "bn2"}
EXCITATION = {"fc1": "se.conv_reduce", "fc2": "se.conv_expand"}
# The number of blocks in each of timm's stages, where Striate numbers them from the first to the last.
V1_STAGES = (1, 2, 2, 6, 2)
V3_STAGES = {"small": (1, 2, 3, 2, 3), "large": (1, 2, 3, 4, 2, 3)}
V3_ROWS: dict[str, tuple[BlockRow, ...]] = {"small": SMALL, "large": LARGE}


def as_convolution(tensor: str, shape: Shape) -> Shape:
    """The shape of a weight in both libraries, where excitation has 1×1 convolutions.

    >>> as_convolution("block1.excitation.fc1.weight", (8, 16))
    (8, 16, 1, 1)
    """
    return (*shape, 1, 1) if ".excitation." in tensor and len(shape) == 2 else shape


def with_head(tensor: str, shape: Shape) -> Shape:
    """The shape of a weight in timm's v3, where fc1 is a 1×1 convolution, too."""
    return (*shape, 1, 1) if tensor == "fc1.weight" else as_convolution(tensor, shape)


def part(own: Sequence[str], *, expanded: bool, excited: bool) -> str:
    """torchvision's path of a layer inside an inverted residual, whose parts are numbered.

    >>> part(["conv3"], expanded=True, excited=True), part(["excitation", "fc1"], expanded=False, excited=True)
    ('3.0', '1.fc1')
    """
    parts = [*(["1"] if expanded else []), "2", *(["excitation"] if excited else []), "3"]
    match own:
        case ["excitation", linear]:
            return f"{parts.index('excitation')}.{linear}"
        case [layer]:
            return f"{parts.index(layer[-1])}.{int(layer.startswith('norm'))}"
        case _:
            raise strange(".".join(own))


def timm_part(own: Sequence[str], *, expanded: bool) -> str:
    """timm's path of a layer inside an inverted residual."""
    match own:
        case ["excitation", linear]:
            return EXCITATION[linear]
        case [layer]:
            return (EXPANDED if expanded else NARROW)[layer]
        case _:
            raise strange(".".join(own))


def number(word: str) -> int:
    """The number at the end of a name such as "block12"."""
    return int("".join(filter(str.isdigit, word)))


def in_stages(block: int, stages: tuple[int, ...]) -> tuple[int, int]:
    """The stage of a block and its place in it, both from 0, of a block's number from 1.

    >>> in_stages(4, (1, 2, 3))
    (2, 0)
    """
    block -= 1
    for stage, blocks in enumerate(stages):
        if block < blocks:
            return stage, block
        block -= blocks
    raise strange(f"block{block + 1}")


def v1_timm(path: str) -> str:
    """timm's path of a layer of v1."""
    match path.split("."):
        case ["fc"]:
            return "classifier"
        case ["stem", own]:
            return TIMM_STEM[own]
        case [block, own]:
            stage, place = in_stages(number(block), V1_STAGES)
            return f"blocks.{stage}.{place}.{V1[own]}"
        case _:
            raise strange(path)


def v2_torchvision(path: str) -> str:
    """torchvision's path of a layer of v2.

    >>> v2_torchvision("stage2.block1.norm3"), v2_torchvision("stage1.block1.conv3")
    ('features.2.conv.3', 'features.1.conv.1')
    """
    match path.split("."):
        case ["fc"]:
            return "classifier.1"
        case ["stem", own]:
            return f"features.0.{int(own == 'norm1')}"
        case ["last", own]:
            return f"features.18.{int(own == 'norm1')}"
        case [stage, block, own]:
            before = sum(times for _, _, times, _ in BOTTLENECKS[: number(stage) - 1])
            found = part([own], expanded=stage != "stage1", excited=False)
            if own in ("conv3", "norm3"):  # the projection is no block of its own there
                found = str(int(found[0]) + int(own == "norm3"))
            return f"features.{before + number(block)}.conv.{found}"
        case _:
            raise strange(path)


def v2_timm(path: str) -> str:
    """timm's path of a layer of v2, and of EfficientNet."""
    match path.split("."):
        case ["fc"]:
            return "classifier"
        case ["stem", own]:
            return TIMM_STEM[own]
        case ["last", own]:
            return {"conv1": "conv_head", "norm1": "bn2"}[own]
        case [stage, block, *own]:
            return f"blocks.{number(stage) - 1}.{number(block) - 1}.{timm_part(own, expanded=stage != 'stage1')}"
        case _:
            raise strange(path)


def v3_torchvision(size: str, path: str) -> str:
    """torchvision's path of a layer of v3.

    >>> v3_torchvision("small", "block1.conv3"), v3_torchvision("large", "last.norm1")
    ('features.1.block.2.0', 'features.16.1')
    """
    rows = V3_ROWS[size]
    match path.split("."):
        case ["fc1"]:
            return "classifier.0"
        case ["fc2"]:
            return "classifier.3"
        case ["stem", own]:
            return f"features.0.{int(own == 'norm1')}"
        case ["last", own]:
            return f"features.{len(rows) + 1}.{int(own == 'norm1')}"
        case [block, *own]:
            excited = rows[number(block) - 1][3]
            return f"features.{number(block)}.block.{part(own, expanded=block != 'block1', excited=excited)}"
        case _:
            raise strange(path)


def v3_timm(size: str, path: str) -> str:
    """timm's path of a layer of v3."""
    stages = V3_STAGES[size]
    match path.split("."):
        case ["fc1"]:
            return "conv_head"
        case ["fc2"]:
            return "classifier"
        case ["stem", own]:
            return TIMM_STEM[own]
        case ["last", own]:
            return f"blocks.{len(stages)}.0.{ {'conv1': 'conv', 'norm1': 'bn1'}[own] }"
        case [block, *own]:
            stage, place = in_stages(number(block), stages)
            return f"blocks.{stage}.{place}.{timm_part(own, expanded=block != 'block1')}"
        case _:
            raise strange(path)


def _v3(library: str, size: str) -> Theirs:
    network = f"mobilenet-v3-{size}"
    if library == "torchvision":
        layer: Renamed = partial(v3_torchvision, size)
        return Theirs(network, library, f"mobilenet_v3_{size}", layer, shape=as_convolution)
    layer, model = partial(v3_timm, size), f"mobilenetv3_{size}_100"
    return Theirs(network, library, model, layer, shape=with_head, epsilon=1e-5, way=way_of(0.875))


_HALF = (0.5, 0.5, 0.5)
THEIRS = (
    Theirs("mobilenet-v2", "torchvision", "mobilenet_v2", v2_torchvision),
    Theirs("mobilenet-v2", "timm", "mobilenetv2_100", v2_timm, way=way_of(0.875)),
    *(_v3(library, size) for library in LIBRARIES for size in V3_ROWS),
    Theirs(
        "mobilenet-v1",
        "timm",
        "mobilenetv1_100",
        v1_timm,
        functions={"relu": "relu6"},
        way=LibraryPreprocessing(256, "bicubic", _HALF, _HALF),
    ),
)
