"""Networks in 8-bit integers on ONNX Runtime: time and size beside float32, and whether sums overflow here.

    python benchmarks/int8.py [NETWORK ...] [--batch 1 64] [--threads 1] [--json]

Weights are random, which changes neither time nor size. The two files take turns; a time is the median of a turn. `off`
is how far the integers' answers are from the same graph computed in float32 between rounding steps, as a share of their
range, with weights of 7 and of 8 bits: a processor that adds products in 16 bits overflows with 8. To try one without
VNNI: qemu-x86_64 -cpu Haswell python benchmarks/int8.py lenet5-dense --off-only
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np
import onnxruntime
import torch

from striate import find
from striate.exchange import onnx_model
from striate.exchange.session import session_of
from striate.export.int8.measure import latency
from striate.export.int8.quantise import quantised
from striate.modules import build, weights_of

IMAGES = 8


def measured(name: str, batches: list[int], *, threads: int, off_only: bool) -> dict[str, Any]:
    """The figures of a network."""
    network = find(name)
    model = onnx_model(network, weights_of(build(network, generator=torch.Generator().manual_seed(0))))
    images = np.random.default_rng(0).normal(size=(IMAGES, *network.input)).astype(np.float32)
    made = {bits: quantised(model, network, [images], bits=bits).SerializeToString() for bits in (7, 8)}
    found: dict[str, Any] = {"network": name, "off": {bits: off(content, images) for bits, content in made.items()}}
    if off_only:
        return found
    whole = model.SerializeToString()
    sessions = [session_of(each, threads=threads) for each in (whole, made[7])]
    times = [latency(sessions[0], sessions[1], np.resize(images, (size, *images.shape[1:]))) for size in batches]
    found["bytes"] = {"float": len(whole), "int8": len(made[7])}
    found["milliseconds"] = [{"images": each.images, "float": each.whole, "int8": each.rounded} for each in times]
    return found


def off(content: bytes, images: np.ndarray[Any, Any]) -> float:
    """How far the answers in integers are from those of the same graph without its fusions, as a share of the range."""
    settings = onnxruntime.SessionOptions()
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    exact = onnxruntime.InferenceSession(content, settings, providers=["CPUExecutionProvider"])
    fused = session_of(content, threads=1)
    wanted, found = (np.asarray(each.run(None, {"images": images})[0]) for each in (exact, fused))
    return float(np.abs(found - wanted).max() / (wanted.max() - wanted.min()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=["lenet5-dense", "resnet18"])
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--off-only", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    for name in given.networks:
        found = measured(name, given.batch, threads=given.threads, off_only=given.off_only)
        if given.json:
            print(json.dumps(found))
            continue
        print(f"{name}: off {found['off'][7]:.1e} with 7 bits, {found['off'][8]:.1e} with 8")
        for each in found.get("milliseconds", []):
            times = f"float {each['float']:.3g} ms, int8 {each['int8']:.3g} ms"
            print(f"  {each['images']} at once: {times}, {each['float'] / each['int8']:.2f} times as fast")
        if "bytes" in found:
            print(f"  {found['bytes']['float']:,} bytes, in int8 {found['bytes']['int8']:,}")


if __name__ == "__main__":
    main()
