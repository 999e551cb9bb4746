"""Ctrl-C at any moment, also while modules are imported: one line, exit code 130, no traceback."""

import os
import signal
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from striate.cli import main, root
from striate.errors import DataError, RunError
from striate.train import Recipe, session
from tests.support.commands import ended, python
from tests.support.networks import TINY


@pytest.fixture(autouse=True)
def numbers_as_they_are():
    """The command flushes denormal numbers in its process, which here is that of the tests."""
    yield
    torch.set_flush_denormal(False)


INTERRUPTED = """
import sys, signal
left = int(sys.argv.pop(1))

def count(event, _):
    global left
    left -= event == "import"
    if event == "import" and not left:
        signal.raise_signal(signal.SIGINT)

from striate_command import main
sys.addaudithook(count)
main()
"""
"""The command, with a Ctrl-C at an import that is counted from its start."""


def interrupted(imports: int, *arguments: str, cwd: Path, shell: str = 'exec "$@"') -> tuple[int, str, str]:
    """(exit code, what it prints, its errors)."""
    command = ["sh", "-c", shell, "sh", sys.executable, "-c", INTERRUPTED, str(imports), *arguments]
    done = ended(command, cwd=cwd)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("imports", [1, 13, 40, 150, 600, 1300])
def test_ctrl_c_in_the_first_moments(imports: int, tmp_path: Path) -> None:
    code, _, errors = interrupted(imports, "train", "lenet5", cwd=tmp_path)
    assert (code, errors.strip()) == (130, "Interrupted.")
    assert os.listdir(tmp_path) == []


def test_where_the_shell_ignores_it_so_does_the_command(tmp_path: Path) -> None:
    for imports in (1, 13, 130):
        ignoring = "trap '' INT; exec \"$@\""
        code, out, errors = interrupted(imports, "account", "lenet5", "--json", cwd=tmp_path, shell=ignoring)
        assert (code, errors) == (0, "")
        assert out.startswith("{")


@pytest.mark.parametrize("error", [ImportError("numpy.core.multiarray failed to import"), SystemError("NULL")])
def test_an_import_that_makes_another_error_of_it(error: Exception, monkeypatch, capsys) -> None:
    def interrupted(**_: object) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise error from None

    before, hook = signal.getsignal(signal.SIGINT), sys.unraisablehook
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a command that another test ran has left its own
    monkeypatch.setattr("striate.cli.root", interrupted)
    try:
        with pytest.raises(SystemExit) as caught:
            main()
    finally:
        signal.signal(signal.SIGINT, before)
        sys.unraisablehook = hook
    assert caught.value.code == 130
    assert capsys.readouterr().err == "Interrupted.\n"


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("[enforce fail] . DefaultCPUAllocator: can't allocate memory")]
)
def test_memory_that_does_not_suffice(error: Exception, monkeypatch, capsys) -> None:
    def greedy(**_: object) -> None:
        raise error

    before, hook = signal.getsignal(signal.SIGINT), sys.unraisablehook
    monkeypatch.setattr("striate.cli.root", greedy)
    try:
        with pytest.raises(SystemExit) as caught:
            main()
    finally:
        signal.signal(signal.SIGINT, before)
        sys.unraisablehook = hook
    assert caught.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("Error: this machine has not enough memory: ")
    assert lines[1:] == [
        "All images must fit into memory, and the values of every layer for a batch of them.",
        "Take fewer or smaller images (--resize, --batch), or a smaller network.",
    ]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--threads", "20000"), "20000 is not in the range 1<=x<=1024"),
        (("--seed", str(10**30)), "is not in the range 0<=x<=9223372036854775807"),
        (("--batch", str(10**30)), "is not in the range 1<=x<=1000000000"),
        (("--epochs", str(10**30)), "is not in the range 1<=x<=1000000000"),
    ],
)
def test_absurd_options(arguments: tuple[str, ...], text: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(root, ["train", "lenet5", *arguments, "--out", str(tmp_path / "run")])
    assert done.exit_code == 2
    assert text in done.output
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("out", "shown"), [(".", "."), ("", "."), ("..", ".."), ("/", "/")])
def test_a_folder_without_a_name_is_refused_before_images_are_read(out: str, shown: str, monkeypatch) -> None:
    monkeypatch.setattr(session.Images, "load", lambda *_: pytest.fail("images were read"))
    done = CliRunner().invoke(root, ["train", "lenet5", "--out", out])
    assert isinstance(done.exception, RunError)
    assert str(done.exception) == (
        f"{shown!r} is no name for a run.\n"
        "A run is a new folder, which appears as a whole under a name of its own.\n"
        "Give one to --out, such as runs/mine."
    )


@pytest.mark.parametrize("size", ["0x0", "999999x1", "1x65537"])
def test_an_absurd_size_is_refused_before_images_are_read(size: str) -> None:
    done = CliRunner().invoke(root, ["train", "lenet5", "--data", "photos", "--resize", size, "--out", "run"])
    assert isinstance(done.exception, DataError)
    assert str(done.exception).startswith("photos: resize is ")


def test_a_batch_larger_than_all_images_takes_no_more_memory(tmp_path: Path, few_digits: Path) -> None:
    recipe = Recipe(epochs=1, batch=10**9, seed=2**63 - 1)
    run, split = session.prepare(TINY, session.Images(str(few_digits)), recipe, folder=tmp_path / "run", device="cpu")
    assert [type(event) for event in session.start(run, split)][-1] is session.Finished


def test_an_interrupt_that_python_would_forget_ends_the_command() -> None:
    code = (
        "import striate.cli as cli\n"
        "class Lost:\n"
        "    def __del__(self): raise KeyboardInterrupt\n"
        "cli.root = lambda **_: Lost() and None\n"
        "cli.main(); print('went on')"
    )
    done = python(code)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Interrupted.\n")


def test_an_interrupt_that_an_import_would_swallow_ends_the_command(tmp_path: Path) -> None:
    (tmp_path / "swallowing.py").write_text(
        "import signal\ntry: signal.raise_signal(signal.SIGINT)\nexcept BaseException: pass"
    )
    code = "import striate.cli as cli\ncli.root = lambda **_: __import__('swallowing')\ncli.main(); print('went on')"
    done = python(code, PYTHONPATH=os.pathsep.join([str(tmp_path), *filter(None, sys.path)]))
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Interrupted.\n")
