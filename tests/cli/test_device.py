"""--device of the verbs that ask a network for answers."""

import shutil

import pytest
import torch

from tests.support.commands import striate

VERBS = [("evaluate",), ("predict", "x.png"), ("predict", "x.png", "--out", "x.csv"), ("look",), ("serve",)]


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_a_device_that_is_not_there_is_refused_with_those_that_are(words, finished_run, tmp_path) -> None:
    verb, *others = words
    done = striate(verb, finished_run, *others, "--device", "abacus", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: no device 'abacus' on this machine.\nThe devices here are: cpu")
    assert "--device NAME" in striate(verb, "--help").stdout
    assert list(tmp_path.iterdir()) == []


def test_the_best_device_of_a_machine_without_others_is_the_cpu(finished_run, tmp_path) -> None:
    if torch.accelerator.is_available():
        pytest.skip("this machine has another device than the CPU")
    shutil.copytree(finished_run, tmp_path / "run")  # an evaluation is counted in the run
    assert striate("evaluate", "run", "--device", "auto", cwd=tmp_path).returncode == 0
