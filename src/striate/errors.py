"""All errors that Striate raises deliberately.

    StriateError
    ├── SpecError (ValueError)          a description that is not a network
    │   ├── ArgumentError (TypeError)   a layer called with arguments that it does not take
    │   ├── ShapeError                  layers that do not fit together
    │   └── FormatError                 JSON, or text, that cannot be read as a description
    ├── UnknownNameError (LookupError)  no network, layer, recipe or class of that name
    ├── DataError (ValueError)          images that are missing, broken or unfit
    │   └── MissingSplitError           a source of images without the split that was asked for
    ├── MoveError (ValueError)          a move or a position that the rules of Go forbid
    ├── RunError (ValueError)           a run folder that is missing, taken or damaged
    ├── WeightsError (ValueError)       a file of weights that cannot be read, or is for another network
    ├── OutputError (OSError)           a file that could not be written
    ├── RequestError (ValueError)       a request that the server refuses
    │   ├── BusyError                   one that it has no room or no time for
    │   └── HungUpError                 one whose client no longer waits for the answer
    ├── AddressError (OSError)          an address that a server cannot listen on
    ├── WorkerError (ChildProcessError) a process of a server or a cluster that cannot answer
    ├── PeerError (ConnectionError)     another process of a training that has ended, or cannot be reached
    ├── RequirementError (ImportError)  a package that is not installed
    ├── LearningError (ArithmeticError) a training that cannot continue
    ├── KernelError (RuntimeError)      compiled kernels that could not finish
    │   └── KernelMemoryError (MemoryError) because memory ran out
    ├── AuditError (AssertionError)     an account, or kernels, that do not agree with the built module
    └── ClaimError (AssertionError)     a claim whose computed value is not the one on record

The text of each error has up to three lines: where and what is wrong, what was expected, what to do.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from difflib import get_close_matches
from reprlib import Repr

from striate.wording import plural

LONG = 200
"""Longer names get no suggestion: they are no misspelling of a known name, and comparing them takes long."""


class StriateError(Exception):
    """What went wrong (`what`), what was `expected`, and a `remedy`; `at` adds the place, `where`, in front.

    Every deliberate error is one. Example: `str(StriateError("No layers.", "A network has some."))` has two lines.
    """

    def __init__(self, what: str, expected: str = "", remedy: str = "", *, where: str = "") -> None:
        super().__init__(what, expected, remedy)
        self.what = what
        self.expected = expected
        self.remedy = remedy
        self.where = where

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return "\n".join(part for part in (head, self.expected, self.remedy) if part)

    def at(self, where: str) -> StriateError:
        """The same error with a place: `raise error.at("stage3.conv1")`. A place that it already has stays."""
        if not self.where:
            self.where = where
        return self


class SpecError(StriateError, ValueError):
    """A description that is not a network."""


class ArgumentError(SpecError, TypeError):
    """A layer called with arguments that it does not take, or without one that it needs."""


class ShapeError(SpecError):
    """Layers that do not fit together, or an input that does not fit the layers."""


class FormatError(SpecError):
    """JSON, or text, that cannot be read as a description."""


class UnknownNameError(StriateError, LookupError):
    """No network, layer, recipe or class of that name."""


class DataError(StriateError, ValueError):
    """Images that are missing, broken or unfit."""


class MissingSplitError(DataError):
    """A source of images without the split that was asked for: nothing of it is there."""


class MoveError(StriateError, ValueError):
    """A move, or a position, that the rules of Go forbid, or a point that a board does not have."""


class RunError(StriateError, ValueError):
    """A run folder that is missing, taken or damaged."""


class WeightsError(StriateError, ValueError):
    """A file of weights that cannot be read, or that is for another network."""


class OutputError(StriateError, OSError):
    """A file that could not be written."""


class RequestError(StriateError, ValueError):
    """A request that the server refuses: it is too large, or has a wrong form."""


class BusyError(RequestError):
    """A request that the server has no room for in a queue, or no time for; it may be sent again."""


class HungUpError(RequestError):
    """A request whose client hung up while it waited in a queue."""


class AddressError(StriateError, OSError):
    """An address that a server cannot listen on."""


class WorkerError(StriateError, ChildProcessError):
    """A process of a server that ends before it answers, or a cluster or one of its processes that cannot answer."""


class PeerError(StriateError, ConnectionError):
    """Another process of a training has ended, or cannot be reached."""


class RequirementError(StriateError, ImportError):
    """A package that a verb needs and that is not installed."""


class LearningError(StriateError, ArithmeticError):
    """A training that cannot continue."""


class KernelError(StriateError, RuntimeError):
    """The compiled kernels could not finish a call."""


class KernelMemoryError(KernelError, MemoryError):
    """The compiled kernels ran out of memory."""


class AuditError(StriateError, AssertionError):
    """An account, or kernels, that do not agree with the built module."""


class ClaimError(StriateError, AssertionError):
    """A claim whose computed value is not the one on record."""


class _Short(Repr):
    """A value's `repr`, with its middle left out where it is long."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = 60
        self.maxlist = self.maxtuple = self.maxdict = 8
        self.maxlevel = 3

    def repr_int(self, x: int, level: int) -> str:
        """Python refuses to print a number of more than 4,300 digits, so a long one is replaced by its length."""
        digits = int(x.bit_length() * math.log10(2)) + 1
        return repr(x) if digits <= 60 else f"a number of about {digits:,} digits"


_SHORT = _Short()


def quote(value: object) -> str:
    """The text of a value in an error: one line, shortened, without characters that a terminal would act on.

    >>> print(quote("a\\x1b[2Jb"), quote([1, [2]]), quote(10**5000), quote("x" * 100))
    'a\\x1b[2Jb' [1, [2]] a number of about 5,001 digits 'xxxxxxxxxxxxxxxxxxxxxxxxxxx...xxxxxxxxxxxxxxxxxxxxxxxxxxxx'
    """
    return _SHORT.repr(value)


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """The error for a `name` that is not among the `known` names; it suggests the nearest of them.

    >>> print(unknown_name("network", "lenet", ["lenet5", "simple-cnn"]))
    no network is called 'lenet'.
    The networks are: lenet5, simple-cnn.
    Did you mean 'lenet5'?
    """
    names = sorted(known)
    lower = {each.lower(): each for each in names}
    near = get_close_matches(name.lower(), lower, n=1, cutoff=0.5) if len(name) <= LONG else []
    remedy = f"Did you mean {lower[near[0]]!r}?" if near else ""
    return UnknownNameError(
        f"no {kind} is called {quote(name)}.", f"The {plural(kind)} are: {', '.join(names)}.", remedy
    )
