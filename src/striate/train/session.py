"""A training that is kept: the loop, with a run folder around it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor

from striate.errors import LearningError, RunError
from striate.execution.choice import missing
from striate.execution.names import KERNELS
from striate.files import clear_partial, write_whole
from striate.threads import allowed
from striate.train.beginning import begin, require_layers
from striate.train.checkpoint import BEST, LAST, Saved, load_last, save_checkpoint, save_last, saved_before, set_aside
from striate.train.diagnose import Finding, GradientWatch, fallen_back, missed_classes, require_finite
from striate.train.distributed import World, here, job, require_one_model
from striate.train.filters import FILE as FILTERS
from striate.train.filters import keep_filters
from striate.train.images import Images as Images
from striate.train.images import decoding
from striate.train.judge import epochs_without_better, findings, is_best, judged, missed
from striate.train.learner import Learner
from striate.train.lock import Lock
from striate.train.loop import Batch, Epoch, Split, train
from striate.train.machine import require_device
from striate.train.metrics import counts_of
from striate.train.optimisers import averages_in
from striate.train.pace import pace_of
from striate.train.preparation import prepare as prepare
from striate.train.preparation import reload as reload
from striate.train.preparation import unsettled as unsettled
from striate.train.run import Run, create_run, events_again, now
from striate.train.state import Progress, progress_of
from striate.train.stop import stop_signals
from striate.wording import counted, percent

SAVE_EVERY = 30.0
"""Seconds between checkpoints inside an epoch; each epoch's end saves too."""
WATCH_EVERY = 50
"""Steps between looks at the gradients."""


@dataclass(frozen=True)
class Interrupted:
    """The training was stopped by a signal, and saved."""

    epoch: int
    batch: int


@dataclass(frozen=True)
class Finished:
    """The training is over: `why` it ended, and the best epoch with its validation accuracy, where classes are uneven
    also the balanced one, by which it was chosen."""

    why: str
    epoch: int
    accuracy: float
    balanced_accuracy: float | None = None


Event = Batch | Epoch | Finding | Interrupted | Finished


def start(run: Run, split: Split, weights: Mapping[str, Tensor] | None = None) -> Iterator[Event]:
    """Make the run's folder and train from the beginning; the folder is held until the training is over.

    `weights` are those that it begins with where some are taken over from another run (`train.transfer.take_over`).
    """
    require_layers(run)  # an error comes before a folder is made
    world = here()
    if not world.leads:
        return _train(replace(run, follows=True), split, None, ExitStack())
    create_run(run, weights)
    with ExitStack() as held:
        held.enter_context(Lock(run.folder))
        members = {"processes": world.size, "job": job()} if world.size > 1 else {}
        run.log("started", network=run.network.name, recipe=run.recipe.to_dict(), **members)
        return _train(run, split, None, held.pop_all())


def resume(run: Run, split: Split) -> Iterator[Event]:
    """Go on from the run's last checkpoint; with none yet, from the beginning.

    Raises RunError where another process writes the run, or where the machine, the kernels or a file that it needs is
    not there or damaged.
    """
    require_device(run.device, folder=run.folder)
    if reason := missing(run.network, run.kernels, device=run.device):
        raise RunError(
            f"{run.folder} was trained on {KERNELS[run.kernels]}, which cannot run here: {reason}.",
            "It goes on, bit for bit, only on them.",
            "Begin a new run, or take it to a machine that has them; Striate's are compiled by: "
            "python -m striate.kernels.compile",
        )
    world = here()
    if not world.leads:
        return _train(replace(run, follows=True), split, None, ExitStack())
    with ExitStack() as held:
        held.enter_context(Lock(run.folder))
        clear_partial(run.folder)
        saved = load_last(run.folder)
        checkpoint = (saved, progress_of(saved.state, where=saved.path)) if saved else None
        history = checkpoint[1].history if checkpoint else []
        events = events_again(run, history)
        write_whole(run.path("events.jsonl"), "".join(f"{json.dumps(each)}\n" for each in events))
        run.log("resumed", epoch=checkpoint[1].position.get("epoch", 0) if checkpoint else 0)
        return _train(run, split, checkpoint, held.pop_all())


def _train(run: Run, split: Split, checkpoint: tuple[Saved, Progress] | None, held: ExitStack) -> Iterator[Event]:
    with held:
        try:
            yield from _steps(run, split, checkpoint)
        except LearningError as error:
            raise LearningError(error.what, error.expected, f"{error.remedy} {saved_before(run.folder)}") from None


def _shared(checkpoint: tuple[Saved, Progress] | None, world: World, run: Run) -> tuple[Saved, Progress] | None:
    """The checkpoint that the first process has read, in all processes."""
    state = world.told(lambda: None if checkpoint is None else asdict(checkpoint[1]))
    if state is None:
        return None
    tensors = world.tensors(checkpoint and checkpoint[0].tensors)
    return checkpoint or (Saved(run.path(LAST), tensors, {}), Progress(**state))


def _steps(run: Run, split: Split, checkpoint: tuple[Saved, Progress] | None) -> Iterator[Event]:
    recipe = run.recipe
    world = here()
    torch.set_num_threads(allowed(run.threads))
    model = begin(run, split, world, resumed=checkpoint is not None)
    fitted = replace(recipe, batch=min(recipe.batch, len(split.train)))
    learner = Learner(model, fitted, kernels=run.kernels, taken=run.transfer.taken if run.transfer else ())
    learner.pace = pace_of(run)
    history: list[dict[str, Any]] = []
    best: dict[str, Any] = {"epoch": 0, "accuracy": -1.0}
    checkpoint = _shared(checkpoint, world, run)
    if checkpoint is not None:
        saved, state = checkpoint
        learner.go_to(saved.tensors, state.position, where=saved.path)
        history, best = state.history, state.best
        if saved.why:
            set_aside(run.folder)
            finding = fallen_back(saved)
            run.log("warning", **asdict(finding))
            yield finding
    elif world.leads:
        keep_filters(run.path(FILTERS), model, epoch=0)

    def save() -> None:
        if not world.leads:
            return
        state = {"position": learner.position(), "history": history, "best": best}
        save_last(run.folder, learner.tensors(), state)

    def done() -> str | None:
        if recipe.until is not None and judged(best) >= recipe.until:
            which = " balanced accuracy" if best.get("balanced_accuracy") is not None else ""
            return f"reached {percent(recipe.until)}{which} on the validation images"
        if recipe.early_stopping and epochs_without_better(history) >= recipe.early_stopping:
            return f"{counted(recipe.early_stopping, 'epoch')} without a better validation accuracy"
        return counted(recipe.epochs, "epoch") if learner.epoch >= recipe.epochs else None

    watch, saved_at = GradientWatch(), time.monotonic()
    with stop_signals() as stop:
        learner.asked_to_stop = stop.is_set
        for event in () if done() else train(learner, split, run.preprocessing):
            if isinstance(event, Batch):
                require_finite(event.loss, step=event.epoch * event.batches + event.batch, rate=event.rate)
                finding = watch.look(model) if event.batch % WATCH_EVERY == 1 else None
                if finding and world.leads:
                    run.log("warning", **asdict(finding))
                    yield finding
                if time.monotonic() - saved_at > SAVE_EVERY:
                    save()
                    saved_at = time.monotonic()
            else:
                require_finite(event.validation_loss, step=event.epoch, rate=event.rate, of="validation loss")
                require_one_model(world, model, epoch=event.epoch)
                if world.leads:
                    with averages_in(learner.optimiser):
                        keep_filters(run.path(FILTERS), model, epoch=event.epoch)
                history.append({"event": "epoch", "time": now(), **asdict(event)})
                if is_best(event, best):
                    best.update(epoch=event.epoch, accuracy=event.accuracy, temperature=event.temperature)
                    best.update(balanced_accuracy=event.balanced_accuracy)
                    if world.leads:
                        save_checkpoint(run.path(BEST), learner.weights(), dict(best))
                save()
                saved_at = time.monotonic()
                run.log("epoch", **asdict(event))
                run.log("profile", epoch=event.epoch, seconds=learner.profile(), **decoding(split.train))
                for change in learner.pace.changes if learner.pace else ():
                    run.log("threads", epoch=event.epoch, **asdict(change))
                if learner.pace:
                    learner.pace.changes.clear()
                if world.leads:
                    yield from findings(run, learner, split, history)
            yield event
            if learner.stopped or (world.size == 1 and stop.is_set()):
                save()
                run.log("interrupted", epoch=learner.epoch, batch=learner.batch)
                yield Interrupted(learner.epoch, learner.batch)
                return
            if done():
                break
    finished = Finished(done() or "", best["epoch"], best["accuracy"], best.get("balanced_accuracy"))
    if world.leads and not run.events("finished"):
        if finding := missed_classes(missed(run, history, best["epoch"]), counts_of(split.train), run.classes):
            run.log("warning", epoch=best["epoch"], **asdict(finding))
            yield finding
        run.log("finished", **asdict(finished))
    yield finished
