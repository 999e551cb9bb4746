"""A module traced by torch.export: calls of ATen operators, and the values of everything that is no image."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, OutputKind

from striate.errors import FormatError
from striate.modules.built import evaluating

_AGAIN = re.compile(r"@\d+")


@dataclass(frozen=True)
class Traced:
    """The calls in the order they run; tensors by the node that stands for them; the node of the input and the output.

    `names` are the module's own names of its parameters and buffers, `parameters` those that are parameters.
    """

    calls: tuple[fx.Node, ...]
    tensors: Mapping[fx.Node, Tensor]
    names: Mapping[fx.Node, str]
    parameters: frozenset[str]
    input: fx.Node
    output: fx.Node


def trace(module: nn.Module, example: Tensor) -> Traced:
    """The calls that a module makes of an example, in evaluation mode. The module stays as it is.

    Raises FormatError where torch.export cannot trace it, and where it has not one output.
    """
    with untouched(module), torch.no_grad(), _quiet():
        try:
            program = torch.export.export(module, (example,), strict=False).run_decompositions({})
        except Exception as problem:
            raise _untraced(problem) from None
    return _of_program(program)


@contextmanager
def _quiet() -> Iterator[None]:
    """Within, nothing is printed or logged: of a module that cannot be traced torch prints graphs and tracebacks."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


@contextmanager
def untouched(module: nn.Module) -> Iterator[None]:
    """Within, a module is in evaluation mode; afterwards the members of it and its submodules are those they were."""
    held = [(each, {name: _kept(value) for name, value in vars(each).items()}) for each in module.modules()]
    with evaluating(module):
        try:
            yield
        finally:
            for each, members in held:
                training = each.training
                vars(each).clear()
                vars(each).update(members)
                each.training = training


def _kept(value: Any) -> Any:
    """A member as it is now: dictionaries, such as that of the buffers, are copied, their values are not."""
    return type(value)(value) if type(value) is dict else value


def _untraced(problem: Exception) -> FormatError:
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    said = (lines[0] if lines else type(problem).__name__)[:200]
    if "data-dependent" in str(problem).lower() or "data dependent" in str(problem).lower():
        return FormatError(
            "lets the values of an image choose what runs.",
            "A network runs the same layers for every image.",
            "Give the part of the module that does.",
        )
    return FormatError(
        f"cannot be traced: {said.rstrip('.')}.",
        "torch.export runs it on one input of the sizes that were given.",
        "Give the sizes that it takes, as (channels, height, width), or the part of the module that can be traced.",
    )


def _of_program(program: ExportedProgram) -> Traced:
    nodes = {node.name: node for node in program.graph.nodes}
    tensors: dict[fx.Node, Tensor] = {}
    names: dict[fx.Node, str] = {}
    inputs: list[fx.Node] = []
    for spec in program.graph_signature.input_specs:
        node = nodes[spec.arg.name]
        if spec.kind == InputKind.USER_INPUT:
            inputs.append(node)
            continue
        target = spec.target or ""
        value = program.state_dict.get(target, program.constants.get(target))
        if isinstance(value, Tensor):
            tensors[node] = value
            names[node] = target
    kinds = [spec for spec in program.graph_signature.output_specs if spec.kind == OutputKind.USER_OUTPUT]
    given = [nodes[spec.arg.name] for spec in kinds if spec.arg.name in nodes]
    if len(given) != 1:
        raise FormatError(
            f"gives {len(given)} outputs.",
            "A network has one: class scores, or maps.",
            "Give a module that returns only the one that you want.",
        )
    trained = {spec.target for spec in program.graph_signature.input_specs if spec.kind == InputKind.PARAMETER}
    calls = tuple(node for node in program.graph.nodes if node.op == "call_function")
    return Traced(calls, tensors, names, frozenset(filter(None, trained)), inputs[0], given[0])


def scope_of(node: fx.Node) -> str:
    """The path of the innermost module that a call was made in; "" for the module itself."""
    stack = list(node.meta.get("nn_module_stack", {}).values())
    return _AGAIN.sub("", str(stack[-1][0])) if stack else ""


def sizes_of(node: fx.Node) -> tuple[int, ...]:
    """The sizes of the tensor that a node stands for, the batch included; of several the first one's."""
    value = node.meta["val"]
    return tuple(int(each) for each in (value if isinstance(value, Tensor) else value[0]).shape)
