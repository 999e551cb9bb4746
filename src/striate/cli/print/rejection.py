"""Prints a rejection curve: in one line, as a table, and as JSON."""

from __future__ import annotations

from typing import Any

from striate.train.rejection import PAPER_ERROR, SHARES, Kept, Rejection
from striate.wording import percent


def reached_line(rejection: Rejection) -> str:
    """The share that must be rejected to reach the paper's error, in one line."""
    kept = rejection.reach()
    if kept is None:
        return f"wrong more than {PAPER_ERROR:.1%} of the kept answers, however many are rejected"
    if not kept.rejected:
        return f"wrong at most {PAPER_ERROR:.1%} without rejecting any"
    wrong, least_sure = percent(kept.error), percent(kept.share)
    return f"wrong {wrong} of the kept answers if the least confident {least_sure} are rejected"


def rejection_table(rejection: Rejection, compared: str) -> str:
    """The error of the kept answers, for some shares that are rejected."""
    rows = [
        f"  {percent(kept.share):>8}  {kept.rejected:6,}  {kept.errors:8,} {percent(kept.error):>10}  "
        f"{kept.least:14.4g}"
        for kept in _chosen(rejection)
    ]
    head = f"  Answers are rejected first where {compared} differ least."
    return "\n".join([head, "  rejected  images  wrong of those kept  they differ by", *rows])


def rejection_members(rejection: Rejection, compared: str) -> dict[str, Any]:
    """The table and the share to reject as JSON members; rates and shares are fractions."""
    reached = rejection.reach()
    return {
        "compared": compared,
        "wanted_error_rate": PAPER_ERROR,
        "reached": None if reached is None else reached.to_dict(),
        "table": [kept.to_dict() for kept in _chosen(rejection)],
    }


def _chosen(rejection: Rejection) -> list[Kept]:
    """The rows of the table, without repetitions."""
    return list(dict.fromkeys(rejection.at(share) for share in SHARES))
