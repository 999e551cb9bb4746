"""One image file as a network's input, and the steps of its preparation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor
from torch.nn.functional import pad

from striate.data.decode import MOST_PIXELS, decode, tensor_of, upright
from striate.data.digits import SIDE, PreparationStep, digit_steps
from striate.data.preprocess import Preprocessing
from striate.data.ruled import HEIGHT
from striate.errors import DataError

MOST_SENT = 16_000_000
"""The most pixels of an image that arrives as bytes: a photograph of a telephone has 12 million."""


def read_image(
    path: str | Path, preprocessing: Preprocessing
) -> tuple[UInt8[Tensor, "1 channels height width"], tuple[PreparationStep, ...]]:
    """The pixels of an image file in the network's channels and size, and the steps on the way.

    Raises DataError, naming the file.
    """
    image = open_picture(path)
    try:
        return prepare(image, preprocessing)
    except DataError as error:
        raise error.at(str(path)) from None


def open_picture(picture: Image.Image | bytes | str | Path, *, most_pixels: int = MOST_PIXELS) -> Image.Image:
    """The image, upright and in mode L or RGB: one that is decoded already, or from a file or bytes.

    Bytes may hold at most `most_pixels`. Raises DataError, naming the file where there is one.
    """
    if isinstance(picture, Image.Image):
        try:
            return upright(picture)
        except DataError as error:
            raise unread(error, "Save the picture again, as PNG or JPEG.") from None
    if isinstance(picture, bytes):
        try:
            return decode(picture, most_pixels=most_pixels)
        except DataError as error:
            raise unread(error, "Send the picture as PNG or JPEG, in a smaller size if it is large.") from None
    file = Path(picture)
    if file.is_dir():
        raise DataError("is a folder.", "Expected an image file.", "Name the images in it.", where=str(picture))
    try:
        return decode(file)
    except DataError as error:
        remedy = "Save the picture again, as PNG or JPEG." if file.exists() else "Check the path."
        raise unread(error, remedy).at(str(picture)) from None


def unread(error: DataError, remedy: str) -> DataError:
    """The full error for one that `decode` raised."""
    return DataError(f"{error.what}.", "Expected an image file, such as PNG or JPEG.", remedy)


def prepare(
    image: Image.Image, preprocessing: Preprocessing
) -> tuple[UInt8[Tensor, "1 channels height width"], tuple[PreparationStep, ...]]:
    """The pixels of a decoded image in the network's channels and size, and the steps on the way.

    For a network trained on "digits", a drawing or photograph of a digit is brought to MNIST's form, and for one
    trained on "line", also put in the middle of a window. Other pictures are fitted as the training images were. Raises
    DataError where no ink is found.
    """
    if preprocessing.form in ("digits", "line"):
        steps = digit_steps(image)
        pixels = tensor_of(steps[-1].image).unsqueeze(0)
        edges = (HEIGHT - SIDE) // 2
        return preprocessing.pack(pad(pixels, (edges,) * 4) if preprocessing.form == "line" else pixels), steps
    pixels = preprocessing.pack(tensor_of(image).unsqueeze(0))
    rows = pixels[0, 0] if len(pixels[0]) == 1 else pixels[0].permute(1, 2, 0)
    fitted = Image.fromarray(np.ascontiguousarray(rows.numpy()))
    sizes = [f"{one.height} × {one.width}, {'grey' if one.mode == 'L' else 'RGB'}" for one in (image, fitted)]
    return pixels, (PreparationStep("picture", image, sizes[0]), PreparationStep("input", fitted, sizes[1]))
