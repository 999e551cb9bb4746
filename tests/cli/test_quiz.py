"""striate quiz as people call it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.support.commands import heed_interrupts, python, striate


def quiz(typed: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "striate", "quiz", *options], input=typed, capture_output=True, text=True, check=False
    )


def test_a_right_answer_a_wrong_one_and_one_that_is_given_up() -> None:
    sheet = json.loads(quiz("", "--seed", "3", "--count", "3", "--json").stdout)
    first, _, _ = (each["answer"] for each in sheet["exercises"])
    done = quiz("x".join(map(str, first)) + "\n1\nseven\n2\n\n", "--seed", "3", "--count", "3")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Seed 3." in done.stdout
    assert "> >" not in done.stdout
    assert "Right." in done.stdout
    assert "That is no answer: type a whole number, such as 1216." in done.stdout
    hint, answer = done.stdout.index("100·(3,872 + 1)\n"), done.stdout.index("100·(3,872 + 1) = 387,300\n")
    assert done.stdout.index("No.") < hint < done.stdout.index("It is 387,300.") < answer
    assert done.stdout.endswith("1 of 3 right, 1 at the first try.\n")


def test_a_question_mark_gives_the_hint_and_is_no_first_try() -> None:
    sheet = json.loads(quiz("", "--seed", "3", "--count", "1", "--topic", "field", "--json").stdout)
    done = quiz(f"?\n{sheet['exercises'][0]['answer']}\n", "--seed", "3", "--count", "1", "--topic", "field")
    assert done.stdout.index("conv1 field: 1 + (") < done.stdout.index("Right.")
    assert done.stdout.endswith("1 of 1 right, 0 at the first try.\n")


def test_the_end_of_the_input_ends_with_the_score() -> None:
    done = quiz("")
    assert done.returncode == 0
    assert done.stdout.endswith("\nNo exercise was answered.\n")


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_ends_with_the_score_and_130() -> None:
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "striate", "quiz", "--seed", "1"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=heed_interrupts,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    while not process.stdout.readline().startswith("2."):
        pass
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out.endswith("0 of 1 right, 0 at the first try.\n")
    assert "Traceback" not in err


def test_the_sheet_has_answers_and_is_the_same_for_a_seed() -> None:
    sheet = quiz("", "--seed", "7", "--json").stdout
    assert sheet == quiz("", "--seed", "7", "--json").stdout
    found = json.loads(sheet)
    assert (found["seed"], len(found["exercises"])) == (7, 10)
    assert found["topics"] == ["size", "parameters", "macs", "field"]
    only = json.loads(quiz("", "--json", "--topic", "field", "--count", "3").stdout)
    assert [each["topic"] for each in only["exercises"]] == ["field"] * 3


def test_bytes_that_are_no_text_are_no_answer() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "striate", "quiz", "--count", "1"],
        input=b"\xff\xfe\n\n",
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
    assert b"That is no answer" in done.stdout
    assert done.stderr == b""


def test_mistakes_get_an_answer_and_exit_code_2() -> None:
    for options in (("--seed", "-1"), ("--count", "0"), ("--topic", "colours"), ("--seed", "seven")):
        done = striate("quiz", *options)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("Error") or "Error: " in done.stderr


def test_no_framework_is_loaded() -> None:
    code = (
        "import sys; from striate.cli import root\n"
        "root(['quiz', '--seed', '1', '--json'], standalone_mode=False)\n"
        "print([name for name in ('torch', 'numpy', 'rich', 'jaxtyping') if name in sys.modules])"
    )
    assert python(code).stdout.splitlines()[-1] == "[]"
