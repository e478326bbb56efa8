"""The http retriever against real servers on loopback."""

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ragbench.core.context import Context
from ragbench.core.documents import Chunk, Chunks
from ragbench.core.runs import Query, Run
from ragbench.plugins import RETRIEVERS, build
from ragbench.retrievers.http import GIVE_UP_AFTER, Http, HttpIndex
from ragbench.testing import check_retriever, small_corpus

Reply = tuple[int, dict[str, str], bytes]
FOUND = [{"id": "kettle", "score": 3.5}, {"id": "teapot", "score": 1.25}]


@dataclass
class Service:
    """What the server does, and what it saw."""

    answer: Callable[[dict[str, object], int], Reply | None]
    url: str = ""
    requests: list[dict[str, object]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    peers: set[tuple[str, int]] = field(default_factory=set)
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


def ok(payload: object) -> Reply:
    return 200, {}, json.dumps(payload).encode()


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[dict[str, object], int], Reply | None]], Service]]:
    servers: list[ThreadingHTTPServer] = []

    def start(answer: Callable[[dict[str, object], int], Reply | None]) -> Service:
        service = Service(answer)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with service.lock:
                    service.requests.append(body)
                    service.headers.append({k.lower(): v for k, v in self.headers.items()})
                    service.peers.add(self.client_address)
                    service.at_once += 1
                    service.most_at_once = max(service.most_at_once, service.at_once)
                    number = len(service.requests)
                try:
                    reply = service.answer(body, number)
                finally:
                    with service.lock:
                        service.at_once -= 1
                if reply is None:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                    return
                status, headers, content = reply
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                with contextlib.suppress(BrokenPipeError):  # a client that gave up
                    self.wfile.write(content)

            def log_message(self, *args: object) -> None:
                return

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        service.url = f"http://127.0.0.1:{server.server_port}/search"
        return service

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def ask(retriever: Http, chunks: Chunks, queries: list[Query], k: int = 5) -> Run:
    assert retriever.check() == []
    index = retriever.index(chunks, Context())
    try:
        return index.search(queries, k)
    finally:
        index.close()


ONE = [Query("q1", "boil water")]


def test_request_and_answer_follow_the_contract(serve, shelf) -> None:
    service = serve(lambda body, n: ok({"results": FOUND}))
    run = ask(Http(service.url), shelf, ONE, k=7)
    assert service.requests == [{"query": "boil water", "k": 7, "query_id": "q1"}]
    assert service.headers[0]["content-type"] == "application/json"
    assert run.ranking(0) == [("kettle", 3.5), ("teapot", 1.25)]
    assert not run.failures


def test_fields_may_lie_anywhere(serve, shelf) -> None:
    service = serve(
        lambda body, n: ok([{"hits": [{"doc": {"key": 7}, "sim": [0.5]}, {"doc": {"key": "tent"}, "sim": [0.25]}]}])
    )
    retriever = build(
        RETRIEVERS,
        {
            "name": "http",
            "url": service.url,
            "query_field": "input.text",
            "k_field": "input.top",
            "query_id_field": "",
            "results_path": "0.hits",
            "id_field": "doc.key",
            "score_field": "sim.0",
            "body": {"index": "shop", "input": {"lang": "en"}},
        },
    )
    run = ask(retriever, shelf, ONE)
    assert service.requests == [{"index": "shop", "input": {"lang": "en", "text": "boil water", "top": 5}}]
    assert run.ranking(0) == [("7", 0.5), ("tent", 0.25)]


def test_a_list_of_plain_ids_is_a_ranking(serve, shelf) -> None:
    service = serve(lambda body, n: ok(["tarp", "tent", "bed"]))
    run = ask(Http(service.url, results_path="", id_field=""), shelf, ONE)
    assert [id_ for id_, _ in run.ranking(0)] == ["tarp", "tent", "bed"]


def test_without_scores_the_order_counts_and_no_two_tie(serve, shelf) -> None:
    ids = list(shelf.ids)[::-1]
    service = serve(lambda body, n: ok({"results": [{"id": id_, "score": None} for id_ in ids]}))
    run = ask(Http(service.url), shelf, ONE, k=8)
    assert [id_ for id_, _ in run.ranking(0)] == ids
    assert run.tie_rate(8) == 0.0


def test_rank_order_keeps_the_list_whatever_the_scores(serve, shelf) -> None:
    service = serve(lambda body, n: ok({"results": [{"id": "bed", "score": 0.1}, {"id": "tent", "score": 0.9}]}))
    assert [i for i, _ in ask(Http(service.url, order="rank"), shelf, ONE).ranking(0)] == ["bed", "tent"]
    assert [i for i, _ in ask(Http(service.url, order="score"), shelf, ONE).ranking(0)] == ["tent", "bed"]


def test_distances_taken_for_scores_are_noticed(serve, shelf) -> None:
    results = [{"id": id_, "score": at / 10} for at, id_ in enumerate(shelf.ids)]
    service = serve(lambda body, n: ok({"results": results}))
    assert "order=rank" in ask(Http(service.url), shelf, ONE).failures["q1"]
    assert not ask(Http(service.url, order="score"), shelf, ONE).failures


def test_repeated_ids_are_counted_and_take_one_place(serve, shelf) -> None:
    service = serve(lambda body, n: ok({"results": [*FOUND, {"id": "kettle", "score": 1.0}]}))
    run = ask(Http(service.url), shelf, ONE)
    assert run.ranking(0) == [("kettle", 3.5), ("teapot", 1.25)]
    assert run.repeated == 1


def test_ids_that_the_corpus_lacks_keep_their_ranks(serve, shelf) -> None:
    service = serve(lambda body, n: ok({"results": [{"id": "unheard-of", "score": 9}, *FOUND]}))
    index = Http(service.url).index(shelf, Context())
    run = index.search(ONE, 2)
    index.close()
    assert [id_ for id_, _ in run.ranking(0)] == ["unheard-of", "kettle"]
    assert index.item_ids[-1] == "unheard-of"
    assert index.notes["ids_not_in_corpus"] == 1


def test_exclusions_are_asked_for_beyond_k_and_dropped(serve, shelf) -> None:
    service = serve(lambda body, n: ok({"results": [{"id": id_} for id_ in list(shelf.ids)[: int(str(body["k"]))]]}))
    run = ask(Http(service.url), shelf, [Query("q1", "x", frozenset({"kettle", "tent"}))], k=3)
    assert service.requests[0]["k"] == 5
    assert [id_ for id_, _ in run.ranking(0)] == ["teapot", "lantern", "headlamp"]


def chunked() -> Chunks:
    return Chunks.of(Chunk(f"{d}#{n}", d, "text", n * 5, n * 5 + 4) for d in ("a", "b", "c") for n in range(2))


def test_documents_are_taken_once_and_left_out_when_all_their_chunks_are(serve) -> None:
    service = serve(
        lambda body, n: ok({"results": [{"id": i, "score": s} for i, s in (("a", 4), ("b", 3), ("a", 2), ("c", 1))]})
    )
    retriever = Http(service.url, returns="document")
    queries = [
        Query("all", "x", frozenset({"a#0", "a#1"})),
        Query("part", "x", frozenset({"a#0"})),
        Query("named", "x", frozenset({"c"})),
    ]
    run = ask(retriever, chunked(), queries)
    assert run.unit == "document"
    assert run.repeated == 0
    assert [[id_ for id_, _ in run.ranking(at)] for at in range(3)] == [["b", "c"], ["a", "b", "c"], ["a", "b"]]


def test_ids_of_the_other_unit_are_a_failure_that_names_the_setting(serve) -> None:
    service = serve(lambda body, n: ok({"results": [{"id": "a"}]}))
    assert "returns=document" in ask(Http(service.url), chunked(), ONE).failures["q1"]


WRONG = {
    "no JSON": (b"<html>sorry</html>", "not JSON: <html>sorry</html>"),
    "empty": (b"", "not JSON: (empty)"),
    "no results": (b'{"hits": []}', "'results' is missing"),
    "results no list": (b'{"results": {"id": "a"}}', "'results' is no list"),
    "error": (b'{"error": "index not loaded"}', "index not loaded"),
    "no id": (b'{"results": [{"id": "tent"}, {"name": "x"}]}', "result 2 of 2: no 'id'"),
    "id is an object": (b'{"results": [{"id": {"a": 1}}]}', "neither a string nor a whole number"),
    "id is true": (b'{"results": [{"id": true}]}', "neither a string nor a whole number"),
    "NaN": (b'{"results": [{"id": "tent", "score": NaN}]}', "the score of 'tent' is NaN"),
    "infinite": (b'{"results": [{"id": "tent", "score": 1e999}]}', "finite"),
    "huge": (b'{"results": [{"id": "tent", "score": 1' + b"0" * 400 + b"}]}", "finite"),
    "score is text": (b'{"results": [{"id": "tent", "score": "high"}]}', "not a number"),
    "half scored": (b'{"results": [{"id": "tent", "score": 1}, {"id": "bed"}]}', "1 of 2 results have a score"),
    "other query": (b'{"query_id": "q9", "results": []}', "for query 'q9'"),
    "deep": (b"[" * 100_000, "not JSON"),
    "not UTF-8": (b'{"results": [{"id": "\xff\xfe"}]}', "not JSON"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_answer_is_a_failure_with_its_reason(serve, shelf, case) -> None:
    content, reason = WRONG[case]
    service = serve(lambda body, n: (200, {}, content))
    run = ask(Http(service.url), shelf, ONE)
    assert reason in run.failures["q1"]
    assert len(run.failures["q1"]) < 400
    assert run.ranking(0) == []
    assert len(service.requests) == 1


def test_no_result_is_an_answer(serve, shelf) -> None:
    service = serve(lambda body, n: ok({"results": []}))
    run = ask(Http(service.url), shelf, ONE)
    assert not run.failures
    assert run.ranking(0) == []


def test_unavailable_then_well(serve, shelf) -> None:
    service = serve(lambda body, n: (503, {}, b"warming up") if n < 3 else ok({"results": FOUND}))
    run = ask(Http(service.url, backoff=0.01), shelf, ONE)
    assert not run.failures
    assert len(service.requests) == 3


def test_unavailable_for_good(serve, shelf) -> None:
    service = serve(lambda body, n: (502, {}, b"bad gateway"))
    run = ask(Http(service.url, backoff=0.01, retries=2), shelf, ONE)
    assert run.failures["q1"] == "status 502 Bad Gateway: bad gateway (after 3 attempts)"
    assert len(service.requests) == 3


def test_an_error_of_the_service_itself_is_not_retried(serve, shelf) -> None:
    service = serve(lambda body, n: (500, {}, b"KeyError: 'x'"))
    assert "500" in ask(Http(service.url), shelf, ONE).failures["q1"]
    assert len(service.requests) == 1


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_honoured(serve, shelf, form) -> None:
    # A date has whole seconds, so two ahead are at least one.
    wait = "1" if form == "seconds" else formatdate(time.time() + 2, usegmt=True)
    service = serve(lambda body, n: (429, {"Retry-After": wait}, b"") if n == 1 else ok({"results": FOUND}))
    start = time.perf_counter()
    run = ask(Http(service.url, backoff=0), shelf, ONE)
    assert not run.failures
    assert time.perf_counter() - start > 0.9


def test_a_dropped_connection_is_tried_again(serve, shelf) -> None:
    service = serve(lambda body, n: None if n == 1 else ok({"results": FOUND}))
    assert not ask(Http(service.url, backoff=0.01), shelf, ONE).failures
    service = serve(lambda body, n: None)
    reason = ask(Http(service.url, backoff=0.01, retries=1), shelf, ONE).failures["q1"]
    assert reason.startswith("the connection failed")
    assert reason.endswith("(after 2 attempts)")


def test_one_bad_query_loses_no_other(serve, shelf) -> None:
    service = serve(lambda body, n: ok({"results": FOUND}) if body["query"] != "bad" else (200, {}, b"oops"))
    queries = [Query(f"q{n}", "bad" if n == 3 else "good") for n in range(8)]
    run = ask(Http(service.url), shelf, queries)
    assert set(run.failures) == {"q3"}
    assert all(run.ranking(n) for n in range(8) if n != 3)


def test_a_slow_answer_fails_in_time_also_when_it_drips(serve, shelf) -> None:
    service = serve(lambda body, n: time.sleep(5) or ok({}))
    start = time.perf_counter()
    assert ask(Http(service.url, timeout=0.3), shelf, ONE).failures["q1"] == "no answer within 0.3 s"
    assert time.perf_counter() - start < 2

    drip = socket.create_server(("127.0.0.1", 0))

    def pour() -> None:
        connection, _ = drip.accept()
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        for _ in range(50):
            try:
                connection.sendall(b" ")
            except OSError:
                return
            time.sleep(0.05)

    threading.Thread(target=pour, daemon=True).start()
    url = f"http://127.0.0.1:{drip.getsockname()[1]}/"
    start = time.perf_counter()
    assert "within 0.3 s" in ask(Http(url, timeout=0.3), shelf, ONE).failures["q1"]
    assert time.perf_counter() - start < 2
    drip.close()


def test_an_endless_answer_is_cut_off(serve, shelf) -> None:
    service = serve(lambda body, n: (200, {}, b" " * 50_000))
    assert "max_bytes=10000" in ask(Http(service.url, max_bytes=10_000), shelf, ONE).failures["q1"]


def test_redirects_are_not_followed(serve, shelf) -> None:
    other = serve(lambda body, n: ok({"results": FOUND}))
    service = serve(lambda body, n: (307, {"Location": other.url}, b""))
    assert f"redirect to {other.url} is not followed" in ask(Http(service.url), shelf, ONE).failures["q1"]
    assert other.requests == []


def test_as_many_at_once_as_allowed_and_in_order(serve, shelf) -> None:
    ids = list(shelf.ids)

    def answer(body: dict[str, object], number: int) -> Reply:
        time.sleep(0.02 * (number % 3))
        return ok({"results": [{"id": ids[int(str(body["query"]))]}]})

    service = serve(answer)
    run = ask(Http(service.url, concurrency=4), shelf, [Query(f"q{n}", str(n % 8)) for n in range(24)])
    assert [run.ranking(n)[0][0] for n in range(24)] == [ids[n % 8] for n in range(24)]
    assert 2 <= service.most_at_once <= 4


def test_single_queries_share_one_connection_and_work_inside_a_running_loop(serve, shelf) -> None:
    service = serve(lambda body, n: ok({"results": FOUND}))

    async def notebook() -> None:
        index = Http(service.url).index(shelf, Context())
        for n in range(10):
            assert index.search([Query(f"q{n}", "x")], 2).ranking(0)
        index.close()
        index.close()

    asyncio.run(notebook())
    assert len(service.peers) == 1


def test_a_dead_service_is_not_asked_to_the_end(shelf) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}/"
    run = ask(Http(url, retries=0, concurrency=1), shelf, [Query(f"q{n}", "x") for n in range(200)])
    assert len(run.failures) == 200
    assert sum(reason.startswith("not asked") for reason in run.failures.values()) == 200 - GIVE_UP_AFTER
    assert "the connection failed" in run.failures["q199"]


def test_keys_come_from_the_environment_and_stay_out_of_reasons(serve, shelf, monkeypatch) -> None:
    monkeypatch.setenv("SHOP_SEARCH_KEY", "Bearer sesame-5531")
    service = serve(lambda body, n: (401, {}, b"key sesame-5531 is not known"))
    retriever = Http(service.url, header_env={"Authorization": "SHOP_SEARCH_KEY"})
    reason = ask(retriever, shelf, ONE).failures["q1"]
    assert service.headers[0]["authorization"] == "Bearer sesame-5531"
    assert reason == "status 401 Unauthorized: key *** is not known"
    assert "sesame" not in repr(retriever)
    monkeypatch.delenv("SHOP_SEARCH_KEY")
    assert "SHOP_SEARCH_KEY" in retriever.check()[0]


def test_a_key_cut_in_two_stays_out_too(serve, shelf, monkeypatch) -> None:
    monkeypatch.setenv("SHOP_SEARCH_KEY", "sesame-5531-abcdef")
    service = serve(lambda body, n: (401, {}, b"x" * 190 + b"sesame-5531-abcdef"))
    reason = ask(Http(service.url, header_env={"X-Key": "SHOP_SEARCH_KEY"}), shelf, ONE).failures["q1"]
    assert "sesame" not in reason


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"url": "search.example.org/q"}, "https://host/path"),
        ({"url": "ftp://example.org"}, "https://host/path"),
        ({"url": "http://example.org:99999/"}, "cannot be read"),
        ({"url": "https://me:pw@example.org/"}, "header_env"),
        ({"url": "https://example.org/?api_key=123"}, "header_env"),
        ({"url": "http://x/", "concurrency": 0}, "concurrency is 0"),
        ({"url": "http://x/", "timeout": 0}, "timeout is 0"),
        ({"url": "http://x/", "retries": -1}, "retries is -1"),
        ({"url": "http://x/", "query_field": ""}, "query_field is empty"),
        ({"url": "http://x/", "query_field": "a", "k_field": "a.b"}, "share the path"),
        ({"url": "http://x/", "k_field": "query"}, "share the path"),
    ],
)
def test_faults_are_seen_before_anything_is_asked(settings, fault) -> None:
    assert fault in "; ".join(Http(**settings).check())


def test_conforms(serve) -> None:
    corpus = small_corpus()

    def answer(body: dict[str, object], number: int) -> Reply:
        words = set(str(body["query"]).lower().split())
        scored = [
            (len(words & set(text.lower().split())), id_) for id_, text in zip(corpus.ids, corpus.texts, strict=True)
        ]
        ranked = sorted(scored, key=lambda pair: -pair[0])[: int(str(body["k"]))]
        return ok({"results": [{"id": id_, "score": n} for n, id_ in ranked]})

    check_retriever(Http(serve(answer).url))


def test_the_index_is_an_http_index(serve, shelf) -> None:
    service = serve(lambda body, n: ok({"results": FOUND}))
    index = Http(service.url).index(shelf, Context())
    assert isinstance(index, HttpIndex)
    index.close()
    assert not Http.cacheable
    assert not Http.needs_chunks
