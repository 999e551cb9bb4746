"""Compile the C++ kernels with the system's compiler: `python -m striate.kernels.compile`. Standard library only.

The package's build runs this; where there was no compiler then, running it later is enough. One source is compiled
once for each instruction set of the processor's family; which one is used is decided when the program runs.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
SOURCES = HERE / "csrc"
FLAGS = ("-std=c++17", "-O3", "-fno-math-errno", "-fPIC", "-fvisibility=hidden", "-pthread")
X86 = {
    "avx512": ("-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mfma", "-mprefer-vector-width=512"),
    "avx2": ("-mavx2", "-mfma"),
    "plain": (),
}
"""The instruction sets of x86-64, the fastest first, with the compiler's flags."""
EVERYWHERE = "supported.cpp"
"""The one file that is compiled without these flags: it runs on every processor and asks it for its capabilities."""


class CompileError(Exception):
    """The kernels cannot be compiled; the text says why."""


def instruction_sets(machine: str = "") -> dict[str, tuple[str, ...]]:
    """A family's instruction sets, the fastest first, with their flags; the family is by default this machine's."""
    machine = (machine or platform.machine()).lower()
    if machine in ("x86_64", "amd64"):
        return X86
    return {"neon" if machine in ("aarch64", "arm64") else "plain": ()}


def compiler() -> list[str]:
    """The command of the C++ compiler: $CXX, or the first of c++, g++, clang++. CompileError where there is none."""
    asked = shlex.split(os.environ.get("CXX", ""))
    for command in [asked] if asked else [["c++"], ["g++"], ["clang++"]]:
        if shutil.which(command[0]):
            return command
    wanted = f"$CXX is {asked[0]}, which is not there" if asked else "none of c++, g++, clang++ is there"
    raise CompileError(f"no C++ compiler: {wanted}.")


def compile_kernels(folder: Path, *, machine: str = "") -> list[Path]:
    """Compile a library for each instruction set into `folder`; returns them. CompileError where the compiler fails.

    For another `machine` than this one, such as aarch64, $CXX must be a compiler for it.
    """
    names = instruction_sets(machine)
    if all((folder / library_name(name, machine)).exists() for name in names):
        return [folder / library_name(name, machine) for name in names]
    command = compiler()
    sources = sorted(SOURCES.rglob("*.cpp"))
    libraries: list[Path] = []
    older = list(folder.glob("kernels-*.so"))
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(os.cpu_count()) as workers:
        jobs: list[list[str]] = []
        objects: dict[str, list[str]] = {}
        for name, flags in names.items():
            objects[name] = [str(Path(scratch, f"{name}-{source.stem}.o")) for source in sources]
            for source, object_ in zip(sources, objects[name], strict=True):
                chosen = () if source.name == EVERYWHERE else flags
                macro = f"-DSTRIATE_{name.upper()}"
                jobs.append([*command, *FLAGS, *chosen, macro, f"-I{SOURCES}", "-c", str(source), "-o", object_])
        list(workers.map(_run, jobs))
        for name, parts in objects.items():
            made = Path(scratch, library_name(name, machine))
            _run([*command, "-shared", "-pthread", *parts, "-o", str(made)])
            target = folder / made.name
            fresh = target.with_suffix(f".{os.getpid()}.new")  # another process may compile into this folder, too
            try:
                shutil.copyfile(made, fresh)
                os.replace(fresh, target)  # a process may have the old one loaded
            finally:
                fresh.unlink(missing_ok=True)
            libraries.append(target)
    for each in older:
        if each not in libraries:
            each.unlink(missing_ok=True)
    return libraries


def library_name(instruction_set: str, machine: str = "") -> str:
    """The file of an instruction set's library."""
    return f"kernels-{instruction_set}-{fingerprint(machine)}.so"


def fingerprint(machine: str = "") -> str:
    """Changes with the sources and the flags, so that a library is never older than they are."""
    digest = hashlib.blake2b(repr((FLAGS, instruction_sets(machine))).encode(), digest_size=4)
    for source in sorted(SOURCES.glob("*/*.?pp")):
        digest.update(source.relative_to(SOURCES).as_posix().encode() + source.read_bytes())
    return digest.hexdigest()


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        errors = done.stderr.strip() or f"it ended with {done.returncode}."
        raise CompileError(f"{shlex.join(command)}\n{errors}")


def main() -> None:
    """Compile into the installed package."""
    try:
        for library in compile_kernels(HERE):
            sys.stdout.write(f"{library}\n")
    except (CompileError, OSError) as problem:
        sys.exit(f"The kernels could not be compiled: {problem}\nStriate runs on PyTorch's own kernels meanwhile.")


if __name__ == "__main__":
    main()
