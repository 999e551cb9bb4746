"""Names in source text: of classes, functions and layers, none of which a language has for itself."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable, Set

WORDS = frozenset(
    {*keyword.kwlist, *keyword.softkwlist, "self", "cls", "super", "range", "print", "zip", "i", "x", "y"}
)
"""Words that an attribute in Python source must not be here."""
PYTHON = WORDS | frozenset(dir(builtins))
"""Words that a variable, function or class must not be: the source's own classes call builtins."""
_PROPER: dict[str, str] = {
    **{"lenet": "LeNet", "alexnet": "AlexNet", "zfnet": "ZFNet", "vgg": "VGG", "googlenet": "GoogLeNet"},
    **{"resnet": "ResNet", "densenet": "DenseNet", "mobilenet": "MobileNet", "squeezenet": "SqueezeNet"},
    **{"shufflenet": "ShuffleNet", "efficientnet": "EfficientNet", "alphago": "AlphaGo", "convnetjs": "ConvNetJS"},
    **{"cnn": "CNN", "bn": "BN", "mlp": "MLP", "lrn": "LRN", "cifar": "CIFAR", "cifar10": "CIFAR10"},
}
"""Names of networks as their papers write them."""


def title(name: str) -> str:
    """The name of a network as a class of Python has it.

    >>> [title(each) for each in ("lenet5", "vgg-d", "mobilenet-v2", "squeezenet-1.0", "my réseau", "5")]
    ['LeNet5', 'VGGD', 'MobileNetV2', 'SqueezeNet1_0', 'MyRseau', 'Net5']
    """
    words: list[str] = re.findall(r"[A-Za-z]+|[0-9]+(?:\.[0-9]+)*", name.encode("ascii", "ignore").decode())
    text = "".join(_PROPER.get(word.lower(), word[:1].upper() + word[1:]) for word in words).replace(".", "_")
    return text if text[:1].isalpha() else f"Net{text}"


def camel(words: str) -> str:
    """Words with underscores as the name of a class.

    >>> camel("residual_block"), camel("inception")
    ('ResidualBlock', 'Inception')
    """
    return "".join(word[:1].upper() + word[1:] for word in words.split("_") if word) or "Part"


def stem(name: str) -> str:
    """The name of a layer without its number.

    >>> [stem(each) for each in ("block12", "inception3a", "excitation", "unit_2", "branch3x3", "x3d")]
    ['block', 'inception', 'excitation', 'unit', 'branch', 'x']
    """
    found = re.fullmatch(r"(.*?)_?[0-9]+(?:x[0-9]+)?[a-z]?", name)
    return (found[1] if found else name).strip("_") or "part"


def unique(name: str, taken: Set[str]) -> str:
    """The name, or the name with the first number from 2 that makes it another than those taken.

    >>> unique("block", {"block", "block2"})
    'block3'
    """
    number, found = 2, name
    while found in taken:
        found, number = f"{name}{number}", number + 1
    return found


def safe(names: Iterable[str], reserved: frozenset[str]) -> dict[str, str]:
    """Each of some names, which all differ, as source can have it: with an underscore behind one that is reserved.

    Python changes names that begin with two underscores, so these lose them.

    >>> safe(["conv1", "class", "class_", "__x"], WORDS)
    {'conv1': 'conv1', 'class': 'class__', 'class_': 'class_', '__x': 'x_'}
    """
    given = list(names)
    found = {name: name for name in given if name not in reserved and not name.startswith("__")}
    taken = set(found.values())
    for name in given:
        if name not in found:
            word = f"{name.lstrip('_') or 'layer'}_"
            word = f"layer_{word}" if word[0].isdigit() else word
            while word in taken or word in reserved:
                word += "_"
            found[name] = word
            taken.add(word)
    return {name: found[name] for name in given}
