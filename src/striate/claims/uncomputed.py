"""The claims that an account cannot answer, with the reason, and what the literature says of each."""

from __future__ import annotations

from striate.claims.claim import Reason, Uncomputed, Verdict

RIGHT, CAVEAT, WRONG = Verdict

UNCOMPUTED = (
    Uncomputed(
        42,
        "002",
        "The pictures of deeper filters build on the layer before; those of the first layer show its low weights.",
        WRONG,
        Reason.PICTURE,
        '"Raw weights", misheard: the first layer\'s weights can be shown as they are, as they lie on pixels.',
    ),
    Uncomputed(
        58,
        "002",
        "PyTorch calls K, F, S, P nOutputPlane, kW/kH, dW/dH, padW/padH; Caffe and Lasagne have names for them too.",
        CAVEAT,
        Reason.SOFTWARE,
        "These are the names of Torch, in Lua, and not PyTorch's; of Caffe's names, pad is missing.",
    ),
    Uncomputed(
        71,
        "002",
        "AlexNet has 1000 classes because ImageNet has 1000 categories in all.",
        WRONG,
        Reason.CLASSES,
        "The contest (ILSVRC) has 1000; ImageNet had about 22,000 (AlexNet's paper, section 2).",
    ),
    Uncomputed(
        79, "002", "AlexNet won the ImageNet contest of 2012.", RIGHT, Reason.CONTEST, "It did, as SuperVision."
    ),
    Uncomputed(
        80,
        "002",
        "ZFNet won in 2013.",
        WRONG,
        Reason.CONTEST,
        "Clarifai won, Zeiler's company (VGG's paper, section 4.5).",
    ),
    Uncomputed(
        84,
        "002",
        "Clarifai later came to 11 %.",
        CAVEAT,
        Reason.ERRORS,
        "11.7 %, in the same contest, and 11.2 % with outside data (VGG's paper, section 4.5).",
    ),
    Uncomputed(
        85,
        "002",
        "VGG was first in 2014.",
        WRONG,
        Reason.CONTEST,
        "Second in classification, behind GoogLeNet, and first in localisation.",
    ),
    Uncomputed(
        105,
        "002",
        "In 2015 ResNet was first in classification, detection, localisation, and COCO detection and segmentation.",
        RIGHT,
        Reason.CONTEST,
        "The paper says so in section 1.",
    ),
    Uncomputed(
        115,
        "002",
        "Batch norm makes dropout unnecessary.",
        CAVEAT,
        Reason.TRAINING,
        "Its paper says that in some cases it removes the need for dropout.",
    ),
    Uncomputed(
        140,
        "004",
        "There are versions LeNet-1, LeNet-2, ...; LeNet-5 is the last.",
        CAVEAT,
        Reason.NAMES,
        "The paper of 1998 has LeNet-1, LeNet-4 and LeNet-5.",
    ),
)
"""In the order of the posts."""
