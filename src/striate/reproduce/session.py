"""A reproduction with a run's folder: saved after every pass, and resumed to the same weights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch

from striate.data import ImageSet, epoch_order, hold_out, load, preprocessing_for
from striate.description.network import Network
from striate.errors import FormatError, LearningError, RunError, SpecError
from striate.execution.choice import require
from striate.files import clear_partial, write_whole
from striate.kernels.pattern import unsupported
from striate.networks import find
from striate.reproduce.learner import OnlineLearner, Pass, PassProgress, Sets
from striate.reproduce.method import ALL, Method
from striate.threads import allowed
from striate.train.checkpoint import BEST, load_last, restore, save_checkpoint, save_last, saved_before, set_aside
from striate.train.checkpoint_state import misread
from striate.train.diagnose import Finding, fallen_back, require_finite
from striate.train.lock import Lock
from striate.train.machine import environment
from striate.train.members import Members
from striate.train.run import DataRecord, Run, create_run, events_again, now, require_free
from striate.train.stop import stop_signals
from striate.train.temperature import temperature_of

SOURCE = "mnist"
LENET5 = "lenet5-1998"
"""The name of this reproduction for `striate reproduce`."""


@dataclass(frozen=True)
class Stopped:
    """The event after a signal to stop; `passes` are saved."""

    passes: int


Event = PassProgress | Pass | Stopped | Finding


def prepare(method: Method, *, folder: Path, kernels: str = "auto", source: str = SOURCE) -> tuple[Run, Sets]:
    """A new run, not yet on the disk, and its images."""
    require_free(folder)
    network = find("lenet5")
    sets, recipe = _sets(network, method, source), method.recipe
    record = DataRecord(
        source=sets.train.source,
        classes=sets.train.classes,
        resize=None,
        skip_unreadable=False,
        unreadable=(),
        train_images=len(sets.train),
        validation_images=method.hold_out,
        train_fingerprint=sets.train.fingerprint(),
        validation_fingerprint=sets.judging.fingerprint(),
        channels=1,
    )
    require(network, kernels)
    if kernels == "auto":
        kernels = "torch" if unsupported(network) else "engine"
    run = Run(
        folder=folder,
        network=network,
        recipe=recipe,
        data=record,
        preprocessing=sets.preprocessing,
        threads=1,
        device="cpu",
        environment=environment(),
        kernels=kernels,
        reproduction=method.to_dict(),
    )
    return run, sets


def start(run: Run, sets: Sets) -> Iterator[Event]:
    """Make the run's folder and train from the beginning; the folder is locked until the training is over."""
    create_run(run)
    with ExitStack() as held:
        held.enter_context(Lock(run.folder))
        run.log("started", network=run.network.name, reproduction=run.reproduction)
        return _train(run, sets, [], held.pop_all())


def reload(run: Run) -> Sets:
    """The images of a run that is resumed. Raises RunError where `striate reproduce` did not make the run."""
    if run.reproduction is None:
        raise RunError(
            f"{run.folder} was made by striate train.",
            "striate reproduce goes on with its own runs.",
            f"Go on with: striate train --resume {run.folder}",
        )
    if run.kernels == "engine" and (reason := unsupported(run.network)):
        raise RunError(
            f"{run.folder} was trained on Striate's kernels, which cannot run here: {reason}.",
            "It goes on, bit for bit, only on them.",
            "Compile them: python -m striate.kernels.compile. Or begin a new run.",
        )
    sets = _sets(run.network, method_of(run), run.data.source)
    if (sets.train.fingerprint(), sets.judging.fingerprint()) != (
        run.data.train_fingerprint,
        run.data.validation_fingerprint,
    ):
        raise RunError(f"the images of {run.data.source} are not those that this run began with.")
    return sets


def resume(run: Run, sets: Sets) -> Iterator[Event]:
    """Continue after the last pass that was saved; with none yet, from the beginning.

    Raises RunError where another process writes the run, or a file that it needs is damaged.
    """
    with ExitStack() as held:
        held.enter_context(Lock(run.folder))
        clear_partial(run.folder)
        history = history_of(run)
        events = events_again(run, [_epoch(each) for each in history])
        write_whole(run.path("events.jsonl"), "".join(f"{json.dumps(each)}\n" for each in events))
        run.log("resumed", epoch=len(history))
        return _train(run, sets, history, held.pop_all())


def method_of(run: Run) -> Method:
    """The method of a run of `striate reproduce`. Raises RunError where that part of run.json is damaged."""
    try:
        return Method.from_dict(run.reproduction or {})
    except SpecError as error:
        where = run.path("run.json")
        raise RunError(f"{where} is damaged: reproduction: {error.what}", error.expected, error.remedy) from None


def history_of(run: Run) -> list[Pass]:
    """The saved passes of a run. Raises RunError where they are damaged."""
    saved = load_last(run.folder)
    if saved is None:
        return []
    path, passes = saved.path, saved.state.get("passes")
    try:
        if not isinstance(passes, list):
            raise FormatError("state.passes is no list.", "It must list the passes.")
        return [_pass(Members.of(each, f"state.passes[{at}]"), number=at + 1) for at, each in enumerate(passes)]
    except FormatError as error:
        raise misread(path, error) from None


def _pass(members: Members, *, number: int) -> Pass:
    values: dict[str, Any] = {each.name: members.number(each.name) for each in fields(Pass)}
    return Pass(**values | {"number": members.whole("number", least=number, most=number)})


def _train(run: Run, sets: Sets, history: list[Pass], held: ExitStack) -> Iterator[Event]:
    with held:
        try:
            yield from _passes(run, sets, history)
        except LearningError as error:
            raise LearningError(error.what, error.expected, f"{error.remedy} {saved_before(run.folder)}") from None


def _passes(run: Run, sets: Sets, history: list[Pass]) -> Iterator[Event]:
    torch.set_num_threads(allowed(run.threads))
    method = method_of(run)
    learner = OnlineLearner(run.network, method, kernels=run.kernels)
    if history and (saved := load_last(run.folder)):
        restore(learner.model, None, saved.tensors, where=saved.path)
        learner.done = len(history)
        if saved.why:
            set_aside(run.folder)
            finding = fallen_back(saved)
            run.log("warning", **asdict(finding))
            yield finding
    with stop_signals() as stop:
        while learner.done < method.passes:
            for event in learner.learn(sets):
                if isinstance(event, Pass):
                    require_finite(event.loss, step=event.number * method.images, rate=event.fastest)
                    history.append(event)
                    run = _save(run, learner, sets, history)
                yield event
            if stop.is_set() and learner.done < method.passes:
                run.log("interrupted", epoch=learner.done, batch=0)
                yield Stopped(learner.done)
                return
    if not run.events("finished"):
        accuracy = 1 - history[-1].test_error
        run.log("finished", why=f"{method.passes} passes", epoch=method.passes, accuracy=accuracy)


def _save(run: Run, learner: OnlineLearner, sets: Sets, history: list[Pass]) -> Run:
    """Save a pass: first the files for other readers, then the checkpoint that resuming needs.

    A pass whose checkpoint is not written is taken again, and its files are written again.
    """
    weights = dict(learner.model.state_dict())
    assert learner.known  # noqa: S101 - a pass has just been done
    state = {
        "epoch": learner.done,
        "accuracy": 1 - history[-1].test_error,
        "temperature": temperature_of(learner.known.scores, learner.known.labels),
    }
    save_checkpoint(run.path(BEST), weights, state)
    if not run.recipe.hold_out:
        run = replace(run, test_looks=len(history) + _evaluations(run))  # each pass is a look
        run.write()
    save_last(run.folder, weights, {"passes": [asdict(each) for each in history]})
    event = _epoch(history[-1])
    run.log(event.pop("event"), **{key: value for key, value in event.items() if key != "time"})
    return run


def _evaluations(run: Run) -> int:
    """How often `striate evaluate` and `striate export --int8` have looked at the run's own test images."""
    own = [each for each in run.events() if each["event"] in ("evaluated", "looked")]
    return sum((each.get("split"), each.get("source")) == ("test", run.data.source) for each in own)


def _epoch(done: Pass) -> dict[str, Any]:
    """A pass as an event "epoch", for the run's report."""
    return {
        "event": "epoch",
        "time": now(),
        "epoch": done.number,
        "loss": done.loss,
        "train_accuracy": 1 - done.train_error,
        "accuracy": 1 - done.test_error,
        "rate": done.fastest,
        "seconds": done.seconds,
    }


def _sets(network: Network, method: Method, source: str) -> Sets:
    train_images = load(source, "train")
    judging: ImageSet
    if method.hold_out:
        train_images, judging = hold_out(train_images, fraction=method.hold_out / ALL)
    else:
        judging = load(source, "test")
    if method.images < len(train_images):
        train_images = train_images.subset(epoch_order(len(train_images), seed=method.seed, epoch=0)[: method.images])
    preprocessing = preprocessing_for(network.input, train_images, low=method.recipe.low, high=method.recipe.high)
    known, unknown = map(preprocessing.packed, (train_images, judging))
    return Sets(known, unknown, preprocessing)
