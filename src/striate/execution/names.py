"""The kernels that can run a network, by name."""

RUNTIME = "onnx-runtime"
TRAINING = {
    "engine": "Striate's kernels",
    "operators": "Striate's kernels, layer by layer",
    "torch": "PyTorch's kernels",
    "channels-last": "PyTorch's kernels, channels last",
    "bfloat16": "PyTorch's kernels, channels last, steps in bfloat16",
    "compiled": "PyTorch's compiler",
}
"""Those that train and answer. The engine takes a network as a whole, the operators layer by layer; PyTorch can lay
maps in memory in two ways, and take a step's products in bfloat16 where the processor has instructions for it. Its
compiler, which takes long before the first step, is used only where it is asked for by name."""
CHANNELS_LAST = ("channels-last", "bfloat16")
"""Those of PyTorch for which weights and maps lie channels last."""
KERNELS = TRAINING | {RUNTIME: "ONNX Runtime"}
"""All that answer."""
FORMER = {"striate": "engine"}
"""Names that earlier versions wrote into runs and took on the command line."""
MOST_THREADS = 1024
"""Threads of a training: more than any processor has cores, and few enough to start."""


def named(kernels: str) -> str:
    """The name of today for a name that an earlier version may have written.

    >>> named("striate"), named("torch")
    ('engine', 'torch')
    """
    return FORMER.get(kernels, kernels)
