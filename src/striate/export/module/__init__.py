"""A live PyTorch module as a network with its weights, by torch.export; no file is written or read."""

from striate.export.module.read import from_module as from_module
from striate.export.module.read import read_module as read_module
