"""ONNX models rewritten: another form of the same meaning, as other exporters have it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, helper, numpy_helper

UNARY = ("Relu", "Tanh", "Sigmoid", "LeakyRelu", "Elu", "HardSigmoid", "HardSwish", "Gelu")
WINDOWS = ("Conv", "MaxPool", "AveragePool", "GlobalAveragePool", "LRN", "Resize")


class Rewriter:
    """A model while it is rewritten; `random` says where."""

    def __init__(self, model: ModelProto, seed: int) -> None:
        self.model = ModelProto()
        self.model.CopyFrom(model)
        self.random = random.Random(seed)
        self.count = 0
        self.ranks = {
            each.name: len(each.type.tensor_type.shape.dim)
            for each in (*model.graph.value_info, *model.graph.input, *model.graph.output)
        }

    def name(self) -> str:
        self.count += 1
        return f"rewritten{self.count}"

    def constant(self, values: Any, kind: Any = np.float32) -> str:
        made = numpy_helper.from_array(np.asarray(values, kind), self.name())
        self.model.graph.initializer.append(made)
        return made.name

    def values(self, name: str) -> Any:
        return next(numpy_helper.to_array(each) for each in self.model.graph.initializer if each.name == name)

    def each(self, rewrite: Callable[[NodeProto], list[NodeProto] | None], share: float = 0.7) -> None:
        """Put other nodes in the place of some."""
        found: list[NodeProto] = []
        for node in self.model.graph.node:
            made = rewrite(node) if self.random.random() < share else None
            found += [node] if made is None else made
        del self.model.graph.node[:]
        self.model.graph.node.extend(found)

    def chain(self, node: NodeProto, *steps: Any) -> list[NodeProto]:
        """Nodes one after another in the place of one: (operator, inputs, attributes), None for the value so far."""
        value, made = node.input[0], list[NodeProto]()
        for at, (operator, inputs, attributes) in enumerate(steps):
            output = node.output[0] if at == len(steps) - 1 else self.name()
            given = [value if each is None else each for each in inputs]
            made.append(helper.make_node(operator, given, [output], node.name, **attributes))
            value = output
        return made

    def decomposed(self, node: NodeProto) -> list[NodeProto] | None:
        """A node as several, or as another."""
        values, number = node.input[0], self.constant
        attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        match node.op_type:
            case "Gemm":
                weight = number(self.values(node.input[1]).T)
                steps = [("MatMul", [None, weight], {})]
                steps += [("Add", [None, node.input[2]], {})] if len(node.input) > 2 else []
                return self.chain(node, *steps)
            case "Relu":
                return self.chain(node, ("Max", [number(0.0), None], {}))
            case "Clip":
                return self.chain(node, ("Min", [None, node.input[2]], {}), ("Max", [None, node.input[1]], {}))
            case "HardSigmoid":
                clip = ("Clip", [None, number(0.0), number(6.0)], {})
                return self.chain(node, ("Add", [None, number(3.0)], {}), clip, ("Div", [None, number(6.0)], {}))
            case "HardSwish":
                clip = ("Clip", [None, number(0.0), number(6.0)], {})
                steps = [("Add", [None, number(3.0)], {}), clip, ("Mul", [None, values], {})]
                return self.chain(node, *steps, ("Mul", [None, number(1 / 6)], {}))
            case "Sigmoid":
                steps = [("Neg", [None], {}), ("Exp", [None], {}), ("Add", [None, number(1.0)], {})]
                return self.chain(node, *steps, ("Reciprocal", [None], {}))
            case "Gelu" if attributes.get("approximate", b"none") == b"none":
                steps = [("Div", [None, number(2**0.5)], {}), ("Erf", [None], {}), ("Add", [None, number(1.0)], {})]
                return self.chain(node, *steps, ("Mul", [values, None], {}), ("Mul", [None, number(0.5)], {}))
            case "GlobalAveragePool":
                return self.chain(node, ("ReduceMean", [None, number([2, 3], np.int64)], {"keepdims": 1}))
            case "Flatten":
                return self.chain(node, ("Reshape", [None, number([0, -1], np.int64)], {}))
            case "BatchNormalization":
                scale, shift, mean, variance = (self.values(each).astype(np.float64) for each in node.input[1:])
                factor = scale / np.sqrt(variance + attributes["epsilon"])
                wide = (-1, 1, 1) if self.ranks.get(node.input[0]) == 4 else (-1,)
                steps = [("Mul", [None, number(factor.reshape(wide))], {})]
                return self.chain(node, *steps, ("Add", [None, number((shift - mean * factor).reshape(wide))], {}))
            case _:
                return None

    def passed_on(self, node: NodeProto) -> list[NodeProto] | None:
        """A node with an Identity or a Dropout behind it."""
        inner = self.name()
        outputs = [node.output[0]] if self.random.random() < 0.5 else [node.output[0], self.name()]
        behind = helper.make_node("Identity" if len(outputs) == 1 else "Dropout", [inner], outputs)
        first = NodeProto()
        first.CopyFrom(node)
        first.output[0] = inner
        return [first, behind]

    def channels_last(self, node: NodeProto) -> list[NodeProto] | None:
        """A node on maps between Transposes: to channels first before a window, and channels last elsewhere."""
        if node.op_type not in (*UNARY, *WINDOWS) or self.ranks.get(node.input[0]) != 4:
            return None
        outer, inner = ([0, 2, 3, 1], [0, 3, 1, 2])
        first = NodeProto()
        first.CopyFrom(node)
        names = [self.name() for _ in range(4)]
        before = [helper.make_node("Transpose", [node.input[0]], [names[0]], perm=outer)]
        if node.op_type in WINDOWS:
            before.append(helper.make_node("Transpose", [names[0]], [names[1]], perm=inner))
            first.input[0], first.output[0] = names[1], names[2]
            before += [first, helper.make_node("Transpose", [names[2]], [names[3]], perm=outer)]
        else:
            first.input[0], first.output[0] = names[0], names[3]
            before.append(first)
        return [*before, helper.make_node("Transpose", [names[3]], [node.output[0]], perm=inner)]

    def moved(self) -> None:
        """Some initialisers as nodes, some listed as inputs."""
        graph = self.model.graph
        for each in list(graph.initializer):
            choice = self.random.random()
            if choice < 0.3:
                graph.initializer.remove(each)
                graph.node.insert(0, helper.make_node("Constant", [], [each.name], value=each))
            elif choice < 0.6:
                graph.input.append(helper.make_tensor_value_info(each.name, each.data_type, each.dims))

    def scrambled(self) -> None:
        """Other names, no producer, the nodes in any order."""
        graph = self.model.graph
        kept = {each.name for each in (*graph.input, *graph.output)} - {each.name for each in graph.initializer}
        names: dict[str, str] = {"": ""} | {each: each for each in kept}

        def other(name: str) -> str:
            return names.setdefault(name, f"{self.random.getrandbits(64):x}")

        for node in graph.node:
            node.name = "" if self.random.random() < 0.5 else f"{self.random.getrandbits(32):x}"
            for held in (node.input, node.output):
                held[:] = [other(each) for each in held]
        for each in (*graph.initializer, *graph.input):
            each.name = other(each.name)
        nodes = list(graph.node)
        self.random.shuffle(nodes)
        del graph.node[:]
        graph.node.extend(nodes)
        del graph.value_info[:]
        self.foreign()

    def foreign(self) -> None:
        """Without what says that Striate wrote it."""
        del self.model.metadata_props[:]
        self.model.producer_name = "another"


def rewritten(model: ModelProto, seed: int) -> ModelProto:
    """The model in another form, chosen by the seed."""
    made = Rewriter(model, seed)
    for rewrite in (made.decomposed, made.channels_last, made.passed_on):
        if made.random.random() < 0.7:
            made.each(rewrite)
    made.moved()
    made.scrambled()
    return made.model
