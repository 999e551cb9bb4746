"""A checkpoint: tensors and a little JSON in one safetensors file, written whole. Nothing is ever unpickled.

A file has its version and a checksum over its whole content, which are checked whenever it is read. Version 1 had no
checksum; its files can still be read. No version holds a value that is not finite.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from striate.errors import LearningError, RunError
from striate.files import keep_as, unwritten, write_whole
from striate.train.optimisers import running_statistics
from striate.train.tensors import checksum, form, not_finite, read_tensors, require_sound

FORMAT = "striate-checkpoint"
VERSION = "2"
WITHOUT_CHECKSUM = "1"
START, LAST, BEST = "start.safetensors", "last.safetensors", "best.safetensors"
PREVIOUS = "previous.safetensors"
"""The file that was LAST before the one that is."""
OPTIMISER = "optimiser/"
"""The prefix of an optimiser's tensors, as in optimiser/C1.weight/exp_avg. No layer's name has a slash."""
SLOTS = {
    "adamw": {"step", "exp_avg", "exp_avg_sq"},
    "sgd": {"momentum_buffer"},
    "adadelta": {"step", "square_avg", "acc_delta"},
    "muon": {"momentum_buffer"},
}
"""The tensors that each optimiser keeps for a parameter: all of them, or none before its first step."""
AVERAGE = "average"
"""The further tensor per parameter and running statistic where the recipe averages weights."""

State = dict[str, Any]


def save_checkpoint(path: Path, tensors: dict[str, Tensor], state: State) -> None:
    """Write tensors by name, and a JSON state.

    Raises OutputError where the file cannot be written, and LearningError where a value is not finite. In both cases an
    existing file stays unchanged.
    """
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    if problem := not_finite(plain):
        raise LearningError(
            f"{path} is not written: {problem}",
            "The weights have run away: the learning rate is too high for this network and these inputs.",
            "Try a tenth of it: --rate, or a recipe of your own.",
        )
    text = json.dumps(state)
    metadata = {"format": FORMAT, "version": VERSION, "state": text, "checksum": checksum(plain, text)}
    write_whole(path, save(plain, metadata=metadata))


@dataclass(frozen=True)
class Saved:
    """What a training goes on from, the file it is in, and why that is not LAST: "" where it is."""

    path: Path
    tensors: dict[str, Tensor]
    state: State
    why: str = ""


def save_last(folder: Path, tensors: dict[str, Tensor], state: State) -> None:
    """Save what a training goes on from; what was saved before stays as PREVIOUS. Raises as `save_checkpoint`."""
    if (folder / LAST).exists():
        keep_as(folder / LAST, folder / PREVIOUS)
    save_checkpoint(folder / LAST, tensors, state)


def load_last(folder: Path) -> Saved | None:
    """What a training goes on from: LAST, or PREVIOUS where LAST is damaged, missing or of a newer version.

    None where nothing was saved yet. Raises RunError where neither can be read.
    """
    last, previous = folder / LAST, folder / PREVIOUS
    if not last.exists() and not previous.exists():
        return None
    try:
        return Saved(last, *load_checkpoint(last))
    except RunError as error:
        try:
            return Saved(previous, *_read(previous), error.what)
        except (RunError, OSError):
            raise error from None


def set_aside(folder: Path) -> None:
    """Move a LAST that cannot be read out of the way: it may be of use to somebody, and PREVIOUS must not become it."""
    with suppress(FileNotFoundError):
        try:
            (folder / LAST).replace(folder / f"{LAST}.unread")
        except FileNotFoundError:
            raise
        except OSError as problem:
            raise unwritten(folder / LAST, problem) from None


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], State]:
    """The tensors and the state of a checkpoint, every value finite.

    Raises RunError where it is missing, damaged or of another version; it names the checkpoint that is still good.
    """
    try:
        return _read(path)
    except FileNotFoundError:
        raise RunError(
            f"{path} is missing.",
            f"A run keeps {LAST} from its first epoch on.",
            "Start it anew: striate train NETWORK --out ANOTHER_FOLDER.",
        ) from None
    except RunError as error:
        raise RunError(error.what, error.expected, error.remedy or what_is_whole(path)) from None


def what_is_whole(path: Path) -> str:
    """A remedy for a bad checkpoint at `path`: the run's other checkpoint, if it is whole, and its uses."""
    folder = path.parent
    other = folder / (LAST if path.name == BEST else BEST)
    try:
        state = _read(other)[1]
    except (RunError, OSError):
        return "No other checkpoint of the run is whole. Train anew: striate train NETWORK --out ANOTHER_FOLDER."
    if path.name == BEST:
        position = state.get("position")
        epoch = position.get("epoch") if isinstance(position, dict) else None
        after = f", after {epoch} epochs" if type(epoch) is int else ""
        return f"{other} is whole{after}: copy it to {path.name}, or train anew."
    return f"{other} is whole, for evaluate, predict and serve. To train, begin anew with --out ANOTHER_FOLDER."


def saved_before(folder: Path) -> str:
    """A sentence on the checkpoint that a training which cannot continue has saved."""
    for name, what in ((LAST, "what was learned until it was last saved"), (BEST, "the best epoch's weights")):
        with suppress(RunError, OSError):
            _read(folder / name)
            return f"{folder / name} holds {what}."
    return "Nothing was saved before."


def _read(path: Path) -> tuple[dict[str, Tensor], State]:
    """Read and check a checkpoint. Raises RunError without a remedy, and FileNotFoundError."""
    expected = "It must be a checkpoint that Striate wrote."
    tensors, metadata = read_tensors(path, expected=expected)
    text = metadata.get("state", "")
    version = metadata.get("version")
    try:
        state = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise RunError(f"{path} is damaged: {problem}.", expected) from None
    if metadata.get("format") != FORMAT or version not in (VERSION, WITHOUT_CHECKSUM):
        raise RunError(
            f"{path} is of format {metadata.get('format')!r}, version {version!r}.",
            f"This Striate reads {FORMAT}, versions {WITHOUT_CHECKSUM} and {VERSION}.",
            "A newer file needs a newer Striate.",
        )
    sum_kept = metadata.get("checksum")
    if (sum_kept is not None or version == VERSION) and sum_kept != checksum(tensors, text):
        raise RunError(f"{path} is damaged: its checksum is not that of what it holds.", expected)
    if not isinstance(state, dict):
        raise RunError(f"{path} is damaged: its state is no JSON object.", expected)
    require_sound(path, tensors, expected=expected)
    return tensors, state


def optimiser_tensors(model: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimiser's tensors by the path of their parameter, or of their batch normalisation's statistic."""
    return {
        f"{OPTIMISER}{path}/{slot}": value
        for path, each in _with_slots(model)
        for slot, value in optimiser.state.get(each, {}).items()
        if isinstance(value, Tensor)
    }


def restore(
    model: nn.Module, optimiser: torch.optim.Optimizer | None, tensors: dict[str, Tensor], *, where: Path
) -> None:
    """Put a checkpoint's tensors back into a model and an optimiser. Raises RunError where they do not fit."""
    weights = {name: tensor for name, tensor in tensors.items() if not name.startswith(OPTIMISER)}
    problem = _misfit(weights, model.state_dict())
    if problem is None and optimiser is not None:
        problem = _misfit_of_slots(tensors.keys() - weights.keys(), tensors, model, optimiser)
    if problem is not None:
        what = f"{where} does not fit the run's network: {problem}"
        raise RunError(what, "Both must be of one run.", "Take the files from a copy, or train anew.")
    model.load_state_dict(weights)
    if optimiser is None:
        return
    for path, each in _with_slots(model):
        for slot, tensor in _slots(tensors, path).items():
            optimiser.state.setdefault(each, {})[slot] = _laid_out(tensor, each)


def _with_slots(model: nn.Module) -> list[tuple[str, Tensor]]:
    """What an optimiser keeps tensors for: the parameters, and the statistics that are averaged with them."""
    return [*model.named_parameters(), *running_statistics(model)]


def _laid_out(tensor: Tensor, parameter: Tensor) -> Tensor:
    """A slot's values on a parameter's device and in its order in memory, by which fused optimisers pair the two."""
    if tensor.shape != parameter.shape:
        return tensor.to(parameter.device)
    return torch.empty_like(parameter, memory_format=torch.preserve_format).copy_(tensor)


def _slots(tensors: dict[str, Tensor], path: str) -> dict[str, Tensor]:
    prefix = f"{OPTIMISER}{path}/"
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _misfit(found: dict[str, Tensor], wanted: dict[str, Tensor]) -> str | None:
    """The first difference between tensors and those of a model, in words; None where there is none."""
    for kind, names in (("lacks", wanted.keys() - found.keys()), ("also holds", found.keys() - wanted.keys())):
        if names:
            return f"it {kind} {', '.join(sorted(names)[:3])}."
    for name, own in wanted.items():
        one = found[name]
        if (one.shape, one.dtype) != (own.shape, own.dtype):
            return f"{name} is {form(one)} in place of {form(own)}."
    return None


def _misfit_of_slots(
    left: set[str], tensors: dict[str, Tensor], model: nn.Module, optimiser: torch.optim.Optimizer
) -> str | None:
    kind = getattr(optimiser, "kind", type(optimiser).__name__.lower())
    for path, each in _with_slots(model):
        slots = _slots(tensors, path)
        own = slots.keys() - {AVERAGE}
        if own and not (isinstance(each, nn.Parameter) and own == SLOTS[kind]):
            return f"of {path}, {kind} keeps {', '.join(sorted(SLOTS[kind]))}, not {', '.join(sorted(own))}."
        count = torch.zeros((), dtype=torch.float32)
        wanted = {slot: count if slot == "step" else each for slot in slots}
        if problem := _misfit(slots, wanted):
            return f"of {path}, {problem}"
        left = left - {f"{OPTIMISER}{path}/{slot}" for slot in slots}
    return f"it also holds {', '.join(sorted(left)[:3])}." if left else None
