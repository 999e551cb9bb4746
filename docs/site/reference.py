"""The reference of the Python API: a page for each package that people import from, generated from docstrings.

A name is public where the package's `__init__.py` imports it as itself (`from ... import build as build`); of a module,
each class that it defines.
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
    "striate.exchange": "ONNX graphs",
    "striate.sklearn": "scikit-learn",
    "striate.hub": "The Hugging Face hub",
    "striate.errors": "Errors",
}
"""The packages, and modules, that people import from, and what their pages are called."""


def public(package: str, source: Path) -> list[str]:
    """The public names of a package, in the order of its `__init__.py`; `source` is the folder that holds `striate`."""
    place = source.joinpath(*package.split("."))
    module = place.with_suffix(".py")
    if module.is_file():
        tree = ast.parse(module.read_text(encoding="utf-8"))
        classes = (each.name for each in tree.body if isinstance(each, ast.ClassDef))
        return [name for name in classes if not name.startswith("_")]
    tree = ast.parse((place / "__init__.py").read_text(encoding="utf-8"))
    imports = (each for statement in tree.body if isinstance(statement, ast.ImportFrom) for each in statement.names)
    return [each.name for each in imports if each.asname == each.name]


def page(package: str, source: Path) -> str:
    """The page of a package, as Markdown for mkdocstrings."""
    names = public(package, source)
    opened = [f"# {PACKAGES[package]}\n", f"`from {package} import ...`\n", f"::: {package}"]
    options = ["    options:", "      members: false", "      show_root_heading: false", ""]
    return "\n".join([*opened, *options, *(f"::: {package}.{name}\n" for name in names)])
