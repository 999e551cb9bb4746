"""striate evaluate: the error of a run, or of several runs together, on images that were not used for training."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from striate.cli.parameters import DEVICE, RUN, SPOKEN, KernelsType
from striate.description.labels import one_line
from striate.execution.names import KERNELS
from striate.wording import counted

if TYPE_CHECKING:
    from striate.data import ImageSet
    from striate.look.stress import Stress
    from striate.train.run import Run


@dataclass(frozen=True)
class Look:
    """The images that are looked at, a split of a run's own or of other `data`, and how they are answered.

    `flips`: also their mirror images, or of boards all symmetries.
    """

    split: str
    data: str | None
    kernels: str
    flips: bool
    device: str
    skip_unreadable: bool

    def reads(self, run: Run) -> Run:
        """The run by which the images are read: it leaves out files that cannot be read, where this is asked for."""
        return replace(run, data=replace(run.data, skip_unreadable=run.data.skip_unreadable or self.skip_unreadable))


@click.command(
    "evaluate",
    epilog="\b\nExamples:\n  striate evaluate runs/lenet5\n  striate evaluate runs/lenet5 --json > test.json\n"
    "  striate evaluate runs/lenet5 --data my-digits\n"
    "  striate evaluate runs/lenet5 --split validation\n"
    "  striate evaluate runs/lenet5 --reject        also the error if its least confident answers are rejected\n"
    "  striate evaluate runs/lenet5 --stress        also on images shifted, turned, scaled, squeezed, with noise\n"
    "  striate evaluate runs/lenet5 runs/lenet5-2   each alone, and both as a committee\n"
    "  striate evaluate runs/go-policy-48 --symmetries --games 500    positions of Go",
)
@click.argument("folders", metavar="RUN...", type=RUN, nargs=-1, required=True)
@click.option(
    "--split",
    type=click.Choice(["test", "validation"]),
    default="test",
    show_default=True,
    help="The images to evaluate on. The run records every evaluation on its test images.",
)
@click.option("--data", help="Other images than the run's own, as for striate train; classes are matched by name.")
@click.option(
    "--reject", is_flag=True, help="Print the error of the kept answers, for several shares of rejected ones."
)
@click.option(
    "--test-time-flips",
    "flips",
    is_flag=True,
    help="Answer each image by the mean of the scores of it and of its mirror image, in twice the time.",
)
@click.option(
    "--symmetries", is_flag=True, help="Of positions of Go: answer by the mean over the eight symmetries of the board."
)
@click.option(
    "--games",
    type=click.IntRange(1, 10**9),
    help="For Go: judge by this many games, evenly spread over all. By default by all.",
)
@click.option("--skip-unreadable", is_flag=True, help="Leave out images that cannot be read, and list them.")
@click.option("--stress", is_flag=True, help="Also distort the images, in five ways, and draw the errors in the run.")
@click.option(
    "--kernels",
    type=KernelsType(["auto", *KERNELS]),
    default="auto",
    show_default=True,
    help="The kernels: Striate's engine, its operators layer by layer, PyTorch's, those of ONNX Runtime, or (auto) the "
    "fastest of these.",
)
@DEVICE
@SPOKEN
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON; rates are fractions.")
def command(
    folders: tuple[Path, ...],
    split: str,
    data: str | None,
    reject: bool,
    flips: bool,
    symmetries: bool,
    games: int | None,
    skip_unreadable: bool,
    stress: bool,
    kernels: str,
    device: str,
    as_json: bool,
) -> None:
    """Evaluate RUN's best weights on its test images; several RUNs each alone, and all together as a committee.

    RUN is the folder of a run; the name of a network stands for its run, lenet5 for runs/lenet5.

    A committee answers by the mean of its networks' probabilities. The run records how often it was evaluated on the
    test images: test images that were used to choose a model do not measure it any more.
    """
    if stress and len(folders) > 1:
        raise click.UsageError("--stress takes one RUN.")
    if stress and flips:
        raise click.UsageError("--stress answers each image alone: leave out --test-time-flips.")

    from striate.train.machine import device_called
    from striate.train.run import open_run

    look = Look(split, data, kernels, flips, device_called(device), skip_unreadable)
    runs = [open_run(folder) for folder in folders]
    if any(run.plays_go for run in runs):
        if len(runs) > 1 or reject or flips or stress:
            raise click.UsageError("Runs for Go are evaluated one by one, without --reject, --stress and flips.")
        _boards(runs[0], replace(look, flips=symmetries), games=games or 0, as_json=as_json)
        return
    if symmetries or games:
        raise click.UsageError("--symmetries and --games are for runs that learned from records of Go games.")
    if len(runs) > 1:
        _committee(runs, look, reject=reject, as_json=as_json)
    else:
        _alone(runs[0], look, reject=reject, stress=stress, as_json=as_json)


def _boards(run: Run, look: Look, *, games: int, as_json: bool) -> None:
    from striate.cli.print.boards import evaluation_lines
    from striate.cli.print.progress import working
    from striate.train.boards import Positions, evaluate_boards, looked_at

    with working("Evaluating"):
        found = evaluate_boards(
            run,
            Positions(look.split, look.data, games),
            kernels=look.kernels,
            symmetries=look.flips,
            device=look.device,
        )
    name = looked_at(run, found).network.name
    for line in [json.dumps(found.members())] if as_json else evaluation_lines(name, found):
        click.echo(line)


def _alone(run: Run, look: Look, *, reject: bool, stress: bool, as_json: bool) -> None:
    from striate.cli.print.evaluation import class_lines, figures, left_out
    from striate.cli.print.progress import working
    from striate.cli.print.rejection import reached_line, rejection_members, rejection_table
    from striate.cli.print.stress import stress_members, stress_tables
    from striate.look.report import write_report
    from striate.train.evaluation import answered, evaluate, log_evaluation
    from striate.train.metrics import evaluation_of
    from striate.train.rejection import rejection_of, scores_compared

    if stress:
        run.path("pictures")  # where the run is one file, an error says that it has none
    with working("Evaluating"):
        outputs, images = evaluate(
            look.reads(run),
            split=look.split,
            source=look.data,
            kernels=look.kernels,
            flips=look.flips,
            device=look.device,
        )
    found, rejection = evaluation_of(outputs, run.classes), rejection_of(outputs)
    compared = scores_compared(run.network)
    own_test = look.split == "test" and images.source == run.data.source
    kept = {"answered": answered(run, outputs), "test_time_flips": look.flips}
    run = log_evaluation(run, source=images.source, split=look.split, **kept, **asdict(found))
    if own_test and not run.single and not look.flips:
        write_report(run, outputs, images)  # of the network alone
    stressed = _stress(run, images, look) if stress else None
    if as_json:
        kept |= {"unreadable": [{"image": name, "error": reason} for name, reason in images.unreadable]}
        members = asdict(found) | {"rejection": rejection_members(rejection, compared)} | kept
        click.echo(json.dumps(members | ({"stress": stress_members(stressed)} if stressed else {})))
        return
    click.echo(f"{run.network.name} on {counted(found.images, f'{look.split} image')} of {one_line(images.source)}")
    for line in left_out(images):
        click.echo(f"  {line}")
    for line in figures(found):
        click.echo(f"  {line}")
    click.echo(f"  {reached_line(rejection)}")
    if outputs.answered:
        both = ", each image and its mirror image" if look.flips else ""
        where = "" if look.device == "cpu" else f" on {look.device}"
        click.echo(f"  answered by {outputs.answered.words}{where}{both}")
    click.echo("\n".join(["", *class_lines(found)]))
    if reject:
        click.echo(f"\n{rejection_table(rejection, compared)}")
    if stressed:
        click.echo(f"\n{stress_tables(stressed)}")
        click.echo(f"\npicture: {one_line(str(run.path('pictures/stress.svg')))}")
    if own_test and run.single:
        click.echo(f"\n{one_line(str(run.folder))} is one file, and does not record this look at the test images.")
    elif own_test:
        times = "once" if run.test_looks == 1 else f"{run.test_looks} times"
        click.echo(f"\nThe test images of this run have been looked at {times}.")
        if not look.flips:
            click.echo(f"report: {one_line(str(run.path('report.html')))}")


def _stress(run: Run, images: ImageSet, look: Look) -> Stress:
    """Run the stress test and draw its figure in the run."""
    from striate.cli.print.progress import working
    from striate.files import make_folder, write_whole
    from striate.look.stress import stress
    from striate.look.stress_figure import stress_figure

    with working("Distorting"):
        found = stress(run, images, device=look.device, kernels=look.kernels)
    make_folder(run.path("pictures"))
    write_whole(run.path("pictures/stress.svg"), stress_figure(found, run.network.name).standalone())
    return found


def _committee(runs: list[Run], look: Look, *, reject: bool, as_json: bool) -> None:
    from striate.cli.print.evaluation import class_lines, committee_lines, left_out
    from striate.cli.print.progress import working
    from striate.cli.print.rejection import rejection_members, rejection_table
    from striate.train.committee import COMPARED, committee
    from striate.train.evaluation import answered, log_evaluation
    from striate.train.metrics import evaluation_of
    from striate.train.rejection import rejection_of, scores_compared

    with working(f"Evaluating {len(runs)} runs"):
        found = committee(
            [look.reads(run) for run in runs],
            split=look.split,
            source=look.data,
            kernels=look.kernels,
            flips=look.flips,
            device=look.device,
        )
    classes = runs[0].classes
    outputs = [*found.members, found.together]
    names = [one_line(str(run.folder)) for run in runs] + ["together"]
    compared = [scores_compared(run.network) for run in runs] + [COMPARED]
    evaluations = [evaluation_of(each, classes) for each in outputs]
    rejections = [rejection_of(each) for each in outputs]
    for run, member, evaluation in zip(runs, found.members, evaluations, strict=False):
        kept = {"answered": answered(run, member), "test_time_flips": look.flips}
        log_evaluation(run, source=found.images.source, split=look.split, **kept, **asdict(evaluation))
    if as_json:
        members = [
            asdict(evaluation) | {"rejection": rejection_members(rejection, words)}
            for evaluation, rejection, words in zip(evaluations, rejections, compared, strict=True)
        ]
        unreadable = [{"image": name, "error": reason} for name, reason in found.images.unreadable]
        kept = [
            {"answered": answered(run, member), "test_time_flips": look.flips, "unreadable": unreadable}
            for run, member in zip(runs, found.members, strict=True)
        ]
        named = [{"run": name} | each | by for name, each, by in zip(names, members[:-1], kept, strict=False)]
        click.echo(json.dumps({"runs": named, "together": members[-1]}))
        return
    shown = counted(len(found.images), f"{look.split} image")
    click.echo(f"{len(runs)} networks on {shown} of {one_line(found.images.source)}\n")
    for line in left_out(found.images):
        click.echo(line)
    for line in committee_lines(names, evaluations, rejections):
        click.echo(line)
    click.echo(
        f"\nTogether: the mean of their probabilities. Of the images, {found.missed_by_all:,} are wrong in every "
        f"network, {found.missed_by_some:,} in at least one."
    )
    click.echo("\n".join(["", *class_lines(evaluations[-1])]))
    if reject:
        click.echo(f"\n{rejection_table(rejections[-1], COMPARED)}")
