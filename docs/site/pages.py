"""A hook of MkDocs: pages that are made when the site is built, and links that hold on the site.

README.md becomes the first page. Each network of the catalogue gets a page with its figure, each package that people
import from a page of the reference, and each file of the repository that a page links to a copy.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "src"))  # the site tells of this checkout, whatever is installed

import links  # noqa: E402, beside this file
import network_page  # noqa: E402
import reference  # noqa: E402

from striate.networks import CATALOGUE  # noqa: E402

BESIDE = ("CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md")
"""Pages of the navigation that stand outside docs."""
NETWORKS = list(CATALOGUE)[:: int(os.environ.get("STRIATE_SITE_EVERY", "1"))]
"""The networks that get pages: all, or every tenth where `make check` asks for no more."""
_sources: dict[str, str] = {}
"""The path in the repository of each page that is a copy of a file outside docs."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The navigation, with the pages of the networks and of the reference."""
    sections: dict[str, list[Any]] = {}
    for entry in config.nav or []:
        sections |= entry
    sections["Networks"] += [{name: f"networks/{name}.md"} for name in NETWORKS]
    sections["Python"] += [{title: f"reference/{name}.md"} for name, title in reference.PACKAGES.items()]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """The files of docs, and those that are made."""
    own = [f"docs/{file.src_uri}" for file in files.documentation_pages()]
    for path in links.reached([*links.HOME, *BESIDE, *own], ROOT):
        place = links.on_site(path, ROOT)
        if (ROOT / path / "README.md").is_file():
            continue  # it is a page of its own
        _sources[place] = path
        if (ROOT / path).is_dir():
            files.append(File.generated(config, place, content=_listing(path)))
        else:
            files.append(File.generated(config, place, abs_src_path=str(ROOT / path)))
    for name in NETWORKS:
        files.append(File.generated(config, f"networks/{name}.md", content=network_page.page(name)))
        files.append(File.generated(config, f"networks/{name}.svg", content=network_page.figure(name)))
    for name in reference.PACKAGES:
        files.append(File.generated(config, f"reference/{name}.md", content=reference.page(name, ROOT / "src")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The text of a page, its links as they are on the site."""
    place = page.file.src_uri
    if place.startswith(("networks/", "reference/")):
        return markdown
    source = _sources.get(place, f"docs/{place}")
    return markdown if (ROOT / source).is_dir() else links.rewritten(markdown, source, ROOT)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """The language of a page, which the theme has once for all."""
    korean = page.file.src_uri.startswith("ko/")
    return output.replace('<html lang="en"', '<html lang="ko"', 1) if korean else output


def _listing(folder: str) -> str:
    names = sorted(path.name for path in (ROOT / folder).iterdir() if path.is_file())
    return "\n".join([f"# {folder}\n", *(f"* `{name}`" for name in names)]) + "\n"
