"""The paper's figures of LeNet-5's training (section III-B, figures 5 and 8, appendix C). Errors are fractions."""

from __future__ import annotations

from striate.reproduce.method import ALL, ETAS, Method

RATES = (7e-5, 0.016)
"""The least and the greatest rate of the first pass."""
TRAIN_ERROR = {19: 0.0035}
"""The training error by the pass after which it was reached, measured as the images were shown."""
TEST_ERROR = 0.0095
STABLE = 10
"""The pass after which, by the paper, the test error stays."""
DISTORTED_TEST_ERROR = 0.008


def train_error(method: Method, number: int) -> float | None:
    """The paper's training error of pass `number`, or None where it prints none for this method."""
    return TRAIN_ERROR.get(number) if _printed(method) and method.distorted == "no" else None


def test_error(method: Method, number: int) -> float | None:
    """The paper's test error after pass `number`, or None where it prints none for this method.

    >>> test_error(Method(), 9), test_error(Method(), 10), test_error(Method(images=15_000), 20)
    (None, 0.0095, None)
    """
    if not _printed(method) or number < (STABLE if method.distorted == "no" else len(ETAS)):
        return None
    return TEST_ERROR if method.distorted == "no" else DISTORTED_TEST_ERROR


def _printed(method: Method) -> bool:
    return method.images == ALL
