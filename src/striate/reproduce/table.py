"""A reproduction as text and as JSON: the paper's figures beside ours, pass by pass."""

from __future__ import annotations

from typing import Any

from striate.reproduce import paper
from striate.reproduce.learner import Pass
from striate.reproduce.method import Decisions, Method
from striate.reproduce.session import LENET5, history_of, method_of
from striate.train.run import Run

WORDS = {
    "no": "no distortions",
    "fresh": "nine of ten distorted, each time anew",
    "pool": "60,000 as they are and 540,000 distorted",
}


def heading(run: Run) -> str:
    """What is trained, and how, in three lines."""
    method, kernels = method_of(run), "Striate's kernels" if run.kernels == "striate" else "plain PyTorch"
    return "\n".join(
        [
            f"LeNet-5 as it was trained in 1998: {method.images:,} images, {method.passes} passes, seed {method.seed}",
            f"one image at a time, on {kernels}; {WORDS[method.distorted]}",
            decided(method.decisions),
        ]
    )


def decided(decisions: Decisions) -> str:
    """What the paper leaves open, in one line.

    >>> decided(Decisions(loss="eq8", scale=1.0))
    'decided: loss eq8, scale 1, subsampling sum, biases zero'
    """
    parts = [f"loss {decisions.loss}", f"scale {decisions.scale:.3g}"]
    if decisions.loss == "eq9":
        parts[1:1] = [f"j {decisions.j:g}"]
    parts += [f"subsampling {decisions.subsampling}", f"biases {decisions.biases}"]
    return f"decided: {', '.join(parts + [f'start {decisions.start}'] * (decisions.loss == 'eq9'))}"


def columns(method: Method) -> str:
    """The head of the table."""
    judging = "held-out images" if method.hold_out else "test images"
    return (
        f"                                  training images, wrong    {judging:>15}\n"
        "pass  η       least … greatest    as shown  paper    after    wrong  paper  seconds\n"
        "               rate\n" + "─" * 79
    )


def line(done: Pass, method: Method) -> str:
    """A pass in one line."""
    theirs = paper.train_error(method, done.number), paper.test_error(method, done.number)
    known, test = (_percent(each) for each in (done.known_error, done.test_error))
    train_paper, test_paper = ("" if each is None or method.hold_out else _percent(each) for each in theirs)
    return (
        f"{done.number:4}  {done.eta:<7g} {done.slowest:.1e} {done.fastest:.1e}    {_percent(done.train_error):>8}  "
        f"{train_paper:>5}  {known:>6}   {test:>6}  {test_paper:>5}  {done.seconds:7.1f}"
    )


def closing(run: Run) -> str:
    """What came out, beside what the paper prints."""
    method, history = method_of(run), history_of(run)
    last, first = history[-1], history[0]
    judged = f"{method.hold_out:,} held-out" if method.hold_out else "test"
    theirs = paper.test_error(method, last.number)
    beside = f"; the paper: {_percent(theirs)} %" if theirs is not None and not method.hold_out else ""
    lines = [f"wrong on the {judged} images: {_percent(last.test_error)} %{beside}"]
    low, high = paper.RATES
    lines.append(
        f"rates of the first pass: {first.slowest:.1e} … {first.fastest:.1e}; the paper: {low:.1e} … {high:.1e}"
    )
    lines.append(f"{sum(each.seconds for each in history):.0f} s for {len(history)} passes; the paper: 2 to 3 days")
    return "\n".join(lines)


def members(run: Run) -> dict[str, Any]:
    """The same as JSON members; errors are fractions."""
    method, history = method_of(run), history_of(run)
    return {
        "reproduction": LENET5,
        "folder": str(run.folder),
        **method.to_dict(),
        "passes": [vars(each) for each in history],
        "test_error": history[-1].test_error,
        "paper": {
            "test_error": paper.test_error(method, method.passes),
            "train_error": {str(number): error for number, error in paper.TRAIN_ERROR.items()},
            "rates": list(paper.RATES),
        },
        "kernels": run.kernels,
        "environment": run.environment,
    }


def _percent(error: float) -> str:
    return f"{100 * error:.2f}"
