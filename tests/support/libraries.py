"""A program for the environment of torchvision and timm: their models' state dicts, outputs and prepared pictures.

It reads requests, JSON in a line each, and answers in a line: "done", or "lacks ..." for a model that is not there. It
imports nothing of Striate.
"""

import json
import sys

import numpy as np
import safetensors.torch
import timm
import torch
import torchvision
from PIL import Image


def model_of(library, name, arguments):
    if library == "timm":
        return timm.create_model(name, pretrained=False, **arguments)
    return getattr(torchvision.models, name)(weights=None, **arguments)


def stirred(model):
    """Batch norms as if they had learned, so that an epsilon, a scale or a statistic in the wrong place shows."""
    for each in model.modules():
        if isinstance(each, torch.nn.BatchNorm2d):
            each.running_mean.normal_(0, 0.5)
            each.running_var.uniform_(0.3, 2)
            with torch.no_grad():
                each.weight.uniform_(0.5, 2)
                each.bias.normal_(0, 0.5)
    return model.eval()


def make(request):
    """A model with drawn weights: its state dict in a file, and its outputs of an input, as .npz."""
    torch.manual_seed(request["seed"])
    model = stirred(model_of(request["library"], request["model"], request["arguments"]))
    images = torch.randn(2, 3, 224, 224)
    if request["file"].endswith(".safetensors"):
        safetensors.torch.save_file(model.state_dict(), request["file"], metadata={"format": "pt"})
    else:
        torch.save(model.state_dict(), request["file"])
    with torch.inference_mode():
        found = model(images).numpy()
        exact = model.double()(images.double()).numpy()
    np.savez(request["out"], images=images.numpy(), logits=found, exact=exact)


def load(request):
    """The outputs of a model that has loaded a file."""
    model = eval(request["call"], {"torchvision": torchvision})
    file = request["file"]
    tensors = (
        safetensors.torch.load_file(file) if file.endswith(".safetensors") else torch.load(file, weights_only=True)
    )
    model.load_state_dict(tensors, strict=True)
    with torch.inference_mode():
        np.savez(request["out"], logits=model.eval()(torch.from_numpy(np.load(request["images"])["images"])).numpy())


def prepare(request):
    """A picture as the library prepares it for a model, from Pillow; for torchvision also from a tensor of bytes."""
    image = Image.open(request["file"]).convert("RGB")
    if request["library"] == "timm":
        config = timm.data.resolve_model_data_config(model_of("timm", request["model"], {}))
        np.savez(request["out"], image=timm.data.create_transform(**config, is_training=False)(image).numpy())
        return
    weights = torchvision.models.get_model_weights(request["model"])[request["weights"]]
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)
    change = weights.transforms()
    np.savez(request["out"], image=change(image).numpy(), pixels=change(pixels).numpy())


for line in sys.stdin:
    request = json.loads(line)
    try:
        {"make": make, "load": load, "prepare": prepare}[request["do"]](request)
        answer = "done"
    except (AttributeError, KeyError, RuntimeError) as problem:
        answer = f"lacks {type(problem).__name__}: {problem}".replace("\n", " ")
    print(answer, flush=True)  # noqa: T201
