"""A choice of kernels is a value, and a name that cannot run a network here is refused with the reason."""

from __future__ import annotations

from dataclasses import dataclass, field

from striate.description.checks import one_of
from striate.description.network import Network
from striate.errors import SpecError
from striate.execution.names import KERNELS
from striate.kernels.binary import library
from striate.kernels.engine import unsupported


@dataclass(frozen=True)
class Choice:
    """`kernels` (a name) and `threads`, and the milliseconds that each candidate took, by its name.

    Of a training these are the milliseconds of a step, of an inference those of a batch. Nothing was measured where
    nothing was left to choose.
    """

    kernels: str
    threads: int
    milliseconds: dict[str, float] = field(default_factory=dict)


def missing(network: Network, kernels: str) -> str | None:
    """Why a network cannot run on these `kernels` here, or None where it can."""
    if kernels == "engine":
        return unsupported(network)
    found = library()
    return found if kernels == "operators" and isinstance(found, str) else None


def require(network: Network, kernels: str) -> None:
    """Raise SpecError where `kernels` is neither "auto" nor one of `KERNELS`, or cannot run the network here."""
    one_of("kernels", kernels, ("auto", *KERNELS))
    if reason := missing(network, kernels):
        raise SpecError(
            f"{network.name} cannot run on {KERNELS[kernels]} ({kernels}): {reason}.",
            "The engine takes sequential networks without batch normalisation, the operators any network; "
            "`striate doctor` says whether they are there.",
            "Leave kernels at auto, or ask for torch.",
        )
