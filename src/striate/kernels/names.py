"""What a network can run on, by name."""

KERNELS = {
    "striate": "Striate's kernels",
    "operators": "Striate's kernels, layer by layer",
    "torch": "PyTorch's kernels",
    "channels-last": "PyTorch's kernels, channels last",
}
"""Striate's take a network as a whole or layer by layer, PyTorch's lay maps in memory in one of two ways."""
MOST_THREADS = 1024
"""Threads of a training: more than any processor has cores, and few enough to start."""
