"""striate evaluate: how well a run does on images that it has never seen."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from striate.train.rejection import Rejection


@click.command(
    "evaluate",
    epilog="\b\nExamples:\n  striate evaluate runs/lenet5\n  striate evaluate runs/lenet5 --json > test.json\n"
    "  striate evaluate runs/lenet5 --data my-digits\n"
    "  striate evaluate runs/lenet5 --split validation\n"
    "  striate evaluate runs/lenet5 --reject      how often it errs where it may leave answers out",
)
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--split",
    type=click.Choice(["test", "validation"]),
    default="test",
    show_default=True,
    help="The images to look at. A look at the test images is recorded in the run.",
)
@click.option("--data", help="Other images than the run's own, as striate train takes them; classes match by name.")
@click.option("--reject", is_flag=True, help="Print the error of what is kept for some shares that are rejected.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON; rates are fractions.")
def command(folder: Path, split: str, data: str | None, reject: bool, as_json: bool) -> None:
    """Evaluate RUN's best weights on its test images.

    The run records each look at the test images: a model that is chosen by them is not measured by them any more.
    """
    from striate.cli.progress import working
    from striate.look.report import write_report
    from striate.train.metrics import evaluation_of
    from striate.train.rejection import rejection_of, scores_compared
    from striate.train.run import open_run
    from striate.train.session import evaluate

    run = open_run(folder)
    with working("Evaluating"):
        outputs, images = evaluate(run, split=split, source=data)
    found, rejection = evaluation_of(outputs, run.classes), rejection_of(outputs)
    compared = scores_compared(run.network)
    own_test = split == "test" and images.source == run.data.source
    run.log("evaluated", source=images.source, split=split, **asdict(found))
    if own_test:
        run = run.looked_at_test()
        write_report(run, outputs, images)
    if as_json:
        click.echo(json.dumps(asdict(found) | {"rejection": _rejection_members(rejection, compared)}))
        return
    click.echo(f"{run.network.name} on {found.images:,} {split} images of {images.source}")
    click.echo(
        f"  right {found.top1:.2%}, wrong {found.error_rate:.2%} ({found.errors} images), top 5 {found.top5:.2%}"
    )
    click.echo(f"  on average {found.confidence:.2%} sure of its answers")
    click.echo(f"  {_reached(rejection)}")
    width = max(map(len, run.classes))
    click.echo(f"\n  {'class':{max(width, 5)}}  images  errors  recall   precision")
    for name, row in found.per_class.items():
        click.echo(
            f"  {name:{max(width, 5)}}  {row['images']:6.0f}  {row['errors']:6.0f}  {row['recall']:7.2%}  "
            f"{row['precision']:7.2%}"
        )
    if reject:
        _print_rejection(rejection, compared)
    if own_test:
        times = "once" if run.test_looks == 1 else f"{run.test_looks} times"
        click.echo(f"\nThe test images of this run have been looked at {times}.\nreport: {run.path('report.html')}")


def _reached(rejection: Rejection) -> str:
    from striate.train.rejection import PAPER_ERROR

    kept = rejection.reach()
    if kept is None:
        return f"wrong more than {PAPER_ERROR:.1%} of what is kept, however many are rejected"
    if not kept.rejected:
        return f"wrong at most {PAPER_ERROR:.1%} without rejecting any"
    return f"wrong {kept.error:.2%} of what is kept if the {kept.share:.2%} that it is least sure of are rejected"


def _print_rejection(rejection: Rejection, compared: str) -> None:
    from striate.train.rejection import SHARES

    click.echo(f"\n  Rejected first is where {compared} differ least.")
    click.echo("  rejected  images  wrong of those kept  they differ by")
    for kept in dict.fromkeys(rejection.at(share) for share in SHARES):
        click.echo(f"  {kept.share:8.2%}  {kept.rejected:6,}  {kept.errors:8,} {kept.error:10.2%}  {kept.least:14.4g}")


def _rejection_members(rejection: Rejection, compared: str) -> dict[str, Any]:
    from striate.train.rejection import PAPER_ERROR, SHARES

    reached = rejection.reach()
    return {
        "compared": compared,
        "wanted_error_rate": PAPER_ERROR,
        "reached": None if reached is None else reached.to_dict(),
        "table": [kept.to_dict() for kept in dict.fromkeys(rejection.at(share) for share in SHARES)],
    }
