"""Striate's kernels against PyTorch and ONNX Runtime, as ratios within one run.

    python benchmarks/kernels.py [--threads 1] [--rounds 5] [--images 12800] [--json]

Each line is the median over rounds in which the contenders take turns. README.md in this folder says how each is
measured. Needs the extra: pip install '.[bench]'.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from peak import peak_of
from rivals import Measured, PlainTraining, alternate, clock_for, kernels_used, machine, onnx_session, product

from striate import account, find
from striate.description.network import Network
from striate.execution.tensors import tensors_of
from striate.kernels.engine import Engine, Goal, Pictures
from striate.kernels.optimiser import Rule
from striate.modules import build
from striate.train import Recipe, recipe_for

BATCH = 128
BATCHES = (32, 64, 128, 512, 2000)
"""Batch sizes that ONNX Runtime is given to choose from."""


@dataclass(frozen=True)
class Line:
    """One target: `value` is to be at least `target` (at most, where `least` is false). None: there is no target."""

    what: str
    value: float
    unit: str
    target: float | None
    least: bool = True

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        if self.target is None:
            return True
        return self.value >= self.target if self.least else self.value <= self.target


class Ours:
    """A network on the engine, with its optimiser."""

    def __init__(self, network: Network, recipe: Recipe, images: torch.Tensor, labels: torch.Tensor) -> None:
        self.model = build(network, initialisation=recipe.initialisation)
        self.engine = Engine(network, tensors_of(self.model))
        self.rule = Rule(torch.optim.AdamW(self.model.parameters(), 1e-3, fused=True))
        self.images, self.labels, self.recipe = images, labels, recipe

    def epoch(self, *, batch: int = BATCH, images: int | None = None, threads: int | None = None) -> None:
        """One pass over the packed images, or over as many of them as are asked for, in a random order."""
        order = torch.randperm(len(self.images) if images is None else images)
        goal = Goal(self.labels, self.recipe.loss, self.recipe.rubbish)
        threads = threads or torch.get_num_threads()
        for start in range(0, len(order) - batch + 1, batch):
            pictures = Pictures(self.images, order[start : start + batch], -0.1, 1.275 / 255)
            self.engine.step(pictures, goal, rule=self.rule, threads=threads)


def training(name: str, arguments: argparse.Namespace) -> tuple[Measured, Ours]:
    """Epochs of a network with Striate's kernels and with PyTorch's two layouts, and matrix products beside them."""
    network = find(name)
    recipe = recipe_for(network)
    bytes_ = torch.randint(0, 256, (arguments.images, *network.input), dtype=torch.uint8)
    labels = torch.randint(0, 10, (arguments.images,))
    floats = bytes_.float() * (1.275 / 255) - 0.1
    ours = Ours(network, recipe, bytes_, labels)
    contenders: dict[str, Callable[[], object]] = {"striate": ours.epoch}
    for layout in ("plain", "channels last"):
        model = build(network, initialisation=recipe.initialisation)
        last = layout == "channels last"
        contenders[layout] = PlainTraining(model, recipe, floats, labels, channels_last=last).epoch
    multiply, _ = product()
    contenders["product"] = lambda: [multiply() for _ in range(40)]
    contenders["peak"], _ = peak_of(kernels_used(), threads=arguments.threads)
    return alternate(contenders, rounds=arguments.rounds, clock=clock_for(arguments.threads)[0]), ours


def best_plain(measured: Measured) -> str:
    """The faster of PyTorch's layouts."""
    return min(("plain", "channels last"), key=measured.median)


def epochs(arguments: argparse.Namespace) -> list[Line]:
    """Training of both LeNet-5s."""
    dense, _ = training("lenet5-dense", arguments)
    costs = account(find("lenet5-dense"))
    # Forward, and the gradients of weights and inputs, each as many MACs; the images themselves need no gradient.
    macs = 3 * costs.totals.macs - costs.rows[0].counts.macs
    flops = 2.0 * macs * (arguments.images // BATCH * BATCH)
    rate = flops / dense.median("striate")
    product_rate = 40 * product()[1] / min(dense.seconds["product"])
    instruction_set = kernels_used()
    peak = peak_of(instruction_set, threads=arguments.threads)[1] / min(dense.seconds["peak"])
    old, _ = training("lenet5", arguments)
    return [
        Line("an epoch of lenet5-dense, against PyTorch", dense.ratio(best_plain(dense), "striate"), "x", 5.0),
        Line("the same, of the matrix product's rate", 100 * rate / product_rate, "%", 60.0),
        Line(f"the same, of the peak ({instruction_set}: {peak * 1e-9:.0f} GFLOP/s)", 100 * rate / peak, "%", None),
        Line("the matrix product, of that peak", 100 * product_rate / peak, "%", None),
        Line("an epoch of lenet5 (1998), against PyTorch", old.ratio(best_plain(old), "striate"), "x", 4.0),
    ]


def inference(arguments: argparse.Namespace) -> list[Line]:
    """10,000 images, and one, against ONNX Runtime."""
    network = find("lenet5-dense")
    model = build(network).eval()
    engine = Engine(network, tensors_of(model))
    images = torch.rand(10_000, *network.input)
    one = images[:1]
    runtime = onnx_session(network, model, threads=arguments.threads)
    torch.testing.assert_close(torch.from_numpy(runtime(one)), engine.outputs(Pictures(one), threads=1))

    def in_batches(size: int) -> Callable[[], object]:
        return lambda: [runtime(images[start : start + size]) for start in range(0, len(images), size)]

    contenders: dict[str, Callable[[], object]] = {
        "striate": lambda: engine.outputs(Pictures(images), threads=arguments.threads)
    }
    contenders |= {f"onnx {size}": in_batches(size) for size in BATCHES}
    clock = clock_for(arguments.threads)[0]
    many = alternate(contenders, rounds=arguments.rounds, clock=clock)
    best = min((name for name in contenders if name != "striate"), key=many.median)
    single = {
        "striate": lambda: [engine.outputs(Pictures(one), threads=1) for _ in range(500)],
        "onnx": lambda: [runtime(one) for _ in range(500)],
    }
    latency = alternate(single, rounds=arguments.rounds, clock=clock)
    return [
        Line(
            f"inference of 10,000 images, against ONNX Runtime (batch {best[5:]})",
            many.ratio(best, "striate"),
            "x",
            3.2,
        ),
        Line("one image, its time over ONNX Runtime's", latency.ratio("striate", "onnx"), "x", 1.5, least=False),
    ]


def scaling(arguments: argparse.Namespace) -> list[Line]:
    """How the cost of an image changes with the number of images and the batch: 1 is the same."""
    network = find("lenet5-dense")
    few, some, many = 1_024, 16_384, 61_440
    bytes_ = torch.randint(0, 256, (many, *network.input), dtype=torch.uint8)
    ours = Ours(network, recipe_for(network), bytes_, torch.randint(0, 10, (many,)))
    contenders: dict[str, Callable[[], object]] = {
        "few": lambda: [ours.epoch(images=few) for _ in range(many // few)],
        "many": ours.epoch,
        "batch 16": lambda: ours.epoch(images=some, batch=16),
        "batch 128": lambda: ours.epoch(images=some),
        "batch 4096": lambda: ours.epoch(images=some, batch=4096),
    }
    found = alternate(contenders, rounds=arguments.rounds, clock=clock_for(arguments.threads)[0])
    lines = [
        Line(f"an image of {few:,}, over one of {many:,}", found.ratio("few", "many"), "x", 1.25, least=False),
        Line(
            "an image in batches of 4,096, over one of 128",
            found.ratio("batch 4096", "batch 128"),
            "x",
            1.25,
            least=False,
        ),
        Line("an image in batches of 16, over one of 128", found.ratio("batch 16", "batch 128"), "x", 2.0, least=False),
    ]
    if arguments.threads > 1:
        one: dict[str, Callable[[], object]] = {
            "1": lambda: ours.epoch(images=some, threads=1),
            "2": lambda: ours.epoch(images=some, threads=2),
        }
        lines.append(
            Line(
                "two threads, against one",
                alternate(one, rounds=arguments.rounds, clock=clock_for(2)[0]).ratio("1", "2"),
                "x",
                1.8,
            )
        )
    return lines


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=12_800, help="of an epoch")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    where = machine(arguments.threads)
    lines = [*epochs(arguments), *inference(arguments), *scaling(arguments)]
    if arguments.json:
        print(json.dumps({"machine": where, "lines": [asdict(line) | {"met": line.met} for line in lines]}, indent=2))
        return
    print(f"{where}\nmedians of {arguments.rounds} alternating rounds, {clock_for(arguments.threads)[1]}\n")
    print("| what | measured | target | |\n|---|---:|---:|---|")
    for line in lines:
        if line.target is None:
            print(f"| {line.what} | {line.value:.2f} {line.unit} | | |")
            continue
        sign = "≥" if line.least else "≤"
        met = "met" if line.met else "**missed**"
        print(f"| {line.what} | {line.value:.2f} {line.unit} | {sign} {line.target:g} {line.unit} | {met} |")


if __name__ == "__main__":
    main()
