"""Answers of every network of the catalogue, at batches of 1, 8 and 64: the kernels that Striate chooses by itself,
PyTorch eager, and ONNX Runtime on the file that Striate exports.

    python benchmarks/inference.py [--threads 2] [--rounds 3] [--only resnet18] [--batch 8] [--json]

`kernels` is what `choose_for_inference` takes for a server, `milliseconds` its time for a batch, `eager` PyTorch's,
`ratio` ONNX Runtime's time over ours: above 1 ours is faster. Each is the median over rounds in which the contenders
take turns. README.md in this folder says how they are measured. Needs the extra: pip install '.[bench]'.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import torch
from rivals import REST, Clock, alternate, clock_for, machine, onnx_session

from striate.execution.inference import answering, choose_for_inference
from striate.kernels.engine import Pictures
from striate.modules import Built, build
from striate.networks import NETWORKS

BATCHES = (1, 8, 64)
TURN = 0.02
"""A contender's turn repeats the batch until it takes this many seconds."""


@dataclass(frozen=True)
class Row:
    """A network at one size of batch: milliseconds of a batch, and ONNX Runtime's time over ours."""

    network: str
    batch: int
    kernels: str
    milliseconds: float
    eager: float
    ratio: float


def rows(names: list[str], batches: list[int], arguments: argparse.Namespace) -> Iterator[Row]:
    """A row for each network and size of batch."""
    clock, _ = clock_for(arguments.threads)
    for name in names:
        module = with_statistics(build(name, generator=torch.Generator().manual_seed(0)).eval())
        runtime = onnx_session(module.network, module, threads=arguments.threads)
        for batch in batches:
            yield measured(module, runtime, batch, arguments.rounds, clock)


@torch.inference_mode()
def measured(module: Built, runtime: Callable[[torch.Tensor], object], batch: int, rounds: int, clock: Clock) -> Row:
    """The contenders in turns, after their answers were compared."""
    images = torch.rand(batch, *module.network.input, generator=torch.Generator().manual_seed(1))
    time.sleep(REST)  # the threads of the rival session would take a core from what is measured here
    choice = choose_for_inference(module, batch=batch)
    runs, pictures = answering(module, choice), Pictures(images)
    wanted = module.logits(images)
    scale = wanted.abs().max().item()
    torch.testing.assert_close(runs.answers(pictures), wanted, rtol=1e-3, atol=1e-3 * scale)
    torch.testing.assert_close(torch.as_tensor(runtime(images)), wanted, rtol=1e-3, atol=1e-3 * scale)
    once = {
        "ours": lambda: runs.answers(pictures),
        "eager": lambda: module.logits(images),
        "onnx": lambda: runtime(images),
    }
    counts = {name: repeats(run, clock) for name, run in once.items()}
    turns = {name: repeated(run, counts[name]) for name, run in once.items()}
    found = alternate(turns, rounds=rounds, clock=clock)
    ours, eager = (1e3 * found.median(name) / counts[name] for name in ("ours", "eager"))
    ratio = found.ratio("onnx", "ours") * counts["ours"] / counts["onnx"]
    return Row(module.network.name, batch, choice.kernels, round(ours, 4), round(eager, 4), round(ratio, 3))


def repeats(run: Callable[[], object], clock: Clock) -> int:
    """How often a contender answers in a turn, by the fastest of three answers: threads that sleep delay the first.

    Where one answer takes longer than a turn by far, it is the only one.
    """
    took: list[float] = []
    while len(took) < 3 and max(took, default=0.0) < 10 * TURN:
        begun = clock()
        run()
        took.append(clock() - begun)
    return max(1, math.ceil(TURN / max(min(took), 1e-6)))


def repeated(run: Callable[[], object], count: int) -> Callable[[], object]:
    """Answer this many times."""
    return lambda: [run() for _ in range(count)]


@torch.no_grad()
def with_statistics(module: Built) -> Built:
    """A module whose values neither vanish nor explode: batch normalisations get a batch's statistics."""
    norms = [each for each in module.modules() if isinstance(each, torch.nn.modules.batchnorm._BatchNorm)]
    for each in norms:
        each.train()
        each.momentum = 1.0
    module.logits(torch.rand(4, *module.network.input, generator=torch.Generator().manual_seed(2)))
    return module.eval()


def main() -> None:
    """Measure and print, a line as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=list(NETWORKS), metavar="NETWORK", help="these networks alone")
    parser.add_argument("--batch", type=int, nargs="+", help="images at once, in place of 1, 8 and 64")
    parser.add_argument("--json", action="store_true", help="print a list of objects")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    found = rows(arguments.only or list(NETWORKS), arguments.batch or list(BATCHES), arguments)
    if arguments.json:
        print(json.dumps([asdict(row) for row in found], indent=2))
        return
    print(f"{machine(arguments.threads)}\nmedians of {arguments.rounds} rounds, {clock_for(arguments.threads)[1]}\n")
    print(
        "| network | batch | kernels | ms | PyTorch eager | ONNX Runtime's time over ours |\n|---|--:|---|--:|--:|--:|"
    )
    for row in found:
        eager = f"{row.eager:.3g} ({row.eager / row.milliseconds:.2f} x)"
        line = f"| {row.network} | {row.batch} | {row.kernels} | {row.milliseconds:.3g} | {eager} | {row.ratio:.2f} x |"
        print(line, flush=True)


if __name__ == "__main__":
    main()
