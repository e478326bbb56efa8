"""Filters in vector databases, each for real, against plain Python and an exact search."""

import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import InputError, SettingError
from ragbench.core.filters import Filter
from ragbench.core.runs import Query
from ragbench.plugins import RETRIEVERS, build
from ragbench.retrievers._vector_database import write_collection
from ragbench.retrievers._written_fields import fields_to_write
from tests.retrievers.databases import DATABASES, Spec, spec_of
from tests.retrievers.filters import matching, random_filters, shelf

TEXT = "kettle lantern map number"
FILTERS = random_filters(60, seed=7)
CHUNKS = shelf()


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """Every text is embedded once."""
    return Context(cache=tmp_path_factory.mktemp("vectors"))


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Spec:
    return spec_of(request, tmp_path)


def asked(filters: list[str]) -> list[Query]:
    return [Query(f"q{at}", TEXT, filter=Filter.parse(text)) for at, text in enumerate(filters)]


def test_finds_the_best_of_those_that_match(database: Spec, context: Context) -> None:
    """Also k of them, where there are k: the filter comes before the search."""
    index = build(RETRIEVERS, database).index(CHUNKS, context)
    whole = build(RETRIEVERS, "dense").index(CHUNKS, context).search([Query("all", TEXT)], len(CHUNKS)).ranking(0)
    run = index.search([Query("all", TEXT), *asked(FILTERS)], 5)
    assert [id_ for id_, _ in run.ranking(0)] == [id_ for id_, _ in whole[:5]]
    for at, text in enumerate(FILTERS, start=1):
        wanted = matching(CHUNKS, text)
        best = [(id_, score) for id_, score in whole if id_ in wanted][:5]
        found = run.ranking(at)
        assert {id_ for id_, _ in found} <= wanted, text
        assert len(found) == len(best), text
        np.testing.assert_allclose([s for _, s in found], [s for _, s in best], atol=1e-4, err_msg=text)
    index.close()


def test_a_collection_without_the_field_or_with_another_kind(database: Spec, context: Context) -> None:
    spec = {**database, "collection": f"some_{uuid.uuid4().hex[:8]}"}
    _, written = write_collection(build(RETRIEVERS, spec), CHUNKS, Context(), fields=["brand"], replace_it=False)
    assert dict(written.kinds) == {"brand": "text"}
    index = build(RETRIEVERS, {**spec, "existing": True, "id_field": "chunk_id"}).index(CHUNKS, context)
    assert {id_ for id_, _ in index.search(asked(["brand=ACME"]), 100).ranking(0)} == matching(CHUNKS, "brand=ACME")
    with pytest.raises(InputError, match="has no field 'price'"):
        index.search(asked(["price<3"]), 3)
    with pytest.raises(SettingError, match="did you mean 'price'"):
        index.search(asked(["prize<3"]), 3)
    index.close()
    numbers = Chunks(**{**vars_of(CHUNKS), "metadata": [{"brand": at} for at in range(60)]})
    index = build(RETRIEVERS, {**spec, "existing": True, "id_field": "chunk_id"}).index(numbers, context)
    with pytest.raises(InputError, match="field 'brand' of kind text, and in the corpus it is of kind number"):
        index.search(asked(["brand<3"]), 3)
    index.close()


def vars_of(chunks: Chunks) -> dict[str, Any]:
    return {name: getattr(chunks, name) for name in chunks.__dataclass_fields__}


def test_other_metadata_fill_another_collection(database: Spec, context: Context) -> None:
    retriever = build(RETRIEVERS, database)
    for chunks, filled in ((CHUNKS, "now"), (CHUNKS, "earlier"), (shelf(cheaper=1.0), "now")):
        index = retriever.index(chunks, context)
        assert index.notes["filled"] == filled
        index.close()


def test_which_fields_are_written() -> None:
    rows: list[dict[str, object]] = [{} for _ in range(60)]
    rows[0] = {"a": 1, "b": "x" * 1001, "text": "t", "id": "i", "list": [1], "a.b": 2, "empty": " ", "none": None}
    chunks = Chunks(**{**vars_of(CHUNKS), "metadata": rows})
    written = fields_to_write(chunks, {"id"}, None)
    assert dict(written.kinds) == {"a": "number"}
    assert {entry.item for entry in written.ledger.entries} == {"b", "text", "id", "list", "a.b", "empty"}
    assert list(fields_to_write(chunks, {"id"}, ["b"]).kinds) == ["b"]
    for name in ("id", "a.b", "list", "none such"):
        with pytest.raises(SettingError):
            fields_to_write(chunks, {"id"}, [name])
