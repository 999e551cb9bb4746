"""striate train: trains a network on images and writes a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import click

from striate.cli.parameters import INPUT, LOG, NETWORK, RUN, SIZE, SPOKEN, THREADS, WIDTH, Finite, KernelsType
from striate.description.network import Network
from striate.execution.names import TRAINING


@click.command(
    "train",
    epilog="\b\nExamples:\n"
    "  striate train lenet5                              on MNIST, which comes with Striate\n"
    "  striate train lenet5-dense --until 0.99           stop at 99 % right on the validation images\n"
    "  striate train lenet5 --recipe lenet5-best         the same 60,000 parameters, with the best recipe\n"
    "  striate train lenet5 --set weight_decay=0.02 --set augmentation.rotation=5\n"
    "  striate show lenet5 --as recipe > mine.toml       every number; then: striate train lenet5 --recipe mine.toml\n"
    "  striate train simple-cnn --data photos --resize 28x28 --adapt\n"
    "  striate train vgg-a --data cifar --input 3x32x32 --width 0.25 --adapt --set augmentation.shift=4\n"
    "  striate train runs/cifar --from runs/cifar --data photos --adapt --freeze stem --freeze stage1\n"
    "  striate train go-policy-48 --data games           records of Go games: train/*.sgf.gz and test/*.sgf.gz\n"
    "  striate train --resume runs/lenet5                resume after Ctrl-C, a crash or a power cut\n"
    "  torchrun --nproc-per-node 4 -m striate train lenet5 --out runs/mine      in four processes",
)
@click.argument("network", type=NETWORK, required=False)
@click.option(
    "--data",
    help="mnist, mnist-lines, a folder of IDX, CIFAR's or tar files, or of images: split/class/*.png or class/*.png; "
    "FILE.sgf, FILE.sgf.gz or a folder of such records of Go games. "
    "By default the network's own: mnist, or mnist-lines for lenet5-reader.",
)
@click.option(
    "--recipe", "recipe_name", help="The name of a recipe, or a TOML or JSON file. By default the network's own."
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a member of the recipe, such as rate=0.02; may be repeated.",
)
@click.option(
    "--from",
    "source",
    type=RUN,
    metavar="RUN",
    help="Begin with the weights of a run, or of an ONNX or safetensors file, in all layers that fit.",
)
@click.option(
    "--freeze",
    multiple=True,
    metavar="PATH",
    help="Keep a layer or a block as it is; may be repeated. `taken` is all layers that --from takes over.",
)
@click.option("--epochs", type=click.IntRange(1, 10**9), help="Passes over the training images.")
@click.option(
    "--until",
    type=Finite(0, 1, min_open=True),
    help="Stop at this validation accuracy, such as 0.99; with uneven classes, at this balanced accuracy.",
)
@click.option(
    "--early-stopping",
    type=click.IntRange(1, 10**9),
    metavar="EPOCHS",
    help="Stop after this many epochs without a better validation accuracy.",
)
@click.option("--rate", type=Finite(0, min_open=True), help="The highest learning rate.")
@click.option("--batch", type=click.IntRange(1, 10**9), help="Images per step.")
@click.option(
    "--class-weights",
    type=click.Choice(["balanced"]),
    help="balanced: images of small classes weigh more in the loss, so that every class counts alike.",
)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="The seed of weights, order and augmentation.")
@click.option("--out", type=click.Path(path_type=Path), help="The run's folder. By default runs/NETWORK.")
@click.option("--resume", "resumed", type=RUN, help="Resume the run in this folder.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, mps.")
@click.option("--threads", type=THREADS, help="CPU threads. By default the fastest number.")
@click.option(
    "--kernels",
    type=KernelsType(["auto", *TRAINING]),
    default="auto",
    show_default=True,
    help="The kernels: Striate's engine, its operators layer by layer, PyTorch's in either layout or with steps in "
    "bfloat16, its compiler, or (auto) the fastest of these here; the compiler only by name.",
)
@click.option("--compile", "compiled", is_flag=True, help="The same as --kernels compiled.")
@click.option(
    "--resize",
    type=SIZE,
    help="Resize the images of a folder to one size, such as 28x28 or 28; with --fit crop, their shorter side.",
)
@click.option(
    "--fit",
    type=click.Choice(["crop", "letterbox"]),
    help="Keep the aspect ratio of images: cut out their middle (crop), or show all on black (letterbox).",
)
@click.option("--input", "shape", type=INPUT, metavar="CxHxW", help="Another input of the layers, such as 3x64x64.")
@WIDTH
@click.option("--adapt", is_flag=True, help="Fit the network's last layer to the number of classes.")
@click.option("--skip-unreadable", is_flag=True, help="Leave out images that cannot be read, and list them.")
@click.option(
    "--stream", is_flag=True, help="Decode images of files in each epoch, and keep no packed store of them on the disk."
)
@click.option(
    "--log", "logs", multiple=True, type=LOG, help="Also write each epoch for another tool, into the run's folder."
)
@click.option("--profile", is_flag=True, help="Print how an epoch's time is divided.")
@SPOKEN
@click.option("--quiet", is_flag=True, help="Print nothing but the run's folder.")
def command(
    network: Network | None,
    data: str | None,
    recipe_name: str | None,
    settings: tuple[str, ...],
    source: Path | None,
    freeze: tuple[str, ...],
    epochs: int | None,
    until: float | None,
    early_stopping: int | None,
    rate: float | None,
    batch: int | None,
    class_weights: str | None,
    seed: int | None,
    out: Path | None,
    resumed: Path | None,
    device: str,
    threads: int | None,
    kernels: str,
    compiled: bool,
    resize: tuple[int, int] | None,
    fit: str | None,
    shape: tuple[int, int, int] | None,
    width: float | None,
    adapt: bool,
    skip_unreadable: bool,
    stream: bool,
    logs: tuple[str, ...],
    profile: bool,
    quiet: bool,
) -> None:
    """Train NETWORK and keep everything in a run's folder.

    If NETWORK is the folder of a run, that run's network is trained anew in a folder of its own; to continue the run
    itself, use --resume. Training never reads the test images: a part of the training images is held out for
    validation, which chooses the best epoch. Ctrl-C saves and prints the command that resumes. A run that was killed
    continues from its last checkpoint with --resume, to the same weights, bit for bit.

    With --from, layers that both networks have under one path, with weights of one shape, begin with those of that run,
    and learn at a tenth of the rate (--set transfer_rate=1 for the same); all others are listed and begin fresh.
    """
    given = {
        "epochs": epochs,
        "until": until,
        "early_stopping": early_stopping,
        "rate": rate,
        "batch": batch,
        "class_weights": class_weights,
        "freeze": freeze or None,
        "seed": seed,
    }
    if compiled and kernels not in ("auto", "compiled"):
        raise click.UsageError(f"--compile asks for PyTorch's compiler, and --kernels for {kernels}: leave one out.")
    kernels = "compiled" if compiled else kernels
    if resumed is not None:
        _refuse_beside_resume(
            network,
            out,
            recipe_name,
            given
            | {"input": shape, "width": width, "adapt": adapt or None, "set": settings or None, "from": source}
            | {"fit": fit, "stream": stream or None, "compile": compiled or None, "data": data, "resize": resize}
            | {"kernels": None if compiled or kernels == "auto" else kernels, "threads": threads}
            | {"skip_unreadable": skip_unreadable or None},
        )
    elif network is None:
        raise click.UsageError("Give a NETWORK to train, such as lenet5, or --resume RUN.")

    from striate.cli.following import follow
    from striate.cli.print.training import profile_lines
    from striate.cli.processes import folder_of, was_begun
    from striate.cli.starting import NewTraining, Pictures, begin, recipe_of, resume
    from striate.description.narrow import narrow
    from striate.train.distributed import joined
    from striate.train.logs import logged, require_logs
    from striate.train.machine import tiny_is_zero
    from striate.train.whitening import with_whitening

    require_logs(logs)
    # The last epochs make many numbers below 1.2e-38, for each of which a processor takes a hundred times as long.
    click.get_current_context().with_resource(tiny_is_zero())
    world = click.get_current_context().with_resource(joined(device))
    quiet = quiet or not world.leads
    folder = out
    if resumed is None and network is not None:
        folder = folder_of(world, out, network.name)
        resumed = folder if was_begun(world, folder) else None
    if resumed is not None:
        run, events = resume(resumed, device=device, quiet=quiet)
    elif network is not None and folder is not None:
        network = narrow(network, width or 1.0, input=shape) if width or shape else network
        recipe = recipe_of(network, recipe_name, settings, given)
        network = with_whitening(network, recipe.whiten) if width or shape else network
        pictures = Pictures(data, resize, fit, skip_unreadable=skip_unreadable, stream=stream)
        new = NewTraining(network, adapt, recipe, pictures, source, folder, device, threads, kernels)
        run, events = begin(new, quiet=quiet)
    else:
        return
    follow(replace(run, follows=not world.leads), logged(run, events, logs if world.leads else ()), quiet=quiet)
    if profile and world.leads:
        for line in profile_lines(run):
            click.echo(line)


def _refuse_beside_resume(
    network: Network | None, out: Path | None, recipe: str | None, given: Mapping[str, object]
) -> None:
    options = {"recipe": recipe, "out": out, **given}
    extra = [f"--{key.replace('_', '-')}" for key, value in options.items() if value is not None]
    if network is not None:
        extra.insert(0, "NETWORK")
    if extra:
        raise click.UsageError(f"--resume takes everything from the run; leave out {', '.join(extra)}.")
