"""`striate gtp` as a process: how it begins and ends."""

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from striate import find
from striate.description.notation.writing import to_text
from tests.support.commands import heed_interrupts, striate
from tests.support.playing import NEEDS_KERNELS
from tests.support.small import small

pytestmark = NEEDS_KERNELS


@pytest.fixture
def process(tmp_path: Path):
    """The command with a small network, untrained, which has answered once."""
    (tmp_path / "board.net").write_text(to_text(small(find("alphago-policy"))))
    with subprocess.Popen(
        [sys.executable, "-m", "striate", "gtp", "board.net", "--symmetries"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        preexec_fn=heed_interrupts,
    ) as found:
        assert found.stdin
        assert found.stdout
        found.stdin.write(b"1 boardsize 9\n\xff\xfe nonsense\n" + b"x" * 100_000 + b"\ngenmove black\n")
        found.stdin.flush()
        answers = [found.stdout.readline() + found.stdout.readline() for _ in range(4)]
        assert answers[0] == b"=1\n\n"
        assert answers[1] == b"? unknown command\n\n"
        assert answers[2] == b"? syntax error: a line has at most 4096 characters\n\n"
        assert answers[3].startswith(b"= ")
        yield found
        found.kill()


def test_the_end_of_input_ends_it(process: subprocess.Popen[bytes]) -> None:
    out, errors = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, b"")
    assert errors.decode().strip().endswith("is untrained: it plays with random weights.")


@pytest.mark.slow
def test_ctrl_c_ends_it(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    process.wait(timeout=60)
    assert process.returncode == 130
    assert process.stderr
    assert process.stderr.read().decode().split("\n", 1)[1].strip() == "Interrupted."


def test_a_network_of_images_is_refused(tmp_path: Path) -> None:
    done = striate("gtp", "lenet5", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: lenet5 does not play Go.\n")
    assert done.stdout == ""


def test_rules_and_komi_are_those_of_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "board.net").write_text(to_text(small(find("alphago-policy"))))
    for words, score in (((), "W+7.5"), (("--rules", "japanese"), "W+6.5"), (("--komi", "0.5"), "W+0.5")):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"boardsize 9\nfinal_score\nquit\n")))
        done = striate("gtp", "board.net", *words, cwd=tmp_path)
        assert done.stdout.split("\n\n")[1] == f"= {score}"
