"""CITATION.cff: the keys of its format, and the facts of pyproject.toml, of the LICENSE and of the catalogue."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

import striate
from striate.networks.lenet5 import PAPER

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
ROOT = Path(__file__).parents[2]
REQUIRED = {"authors", "cff-version", "message", "title"}
"""Of a file of version 1.2.0."""
KNOWN = REQUIRED | {
    "abstract",
    "commit",
    "contact",
    "date-released",
    "doi",
    "identifiers",
    "keywords",
    "license",
    "license-url",
    "preferred-citation",
    "references",
    "repository",
    "repository-artifact",
    "repository-code",
    "type",
    "url",
    "version",
}


@pytest.fixture(scope="module")
def citation() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def test_the_file_has_the_keys_of_its_format(citation: dict[str, Any]) -> None:
    assert set(citation) >= REQUIRED
    assert set(citation) <= KNOWN
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] in ("software", "dataset")
    for author in citation["authors"]:
        assert set(author) <= {"name", "family-names", "given-names", "orcid", "affiliation"}
        assert "name" in author or "family-names" in author
    for reference in citation["references"]:
        assert set(reference) >= {"type", "title", "authors"}


def test_the_facts_are_those_of_the_package(citation: dict[str, Any]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert citation["version"] == project["version"] == striate.__version__
    assert citation["license"] == project["license"]
    assert citation["abstract"] == project["description"]
    assert citation["keywords"] == project["keywords"]
    for author in citation["authors"]:
        assert author["name"] in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_the_reference_is_the_paper_of_the_catalogue(citation: dict[str, Any]) -> None:
    reference = citation["references"][0]
    names = tuple(f"{each['given-names']} {each['family-names']}" for each in reference["authors"])
    assert (names, reference["title"], reference["year"]) == (PAPER.authors, PAPER.title, PAPER.year)
    fields = dict(PAPER.fields)
    assert (reference["journal"], str(reference["volume"]), str(reference["issue"])) == (
        fields["journal"],
        fields["volume"],
        fields["number"],
    )
    assert f"{reference['start']}--{reference['end']}" == fields["pages"]
