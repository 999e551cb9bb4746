"""GoogLeNet of torchvision; timm has none. Its files have the auxiliary heads, which do not answer."""

from __future__ import annotations

from striate.export.weights.theirs import Instead, LibraryPreprocessing, Theirs, strange

KINDS = {"conv": "conv", "norm": "bn"}
STEM = {"1": "conv1", "2_reduce": "conv2", "2": "conv3"}


def layer(path: str) -> str:
    """torchvision's path of a layer.

    >>> layer("norm2_reduce"), layer("inception3a.branch1.conv1"), layer("inception4b.branch4.norm1")
    ('conv2.bn', 'inception3a.branch1.conv', 'inception4b.branch4.1.bn')
    """
    match path.split("."):
        case ["fc"]:
            return "fc"
        case [own]:
            return f"{STEM[own[4:]]}.{KINDS[own[:4]]}"
        case [module, "branch1", own]:
            return f"{module}.branch1.{KINDS[own[:4]]}"
        case [module, "branch4", own]:
            return f"{module}.branch4.1.{KINDS[own[:4]]}"
        case [module, branch, own]:
            return f"{module}.{branch}.{int(own[4:]) - 1}.{KINDS[own[:4]]}"
        case _:
            raise strange(path)


# With its published weights torchvision's module turns ImageNet's mean and deviation into 0.5 and 0.5 itself
# (transform_input): of pixels, that is this range.
WAY = LibraryPreprocessing(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
THEIRS = (
    Theirs(
        "googlenet-torchvision",
        "torchvision",
        "googlenet",
        layer,
        left_out=("aux1.", "aux2."),
        way=WAY,
        arguments="aux_logits=False, init_weights=False",
    ),
)
INSTEAD = {
    name: Instead("googlenet-torchvision", "torchvision has batch norm, no response normalisation and no 5×5 filters")
    for name in ("googlenet", "inception-bn")
}
