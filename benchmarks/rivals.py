"""What Striate's kernels are measured against: PyTorch as a careful user writes it, and ONNX Runtime."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from striate.description.network import Network
from striate.train import Recipe
from striate.train.losses import loss_of

REST = 0.1
"""Seconds between contenders: ONNX Runtime's threads look for work for 25 ms and more after their last."""


Clock = Callable[[], float]


@dataclass(frozen=True)
class Measured:
    """Seconds of each contender in each round: by the clock, or of processor time."""

    seconds: dict[str, list[float]]

    def median(self, name: str) -> float:
        """The median of a contender's rounds."""
        return statistics.median(self.seconds[name])

    def ratio(self, slower: str, faster: str) -> float:
        """The median of the rounds' ratios: what else the machine did in a round fell on both."""
        pairs = zip(self.seconds[slower], self.seconds[faster], strict=True)
        return statistics.median(a / b for a, b in pairs)


def alternate(contenders: dict[str, Callable[[], object]], *, rounds: int, clock: Clock) -> Measured:
    """Run the contenders in turn, after one round to warm up, each when the others' threads have gone to sleep."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, run in contenders.items():
            time.sleep(REST)
            begun = clock()
            run()
            if number:
                seconds[name].append(clock() - begun)
    return Measured(seconds)


class PlainTraining:
    """Training steps as one writes them in PyTorch, the images in memory as floats."""

    def __init__(
        self, model: nn.Module, recipe: Recipe, images: Tensor, labels: Tensor, *, channels_last: bool
    ) -> None:
        layout = torch.channels_last if channels_last else torch.contiguous_format
        self.model = model.to(memory_format=layout)  # pyright: ignore[reportCallIssue]
        self.images, self.labels, self.recipe = images.to(memory_format=layout), labels, recipe
        self.optimiser = torch.optim.AdamW(model.parameters(), 1e-3, fused=True)

    def epoch(self) -> None:
        """One pass over the images, in a random order."""
        order, batch = torch.randperm(len(self.images)), self.recipe.batch
        for start in range(0, len(self.images) - batch + 1, batch):
            chosen = order[start : start + batch]
            logits: Callable[[Tensor], Tensor] = self.model.logits  # pyright: ignore[reportAssignmentType]
            loss = loss_of(logits(self.images[chosen]), self.labels[chosen], self.recipe)
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()


def product(size: int = 1024) -> tuple[Callable[[], object], float]:
    """A product of two matrices, and its floating-point operations: what this machine can do at most."""
    a, b = torch.rand(size, size), torch.rand(size, size)
    out = torch.empty(size, size)
    return lambda: torch.mm(a, b, out=out), 2.0 * size**3


def onnx_session(network: Network, model: nn.Module, *, threads: int) -> Callable[[Tensor], object]:
    """lenet5-dense, with the weights of `model`, in ONNX Runtime."""
    import onnxruntime  # pyright: ignore[reportMissingImports] - of the extra "bench"
    from onnx import TensorProto, helper, numpy_helper  # pyright: ignore[reportMissingImports]

    weights = {name: each.detach().numpy() for name, each in model.named_parameters()}
    nodes = []
    value = "images"
    for name, kind in [("C1", "Conv"), ("C3", "Conv"), ("C5", "Conv"), ("F6", "Gemm"), ("output", "Gemm")]:
        inputs = [value, f"{name}.weight", f"{name}.bias"]
        options: dict[str, Any] = {"transB": 1} if kind == "Gemm" else {}
        nodes.append(helper.make_node(kind, inputs, [name], **options))
        value = name
        if name != "output":
            nodes.append(helper.make_node("Relu", [value], [f"{name}+"]))
            value = f"{name}+"
        if name in ("C1", "C3"):
            pool = helper.make_node("MaxPool", [value], [f"{name}/2"], kernel_shape=[2, 2], strides=[2, 2])
            nodes.append(pool)
            value = f"{name}/2"
        if name == "C5":
            nodes.append(helper.make_node("Flatten", [value], ["flat"]))
            value = "flat"
    shape = ["batch", *network.input]
    graph = helper.make_graph(
        nodes,
        network.name,
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", 10])],
        [numpy_helper.from_array(np.ascontiguousarray(each), name) for name, each in weights.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(made.SerializeToString(), settings, providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {"images": images.numpy()})[0]


def machine(threads: int) -> str:
    """The machine, the versions and the load, in one line."""
    from importlib.metadata import PackageNotFoundError, version

    from striate.kernels.binary import Library, library
    from striate.train.machine import environment

    found = library()
    kernels = found.instruction_set if isinstance(found, Library) else "none"
    try:
        runtime = version("onnxruntime")
    except PackageNotFoundError:
        runtime = "none"
    return (
        f"{environment()['processor']}, {os.cpu_count()} cores, {threads} threads; kernels {kernels}; "
        f"Python {platform.python_version()}, torch {torch.__version__}, onnxruntime {runtime}; "
        f"{platform.platform()}; load {os.getloadavg()[0]:.1f}"
    )


def clock_for(threads: int) -> tuple[Clock, str]:
    """With one thread, processor time, which other programs on the machine hardly touch; else the clock."""
    if threads == 1:
        return time.process_time, "processor time"
    return time.perf_counter, "clock"
