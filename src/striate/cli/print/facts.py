"""The JSON of `list` and `show`: a network's entry in the catalogue together with its account."""

from __future__ import annotations

from striate.accounting import account
from striate.description.json import Json
from striate.description.network import Network, plan
from striate.networks import Entry, entry_of, other_names
from striate.networks.entry import Published

COUNTED = {"parameters": "parameters", "connections": "connections", "MACs": "macs"}
"""The published measures that the account also computes, and the account's names for them."""


def facts(network: Network) -> dict[str, Json]:
    """A network and its paper's figures; each of `published` has the `computed` value where the account has one."""
    result, source = account(network), network.source
    entry = entry_of(network) or Entry(lambda: network, "")
    computed: dict[str, int] = {name: getattr(result.totals, key) for name, key in COUNTED.items()}
    return {
        "name": network.name,
        "also": list(other_names(network.name)) if entry.about else [],
        "about": entry.about or None,
        "year": source.year if source else None,
        "paper": source.paper if source else None,
        "place": source.place if source else None,
        "departures": list(source.departures) if source else [],
        "input": list(result.input),
        "output": list(plan(network).output),
        "parameters": result.totals.parameters,
        "training_parameters": result.training.parameters,
        "connections": result.totals.connections,
        "macs": result.totals.macs,
        "published": [_published(each, computed.get(each.measure)) for each in entry.published],
        "recipe": entry.recipe or None,
    }


def _published(figure: Published, computed: int | None) -> Json:
    return {
        "measure": figure.measure,
        "value": figure.number,
        "text": figure.text,
        "data": figure.data or None,
        "place": figure.place,
        "computed": computed,
        "agrees": None if computed is None else figure.agrees(computed),
    }
