"""The most values that are in memory at once: feature maps at inference, their gradients in the backward pass.

A map is in memory from the step that makes it to the last step that reads it. Its gradient is in memory from that last
reader, which runs first in the backward pass, to the step that made the map. No step works in place, and the workspace
of a layer (a padded copy, a convolution's scratch memory) is not counted.
"""

from __future__ import annotations

from math import prod

from striate.accounting.kept import gradients_needed, storages
from striate.description.network import INPUT, Plan


def inference_peak(plan: Plan) -> int:
    """The most values of feature maps that live at once for one image, auxiliary heads left out.

    >>> from striate.networks import find
    >>> from striate.description.network import plan
    >>> inference_peak(plan(find("lenet5")))  # C1's output and that of the tanh behind it: 2 · 6·28·28
    9408
    """
    owners = storages(plan, training=False)
    in_use = [number for number, step in enumerate(plan.steps) if not step.head]
    last_read = {owners[plan.last]: len(plan.steps)}
    for number in in_use:
        for source in plan.steps[number].sources:
            owner = INPUT if source == INPUT else owners[source]
            last_read[owner] = max(last_read.get(owner, number), number)
    read_last_by: dict[int, list[int]] = {}
    for owner, last in last_read.items():
        read_last_by.setdefault(last, []).append(owner)
    live = peak = prod(plan.input)
    for number in in_use:
        if owners[number] == number:
            live += prod(plan.steps[number].output)
        peak = max(peak, live)
        for owner in read_last_by.get(number, []):
            live -= prod(plan.shape(owner))
        if owners[number] == number and number not in last_read:
            live -= prod(plan.steps[number].output)
    return peak


def gradient_peak(plan: Plan) -> int:
    """The most values of gradients of feature maps that live at once for one image, auxiliary heads included."""
    needed = gradients_needed(plan)
    read = {source for step in plan.steps for source in step.sources}
    ends = [number for number in range(len(plan.steps)) if number not in read and needed[number]]
    live = {number: prod(plan.steps[number].output) for number in ends}
    now = peak = sum(live.values())
    for number in range(len(plan.steps) - 1, INPUT, -1):
        if number not in live:
            continue
        for source in plan.steps[number].sources:
            if source != INPUT and needed[source] and source not in live:
                live[source] = prod(plan.steps[source].output)
                now += live[source]
        peak = max(peak, now)
        now -= live.pop(number)
    return peak
