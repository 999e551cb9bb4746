"""Compiling, with a compiler and without; the doctor; and the C++ under the sanitizers."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from click.testing import CliRunner

from striate.cli import root
from striate.extras import EXTRAS
from striate.kernels import compile as compiling
from striate.kernels.binary import library
from striate.kernels.compile import library_name

ROOT = Path(__file__).parents[2]


def test_no_compiler(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(
        compiling.CompileError, match="no C\\+\\+ compiler: .CXX is no-such-compiler, which is not there"
    ):
        compiling.compile_kernels(tmp_path)


def test_a_compiler_that_fails_says_how(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("CXX", "false")
    with pytest.raises(compiling.CompileError, match="it ended with 1"):
        compiling.compile_kernels(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_is_compiled_already_is_left_alone(monkeypatch) -> None:
    monkeypatch.setenv("CXX", "false")
    assert {each.parent for each in compiling.compile_kernels(compiling.HERE)} == {compiling.HERE}


def test_of_an_incomplete_set_all_libraries_stay(monkeypatch, tmp_path) -> None:
    stand_in = tmp_path / "compiler.py"  # its files are empty
    stand_in.write_text("import sys\nopen(sys.argv[sys.argv.index('-o') + 1], 'w').close()\n")
    monkeypatch.setenv("CXX", f"{sys.executable} {stand_in}")
    folder = tmp_path / "kernels"
    folder.mkdir()
    (folder / "kernels-plain-00000000.so").touch()
    made = compiling.compile_kernels(folder)
    made[0].unlink()
    assert compiling.compile_kernels(folder) == made
    assert sorted(folder.iterdir()) == sorted(made)


def test_two_that_compile_at_once_leave_whole_libraries(monkeypatch, tmp_path) -> None:
    stand_in = tmp_path / "compiler.py"
    stand_in.write_text("import sys\nopen(sys.argv[sys.argv.index('-o') + 1], 'w').write('whole')\n")
    monkeypatch.setenv("CXX", f"{sys.executable} {stand_in}")
    folder = tmp_path / "kernels"
    folder.mkdir()
    (folder / "kernels-plain-00000000.so").touch()
    copy, inside = shutil.copyfile, list[Path]()

    def copied(source: str, target: Path) -> object:
        if not inside:  # the other one begins and ends while this one copies
            inside.append(target)
            monkeypatch.setattr(compiling.os, "getpid", lambda: 1)
            compiling.compile_kernels(folder)
        return copy(source, target)

    monkeypatch.setattr(compiling.shutil, "copyfile", copied)
    made = compiling.compile_kernels(folder)
    assert sorted(folder.iterdir()) == sorted(made)
    assert {each.read_text() for each in made} == {"whole"}


def test_the_doctor(monkeypatch) -> None:
    library.cache_clear()
    text = CliRunner().invoke(root, ["doctor"]).output
    assert "Striate's, compiled for " in text
    found = json.loads(CliRunner().invoke(root, ["doctor", "--json"]).output)
    assert [each["what"] for each in found] == [
        *("versions", "processor", "kernels", "device"),
        *(f"extra {each.name}" for each in EXTRAS),
    ]


def test_the_doctor_says_what_to_do_about_missing_kernels(monkeypatch, tmp_path) -> None:
    library.cache_clear()
    monkeypatch.setattr("striate.kernels.binary.HERE", tmp_path)
    monkeypatch.setenv("CXX", "no-such-compiler")
    try:
        text = CliRunner().invoke(root, ["doctor"]).output
    finally:
        library.cache_clear()
    assert "PyTorch's: they have not been compiled; no C++ compiler: $CXX is no-such-compiler" in text
    assert "apt install g++" in text
    assert "python -m striate.kernels.compile" in text


def test_lowering_and_compiling_need_no_torch() -> None:
    code = "import sys, striate.kernels.compile, striate.kernels.binary, striate.kernels.lower as l\n"
    code += "from striate import find; l.lower(find('lenet5')); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


FASTEST = "the fastest here"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "sanitizers"),
    [*((name, "address,undefined") for name in compiling.instruction_sets()), (FASTEST, "thread")],
)
def test_the_sanitizers_find_nothing(name: str, sanitizers: str, tmp_path: Path) -> None:
    """The C++ test program, with every access checked on each instruction set, or every order of them on one.

    Which thread takes which images, and where threads wait, is one source for all instruction sets.
    """
    if name == FASTEST:
        name = next((each for each in compiling.instruction_sets() if not isinstance(library(each), str)), name)
    if name == FASTEST or isinstance(library(name), str):
        pytest.skip(f"this processor has no {name}, or the kernels are not compiled")
    program = tmp_path / "steps"
    flags = ["-std=c++17", "-O1", "-g1", "-pthread", f"-fsanitize={sanitizers}", "-fno-sanitize-recover=all"]
    flags += compiling.instruction_sets()[name]
    sources = [str(each) for each in sorted(compiling.SOURCES.rglob("*.cpp"))]
    test = str(Path(__file__).with_name("steps.cpp"))
    command = [*compiling.compiler(), *flags, f"-I{compiling.SOURCES}", *sources, test, "-o", str(program)]
    subprocess.run(command, check=True)
    assert subprocess.run([str(program)], capture_output=True, text=True, check=True).stdout == "steps: all is well\n"


STAND_IN = """#!/bin/sh
for last; do :; done
case "$*" in
  *" -c "*) : > "$last" ;;
  *) cp {folder}/"$(basename "$last")" "$last" ;;
esac
"""
"""A compiler whose objects are empty, and whose libraries are those that were compiled of these sources before."""


@pytest.mark.parametrize("compiles", [False, True])
def test_a_wheel_is_built_with_and_without_a_compiler(compiles: bool, tmp_path: Path, monkeypatch) -> None:
    """From an sdist's files; without a compiler it holds no library and says it runs anywhere."""
    expected = {library_name(name) for name in compiling.instruction_sets()} if compiles else set[str]()
    if not all((compiling.HERE / each).exists() for each in expected):
        pytest.skip("the kernels are not compiled")
    stand_in = tmp_path / "compiler"
    stand_in.write_text(STAND_IN.format(folder=shlex.quote(str(compiling.HERE))))
    stand_in.chmod(0o755)
    source = tmp_path / "source"
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "CHANGELOG.md"):
        shutil.copy(ROOT / name, source / name)
    monkeypatch.setenv("CXX", str(stand_in) if compiles else "false")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel"], cwd=source, check=True)
    wheel = next((source / "dist").glob("*.whl"))
    with ZipFile(wheel) as opened:
        found = {Path(each).name: each for each in opened.namelist() if each.endswith(".so")}
        assert found.keys() == expected
        assert all(opened.read(each) == (compiling.HERE / name).read_bytes() for name, each in found.items())
    assert wheel.name.endswith("none-any.whl") == (not compiles)
