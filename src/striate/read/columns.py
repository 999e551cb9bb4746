"""A trained network slid along images: a column of class scores every few pixels."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from striate.modules import Built, build
from striate.read.slide import Slid, slide


class Columns:
    """A network with its weights as one large convolution: images of any width in, columns of class scores out.

    The weights are copied from the model, which does not change.
    """

    def __init__(self, model: Built) -> None:
        self.slid = slide(model.network)
        self.body = build(self.slid.network).eval()
        units = _units(model, self.slid)
        self.body.load_state_dict(slid_weights(self.slid, model.state_dict()))
        self.units = units

    @torch.inference_mode()
    def __call__(
        self, images: Float[Tensor, "images channels height width"]
    ) -> Float[Tensor, "images columns classes"]:
        """A score for each class, larger for more probable ones: logits, or negated RBF distances."""
        features = self.body(images)[:, :, 0, : self.slid.columns(images.shape[3])].transpose(1, 2)
        if self.units is None:
            return features
        return -self.units(features.flatten(0, 1)).unflatten(0, features.shape[:2])


def slid_weights(slid: Slid, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A network's weights for its slid form: those of linear layers as kernels, without RBF centres."""
    fixed = {f"{path}.weight": shape for path, shape in slid.kernels.items()}
    wanted = build(slid.network, device="meta").state_dict()
    return {name: weights[name].unflatten(1, fixed[name]) if name in fixed else weights[name] for name in wanted}


def _units(model: Built, slid: Slid) -> nn.Module | None:
    """The module of the RBF units at the end."""
    return None if slid.units is None else list(model.children())[-1]
