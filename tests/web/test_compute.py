"""The page's arithmetic in JavaScript, under Node, held against PyTorch and the account on random networks."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from PIL import Image, ImageDraw

from striate import Activation, Conv, Flatten, Network, account, find, from_text
from striate.data import Preprocessing
from striate.description.layers import FUNCTIONS, KINDS, RBF, kind
from striate.description.network import INPUT, plan
from striate.description.notation.writing import to_text
from striate.look.capture import capture
from striate.look.unit import explain
from striate.serve import Predictor
from striate.web.attribution import METHODS
from striate.web.notation import table
from striate.web.numbers import numbers
from tests.support.everything import everything
from tests.support.networks import ODD
from tests.support.node import COMPUTE, NEEDS_NODE, under_node, working
from tests.support.pages import written
from tests.support.pictures import DIGITS, picture
from tests.support.serving import fresh, png

pytestmark = NEEDS_NODE

HERE = Path(__file__).parent
MANY = 120


def drawn(count: int) -> list[Network]:
    """So many random networks, always the same."""
    found: list[Network] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(everything())
    def collect(network: Network) -> None:
        found.append(network)

    collect()
    return found


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for V8's reports of the functions that were called."""
    return tmp_path_factory.mktemp("calls")


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory, calls: Path) -> list[tuple[Any, torch.Tensor, dict[str, Any]]]:
    """For each network its predictor, an image, and JavaScript's answers."""
    folder = tmp_path_factory.mktemp("compute")
    activations = ", ".join(f"conv 3 1x1, {function}" for function in FUNCTIONS)
    every = from_text(f"3x5x6: {activations}, global_average, softmax, linear 3")
    side = from_text(
        "3x6x6: branches(; conv 2 3x3 same; branches(; max 3 /1 pad 1)), shuffle 11, gate(conv 11 1x1, sigmoid), "
        "branches(conv 4 3x3 /2 same; average 3 /2 pad 1), upsample 2x1, linear 4"
    )
    signs = tuple(tuple(1.0 if (unit >> bit) & 1 else -1.0 for bit in range(4)) for unit in range(3))
    radial = Network("radial", (1, 5, 5), [Conv(4, kernel=5), Activation("tanh"), Flatten(), RBF(signs)])
    networks = [every, side, radial, *(each for each in drawn(MANY) if each.input[0] in (1, 3))]  # what images have
    predictors = [fresh(network, folder / str(at), seed=at) for at, network in enumerate(networks)]
    given, images = [], []
    for at, predictor in enumerate(predictors):
        generator = torch.Generator().manual_seed(at)
        with torch.no_grad():
            for each in predictor.model.parameters():
                if each.ndim == 1:  # so that biases and scales are not all alike
                    each.copy_(torch.rand(each.shape, generator=generator) + 0.5)
        members, tensors = numbers(predictor)
        image = torch.randn(1, *predictor.run.network.input, generator=generator)
        weights = np.frombuffer(tensors, "<f4").tolist()
        given.append({"numbers": members, "weights": weights, "input": image.flatten().tolist(), "classes": [0, 1]})
        images.append(image)
    (folder / "given.json").write_text(json.dumps(given))
    answers = json.loads(under_node(HERE / "compute.mjs", COMPUTE, folder / "given.json", coverage=calls))
    return list(zip(predictors, images, answers, strict=True))


def close(ours: list[float], theirs: torch.Tensor, allowed: float) -> bool:
    found, wanted = torch.tensor(ours, dtype=torch.float64), theirs.flatten().double()
    return bool(found.shape == wanted.shape and (found - wanted).abs().max() <= allowed * (1 + wanted.abs().max()))


def test_every_kind_is_drawn(answered) -> None:
    steps = [step for predictor, _, _ in answered for step in plan(predictor.run.network).steps]
    assert {kind(step.layer) for step in steps} == set(KINDS) - {"block", "auxiliary"}
    assert {step.layer.function for step in steps if kind(step.layer) == "activation"} == set(FUNCTIONS)


def test_outputs_are_pytorchs(answered) -> None:
    for predictor, image, found in answered:
        with torch.inference_mode(), capture(predictor.model) as outputs:
            predictor.model(image)
        for number, step in enumerate(predictor.plan.steps):
            if not step.head:
                assert close(found["outputs"][str(number)], outputs[step.path], 1e-4), (
                    step.path,
                    predictor.run.network,
                )


def test_gradients_are_pytorchs(answered) -> None:
    off = []
    for predictor, image, found in answered:
        model = predictor.model.double()
        image = image.double().requires_grad_()
        scores = predictor.scores(image)
        for number, ours in enumerate(found["gradients"]):
            (wanted,) = torch.autograd.grad(scores[0, number], image, retain_graph=True)
            if not close(ours, wanted, 1e-3):
                off.append(predictor.run.network)
        model.float()
    assert len(off) <= 2, off  # where two values nearly tie, in a maximum or at a kink, a gradient goes elsewhere


def test_the_account_is_pythons(answered) -> None:
    for predictor, _, found in answered:
        wanted = account(predictor.run.network).to_dict()
        assert found["trial"]["problem"] is None
        ours = found["trial"]["account"]
        for row, expected in zip(ours["rows"], wanted["rows"], strict=True):
            counts = ("path", "output", "weights", "biases", "connections", "macs")
            for key in (*counts, "kernel", "stride", "padding", "dilation"):
                assert row[key] == expected[key], (row["path"], key, predictor.run.network)
            assert row["receptive_field"]["size"] == expected["receptive_field"]["size"], (
                row["path"],
                predictor.run.network,
            )
        assert ours["totals"]["macs"] == wanted["totals"]["macs"]


def test_a_unit_is_explained_with_its_value(answered) -> None:
    for predictor, _, found in answered:
        used = [number for number, step in enumerate(predictor.plan.steps) if not step.head]
        assert found["units"] == [found["outputs"][str(number)][0] for number in used]


def test_a_pooling_is_explained_as_python_does(answered) -> None:
    for predictor, image, found in answered:
        with torch.inference_mode(), capture(predictor.model) as outputs:
            predictor.model(image)
        values = {INPUT: image[0]}
        values |= {number: outputs[step.path][0] for number, step in enumerate(predictor.plan.steps) if not step.head}
        for (number, _), formula in zip(sorted(values.items())[1:], found["formulas"], strict=True):
            if kind(predictor.plan.steps[number].layer) == "pool":
                ours = explain(predictor, values, number, (0, 0, 0)).formula
                assert formula.partition(" = ")[0] == ours.partition(" = ")[0]


def test_the_types_name_every_kind_and_every_activation() -> None:
    types = (COMPUTE / "types.d.ts").read_text(encoding="utf-8")
    plain = types.partition("type Plain =")[2].partition(";")[0]
    kinds = {*re.findall(r'kind: "(\w+)"', types), *re.findall(r'"(\w+)"', plain)}
    assert kinds == set(KINDS) - {"block", "auxiliary"}
    functions = types.partition("type ActivationFunction =")[2].partition(";")[0]
    assert re.findall(r'"(\w+)"', functions) == list(FUNCTIONS)


JOINED = from_text(
    "name joined 1x28x28: conv 4 3x3, max 2 /2, branches(conv 2 3x3 same; conv 2 1x1), "
    "residual(conv 4 3x3 same), gate(global_average, linear 4, sigmoid), linear 10"
)
"""Whose 28 pixels leave one unread after a window of 3 and a stride of 2."""


def trial(**changes: dict[str, int]) -> dict[str, Any]:
    return {"network": JOINED.name, "changes": changes}


TRIALS = (
    trial(),
    trial(conv1={"filters": 0}),  # no layer can have it
    trial(conv1={"filters": 70_000}),  # too many
    trial(conv1={"kernel": 99}),  # no window fits
    trial(pool1={"padding": 2}),  # a window in padding
    trial(**{"branches1.block1.conv1": {"stride": 2}}),  # the branches do not fit together
    trial(**{"residual1.conv1": {"filters": 9}}),  # the sum does not fit together
    trial(**{"gate1.linear1": {"filters": 9}}),  # the product does not fit together
)


def test_every_function_is_called(answered, calls: Path, tmp_path: Path) -> None:
    run = fresh(JOINED, tmp_path / "joined").run
    digits = Predictor(replace(run, preprocessing=replace(run.preprocessing, form="digits")))
    colour, form = picture(ODD), Image.new("L", (28, 28))
    ImageDraw.Draw(form).line((14, 5, 14, 23), fill=255, width=3)
    maps = from_text("name maps 3x9x9: conv 2 3x3")  # which answers no image
    others = (fresh(each, tmp_path / each.name) for each in (ODD, find("lenet5"), maps))
    crop = Preprocessing(ODD.input, "crop", -1.0, 1.0, "picture", shorter=20, interpolation="bicubic")
    cropped = Predictor(replace(fresh(ODD, tmp_path / "cropped").run, preprocessing=crop))
    with working(written(tmp_path / "page.html", digits, cropped, *others).path, coverage=calls) as worker:
        for image in (*(file.read_bytes() for file in sorted(DIGITS.glob("*.png"))), png(form)):
            worker.ask("activations", image, run="joined", steps="on")
            worker.ask("predict", image, run="odd")
        for steps in ("on", "off"):
            worker.ask("values", colour, run="joined", steps=steps)
        worker.ask("predict", colour, run="cropped")
        worker.ask("predict", b"no image", run="odd")
        worker.ask("predict", colour, run="maps")
        for run, network in (("odd", ODD), ("joined", JOINED)):
            for step in plan(network).steps:
                worker.ask("unit", colour, run=run, steps="off", path=step.path, map=0, row=0, column=0)
        worker.ask("unit", colour, run="lenet5", path="C3", map=2, row=0, column=0)
        for method in METHODS:
            worker.ask("attribution", colour, run="odd", method=method, **{"class": "class 1"})
        problems = [worker.ask("account", **each)["problem"] for each in TRIALS]
    assert [problem is None for problem in problems] == [each == TRIALS[0] for each in TRIALS]
    script = tmp_path / "exercises.mjs"
    script.write_text(
        f"const {{ exercise, readAnswer }} = await import({json.dumps((COMPUTE / 'exercises.js').as_uri())});\n"
        "for (let at = 1; at <= 200; at += 1) readAnswer(exercise(1, at).topic, '1,216');\n",
        encoding="utf-8",
    )
    under_node(script, coverage=calls)
    right = (ODD, JOINED, find("lenet5"), find("googlenet"))
    wrong = ["cnv 1 3x3", "conv 1 3x3 /0", "relu)", "relu relu", "conv 1", "conv 1 3 inner", "max 2 max"]
    wrong += ["dropout 2", "conv 1 1x1 table (00 # a row\n)", "rbf (1; 2 3)"]
    texts = [*map(to_text, right), "1x7x7: 2 * relu", *(f"1x7x7: {each}" for each in wrong)]
    (tmp_path / "texts.json").write_text(json.dumps({"notation": table(), "texts": texts}), encoding="utf-8")
    under_node(Path(__file__).with_name("typed.mjs"), COMPUTE, tmp_path / "texts.json", coverage=calls)
    assert [each for each in uncalled(calls) if not each.startswith("kinds.js")] == []  # which the next test calls


def test_a_kind_that_it_does_not_know_is_refused_by_name(tmp_path: Path) -> None:
    script = tmp_path / "unknown.mjs"
    script.write_text(f"""\
const {{ forward }} = await import("{(COMPUTE / "forward.js").as_uri()}");
const {{ plan }} = await import("{(COMPUTE / "plan.js").as_uri()}");
const {{ tried }} = await import("{(COMPUTE / "trial.js").as_uri()}");
const input = [1, 2, 2];
const step = {{ path: "odd1", kind: "odd", sources: [-1], inputs: [input], output: input, head: "", properties: {{}} }};
const rooms = [
  () => forward(step, [new Float32Array(4)], {{}}),
  () => plan([step], input),
  () => tried({{ input, steps: [step] }}, {{}}),
];
for (const room of rooms) {{
  try {{
    room();
    console.log("taken");
  }} catch (error) {{
    console.log(error.message);
  }}
}}
""")
    assert under_node(script).splitlines() == ["unknown kind of layer: odd"] * 3


def uncalled(calls: Path) -> list[str]:
    """The functions of compute/ that no report has as called, by file and line."""
    counts: Counter[tuple[str, str, int]] = Counter()
    for report in calls.glob("*.json"):
        for script in json.loads(report.read_text(encoding="utf-8"))["result"]:
            for function in script["functions"] if script["url"].startswith(COMPUTE.as_uri()) else ():
                first, *_ = function["ranges"]
                counts[script["url"].rpartition("/")[2], function["functionName"], first["startOffset"]] += first[
                    "count"
                ]
    assert {file for file, _, _ in counts} == {file.name for file in COMPUTE.glob("*.js")}
    return sorted(
        f"{file}:{(COMPUTE / file).read_text(encoding='utf-8')[:at].count(chr(10)) + 1} {name}"
        for (file, name, at), count in counts.items()
        if not count
    )
