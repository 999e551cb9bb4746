"""All tables: which networks of the catalogue each library has weights for, and what stands in for the others."""

from __future__ import annotations

from striate.errors import WeightsError
from striate.export.weights import alexnet, densenet, efficientnet, googlenet, mobilenet, resnet, squeezenet, vgg
from striate.export.weights.theirs import Instead, Theirs

ALL: tuple[Theirs, ...] = (
    *alexnet.THEIRS,
    *vgg.THEIRS,
    *googlenet.THEIRS,
    *resnet.THEIRS,
    *squeezenet.THEIRS,
    *densenet.THEIRS,
    *mobilenet.THEIRS,
    *efficientnet.THEIRS,
)
TABLES: dict[str, dict[str, Theirs]] = {
    library: {each.network: each for each in ALL if each.package == library} for library in ("torchvision", "timm")
}
"""By library and by the name of the network in Striate's catalogue."""
INSTEAD: dict[str, Instead] = {
    **alexnet.INSTEAD,
    **vgg.INSTEAD,
    **googlenet.INSTEAD,
    **resnet.INSTEAD,
}
PUBLISHED = {
    "11ad3fa6": ("resnet50", "IMAGENET1K_V2", 232),
    "cd907fc2": ("resnet101", "IMAGENET1K_V2", 232),
    "f82ba261": ("resnet152", "IMAGENET1K_V2", 232),
    "7ebf99e0": ("mobilenet_v2", "IMAGENET1K_V2", 232),
    "5c1a4163": ("mobilenet_v3_large", "IMAGENET1K_V2", 232),
}
"""torchvision's files whose shorter side is another than its usual 256, by the digits in their names: the first eight
of the file's SHA-256. The model, its name among the model's weights, and the shorter side."""


def table(network: str, library: str) -> Theirs:
    """The table of a network of the catalogue. Raises WeightsError, with the network to take, where there is none."""
    known = TABLES[library]
    if network in known:
        return known[network]
    stands = INSTEAD.get(network)
    if stands is not None and stands.network in known:
        model = known[stands.network].model
        raise WeightsError(
            f"{network} is not the {model} of {library}: {stands.why}.",
            f"The weights of {library}'s {model} are for {stands.network}.",
            f"Take that: striate import-weights {stands.network} FILE --from {library}.",
        )
    raise WeightsError(
        f"{library} has no weights for {network}.",
        f"It has them for {', '.join(known)}.",
        "Take one of these.",
    )
