"""Training, evaluation and looking on another device than the CPU: PyTorch's meta device stands for a GPU.

Its tensors have shapes and a device and no values. An operation on tensors of two devices fails there as it does on a
GPU. Numbers that Python asks for (a loss, a count) are made up.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode  # pyright: ignore[reportPrivateUsage] - it has no public name

from striate import from_text
from striate.data import Augmentation, ImageSet, Preprocessing
from striate.execution.executor import executor
from striate.look.attribution import grad_cam, integrated_gradients, occlusion, saliency
from striate.look.capture import capture, output_at
from striate.modules import build
from striate.train import Batch, Epoch, Learner, Recipe, Split, train
from striate.train.diagnose import GradientWatch, dead_units
from striate.train.metrics import run_over

NETWORK = from_text("3x12x12: conv 4 3x3, bn, relu, dropout 0.2, max 2, linear 8, relu, linear 4")
EVERYTHING = Augmentation(
    **{"rotation": 9, "shift": 1, "crop": 0.3, "elastic": 0.5, "lighting": 0.1, "brightness": 0.2, "contrast": 0.1},
    **{"saturation": 0.2, "hue": 9, "cutout": 3, "flip": True, "symmetries": "images"},
)
PIXELS = Augmentation(shift=2, alternating_flip=True)


class Numbers(TorchDispatchMode):
    """What Python asks of a tensor of the meta device is a half; a copy to the CPU is full of it."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        first = args[0] if args else None
        if isinstance(first, Tensor) and first.is_meta:
            if func.name() in ("aten::item", "aten::_local_scalar_dense"):
                return 0.5 if first.is_floating_point() else 0
            given = [each for each in (*args, *kwargs.values()) if isinstance(each, torch.device)]
            if func.name().startswith(("aten::_to_copy", "aten::to")) and given and given[0].type == "cpu":
                return torch.full(first.shape, 0.5, dtype=kwargs.get("dtype") or first.dtype)
        made = func.decompose(*args, **kwargs)  # in inference mode operations come undivided
        return func(*args, **kwargs) if made is NotImplemented else made


@pytest.fixture(autouse=True)
def unfused(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch's fused optimisers take the devices that compute, and not this one."""
    for name in ("AdamW", "SGD"):
        kind = getattr(torch.optim, name)
        monkeypatch.setattr(torch.optim, name, lambda *args, fused, kind=kind, **kwargs: kind(*args, **kwargs))


def parts(recipe: Recipe, low: object = -1.0) -> tuple[Split, Preprocessing]:
    pixels = torch.randint(0, 256, (40, 3, 12, 12), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    images = ImageSet(pixels, torch.arange(40) % 4, ("a", "b", "c", "d"), "made", "train", "picture")
    high = 1.0 if isinstance(low, float) else (1.0, 2.0, 3.0)
    way = Preprocessing((3, 12, 12), "resize", low=low, high=high, form="picture")  # type: ignore[arg-type]
    return Split.of(images, way, hold_out_fraction=0.25), way


@pytest.mark.parametrize(
    ("members", "kernels"),
    [
        ({"augmentation": EVERYTHING, "class_weights": "balanced", "label_smoothing": 0.1}, "torch"),
        ({"augmentation": PIXELS, "mixup": 0.4, "average": 0.9, "optimiser": "sgd"}, "channels-last"),
        ({"optimiser": "muon", "accumulate": 2, "sampling": "balanced"}, "torch"),
        ({"optimiser": "adadelta", "freeze": ("conv1",)}, "torch"),
    ],
)
def test_a_training_takes_no_tensor_for_the_cpus(members: dict[str, Any], kernels: str) -> None:
    recipe = Recipe(epochs=2, batch=8, **members)
    split, way = parts(recipe)
    learner = Learner(build(NETWORK, device="meta"), recipe, kernels=kernels)
    watch = GradientWatch()
    with Numbers():
        events = []
        for event in train(learner, split, way):
            events.append(type(event))
            if isinstance(event, Batch):
                watch.look(learner.model)
        dead_units(learner.model, way.normalise(split.validation.images[:8].to("meta")))
        assert all(each.device.type == "meta" for each in learner.weights().values())
    assert events.count(Batch) == 6
    assert events.count(Epoch) == 2


def test_ranges_of_each_channel_are_brought_to_the_device() -> None:
    split, way = parts(Recipe(), low=(-1.0, -2.0, 0.0))
    learner = Learner(build(NETWORK, device="meta"), Recipe(epochs=1, batch=8, augmentation=PIXELS), kernels="torch")
    with Numbers():
        assert sum(isinstance(event, Batch) for event in train(learner, split, way)) == 3


def test_an_evaluation_brings_its_answers_back() -> None:
    split, way = parts(Recipe())
    runs = executor(build(NETWORK, device="meta").eval(), "torch")
    with Numbers():
        outputs = run_over(runs, split.validation, way, recipe=Recipe())
    assert outputs.scores.device.type == "cpu"
    assert outputs.scores.shape == (len(split.validation), 4)


def test_looking_inside_takes_no_tensor_for_the_cpus() -> None:
    """The module is on the device and the image too; what is drawn is drawn from answers, on the CPU."""
    model = build(NETWORK, device="meta").eval()
    image = torch.empty(1, 3, 12, 12, device="meta")
    with Numbers():
        with capture(model) as outputs:
            model(image)
        assert {each.device.type for each in outputs.values()} == {"cpu"}  # copies
        assert output_at(model, "conv1", image).device.type == "cpu"
        for attribution in (saliency, integrated_gradients, grad_cam, occlusion):
            assert attribution(model, image, 1).shape == (12, 12)
