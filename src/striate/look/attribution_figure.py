"""The figure of attributions: four methods, and the same with untrained weights as a control."""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor

from striate.description.layers import RBF
from striate.language.say import say
from striate.look.attribution import grad_cam, integrated_gradients, occlusion, rank_correlation, saliency
from striate.look.choose import cam_step, is_map, main_steps
from striate.look.drawing import ABOVE, BELOW, Drawing, Figure, number
from striate.look.pictures import image_picture
from striate.look.subject import SMALL, Shown, Subject, randomised, scores
from striate.look.tiles import extent
from striate.modules import Built, evaluating

SIDE, STEP = 176, 194
UNITS = {
    "occlusion": "fall of the score",
    "integrated gradients": "part of the score",
    "Grad-CAM": "weight",
    "saliency": "score per unit of input",
}


def attribution(subject: Subject, image: Shown, *, target: int | None = None, layer: str | None = None) -> Figure:
    """Occlusion, integrated gradients, Grad-CAM and saliency of the most probable class, or of class `target`.

    Below each is the same method with random weights, and the rank correlation of the two: features that both have do
    not come from training (Adebayo and others 2018).
    """
    inputs = subject.preprocessing.normalise(image.pixels)
    with torch.no_grad(), evaluating(subject.model):
        given = scores(subject.model, inputs)[0]
    target = int(given.argmax()) if target is None else target
    control = randomised(subject)
    maps, random_maps = (_maps(each, inputs, target, layer) for each in (subject, control))
    name = subject.classes[target]
    drawing = Drawing(say("What speaks for {label} in {image}?", label=repr(name), image=image.name))
    drawing.picture(0, 84, image_picture(image.pixels[0]), width=_width(image))
    drawing.text(0, 58, say("the image"), "head")
    drawing.text(0, 74, say("score of {label}: {value}", label=repr(name), value=number(given[target].item())), "soft")
    if isinstance(subject.network.layers[-1], RBF):
        drawing.text(0, 84 + SIDE + 3, say("the score is minus the"), "small")
        drawing.text(0, 84 + SIDE + 17, say("squared distance"), "small")
    for place, (method, heat) in enumerate(maps.items()):
        left = STEP + place * STEP
        drawing.text(left, 58, say(method), "head")
        drawing.text(left, 74, _detail(subject, method, layer), "soft")
        _heat(drawing, left, 84, heat, image)
        drawing.bar(left, 84 + SIDE - 8, extent(heat), "", signed=bool((heat < 0).any()))
        drawing.text(left, 84 + SIDE + 32, say(UNITS[method]), "small")
    top = 84 + SIDE + 76
    drawing.text(0, top + 14, say("the control:"), "head")
    for line, words in enumerate((say("the same with random"), say("weights, which have"), say("learned nothing"))):
        drawing.text(0, top + 32 + 16 * line, words, "soft")
    for place, (method, heat) in enumerate(random_maps.items()):
        left = STEP + place * STEP
        _heat(drawing, left, top, heat, image)
        alike = rank_correlation(maps[method], heat)
        drawing.text(left, top + SIDE - 3, say("full colour: {value}", value=number(extent(heat))), "small")
        drawing.text(left, top + SIDE + 13, say("rank correlation {value}", value=number(round(alike, 2))), "label")
    added = maps["integrated gradients"].sum().item() if "integrated gradients" in maps else 0.0
    caption = say(
        "Red pixels speak for the answer, blue ones against it. The integrated gradients add up to "
        "{sum}: the score of the image less that of an empty one. A rank correlation near 1 means that the "
        "map would look the same without any learning, so that it says little about what was learned.",
        sum=number(added),
    )
    return Figure("attribution", drawing.title, caption, drawing.svg())


def _maps(subject: Subject, inputs: Tensor, target: int, layer: str | None) -> dict[str, Tensor]:
    model, empty, side = subject.model, subject.empty, window_side(inputs)
    found = {
        "occlusion": occlusion(model, inputs, target, baseline=empty, side=side, stride=stride_for(inputs)),
        "integrated gradients": integrated_gradients(model, inputs, target, baseline=empty, steps=steps_for(model)),
    }
    if layer or any(is_map(step) for step in main_steps(subject.network)):
        found["Grad-CAM"] = grad_cam(model, inputs, target, layer=layer)
    return found | {"saliency": saliency(model, inputs, target)}


def window_side(inputs: Tensor) -> int:
    """The side of the square that occlusion covers: about a sixth of the image, odd."""
    return max(1, min(inputs.shape[2:]) // 6 // 2 * 2 + 1)


def stride_for(inputs: Tensor) -> int:
    """The distance of the squares of occlusion: a quarter of a side, two thirds of one in large images."""
    side = window_side(inputs)
    return max(1, side // 4 if max(inputs.shape[2:]) <= SMALL else 2 * side // 3)


def steps_for(model: Built) -> int:
    """The number of points on the path of integrated gradients: fewer for large inputs, where each costs much."""
    return 64 if max(model.network.input[1:]) <= SMALL else 24


def _detail(subject: Subject, method: str, layer: str | None) -> str:
    side = max(1, min(subject.network.input[1:]) // 6 // 2 * 2 + 1)
    match method:
        case "occlusion":
            return say("a square of {size} covered", size=f"{side}×{side}")
        case "Grad-CAM":
            step = cam_step(subject.network, layer)
            return say("of {path}, {size}", path=step.path, size=f"{step.output[1]}×{step.output[2]}")
        case "integrated gradients":
            level = say("black") if subject.blank < 32 else say("white") if subject.blank > 223 else say("grey")
            return say("from {level} to the image", level=level)
        case "saliency":
            return say("the size of the gradient")
        case _:
            raise ValueError(f"no method {method!r}")


def _heat(drawing: Drawing, x: int, y: int, heat: Tensor, image: Shown) -> None:
    drawing.picture(x, y, blended(heat, image.pixels[0]), width=_width(image))


def _width(image: Shown) -> float:
    """The width of a picture of the image that fits a square."""
    height, width = image.pixels.shape[2:]
    return (SIDE - 18) * min(1, width / height)


def blended(heat: Tensor, pixels: Tensor) -> Image.Image:
    """A map in red and blue over the image in pale grey, so that one sees the positions of its values."""
    share = heat / extent(heat)
    grey = pixels.float().mean(0)
    ground = (255 - 70 * (grey / grey.max().clamp_min(1)))[..., None].expand(*grey.shape, 3)
    colour = torch.where(share[..., None] >= 0, torch.tensor(ABOVE), torch.tensor(BELOW)).float()
    weight = share.abs()[..., None]
    return Image.fromarray((ground + weight * (colour - ground)).round().to(torch.uint8).numpy())
