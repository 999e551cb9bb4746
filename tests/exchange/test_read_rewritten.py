"""Random networks as other exporters would have written them: what is read gives the module's answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from striate import Network, from_text
from striate.modules import weights_of
from tests.support.everything import everything
from tests.support.settled import settled
from tests.support.strategies import networks
from tests.support.written import written

onnx = pytest.importorskip("onnx", reason="onnx is not installed")

from striate.errors import FormatError  # noqa: E402 - after what may be missing
from striate.exchange import onnx_model  # noqa: E402
from striate.exchange.reading import read_onnx  # noqa: E402
from striate.exchange.reading.naming import MEMBERS, leaf_name  # noqa: E402
from tests.support.by_hand import answers  # noqa: E402
from tests.support.rewriting import Rewriter, rewritten  # noqa: E402

NEAR, OWN = 1e-5, 20.0
"""The largest difference, as a share of the output's range, or of what PyTorch's float32 is off."""
NOTHING = ("adds a value to itself", "multiplies a value by itself", "its output is its input")
"""Of parts that do nothing, a file has no trace: what is left is no residual and no gate."""


@settings(max_examples=60, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
@given(network=everything() | networks(), seed=st.integers(0, 2**32))
def test_another_form_has_the_same_answers(network: Network, seed: int, tmp_path_factory) -> None:
    module = settled(network)
    file = tmp_path_factory.getbasetemp() / "rewritten.onnx"
    file.write_bytes(rewritten(onnx_model(network, weights_of(module)), seed).SerializeToString())
    try:
        read = read_onnx(file)
    except FormatError as error:
        if any(each in str(error) for each in NOTHING):
            return
        raise
    images = np.random.default_rng(0).normal(size=(3, *network.input))
    given_images = torch.from_numpy(images)
    with torch.inference_mode():
        own = module.logits(given_images.float()).numpy()
        expected = module.double().logits(given_images).numpy()
    if read.channels_last:
        return  # a network without windows has no layout: the file's may be either
    found = answers(read, images).reshape(expected.shape)
    most = max(NEAR * (expected.max() - expected.min()), OWN * np.abs(own - expected).max())
    assert np.abs(found - expected).max() <= most


FORMS = ("decomposed", "channels_last", "passed_on", "moved", "scrambled")
TEXTS = {
    "windows": "3x17x16: conv 4 5x3 /2 pad 1 2 0 1 dilation 1x2, relu, max 3 /2 ceil, average 2 /2 pad 1 uncounted",
    "activations": "2x6x6: conv 4 3, relu6, conv 4 1, hard_swish, conv 4 1, gelu, conv 4 1, silu, conv 4 1, "
    "elu alpha 0.5",
    "normalisations": "4x6x6: lrn 3, conv 6 3 groups 2 no bias, relu, lrn 4 alpha 0.1, shuffle 2, conv 2 3",
    "residuals": "4x6x6: residual(conv 4 3 same, relu, conv 4 1 | conv 4 1), relu, residual(conv 4 1, tanh)",
    "gates": "4x6x6: gate(global_average, linear 2, relu, linear 4, hard_sigmoid), upsample 2",
    "branches": "4x6x6: branches(conv 3 1, relu; max 3 /1 pad 1; conv 2 3 same, branches(conv 1 1; conv 2 1))",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("text", TEXTS)
def test_another_form_is_the_same_network(text: str, form: str, tmp_path: Path) -> None:
    network = from_text(f"{TEXTS[text]}, linear 5, softmax")
    model = Rewriter(onnx_model(network, weights_of(settled(network))), 3)
    if form in ("moved", "scrambled"):
        getattr(model, form)()
    else:
        model.each(getattr(model, form), 1.0)
    model.foreign()
    file = tmp_path / "net.onnx"
    file.write_bytes(model.model.SerializeToString())
    found, wanted = (written(each, closing=False) for each in (read_onnx(file).network, network))
    assert [each[1:] for each in found] == [each[1:] for each in wanted]


def test_names_of_a_file_are_names_that_a_built_module_can_have() -> None:
    module = settled(from_text("3x6x6: (conv 4 1), residual(conv 4 1), gate(conv 4 1), branches(conv 1 1; conv 1 1)"))
    own = [each for each in module.modules() if type(each).__module__.startswith("striate")]
    members = {name for each in own for name in dir(each) if name not in dict(each.named_children())}
    assert not [name for name in members if leaf_name(name) in members]
    assert {name for name in members if not name.startswith("_")} <= MEMBERS
    assert (leaf_name("logits"), leaf_name("_apply"), leaf_name("7x7/s2")) == ("logits_", "apply_", "_7x7_s2")
