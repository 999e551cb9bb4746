"""The claims of the posts, and the page that has them."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from striate.claims import CLAIMS, POSTS, UNCOMPUTED, Claim, Reason, Verdict
from striate.claims.table import claims_markdown, claims_text, require_recorded, summary
from striate.cli.verbs.claims import command
from striate.errors import ClaimError
from striate.wording import cells
from tests.support.commands import python

PAGE = Path(__file__).parents[2] / "docs" / "claims.md"
FACTS = next((path for parent in Path(__file__).parents if (path := parent / "shared/facts/claims.md").is_file()), None)
SIGNS = {"✓": Verdict.RIGHT, "~": Verdict.CAVEAT, "✗": Verdict.WRONG}
EVERY = [*CLAIMS, *UNCOMPUTED]


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: f"{claim.post}-{claim.says[:30]}")
def test_it_computes_to_the_value_on_record(claim: Claim) -> None:
    assert claim.compute() == claim.value


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: f"{claim.post}-{claim.says[:30]}")
def test_a_verdict_that_is_not_plain_has_a_reason(claim: Claim) -> None:
    assert claim.why or claim.verdict is Verdict.RIGHT
    assert claim.says.endswith(".")


def test_no_claim_stands_twice_and_every_post_is_there() -> None:
    said = [(claim.post, claim.says) for claim in EVERY]
    assert len(set(said)) == len(said)
    assert list(dict.fromkeys(claim.post for claim in CLAIMS)) == list(POSTS) == ["000", "001", "002", "003", "004"]


def test_every_number_from_1_to_150_stands_once() -> None:
    assert sorted(claim.number for claim in EVERY) == list(range(1, 151))


@pytest.mark.skipif(FACTS is None, reason="shared/facts/claims.md is not beside this checkout")
def test_every_claim_of_the_facts_is_computed_or_listed_with_its_verdict() -> None:
    assert FACTS is not None
    rows = re.findall(r"(?m)^\| (\d+) \| S(\d) \|.*?\| ([✓~✗]) \|", FACTS.read_text(encoding="utf-8"))
    facts = {int(number): (f"00{seed}", SIGNS[sign]) for number, seed, sign in rows}
    assert len(facts) == 149
    assert {claim.number: (claim.post, claim.verdict) for claim in EVERY if claim.number in facts} == facts


@pytest.mark.parametrize("claim", UNCOMPUTED, ids=lambda claim: str(claim.number))
def test_a_claim_that_is_not_computed_has_a_reason_and_says_what_is_known(claim) -> None:
    assert isinstance(claim.reason, Reason)
    assert claim.says.endswith(".")
    assert claim.why.endswith(".")


def test_every_reason_is_used() -> None:
    assert {claim.reason for claim in UNCOMPUTED} == set(Reason)


def test_the_page_is_what_the_command_prints() -> None:
    result = CliRunner().invoke(command, ["--markdown"])
    assert PAGE.read_text(encoding="utf-8") == result.output == claims_markdown(CLAIMS, UNCOMPUTED) + "\n"


@pytest.mark.parametrize("arguments", [[], ["--markdown"]])
def test_each_post_is_named(arguments: list[str]) -> None:
    flat = " ".join(CliRunner().invoke(command, arguments).output.split())
    for post in POSTS.values():
        assert post.heading.removeprefix("post ") in flat
        assert post.subject in flat
    assert "bskyvision (심교훈)" in flat


def test_a_changed_value_is_an_error_that_names_it() -> None:
    claim = next(claim for claim in CLAIMS if claim.says == "GoogLeNet has 5 million parameters.")
    with pytest.raises(ClaimError) as caught:
        require_recorded([*CLAIMS[:2], replace(claim, value="5 million")])
    assert str(caught.value) == (
        "1 of 3 claims compute to another value than the one on record.\n"
        "99, post 002, GoogLeNet has 5 million parameters. On record: 5 million. "
        "Now: 6,998,552; 13,378,280 in training.\n"
        "Either a network or the account has changed by mistake, or the record in striate.claims has to follow."
    )


def test_the_command_fails_where_a_value_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("striate.cli.verbs.claims.CLAIMS", (replace(CLAIMS[0], value="other"),))
    result = CliRunner().invoke(command, [])
    assert isinstance(result.exception, ClaimError)
    assert CliRunner().invoke(command, ["--post", "004"]).exit_code == 0


def test_the_command_chooses_by_post_and_verdict() -> None:
    wrong = [claim for claim in CLAIMS if claim.post == "003" and claim.verdict is Verdict.WRONG]
    other = [claim for claim in UNCOMPUTED if claim.post == "003" and claim.verdict is Verdict.WRONG]
    result = CliRunner().invoke(command, ["--post", "003", "--verdict", "wrong"])
    assert result.exit_code == 0
    assert result.output.count("✗") == len(wrong) + len(other) + 1
    assert summary(wrong, other) in " ".join(result.output.split())
    assert summary(wrong[:1]) == "1 claim: 0 ✓ right, 0 ~ with a caveat, 1 ✗ wrong."


def test_the_json_has_every_claim_and_every_post() -> None:
    found = json.loads(CliRunner().invoke(command, ["--json"]).output)
    assert found["summary"] == summary(CLAIMS, UNCOMPUTED)
    assert [each["number"] for each in found["claims"]] == [claim.number for claim in CLAIMS]
    assert found["claims"][1] == {
        "number": 2,
        "post": "000",
        "title": "[Udacity] Deep Learning (7) - The structure of CNNs, and LeNet-5",
        "says": "The layers of LeNet-5 are C1, S2, C3, S4, C5, F6 and the output.",
        "verdict": "right",
        "computed": "C1, S2, C3, S4, C5, F6, output",
        "recorded": "C1, S2, C3, S4, C5, F6, output",
        "why": "",
    }
    assert found["not_computed"][-1] == {
        "number": 140,
        "post": "004",
        "title": "[CNN algorithms] The structure of LeNet-5",
        "says": "There are versions LeNet-1, LeNet-2, ...; LeNet-5 is the last.",
        "verdict": "with a caveat",
        "reason": "The names of networks that are not in the catalogue.",
        "why": "The paper of 1998 has LeNet-1, LeNet-4 and LeNet-5.",
    }
    assert [each["number"] for each in found["not_computed"]] == [claim.number for claim in UNCOMPUTED]
    assert found["posts"][4] == {
        "post": "004",
        "title": "[CNN algorithms] The structure of LeNet-5",
        "original_title": "[CNN 알고리즘들] LeNet-5의 구조",
        "author": "bskyvision (심교훈)",
        "date": None,
        "subject": "LeNet-5 of 1998, layer by layer, with the parameters of each layer and its RBF outputs.",
    }


@pytest.mark.parametrize("width", [1, 2, 9, 10, 25, 26, 40, 60, 80, 160])
def test_the_text_keeps_within_the_page(width: int) -> None:
    """At one column a Korean letter, which is two wide, has a line of its own."""
    text = claims_text(CLAIMS, UNCOMPUTED, width=width)
    assert max(map(cells, text.splitlines())) <= max(width, 2)
    wide = claims_text(CLAIMS, UNCOMPUTED, width=10_000)
    assert "".join(text.split()) == "".join(wide.split())


@pytest.mark.parametrize("columns", ["1", "20", "80"])
def test_the_command_works_at_any_width(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    result = CliRunner().invoke(command, ["--post", "004"])
    assert result.exit_code == 0
    assert max(map(cells, result.output.splitlines())) <= max(int(columns), 2)


def test_no_framework_is_loaded() -> None:
    heavy = "[name for name in ('torch', 'numpy', 'rich') if name in sys.modules]"
    code = f"import sys, striate.cli.verbs.claims; print({heavy})"
    assert python(code).stdout == "[]\n"
