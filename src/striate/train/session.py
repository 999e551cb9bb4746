"""A training that is kept in a run's folder: the loop, with locks, checkpoints, events and findings around it."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Generator, Iterator, Mapping
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
from striate.train.checkpoint import BEST, LAST, Saved, load_last, save_checkpoint, save_last, saved_before, set_aside
from striate.train.checkpoint_state import Progress, progress_of
from striate.train.diagnose import Finding, GradientWatch, fallen_back, missed_classes, require_finite
from striate.train.distributed import World, here, job, require_one_model, require_one_set
from striate.train.filters import FILE as FILTERS
from striate.train.filters import keep_filters
from striate.train.first_weights import begin, require_layers
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
    """The training is over: `why`, and the best epoch with its validation accuracy.

    Where classes are uneven, the best epoch was chosen by `balanced_accuracy`.
    """

    why: str
    epoch: int
    accuracy: float
    balanced_accuracy: float | None = None


Event = Batch | Epoch | Finding | Interrupted | Finished


def start(run: Run, split: Split, weights: Mapping[str, Tensor] | None = None) -> Generator[Event]:
    """Make the run's folder and train from the beginning; the folder is held until the training is over.

    `weights` are the weights at the start, where some are taken over from another run (`train.transfer.take_over`).
    """
    require_layers(run)  # an error comes before a folder is made
    world = here()
    if not run.data.stream:  # fingerprints of streams hold times of files, which differ from machine to machine
        require_one_set(world, (run.data.train_fingerprint, run.data.validation_fingerprint), source=run.data.source)
    if not world.leads:
        return _train(replace(run, follows=True), split, None, ExitStack())
    create_run(run, weights)
    with ExitStack() as held:
        held.enter_context(Lock(run.folder))
        members = {"processes": world.size, "job": job()} if world.size > 1 or job() else {}
        run.log("started", network=run.network.name, recipe=run.recipe.to_dict(), **members)
        return _train(run, split, None, held.pop_all())


def resume(run: Run, split: Split) -> Generator[Event]:
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


def _train(run: Run, split: Split, checkpoint: tuple[Saved, Progress] | None, held: ExitStack) -> Generator[Event]:
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
    """Train to the end, to an interruption or to an error; the caller holds the lock and adds to errors."""
    world = here()
    torch.set_num_threads(allowed(run.threads))
    model = begin(run, split, world, resumed=checkpoint is not None)
    recipe = replace(run.recipe, batch=min(run.recipe.batch, len(split.train)))
    learner = Learner(model, recipe, kernels=run.kernels, taken=run.transfer.taken if run.transfer else ())
    learner.pace = pace_of(run)
    training = _Training(run, split, learner)
    checkpoint = _shared(checkpoint, world, run)
    if checkpoint is not None:
        yield from training.go_on_from(*checkpoint)
    elif world.leads:
        keep_filters(run.path(FILTERS), model, epoch=0)
    with stop_signals() as stop:
        learner.asked_to_stop = stop.is_set
        for event in () if training.end() else train(learner, split, run.preprocessing):
            yield from training.keep_step(event) if isinstance(event, Batch) else training.keep_epoch(event)
            yield event
            if learner.stopped or (world.size == 1 and stop.is_set()):
                training.save()
                run.log("interrupted", epoch=learner.epoch, batch=learner.batch)
                yield Interrupted(learner.epoch, learner.batch)
                return
            if training.end():
                break
    yield from training.finish()


class _Training:
    """A training, and what its run keeps of it: `history` has the epochs so far, `best` the figures of the best one."""

    def __init__(self, run: Run, split: Split, learner: Learner) -> None:
        self.run, self.split, self.learner = run, split, learner
        self.leads = learner.world.leads
        self.history: list[dict[str, Any]] = []
        self.best: dict[str, Any] = {"epoch": 0, "accuracy": -1.0}
        self.watch, self.saved_at = GradientWatch(), time.monotonic()

    def go_on_from(self, saved: Saved, progress: Progress) -> Iterator[Finding]:
        """Take up a checkpoint; yields a finding where it is not the last one, because that is damaged."""
        self.learner.go_to(saved.tensors, progress.position, where=saved.path)
        self.history, self.best = progress.history, progress.best
        said = any(event.get("kind") == "exploding" for event in self.run.events("warning"))
        self.watch = GradientWatch(progress.gradient, reported=said)
        if saved.why:
            set_aside(self.run.folder)
            yield self._logged(fallen_back(saved))

    def save(self) -> None:
        """Write the checkpoint from which the training can go on."""
        if self.leads:
            state = {"position": self.learner.position(), "history": self.history, "best": self.best}
            if self.watch.first is not None and math.isfinite(self.watch.first):
                state["gradient"] = self.watch.first
            save_last(self.run.folder, self.learner.tensors(), state)
        self.saved_at = time.monotonic()

    def end(self) -> str | None:
        """Why the training is over; None while it is not."""
        recipe = self.run.recipe
        if recipe.until is not None and judged(self.best) >= recipe.until:
            which = " balanced accuracy" if self.best.get("balanced_accuracy") is not None else ""
            return f"reached {percent(recipe.until)}{which} on the validation images"
        if recipe.early_stopping and epochs_without_better(self.history) >= recipe.early_stopping:
            return f"{counted(recipe.early_stopping, 'epoch')} without a better validation accuracy"
        return counted(recipe.epochs, "epoch") if self.learner.epoch >= recipe.epochs else None

    def keep_step(self, step: Batch) -> Iterator[Finding]:
        """Check a step's loss and now and then the gradients, and save where the last checkpoint is old."""
        require_finite(step.loss, step=step.epoch * step.batches + step.batch, rate=step.rate)
        finding = self.watch.look(self.learner.model) if step.batch % WATCH_EVERY == 1 else None
        if finding and self.leads:
            yield self._logged(finding)
        if time.monotonic() - self.saved_at > SAVE_EVERY:
            self.save()

    def keep_epoch(self, epoch: Epoch) -> Iterator[Finding]:
        """Check an epoch, keep its filters, its weights where it is the best, a checkpoint, and its events."""
        run, learner = self.run, self.learner
        require_finite(epoch.validation_loss, step=epoch.epoch, rate=epoch.rate, of="validation loss")
        require_one_model(learner.world, learner.model, epoch=epoch.epoch)
        if self.leads:
            with averages_in(learner.optimiser):
                keep_filters(run.path(FILTERS), learner.model, epoch=epoch.epoch)
        self.history.append({"event": "epoch", "time": now(), **asdict(epoch)})
        if is_best(epoch, self.best):
            self.best.update(epoch=epoch.epoch, accuracy=epoch.accuracy, temperature=epoch.temperature)
            self.best.update(balanced_accuracy=epoch.balanced_accuracy)
            if self.leads:
                save_checkpoint(run.path(BEST), learner.weights(), dict(self.best))
        self.save()
        run.log("epoch", **asdict(epoch))
        run.log("profile", epoch=epoch.epoch, seconds=learner.profile(), **decoding(self.split.train))
        if learner.pace:
            for change in learner.pace.changes:
                run.log("threads", epoch=epoch.epoch, **asdict(change))
            learner.pace.changes.clear()
        if self.leads:
            yield from findings(run, learner, self.split, self.history)

    def finish(self) -> Iterator[Finding | Finished]:
        """Log the end of the training, with the classes that the best weights miss."""
        run, best = self.run, self.best
        finished = Finished(self.end() or "", best["epoch"], best["accuracy"], best.get("balanced_accuracy"))
        if self.leads and not run.events("finished"):
            never_right = missed(run, self.history, best["epoch"])
            if finding := missed_classes(never_right, counts_of(self.split.train), run.classes):
                run.log("warning", epoch=best["epoch"], **asdict(finding))
                yield finding
            run.log("finished", **asdict(finished))
        yield finished

    def _logged(self, finding: Finding) -> Finding:
        self.run.log("warning", **asdict(finding))
        return finding
