"""Runs an exported program in an interpreter of its own, in which Striate cannot be imported.

`python fresh.py FOLDER THREADS`: FOLDER has program.pt2, and images.safetensors with `images`; it gets
answers.safetensors, with `outputs`, and for a classifier `labels` and `scores`, the class scores before the softmax.
This file imports nothing of Striate.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any

BATCH = 50


class Without(MetaPathFinder):
    """Refuses a package."""

    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        """Raises ImportError for the package, and leaves all others to the finders that follow."""
        if fullname.split(".")[0] == self.package:
            raise ImportError(f"{self.package} is not here")


def main(folder: Path, threads: int) -> None:
    """Answer the images of a folder: the first alone, the others in batches."""
    import torch
    from safetensors.torch import load_file, save_file

    torch.set_num_threads(threads)
    module = torch.export.load(str(folder / "program.pt2")).module()
    images = load_file(folder / "images.safetensors")["images"]
    watched = _scores_of(module)
    found: list[dict[str, Any]] = []
    with torch.inference_mode():
        for start in (0, *range(1, len(images), BATCH)):
            found.append(watched(images[start : start + BATCH if start else 1]))
    save_file({name: torch.cat([each[name] for each in found]) for name in found[0]}, folder / "answers.safetensors")


def _scores_of(module: Any) -> Any:
    """A function of a batch: the outputs, and of a classifier the input of its softmax."""
    from torch.fx import Interpreter

    outputs = next(node for node in reversed(module.graph.nodes) if node.op == "output").args[0]
    if len(outputs) == 1:
        return lambda batch: {"outputs": module(batch)}
    wanted = outputs[0].args[0]
    kept: list[Any] = []

    class Watching(Interpreter):
        def run_node(self, n: Any) -> Any:
            value = super().run_node(n)
            if n is wanted:
                kept[:] = [value]
            return value

    def answer(batch: Any) -> dict[str, Any]:
        probabilities, labels = module(batch)
        Watching(module).run(batch)
        return {"outputs": probabilities, "labels": labels, "scores": kept[0]}

    return answer


if __name__ == "__main__":
    sys.meta_path.insert(0, Without("striate"))
    main(Path(sys.argv[1]), int(sys.argv[2]))
