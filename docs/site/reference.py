"""The reference of the Python API: a page for each package that people import from, generated from docstrings.

A name is public where the package's `__init__.py` imports it as itself (`from ... import build as build`).
"""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGES = {
    "striate": "Networks, layers and the account",
    "striate.modules": "PyTorch modules",
    "striate.data": "Images",
    "striate.train": "Training",
    "striate.look": "Looking inside",
    "striate.serve": "Answers",
    "striate.read": "Lines of digits",
    "striate.accounting": "Accounts",
}
"""The packages that people import from, and what their pages are called."""


def public(package: str, source: Path) -> list[str]:
    """The public names of a package, in the order of its `__init__.py`; `source` is the folder that holds `striate`."""
    tree = ast.parse((source.joinpath(*package.split(".")) / "__init__.py").read_text(encoding="utf-8"))
    imports = (each for statement in tree.body if isinstance(statement, ast.ImportFrom) for each in statement.names)
    return [each.name for each in imports if each.asname == each.name]


def page(package: str, source: Path) -> str:
    """The page of a package, as Markdown for mkdocstrings."""
    names = public(package, source)
    opened = [f"# {PACKAGES[package]}\n", f"`from {package} import ...`\n", f"::: {package}"]
    options = ["    options:", "      members: false", "      show_root_heading: false", ""]
    return "\n".join([*opened, *options, *(f"::: {package}.{name}\n" for name in names)])
