"""striate evaluate: how well a run does on images that it has never seen."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click


@click.command(
    "evaluate",
    epilog="\b\nExamples:\n  striate evaluate runs/lenet5\n  striate evaluate runs/lenet5 --json > test.json\n"
    "  striate evaluate runs/lenet5 --data my-digits\n"
    "  striate evaluate runs/lenet5 --split validation",
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
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON; rates are fractions.")
def command(folder: Path, split: str, data: str | None, as_json: bool) -> None:
    """Evaluate RUN's best weights on its test images.

    The run records each look at the test images: a model that is chosen by them is not measured by them any more.
    """
    from striate.cli.progress import working
    from striate.look.report import write_report
    from striate.train.metrics import evaluation_of
    from striate.train.run import open_run
    from striate.train.session import evaluate

    run = open_run(folder)
    with working("Evaluating"):
        outputs, images = evaluate(run, split=split, source=data)
    found = evaluation_of(outputs, run.classes)
    own_test = split == "test" and images.source == run.data.source
    run.log("evaluated", source=images.source, split=split, **asdict(found))
    if own_test:
        run = run.looked_at_test()
        write_report(run, outputs, images)
    if as_json:
        click.echo(json.dumps(asdict(found)))
        return
    click.echo(f"{run.network.name} on {found.images:,} {split} images of {images.source}")
    click.echo(
        f"  right {found.top1:.2%}, wrong {found.error_rate:.2%} ({found.errors} images), top 5 {found.top5:.2%}"
    )
    click.echo(f"  on average {found.confidence:.2%} sure of its answers")
    width = max(map(len, run.classes))
    click.echo(f"\n  {'class':{max(width, 5)}}  images  errors  recall   precision")
    for name, row in found.per_class.items():
        click.echo(
            f"  {name:{max(width, 5)}}  {row['images']:6.0f}  {row['errors']:6.0f}  {row['recall']:7.2%}  "
            f"{row['precision']:7.2%}"
        )
    if own_test:
        times = "once" if run.test_looks == 1 else f"{run.test_looks} times"
        click.echo(f"\nThe test images of this run have been looked at {times}.\nreport: {run.path('report.html')}")
