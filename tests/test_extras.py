"""The command that installs an extra works where it is said."""

import json
import shlex
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner

from striate import extras
from striate.cli.verbs.doctor import command
from striate.extras import EXTRAS, checkout, install

HERE = Path(__file__).parents[1]


def test_the_extras_are_those_of_pyproject() -> None:
    declared = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    wanted = {name: tuple(each.split(">")[0] for each in needs) for name, needs in declared.items() if needs}
    assert {extra.name: extra.packages for extra in EXTRAS} == {
        name: packages for name, packages in wanted.items() if name not in ("bench", "docs", "dev", "all")
    }


def test_in_a_checkout_the_command_names_its_folder(monkeypatch, tmp_path: Path) -> None:
    assert checkout() == HERE
    monkeypatch.setattr(extras.shutil, "which", lambda name: str(Path(sys.executable).parent / "pip"))
    monkeypatch.chdir(HERE)
    assert install("serve") == "pip install --editable '.[serve]'"
    monkeypatch.chdir(tmp_path)
    assert install("serve") == f"pip install --editable '{HERE}[serve]'"


def test_the_command_is_of_the_python_that_runs(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(extras.shutil, "which", lambda name: "/usr/bin/pip")
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv/bin/python"))
    monkeypatch.chdir(tmp_path)
    assert install("look").startswith(".venv/bin/python -m pip install --editable ")


@pytest.mark.parametrize(
    ("record", "source"),
    [
        ({"url": "file://{folder}/my%20copy", "dir_info": {}}, "{folder}/my copy[look]"),
        ({"url": "file:///no/such/folder", "dir_info": {}}, "striate[look]"),
        (
            {"url": "https://example.org/striate.git", "vcs_info": {"vcs": "git", "commit_id": "1"}},
            "striate[look] @ git+https://example.org/striate.git",
        ),
        (
            {"url": "https://example.org/striate-0.1.0-py3-none-any.whl", "archive_info": {}},
            "striate[look] @ https://example.org/striate-0.1.0-py3-none-any.whl",
        ),
        ({}, "striate[look]"),
        (None, "striate[look]"),
    ],
)
def test_elsewhere_the_command_names_where_striate_came_from(record, source: str, monkeypatch, tmp_path: Path) -> None:
    (tmp_path / "my copy").mkdir()

    class Distribution:
        def read_text(self, name: str) -> str | None:
            assert name == "direct_url.json"
            return None if record is None else json.dumps(record).replace("{folder}", str(tmp_path))

    monkeypatch.setattr(extras, "checkout", lambda: None)
    monkeypatch.setattr(metadata, "distribution", lambda name: Distribution())
    assert shlex.split(install("look"))[-1] == source.replace("{folder}", str(tmp_path))


def test_doctor_says_what_is_missing_and_how_to_install_it(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    found = {each["what"]: each for each in json.loads(CliRunner().invoke(command, ["--json"]).output)}
    assert {"extra look", "extra serve", "extra onnx"} <= set(found)
    assert found["extra look"]["remedy"] == ""
    assert found["extra serve"] == {
        "what": "extra serve",
        "found": "uvicorn not installed, for striate serve",
        "remedy": install("serve"),
    }
    text = CliRunner().invoke(command, []).output
    width = max(len(f"extra {each.name}") for each in EXTRAS)
    lines = f"{'extra serve':{width}}  uvicorn not installed, for striate serve\n{'':{width}}  {install('serve')}\n"
    assert lines in text


def test_a_folder_is_no_package(monkeypatch, tmp_path: Path) -> None:
    (tmp_path / "a_folder").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert extras.missing_packages(["a-folder", "numpy"]) == ["a-folder"]
