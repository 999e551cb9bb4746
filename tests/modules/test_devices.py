"""A network on another device: all of it runs there, and only images and answers pass between it and the CPU.

The device is `meta`, which every machine has: it computes shapes and no values, and refuses tensors of the CPU.
"""

import pytest
import torch
from torch import Tensor

from striate import Network, find
from striate.execution.inference import answering, choose_for_inference
from striate.kernels.engine import Pictures
from striate.modules import build, devices, on_cpu, placed
from tests.support.networks import GATED, NESTED, ODD, TINY

NETWORKS = [TINY, ODD, NESTED, GATED, find("lenet5"), find("lenet5-keras")]


@pytest.fixture
def seen(monkeypatch) -> list[tuple[str, torch.Size]]:
    """The devices and shapes of what came back to the CPU, as random numbers: `meta` has no values to bring."""
    found: list[tuple[str, torch.Size]] = []

    def fetched(layer: torch.nn.Module, values: object, output: Tensor) -> Tensor:
        found.append((output.device.type, output.shape))
        return torch.rand(output.shape)

    monkeypatch.setattr(devices, "_fetched", fetched)
    return found


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_all_layers_run_on_the_device(network: Network, seen) -> None:
    module = placed(build(network).eval(), "meta")
    assert {each.device.type for each in [*module.parameters(), *module.buffers()]} == {"meta"}
    choice = choose_for_inference(module, batch=2, images=2)
    assert (choice.kernels, choice.milliseconds) == ("torch", {})
    images = torch.zeros(2, *network.input, dtype=torch.uint8)
    with torch.inference_mode():
        answers = answering(module, choice).answers(Pictures(images, low=0.0, scale=1 / 255))
    assert (answers.device.type, [device for device, _ in seen]) == ("cpu", ["meta"])
    assert seen[0][1] == answers.shape == build(network).logits(images.float()).shape
    assert module(images.float()).device.type == module.logits(images.float()).device.type == "cpu"


def test_on_the_cpu_nothing_changes() -> None:
    module = build(TINY)
    before = {name: each.data_ptr() for name, each in module.state_dict().items()}
    assert placed(module, "cpu") is module
    assert on_cpu(module) is module
    assert not any(each._forward_hooks or each._forward_pre_hooks for each in module.modules())
    assert {name: each.data_ptr() for name, each in module.state_dict().items()} == before
