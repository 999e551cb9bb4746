"""The border between Python and C++: structures, names and signatures as the compiler has them; errors as statuses."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from striate.data.affine import Affine
from striate.errors import KernelError, KernelMemoryError
from striate.kernels import binary
from striate.kernels.binary import CALLS, FREES, STATUSES, Library, library
from striate.kernels.compile import SOURCES, CompileError, compiler
from striate.kernels.engine import LOSSES
from striate.kernels.lower import FUNCTIONS, KINDS
from striate.kernels.optimiser import RULES
from tests.support.commands import python

HERE = Path(__file__).parent
STRUCTURES = [
    each for each in vars(binary).values() if isinstance(each, type) and each.__mro__[1:2] == (ctypes.Structure,)
]
IN_C = {"blocks": "in", "blocks_gradient": "in_gradient"}
"""Fields that have another name in C++; `in` is a word of Python."""
NAMES = {"StriateStatus": STATUSES, "StriateKind": KINDS, "StriateFunction": FUNCTIONS}
NAMES |= {"StriateLoss": LOSSES, "StriateRule": RULES}
WORDS = {"cross-entropy": "CROSS_ENTROPY", "rbf-mle": "RADIAL_MLE", "rbf-map": "RADIAL_MAP"}

HEAD = """
#include <cstddef>
#include <cstdio>
#include <type_traits>
#include "api/interface.hpp"
template <class T> int size_of() { if constexpr (std::is_void_v<T>) return 0; else return sizeof(T); }
template <class Result, class... Given>
void signature(const char* name, Result (*)(Given...)) {
    std::printf("%s %d", name, size_of<Result>());
    (std::printf(" %s%d", std::is_pointer_v<Given> ? "*" : "", int(sizeof(Given))), ...);
    std::puts("");
}
int main() {
"""


def run(lines: list[str], folder: Path) -> list[str]:
    """What a C++ program of these lines prints, compiled with the kernels' header."""
    try:
        command = compiler()
    except CompileError as problem:
        pytest.skip(str(problem))
    source, program = folder / "program.cpp", folder / "program"
    source.write_text(HEAD + "\n".join(lines) + "\n}\n", encoding="utf-8")
    subprocess.run([*command, "-std=c++17", "-w", f"-I{SOURCES}", "-c", str(source), "-o", f"{program}.o"], check=True)
    found = library()
    assert isinstance(found, Library)
    subprocess.run([*command, f"{program}.o", found.calls._name, "-o", str(program)], check=True)
    environment = {"LD_LIBRARY_PATH": str(Path(found.calls._name).parent)}
    return subprocess.run([str(program)], capture_output=True, text=True, check=True, env=environment).stdout.split(
        "\n"
    )


def test_structures_are_laid_out_as_the_compiler_lays_them_out(tmp_path: Path) -> None:
    lines, wanted = [], []
    assert len(STRUCTURES) == 13
    for each in STRUCTURES:
        name = each.__name__
        members = [field[0] for field in each._fields_]
        # A structured binding compiles only with a name for every member: none is missing at the end.
        unpacked = ", ".join(f"m{number}" for number in range(len(members)))
        lines.append(f'{{ {name} made{{}}; auto& [{unpacked}] = made; std::printf("{name} %zu\\n", sizeof(made)); }}')
        wanted.append(f"{name} {ctypes.sizeof(each)}")
        for member in members:
            inner = IN_C.get(member, member)
            lines.append(f'std::printf("{member} %zu %zu\\n", offsetof({name}, {inner}), sizeof({name}::{inner}));')
            wanted.append(f"{member} {getattr(each, member).offset} {getattr(each, member).size}")
    assert run(lines, tmp_path)[:-1] == wanted


def test_a_move_is_a_row_of_floats_in_the_order_of_affine(tmp_path: Path) -> None:
    lines = [f'std::printf("%zu\\n", offsetof(StriateMove, {each.name}) / sizeof(float));' for each in fields(Affine)]
    lines.append('std::printf("%zu\\n", sizeof(StriateMove) / sizeof(float));')
    assert run(lines, tmp_path)[:-1] == [str(number) for number in range(len(fields(Affine)) + 1)]


def test_lists_of_names_are_in_the_order_of_the_enumerations(tmp_path: Path) -> None:
    lines, wanted = [], []
    for kind, names in NAMES.items():
        for number, each in enumerate(names):
            word = WORDS.get(each, each.upper().replace(" ", "_").replace("-", "_"))
            lines.append(f'std::printf("{word} %d\\n", int({kind}::{word}));')
            wanted.append(f"{word} {number}")
    assert run(lines, tmp_path)[:-1] == wanted


def test_calls_are_declared_as_the_header_declares_them(tmp_path: Path) -> None:
    declared = {f"striate_{name}": ctypes.c_int32 for name in CALLS} | dict.fromkeys(FREES)
    found = library()
    assert isinstance(found, Library)
    lines = [f'signature("{name}", {name});' for name in declared]
    wanted = []
    for name, result in declared.items():
        call = getattr(found.calls, name)
        assert call.restype is result
        assert (getattr(call, "errcheck", None) is binary._checked) == (result is not None)
        given = [issubclass(each, (ctypes.c_void_p, ctypes._Pointer)) for each in call.argtypes]
        sizes = [f"{'*' * pointer}{ctypes.sizeof(each)}" for each, pointer in zip(call.argtypes, given, strict=True)]
        wanted.append(" ".join([name, str(ctypes.sizeof(result) if result else 0), *sizes]))
    assert run(lines, tmp_path)[:-1] == wanted


def test_every_export_is_declared_and_guarded() -> None:
    """No function of the header is left out of `CALLS`, but those that free and the two that ask for a constant."""
    header = (SOURCES / "api/interface.hpp").read_text(encoding="utf-8")
    exported = {word.split("(")[0] for word in header.split() if word.startswith("striate_") and "(" in word}
    assert exported == {f"striate_{name}" for name in CALLS} | {*FREES, "striate_supported"}


def test_what_a_status_is_to_python() -> None:
    found = library()
    assert isinstance(found, Library)
    call = found.calls.striate_step
    assert binary._checked(0, call, ()) == 0
    with pytest.raises(KernelMemoryError) as raised:
        binary._checked(STATUSES.index("no memory"), call, ())
    assert isinstance(raised.value, MemoryError)
    assert str(raised.value) == (
        "memory ran out inside Striate's kernels (striate_step).\n"
        "Parameters and the optimiser's state are as they were before the step.\n"
        "Take a smaller --batch or fewer --threads, or free memory."
    )
    with pytest.raises(KernelError) as failed:
        binary._checked(STATUSES.index("failed"), call, ())
    assert not isinstance(failed.value, MemoryError)
    assert str(failed.value) == (
        "Striate's kernels could not finish (striate_step, status 2).\n"
        "Parameters and the optimiser's state are as they were before the step.\n"
        "Report it with the output of striate doctor; meanwhile PyTorch's kernels run the network: --kernels torch."
    )


@pytest.mark.parametrize(("member", "value"), [("kind", len(KINDS)), ("kind", -1), ("function", len(FUNCTIONS))])
def test_a_kind_that_the_kernels_do_not_know_is_refused(member: str, value: int) -> None:
    found = library()
    if isinstance(found, str):
        pytest.skip(found)
    layer = binary.StriateLayer(KINDS.index("maximum"), 0, kernel=(2, 2), stride=(2, 2), dilation=(1, 1))
    layer.input[:], layer.output[:] = (1, 4, 4), (1, 2, 2)
    handle = ctypes.c_void_p()
    found.calls.striate_layer_new(layer, 0, handle)
    found.calls.striate_layer_free(handle)
    setattr(layer, member, value)
    with pytest.raises(KernelError):
        found.calls.striate_layer_new(layer, 0, handle)


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """faults.cpp, which replaces the allocator and the making of threads, on the library that Python loads."""
    try:
        command = compiler()
    except CompileError as problem:
        pytest.skip(str(problem))
    found = library()
    assert isinstance(found, Library)
    shared, program = Path(found.calls._name), tmp_path_factory.mktemp("faults") / "faults"
    flags = ["-std=c++17", "-O1", "-pthread", f"-I{SOURCES}", f"-Wl,-rpath,{shared.parent}"]
    command = [*command, *flags, str(HERE / "faults.cpp"), str(shared), "-ldl", "-o", str(program)]
    subprocess.run(command, check=True)
    return program


@pytest.mark.parametrize("threads", [pytest.param(1, marks=pytest.mark.slow), 3])
def test_memory_or_threads_that_run_out_in_any_call(threads: int, faults: Path) -> None:
    done = subprocess.run([str(faults), str(threads)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    counted = dict(line.split(f", {threads} threads: ") for line in done.stdout.splitlines())
    assert {name.split(" of ")[0] for name in counted} == set(CALLS)
    # Every call that allocates was hurt; what the first thread spent is only copied out.
    # A game of Go is replayed on the stack.
    assert sorted(name for name, count in counted.items() if count == "0 faults") == ["go_legal", "profile"]


STEP = """
import resource, torch
from striate import Network, Flatten, Linear, Activation
from striate.execution.tensors import tensors_of
from striate.modules import build
from striate.errors import KernelMemoryError
from striate.kernels.engine import Engine, Goal, Pictures
from striate.kernels.optimiser import Rule
network = Network("wide", (1, 40, 40), [Flatten(), Linear(1500), Activation("relu"), Linear(10)])
images, goal = Pictures(torch.rand(32, 1, 40, 40)), Goal(torch.arange(32) % 10)

def trained(faults):
    model = build(network, generator=torch.Generator().manual_seed(1))
    engine, optimiser = Engine(network, tensors_of(model)), torch.optim.AdamW(model.parameters(), 1e-3)
    rule = Rule(optimiser)
    if faults:
        for each in model.parameters():  # memory that the rule will ask for, outside the kernels
            optimiser.state[each] = {"step": torch.zeros(()), "exp_avg": torch.zeros_like(each),
                                     "exp_avg_sq": torch.zeros_like(each)}
        pages = int(open("/proc/self/statm").read().split()[0])
        before = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 4_000_000, before[1]))
        try:
            engine.step(images, goal, rule=rule, threads=2)
        except KernelMemoryError:
            print("no memory", [float(each["step"]) for each in optimiser.state.values()])
        resource.setrlimit(resource.RLIMIT_AS, before)
    for _ in range(2):
        engine.step(images, goal, rule=rule, threads=2)
    return [each.detach().clone() for each in model.parameters()]

print(all(map(torch.equal, trained(True), trained(False))))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is limited as Linux does it")
def test_a_step_without_memory_is_an_error_and_can_be_taken_again() -> None:
    """A process that may have no more memory: the step changes nothing, and later ones are those of any training."""
    done = python(STEP)
    assert done.stdout == "no memory [0.0, 0.0, 0.0, 0.0]\nTrue\n", done.stderr
