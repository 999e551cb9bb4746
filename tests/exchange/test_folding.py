"""Batch normalisations folded into the layers before them: the same answers, by fewer nodes."""

from __future__ import annotations

import numpy as np
import pytest

from striate import from_text
from striate.modules import weights_of
from tests.support.settled import settled

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from striate.exchange import onnx_model  # noqa: E402 - after what may be missing
from striate.exchange.folding import fold_batch_norms  # noqa: E402

CASES = {
    "after a convolution": ("3x9x8: conv 4 3x3, bn, relu, linear 5", 0),
    "without a bias, in groups": ("4x9x8: conv 8 3x3 groups 4 no bias, bn epsilon 0.01, relu6, linear 5", 0),
    "after a linear layer": ("2x5x5: linear 7 no bias, bn, relu, linear 3", 0),
    "before the convolution": ("3x9x8: bn, relu, conv 4 3x3, linear 5", 1),
    "one whose input is read twice": ("3x8x8: conv 3 3x3 same, residual(bn, relu, conv 3 3x3 same), linear 2", 1),
    "a body and its shortcut": ("3x8x8: residual(conv 4 3x3 same, bn | conv 4 1x1, bn), relu, linear 2", 0),
}


@pytest.mark.parametrize("case", CASES)
def test_the_answers_stay(case: str) -> None:
    text, left = CASES[case]
    network = from_text(text)
    model = onnx_model(network, weights_of(settled(network)))
    before = model.SerializeToString()
    folded = fold_batch_norms(model)
    assert model.SerializeToString() == before
    onnx.checker.check_model(folded, full_check=True)
    assert sum(node.op_type == "BatchNormalization" for node in folded.graph.node) == left
    values = np.random.default_rng(2).normal(size=(5, *network.input)).astype(np.float32)
    wanted, found = (
        runtime.InferenceSession(each.SerializeToString()).run(None, {"images": values})[0] for each in (model, folded)
    )
    assert np.abs(found - wanted).max() < 1e-5 * (wanted.max() - wanted.min())
    names = {each.name for each in folded.graph.initializer}
    assert all(name in names for node in folded.graph.node for name in node.input if ".weight" in name)
    assert not any("running" in name for name in names) or left
