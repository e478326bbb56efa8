"""A server in the place of AWS, and what is asked of it."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from ragbench.cloud import sagemaker
from ragbench.models import aws
from tests.jobs.sagemaker_server import serving


class Call(NamedTuple):
    """A call of AWS: service, operation, and its arguments."""

    service: str
    operation: str
    params: dict[str, Any]


class Calls(list[Call]):
    """The calls that ragbench made, in order."""

    def of(self, operation: str) -> list[dict[str, Any]]:
        """The arguments of each call of an operation."""
        return [call.params for call in self if call.operation == operation]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Calls]:
    """A server with a bucket, and the calls that ragbench makes to it."""
    pytest.importorskip("boto3", reason="sends jobs")
    made = Calls()

    def record(params: Any, model: Any, **_: Any) -> None:
        made.append(Call(model.service_model.service_name, model.name, dict(params)))

    def session(*given: Any) -> Any:
        found = aws.session(*given)
        found.events.register("provide-client-params.*.*", record)
        return found

    with serving() as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sagemaker, "session", session)
        yield made
