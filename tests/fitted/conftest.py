"""A network that has learned the bars."""

from __future__ import annotations

import warnings

import pytest

import striate
from striate.fitted.fitted import Fitted
from tests.support.bars import IMAGES, NUMBERS, SMALL, WORDS


@pytest.fixture(scope="module")
def model() -> Fitted:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "No validation image")  # of a training that is kept short
        return striate.fit(SMALL, IMAGES, WORDS[NUMBERS], epochs=20)
