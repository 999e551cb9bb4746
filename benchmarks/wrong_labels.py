"""How many wrong labels `striate doctor --data` finds: some are planted, and looked for among those that it lists.

    python benchmarks/wrong_labels.py [DATA] [--share 0.02] [--seed 0] [--json]

DATA is a source as --data takes it, by default mnist. The labels of so many training images are replaced by another
class, drawn evenly. Wrong labels that the data set has by itself count as mistakes of the list here.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass, replace

import torch
from rivals import machine

from striate.data.thumbnails import thumbnails
from striate.look.suspects import judge


@dataclass(frozen=True)
class Row:
    """Of the first `listed` images of the list, how many labels were planted, and as a share of these and of all."""

    listed: int
    planted: int
    precision: float
    recall: float


def main() -> None:
    """Plant, judge and count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", default="mnist")
    parser.add_argument("--share", type=float, default=0.02, help="of the training images whose label is made wrong")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    images = thumbnails(arguments.data, "train")
    generator = torch.Generator().manual_seed(arguments.seed)
    count, classes = round(arguments.share * len(images)), len(images.classes)
    wrong = torch.randperm(len(images), generator=generator)[:count]
    labels = images.labels.clone()
    labels[wrong] = (labels[wrong] + torch.randint(1, classes, (count,), generator=generator)) % classes
    begun = time.perf_counter()
    judged = judge(replace(images, labels=labels))
    seconds = time.perf_counter() - begun
    assert judged is not None  # noqa: S101 - there are images of several classes
    planted = torch.zeros(len(images), dtype=torch.bool)
    planted[wrong] = True
    found = planted[[each.number for each in judged.suspects]]
    rows = [
        Row(first, int(found[:first].sum()), found[:first].float().mean().item(), int(found[:first].sum()) / count)
        for first in sorted({min(len(found), size) for size in (50, 100, count // 2, count, len(found))})
    ]
    if arguments.json:
        result = {"images": len(images), "planted": count, "judges": judged.accuracy, "seconds": seconds}
        print(json.dumps(result | {"rows": [asdict(row) for row in rows]}, indent=2))
        return
    print(machine(torch.get_num_threads()))
    print(f"{arguments.data}: {count:,} of {len(images):,} labels made wrong; {seconds:.0f} s; the judges agree with")
    print(f"{judged.accuracy:.1%} of all labels and list {len(found):,} images\n")
    print("| first of the list | planted | of these | of all planted |\n|--:|--:|--:|--:|")
    for row in rows:
        print(f"| {row.listed:,} | {row.planted:,} | {row.precision:.0%} | {row.recall:.0%} |")


if __name__ == "__main__":
    main()
