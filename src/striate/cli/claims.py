"""striate claims: the numbers of five posts, worked out again."""

from __future__ import annotations

import click

from striate.claims import CLAIMS, Verdict
from striate.claims.table import claims_markdown, claims_text, require_recorded, summary, to_dicts
from striate.cli import terminal
from striate.spec.json import dump

POSTS = sorted({claim.post for claim in CLAIMS})
VERDICTS = {"right": Verdict.RIGHT, "caveat": Verdict.CAVEAT, "wrong": Verdict.WRONG}


@click.command(
    "claims",
    epilog="\b\nExamples:\n"
    "  striate claims\n"
    "  striate claims --post 002 --verdict wrong\n"
    "  striate claims --markdown > docs/claims.md",
)
@click.option("--post", type=click.Choice(POSTS), help="The claims of one post.")
@click.option("--verdict", type=click.Choice(list(VERDICTS)), help="The claims of one verdict.")
@click.option("--markdown", is_flag=True, help="Print the page of the documentation.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(post: str | None, verdict: str | None, markdown: bool, as_json: bool) -> None:
    """Work out again every number that the five posts claim which Striate began with.

    Each claim has a verdict (✓ right, ~ right with a caveat, ✗ wrong), the value that Striate computes and why. The
    command fails where a computed value is not the one on record.
    """
    chosen = [
        claim
        for claim in CLAIMS
        if post in (None, claim.post) and (verdict is None or claim.verdict is VERDICTS[verdict])
    ]
    if as_json:
        terminal.echo_json(dump({"summary": summary(chosen), "claims": to_dicts(chosen)}))
    elif markdown:
        click.echo(claims_markdown(chosen))
    else:
        click.echo(claims_text(chosen, width=terminal.width()))
    require_recorded(chosen)
