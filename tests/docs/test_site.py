"""The site of the documentation: pages of networks, links between files as links of the site, the build itself."""

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from striate import account
from striate.networks import CATALOGUE

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "docs" / "site"))

import links  # noqa: E402
import network_page  # noqa: E402


@pytest.mark.parametrize(
    ("page", "link", "on_the_site"),
    [
        ("docs/tour.md", "[a](fit.md#x)", "[a](fit.md#x)"),
        ("docs/tour.md", "[a](../README.md)", "[a](index.md)"),
        ("docs/ko/tour.md", "[a](../../README.ko.md)", "[a](index.md)"),
        ("docs/ko/tour.md", "[a](../look.md)", "[a](../look.md)"),
        ("README.md", "![a](docs/images/a.png)", "![a](images/a.png)"),
        ("README.md", "[a](CONTRIBUTING.md)", "[a](repository/CONTRIBUTING.md)"),
        ("README.ko.md", "[a](docs/ko/tour.md)", "[a](tour.md)"),
        ("README.ko.md", "[a](docs/fit.md)", "[a](../fit.md)"),
        ("README.md", "[a](benchmarks/results)", "[a](repository/benchmarks/results/README.md)"),
        ("benchmarks/README.md", "[a](../docs/read.md)", "[a](../../read.md)"),
        ("docs/fit.md", "[a](https://example.org/b.md)", "[a](https://example.org/b.md)"),
        ("README.md", "```\n[a](docs/fit.md)\n```\n[b](docs/fit.md)", "```\n[a](docs/fit.md)\n```\n[b](fit.md)"),
    ],
)
def test_links_between_files_are_links_between_pages(page: str, link: str, on_the_site: str) -> None:
    assert links.rewritten(link, page, ROOT) == on_the_site


def test_files_outside_docs_are_reached_through_the_pages_that_link_to_them() -> None:
    reached = links.reached(["README.md"], ROOT)
    assert {"README.md", "CONTRIBUTING.md", "benchmarks/README.md", "benchmarks/results"} <= set(reached)
    assert not any(path.startswith("docs/") for path in reached)
    assert all((ROOT / path).exists() for path in reached)


@pytest.mark.parametrize("name", ["lenet5", "fully-connected", "googlenet", "vgg-d", "cifar-fast"])
def test_the_page_of_a_network_has_its_figures(name: str) -> None:
    entry, page = CATALOGUE[name], network_page.page(name)
    totals = account(name).totals
    assert page.startswith(f"# {name}\n\n{entry.about}\n")
    assert f"**{totals.parameters:,} parameters**" in page
    assert f"{totals.macs:,} MACs per image" in page
    assert f"({name}.svg)" in page
    assert ("```bibtex\n@" in page) == (entry.paper is not None)
    assert ("```toml\n" in page) == bool(entry.recipe)
    source = entry.make().source
    for departure in source.departures if source else ():
        assert f"* {departure}\n" in page
    for figure in entry.published:
        assert f"| {figure.measure} | {figure.text} |" in page
    assert network_page.figure(name).startswith("<svg")


@pytest.mark.slow
def test_every_network_has_a_page() -> None:
    for name, entry in CATALOGUE.items():
        page = network_page.page(name)
        sections = re.findall(r"^## (.+)$", page, re.MULTILINE)
        paper = ["Paper"] if entry.make().source else []
        prints = ["What the paper prints"] if entry.published else []
        assert sections == [*paper, "Departures", *prints, "Account", "Recipe", "Reached here"]
        assert f"![The figure of {name}: its layers and the sizes between them]({name}.svg)" in page
        assert ("Nothing was measured" in page) == (name not in network_page.REACHED)


def test_what_was_reached_stands_in_the_page_that_is_named() -> None:
    assert set(network_page.REACHED) <= set(CATALOGUE)
    for name, results in network_page.REACHED.items():
        page = network_page.page(name)
        for each in results:
            assert set(each) == {"what", "value", "command", "machine", "page"}
            told = (ROOT / "docs" / each["page"]).read_text(encoding="utf-8")
            assert each["value"] in told, f"{each['value']} is not in docs/{each['page']}"
            assert " ".join(each["command"].split()[:2]) in " ".join(told.split()), (
                f"{each['command']} is not in docs/{each['page']}"
            )
            assert f"| [{each['value']}](../{each['page']}) | {each['what']} | `{each['command']}` |" in page


def test_every_page_of_docs_is_in_the_navigation() -> None:
    named = re.findall(r"(?<=[ -])[\w/.-]+\.md$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    pages = {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")}
    assert len(pages) > 30
    assert sorted(pages - set(named)) == []
    lost = [each for each in named if each not in pages and not each.startswith("repository/")]
    assert sorted(lost) == sorted(["index.md", "ko/index.md"])  # README in two languages


class _Links(HTMLParser):
    def __init__(self, page: Path) -> None:
        super().__init__()
        self.page, self.targets, self.language = page, list[str](), ""
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "html":
            self.language = given.get("lang") or ""
        self.targets += [value for key in ("href", "src") if (value := given.get(key))]

    def lost(self) -> list[str]:
        """The targets in the site's folder that are not there."""
        paths = [unquote(re.split("[?#]", each)[0]) for each in self.targets if not re.match(r"\w+:|//", each)]
        return [each for each in paths if each and not (self.page.parent / each).exists()]


@pytest.mark.slow
def test_the_site_is_built_without_a_warning_and_every_link_leads_to_a_file(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="the extra docs is not installed")
    site = tmp_path / "site"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "--quiet", "build", "--strict", "--site-dir", str(site)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "STRIATE_SITE_EVERY": "10"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    pages = [page for page in site.rglob("*.html") if page.name != "404.html"]
    lost = {str(page.relative_to(site)): found for page in pages if (found := _Links(page).lost())}
    assert lost == {}
    assert {page.name for page in (site / "networks").glob("*.svg")} >= {"lenet1.svg"}
    for place in ("index.html", "ko/index.html", "ko/tour.html"):
        assert _Links(site / place).language == ("ko" if place.startswith("ko") else "en")
    assert not list(site.rglob("*.py")) or all("repository" in str(path) for path in site.rglob("*.py"))
    text = (site / "index.html").read_text(encoding="utf-8")
    assert not re.findall(r'(?:src|href)="(?:https?:)?//[^"]*\.(?:js|css|woff2?)', text)  # all that it needs lies in it
    assert "reference/striate.html" in json.dumps((site / "search" / "search_index.json").read_text(encoding="utf-8"))
