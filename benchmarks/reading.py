"""What sliding saves: one pass over a line, against the network run on every crop.

    python benchmarks/reading.py [NETWORK] [--rounds 30] [--json]

MACs are the account's. Times are medians of alternating rounds on one thread, in milliseconds: the line in one pass;
all its crops as one batch; its crops one after another. What each gives is compared first.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from striate import account, find
from striate.modules import build
from striate.read import Columns
from striate.train import recipe_for
from striate.train.losses import class_scores

WIDTHS = (32, 64, 160, 320)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", nargs="?", default="lenet5-reader")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    network = find(arguments.network)
    model = build(network, initialisation=recipe_for(network).initialisation).eval()
    columns = Columns(model)
    slid, crop_macs = columns.slid, account(network).totals.macs
    rows: list[dict[str, float]] = []
    for width in WIDTHS:
        image = torch.rand(1, network.input[0], network.input[1], width, generator=torch.Generator().manual_seed(0))
        crops = [image[..., slid.step * each :][..., : slid.window] for each in range(slid.columns(width))]

        def scores(images: Tensor) -> Tensor:
            return class_scores(network, model.logits(images))

        ways: dict[str, Callable[[], Tensor]] = {
            "slid": lambda image=image: columns(image)[0],
            "batch": lambda crops=crops: scores(torch.cat(crops)),
            "one by one": lambda crops=crops: torch.cat([scores(crop) for crop in crops]),
        }
        with torch.inference_mode():
            for name, way in ways.items():
                torch.testing.assert_close(way(), ways["slid"](), rtol=1e-4, atol=1e-4, msg=name)
            times: dict[str, list[float]] = {name: [] for name in ways}
            for _ in range(arguments.rounds):
                for name, way in ways.items():
                    start = time.perf_counter()
                    way()
                    times[name].append(1e3 * (time.perf_counter() - start))
        medians = {name: statistics.median(each) for name, each in times.items()}
        count = slid.columns(width)
        rows.append({"width": width, "columns": count, "macs": slid.macs(width), "crops": count * crop_macs} | medians)
    if arguments.json:
        print(json.dumps(rows))
        return
    print(f"{network.name}: a column every {slid.step} pixels; {crop_macs:,} MACs a crop\n")
    print("width  columns   MACs slid  MACs of crops  ratio   ms slid  batch  ratio  one by one  ratio")
    for row in rows:
        print(
            f"{row['width']:5}  {row['columns']:7}  {row['macs']:10,}  {row['crops']:13,}  "
            f"{row['crops'] / row['macs']:4.2f}x  {row['slid']:8.2f}  {row['batch']:5.2f}  "
            f"{row['batch'] / row['slid']:4.2f}x  {row['one by one']:10.2f}  {row['one by one'] / row['slid']:4.2f}x"
        )
    print(f"\ntorch {torch.__version__}, {platform.platform()}, one thread, medians of {arguments.rounds} rounds")


if __name__ == "__main__":
    main()
