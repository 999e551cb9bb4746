"""Claims as text, and the check of their values."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from striate.claims.claim import Claim, Verdict
from striate.errors import ClaimError
from striate.spec.json import Json

MARKS = {Verdict.RIGHT: "✓", Verdict.CAVEAT: "~", Verdict.WRONG: "✗"}


def claims_text(claims: Sequence[Claim], *, width: int = 80) -> str:
    """Each claim under its post: the verdict's mark and what is said; what Striate computes, and why."""
    lines: list[str] = []
    for post, group in groupby(claims, lambda claim: claim.post):
        lines += [f"post {post}", ""]
        for claim in group:
            mark = MARKS[claim.verdict]
            lines += textwrap.wrap(claim.says, width, initial_indent=f"  {mark} ", subsequent_indent="    ")
            lines += textwrap.wrap(claim.compute(), width, initial_indent="      ", subsequent_indent="      ")
            lines += textwrap.wrap(claim.why, width, initial_indent="      ", subsequent_indent="      ")
        lines.append("")
    return "\n".join([*lines, *textwrap.wrap(summary(claims), width)])


def claims_markdown(claims: Sequence[Claim]) -> str:
    """The claims as the page docs/claims.md has them."""
    lines = [
        "# Claims, worked out again",
        "",
        "Striate began with five posts on convolutional networks, 000 to 004. Here is each claim of theirs that an",
        "account can answer: the verdict, what Striate computes, and why. What they say of history, prizes and",
        "training is left out. `striate claims` prints the same and fails where a computed value has changed; this",
        "page is its output: `striate claims --markdown > docs/claims.md`.",
        "",
        *textwrap.wrap(summary(claims), 118),
    ]
    for post, group in groupby(claims, lambda claim: claim.post):
        lines += ["", f"## Post {post}", "", "| | the post says | Striate computes | why |", "|:-:|---|---|---|"]
        for claim in group:
            lines.append(f"| {MARKS[claim.verdict]} | {claim.says} | {claim.compute()} | {claim.why} |")
    return "\n".join(lines)


def to_dicts(claims: Sequence[Claim]) -> list[Json]:
    """The claims as JSON has them."""
    return [
        {
            "post": claim.post,
            "says": claim.says,
            "verdict": claim.verdict.value,
            "computed": claim.compute(),
            "recorded": claim.value,
            "why": claim.why,
        }
        for claim in claims
    ]


def summary(claims: Sequence[Claim]) -> str:
    """How many claims there are of each verdict.

    >>> from striate.claims import CLAIMS
    >>> summary([claim for claim in CLAIMS if claim.post == "004"])
    '9 claims: 7 ✓ right, 2 ~ with a caveat, 0 ✗ wrong.'
    """
    count = Counter(claim.verdict for claim in claims)
    parts = ", ".join(f"{count[verdict]} {mark} {verdict.value}" for verdict, mark in MARKS.items())
    return f"{len(claims)} claims: {parts}."


def require_recorded(claims: Sequence[Claim]) -> None:
    """Raise ClaimError where a claim's computed value is not the recorded one."""
    changed = [(claim, computed) for claim in claims if (computed := claim.compute()) != claim.value]
    if changed:
        raise ClaimError(
            f"{len(changed)} of {len(claims)} claims compute to another value than the one on record.",
            "\n".join(
                f"post {claim.post}, {claim.says} On record: {claim.value}. Now: {now}." for claim, now in changed
            ),
            "Either a network or the account has changed by mistake, or the record in striate.claims has to follow.",
        )
