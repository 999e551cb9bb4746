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
"""The kernels that train and answer, with their names for people. The engine runs a network as a whole, the operators
layer by layer. PyTorch has two memory layouts of maps, and computes products in bfloat16 where the processor can. Its
compiler takes long before the first step, so it is used only where it is asked for by name."""
CHANNELS_LAST = ("channels-last", "bfloat16")
"""The kernels for which weights and maps have PyTorch's channels-last layout."""
KERNELS = TRAINING | {RUNTIME: "ONNX Runtime"}
"""All kernels that answer."""
FORMER = {"striate": "engine"}
"""Names of earlier versions, in runs and on the command line, and today's name for each."""
MOST_THREADS = 1024
"""The largest number of threads that a training may be given; no processor has more cores."""


def current_name(kernels: str) -> str:
    """Today's name for kernels that an earlier version may have named otherwise.

    >>> current_name("striate"), current_name("torch")
    ('engine', 'torch')
    """
    return FORMER.get(kernels, kernels)
