"""Requests with mistakes, more of them than tests/serve/test_hostile.py sends: an answer or a refusal for each."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from striate.serve.app import app
from tests.serve.test_hostile import checked, mutated
from tests.support.answering import answering, exchange, is_well
from tests.support.networks import TINY
from tests.support.serving import fresh

TOGETHER, TIMES = 90, 12
"""Connections at once, and how often."""


@pytest.mark.slow
def test_a_thousand_requests_with_mistakes(tmp_path: Path) -> None:
    with answering(app(fresh(TINY, tmp_path / "tiny"), fresh(TINY, tmp_path / "other"))) as place:
        for seed in range(100, 100 + TIMES):
            draw = random.Random(seed)
            requests = [mutated(draw) for _ in range(TOGETHER)]
            for request, found in zip(requests, exchange(place, requests), strict=True):
                checked(request, found)
            assert place.said == []
        is_well(place)
