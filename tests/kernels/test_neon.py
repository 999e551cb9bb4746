"""The kernels on ARM's NEON: cross-compiled, and run by an emulator."""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from striate.kernels import compile as compiling

COMPILER, EMULATOR = "aarch64-linux-gnu-g++", "qemu-aarch64"


@pytest.mark.slow
def test_the_kernels_run_on_neon(tmp_path: Path) -> None:
    """Both C++ test programs: values against plain loops, and steps of networks of every kind."""
    for program, package in ((COMPILER, "g++-aarch64-linux-gnu"), (EMULATOR, "qemu-user")):
        if not shutil.which(program):
            pytest.skip(f"there is no {program}: apt install {package}")
    here = Path(__file__).parent
    programs = [here / "convolutions.cpp", here / "steps.cpp"]
    sources = [*sorted(compiling.SOURCES.rglob("*.cpp")), *programs]
    flags = [*compiling.FLAGS, "-O1", "-DSTRIATE_NEON", f"-I{compiling.SOURCES}"]

    def compiled(source: Path) -> str:
        made = tmp_path / f"{source.stem}.o"
        subprocess.run([COMPILER, *flags, "-c", str(source), "-o", str(made)], check=True)
        return str(made)

    with ThreadPoolExecutor(os.cpu_count()) as workers:
        objects = list(workers.map(compiled, sources))
    for program, object_ in zip(programs, objects[-2:], strict=True):
        made = tmp_path / program.stem
        subprocess.run([COMPILER, "-static", "-pthread", *objects[:-2], object_, "-o", str(made)], check=True)
        done = subprocess.run([EMULATOR, str(made)], capture_output=True, text=True)
        assert done.stdout == f"{program.stem}: all is well\n", done.stderr
