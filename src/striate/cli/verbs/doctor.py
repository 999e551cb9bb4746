"""striate doctor: checks this machine, or a data set, and says what to do where something is missing or wrong."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from striate.cli import terminal
from striate.description.labels import lines, path_part
from striate.extras import EXTRAS, Extra, install


@dataclass(frozen=True)
class Answer:
    """One line of the doctor: the subject of a check, the result, and the remedy, or "" where none is needed."""

    what: str
    found: str
    remedy: str = ""


@click.command(
    "doctor",
    epilog="\b\nExamples:\n  striate doctor                       check this machine\n"
    "  striate doctor --json                the same as JSON\n"
    "  striate doctor --data photos         check a data set, and write doctor-photos.html with the pictures\n"
    "  striate doctor --data photos --quick do not judge labels, which takes most of the time",
)
@click.option("--data", help="Check this data set instead, given as for striate train.")
@click.option("--quick", is_flag=True, help="With --data: do not judge the labels.")
@click.option("--page", type=click.Path(path_type=Path), help="With --data: the page. By default doctor-NAME.html.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(data: str | None, quick: bool, page: Path | None, as_json: bool) -> None:
    """Check this machine: versions, processor, kernels, device, and the extras, which are optional packages.

    Where something is missing or slow, a line says what to do.

    With --data, check a data set before anything is trained on it: files that cannot be read, images that are there
    twice, test images that are also in training, labels that look wrong, sizes, and how even the classes are. All
    pictures in question are on a page. Nothing in the data set is changed.
    """
    if data is not None:
        _data(data, quick=quick, page=page, as_json=as_json)
        return
    if quick or page:
        raise click.UsageError("--quick and --page go with --data.")
    found = [_versions(), _processor(), _kernels(), _device(), *map(_extra, EXTRAS)]
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], indent=2))
        return
    width = max(len(each.what) for each in found)
    for each in found:
        click.echo(f"{each.what:{width}}  {each.found}")
        for line in each.remedy.split("\n") if each.remedy else []:
            click.echo(f"{'':{width}}  {line}")
    if not any(each.remedy for each in found):
        click.echo("Nothing to do.")


def _data(source: str, *, quick: bool, page: Path | None, as_json: bool) -> None:
    """Check a data set, write the page and print."""
    from striate.cli.print.dataset import dataset_lines
    from striate.cli.print.progress import stages
    from striate.errors import DataError
    from striate.export.place import require_place
    from striate.files import elsewhere, write_whole
    from striate.look.dataset import examine
    from striate.look.dataset_page import dataset_page

    file = page or Path(f"doctor-{path_part(Path(source).resolve().name)}.html")
    with elsewhere("--page"):
        require_place(file, ".html", "a page")  # before minutes of work
    try:
        with stages() as watch:
            found = examine(source, labels=not quick, watch=watch)
    except DataError as error:
        raise error.at(source) from None
    with elsewhere("--page"):
        write_whole(file, dataset_page(found))
    if as_json:
        terminal.echo_json(json.dumps(found.members() | {"page": str(file)}, indent=2))
        return
    click.echo("\n".join(dataset_lines(found)))
    click.echo(lines(f"page: {file}"))


def _versions() -> Answer:
    names = ("striate", "torch", "numpy")
    return Answer("versions", ", ".join([*map(_version, names), _python()]))


def _version(package: str) -> str:
    from importlib import metadata

    try:
        return f"{package} {metadata.version(package)}"
    except metadata.PackageNotFoundError:  # for example, where PYTHONPATH points to the source
        return f"{package}, not installed"


def _python() -> str:
    return f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"


def _processor() -> Answer:
    import torch

    from striate.train.machine import environment

    cores, threads = os.cpu_count() or 1, torch.get_num_threads()
    found = f"{environment()['processor'] or platform.machine()}, {cores} cores; PyTorch uses {threads} threads"
    limit = os.environ.get("OMP_NUM_THREADS")
    remedy = f"OMP_NUM_THREADS is {limit}: unset it to use all cores." if threads < cores and limit else ""
    return Answer("processor", found, remedy)


def _kernels() -> Answer:
    from striate.kernels.binary import CHOICE, library
    from striate.kernels.compile import CompileError, compiler, instruction_sets

    found = library()
    if not isinstance(found, str):
        best = next(iter(instruction_sets()))
        note = "" if found.instruction_set == best or CHOICE not in os.environ else f", as {CHOICE} asks"
        return Answer("kernels", f"Striate's, compiled for {found.instruction_set}{note}")
    if CHOICE in os.environ:
        return Answer("kernels", f"PyTorch's: {found}", f"Unset {CHOICE} to let Striate choose.")
    try:
        remedy = f"Compile them with {' '.join(compiler())}:"
    except CompileError as problem:
        found = f"{found}; {str(problem).removesuffix('.')}"
        remedy = "Install a compiler (Debian: apt install g++; macOS: xcode-select --install), then:"
    return Answer("kernels", f"PyTorch's: {found}", f"{remedy}\n  python -m striate.kernels.compile")


def _device() -> Answer:
    import torch

    accelerator = torch.accelerator.current_accelerator(check_available=True)
    return Answer("device", accelerator.type if accelerator else "cpu")


def _extra(extra: Extra) -> Answer:
    what, missing = f"extra {extra.name}", extra.missing
    if not missing:
        return Answer(what, f"{', '.join(map(_version, extra.packages))}: {extra.purpose}")
    return Answer(what, f"{' and '.join(missing)} not installed, for {extra.purpose}", install(extra.name))
