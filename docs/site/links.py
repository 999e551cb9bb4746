"""Where a file of the repository stands on the site, and links between its files as links between pages.

Pages are written to be read as files: a link is a path from the page's folder. On the site README.md is the first page,
docs is the root, and every other file of the repository that a page links to stands under `repository`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from pathlib import Path

HOME = {"README.md": "index.md", "README.ko.md": "ko/index.md"}
"""Pages outside docs that have a place of their own on the site."""
_LINK = re.compile(r"(\]\()([^)#\s]+)(#[^)\s]*)?(\))")
_FENCE = re.compile(r"^(```.*?^```[ \t]*$)", re.DOTALL | re.MULTILINE)


def on_site(path: str, root: Path) -> str:
    """The place on the site of a file or folder of the repository, as the source of a page.

    >>> on_site("docs/fit.md", Path("/nowhere")), on_site("README.md", Path("/nowhere"))
    ('fit.md', 'index.md')
    >>> on_site("benchmarks/seeds.py", Path("/nowhere"))
    'repository/benchmarks/seeds.py'
    """
    if path in HOME:
        return HOME[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if (root / path).is_dir():
        return f"repository/{path}/README.md"
    return f"repository/{path}"


def targets(markdown: str, page: str) -> list[str]:
    """The paths in the repository to which the links of `page` lead, outside code.

    >>> targets("[a](fit.md#x) and [b](../README.md) and [c](https://example.org)", "docs/tour.md")
    ['docs/fit.md', 'README.md']
    """
    found = (match[2] for part in _prose(markdown) for match in _LINK.finditer(part))
    return [_resolved(target, page) for target in found if "://" not in target and not target.startswith("mailto:")]


def rewritten(markdown: str, page: str, root: Path) -> str:
    """The text of `page`, a path in the repository, with its links as they are on the site."""
    here = posixpath.dirname(on_site(page, root))

    def link(match: re.Match[str]) -> str:
        target = match[2]
        if "://" in target or target.startswith("mailto:"):
            return match[0]
        place = on_site(_resolved(target, page), root)
        return f"{match[1]}{posixpath.relpath(place, here or '.')}{match[3] or ''}{match[4]}"

    parts = _FENCE.split(markdown)
    return "".join(part if part.startswith("```") else _LINK.sub(link, part) for part in parts)


def reached(pages: Iterable[str], root: Path) -> list[str]:
    """Those of `pages`, and of the files and folders that they link to, and so on, that are outside docs."""
    found: list[str] = []
    waiting = list(pages)
    while waiting:
        page = waiting.pop(0)
        if page in found or not (root / page).exists():
            continue
        found.append(page)
        if page.endswith(".md"):
            waiting += targets((root / page).read_text(encoding="utf-8"), page)
        elif (root / page / "README.md").is_file():
            waiting.append(f"{page}/README.md")
    return [page for page in found if not page.startswith("docs/")]


def _prose(markdown: str) -> list[str]:
    return [part for part in _FENCE.split(markdown) if not part.startswith("```")]


def _resolved(target: str, page: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), target))
