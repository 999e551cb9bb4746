"""The binary form of activations for the page: a JSON head, then one byte per value.

4 bytes   the length of the head, little-endian
head      JSON: the prediction, and for each layer and each picture its shape, scale and place in the body; a short
          vector also has its values here
body      bytes; of an activation v, 128 + 127 · v / scale to the nearest whole number, so that 128 is 0
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from striate.data import PreparationStep
from striate.look.predictor import Prediction

EXACT = 64
"""A vector of at most this many values is also in the head, as numbers."""
PICTURE = 112
"""The longer side, in pixels, that a picture of a preparation step is shrunk to."""


def pack(head: dict[str, Any], layers: list[tuple[str, Tensor]], steps: tuple[PreparationStep, ...]) -> bytes:
    """The bytes of the head, the layers' outputs by path and the preparation steps.

    All numbers are finite.

    >>> body = pack({}, [("conv1", torch.tensor([[[0.0, 2.0], [-2.0, 1.0]]]))], ())
    >>> list(body[-4:])
    [128, 255, 1, 192]
    """
    parts: list[bytes] = []
    place = 0
    listed: dict[str, list[dict[str, Any]]] = {"layers": [], "steps": []}
    for path, values in layers:
        codes, scale = coded(values)
        layer = {"path": path, "shape": list(values.shape), "scale": scale, "at": place}
        exact = {"values": values.tolist()} if values.ndim == 1 and values.numel() <= EXACT else {}
        listed["layers"].append(layer | exact)
        parts.append(codes.numpy().tobytes())
        place += codes.numel()
    for step in steps:
        pixels = small(step.image)
        names = {"name": step.name, "note": step.note}
        sizes = dict(zip(("channels", "height", "width"), pixels.shape, strict=True))
        listed["steps"].append(names | sizes | {"at": place})
        parts.append(pixels.tobytes())
        place += pixels.size
    text = json.dumps(head | listed, allow_nan=False, separators=(",", ":")).encode()
    return b"".join([len(text).to_bytes(4, "little"), text, *parts])


def coded(values: Tensor) -> tuple[UInt8[Tensor, ...], float]:
    """Values as bytes around 128, and the scale, which is the largest absolute value."""
    scale = float(values.abs().max()) if values.numel() else 0.0
    if not math.isfinite(scale) or scale == 0:
        return torch.full(values.shape, 128, dtype=torch.uint8), 0.0
    return (values * (127 / scale) + 128).round_().to(torch.uint8).contiguous(), scale


def small(image: Image.Image) -> UInt8[np.ndarray, "channels height width"]:
    """A picture in grey or in colour, at most PICTURE pixels on its longer side."""
    shown = image.convert("L" if image.mode == "L" else "RGB")
    if max(shown.size) > PICTURE:
        shown.thumbnail((PICTURE, PICTURE))
    levels = np.asarray(shown)
    return np.ascontiguousarray(levels[None] if levels.ndim == 2 else levels.transpose(2, 0, 1))


def prediction_head(prediction: Prediction) -> dict[str, Any]:
    """The JSON members of a prediction."""
    return {
        "class": prediction.name,
        "probability": prediction.probability,
        "probabilities": prediction.probabilities,
        "trained": prediction.trained,
    }
