"""An OpenSearch index, searched by vector, by text, or by both at once."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from ragbench.core.errors import InputError, MissingExtra
from ragbench.core.filters import Clause, Kind
from ragbench.core.fingerprint import text_hash
from ragbench.retrievers._database import (
    CHUNK,
    DOCUMENT,
    Client,
    Collection,
    Hit,
    Rows,
    Search,
    Space,
    field_of,
    vector_of,
)
from ragbench.retrievers._vector_database import VectorDatabase

USER, PASSWORD = "OPENSEARCH_USER", "OPENSEARCH_PASSWORD"
"""The environment variables of the user and the password."""
VECTOR = "embedding"
SPACES = {"cosinesimil": "cosine", "innerproduct": "dot", "l2": "l2", "l1": "l1"}
KINDS: Mapping[str, Kind] = {
    "keyword": "text", "boolean": "boolean",
    **dict.fromkeys(
        ("byte", "short", "integer", "long", "unsigned_long", "half_float", "float", "double", "scaled_float"), "number"
    ),
}  # fmt: skip
Mode = Literal["vector", "text", "hybrid"]


@dataclass(frozen=True)
class OpenSearch(VectorDatabase):
    """Search in OpenSearch 2 or 3, or in Amazon OpenSearch Service.

    User and password come from the environment variables ``OPENSEARCH_USER`` and ``OPENSEARCH_PASSWORD``. With
    ``region``, requests are signed with the AWS credentials of the environment (SigV4) instead. The score of an item is
    OpenSearch's own, except that a vector search by cosine gives the cosine.

    Attributes:
        url: address of the server, such as ``https://localhost:9200``, without a password.
        mode: ``vector`` is a k-NN query, ``text`` a ``multi_match`` query (BM25), and ``hybrid`` the hybrid query of
            both.
        vector: field of the vectors, if an existing index has several.
        search_in: the fields in which ``text`` and ``hybrid`` search for words.
        pipeline: search pipeline of the server that ``hybrid`` uses. Without it, scores are scaled to 0-1 (min-max) and
            averaged.
        vector_weight: weight of the vectors in that average, 0 to 1; the words get the rest.
        region: AWS region, to sign requests.
        service: the service that checks the signature: ``es`` for OpenSearch Service, ``aoss`` for OpenSearch
            Serverless. ragbench searches collections of the latter but cannot fill them, because Serverless assigns
            the document ids itself.
        timeout: seconds for one call.
        concurrency: queries in flight at once.

    Source: https://docs.opensearch.org/latest/vector-search/
    """

    url: str = ""
    mode: Mode = "vector"
    vector: str = ""
    search_in: Sequence[str] = ("title", "text")
    pipeline: str = ""
    vector_weight: float = 0.5
    region: str = ""
    service: Literal["es", "aoss"] = "es"
    timeout: int = 30
    concurrency: int = 8

    database: ClassVar[str] = "OpenSearch"
    reserved: ClassVar[frozenset[str]] = frozenset(
        (VECTOR, "_id", "_index", "_source", "_routing", "_ignored", "_nested_path", "_field_names")
    )

    @property
    def embeds(self) -> bool:
        """Whether queries are embedded."""
        return self.mode != "text"

    def check(self) -> list[str]:
        """Check the address, and that the settings go together."""
        faults = super().check()
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            faults.append("needs url, such as https://localhost:9200")
        if parts.password:
            faults.append(f"url holds a password; set {USER} and {PASSWORD} instead")
        if not self.search_in:
            faults.append("search_in is empty; name at least one text field")
        if self.pipeline and self.mode != "hybrid":
            faults.append("pipeline is for mode=hybrid")
        if not 0 <= self.vector_weight <= 1:
            faults.append(f"vector_weight is {self.vector_weight}; it must be from 0 to 1")
        if self.service == "aoss" and not self.existing:
            faults.append(
                "service=aoss needs existing=true, because OpenSearch Serverless does not accept document ids"
            )
        if self.concurrency < 1:
            faults.append(f"concurrency is {self.concurrency}; it must be at least 1")
        return faults

    def place(self) -> str:
        """The address."""
        return self.url

    def hint(self) -> str:
        """What to check if the server cannot be reached."""
        names = "url and region" if self.region else f"url, {USER} and {PASSWORD}"
        return f"Check that the server runs, and that {names} are right"

    def connect(self) -> "OpenSearchClient":
        """Connect to the server."""
        try:
            import opensearchpy
        except ImportError as error:
            raise MissingExtra("retriever 'opensearch'", "opensearch") from error
        auth: Any = None
        if self.region:
            auth = opensearchpy.Urllib3AWSV4SignerAuth(_credentials(), self.region, self.service)
        elif os.environ.get(USER):
            auth = (os.environ[USER], os.environ.get(PASSWORD, ""))
        client = opensearchpy.OpenSearch(
            self.url, http_auth=auth, timeout=self.timeout, pool_maxsize=self.concurrency,
            retry_on_status=(429, 502, 503, 504),
        )  # fmt: skip
        return OpenSearchClient(client, self)


def _credentials() -> Any:
    try:
        import boto3
    except ImportError as error:
        raise MissingExtra("retriever 'opensearch' with region", "aws") from error
    found = boto3.Session().get_credentials()
    if found is None:
        raise InputError("retriever 'opensearch': region is given, but the environment has no AWS credentials")
    return found


class OpenSearchClient(Client):
    """An OpenSearch server."""

    def __init__(self, client: Any, settings: OpenSearch) -> None:
        self._client, self._settings = client, settings

    def names(self) -> list[str]:
        """The indexes and their aliases, without those of the server itself."""
        found = self._client.indices.get_alias()
        names = [*found, *(alias for one in found.values() for alias in one.get("aliases", {}))]
        return [name for name in names if not name.startswith(".")]

    def open(self, name: str) -> Collection:
        """Open an index or an alias."""
        return OpenSearchIndex(self._client, name, self._settings)

    def create(self, name: str, dimensions: int, fields: Mapping[str, Kind]) -> Collection:
        """Create an index with Lucene's HNSW."""
        keyword = {"type": "keyword"}
        types = {"text": "keyword", "number": "double", "boolean": "boolean"}
        method = {"name": "hnsw", "engine": "lucene", "space_type": "cosinesimil"}
        properties: dict[str, object] = {
            CHUNK: keyword, DOCUMENT: keyword,
            "title": {"type": "text", "fields": {"keyword": keyword}},
            "text": {"type": "text"},
            VECTOR: {"type": "knn_vector", "dimension": dimensions, "method": method},
            **{field: {"type": types[kind]} for field, kind in fields.items()},
        }  # fmt: skip
        body = {"settings": {"index": {"knn": True}}, "mappings": {"properties": properties}}
        self._client.indices.create(index=name, body=body)
        return OpenSearchIndex(self._client, name, self._settings)

    def drop(self, name: str) -> None:
        """Delete an index."""
        self._client.indices.delete(index=name)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


class OpenSearchIndex(Collection):
    """An OpenSearch index."""

    batch = 500

    def __init__(self, client: Any, name: str, settings: OpenSearch) -> None:
        self._client, self._name, self._settings = client, name, settings

    @cached_property
    def _properties(self) -> Mapping[str, Any]:
        """The mapping of the fields. An alias has that of its first index."""
        found: list[Any] = list(self._client.indices.get_mapping(index=self._name).values())
        properties: Mapping[str, Any] = found[0].get("mappings", {}).get("properties", {})
        return properties

    @cached_property
    def _vector(self) -> str:
        """The field of the vectors."""
        if not self._settings.existing:
            return VECTOR
        known = [name for name, one in self._properties.items() if one.get("type") == "knn_vector"]
        return vector_of(self._settings.vector, known, self._name)

    @property
    def _metric(self) -> str:
        field = self._properties[self._vector]
        return str(field.get("space_type") or field.get("method", {}).get("space_type") or "l2")

    @property
    def _cosines(self) -> bool:
        """Whether a score is (1 + cosine) / 2. NMSLIB, which OpenSearch 3 no longer has, computes other scores."""
        engine = self._properties[self._vector].get("method", {}).get("engine")
        return self._settings.mode == "vector" and self._metric == "cosinesimil" and engine != "nmslib"

    def count(self) -> int:
        """The number of documents."""
        return int(self._client.count(index=self._name)["count"])

    def space(self) -> Space:
        """The vectors, by the mapping."""
        dimension = self._properties[self._vector].get("dimension")
        if dimension is None:
            raise InputError(
                f"the field {self._vector!r} of index {self._name!r} has a model instead of a dimension; "
                "set vector= to a field with a dimension"
            )
        return Space(int(dimension), SPACES.get(self._metric, self._metric))

    def kind(self, field: str) -> Kind | str | None:
        """The kind of a field, by the mapping. A field of text needs a subfield ``keyword`` to be filtered by."""
        known = self._properties.get(field)
        if known is None:
            return None
        if known.get("type") == "text" and known.get("fields", {}).get("keyword", {}).get("type") == "keyword":
            return "text"
        type_ = str(known.get("type", "object"))
        return KINDS.get(type_, "analysed text" if type_ == "text" else type_)

    def search(self, asked: Search) -> list[list[Hit]]:
        """The best k documents of each query, one request each, several at once. Scores by cosine are cosines."""
        where = [self._where(clause) for clause in asked.clauses]
        options: dict[str, Any] = {}
        if self._settings.mode == "hybrid" and self._settings.pipeline:
            options["params"] = {"search_pipeline": self._settings.pipeline}
        scale, shift = (2.0, -1.0) if self._cosines else (1.0, 0.0)

        def ask(at: int) -> list[Hit]:
            body = self._request(asked, at, where)
            answer = self._client.search(index=self._name, body=body, **options)
            if answer.get("timed_out") or answer.get("_shards", {}).get("failed"):
                raise InputError(f"OpenSearch answered from only a part of index {self._name!r}; check its shards")
            return [
                Hit(str(hit["_id"]), scale * hit["_score"] + shift, field_of(hit.get("_source") or {}, asked.fields))
                for hit in answer["hits"]["hits"]
            ]

        with ThreadPoolExecutor(self._settings.concurrency) as pool:
            return list(pool.map(ask, range(len(asked.texts))))

    def _request(self, asked: Search, at: int, where: list[dict[str, Any]]) -> dict[str, Any]:
        mode = self._settings.mode
        body: dict[str, Any] = {"size": asked.k, "_source": list(asked.fields) or False}
        parts = []
        if mode != "vector":
            parts.append(self._words(asked.texts[at], where))
        if mode != "text":
            near: dict[str, Any] = {"vector": asked.vectors[at].tolist(), "k": asked.k}
            if where:
                near["filter"] = {"bool": {"must": where}}
            parts.append({"knn": {self._vector: near}})
        if mode != "hybrid":
            return {**body, "query": parts[0]}
        if not self._settings.pipeline:
            weight = self._settings.vector_weight
            body["search_pipeline"] = {"phase_results_processors": [{"normalization-processor": {
                "normalization": {"technique": "min_max"},
                "combination": {"technique": "arithmetic_mean", "parameters": {"weights": [1 - weight, weight]}},
            }}]}  # fmt: skip
        return {**body, "query": {"hybrid": {"queries": parts}}}

    def _words(self, text: str, where: list[dict[str, Any]]) -> dict[str, Any]:
        words = {"multi_match": {"query": text, "fields": list(self._settings.search_in)}}
        return {"bool": {"must": [words], "filter": where}} if where else words

    def _where(self, clause: Clause) -> dict[str, Any]:
        """A condition in OpenSearch's query language. It matches no document without the field."""
        path = clause.field
        if clause.kind == "text" and self._properties[path].get("type") != "keyword":
            path = f"{path}.keyword"
        if clause.operator == "in":
            return {"terms": {path: list(clause.values)}}
        value = clause.values[0]
        if clause.operator == "!=":
            return {"bool": {"must": [{"exists": {"field": path}}], "must_not": [{"term": {path: {"value": value}}}]}}
        return {"range": {path: {{"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}[clause.operator]: value}}}

    def add(self, rows: Rows) -> None:
        """Add documents by the bulk API."""
        from opensearchpy import helpers

        helpers.bulk(self._client, (
            {"_index": self._name, "_id": _id(id_), "_source": {**known, VECTOR: vector.tolist()}}
            for id_, vector, known in zip(rows.ids, rows.vectors, rows.fields, strict=True)
        ))  # fmt: skip

    def finish(self) -> None:
        """Make the documents visible to searches."""
        self._client.indices.refresh(index=self._name)


def _id(id_: str) -> str:
    """The id, or its hash if it is longer than OpenSearch allows."""
    return id_ if len(id_.encode()) <= 512 else text_hash(id_)
