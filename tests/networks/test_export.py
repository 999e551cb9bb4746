"""Networks exported by PyTorch to ONNX, and run by another runtime, give the module's own answers."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch
from torch.overrides import TorchFunctionMode

from striate import Flatten, Linear, Network, Pool, Subsample, find
from striate.modules import build
from striate.modules.pooling import SidePaddedPooling, pooling

OVERHANGING = {
    "average, none hangs": ((2, 10, 13), Pool("average", kernel=4, stride=3, padding=2, ceil=True)),
    "max, none hangs": ((2, 7, 8), Pool("max", kernel=2, stride=5, ceil=True)),
    "one axis hangs": ((2, 10, 12), Pool("average", kernel=(4, 3), stride=(3, 2), padding=(2, 0), ceil=True)),
    "both hang": ((2, 11, 12), Pool("max", kernel=4, stride=3, ceil=True)),
}
"""Poolings that round up, some of whose last windows PyTorch leaves out as they would start in the padding."""
NETWORKS = {name: Network("pool", shape, [pool, Flatten(), Linear(3)]) for name, (shape, pool) in OVERHANGING.items()}
NETWORKS["sums"] = Network("sums", (3, 11, 12), [Subsample(kernel=3, stride=2), Flatten(), Linear(3)])
NETWORKS["sides"] = Network("sides", (2, 9, 8), [Pool("average", kernel=3, padding=(0, 1, 1, 0)), Flatten(), Linear(3)])
NETWORKS |= {name: find(name) for name in ("lenet1", "lenet5", "simple-cnn")}


def images_for(network: Network) -> torch.Tensor:
    return torch.randn(2, *network.input, generator=torch.Generator().manual_seed(2))


class Calls(TorchFunctionMode):
    """Notes with what `divisor_override` averages are taken."""

    def __init__(self) -> None:
        super().__init__()
        self.divisors: list[object] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if getattr(func, "__name__", "") == "avg_pool2d":
            self.divisors.append((kwargs or {}).get("divisor_override", args[6] if len(args) > 6 else None))
        return func(*args, **kwargs or {})


@pytest.mark.parametrize("name", ["lenet1", "lenet5", "sums", "sides"])
def test_no_average_has_a_divisor_that_exporters_drop(name: str) -> None:
    with Calls() as calls:
        build(NETWORKS[name])(images_for(NETWORKS[name]))
    assert calls.divisors
    assert set(calls.divisors) == {None}


@pytest.mark.parametrize("name", OVERHANGING)
def test_rounding_up_is_asked_for_only_where_a_window_hangs_over(name: str) -> None:
    shape, pool = OVERHANGING[name]
    made = pooling(pool, shape)
    assert isinstance(made, SidePaddedPooling) == (name == "one axis hangs")
    assert getattr(made, "ceil_mode", None) in {"both hang": (True,), "one axis hangs": (None,)}.get(name, (False,))
    maps = images_for(NETWORKS[name])
    kernel, stride, padding = pool.kernel, pool.stride, pool.padding[::2]  # type: ignore[index]
    if pool.function == "max":
        wanted = torch.nn.functional.max_pool2d(maps, kernel, stride, padding, ceil_mode=True)
    else:
        wanted = torch.nn.functional.avg_pool2d(maps, kernel, stride, padding, ceil_mode=True)
    torch.testing.assert_close(made(maps), wanted)


@pytest.mark.parametrize("name", NETWORKS)
def test_another_runtime_gives_the_same_answers(name: str, tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="onnx is not installed")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    network = NETWORKS[name]
    model = build(network, generator=torch.Generator().manual_seed(1)).eval()
    images, path = images_for(network), str(tmp_path / "network.onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyTorch's own exporter
        torch.onnx.export(model, (images,), path, dynamo=False)
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    found = torch.tensor(session.run(None, {session.get_inputs()[0].name: images.numpy()})[0])
    torch.testing.assert_close(found, model(images).detach(), rtol=1e-4, atol=1e-4)
