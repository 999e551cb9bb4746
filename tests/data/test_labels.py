"""Labels of any kind: what is learned stands for what was given, and what is no label is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from striate.data import labels_of, values_of
from striate.errors import DataError


@pytest.mark.parametrize(
    ("given", "kind", "names"),
    [
        (["dog", "cat", "dog"], "text", ("cat", "dog")),
        ([900, -3, 900], "whole", ("-3", "900")),
        (np.array([2.0, 7.0]), "whole", ("2", "7")),
        ([True, False], "truth", ("False", "True")),
        (torch.tensor([4, 2]), "whole", ("2", "4")),
        (torch.tensor([True, False]), "truth", ("False", "True")),
        (torch.tensor([4.0, 2.0], dtype=torch.bfloat16), "whole", ("2", "4")),
        (np.array(["b", "a"], dtype=object), "text", ("a", "b")),
        (np.array([3, 1], dtype=object), "whole", ("1", "3")),
        (np.array([3, 1], dtype=np.uint8), "whole", ("1", "3")),
    ],
)
def test_labels_of_any_kind(given: Any, kind: str, names: tuple[str, ...]) -> None:
    found = labels_of(given)
    assert (found.kind, found.names) == (kind, names)
    assert found.numbers.dtype == torch.int64
    assert found.values[found.numbers.numpy()].tolist() == (given if isinstance(given, list) else given.tolist())
    assert values_of(found.names, found.kind).tolist() == found.values.tolist()


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ([None, "a"], "label 0 is None."),
        ([1.0, 2.5], "label 1 is 2.5."),
        ([1.0, float("nan")], "label 1 is nan."),
        ([b"a"], "labels are |S1."),
        ([1, "a"], "labels are of several kinds: 1, 'a'."),
        ([[0, 1], [1, 0]], "labels are of shape (2, 2).\nA label is text"),
        ([[0, 1], [1]], "label 0 is [0, 1]."),
        ([2**70], "a label is beyond 64 bits."),
        (np.array([2**63, 1], dtype=np.uint64), "a label is beyond 64 bits."),
        (["a", ""], "a label is ''."),
        (["a\nb", "c"], "a label is 'a\\nb'."),
        ([1j], "labels are complex128."),
    ],
)
def test_what_is_no_label_is_refused(given: Any, text: str) -> None:
    with pytest.raises(DataError) as caught:
        labels_of(given)
    assert str(caught.value).startswith(text)
