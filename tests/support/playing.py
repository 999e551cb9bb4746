"""What tests of playing share: a small network for 9×9, untrained, and a session of the Go Text Protocol."""

from __future__ import annotations

from functools import cache
from random import Random

import pytest

from striate import find
from striate.kernels.binary import Library, library
from striate.look.untrained import untrained
from striate.play.choose import Style
from striate.play.commands import Commands
from striate.play.policy import Policy
from striate.play.protocol import answer
from striate.play.rules import RULES, Name
from striate.play.session import Session
from tests.support.small import small

NEEDS_KERNELS = pytest.mark.skipif(not isinstance(library(), Library), reason="the kernels are not compiled")


@cache
def policy(*, symmetries: bool = False) -> Policy:
    """A network for 9×9, with random weights."""
    return Policy(untrained(small(find("alphago-policy"))), symmetries=symmetries)


def commands(*, rules: Name = "chinese", style: Style | None = None, seed: int = 0) -> Commands:
    """A new session."""
    kind = RULES[rules]
    return Commands(Session(policy(), kind, style or Style(), Random(seed), kind.komi))


def answers(found: Commands, *lines: str) -> list[str]:
    """The answers to lines, without the empty line at their ends."""
    return [answer(line, found).removesuffix("\n\n") for line in lines]
