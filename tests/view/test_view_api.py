"""Schemathesis asks the running viewer everything that its OpenAPI schema allows, and much that it does not.

No reply may be an error of the server, and each must be one that the schema states.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import SHOP, keys
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ragbench.view.app import make_app
from ragbench.view.settings import Settings

schemathesis = pytest.importorskip("schemathesis", reason="pip install schemathesis")
from schemathesis.generation import GenerationMode  # noqa: E402

EXAMPLES = 25
NEVER = "0123456789abcdef"


class NoPlayground:
    """The schema does not depend on it."""

    models = None


def schema(folder: Path) -> dict[str, Any]:
    made: Any = make_app
    found: dict[str, Any] = made(Settings(folder=folder), None, None, NoPlayground()).openapi()
    return found


OPERATIONS = {
    f"{one.method.upper()} {one.path}": one
    for one in (found.ok() for found in schemathesis.openapi.from_dict(schema(Path())).get_all_operations())
}


@pytest.fixture(scope="module")
def client(evaluated: Path, start_for_module: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("api")
    corpus = folder / "corpus.jsonl"
    corpus.write_text('{"id": "a", "text": "A stone is grey."}\n{"id": "b", "text": "Rain falls."}\n')
    # Decisions are written beside the golden set.
    golden = shutil.copytree(SHOP, folder / "shop")
    viewer = start_for_module(evaluated, "--corpus", corpus, "--golden", golden, "--retriever", "bm25")
    made = viewer.client()
    yield made
    made.close()


def sent(client: httpx.Client, case: Any, **more: Any) -> httpx.Response:
    """The reply to a case, sent as it is; only the cookie and the origin of a page of the viewer are added."""
    given = case.as_transport_kwargs(base_url=str(client.base_url).rstrip("/"))
    return client.request(
        given["method"], given["url"], params=given.get("params"), json=given.get("json"), content=given.get("data"),
        headers={**dict(given.get("headers") or {}), **more}, follow_redirects=False,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["allowed", "not-allowed"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_reply_is_one_that_the_schema_states(client: httpx.Client, name: str, mode: GenerationMode) -> None:
    operation = OPERATIONS[name]
    if mode == GenerationMode.NEGATIVE and not (operation.query or operation.body):
        pytest.skip("it takes nothing that could be wrong")
    known = st.sampled_from([*keys(client).values(), NEVER])

    @given(operation.as_strategy(generation_mode=mode), known, st.booleans())
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def ask(case: Any, run: str, real: bool) -> None:
        if real and mode == GenerationMode.POSITIVE:
            # Most keys that are made up belong to no evaluation.
            for parameter in ("run", "runs"):
                if parameter in {one.name for one in operation.query}:
                    case.query = {**dict(case.query or {}), parameter: run}
        reply = sent(client, case)
        case.validate_response(
            reply,
            checks=[
                schemathesis.checks.not_a_server_error,
                schemathesis.checks.status_code_conformance,
                schemathesis.checks.content_type_conformance,
                schemathesis.checks.response_schema_conformance,
            ],
        )
        assert "Traceback" not in reply.text

    ask()


@pytest.mark.parametrize("name", OPERATIONS)
def test_nothing_goes_around_the_guard(client: httpx.Client, name: str) -> None:
    """Without the cookie, from another host or another page, every operation is refused before it does anything."""
    operation = OPERATIONS[name]
    path = operation.path.replace("{name}", "view.css")
    before = client.get("/data/uploads").json()
    content = b"{}" if operation.method == "post" else None
    base = str(client.base_url).rstrip("/")
    with httpx.Client(base_url=base) as stranger:
        assert stranger.request(operation.method, path, content=content, headers={"Origin": base}).status_code == 403
    assert client.request(operation.method, path, content=content, headers={"Host": "x.test"}).status_code == 403
    if operation.method == "post":
        for origin in ("http://x.test", "null", base.replace("http", "https")):
            reply = client.request("POST", path, content=content, headers={"Origin": origin})
            assert reply.status_code == 403
    assert client.get("/data/uploads").json() == before


def test_the_schema_is_not_served(client: httpx.Client) -> None:
    for path in ("/openapi.json", "/docs", "/redoc"):
        assert client.get(path).status_code == 404
