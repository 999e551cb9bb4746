"""What a module is asked for as a whole: it stays as it was, and what is no network is refused."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import Tensor, nn

from striate import from_module, to_text
from striate.errors import ArgumentError, FormatError
from tests.support.modules import Function, conv


class Marking(nn.Module):
    """Writes down what it saw, as people do while they look for an error."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.drop = conv(), nn.BatchNorm2d(4), nn.Dropout()
        self.last, self.calls = None, 0
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.seen += 1
        self.last = self.drop(self.norm(self.conv(x)))
        return self.last


@pytest.mark.parametrize("fails", [False, True])
def test_a_module_stays_as_it_was(fails: bool) -> None:
    module = Marking()
    module.norm.eval()
    handle = module.conv.register_forward_hook(lambda *given: None)
    module.conv.weight.grad = torch.ones_like(module.conv.weight)
    before = {name: (each, each.clone()) for name, each in module.state_dict(keep_vars=True).items()}
    members = [dict(vars(each)) for each in module.modules()]
    generator = torch.get_rng_state()
    if fails:
        with pytest.raises(FormatError, match="Marking: cannot be traced"):
            from_module(module, (5, 8, 8))
    else:
        assert to_text(from_module(module, (3, 8, 8)), one_line=True).endswith("conv: conv 4 3x3, norm: bn")
    assert [each.training for each in module.modules()] == [True, True, False, True]
    assert module.last is None
    assert module.calls == 0
    assert list(module.conv._forward_hooks) == [handle.id]
    assert torch.equal(module.conv.weight.grad, torch.ones_like(module.conv.weight))
    assert torch.equal(torch.get_rng_state(), generator)
    for name, each in module.state_dict(keep_vars=True).items():
        assert each is before[name][0]
        assert torch.equal(each, before[name][1])
    assert [dict(vars(each)) for each in module.modules()] == members


class Choosing(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


class Pair(nn.Module):
    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        return image * mask


WHOLE = {
    "choices": (
        Choosing(),
        (3, 8, 8),
        "Choosing: lets the values of an image choose what runs.\nA network runs the same layers for every image.\n"
        "Give the part of the module that does.",
    ),
    "inputs": (
        Pair(),
        (3, 8, 8),
        "Pair: has 2 inputs: image, mask.\nA network has one, the images.\nGive the part that reads the images.",
    ),
    "outputs": (
        Function(lambda x, c: (c(x), x), conv()),
        (3, 8, 8),
        "Function: gives 2 outputs.\nA network has one: class scores, or maps.\n"
        "Give a module that returns only the one that you want.",
    ),
    "nothing": (
        nn.Sequential(nn.Dropout()),
        (3, 8, 8),
        "Sequential: gives its input, or what does not depend on it.\nA network computes its output from images.",
    ),
    "sizes": (
        nn.Sequential(nn.Flatten(), nn.Linear(7, 3)),
        (3, 8, 8),
        "Sequential: cannot be traced: a and b must have same reduction dim, but got [2, 192] X [7, 3].\n"
        "torch.export runs it on one input of the sizes that were given.\n"
        "Give the sizes that it takes, as (channels, height, width), or the part of the module that can be traced.",
    ),
    "half": (
        nn.Sequential(conv()).half(),
        (3, 8, 8),
        "Sequential: has parameters of float16: 0.weight, 0.bias.\nWeights are float32.\n"
        "Give module.float(), or a copy of it.",
    ),
    "meta": (
        nn.Sequential(conv(device="meta")),
        (3, 8, 8),
        "Sequential: has parameters without values: 0.weight, 0.bias.\nThe weights are read along.\n"
        "Build the module on a device, and run it once where it is lazy.",
    ),
    "example": (
        nn.Sequential(conv()),
        torch.zeros(3, 8, 8),
        "Sequential: is given an example of 3×8×8 in float32.\n"
        "An example is a batch of images in float32: (batch, channels, height, width).\n"
        "Give the sizes of one image instead: (3, 224, 224).",
    ),
}


@pytest.mark.parametrize("name", WHOLE)
def test_modules_that_are_no_network_are_refused_with_a_remedy(name: str, capfd) -> None:
    module, given_input, text = WHOLE[name]
    with pytest.raises(FormatError) as caught:
        from_module(module, given_input)
    assert str(caught.value) == text
    assert capfd.readouterr() == ("", "")


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ArgumentError) as caught:
        from_module(nn.Conv2d, (3, 8, 8))  # pyright: ignore[reportArgumentType]
    assert str(caught.value) == (
        "<class 'torch.nn.modules.conv.Conv2d'> is no module.\nA torch.nn.Module is read.\n"
        "Give an object, such as resnet18(), and not its class."
    )
    with pytest.raises(ArgumentError) as caught:
        from_module(conv(), (3, 8))
    assert str(caught.value) == (
        "the input is (3, 8).\nIt is (channels, height, width), or an example tensor with the batch.\n"
        "Give the sizes of one image: (3, 224, 224)."
    )


def test_the_name_is_public_and_imports_no_torch() -> None:
    code = "import sys, striate; striate.from_module; print([n for n in ('torch', 'numpy') if n in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
