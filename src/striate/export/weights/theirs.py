"""A network of the catalogue as another library has it: its names, its differences and its preprocessing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import floor

from striate.data import Preprocessing
from striate.description.layers import Activation, ActivationFunction, BatchNorm, Composite, Layer, changed
from striate.description.network import Network, plan
from striate.errors import SpecError
from striate.networks import NETWORKS
from striate.networks.adapt import adapted

Shape = tuple[int, ...]
Renamed = Callable[[str], str]

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""The mean and deviation of ImageNet's pixels per channel, for pixels from 0 to 1, as both libraries use them."""
LIBRARIES = ("torchvision", "timm")


@dataclass(frozen=True)
class LibraryPreprocessing:
    """The preprocessing of a library: the shorter side gets `shorter` pixels, the middle of `side` is cut out.

    Then each channel has its `mean` subtracted and is divided by `std`, both of pixels from 0 to 1.

    >>> LibraryPreprocessing().preprocessing().shorter
    256
    >>> LibraryPreprocessing(mean=(0.5,) * 3, std=(0.5,) * 3).preprocessing().low
    -1.0
    """

    shorter: int = 256
    interpolation: str = "bilinear"
    mean: tuple[float, ...] = MEAN
    std: tuple[float, ...] = STD
    side: int = 224

    def preprocessing(self) -> Preprocessing:
        """The same as Striate's."""
        low = tuple(-mean / std for mean, std in zip(self.mean, self.std, strict=True))
        high = tuple((1 - mean) / std for mean, std in zip(self.mean, self.std, strict=True))
        alike = len(set(low)) == len(set(high)) == 1
        return Preprocessing(
            (len(low), self.side, self.side),
            "crop",
            low=low[0] if alike else low,
            high=high[0] if alike else high,
            form="picture",
            shorter=self.shorter,
            interpolation=self.interpolation,
        )


def way_of(crop: float, interpolation: str = "bicubic", *, side: int = 224) -> LibraryPreprocessing:
    """The preprocessing of timm's numbers: `crop` is the share of the resized image's side that is cut out.

    >>> way_of(0.875).shorter, way_of(0.95).shorter
    (256, 235)
    """
    return LibraryPreprocessing(floor(side / crop), interpolation, side=side)


def _same(path: str) -> str:
    return path


def _unchanged(_: str, shape: Shape) -> Shape:
    return shape


@dataclass(frozen=True)
class Theirs:
    """A network of the catalogue as a library has it: `network` is Striate's name, `model` that of the `package`.

    `layer` maps Striate's path of a layer to the library's, and `shape` the shape of a tensor where it differs (a
    linear layer may be a convolution there). `today` maps a tensor's name in older files to the current one. Tensors
    whose names begin with one of `left_out` are ignored. `epsilon` is the library's epsilon of batch norm; `functions`
    maps Striate's activations to the library's where these differ. `arguments` are the arguments with which the
    library's function must be called to load a state dict that Striate writes.
    """

    network: str
    package: str
    model: str
    layer: Renamed
    shape: Callable[[str, Shape], Shape] = _unchanged
    today: Renamed = _same
    left_out: tuple[str, ...] = ()
    epsilon: float | None = None
    functions: dict[ActivationFunction, ActivationFunction] = field(default_factory=dict)
    way: LibraryPreprocessing = LibraryPreprocessing()
    arguments: str = ""

    def name(self, tensor: str) -> str:
        """The library's name of a tensor: of "fc8.weight" in torchvision's AlexNet "classifier.6.weight"."""
        path, _, own = tensor.rpartition(".")
        return f"{self.layer(path)}.{own}"

    def value(self, classes: int, *, side: int = 0) -> Network:
        """Striate's network for a number of classes, with the library's numbers; `side` is another side of the
        input."""
        network = NETWORKS[self.network]()
        network = adapted(network, tuple(map(str, range(classes))))
        if side and network.input != (3, side, side):
            network = replace(network, input=(3, side, side))
            plan(network)
        layers = [self._changed(each) for each in network.layers]
        if layers == list(network.layers):
            return network
        source = network.source
        told = source and replace(source, departures=(*source.departures, *self.departed()))
        return replace(network, layers=layers, source=told)

    def _changed(self, layer: Layer) -> Layer:
        match layer:
            case BatchNorm() if self.epsilon is not None:
                return replace(layer, epsilon=self.epsilon)
            case Activation() if layer.function in self.functions:
                return replace(layer, function=self.functions[layer.function])
            case _:
                return changed(layer, self._changed) if isinstance(layer, Composite) else layer

    def departed(self) -> list[str]:
        """The library's numbers that are not those of the catalogue's network, in words."""
        said = [f"{new} in place of {old}, as {self.package} has it." for old, new in self.functions.items()]
        if self.epsilon is not None:
            said.append(f"Batch norm's epsilon is {self.epsilon:g}, as {self.package} has it.")
        return said


@dataclass(frozen=True)
class Instead:
    """The network of the catalogue that a library's weights are for, `network`, in place of a similar one, and why."""

    network: str
    why: str


def strange(path: str) -> SpecError:
    """The error for a layer that a table does not name."""
    return SpecError(f"{path} has no name in the table.", "The table names the layers of the catalogue's networks.")
