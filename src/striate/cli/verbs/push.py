"""striate push: a run as a folder in the layout of the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path

import click

from striate.cli.parameters import RUN


@click.command(
    "push",
    epilog="\b\nExamples:\n"
    "  striate push runs/lenet5 digits           write the folder digits\n"
    "  hf upload NAME/digits digits              upload it, by Hugging Face's own command\n"
    "  striate predict digits/model.safetensors four.png",
)
@click.argument("run", metavar="RUN", type=RUN)
@click.argument("folder", type=click.Path(path_type=Path))
def command(run: Path, folder: Path) -> None:
    """Write RUN as a model of the Hugging Face hub into FOLDER; nothing is sent.

    The folder has a model card (README.md) with the drawing, the account, what the network reached and how to load it;
    the weights and classes as model.safetensors; and the network as config.json. FOLDER is new, empty, or holds such a
    model already, whose files are replaced. striate.from_pretrained(FOLDER) loads it in Python, without a connection.
    """
    from striate.cli.print.progress import working
    from striate.description.labels import lines, one_line
    from striate.export.hub.write import push
    from striate.train.run import open_run

    with working("Writing the model"):
        pushed = push(open_run(run), folder)
    width = max(map(len, pushed.files))
    for name, size in pushed.files.items():
        click.echo(f"{name:{width}}  {size:>11,} bytes")
    place = one_line(str(folder))
    click.echo(lines(f"Wrote {place}. Load it: striate.from_pretrained({place!r}). Upload it: hf upload NAME {place}"))
