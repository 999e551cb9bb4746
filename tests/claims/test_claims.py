"""The claims of the posts, and the page that has them."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from striate.claims import CLAIMS, Claim, Verdict
from striate.claims.table import claims_markdown, claims_text, require_recorded, summary
from striate.cli.claims import command
from striate.errors import ClaimError

PAGE = Path(__file__).parents[2] / "docs" / "claims.md"


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: f"{claim.post}-{claim.says[:30]}")
def test_it_computes_to_the_value_on_record(claim: Claim) -> None:
    assert claim.compute() == claim.value


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: f"{claim.post}-{claim.says[:30]}")
def test_a_verdict_that_is_not_plain_has_a_reason(claim: Claim) -> None:
    assert claim.why or claim.verdict is Verdict.RIGHT
    assert claim.says.endswith(".")


def test_no_claim_stands_twice_and_every_post_is_there() -> None:
    said = [(claim.post, claim.says) for claim in CLAIMS]
    assert len(set(said)) == len(said)
    assert list(dict.fromkeys(claim.post for claim in CLAIMS)) == ["000", "001", "002", "003", "004"]


def test_the_page_is_what_the_command_prints() -> None:
    assert PAGE.read_text(encoding="utf-8") == claims_markdown(CLAIMS) + "\n"


def test_a_changed_value_is_an_error_that_names_it() -> None:
    claim = next(claim for claim in CLAIMS if claim.says == "GoogLeNet has 5 million parameters.")
    with pytest.raises(ClaimError) as caught:
        require_recorded([*CLAIMS[:2], replace(claim, value="5 million")])
    assert str(caught.value) == (
        "1 of 3 claims compute to another value than the one on record.\n"
        "post 002, GoogLeNet has 5 million parameters. On record: 5 million. Now: 6,998,552; 13,378,280 in training.\n"
        "Either a network or the account has changed by mistake, or the record in striate.claims has to follow."
    )


def test_the_command_fails_where_a_value_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("striate.cli.claims.CLAIMS", (replace(CLAIMS[0], value="other"),))
    result = CliRunner().invoke(command, [])
    assert isinstance(result.exception, ClaimError)
    assert CliRunner().invoke(command, ["--post", "004"]).exit_code == 0


def test_the_command_chooses_by_post_and_verdict() -> None:
    wrong = [claim for claim in CLAIMS if claim.post == "003" and claim.verdict is Verdict.WRONG]
    result = CliRunner().invoke(command, ["--post", "003", "--verdict", "wrong"])
    assert result.exit_code == 0
    assert result.output.count("✗") == len(wrong) + 1
    assert summary(wrong) in " ".join(result.output.split())


@pytest.mark.parametrize("width", [60, 80, 160])
def test_the_text_keeps_within_the_page(width: int) -> None:
    assert max(map(len, claims_text(CLAIMS, width=width).splitlines())) <= width


def test_no_framework_is_loaded() -> None:
    code = "import sys, striate.cli.claims; print([name for name in ('torch', 'numpy', 'rich') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
