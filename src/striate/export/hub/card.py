"""The model card: what the network is, what it reached, what each layer costs, and how to load it."""

from __future__ import annotations

import json
from typing import Any

from striate.accounting import account
from striate.data.source import SOURCES
from striate.description.labels import one_line
from striate.description.notation.writing import to_text
from striate.description.shapes import show
from striate.look.positions import board_size
from striate.train.run import Run
from striate.wording import counted, percent

MARK = "library_name: striate"
"""The line of the card's head by which a folder is known."""
MOST_CLASSES = 50


def card(run: Run, *, name: str, drawing: str, curves: str | None) -> str:
    """README.md of a model called `name`: Markdown under a head of YAML, as the hub reads it."""
    totals, plays = account(run.network).totals, board_size(run.network) is not None
    asked, answer = ("position", "move") if plays else ("image", "class")
    parts = [
        _head(run, name, plays=plays),
        f"# {one_line(name)}",
        f"The convolutional network {_code(run.network.name)}{_paper(run)}: {asked}s of {show(run.network.input)} in, "
        f"{counted(len(run.classes), answer)} out, {counted(totals.parameters, 'parameter')}, "
        f"{counted(totals.macs, 'MAC')} per {asked}.",
        f"![The network, drawn layer by layer]({drawing})",
        _classes(run),
        "## What it reached",
        _reached(run, plays=plays),
        *([f"![Loss and error by epoch]({curves})"] if curves else []),
        "## How to load it",
        _loading(name, plays=plays),
        "## What each layer costs",
        f"```\n{account(run.network)}\n```",
        "## The network, as text",
        f"```\n{to_text(run.network)}```",
        *_training(run),
    ]
    return "\n\n".join(parts) + "\n"


def _head(run: Run, name: str, *, plays: bool) -> str:
    # The hub has no task for the moves of a game.
    task = "other" if plays else "image-classification"
    lines = ["---", MARK, f"pipeline_tag: {task}", "tags:", "- go" if plays else f"- {task}", "- striate"]
    tests = _tests(run)
    if tests:
        last, source = tests[-1], _source(run, plays=plays)
        lines += [
            "model-index:",
            f"- name: {json.dumps(one_line(name))}",
            "  results:",
            "  - task:",
            f"      type: {task}",
            "    dataset:",
            f"      name: {json.dumps(source)}",
            f"      type: {json.dumps(source)}",
            "      split: test",
            "    metrics:",
            "    - type: accuracy",
            f"      value: {last['top1']:.6f}",
        ]
    return "\n".join([*lines, "---"])


def _reached(run: Run, *, plays: bool) -> str:
    data, rows = run.data, list[tuple[str, str]]()
    finished = run.events("finished")
    if finished:
        best = finished[-1]
        judged = counted(data.validation_images, f"validation {'position' if plays else 'image'}")
        if run.reproduction is None:
            rows.append(("best epoch, by the validation images", str(best["epoch"])))
            rows.append((f"right, of {judged}", percent(best["accuracy"])))
        else:  # the last pass is kept, whatever it reached
            judged = judged if run.judging == "validation" else "the test images"
            rows.append((f"right, of {judged}, after {counted(best['epoch'], 'pass')}", percent(best["accuracy"])))
    for each in _tests(run)[-1:]:
        if plays:
            asked = f"{counted(each['positions'], 'position')} of {counted(each['games'], 'test game')}"
            rows.append((f"the move played is the likeliest, in {asked}", percent(each["top1"])))
            rows.append(("it is among the five likeliest", percent(each["top5"])))
        else:
            rows.append((f"right, of {counted(each['images'], 'test image')}", percent(each["top1"])))
            rows.append(("balanced accuracy on them", percent(each["balanced_accuracy"])))
        rows.append(("how often the test images were looked at", str(run.test_looks)))
    if not rows:
        return "No figures came with its weights." if run.origin else "Nothing was measured yet."
    table = "\n".join(f"| {what} | {value} |" for what, value in rows)
    return f"| measured | |\n|---|---|\n{table}\n\nThe {'games' if plays else 'images'}: {_source(run, plays=plays)}."


def _loading(name: str, *, plays: bool) -> str:
    weights = (
        "`model.safetensors` has the weights by the paths of the layers, and what the run says of classes and "
        "preprocessing; `config.json` is the network. Any program that reads safetensors can take the weights."
    )
    if plays:
        asked = "striate predict FOLDER/model.safetensors game.sgf --move 57"
        return f"```\n{asked}\n```\n\nIt needs no network access and runs no code of this folder: {weights}"
    return (
        "```python\n"
        "import striate\n\n"
        f"model = striate.from_pretrained({json.dumps(one_line(name))})  # this folder, downloaded\n"
        'model.predict(["picture.png"])\n'
        "```\n\n"
        f"It needs no network access and runs no code of this folder: {weights} "
        "`striate predict FOLDER/model.safetensors picture.png` does it in a terminal."
    )


def _training(run: Run) -> list[str]:
    if not run.data.train_images:
        return []
    recipe: dict[str, Any] = run.recipe.to_dict() | {"augmentation": run.recipe.augmentation.words or "none"}
    lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in recipe.items())
    versions = ", ".join(f"{name} {run.environment[name]}" for name in ("striate", "torch") if name in run.environment)
    first = f"Trained on {counted(run.data.train_images, 'image')}, with {one_line(versions)}, by this recipe:"
    return ["## How it was trained", first, f"```\n{lines}\n```"]


def _classes(run: Run) -> str:
    names = ", ".join(_code(name) for name in run.classes[:MOST_CLASSES])
    more = len(run.classes) - MOST_CLASSES
    return f"Classes, in the order of the outputs: {names}{f', and {more:,} more' if more > 0 else ''}."


def _paper(run: Run) -> str:
    source = run.network.source
    return f" ({one_line(source.paper)}, {source.year})" if source else ""


def _source(run: Run, *, plays: bool) -> str:
    """The data set's name where it comes with Striate; folders of this machine are not named."""
    if run.data.source in SOURCES:
        return run.data.source
    if not run.data.train_images:
        return "unknown"
    return "games of its author's choice" if plays else "images of its author"


def _tests(run: Run) -> list[dict[str, Any]]:
    """The evaluations of the weights as they are now, each image once, on the run's own test images."""
    events = run.events()
    learned = max((at for at, each in enumerate(events) if each["event"] == "epoch"), default=-1)
    return [
        each
        for each in events[learned + 1 :]
        if each["event"] == "evaluated"
        and (each.get("split"), each.get("source")) == ("test", run.data.source)
        and not each.get("test_time_flips")
        and each.get("symmetries", 1) == 1
    ]


def _code(text: str) -> str:
    """A name as code: one that holds a backtick is shown without it."""
    return f"`{one_line(text).replace('`', '′')}`"
