"""A loopback server that answers as the documentation of OpenSearch says, and refuses what it does not show.

It has the endpoints and the forms of requests that https://docs.opensearch.org/latest shows for creating a k-NN index,
the bulk API, counts, aliases, mappings, k-NN queries with a filter, `multi_match`, hybrid queries with a search
pipeline, and the queries `bool`, `terms`, `term`, `exists` and `range`. Scores of k-NN follow the page on spaces.
The score of words is the number of words that a document shares with the query.
"""

import base64
import hashlib
import hmac
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np

Json = dict[str, Any]
ENGINES = {"lucene": {"l2", "cosinesimil", "innerproduct"}, "faiss": {"l2", "cosinesimil", "innerproduct"}}


class Refused(Exception):
    def __init__(self, status: int, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.status, self.kind = status, kind


def refuse(reason: str, kind: str = "parsing_exception", status: int = 400) -> Refused:
    return Refused(status, kind, reason)


def only(value: Json, *allowed: str) -> None:
    """Refuse keys that the documentation does not show."""
    other = set(value) - set(allowed)
    if other:
        raise refuse(f"unknown key {sorted(other)}")


class Store:
    """Indexes of a server. Documents can be searched after a refresh."""

    def __init__(self) -> None:
        self.mappings: dict[str, Json] = {}
        self.documents: dict[str, dict[str, Json]] = {}
        self.visible: dict[str, dict[str, Json]] = {}
        self.aliases: dict[str, str] = {}
        self.pipelines: dict[str, list[float]] = {}

    def create(self, name: str, body: Json) -> None:
        if name in self.mappings:
            raise refuse(f"index [{name}] already exists", "resource_already_exists_exception")
        if name != name.lower() or name.startswith(("_", "-", "+")) or re.search(r'[\s,:"*+/\\|?#><]', name):
            raise refuse(f"Invalid index name [{name}]", "invalid_index_name_exception")
        only(body, "settings", "mappings")
        only(body["mappings"], "properties")
        for field, one in body["mappings"]["properties"].items():
            self.check(field, one, body["settings"])
        self.mappings[name] = body["mappings"]
        self.documents[name], self.visible[name] = {}, {}

    @staticmethod
    def check(field: str, one: Json, settings: Json) -> None:
        if field.startswith("_") or "." in field:
            raise refuse(f"the field {field} is one of the server, or an object")
        if one["type"] == "knn_vector":
            only(one, "type", "dimension", "method", "space_type")
            if settings != {"index": {"knn": True}}:
                raise refuse("index.knn is not true")
            only(one["method"], "name", "engine", "space_type", "parameters")
            if one["method"]["space_type"] not in ENGINES[one["method"]["engine"]]:
                raise refuse("this engine has no such space")
        elif one["type"] == "text":
            only(one, "type", "fields")
        else:
            only(one, "type")
            if one["type"] not in ("keyword", "double", "boolean", "long"):
                raise refuse(f"no handler for type [{one['type']}]", "mapper_parsing_exception")

    def at(self, name: str) -> str:
        name = self.aliases.get(name, name)
        if name not in self.mappings:
            raise refuse(f"no such index [{name}]", "index_not_found_exception", 404)
        return name

    def put(self, name: str, id_: str, source: Json) -> None:
        properties = self.mappings[name]["properties"]
        for field, value in source.items():
            type_ = properties.get(field, {}).get("type", "?")
            fits = {"knn_vector": list, "keyword": str, "text": str, "double": int | float, "boolean": bool}.get(type_)
            if fits is None or not isinstance(value, fits):
                raise refuse(f"failed to parse field [{field}] of type [{type_}]", "mapper_parsing_exception")
            if type_ == "knn_vector" and len(value) != properties[field]["dimension"]:
                raise refuse("Vector dimension mismatch", "mapper_parsing_exception")
        if len(id_.encode()) > 512:
            raise refuse("id is too long, must be no longer than 512 bytes", "action_request_validation_exception")
        self.documents[name][id_] = source

    # Queries

    def search(self, name: str, body: Json, pipeline: str | None) -> list[tuple[str, float]]:
        only(body, "size", "_source", "query", "search_pipeline")
        if not 0 < body["size"] <= 10_000:
            raise refuse("Result window is too large", "illegal_argument_exception")
        (kind, query), *more = body["query"].items()
        if more:
            raise refuse("[query] malformed query, expected [END_OBJECT]")
        if kind == "hybrid":
            scores = self.hybrid(name, query, body.get("search_pipeline"), pipeline)
        else:
            scores = self.scored(name, kind, query)
        return sorted(scores.items(), key=lambda one: (-one[1], one[0]))[: body["size"]]

    def hybrid(self, name: str, query: Json, inline: Any, named: str | None) -> dict[str, float]:
        only(query, "queries")
        parts = [self.scored(name, *next(iter(one.items()))) for one in query["queries"]]
        weights = self.weights(inline) if inline is not None else self.pipelines.get(named or "")
        if weights is None:
            raise refuse("hybrid query without a normalization processor", "illegal_argument_exception")
        total: dict[str, float] = {}
        for part, weight in zip(parts, weights, strict=True):
            low, high = min(part.values(), default=0.0), max(part.values(), default=0.0)
            for id_, score in part.items():
                scaled = 1.0 if high == low else max((score - low) / (high - low), 0.001)
                total[id_] = total.get(id_, 0.0) + weight * scaled
        return total

    @staticmethod
    def weights(pipeline: Json) -> list[float]:
        only(pipeline, "phase_results_processors")
        (processor,) = pipeline["phase_results_processors"]
        one = processor["normalization-processor"]
        if one["normalization"] != {"technique": "min_max"} or one["combination"]["technique"] != "arithmetic_mean":
            raise refuse("provided technique is not supported", "illegal_argument_exception")
        weights: list[float] = one["combination"]["parameters"]["weights"]
        if abs(sum(weights) - 1) > 0.01:
            raise refuse("sum of weights for combination must be equal to 1.0", "illegal_argument_exception")
        return weights

    def scored(self, name: str, kind: str, query: Json) -> dict[str, float]:
        if kind == "knn":
            return self.knn(name, query)
        if kind == "multi_match":
            only(query, "query", "fields")
            return self.words(name, query["query"], query["fields"])
        if kind == "bool" and set(query) == {"must", "filter"}:
            (must,) = query["must"]
            found = self.scored(name, *next(iter(must.items())))
            allowed = self.visible[name]
            return {
                id_: s for id_, s in found.items() if all(self.matches(name, w, allowed[id_]) for w in query["filter"])
            }
        raise refuse(f"unknown query [{kind}]")

    def knn(self, name: str, query: Json) -> dict[str, float]:
        ((field, near),) = query.items()
        only(near, "vector", "k", "filter")
        known = self.mappings[name]["properties"].get(field, {})
        if known.get("type") != "knn_vector":
            raise refuse(f"Field '{field}' is not knn_vector type.", "illegal_argument_exception")
        if len(near["vector"]) != known["dimension"]:
            reason = (
                f"Query vector has invalid dimension: {len(near['vector'])}. Dimension should be: {known['dimension']}"
            )
            raise refuse(reason, "illegal_argument_exception")
        asked = np.array(near["vector"])
        found = {}
        for id_, source in self.visible[name].items():
            if field in source and ("filter" not in near or self.matches(name, near["filter"], source)):
                vector = np.array(source[field])
                if known["method"]["space_type"] == "l2":
                    found[id_] = float(1 / (1 + ((asked - vector) ** 2).sum()))
                else:
                    cosine = asked @ vector / np.linalg.norm(asked) / np.linalg.norm(vector)
                    found[id_] = float((2 - (1 - cosine)) / 2)
        return dict(sorted(found.items(), key=lambda one: (-one[1], one[0]))[: near["k"]])

    def words(self, name: str, text: str, fields: list[str]) -> dict[str, float]:
        wanted = set(re.findall(r"\w+", text.lower()))
        found = {}
        for id_, source in self.visible[name].items():
            best = max(len(wanted & set(re.findall(r"\w+", str(source.get(one, "")).lower()))) for one in fields)
            if best:
                found[id_] = float(best)
        return found

    def matches(self, name: str, query: Json, source: Json) -> bool:
        ((kind, what),) = query.items()
        if kind == "bool":
            only(what, "must", "must_not")
            return all(self.matches(name, one, source) for one in what["must"]) and not any(
                self.matches(name, one, source) for one in what.get("must_not", [])
            )
        if kind == "exists":
            only(what, "field")
            return self.exact(name, what["field"], source) is not None
        ((path, wanted),) = what.items()
        value = self.exact(name, path, source)
        if kind == "terms":
            return value in wanted
        if kind == "term":
            only(wanted, "value")
            return bool(value == wanted["value"])
        if kind != "range":
            raise refuse(f"unknown query [{kind}]")
        only(wanted, "lt", "lte", "gt", "gte")
        if value is None:
            return False
        ((operator, bound),) = wanted.items()
        one, other = (value.encode(), bound.encode()) if isinstance(value, str) else (value, bound)
        return bool({"lt": one < other, "lte": one <= other, "gt": one > other, "gte": one >= other}[operator])

    def exact(self, name: str, path: str, source: Json) -> Any:
        """The value of a field that is not analysed."""
        field, _, sub = path.partition(".")
        known = self.mappings[name]["properties"].get(field, {})
        if known.get("type") == "text" and sub not in known.get("fields", {}):
            raise refuse("text fields are analysed", "illegal_argument_exception")
        return source.get(field)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Server"

    def log_message(self, *_: object) -> None: ...

    def answer(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        parts = urlsplit(self.path)
        try:
            self.server.authorise(self.command, parts, dict(self.headers.items()), raw)
            status, found = 200, self.route(unquote(parts.path).strip("/").split("/"), parse_qs(parts.query), raw)
        except Refused as error:
            cause = {"type": error.kind, "reason": str(error)}
            status, found = error.status, {"error": {"root_cause": [cause], **cause}, "status": error.status}
        body = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json; charset=UTF-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def route(self, path: list[str], params: dict[str, list[str]], raw: bytes) -> Json:
        store, at = self.server.store, f"{self.command} {'/'.join(['INDEX', *path[1:]])}"
        self.server.asked.append((self.command, "/".join(path), raw))
        if path == ["_alias"]:
            return {
                name: {"aliases": {alias: {} for alias, of in store.aliases.items() if of == name}}
                for name in [*store.mappings, ".plugins-ml-config"]
            }
        if path == ["_bulk"]:
            return self.bulk(raw)
        if at == "PUT INDEX":
            store.create(path[0], json.loads(raw))
            return {"acknowledged": True, "shards_acknowledged": True, "index": path[0]}
        name = store.at(path[0])
        if at == "DELETE INDEX":
            del store.mappings[name], store.documents[name], store.visible[name]
            return {"acknowledged": True}
        if at == "GET INDEX/_mapping":
            return {name: {"mappings": store.mappings[name]}}
        if at == "POST INDEX/_refresh":
            store.visible[name] = dict(store.documents[name])
            return {"_shards": {"total": 2, "successful": 1, "failed": 0}}
        if at in ("GET INDEX/_count", "POST INDEX/_count"):
            return {"count": len(store.visible[name]), "_shards": {"total": 1, "successful": 1, "failed": 0}}
        if at == "POST INDEX/_search":
            return self.search(name, json.loads(raw), params)
        raise refuse(f"no handler found for uri [{self.path}] and method [{self.command}]")

    def bulk(self, raw: bytes) -> Json:
        if not raw.endswith(b"\n"):
            raise refuse("The bulk request must be terminated by a newline [\\n]", "illegal_argument_exception")
        lines = [json.loads(line) for line in raw.splitlines()]
        items = []
        for action, source in zip(lines[::2], lines[1::2], strict=True):
            about = action["index"]
            self.server.store.put(about["_index"], about["_id"], source)
            items.append({"index": {"_index": about["_index"], "_id": about["_id"], "status": 201}})
        return {"took": 1, "errors": False, "items": items}

    def search(self, name: str, body: Json, params: dict[str, list[str]]) -> Json:
        only(params, "search_pipeline")
        found = self.server.store.search(name, body, next(iter(params.get("search_pipeline", [])), None))
        hits: list[Json] = []
        for id_, score in found:
            hit: Json = {"_index": name, "_id": id_, "_score": score}
            if body.get("_source") is not False:
                source = self.server.store.visible[name][id_]
                hit["_source"] = {field: source[field] for field in body["_source"] if field in source}
            hits.append(hit)
        return {
            "took": 1, "timed_out": False,
            "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": self.server.failed_shards},
            "hits": {"total": {"value": len(hits), "relation": "eq"}, "max_score": None, "hits": hits},
        }  # fmt: skip


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.store, self.asked, self.failed_shards = Store(), list[tuple[str, str, bytes]](), 0
        self.password: tuple[str, str] | None = None
        self.secret: tuple[str, str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def authorise(self, method: str, parts: Any, headers: dict[str, str], raw: bytes) -> None:
        """Refuse a request without the password, or without a signature that AWS's documentation of SigV4 gives."""
        headers = {name.lower(): value for name, value in headers.items()}
        given = headers.get("authorization", "")
        if self.password is not None:
            wanted = base64.b64encode(":".join(self.password).encode()).decode()
            if given != f"Basic {wanted}":
                raise refuse("Unauthorized", "security_exception", 401)
        if self.secret is not None and given != self.signed(method, parts, headers, raw, given):
            raise refuse("The request signature does not match", "security_exception", 403)

    def signed(self, method: str, parts: Any, headers: dict[str, str], raw: bytes, given: str) -> str:
        assert self.secret is not None
        names = (re.search(r"SignedHeaders=([^,]+)", given) or ["", ""])[1].split(";")
        (_, day, region, service, _) = (re.search(r"Credential=([^,]+)", given) or ["", "////"])[1].split("/")
        scope = f"{day}/{region}/{service}/aws4_request"
        body = hashlib.sha256(raw).hexdigest()
        request = "\n".join([
            method, parts.path, "&".join(sorted(parts.query.split("&"))),
            *(f"{name}:{headers.get(name, '').strip()}" for name in names), "", ";".join(names), body,
        ])  # fmt: skip
        stamp = headers.get("x-amz-date", "")
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        key = f"AWS4{self.secret[1]}".encode()
        for part in (day, region, service, "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        return (
            f"AWS4-HMAC-SHA256 Credential={self.secret[0]}/{scope}, SignedHeaders={';'.join(names)}, "
            f"Signature={signature}"
        )


@contextmanager
def opensearch() -> Iterator[Server]:
    """A server on a port of its own."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
