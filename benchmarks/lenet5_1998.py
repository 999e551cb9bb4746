"""The tables and the pictures of docs/reproductions/lenet5-1998.md, from runs of `striate reproduce lenet5-1998`.

    python benchmarks/lenet5_1998.py RUN... [--passes N] [--pictures docs/reproductions]

Runs that differ in nothing but their seed are one row, with the mean and the deviation of their test errors.
"""

from __future__ import annotations

import argparse
import statistics
from dataclasses import replace
from pathlib import Path

from striate.charts import Series, line_chart
from striate.look.drawing import Figure
from striate.reproduce import Method, Pass, paper
from striate.reproduce.figure import PAPER, TESTING, TRAINING
from striate.reproduce.method import ALL
from striate.reproduce.session import history_of, method_of
from striate.train import open_run

Runs = dict[Method, list[list[Pass]]]
WORDS = {"no": "as they are", "fresh": "distorted anew each time", "pool": "60,000 + 540,000 distorted"}


def groups(folders: list[Path], passes: int | None) -> Runs:
    """The passes of each run, or the first of them, by its method without the seed."""
    found: Runs = {}
    for folder in folders:
        run = open_run(folder)
        found.setdefault(replace(method_of(run), seed=0), []).append(history_of(run)[:passes])
    return found


def summary(runs: Runs) -> str:
    """A row for each way to train."""
    lines = [
        "| images | shown | seeds | training, as shown | test | mean | the paper | seconds |",
        "|--:|---|--:|--:|--:|--:|--:|--:|",
    ]
    for method, histories in runs.items():
        tests = [100 * each[-1].test_error for each in histories]
        train = statistics.mean(100 * each[-1].train_error for each in histories)
        deviation = f" ± {statistics.stdev(tests):.2f}" if len(tests) > 1 else ""
        theirs = paper.test_error(method, method.passes)
        printed = f"{100 * theirs:.2f} %" if theirs is not None else ""
        each_test = ", ".join(f"{each:.2f}" for each in tests)
        seconds = statistics.mean(sum(each.seconds for each in history) for history in histories)
        lines.append(
            f"| {method.images:,} | {WORDS[method.distorted]} | {len(tests)} | {train:.2f} % | "
            f"{each_test} % | **{statistics.mean(tests):.2f} %**{deviation} | {printed} | {seconds:.0f} |"
        )
    return "\n".join(lines)


def by_pass(method: Method, histories: list[list[Pass]]) -> str:
    """The means over the seeds, pass by pass, beside the paper's figures."""
    lines = [
        "| pass | η | rates | training, as shown | the paper | test | the paper |",
        "|--:|--:|---|--:|--:|--:|--:|",
    ]
    for passes in zip(*histories, strict=True):
        first = passes[0]
        train, test = (paper.train_error(method, first.number), paper.test_error(method, first.number))
        theirs = [f"{100 * each:.2f} %" if each is not None else "" for each in (train, test)]
        ours = [statistics.mean(100 * getattr(each, name) for each in passes) for name in ("train_error", "test_error")]
        slowest, fastest = min(each.slowest for each in passes), max(each.fastest for each in passes)
        lines.append(
            f"| {first.number} | {first.eta:g} | {slowest:.1e} … {fastest:.1e} | {ours[0]:.2f} % | {theirs[0]} | "
            f"{ours[1]:.2f} % | {theirs[1]} |"
        )
    return "\n".join(lines)


def figure_5(method: Method, histories: list[list[Pass]]) -> str:
    """The means over the seeds as curves."""
    columns = list(zip(*histories, strict=True))
    train, test = (
        tuple(100 * statistics.mean(getattr(each, name) for each in column) for column in columns)
        for name in ("train_error", "test_error")
    )
    series = [Series("training", TRAINING, train), Series("test", TESTING, test)]
    theirs = paper.test_error(method, method.passes)
    if theirs is not None:
        series.append(Series("paper, test", PAPER, (100 * theirs,) * len(test)))
    return line_chart(
        f"Wrong, mean of {len(histories)} seeds" if len(histories) > 1 else "Wrong, one seed",
        series,
        x="pass",
        unit=" %",
    )


def figure_6(runs: Runs) -> str:
    """Errors after the last pass by the number of images, 15,000 more with each step; and with distortions."""
    plain = {method.images: each for method, each in runs.items() if method.distorted == "no"}
    sizes = range(15_000, 75_000, 15_000)

    def mean(size: int, name: str) -> float:
        return 100 * statistics.mean(getattr(each[-1], name) for each in plain[size]) if size in plain else float("nan")

    series = [
        Series("training", TRAINING, tuple(mean(size, "train_error") for size in sizes)),
        Series("test", TESTING, tuple(mean(size, "test_error") for size in sizes)),
    ]
    return line_chart("Wrong, by the number of images", series, x="thousands of images", unit=" %", start=15, step=15)


def main() -> None:
    """Print the tables, write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--passes", type=int, help="look at the first so many passes alone")
    parser.add_argument("--pictures", type=Path, help="a folder for the pictures")
    arguments = parser.parse_args()
    runs = groups(arguments.runs, arguments.passes)
    print(summary(runs))
    pictures = {"set-sizes": figure_6(runs)}
    for method, histories in runs.items():
        if method.images == ALL:
            print(f"\n{method.images:,} images, {WORDS[method.distorted]}\n\n{by_pass(method, histories)}")
            pictures[{"no": "passes", "fresh": "passes-distorted", "pool": "passes-pool"}[method.distorted]] = figure_5(
                method, histories
            )
    for name, svg in pictures.items() if arguments.pictures else ():
        (arguments.pictures / f"{name}.svg").write_text(Figure(name, "", "", svg).standalone(), encoding="utf-8")


if __name__ == "__main__":
    main()
