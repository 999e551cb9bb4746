"""A reproduction as text and as JSON: the paper's figures beside ours, pass by pass."""

from __future__ import annotations

from typing import Any

from striate.kernels.pattern import unsupported
from striate.reproduce import paper
from striate.reproduce.learner import Pass
from striate.reproduce.method import Decisions, Method
from striate.reproduce.session import LENET5, history_of, method_of
from striate.train.run import Run
from striate.wording import counted

WORDS = {
    "no": "no distortions",
    "fresh": "nine of ten distorted, each time anew",
    "pool": "60,000 as they are and 540,000 distorted",
}


def heading(run: Run) -> str:
    """Three lines on the network and the method, and a fourth on the amplitudes of distortions, where there are any.

    Where Striate's kernels cannot run, the reason is given.
    """
    method = method_of(run)
    why = unsupported(run.network)
    plain = "plain PyTorch, more than ten times slower than Striate's kernels" + (f": {why}" if why else "")
    kernels = "Striate's kernels" if run.kernels == "engine" else plain
    amount = f"{counted(method.images, 'image')}, {counted(method.passes, 'pass')}"
    lines = [
        f"LeNet-5 as it was trained in 1998: {amount}, seed {method.seed}",
        f"one image at a time, {WORDS[method.distorted]}, on {kernels}",
        decided(method.decisions),
    ]
    return "\n".join(lines if method.distorted == "no" else [*lines, amplitudes(method.decisions)])


def decided(decisions: Decisions) -> str:
    """The decisions that the paper leaves open, in one line.

    >>> decided(Decisions(loss="eq8", scale=1.0))
    'decided: loss eq8, scale 1, subsampling sum, biases zero'
    """
    parts = [f"loss {decisions.loss}", f"scale {decisions.scale:.3g}"]
    if decisions.loss == "eq9":
        parts[1:1] = [f"j {decisions.j:g}"]
    parts += [f"subsampling {decisions.subsampling}", f"biases {decisions.biases}"]
    return f"decided: {', '.join(parts + [f'start {decisions.start}'] * (decisions.loss == 'eq9'))}"


def amplitudes(decisions: Decisions) -> str:
    """The amplitudes of the distortions, in one line.

    >>> amplitudes(Decisions(shift=1.5, size=0.2, squeeze=0.1, shear=10.0))
    'distorted by up to: shift 1.5 px, size 20 %, squeeze 10 %, shear 10°'
    """
    parts = [f"shift {decisions.shift:g} px", f"size {100 * decisions.size:g} %"]
    parts += [f"squeeze {100 * decisions.squeeze:g} %", f"shear {decisions.shear:g}°"]
    return f"distorted by up to: {', '.join(parts)}"


def columns(method: Method) -> str:
    """The head of the table."""
    judging = "held-out images" if method.hold_out else "test images"
    groups = f"{'':32}{'training images, % wrong':>24}{judging:>17}"
    names = _row("pass", "η", "rates from, to", "shown", "paper", "after", "% wrong", "paper", "seconds")
    return f"{groups}\n{names}\n{'─' * len(names)}"


def line(done: Pass, method: Method) -> str:
    """A pass in one line."""
    theirs = (each(method, done.number) for each in (paper.train_error, paper.test_error))
    train, test = ("" if each is None or method.hold_out else _percent(each) for each in theirs)
    rates = f"{done.slowest:.1e} {done.fastest:.1e}"
    shown, after, judged = (_percent(each) for each in (done.train_error, done.known_error, done.test_error))
    return _row(str(done.number), f"{done.eta:g}", rates, shown, train, after, judged, test, f"{done.seconds:.1f}")


def _row(*cells: str) -> str:
    """The cells of a line: the pass is right-aligned, η and the rates left-aligned, figures right-aligned."""
    number, eta, rates, *numbers = cells
    widths = (6, 6, 6, 9, 6, 9)
    ends = "".join(f"{each:>{width + 1}}" for each, width in zip(numbers, widths, strict=True))
    return f"{number:>4}  {eta:<6}  {rates:<15}{ends}"


def closing(run: Run) -> str:
    """The results beside the paper's figures."""
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
    """The results as JSON members; errors are fractions."""
    method, history = method_of(run), history_of(run)
    return {
        "reproduction": LENET5,
        "folder": str(run.folder),
        **method.to_dict(),
        "passes": [vars(each) for each in history],
        "test_error": history[-1].test_error,
        "paper": {
            "test_error": paper.test_error(method, method.passes),
            "train_error": {
                str(number): error
                for number in paper.TRAIN_ERROR
                if (error := paper.train_error(method, number)) is not None
            },
            "rates": list(paper.RATES),
        },
        "kernels": run.kernels,
        "environment": run.environment,
    }


def _percent(error: float) -> str:
    return f"{100 * error:.2f}"
