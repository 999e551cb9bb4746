"""striate cite: the papers of networks, for BibTeX."""

from __future__ import annotations

import click

from striate.cli.parameters import NETWORK
from striate.description.network import Network
from striate.errors import UnknownNameError
from striate.networks import CATALOGUE, entry_of
from striate.networks.entry import Paper


@click.command(
    "cite", epilog="\b\nExamples:\n  striate cite resnet50\n  striate cite alexnet vgg16 resnet50 >> references.bib"
)
@click.argument("networks", type=NETWORK, nargs=-1, required=True, metavar="NETWORK...")
def command(networks: tuple[Network, ...]) -> None:
    """Print the BibTeX entry of the paper of each NETWORK.

    A paper of several networks is printed once.
    """
    papers = dict.fromkeys(_paper(network) for network in networks)
    click.echo("\n\n".join(paper.bibtex() for paper in papers))


def _paper(network: Network) -> Paper:
    entry = entry_of(network)
    if entry is not None and entry.paper is not None:
        return entry.paper
    without = ", ".join(name for name, each in CATALOGUE.items() if each.paper is None)
    raise UnknownNameError(
        f"{network.name} has no paper.",
        f"All networks of the catalogue have one, except {without}.",
        "striate list shows them.",
    )
