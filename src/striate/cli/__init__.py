"""The command `striate`: one file per verb, loaded when the verb is called."""

from __future__ import annotations

import os
import signal
import sys
from difflib import get_close_matches
from importlib import import_module
from types import FrameType
from typing import NoReturn

import click

from striate.cli.terminal import streams
from striate.description.labels import lines
from striate.errors import StriateError
from striate.threads import lacking_threads

VERBS = (
    *("list", "show", "cite", "draw", "emit", "account", "compare", "audit"),
    *("train", "reproduce", "evaluate", "predict", "read", "look", "serve", "page", "gtp"),
    *("export", "push", "import", "import-weights"),
    *("quiz", "claims", "doctor", "completion"),
)
BROKEN_PIPE = 141
"""The exit code when the other end of a pipe is closed, as in `striate list | head`: that of SIGPIPE."""


class Verbs(click.Group):
    """The verbs; a module `striate.cli.verbs.<verb>` holds the `command` of each."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*VERBS]  # not list(): once `striate list` has run, that is its module here

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module = "import_file" if cmd_name == "import" else cmd_name.replace("-", "_")  # `import` is Python's
        return import_module(f"striate.cli.verbs.{module}").command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in VERBS and not args[0].startswith("-"):
            near = get_close_matches(args[0], VERBS, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            ctx.fail(f"no verb is called '{args[0]}'.{hint}\nThe verbs are: {', '.join(VERBS)}.")
        processes = _processes()
        if processes and args[0] in VERBS and args[0] != "train":
            ctx.fail(f"striate {args[0]} runs in one process, and this is one of {processes[1]}: start it alone.")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # click would exit with 1
            sys.exit(BROKEN_PIPE)


@click.command(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\nExamples:\n"
    "  striate account lenet5                show parameters, MACs and fields of every layer\n"
    "  striate draw lenet5                   draw it, for a slide or a paper\n"
    "  striate train lenet5                  train it on MNIST, which comes with Striate\n"
    "  striate evaluate runs/lenet5          measure its error on the test images\n"
    "  striate predict runs/lenet5 four.png  classify a picture\n"
    "  striate serve runs/lenet5 --open      draw on a page, and see every layer as you draw\n"
    "  striate page runs/lenet5              write that page as one file, without a server\n"
    "  striate export runs/lenet5            write an ONNX file that answers as the run does\n"
    "  striate import model.onnx             make a run of an ONNX file from any framework",
)
@click.version_option(package_name="striate", message="striate %(version)s")
def root() -> None:
    """Describe a convolutional network once; account for every number in it; train it; look inside it; ship it."""


@streams()
def main() -> None:
    """Run the command; a deliberate error ends with its text and exit code 2, without a traceback."""
    # Threads that wait by spinning slow a training down many times where other programs use the cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    interrupted = _noted_interrupts()
    if lacking_threads():
        click.echo(
            "The system lets Striate start fewer threads than there are processors (see `ulimit -u` and `ulimit -v`,\n"
            "or the container's limit of processes). PyTorch computes on one thread.",
            err=True,
        )
    try:
        root(prog_name="striate", standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        _interrupted()
    except click.ClickException as error:
        place = _error().removeprefix("Error")
        vars(error)["message"] = lines(f"({place.strip()}) {error.message}" if place else error.message)
        error.show()
        sys.exit(error.exit_code)
    except StriateError as error:
        _end(f"{_error()}: {error}", 2)
    except BrokenPipeError:
        sys.exit(BROKEN_PIPE)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        _end(f"Error: {place}{error.strerror or error}.", 2)
    except Exception as error:
        # A compiled module that is interrupted during its import may raise another error instead.
        if interrupted:
            _interrupted()
        if (text := _refused_by_the_system(error)) is None:
            raise
        _end(f"{_error()}: {text}", 2)


def _noted_interrupts() -> list[int]:
    """Install a handler: Ctrl-C raises KeyboardInterrupt as before, and is recorded in the list that is returned.

    Where the exception would be lost, Ctrl-C ends the command at once: Python prints and drops exceptions of callbacks
    and of deleted objects, and some modules catch every exception of their imports. Nothing is written at these times.
    """
    noted: list[int] = []
    before = sys.unraisablehook

    def lost(what: sys.UnraisableHookArgs) -> None:
        if not issubclass(what.exc_type, KeyboardInterrupt):
            return before(what)
        _leave()

    sys.unraisablehook = lost

    def note(number: int, frame: FrameType | None) -> None:
        noted.append(number)
        if _is_importing(frame):
            _leave()
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, note)
    return noted


def _processes() -> tuple[str, str] | None:
    """The number of this process, and how many there are, where torchrun started several; None else."""
    rank, size = (os.environ.get(name, "") for name in ("RANK", "WORLD_SIZE"))
    return (rank, size) if rank and size.isdigit() and int(size) > 1 else None


def _error() -> str:
    """The word before an error's text; one of several processes names itself."""
    processes = _processes()
    return f"Error in process {processes[0]} of {processes[1]}" if processes else "Error"


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None


def _leave() -> NoReturn:
    os.write(2, b"Interrupted.\n")
    os._exit(130)


def _refused_by_the_system(error: Exception) -> str | None:
    """The text for memory or threads that Python, NumPy or PyTorch did not get, told by their errors; None for others.

    PyTorch raises a plain RuntimeError without memory, and a library that does not fit an ImportError.
    """
    said = str(error)
    if isinstance(error, RuntimeError) and "start new thread" in said:
        return (
            "the system lets this process start no more threads.\n"
            "Images are read, and requests answered, by threads.\n"
            "Raise the limit (`ulimit -u`, or the container's limit of processes), or end other programs."
        )
    if isinstance(error, ImportError) and ("map segment" in said or "allocate memory" in said):
        return (
            f"this machine has not enough memory to load a library: {said}\n"
            "PyTorch needs about 2 GiB of address space.\n"
            "Raise the limit (`ulimit -v`, or the container's), or end other programs."
        )
    # oneDNN's kernels, which PyTorch uses, say the last where they get no memory for their code.
    lacking = isinstance(error, RuntimeError) and (
        "allocate memory" in said or "bad_alloc" in said or said.strip() == "could not create a primitive"
    )
    if lacking or isinstance(error, MemoryError):
        return (
            f"this machine has not enough memory: {said or type(error).__name__}\n"
            "All images must fit into memory, and the values of every layer for a batch of them.\n"
            "Take fewer or smaller images (--resize, --batch), or a smaller network."
        )
    return None


def _interrupted() -> None:
    # A second Ctrl-C must not interrupt the message.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end("Interrupted.", 130)


def _end(text: str, code: int) -> None:
    click.echo(lines(text), err=True)
    sys.exit(code)
