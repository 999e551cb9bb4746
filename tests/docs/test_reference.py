"""The reference of the Python API: public names are on a page and have docstrings, those of `striate` an example."""

import ast
import importlib
import inspect
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

import striate

griffe = pytest.importorskip("griffe", reason="the extra docs is not installed")
ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "docs" / "site"))

import doctests  # noqa: E402
import reference  # noqa: E402


def public(module: ModuleType) -> set[str]:
    """The names that a package has for people: no modules, no leading underscore, and none of its own machinery."""
    if not hasattr(module, "__path__"):
        classes = dict(inspect.getmembers(module, inspect.isclass))
        return {name for name, value in classes.items() if value.__module__ == module.__name__ and name[0] != "_"}
    source = inspect.getsource(module)
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and not isinstance(value, ModuleType)
        and re.search(rf"\b{name} as {name}\b", source)
    }


@pytest.fixture(scope="module")
def read():
    """The package as griffe reads it, which imports nothing."""
    package = griffe.load("striate", search_paths=[ROOT / "src"])
    return package


@pytest.mark.parametrize("package", reference.PACKAGES)
def test_each_public_name_is_on_a_page_and_has_a_docstring(package: str, read) -> None:
    names = public(importlib.import_module(package))
    shown = re.findall(rf"^::: {re.escape(package)}\.(\w+)$", reference.page(package, ROOT / "src"), re.MULTILINE)
    assert sorted(shown) == sorted(names)
    inner = package.removeprefix("striate").removeprefix(".")
    without = [name for name in shown if read[f"{inner}.{name}".lstrip(".")].docstring is None]
    assert without == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.stem)
def test_what_the_pages_import_for_people_is_in_the_reference(page: Path) -> None:
    """Modules directly under `striate`: a deeper one is named where a page says how Striate is made."""
    used = re.findall(r"^>>> from (striate\.\w+) import ([\w, ]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    lost = [
        f"{module}.{name.strip()}"
        for module, names in used
        for name in names.split(" as ")[0].split(",")
        if module not in reference.PACKAGES or name.strip() not in reference.public(module, ROOT / "src")
    ]
    assert lost == []


def test_the_names_of_striate_are_those_of_its_init() -> None:
    """Written out another way: every name that a star would not hide and that no module is."""
    seen = {name for name, value in vars(striate).items() if not name.startswith("_")}
    modules = {name for name in seen if isinstance(vars(striate)[name], ModuleType)}
    assert seen - modules == set(reference.public("striate", ROOT / "src"))


@pytest.mark.parametrize("name", reference.public("striate", ROOT / "src"))
def test_each_name_of_striate_has_an_example_that_runs(name: str, read) -> None:
    docstring = read[name].docstring.value
    if re.search(rf"^>>> .*\b{name}\b", docstring, re.MULTILINE):
        return  # a doctest, which runs with the others
    example = re.search(r"Example: `([^`]+)`", docstring)
    assert example, f"{name} has no example: a doctest, or `Example: ` and an expression in backquotes."
    tree = ast.parse(example[1], mode="eval")
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert name in named or name == "Account"
    value = eval(compile(tree, name, "eval"), dict(vars(striate)))
    if isinstance(getattr(striate, name), type) and name not in ("Account", "StriateError"):
        assert isinstance(value, getattr(striate, name))
    said = re.search(r"Example: `[^`]+` (?:is|equals) `?(.+?)`?\.$", docstring, re.MULTILINE)
    if said and said[1] not in ("the network",):
        assert value == eval(said[1], dict(vars(striate)))


def test_examples_are_fenced_up_to_the_next_empty_line() -> None:
    text = "What it is.\n\n>>> one()\n1\n>>> two(\n...     3,\n... )\n\nAnd more.\n\n>>> four()\n"
    fenced = doctests.fenced(text)
    assert fenced.split("\n\n")[1] == "```pycon\n>>> one()\n1\n>>> two(\n...     3,\n... )\n```"
    assert fenced.count("```") == 4
    assert "And more." in fenced.split("```")[2]
    assert doctests.fenced("no example") == "no example"
