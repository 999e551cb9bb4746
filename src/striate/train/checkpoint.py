"""A checkpoint: tensors and a little JSON in one safetensors file, written whole. Nothing is ever unpickled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from striate.errors import RunError
from striate.train.files import write_whole

OPTIMISER = "optimiser/"
"""Before the names of an optimiser's tensors: optimiser/C1.weight/exp_avg. No layer's name has a slash."""


def save_checkpoint(path: Path, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
    """Write tensors by name, and a JSON state. Raises OutputError where the file cannot be written."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_whole(
        path, save(plain, metadata={"format": "striate-checkpoint", "version": "1", "state": json.dumps(state)})
    )


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the state of a checkpoint. Raises RunError where it is missing or damaged."""
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        state = json.loads(metadata["state"])
    except FileNotFoundError:
        raise RunError(
            f"{path} is missing.",
            "A run keeps last.safetensors from its first epoch on.",
            "Start it anew: striate train NETWORK --out ANOTHER_FOLDER.",
        ) from None
    except (SafetensorError, OSError, KeyError, ValueError) as problem:
        raise RunError(f"{path} is damaged: {problem}.", "It must be a checkpoint that Striate wrote.") from None
    return tensors, state


def optimiser_tensors(model: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimiser's tensors by the path of their parameter."""
    return {
        f"{OPTIMISER}{path}/{slot}": value
        for path, parameter in model.named_parameters()
        for slot, value in optimiser.state[parameter].items()
        if isinstance(value, Tensor)
    }


def restore(
    model: nn.Module, optimiser: torch.optim.Optimizer | None, tensors: dict[str, Tensor], *, where: Path
) -> None:
    """Put a checkpoint's tensors back into a model and an optimiser."""
    weights = {name: tensor for name, tensor in tensors.items() if not name.startswith(OPTIMISER)}
    try:
        model.load_state_dict(weights)
    except RuntimeError as problem:
        what = str(problem).split("\n", 1)[-1].strip()
        raise RunError(f"{where} does not fit the run's network: {what}", "Both must be of one run.") from None
    if optimiser is None:
        return
    for path, parameter in model.named_parameters():
        prefix = f"{OPTIMISER}{path}/"
        slots = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
        optimiser.state[parameter].update({slot: tensor.to(parameter.device) for slot, tensor in slots.items()})
