"""A training step of larger networks: what `kernels="auto"` takes, against PyTorch eager, channels last and compiled.

    python benchmarks/networks.py [--threads 2] [--rounds 5] [--only resnet20-cifar] [--without-compile]

Each line is the median over rounds in which the contenders take turns; PyTorch's compiling is outside. README.md in
this folder says how each is measured. Needs the extra: pip install '.[bench]'.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import torch
from rivals import alternate, clock_for, machine
from torch import Tensor
from torch.nn.functional import cross_entropy

from striate import find
from striate.description.narrow import narrow
from striate.description.network import Network, plan
from striate.execution.executor import OnEngine, executor
from striate.execution.tensors import tensors_of
from striate.execution.training import choose_for_training
from striate.kernels.engine import Engine, Goal, Pictures
from striate.kernels.optimiser import Rule
from striate.modules import build


@dataclass(frozen=True)
class Case:
    """A network at `width` times its filters and units, and the images of a step."""

    name: str
    batch: int
    width: float = 1.0

    @property
    def network(self) -> Network:
        """The network itself."""
        found = find(self.name)
        return found if self.width == 1 else narrow(found, self.width)


CASES = (
    Case("simple-cnn", 128),
    Case("resnet20-cifar", 128),
    Case("resnet8-tiny", 128),
    Case("go-policy-48", 64),
    Case("alexnet", 32, 0.5),
    Case("vgg-a", 32, 0.25),
)
RIVALS = ("eager", "channels last", "compiled")


def contender(name: str, network: Network, images: Tensor, labels: Tensor) -> Callable[[], object]:
    """A training step with cross-entropy and AdamW: of a rival, or on the kernels of a name."""
    model = build(network, generator=torch.Generator().manual_seed(0)).train()
    optimiser = torch.optim.AdamW(model.parameters(), 1e-3, fused=True)
    if name == "engine":
        engine, rule = Engine(network, tensors_of(model)), Rule(optimiser)
        return lambda: engine.step(Pictures(images), Goal(labels), rule=rule, threads=torch.get_num_threads())
    outputs: Callable[[Tensor], Tensor] = model.logits
    if name == "channels last":  # as a careful user has it: the weights too
        model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue, reportArgumentType]
        images = images.contiguous(memory_format=torch.channels_last)
    elif name == "compiled":
        outputs = torch.compile(model.logits)
    elif name != "eager":
        runs = executor(model, name)
        outputs = model.logits if isinstance(runs, OnEngine) else runs.logits

    def step() -> None:
        loss = cross_entropy(outputs(images), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return step


def measure(case: Case, arguments: argparse.Namespace) -> str:
    """One line of the table."""
    network = case.network
    torch.manual_seed(0)
    images = torch.rand(case.batch, *network.input)
    labels = torch.randint(0, plan(network).output[0], (case.batch,))
    spare = build(network, generator=torch.Generator())
    chosen = choose_for_training(spare, batch=case.batch, threads=arguments.threads).kernels
    rivals = [each for each in RIVALS if each != "compiled" or not arguments.without_compile]
    ours = [chosen, "operators"] if arguments.operators and chosen != "operators" else [chosen]
    names: list[str] = [*ours, *rivals]
    steps = {name: contender(name, network, images, labels) for name in names}
    found = alternate(steps, rounds=arguments.rounds, clock=clock_for(arguments.threads)[0])
    best = min(rivals, key=found.median)
    width = "" if case.width == 1 else f" at {case.width:g} of its width"
    each = ", ".join(f"{name} {1e3 * found.median(name):.0f}" for name in names)
    ratio = found.ratio(best, chosen)
    return f"| {case.name}{width}, batch {case.batch} | {chosen} | {ratio:.2f} x | {best} | {each} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=[case.name for case in CASES], metavar="NETWORK")
    parser.add_argument("--without-compile", action="store_true", help="leave torch.compile out")
    parser.add_argument("--operators", action="store_true", help="measure Striate's operators even if not chosen")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    clock = clock_for(arguments.threads)[1]
    print(f"{machine(arguments.threads)}\nmedians of {arguments.rounds} alternating rounds, {clock}\n")
    print("| training step | auto takes | against the best rival | which is | ms |\n|---|---|---:|---|---|")
    for case in CASES:
        if not arguments.only or case.name in arguments.only:
            print(measure(case, arguments), flush=True)


if __name__ == "__main__":
    main()
