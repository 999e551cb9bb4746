"""striate claims: checks the numbers of five blog posts."""

from __future__ import annotations

import click

from striate.claims import CLAIMS, POSTS, UNCOMPUTED, Claim, Uncomputed, Verdict
from striate.claims.table import (
    claims_markdown,
    claims_text,
    posts_to_dicts,
    require_recorded,
    summary,
    to_dicts,
    uncomputed_to_dicts,
)
from striate.cli import terminal
from striate.description.json import dump

VERDICTS = {"right": Verdict.RIGHT, "caveat": Verdict.CAVEAT, "wrong": Verdict.WRONG}


@click.command(
    "claims",
    epilog="\b\nExamples:\n"
    "  striate claims\n"
    "  striate claims --post 002 --verdict wrong\n"
    "  striate claims --markdown > docs/claims.md",
)
@click.option("--post", type=click.Choice(list(POSTS)), help="The claims of one post.")
@click.option("--verdict", type=click.Choice(list(VERDICTS)), help="The claims of one verdict.")
@click.option("--markdown", is_flag=True, help="Print the page of the documentation.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(post: str | None, verdict: str | None, markdown: bool, as_json: bool) -> None:
    """Check every numeric claim of the five blog posts that Striate began with.

    Each claim has a verdict (✓ right, ~ right with a caveat, ✗ wrong), its number, Striate's value, and an explanation.
    Claims that cannot be computed come last, with the reason. The command fails where a computed value differs from the
    one on record.
    """

    def chosen(claim: Claim | Uncomputed) -> bool:
        return post in (None, claim.post) and (verdict is None or claim.verdict is VERDICTS[verdict])

    claims = [claim for claim in CLAIMS if chosen(claim)]
    uncomputed = [claim for claim in UNCOMPUTED if chosen(claim)]
    if as_json:
        members = {
            "summary": summary(claims, uncomputed),
            "posts": posts_to_dicts([each for number, each in POSTS.items() if post in (None, number)]),
            "claims": to_dicts(claims),
            "not_computed": uncomputed_to_dicts(uncomputed),
        }
        terminal.echo_json(dump(members))
    elif markdown:
        click.echo(claims_markdown(claims, uncomputed))
    else:
        click.echo(claims_text(claims, uncomputed, width=terminal.width()))
    require_recorded(claims)
