"""The description of the interface: it is valid, and the server answers as it says, whatever is asked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import CHECKS, load_all_checks

from striate.serve.app import app
from striate.serve.endpoints import ENDPOINTS
from striate.serve.openapi import openapi
from tests.support.answering import Answering, answering
from tests.support.networks import TINY
from tests.support.serving import fresh

SCHEMA = schemathesis.openapi.from_dict(openapi())
load_all_checks()
HELD = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answering]:
    """A server of a tiny network."""
    with answering(app(fresh(TINY, tmp_path_factory.mktemp("described") / "tiny"))) as found:
        yield found


def test_every_endpoint_is_described_once_and_once_more_for_a_run() -> None:
    paths = openapi()["paths"]
    assert [path for path in paths if not path.startswith("/models/")] == [each.path for each in ENDPOINTS]
    of_run = [f"/models/{{name}}{each.path}" for each in ENDPOINTS if each.of_run]
    assert [path for path in paths if path.startswith("/models/")] == of_run
    names = [operation["operationId"] for methods in paths.values() for operation in methods.values()]
    assert len(set(names)) == len(names)


@SCHEMA.parametrize()
@settings(
    max_examples=15,
    derandomize=True,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[*HealthCheck],
)
def test_answers_are_as_described(case, described: Answering) -> None:
    case.call_and_validate(
        base_url=f"http://127.0.0.1:{described.port}", checks=[CHECKS.get_one(name) for name in HELD]
    )
    assert described.said == []
