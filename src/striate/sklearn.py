"""The estimator of scikit-learn: a convolutional network in a Pipeline, a GridSearchCV, a cross_val_score.

Imported as `from striate.sklearn import ConvNetClassifier`; it needs the extra `sklearn`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data.arrays import LAYOUTS, Layout, Span
from striate.data.labels import labels_of
from striate.description.network import Network
from striate.errors import DataError, RequirementError, quote
from striate.extras import install
from striate.fitted.fit import fit
from striate.fitted.fitted import Fitted
from striate.networks.adapt import adapted
from striate.networks.given import network_of
from striate.train import Recipe

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils import Tags, check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data
except ImportError:
    raise RequirementError(
        "scikit-learn is not installed, or older than 1.6.", "striate.sklearn needs it.", install("sklearn")
    ) from None


class ConvNetClassifier(ClassifierMixin, BaseEstimator):
    """A convolutional network as a classifier of scikit-learn: `fit`, `predict`, `predict_proba`, `score`.

    `X` are images, (images, height, width) or with channels before or behind the sizes (`layout`: "NCHW", "NHWC"), or
    rows of numbers, (images, features). Rows become images of `image_shape`; without it squares where the number is
    one, such as 64, and images of one row else. Bytes (uint8) are taken as they are. Values of other types run over
    `span`, without it from the least to the largest of the training images; later values beyond are cut off.

    `network` is a Network, a name or the notation; its last layer is fitted to the classes. None is a small network
    that suits the images' size. `epochs` and `recipe` are as in `striate.fit`, which trains it; `random_state` is the
    seed, whatever the recipe's. A fitted one has `classes_`, `fitted_`, the model of `striate.fit`, and `save`.

    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> ConvNetClassifier(epochs=4).fit(X[:600], y[:600]).score(X[600:], y[600:]) > 0.8
    True
    """

    def __init__(  # noqa: PLR0913 - scikit-learn has each parameter under a name of its own
        self,
        network: Network | str | None = None,
        epochs: int | None = None,
        *,
        recipe: Recipe | str | Mapping[str, Any] | None = None,
        image_shape: tuple[int, ...] | None = None,
        layout: Layout | None = None,
        span: Span | None = None,
        device: str = "auto",
        random_state: int | np.random.RandomState | None = 0,
    ) -> None:
        self.network = network
        self.epochs = epochs
        self.recipe = recipe
        self.image_shape = image_shape
        self.layout: Layout | None = layout
        self.span = span
        self.device = device
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> ConvNetClassifier:  # noqa: N803 - scikit-learn's names
        """Train on images and labels; a part of them is held out, which chooses the best epoch."""
        given: Any = validate_data(self, X, y, allow_nd=True, dtype="numeric", ensure_min_samples=2)
        images, labels = given
        check_classification_targets(labels)
        labels = column_or_1d(labels, warn=True)
        self.span_ = self.span if self.span is not None else _span_of(images)
        names = labels_of(labels).names
        images, layout = self._images(images)
        self.fitted_: Fitted = fit(
            None if self.network is None else adapted(network_of(self.network), names),
            images,
            labels,
            epochs=self.epochs,
            seed=_seed(self.random_state),
            recipe=self.recipe,
            layout=layout,
            span=self.span_,
            device=self.device,
        )
        self.classes_ = np.unique(labels)
        return self

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """The class of each image."""
        answers = self.predict_proba(X).argmax(1)
        return self.classes_[answers]

    def predict_proba(self, X: Any) -> NDArray[np.float32]:  # noqa: N803
        """The probability of each class, float32 (images, classes), in the order of `classes_`."""
        check_is_fitted(self)
        given: Any = validate_data(self, X, allow_nd=True, dtype="numeric", reset=False)
        images, layout = self._images(given)
        return self.fitted_.predict_proba(images, layout=layout)

    def save(self, folder: str | Path) -> Path:
        """Keep the trained network as a run, which every `striate` command takes."""
        check_is_fitted(self)
        return self.fitted_.save(folder)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def _images(self, images: NDArray[Any]) -> tuple[NDArray[Any], Layout | None]:
        """Images as arrays of four axes, their values within the span, and where their channels are.

        Grey images get an axis for their channel: three of them without one could be a single image in colour.
        """
        if images.ndim == 2:
            images = images.reshape(len(images), *_shape_of(images.shape[1], self.image_shape))
        images = images if self.span_ is None else np.clip(images, *self.span_)
        grey = images.ndim == 3 and self.layout in (None, *LAYOUTS)
        return (images[:, None], "NCHW") if grey else (images, self.layout)


def _shape_of(features: int, given: tuple[int, ...] | None) -> tuple[int, ...]:
    """The shape of an image that is a row of so many numbers."""
    if given is None:
        side = math.isqrt(features)
        return (side, side) if side * side == features else (1, features)
    if len(given) not in (2, 3) or math.prod(given) != features:
        raise DataError(
            f"image_shape is {quote(given)} for rows of {features:,} features.",
            "It is (height, width), or has 1 or 3 channels before or behind, and as many numbers as a row.",
        )
    return tuple(given)


def _span_of(images: NDArray[Any]) -> Span | None:
    """The least and the largest value; None for bytes, which have a span of their own."""
    if images.dtype in (np.uint8, np.bool_):
        return None
    low, high = float(images.min()), float(images.max())
    return low, high if high > low else low + 1


def _seed(random_state: int | np.random.RandomState | None) -> int:
    if isinstance(random_state, (int, np.integer)):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))
