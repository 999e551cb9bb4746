"""Functions of the package `striate` in which a network's name may replace a Network, and those that import late."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from striate.accounting import Account
from striate.accounting import account as _account
from striate.description.json import to_json as _to_json
from striate.description.narrow import narrow
from striate.description.network import Network
from striate.description.notation.writing import to_text as _to_text
from striate.description.shapes import Shape
from striate.errors import SpecError
from striate.networks.adapt import adapted
from striate.networks.given import network_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from anywidget import AnyWidget
    from torch import Tensor, nn

    from striate.data.arrays import Layout
    from striate.emit.draw.choose import Style
    from striate.emit.draw.figure import Figure
    from striate.fitted.fitted import Fitted
    from striate.train import Epoch, Recipe
    from striate.train.run import Run


def account(
    network: Network | str, *, input: Shape | None = None, batch: int = 1, biases: bool = True, strict: bool = False
) -> Account:
    """The account of `network`: what every layer costs, on its own input or another of (channels, height, width).

    Raises ShapeError, naming the layer, where layers do not fit; with `strict` also where windows leave rows or
    columns unseen.

    >>> account("lenet5").totals.parameters
    60000
    """
    return _account(network_of(network), input=input, batch=batch, biases=biases, strict=strict)


def to_text(network: Network | str, *, one_line: bool = False) -> str:
    """The notation of a network, one layer per line or all on one line; `from_text` gives back an equal value.

    >>> to_text("lenet5-keras").splitlines()[2:5]
    ['3x64x64:', 'conv 6 3x3', 'relu']
    """
    return _to_text(network_of(network), one_line=one_line)


def to_json(network: Network | str) -> str:
    """The JSON of a network; `from_json` gives back an equal value.

    >>> to_json("lenet5").splitlines()[:2]
    ['{', '  "format": "striate-network",']
    """
    return _to_json(network_of(network))


def draw(network: Network | str, *, style: Style | None = None, depth: int | None = None) -> Figure:
    """The figure of a network, which a notebook shows: as "volumes" or as "blocks", opened to paths of `depth` names.

    >>> draw("resnet50").style, draw("resnet50", style="volumes").style
    ('blocks', 'volumes')
    """
    from striate.emit.draw.choose import figure_of

    return figure_of(network_of(network), style=style, depth=depth)


def with_classes(network: Network | str, classes: int | Sequence[str]) -> Network:
    """The same network with one output for each class: its last linear layer, or last convolution, gets that number.

    `classes` is their number, or their names, which give LeNet-5's RBF units the bitmaps of characters. Auxiliary heads
    get them too. Raises SpecError where no layer can be changed so.

    >>> with_classes("resnet20-cifar", 7).layers[-2].units, len(with_classes("lenet5", "ABC").layers[-1].centres)
    (7, 3)
    """
    known = network_of(network)
    if not isinstance(classes, Iterable):
        return narrow(known, classes=classes)
    names = tuple(map(str, classes))
    if len(set(names)) < len(names):
        raise SpecError("two classes have one name.", "Every class has a name of its own.")
    return adapted(known, names)


def at_size(network: Network | str, input: Shape) -> Network:
    """The same layers on another input, (channels, height, width): linear layers read as many values as there are.

    Raises ShapeError, naming the layer, where they do not fit it.

    >>> account(at_size("vgg16", (3, 64, 64))).totals.parameters < account("vgg16").totals.parameters
    True
    """
    return narrow(network_of(network), input=input)


def at_width(network: Network | str, factor: float) -> Network:
    """The same network with `factor` times its filters and units; its classes stay, and widths are whole groups.

    Raises SpecError where a connection table or RBF centres name each map, or where a sum fixes the widths.

    >>> from striate import find
    >>> at_width("simple-cnn", 0.5).layers[0].filters * 2 == find("simple-cnn").layers[0].filters
    True
    """
    return narrow(network_of(network), factor)


def from_module(module: nn.Module, input: Shape | Tensor) -> Network:
    """The description of a PyTorch module, as it runs after training: torchvision's, timm's, or a class of one's own.

    `input` is (channels, height, width), or an example tensor with the batch. The module is traced by torch.export and
    stays as it is. Raises FormatError where it cannot be traced or does what no layer can, listing every call, and
    where its parameters are not those of the layers. `striate.export.module.read_module` gives the weights, too.

    >>> from torch import nn
    >>> module = nn.Sequential(nn.Conv2d(1, 8, 5), nn.ReLU(), nn.Flatten(), nn.Linear(4608, 10))
    >>> account(from_module(module, (1, 28, 28))).totals.parameters
    46298
    """
    from striate.export.module import from_module

    return from_module(module, input)


def fit(  # noqa: PLR0913 - one call, as other libraries have it
    network: Network | str | None,
    images: object,
    labels: object,
    *,
    epochs: int | None = None,
    seed: int | None = None,
    recipe: Recipe | str | Mapping[str, Any] | None = None,
    layout: Layout | None = None,
    span: tuple[float, float] | None = None,
    device: str = "auto",
    on_epoch: Callable[[Epoch], object] | None = None,
) -> Fitted:
    """A network trained on arrays: it predicts, is evaluated, looked at, and saved as a run.

    `images` are (images, height, width), or with 1 or 3 channels before the height or behind the width, in bytes or in
    fractions from 0 to 1; where their values run from another number to another, `span` is these two. `layout` is
    "NCHW" or "NHWC" where a shape leaves open which number is that of the channels. A list may also hold PIL images,
    paths, and bytes of image files, all of one size. `labels` are text, whole numbers
    or truth values, one for each image. `network` is a Network, a name, the notation, or None for a small one that
    suits the images. Images of another size than its input are padded or resized. A part of the images, `hold_out` of
    the recipe, is not learned from, and chooses the best epoch.

    `recipe` is a Recipe, the name of one, or a dict of numbers that differ from the network's own; `seed` and `epochs`,
    where given, stand before its own. Without it, few images are learned in smaller batches and, if `epochs` are not
    given either, for as many as make 300 steps.
    `on_epoch` is called after each epoch, with an `Epoch`. Warnings of a training that does not learn are Python's.

    Raises DataError for images or labels that are none, ShapeError where the network has not an output for each class,
    and LearningError where a training cannot go on.

    >>> from striate.data import load
    >>> digits = load("mnist", "test")
    >>> images, labels = digits.images[:1200, 0].numpy(), digits.labels[:1200].numpy()
    >>> model = fit("1x28x28: conv 4 5x5 /2, relu, max 2, linear 10", images, labels, epochs=6)
    >>> model.predict(images).shape, model.evaluate().top1 > 0.7
    ((1200,), True)
    """
    from striate.fitted.fit import fit

    return fit(
        network,
        images,
        labels,
        epochs=epochs,
        seed=seed,
        recipe=recipe,
        layout=layout,
        span=span,
        device=device,
        on_epoch=on_epoch,
    )


def from_pretrained(folder: str | Path) -> Fitted:
    """A trained network that predicts, as `fit` returns it: from a run's folder, a run as one file, or a hub's folder.

    Nothing is downloaded, and nothing of the folder is executed. Raises RunError where there is no such thing.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from striate.data import load
    >>> digits = load("mnist", "test").images[:200, 0].numpy()
    >>> model = fit("1x28x28: conv 2 9x9 /5, relu, linear 2", digits, digits.mean((1, 2)) > 33, epochs=1)
    >>> folder = tempfile.TemporaryDirectory()
    >>> run = model.save(Path(folder.name) / "bright")
    >>> again = from_pretrained(Path(folder.name) / "bright")
    >>> folder.cleanup()
    >>> bool((again.predict(digits) == model.predict(digits)).all())
    True
    """
    from striate.fitted.pretrained import from_pretrained

    return from_pretrained(folder)


def widget(*runs: str | Path | Run | Fitted | Network, height: int = 860, language: str = "") -> AnyWidget:
    """The page of runs as a widget of a notebook: draw a digit, and see every layer compute, in the browser.

    A run is its folder, an open `Run`, or what `fit` returns. The name of a network stands for its run in `runs`;
    without one, and for a `Network`, weights are random, as the page says. With several runs one drawing goes to all of
    them. `height` is in pixels, and may be set later; `language` is "en" or "ko", or else the browser's. Together they
    may have 100 million MACs per image.

    Raises RequirementError where anywidget is not installed (the extra `notebook`), RunError where there is no such
    run, and SpecError for a network that is too large for a browser. Example: `widget("lenet5").height` is `860`.
    """
    from striate.notebook import widget

    return widget(*runs, height=height, language=language)


def as_svg(network: Network) -> str | None:
    """The figure of a network, for notebooks; None where its layers do not fit, so that the notebook prints the
    value."""
    from striate.emit.draw.svg import to_svg

    try:
        return to_svg(draw(network))
    except SpecError:
        return None
