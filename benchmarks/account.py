"""How soon an account is there, from the start of a process: `striate account` beside other counters.

    python benchmarks/account.py [--rounds 5] [--network vgg-d ...] [--json]

Each tool gets a fresh process that imports what it needs, makes the network and prints its count of one forward pass.
`striate account` prints its whole table. The others count the module that `striate.modules` makes, on PyTorch's meta
device where the tool takes one (torchinfo and FlopCounterMode do; fvcore traces real tensors), so that none of them
draws weights in vain. Runs alternate, so that what else the machine does falls on all; the ratio is a tool's median
seconds over Striate's: above 1, Striate is sooner.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time

import torch

MAKE = "import torch; from striate import find; from striate.modules import build; network = find({name!r}); "
META = MAKE + "model = build(network, device='meta').eval(); images = torch.empty(1, *network.input, device='meta'); "
REAL = MAKE + "model = build(network).eval(); images = torch.zeros(1, *network.input); "
TOOLS = {
    "striate account": "",
    "torchinfo": META
    + "from torchinfo import summary; print(summary(model, input_data=images, device='meta', verbose=0))",
    "FlopCounterMode": META + "from torch.utils.flop_counter import FlopCounterMode as Counter\n"
    "with Counter(display=False) as counter, torch.no_grad(): model(images)\n"
    "print(counter.get_total_flops())",
    "fvcore": REAL + "from fvcore.nn import FlopCountAnalysis; print(FlopCountAnalysis(model, images).total())",
}


def command(tool: str, name: str) -> list[str]:
    """The command of a fresh process in which a tool counts a network."""
    if tool == "striate account":
        return [sys.executable, "-m", "striate", "account", name]
    return [sys.executable, "-W", "ignore", "-c", TOOLS[tool].format(name=name)]


def seconds(tool: str, name: str) -> float:
    """The seconds from the start of a process to its end."""
    begun = time.perf_counter()
    subprocess.run(command(tool, name), check=True, capture_output=True)
    return time.perf_counter() - begun


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="runs of each, alternating")
    parser.add_argument("--network", action="append", help="a network of the catalogue; may be given again")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    names = arguments.network or ["vgg-d", "resnet152"]
    measured: dict[str, dict[str, list[float]]] = {}
    for name in names:
        measured[name] = {tool: [] for tool in TOOLS}
        for round_ in range(arguments.rounds + 1):
            for tool in TOOLS:
                took = seconds(tool, name)
                if round_:  # the first fills the caches
                    measured[name][tool].append(took)
    medians = {
        name: {tool: statistics.median(each) for tool, each in tools.items()} for name, tools in measured.items()
    }
    ratios = {
        name: {tool: each / tools["striate account"] for tool, each in tools.items()} for name, tools in medians.items()
    }
    if arguments.json:
        versions = {"torch": torch.__version__, "python": platform.python_version(), "system": platform.platform()}
        print(json.dumps({"seconds": measured, "median": medians, "ratio": ratios, **versions}))
        return
    print(f"torch {torch.__version__}, {platform.platform()}, {arguments.rounds} runs each")
    for name, tools in medians.items():
        print(f"\n{name}, one forward pass at its own input, from the start of a process")
        for tool, median in tools.items():
            each = measured[name][tool]
            print(f"  {tool:16} {median:6.2f} s ({min(each):.2f} to {max(each):.2f})  ratio {ratios[name][tool]:5.1f}")


if __name__ == "__main__":
    main()
