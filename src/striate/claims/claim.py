"""A claim of a post: one that is computed, and one that cannot be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """The verdict on a claim."""

    RIGHT = "right"
    CAVEAT = "with a caveat"
    WRONG = "wrong"


@dataclass(frozen=True)
class Claim:
    """A claim of a post: its text, the verdict with its reason, the value on record, and how to compute that again.

    `number` names the claim for good: a claim that is added gets a new one.
    """

    number: int
    post: str
    says: str
    verdict: Verdict
    value: str
    compute: Callable[[], str]
    why: str = ""


class Reason(Enum):
    """Why a claim is listed without a computed value."""

    CONTEST = "A contest's ranking; an account doesn't know who else took part."
    ERRORS = "The error of a network that is not in the catalogue."
    CLASSES = "The number of classes in a data set; an account sees no images."
    NAMES = "The names of networks that are not in the catalogue."
    PICTURE = "A remark on a picture of trained filters."
    SOFTWARE = "The words of other software."
    TRAINING = "Only trainings with and without it can tell."


@dataclass(frozen=True)
class Uncomputed:
    """A claim that Striate cannot compute: why it cannot, the verdict by the literature, and what that says."""

    number: int
    post: str
    says: str
    verdict: Verdict
    reason: Reason
    why: str
