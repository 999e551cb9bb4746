"""A network's error on the test images over several seeds: is the recipe good, or was the seed?

    python benchmarks/seeds.py [NETWORK] [--seeds 10] [--recipe R] [--epochs N] [--validation] [--json]

Each seed trains anew with the network's own recipe; its best epoch is chosen by the validation images, then the test
images are read once. With --validation they are not read at all: that is how a recipe is chosen.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import torch

from striate import find
from striate.train import Epoch, evaluation, find_recipe, recipe_for, session
from striate.train.session import Finished


def main() -> None:
    """Train, print a line a seed, and the mean."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", nargs="?", default="lenet5")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--recipe")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--validation", action="store_true", help="leave the test images alone")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()

    network = find(arguments.network)
    recipe = find_recipe(arguments.recipe) if arguments.recipe else recipe_for(network)
    recipe = replace(recipe, epochs=arguments.epochs or recipe.epochs)
    rows: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(arguments.seeds):
            place = Path(folder) / str(seed)
            run, split = session.prepare(network, session.Images(), replace(recipe, seed=seed), folder=place)
            seconds, validation = 0.0, 0.0
            for event in session.start(run, split):
                if isinstance(event, Epoch):
                    seconds += event.seconds
                elif isinstance(event, Finished):
                    validation = event.accuracy
            row = {"seed": seed, "validation": validation, "seconds": seconds}
            if not arguments.validation:
                row["test"] = evaluation.evaluate(run)[0].accuracy
            rows.append(row)
            if not arguments.json:
                test = f"  test {row['test']:.2%}" if "test" in row else ""
                print(f"seed {seed}  validation {validation:.2%}{test}  {seconds:.0f} s", flush=True)
    judged = "validation" if arguments.validation else "test"
    values = [row[judged] for row in rows]
    result = {
        "network": network.name,
        "recipe": asdict(recipe),
        "seeds": rows,
        "judged by": judged,
        "mean": statistics.mean(values),
        "least": min(values),
        "deviation": statistics.stdev(values) if len(values) > 1 else 0.0,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
    }
    if arguments.json:
        print(json.dumps(result))
        return
    print(f"mean on {judged} images: {result['mean']:.2%} (± {result['deviation']:.2%}), least {result['least']:.2%}")
    print(f"{network.name}, {recipe.epochs} epochs, {recipe.loss}; torch {torch.__version__}, {platform.platform()}")


if __name__ == "__main__":
    main()
