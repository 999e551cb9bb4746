"""Whatever becomes of a run's files, what reads them gives an error of ours that names the file, or an answer."""

import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save

from striate.errors import RunError, StriateError
from striate.look.learning import learning
from striate.serve import Predictor
from striate.train import evaluation, open_run, session
from striate.train.checkpoint import load_checkpoint, save_checkpoint
from striate.train.filters import load_filters

EXAMPLES = int(os.environ.get("STRIATE_EXAMPLES", "40"))
"""So many accidents a file; more by hand."""
VALUES: tuple[Any, ...] = (
    *(None, True, False, -1, 0, 2, 2**53 + 1, 10**30, -0.5, 1e308, float("nan"), float("inf"), [], {}, [[]], [1, 2]),
    *("", "x", "\x1b[2J", "a\nb", "\0", "../..", "9" * 30, ["a", "a"], [["a"]], {"a": 1}, {"event": "epoch"}),
)
"""What a member may have become."""
TEXTS: tuple[bytes, ...] = (
    *(b"", b"\0" * 64, b"\xff\xfe", b"[" * 100_000, b"{}", b"[]", b"null", b"1e999", b"NaN", b'"'),
    b'{"a": 1' + b"0" * 5000,
)  # fmt: skip
"""What a whole file, or a line of one, may have become."""


def members(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a JSON value: what it lies in, and under which key or at which number."""
    for key in value if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], (dict, list)):
            yield from members(value[key])


def changed(document: Any, draw: random.Random) -> Any:
    """The JSON value with one member replaced, taken out or added."""
    document = json.loads(json.dumps(document))
    inside, key = draw.choice(list(members(document)))
    match draw.randrange(4):
        case 0:
            del inside[key]
        case 1 if isinstance(inside, dict):
            inside["more"] = draw.choice(VALUES)
        case _:
            inside[key] = draw.choice(VALUES)
    return document


def cut(content: bytes, draw: random.Random) -> bytes:
    """The bytes of a file after an accident."""
    place = draw.randrange(len(content))
    match draw.randrange(4):
        case 0:
            return content[:place]
        case 1:
            return content[:place] + draw.randbytes(8) + content[place + 8 :]
        case 2:
            return draw.choice(TEXTS)
        case _:
            return content[:place] + content[place + draw.randrange(1, 40) :]


def damage_json(path: Path, draw: random.Random) -> None:
    if draw.random() < 0.75:
        path.write_text(json.dumps(changed(json.loads(path.read_text()), draw)))
    else:
        path.write_bytes(cut(path.read_bytes(), draw))


def damage_events(path: Path, draw: random.Random) -> None:
    lines = path.read_bytes().splitlines()
    place = draw.randrange(len(lines))
    if draw.random() < 0.75:
        lines[place] = json.dumps(changed(json.loads(lines[place]), draw)).encode()
    else:
        lines[place] = cut(lines[place], draw)
    path.write_bytes(b"\n".join(lines))


def damage_checkpoint(path: Path, draw: random.Random) -> None:
    """Half of these have a checksum that is right: only the readers stand between them and what reads them."""
    tensors, state = load_checkpoint(path)
    name = draw.choice(sorted(tensors))
    match draw.randrange(5):
        case 0:
            path.write_bytes(cut(path.read_bytes(), draw))
        case 1 | 2:
            save_checkpoint(path, tensors, changed(state, draw))
        case 3:
            each = tensors.pop(name)
            other = (
                each.double(),
                each.reshape(-1)[:1],
                each.to(torch.int64),
                torch.zeros(0),
                each.to(torch.float8_e5m2),
            )
            save_checkpoint(path, tensors | {draw.choice((name, "x", "optimiser/")): draw.choice(other[:4])}, state)
            if draw.random() < 0.3:
                head = {"format": "striate-checkpoint", "version": "1", "state": json.dumps(state)}
                path.write_bytes(save(tensors | {name: other[4]}, metadata=head))
        case _:
            head = {
                "format": "striate-checkpoint",
                "version": draw.choice("123"),
                "state": draw.choice(("", "1", "{}")),
            }
            path.write_bytes(save(tensors, metadata=head))


def damage_filters(path: Path, draw: random.Random) -> None:
    frames = {f"epoch{each:06d}": frame for each, frame in load_filters(path).items()}
    name = draw.choice(sorted(frames))
    each = frames.pop(name)
    other = (each.float(), each[0, 0], each[:0], each * float("nan"), each.repeat(40, 1, 1, 1), torch.zeros(()).half())
    frames[draw.choice((name, "epoch", "epoch-1", "x" * 90, "epoch9999999999999"))] = draw.choice((each, *other))
    path.write_bytes(save(frames) if draw.random() < 0.7 else cut(path.read_bytes(), draw))


DAMAGES: dict[str, Callable[[Path, random.Random], None]] = {
    "run.json": damage_json,
    "network.json": damage_json,
    "events.jsonl": damage_events,
    "best.safetensors": damage_checkpoint,
    "last.safetensors": damage_checkpoint,
    "filters.safetensors": damage_filters,
}


@pytest.fixture(scope="module")
def split(finished_run: Path) -> session.Split:
    return session.reload(open_run(finished_run))


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_an_error_of_ours_or_no_damage(name: str, finished_run: Path, split, tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    draw, refused = random.Random(f"{name} {EXAMPLES}"), []
    for number in range(EXAMPLES):
        folder = tmp_path / str(number)
        shutil.copytree(finished_run, folder)
        (folder / "previous.safetensors").unlink()  # a training would go on from it
        DAMAGES[name](folder / name, draw)
        try:
            run = open_run(folder)
            if name != "last.safetensors":
                Predictor(run)
                run.events()
                learning(run)
            if number % 8 == 0:
                evaluation.evaluate(run)
            list(islice(session.resume(run, split), 2))
        except StriateError as error:
            refused.append((str(folder), error))
        shutil.rmtree(folder)
    torch.set_num_threads(threads)
    assert len(refused) > EXAMPLES / 4
    for folder, error in refused:
        assert error.expected, error.what
        assert folder in error.what or not isinstance(error, RunError), error.what


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"threads": "two"}, "threads is 'two'.\nIt must be a whole number from 1 to 1,024."),
        ({"threads": 20_000}, "threads is 20000.\nIt must be a whole number from 1 to 1,024."),
        ({"device": 3}, "device is 3.\nIt must be a text of at most 10,000 letters."),
        ({"device": "cuda; rm"}, "device is 'cuda; rm'.\nIt must be a device's name, such as cpu or cuda:0."),
        (
            {"kernels": "fast"},
            "kernels is 'fast'.\nIt must be one of auto, engine, operators, torch, channels-last, bfloat16, compiled.",
        ),
        ({"test_looks": -1}, "test_looks is -1.\nIt must be a whole number from 0 to 9,007,199,254,740,992."),
        ({"data.classes": ["a"] * 10}, "data.classes names one twice, or none.\nEvery class has a name of its own."),
        ({"data.classes": ["a"]}, "data.classes are 1 for an output of 10.\nThe network has an output for each class."),
        ({"data.classes": ["\x1b"]}, r"data.classes.0 is '\x1b'." "\nIt must be a text without control characters."),
        ({"data.resize": [0, 2]}, "data.resize is [0, 2].\nIt must be null, or two whole numbers from 1 to 65,536."),
        ({"data.more": 1}, "data.more is an unknown key.\nThis Striate wrote none such."),
        ({"recipe.seed": 2**63}, "seed is 9223372036854775808.\nIt is at most 9,223,372,036,854,775,807."),
        ({"recipe.rate": 10**400}, "rate is a number of about 401 digits.\nIt must be a number of at least 0"),
        ({"preprocessing.shape": [1, 8, 8]}, "preprocessing.shape is 1×8×8 for an input of 1×28×28.\nImages are"),
    ],
)  # fmt: skip
def test_a_member_of_run_json_is_named(change: dict[str, Any], text: str, finished_run: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(finished_run, tmp_path / "run"))
    document = json.loads((folder / "run.json").read_text())
    for key, value in change.items():
        *above, last = key.split(".")
        inside = document
        for each in above:
            inside = inside[each]
        inside[last] = value
    (folder / "run.json").write_text(json.dumps(document))
    with pytest.raises(RunError) as caught:
        open_run(folder)
    assert str(caught.value).startswith(f"{folder}/run.json is damaged: {text}")


def test_a_line_of_the_events_is_named_and_one_cut_off_left_out(finished_run: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(finished_run, tmp_path / "run"))
    lines = (folder / "events.jsonl").read_text().splitlines()
    run = open_run(folder)
    before = run.events()
    (folder / "events.jsonl").write_text("\n".join([lines[0], '{"event": "epo', *lines[1:], '{"event"']))
    assert run.events() == before
    epoch = json.loads(lines[1]) | {"loss": "<script>"}
    (folder / "events.jsonl").write_text("\n".join([lines[0], json.dumps(epoch), *lines[2:]]))
    with pytest.raises(RunError) as caught:
        run.events("epoch")
    assert str(caught.value) == (
        f"{folder}/events.jsonl, line 2: loss is '<script>'.\nIt must be a finite number.\n"
        "Put it right, or take the line out: nothing but reports reads it."
    )


def test_a_run_of_a_machine_with_a_gpu(finished_run: Path, split, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(finished_run, tmp_path / "run"))
    text = (folder / "run.json").read_text()
    (folder / "run.json").write_text(text.replace('"device": "cpu"', '"device": "vulkan"'))
    run = open_run(folder)
    outputs, _ = evaluation.evaluate(run)
    assert torch.equal(outputs.scores, evaluation.evaluate(open_run(finished_run))[0].scores)
    Predictor(run)
    before = {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}
    with pytest.raises(RunError) as caught:
        session.resume(run, split)
    lines = str(caught.value).splitlines()
    assert lines[0] == f"{folder} was trained on vulkan, which this machine does not have."
    assert lines[1].startswith("It goes on only on such a device, as other devices give other last bits; here are: cpu")
    assert lines[2] == (
        "Take it to a machine that has one. Evaluate, predict, look and serve run its weights on the CPU here."
    )
    assert {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()} == before
