"""Rejection: the answers with the least confidence are not given; the error of the rest.

The criterion is that of the LeNet-5 paper (Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, 1998, section III-C, figure 10):
an answer is rejected where its best score is too close to the second best. For RBF outputs that is the difference of
the two smallest distances, for other networks that of the two largest logits.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import torch

from striate.description.layers import RBF
from striate.description.network import Network
from striate.train.metrics import Outputs

PAPER_ERROR = 0.005
"""Figure 10 has the share of the test images to reject for an error of 0.5 % on the rest."""
SHARES = (0.0, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
"""The shares of rejected answers in a table."""


@dataclass(frozen=True)
class Kept:
    """The answers that are kept of `images` answers when `rejected` are rejected; `errors` of the kept are wrong.

    The two best scores of each answer that is kept differ by `least` or more.
    """

    images: int
    rejected: int
    errors: int
    least: float

    @property
    def share(self) -> float:
        """The share of the images that is rejected."""
        return self.rejected / self.images

    @property
    def error(self) -> float:
        """The error rate of the answers that are kept."""
        return self.errors / (self.images - self.rejected)

    def to_dict(self) -> dict[str, float]:
        """The figures by name; rates are fractions."""
        return {
            "rejected": self.share,
            "rejected_images": self.rejected,
            "errors": self.errors,
            "error_rate": self.error,
            "least_difference": self.least,
        }


@dataclass(frozen=True)
class Rejection:
    """The results for every threshold, from none rejected to all but the most confident answers.

    Answers with equal differences are rejected together.
    """

    steps: tuple[Kept, ...]

    def at(self, share: float) -> Kept:
        """The answers that are kept when at least this share is rejected; the most confident are always kept.

        >>> outputs = Outputs(torch.tensor([[3.0, 0], [1, 0], [0, 2]]), torch.tensor([0, 1, 1]), loss=0.0)
        >>> rejection_of(outputs).at(0.2)
        Kept(images=3, rejected=1, errors=0, least=2.0)
        """
        place = bisect_left(self.steps, share, key=lambda kept: kept.share)
        return self.steps[min(place, len(self.steps) - 1)]

    def reach(self, error: float = PAPER_ERROR) -> Kept | None:
        """The answers that are kept when the fewest are rejected such that at most `error` of the rest is wrong.

        None where this cannot be reached.

        >>> outputs = Outputs(torch.tensor([[3.0, 0], [1, 0], [0, 2]]), torch.tensor([1, 1, 1]), loss=0.0)
        >>> print(rejection_of(outputs).reach())
        None
        """
        return next((kept for kept in self.steps if kept.error <= error), None)


def rejection_of(outputs: Outputs) -> Rejection:
    """The error of the kept answers for every number of rejected ones, the least confident first."""
    best = outputs.scores.double().topk(2, 1).values
    differences, order = (best[:, 0] - best[:, 1]).sort(stable=True)
    right = (outputs.predicted == outputs.labels)[order]
    wrong_from = (~right).flip(0).cumsum(0).flip(0)
    first = torch.ones(len(order), dtype=torch.bool)
    first[1:] = differences[1:] > differences[:-1]
    starts = first.nonzero()[:, 0]
    rows = zip(starts.tolist(), wrong_from[starts].tolist(), differences[starts].tolist(), strict=True)
    return Rejection(tuple(Kept(len(order), rejected, errors, least) for rejected, errors, least in rows))


def scores_compared(network: Network) -> str:
    """The scores whose difference decides, in words."""
    return "the two smallest distances" if isinstance(network.layers[-1], RBF) else "the two largest logits"
