"""Modules as `build` makes them: names that PyTorch has itself."""

import pytest

from striate import from_text
from striate.errors import SpecError
from striate.modules import build


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("3x8x8: half: relu", "half"),
        ("3x8x8: branches(half: (relu); b: (tanh))", "branches1.half"),
        ("3x8x8: branches(a: (train: relu); b: (tanh))", "branches1.a.train"),
    ],
)
def test_a_layer_that_is_called_like_a_member_of_a_module_is_refused(text: str, path: str) -> None:
    with pytest.raises(SpecError, match=f"^{path}: a layer cannot be called '{path.rpartition('.')[2]}' in a built"):
        build(from_text(text))
