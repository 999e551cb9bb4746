"""Names of layers, from a file's own names of weights and nodes where they make sense."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from striate.description import limits
from striate.exchange.reading.graph import FileGraph, Node
from striate.exchange.reading.operators import OPERATORS
from striate.exchange.reading.pieces import Piece

Path = tuple[str, ...]

_WEIGHT = re.compile(r"(.+)[./](weight|kernel|gamma|scale)(:0)?$")
_NUMBERED = re.compile(r"_\d+$")
_COUNTED = re.compile(r"[A-Za-z]?\d+$")
_SLASHED = re.compile(r"[/:]")
_ALSO = {"conv", "conv1d", "conv2d", "convolution", "depthwise_conv2d", "biasadd", "linear", "relu6"}
_TENSORFLOW = frozenset(
    {"batchnorm", "biasadd", "conv2d", "convolution", "depthwise", "gelu", "matmul", "moments", "repeat"}
    | {"separable_conv2d", "tensordot"}
)
"""Scopes that TensorFlow opens inside a layer of Keras."""
OWN_WORDS = frozenset(_ALSO | {operator.lower() for operator in OPERATORS})
"""Words that only repeat the operator."""


MEMBERS = frozenset(
    re.findall(
        r"\w+",
        """
    T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double
    dump_patches eval extra_repr float forward get_buffer get_extra_state get_parameter get_submodule
    gives_logits half ipu load_state_dict logits modules mtia named_buffers named_children named_modules
    named_parameters network parameters path projects register_backward_hook register_buffer
    register_forward_hook register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
    register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module register_parameter
    register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule
    share_memory state_dict to to_empty train training type xpu zero_grad
        """,
    )
)
"""Names that layers of a built module cannot have, because it has members of these names."""


def paths_of(graph: FileGraph, pieces: Mapping[int, Piece]) -> dict[int, Path]:
    """The path of each piece, its blocks first; the last part is "" where the file has no name for it.

    A first part that all have in common is left out.
    """
    found = {at: _path(graph, piece) for at, piece in pieces.items()}
    named = [path for path in found.values() if path]
    common = shared(named)
    if all(path == common for path in named):
        common = common[:-1]
    found = {at: path[len(common) :] for at, path in found.items()}
    scopes = {path[:length] for path in found.values() for length in range(1, len(path))}
    own: dict[Path, int] = {}
    made: dict[int, Path] = {}
    for at, path in found.items():
        if not path or path in scopes:
            made[at] = (*path, "")
        elif path in own:
            made[at] = (*path[:-1], "")
        else:
            own[path] = at
            made[at] = path
    return {at: (*map(scope_name, path[:-1]), leaf_name(path[-1])) for at, path in made.items()}


def scope_name(part: str) -> str:
    """A part of a path as the name of a block; a number alone becomes block0."""
    return f"block{part}" if part.isdecimal() else leaf_name(part)


def leaf_name(part: str) -> str:
    """A part of a path as a layer's name; "" for a number alone, so that the layer is called by its kind.

    >>> leaf_name("7x7_s2"), leaf_name("conv-1"), leaf_name("0")
    ('_7x7_s2', 'conv_1', '')
    """
    if not part or part.isdecimal():
        return ""
    made = re.sub(r"[^A-Za-z0-9_]", "_", part)
    made = re.sub(r"^_+(?=[A-Za-z])", "", made)
    made = f"{made}_" if made in MEMBERS else made
    return (f"_{made}" if made[0].isdecimal() else made)[: limits.NAME]


def network_name(text: str) -> str:
    """A text as the name of a network; "network" where nothing is left.

    >>> network_name("main_graph"), network_name("../my net")
    ('network', 'my net')
    """
    made = re.sub(r"[^\w .+-]", "", text.replace("_graph", "")).strip("-.~ ")[: limits.NAME].strip(". ")
    return made if made and made.lower() not in ("main", "graph", "model", "tf2onnx", "torch-jit-export") else "network"


def _path(graph: FileGraph, piece: Piece) -> Path:
    node = piece.node
    if graph.producer == "striate":
        return tuple(node.name.split("/")[0].split("."))
    if graph.producer == "tf2onnx":
        return _of_keras(graph, node)
    for name in node.inputs[1:2]:
        if name in graph.constants and (fit := _WEIGHT.match(name)):
            return _parts(fit.group(1))
    if node.scope:
        return _parts(node.scope)
    if graph.producer == "pytorch" and not node.name.startswith("/"):
        return ()
    for name in (node.name, _NUMBERED.sub("", node.outputs[0])):
        if name and not _COUNTED.match(name):  # n12 and r7 only count
            return _without_operator(_parts(name), node)
    return ()


def _of_keras(graph: FileGraph, node: Node) -> Path:
    """Model and layer, of names such as "net/conv1/convolution/ReadVariableOp:0"; tf2onnx has names of its own, too."""
    weighted = node.operator in ("Conv", "MatMul", "Gemm") and node.input(1) in graph.constants
    for name in (*node.inputs[1:2], node.name, *node.outputs) if weighted else (node.name, *node.outputs):
        path = tuple(part for part in name.split("/")[:-1] if part)
        while path and (path[-1].lower() in _TENSORFLOW or path[-1] == "Cast"):
            path = path[:-1]
        if path:
            return path
    return ()


def _parts(name: str) -> Path:
    """The parts of a name; "layer1/layer1.0/conv1" repeats the way to each.

    >>> _parts("/layer1/layer1.0/conv1")
    ('layer1', '0', 'conv1')
    """
    path: list[str] = []
    for part in _SLASHED.split(name):
        own = [each for each in part.split(".") if each]
        path = own if path and own[: len(path)] == path else path + own
    return tuple(path)


def _without_operator(path: Path, node: Node) -> Path:
    while path and (bare := _NUMBERED.sub("", path[-1]).lower()) and bare in (OWN_WORDS | {node.operator.lower()}):
        path = path[:-1]
    return path


def shared(paths: Iterable[Path]) -> Path:
    """The parts that all paths begin with."""
    common: Path | None = None
    for path in paths:
        if common is None:
            common = path
        same = 0
        while same < min(len(common), len(path)) and common[same] == path[same]:
            same += 1
        common = common[:same]
    return common or ()
