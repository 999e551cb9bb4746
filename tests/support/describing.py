"""A program for the environment of torchvision and timm: a model of theirs, read as a module, and how far it is off.

Its argument is such as "timm:resnet18". It prints JSON: the parameters of the account and of the module, and the
largest difference of outputs as a share of their range; or the error's text. It needs this repository on its path.
"""

import json
import sys

import timm
import torch
import torchvision

from striate import account
from striate.errors import StriateError
from striate.export.module import read_module
from striate.train.onnx_run import module_of

library, name = sys.argv[1].split(":")
torch.manual_seed(0)
if library == "timm":
    model = timm.create_model(name, pretrained=False)
else:
    model = getattr(torchvision.models, name)(weights=None, **({"init_weights": False} if name == "googlenet" else {}))
for each in model.modules():
    if isinstance(each, torch.nn.BatchNorm2d):
        each.running_mean.normal_(0, 0.1)
        each.running_var.uniform_(0.5, 2)
before = {path: each.clone() for path, each in model.state_dict().items()}
try:
    read = read_module(model, (3, 224, 224))
except StriateError as error:
    print(json.dumps({"error": str(error)}))  # noqa: T201
    sys.exit()
stays = model.training and all(torch.equal(each, before[path]) for path, each in model.state_dict().items())
images = torch.randn(2, 3, 224, 224)
with torch.inference_mode():
    wanted, found = model.eval()(images), module_of(read.network, read)(images)
heads = sum(each.numel() for path, each in model.named_parameters() if path.startswith(("aux1.", "aux2.")))
answer = {
    "account": account(read.network).totals.parameters,
    "module": sum(each.numel() for each in model.parameters()) - heads,
    "difference": float((wanted - found).abs().max() / (wanted.max() - wanted.min())),
    "stays": stays,
}
print(json.dumps(answer))  # noqa: T201
