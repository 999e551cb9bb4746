"""The choice of kernels as a value, and the reasons why some kernels cannot run a network on this machine."""

from __future__ import annotations

import os
import shutil
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

import torch

from striate.description.checks import one_of
from striate.description.layers import Activation, BatchNorm, Conv
from striate.description.network import Network, plan
from striate.errors import KernelError, RequirementError, SpecError
from striate.execution.names import KERNELS, RUNTIME, TRAINING
from striate.extras import missing_packages, packages_of
from striate.kernels.binary import GROUP, library
from striate.kernels.engine import unsupported
from striate.kernels.lower import NotLoweredError
from striate.memory import machine_memory
from striate.wording import counted

FAILURES = (RequirementError, KernelError, NotLoweredError)
"""The errors of kernels that cannot run here; where kernels are chosen by measuring, others run in their place."""
MOST_FLOATS = 2**31
"""Maps of so many floats, in one group of images, are more than the kernels take."""
MOST_LANES = 16
"""The lanes of the widest SIMD vector."""
_BFLOAT16 = {"amx_bf16", "avx512_bf16", "bf16", "sve_bf16"}
"""PyTorch's names of the instruction sets that multiply in bfloat16."""


@dataclass(frozen=True)
class Choice:
    """The name of the chosen `kernels`, the number of `threads`, and the `milliseconds` of each candidate.

    The milliseconds are those of a training step, or of a batch at inference. They are empty where nothing had to be
    measured.
    """

    kernels: str
    threads: int
    milliseconds: dict[str, float] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The choice for people.

        >>> Choice("onnx-runtime", 2).words
        'ONNX Runtime, 2 threads'
        """
        return f"{KERNELS[self.kernels]}, {counted(self.threads, 'thread')}"


def missing(network: Network, kernels: str, *, device: str = "cpu", answering: bool = False) -> str | None:
    """Why a network cannot run on these `kernels` here, on a device, or for `answering` alone; None where it can."""
    if device != "cpu":
        ours = kernels in ("engine", "operators", RUNTIME)
        return f"they run on the CPU, and the device is {device}" if ours else None
    match kernels:
        case "engine":
            return unsupported(network, answering=answering) or _too_large(network, answering=answering)
        case "operators":
            found = library()
            return found if isinstance(found, str) else _too_large(network, answering=answering)
        case "onnx-runtime":
            lacking = missing_packages(packages_of("onnx"))
            return f"{' and '.join(lacking)} {'are' if len(lacking) > 1 else 'is'} not installed" if lacking else None
        case "bfloat16":
            has = any(_capabilities().get(each) for each in _BFLOAT16)
            return _overrun(network) if has else "PyTorch finds no bfloat16 instructions in this processor"
        case "channels-last":
            return _overrun(network)
        case "compiled":
            return _no_compiler()
        case "torch" | "auto":
            return None
        case _:
            raise ValueError(f"unknown kernels: {kernels}")


def _too_large(network: Network, *, answering: bool) -> str | None:
    """Why the kernels cannot hold a network's maps of a group of images, or None.

    Linux gives a process more memory than there is, and kills it when it writes there. Answers reuse the memory of
    maps; a training keeps those that are not merged with others, and some gradients.
    """
    steps = plan(network).steps
    most = max(prod(step.output) for step in steps)
    if most * GROUP >= MOST_FLOATS:
        return "a layer's maps take 2^31 floats or more, beyond the kernels' offsets of 32 bits"
    kept = sum(prod(step.output) for step in steps if not isinstance(step.layer, BatchNorm | Activation))
    needed = 4 * GROUP * (2 * most if answering else kept + most)
    if needed <= (available := machine_memory()):
        return None
    return f"{GROUP} images at once take {needed / 1e9:,.3g} GB, and this machine has {available / 1e9:,.3g} GB"


def _overrun(network: Network) -> str | None:
    """Why a network must not run with channels last: a layer in whose gradient PyTorch overruns its memory, or None.

    With PyTorch 2.13 on AVX2, a strided 1×1 convolution with fewer channels than a SIMD vector has lanes (8 there, 16
    at most) crashes the process sooner or later.
    """
    for step in plan(network).steps:
        match step.layer:
            case Conv(kernel=(1, 1), stride=stride, groups=groups) if stride != (1, 1):
                if step.inputs[0][0] // groups < MOST_LANES:
                    return (
                        f"with channels last, PyTorch may write beyond its memory in {step.path}, a convolution of 1×1 "
                        f"with a stride and fewer than {MOST_LANES} channels"
                    )
            case _:
                pass
    return None


def _no_compiler() -> str | None:
    """Why PyTorch's compiler, which writes C++, cannot be used on this machine's CPU; None where it can."""
    wanted = [os.environ["CXX"]] if os.environ.get("CXX") else ["g++", "clang++", "c++"]
    if not any(map(shutil.which, wanted)):
        return f"it needs a C++ compiler, and {' and '.join(wanted)} {'are' if len(wanted) > 1 else 'is'} not found"
    header = Path(sysconfig.get_path("include"), "Python.h")
    return None if header.is_file() else f"it needs Python's header files, and {header} is not there"


def _capabilities() -> Mapping[str, object]:
    """The processor's capabilities by PyTorch's names; empty for versions of PyTorch that do not list them."""
    ask = getattr(torch.cpu, "get_capabilities", None)
    return ask() if ask else {}


def require(network: Network, kernels: str, *, device: str = "cpu", answering: bool = False) -> None:
    """Raise SpecError where `kernels` is neither "auto" nor one of `TRAINING`, or cannot run the network here."""
    if kernels == RUNTIME:
        raise SpecError(
            f"{KERNELS[RUNTIME]} ({RUNTIME}) does not train.",
            "It answers: striate evaluate, predict and serve take it where it is fastest.",
            f"Leave kernels at auto, or ask for one of {', '.join(TRAINING)}.",
        )
    one_of("kernels", kernels, ("auto", *TRAINING))
    if kernels != "auto" and (reason := missing(network, kernels, device=device, answering=answering)):
        raise SpecError(
            f"{network.name} cannot run on {KERNELS[kernels]} ({kernels}): {reason}.",
            "The engine takes most networks, the operators any; `striate doctor` says whether they are there.",
            "Leave kernels at auto, or ask for torch.",
        )
