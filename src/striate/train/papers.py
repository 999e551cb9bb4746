"""The recipes of papers, number by number; comments name what is left out and what is our choice.

For ImageNet the papers crop 224×224 out of 256×256 at random. Striate's images have the network's size, so a shift of
up to 16 pixels replaces the crop. The mean that is subtracted is one number for all colours: 114.8.
"""

from __future__ import annotations

from dataclasses import replace

from striate.data import Augmentation
from striate.train.recipe import Recipe

_IMAGENET = Recipe(
    optimiser="sgd",
    rate=0.01,
    schedule="plateau",
    warm_up=0.0,
    momentum=0.9,
    weight_decay=5e-4,
    low=-114.8,
    high=140.2,
    augmentation=Augmentation(shift=16, flip=True, lighting=0.1),
    hold_out=0.04,
)
_CIFAR = Recipe(
    epochs=182,  # 64,000 steps over 45,000 images
    batch=128,
    optimiser="sgd",
    rate=0.1,
    schedule="steps",
    warm_up=0.0,
    drops=(0.5, 0.75),  # at 32,000 and 48,000 steps
    momentum=0.9,
    weight_decay=1e-4,
    initialisation="he",
    low=-0.5,
    high=0.5,
    augmentation=Augmentation(shift=4, flip=True),
    hold_out=0.1,
)

PAPERS: dict[str, Recipe] = {
    # Section 5; patience is ours: the rate was divided by hand.
    "alexnet": replace(_IMAGENET, epochs=90, batch=128, initialisation="krizhevsky-2012"),
    # Section 3. Weight decay is not mentioned; filters whose norm grew too large were scaled back, which is left out.
    "zfnet": replace(_IMAGENET, epochs=70, batch=128, weight_decay=0.0, initialisation="normal-0.01"),
    # Section 3.1. The deeper nets began with layers of net A, which Glorot's initialisation makes needless, it says.
    "vgg": replace(_IMAGENET, epochs=74, batch=256, initialisation="glorot"),
    # Section 6: the rate falls by 4 % every 8 epochs. The rate, the batch, the length and the initialisation are ours;
    # the average over steps, and crops of 8 to 100 % of an image, are left out.
    "googlenet": replace(
        _IMAGENET,
        epochs=200,
        batch=128,
        schedule="steps",
        drop=0.96,
        drops=tuple(epoch / 200 for epoch in range(8, 200, 8)),
        weight_decay=0.0,
    ),
    # Section 3.4: 600,000 steps over 1.28 million images.
    "resnet": replace(_IMAGENET, epochs=120, batch=256, rate=0.1, weight_decay=1e-4),
    # Section 4.2.
    "resnet-cifar": _CIFAR,
    # The first 400 of 64,000 steps at a rate of 0.01.
    "resnet110-cifar": replace(_CIFAR, warm_up=400 / 64_000),
    # Methods: 340 million steps over 28.4 million positions, the rate halved every 80 million.
    "alphago-policy": Recipe(
        epochs=192,
        batch=16,
        optimiser="sgd",
        rate=0.003,
        schedule="steps",
        warm_up=0.0,
        drop=0.5,
        drops=tuple(millions / 340 for millions in (80, 160, 240, 320)),
        momentum=0.0,
        weight_decay=0.0,
        low=0.0,
        high=1.0,
        augmentation=Augmentation(symmetries="boards"),
        hold_out=0.04,
    ),
    # The demo trains for as long as its page is open; the length is ours. ConvNetJS divides the gradient of its weight
    # decay, 1e-4, by the batch of 4, too, and decays no bias; here biases decay as weights do. Its convolutions' biases
    # start at 0.1, ours at 0, and its shifts bring in grey, ours black.
    "convnetjs-cifar10": Recipe(
        epochs=50,
        batch=4,
        optimiser="adadelta",
        rate=1.0,
        schedule="constant",
        momentum=0.95,
        weight_decay=1e-4 / 4,
        initialisation="lecun",
        low=-0.5,
        high=0.5,
        augmentation=Augmentation(shift=2, flip=True),
    ),
}
