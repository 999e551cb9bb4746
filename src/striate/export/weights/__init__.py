"""Weights of torchvision and timm, brought in and taken out: one file a family has the names, the others read them."""
