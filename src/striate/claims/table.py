"""Claims as text, and the check of their values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from striate.claims.claim import Claim, Uncomputed, Verdict
from striate.claims.lines import lines
from striate.claims.posts import POSTS, Post
from striate.description.json import Json
from striate.errors import ClaimError

MARKS = {Verdict.RIGHT: "✓", Verdict.CAVEAT: "~", Verdict.WRONG: "✗"}
INDENT = " " * 10
PREFACE = (
    "Striate began with five posts on convolutional networks, 000 to 004. Here is each numeric claim of theirs with "
    "its number, the verdict, Striate's value, and why. Most values are computed. An error, or a number of a training, "
    "is the one that the catalogue keeps from the network's paper, with its place there. The claims that neither can "
    "answer are at the end, with the reason. `striate claims` prints the same, and fails where a value has changed. "
    "This page is its output: `striate claims --markdown > docs/claims.md`."
)
NOT_COMPUTED = "Not computed, with the reason; the verdict is the literature's:"


def claims_text(claims: Sequence[Claim], uncomputed: Sequence[Uncomputed] = (), *, width: int = 80) -> str:
    """Each claim under its post: the verdict's mark, its number and what is said; what Striate has, and why."""
    found: list[str] = []
    for post, group in groupby(claims, lambda claim: claim.post):
        found += [*lines(POSTS[post].heading, width), *lines(POSTS[post].subject, width, "  "), ""]
        for claim in group:
            found += lines(claim.says, width, _label(claim))
            found += lines(claim.compute(), width, INDENT)
            found += lines(claim.why, width, INDENT)
        found.append("")
    if uncomputed:
        found += [*lines(NOT_COMPUTED, width), ""]
        for number, group in groupby(uncomputed, lambda claim: claim.post):
            found += lines(POSTS[number].heading, width, "  ")
            for claim in group:
                found += lines(claim.says, width, _label(claim))
                found += lines(claim.reason.value, width, INDENT)
                found += lines(claim.why, width, INDENT)
        found.append("")
    return "\n".join([*found, *lines(summary(claims, uncomputed), width)])


def _label(claim: Claim | Uncomputed) -> str:
    return f"  {MARKS[claim.verdict]}  {claim.number:>3}  "


def claims_markdown(claims: Sequence[Claim], uncomputed: Sequence[Uncomputed] = ()) -> str:
    """The claims as the page docs/claims.md has them."""
    found = [
        "# Claims, worked out again",
        "",
        *lines(PREFACE, 118),
        "",
        *lines(summary(claims, uncomputed), 118),
    ]
    for number, group in groupby(claims, lambda claim: claim.post):
        heading = POSTS[number].heading
        found += ["", f"## {heading[0].upper()}{heading[1:]}", "", POSTS[number].subject, ""]
        found += ["| | # | the post says | Striate's value | why |", "|:-:|--:|---|---|---|"]
        for claim in group:
            mark = MARKS[claim.verdict]
            found.append(f"| {mark} | {claim.number} | {claim.says} | {claim.compute()} | {claim.why} |")
    if uncomputed:
        found += ["", "## Not computed", "", "The verdicts here are the literature's.", ""]
        found += [
            "| | # | post | the post says | why it is not computed | what is known |",
            "|:-:|--:|---|---|---|---|",
        ]
        for claim in uncomputed:
            mark = MARKS[claim.verdict]
            found.append(
                f"| {mark} | {claim.number} | {claim.post} | {claim.says} | {claim.reason.value} | {claim.why} |"
            )
    return "\n".join(found)


def posts_to_dicts(posts: Sequence[Post]) -> list[Json]:
    """The posts as JSON has them."""
    return [
        {
            "post": post.number,
            "title": post.title,
            "original_title": post.original,
            "author": post.author or None,
            "date": post.date or None,
            "subject": post.subject,
        }
        for post in posts
    ]


def to_dicts(claims: Sequence[Claim]) -> list[Json]:
    """The claims as JSON has them."""
    return [
        {**_said(claim), "computed": claim.compute(), "recorded": claim.value, "why": claim.why} for claim in claims
    ]


def uncomputed_to_dicts(uncomputed: Sequence[Uncomputed]) -> list[Json]:
    """The claims that are not computed, as JSON has them."""
    return [{**_said(claim), "reason": claim.reason.value, "why": claim.why} for claim in uncomputed]


def _said(claim: Claim | Uncomputed) -> dict[str, Json]:
    """The text of a claim, its place in the post, and the verdict."""
    return {
        "number": claim.number,
        "post": claim.post,
        "title": POSTS[claim.post].title,
        "says": claim.says,
        "verdict": claim.verdict.value,
    }


def summary(claims: Sequence[Claim], uncomputed: Sequence[Uncomputed] = ()) -> str:
    """How many claims there are of each verdict, and how many of them are not computed.

    >>> from striate.claims import CLAIMS
    >>> summary([claim for claim in CLAIMS if claim.post == "004"])
    '10 claims: 7 ✓ right, 2 ~ with a caveat, 1 ✗ wrong.'
    """
    everything = [*claims, *uncomputed]
    count = Counter(claim.verdict for claim in everything)
    parts = ", ".join(f"{count[verdict]} {mark} {verdict.value}" for verdict, mark in MARKS.items())
    rest = f" {len(claims)} of them are computed, {len(uncomputed)} are not." if uncomputed else ""
    return f"{len(everything)} claim{'' if len(everything) == 1 else 's'}: {parts}.{rest}"


def require_recorded(claims: Sequence[Claim]) -> None:
    """Raise ClaimError where a claim's computed value is not the recorded one."""
    changed = [(claim, computed) for claim in claims if (computed := claim.compute()) != claim.value]
    if changed:
        raise ClaimError(
            f"{len(changed)} of {len(claims)} claims compute to another value than the one on record.",
            "\n".join(
                f"{claim.number}, post {claim.post}, {claim.says} On record: {claim.value}. Now: {now}."
                for claim, now in changed
            ),
            "Either a network or the account has changed by mistake, or the record in striate.claims has to follow.",
        )
