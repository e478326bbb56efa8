"""Retrievers that let a language model rewrite the query, against a real server that answers by a script."""

import json
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.append(str(Path(__file__).resolve().parent.parent / "models"))
from llm_server import Body, LLMServer, never, serving

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import ArmError, SettingError
from ragbench.core.runs import Query
from ragbench.models.embed.minilm import MiniLM
from ragbench.models.llm.base import BudgetSpent
from ragbench.plugins import RETRIEVERS, build
from ragbench.retrievers.base import Index
from ragbench.testing import check_retriever
from ragbench.workflows.measure import measure

PLAIN = Query("q", "Flurbelwisch 17")
"""A word that no document has, and no model knows."""


def query_of(body: Body) -> str:
    """The query in a question to the model: what stands between the two fences."""
    return str(body["messages"][1]["content"].split("Query:\n")[1].split("\n")[1])


@dataclass
class Script:
    """Texts by query; a query that is not in it is given back as it is."""

    texts: dict[str, list[str]] = field(default_factory=dict)

    def __call__(self, body: Body) -> str:
        query = query_of(body)
        return json.dumps({"texts": self.texts.get(query, [query])})


@pytest.fixture
def server() -> Iterator[LLMServer]:
    with serving(LLMServer(reply=Script())) as started:
        yield started


def retriever(name: str, server: LLMServer, **settings: Any) -> Any:
    made = build(
        RETRIEVERS, {"name": name, "llm": "openai_compatible:m", "base_url": server.url, "of": "dense", **settings}
    )
    assert made.check() == []
    return made


def ids(index: Index, query: Query, k: int = 3) -> list[str]:
    return [id_ for id_, _ in index.search([query], k).ranking(0)]


def says(server: LLMServer, **texts: list[str]) -> None:
    server.reply = Script({query.replace("_", " "): said for query, said in texts.items()})


def asked(server: LLMServer) -> int:
    return sum(server.asked.values())


def test_hyde_finds_what_the_query_cannot_at_the_mean_of_the_vectors(server: LLMServer, shelf: Chunks) -> None:
    made_up = ["A cushion on which large dogs sleep.", "Its cover is washed at sixty degrees."]
    server.reply = Script({PLAIN.text: made_up})
    index = retriever("hyde", server, n=2).index(shelf, Context())
    found = index.search([PLAIN], 8)
    index.close()
    model = MiniLM()
    mean = model.encode([PLAIN.text], "query")[0] + model.encode(made_up, "passage").sum(axis=0)
    expected = model.encode(shelf.contents, "passage") @ (mean / np.linalg.norm(mean))
    assert dict(found.ranking(0)) == pytest.approx(dict(zip(shelf.ids, expected.tolist(), strict=True)), abs=1e-5)
    assert found.ranking(0)[0][0] == "bed"
    plain = build(RETRIEVERS, "dense").index(shelf, Context())
    assert ids(plain, PLAIN)[0] != "bed"


def test_hyde_without_the_query_is_the_search_for_the_passage(server: LLMServer, shelf: Chunks) -> None:
    server.reply = Script({PLAIN.text: [shelf.contents[3]]})
    index = retriever("hyde", server, original=0).index(shelf, Context())
    top = index.search([PLAIN], 1).ranking(0)
    index.close()
    assert top == [(shelf.ids[3], pytest.approx(1.0, abs=1e-5))]


def test_other_wordings_are_fused_by_reciprocal_ranks(server: LLMServer, shelf: Chunks) -> None:
    query = Query("q", "water quickly")
    texts = ["light for the night", "walk the dog"]
    server.reply = Script({query.text: texts})
    index = retriever("multi_query", server, of="bm25", original=2).index(shelf, Context())
    found = dict(index.search([query], 8).ranking(0))
    index.close()
    plain = build(RETRIEVERS, "bm25").index(shelf, Context())
    expected: dict[str, float] = {}
    for text, weight in [(query.text, 2.0), *((text, 1.0) for text in texts)]:
        for rank, (id_, _) in enumerate(plain.search([query._replace(text=text)], 100).ranking(0), 1):
            expected[id_] = expected.get(id_, 0) + weight / (60 + rank)
    assert found == pytest.approx(expected, rel=1e-6)
    assert len(found) > len(plain.search([query], 100).ranking(0))


def test_long_queries_get_room_and_every_text_fits_into_it(server: LLMServer, shelf: Chunks) -> None:
    settings = retriever("multi_query", server, n=2, of="bm25")
    for text in ("tent", "tent " * 400):
        request = settings.request(Query("q", text), 0)
        longest = request.schema["properties"]["texts"]["items"]["maxLength"]
        assert longest > len(text)
        assert 2 * longest / 4 < request.max_tokens  # about four characters a token
    roomy = retriever("multi_query", server, n=2, max_tokens=5000).request(Query("q", "tent"), 0)
    assert roomy.max_tokens == 5000
    # Longer than that is asked for again, and at last given up.
    server.reply = Script({"tent": ["x" * 5000], "lamp": ["light"]})
    index = settings.index(shelf, Context())
    index.search([Query("q", "tent"), Query("r", "lamp")], 3)
    index.close()
    assert list(index.degraded) == ["q"]
    assert "does not follow the schema" in index.degraded["q"]
    assert index.notes["llm_reasks"] == 2


def test_minmax_fusion_by_hand(server: LLMServer, shelf: Chunks) -> None:
    query = Query("q", "steel kettle")
    server.reply = Script({query.text: ["steel pot for tea"]})
    index = retriever("rewrite", server, of="bm25", fusion="minmax").index(shelf, Context())
    found = dict(index.search([query], 8).ranking(0))
    index.close()
    plain = build(RETRIEVERS, "bm25").index(shelf, Context())
    expected: dict[str, float] = {}
    for text in (query.text, "steel pot for tea"):
        scores = dict(plain.search([query._replace(text=text)], 100).ranking(0))
        low, high = min(scores.values()), max(scores.values())
        for id_, score in scores.items():
            expected[id_] = expected.get(id_, 0) + (score - low) / (high - low)
    assert found == pytest.approx(expected, rel=1e-5)


def test_translation_searches_the_translated_query_alone(server: LLMServer, shelf: Chunks) -> None:
    query = Query("q", "Stirnlampe zum Laufen in der Nacht")
    server.reply = Script({query.text: ["light for running at night"]})
    index = retriever("translate", server, to="English", of="bm25").index(shelf, Context())
    plain = build(RETRIEVERS, "bm25").index(shelf, Context())
    found = index.search([query], 5).ranking(0)
    assert found == plain.search([query._replace(text="light for running at night")], 5).ranking(0)
    assert found[0][0] == "headlamp"
    assert plain.search([query], 5).ranking(0) == []
    index.close()
    assert "into the language 'English'" in next(iter(server.bodies.values()))["messages"][1]["content"]


def test_decomposition_finds_both_halves_and_excluded_items_take_no_rank(server: LLMServer, shelf: Chunks) -> None:
    query = Query("q", "what boils water, and what keeps the rain out", frozenset({"tent"}))
    server.reply = Script({query.text: ["what boils water", "what to sleep under when it rains"]})
    index = retriever("decompose", server).index(shelf, Context())
    found = ids(index, query, 4)
    index.close()
    assert {"kettle", "tarp"} <= set(found[:3])
    assert "tent" not in found


def test_what_repeats_the_query_counts_once(server: LLMServer, shelf: Chunks) -> None:
    query = Query("q", "soft lead")
    server.reply = Script({query.text: ["Soft  LEAD", "rope for dogs", "Rope for dogs ", "  "]})
    index = retriever("multi_query", server, n=4, of="bm25").index(shelf, Context())
    top = index.search([query], 1).ranking(0)
    index.close()
    assert top == [("lead", pytest.approx(2 / 61))]
    # Only itself: nothing to fuse, and it is counted.
    says(server, soft_lead=["soft lead"])
    index = retriever("multi_query", server, n=4, of="bm25").index(shelf, Context())
    assert index.search([query], 1).ranking(0) == [("lead", pytest.approx(1 / 61))]
    assert index.notes["unchanged"] == 1
    assert index.degraded == {}
    index.close()


def questions(count: int = 4) -> list[Query]:
    return [Query(f"q{n}", f"question {n} on tents") for n in range(count)]


@pytest.mark.parametrize("name", ["hyde", "multi_query"])
def test_a_second_run_asks_nothing_and_says_what_a_query_costs(
    name: str, server: LLMServer, shelf: Chunks, tmp_path: Path
) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("openai_compatible:m: {input: 100, output: 1000}\n", encoding="utf-8")
    server.reply = Script({q.text: [f"a passage on {q.text}"] for q in questions()})
    context = Context(cache=tmp_path / "cache")
    settings = retriever(name, server, prices=prices)
    first = measure(settings, shelf, questions(), 5, context)
    assert (asked(server), first.notes["llm_calls"], first.notes["llm_cached"]) == (4, 4, 0)
    second = measure(settings, shelf, questions(), 5, context)
    assert (asked(server), second.notes["llm_calls"], second.notes["llm_cached"]) == (4, 0, 4)
    assert second.run.to_dict() == first.run.to_dict()
    # The server counts a token for each four characters, and eight for the form.
    tokens = [
        (sum(len(message["content"]) for message in body["messages"]) // 4 + 8, len(server.reply(body)) // 4)
        for body in server.bodies.values()
    ]
    paid = sum(asked * 100 + written * 1000 for asked, written in tokens) / 1e6
    assert first.notes["llm_cost"] == pytest.approx(paid)
    assert second.notes["llm_cost"] == 0
    assert first.cost.cost_per_query == pytest.approx(paid / 4)
    assert second.cost.cost_per_query == pytest.approx(paid / 4)
    assert isinstance(first.notes["llm_ms_p50"], float)


def test_without_a_price_the_cost_is_unknown_rather_than_nothing(server: LLMServer, shelf: Chunks) -> None:
    found = measure(retriever("rewrite", server), shelf, questions(2), 5, Context())
    assert found.cost.cost_per_query is None
    assert asked(server) == 2  # timing single queries asks nothing again, even without a cache


def test_a_query_without_an_answer_is_searched_as_it_is(server: LLMServer, shelf: Chunks) -> None:
    lost = "question 1 on tents"
    server.reply = Script({q.text: ["a lamp"] for q in questions()})
    server.fault = lambda body, times: "400" if query_of(body) == lost else ""
    plain = build(RETRIEVERS, "dense").index(shelf, Context())
    for name in ("hyde", "rewrite"):
        found = measure(retriever(name, server), shelf, questions(), 5, Context())
        assert list(found.degraded) == ["q1"]
        assert "told to fail" in found.degraded["q1"]
        assert found.notes["searched_as_is"] == 1
        assert found.run.failures == {}
        assert [id_ for id_, _ in found.run.ranking(1)] == ids(plain, questions()[1], 5)
        assert found.run.ranking(0)[0][0] in {"lantern", "headlamp"} | set(ids(plain, questions()[0], 1))


@pytest.mark.parametrize("fault", ["429", "500", "drop", "broken-json", "no-json", "cut-json"])
def test_faults_that_pass_change_nothing(fault: str, server: LLMServer, shelf: Chunks) -> None:
    server.reply = Script({q.text: ["a lamp"] for q in questions(2)})
    whole = measure(retriever("rewrite", server), shelf, questions(2), 5, Context())
    first: set[str] = set()

    def once(body: Body, times: int) -> str:
        if query_of(body) in first:
            return ""
        first.add(query_of(body))
        return fault

    server.fault = once
    found = measure(retriever("rewrite", server, about="tents"), shelf, questions(2), 5, Context())
    assert found.run.to_dict() == whole.run.to_dict()
    assert found.degraded == {}
    assert server.faults[fault] == 2


def test_an_arm_of_failed_transformations_only_has_no_score(server: LLMServer, shelf: Chunks) -> None:
    server.fault = lambda body, times: "400"
    with pytest.raises(ArmError, match=r"transformed none of 2 queries.*told to fail"):
        measure(retriever("rewrite", server), shelf, questions(2), 5, Context())


def test_a_bad_key_and_a_spent_budget_end_the_arm(server: LLMServer, shelf: Chunks, tmp_path: Path) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("openai_compatible:m: {input: 1000, output: 1000}\n", encoding="utf-8")
    limited = retriever("rewrite", server, prices=prices, max_cost=3.2, concurrency=1)
    with pytest.raises(BudgetSpent, match="higher limit"):
        measure(limited, shelf, questions(20), 5, Context(cache=tmp_path / "cache"))
    paid = asked(server)
    assert 0 < paid < 20
    measure(retriever("rewrite", server, prices=prices), shelf, questions(20), 5, Context(cache=tmp_path / "cache"))
    assert asked(server) == 20  # what was paid for is not paid for again
    server.fault = lambda body, times: "401"
    with pytest.raises(SettingError, match="cannot be used"):
        measure(retriever("rewrite", server), shelf, [PLAIN], 5, Context())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "hyde", "of": "bm25"}, "dense retriever"),
        ({"name": "hyde", "n": 0}, "n is 0"),
        ({"name": "multi_query", "n": 21}, "1 to 20"),
        ({"name": "multi_query", "of": "bm52"}, "did you mean 'bm25'"),
        ({"name": "rewrite", "original": -1}, "original is -1"),
        ({"name": "rewrite", "base_url": ""}, "base_url=URL"),
        ({"name": "rewrite", "llm": "m"}, "provider:name"),
        ({"name": "rewrite", "max_cost": 1}, "prices=FILE"),
        ({"name": "rewrite", "params": {"api_key": "x"}}, "looks like a key"),
        ({"name": "rewrite", "concurrency": 0}, "concurrency must be at least 1"),
        ({"name": "translate", "to": " "}, "names no language"),
    ],
)
def test_wrong_settings_are_told_before_anything_runs(settings: dict[str, Any], message: str) -> None:
    common = {"llm": "openai_compatible:m", "base_url": "http://127.0.0.1:9/v1"}
    faults = build(RETRIEVERS, {**common, **settings}).check()
    assert len(faults) == 1
    assert message in faults[0]


def test_what_decides_an_answer_is_in_the_key(server: LLMServer) -> None:
    key = retriever("hyde", server).key()
    same: list[dict[str, Any]] = [{"timeout": 5}, {"concurrency": 2}, {"retries": 1}, {"max_cost": None}]
    other: list[dict[str, Any]] = [{"n": 2}, {"about": "tents"}, {"of": "dense:index_type=hnsw"}, {"original": 0}]
    assert all(retriever("hyde", server, **changed).key() == key for changed in same)
    assert len({key, *(retriever("hyde", server, **changed).key() for changed in other)}) == len(other) + 1


@pytest.mark.parametrize("name", ["hyde", "multi_query", "rewrite", "decompose", "translate"])
def test_they_conform(name: str, server: LLMServer) -> None:
    def shuffled(body: Body) -> str:
        words = query_of(body).split() or ["nothing"]
        return json.dumps({"texts": [" ".join(words[::-1])[:3000]]})

    server.reply = shuffled
    check_retriever(retriever(name, server, **({"to": "en"} if name == "translate" else {})))


def test_within_a_hybrid_cost_and_failures_are_told_too(server: LLMServer, shelf: Chunks, tmp_path: Path) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("openai_compatible:m: {input: 0, output: 1000}\n", encoding="utf-8")
    server.reply = Script({q.text: ["a lamp"] for q in questions()})
    server.fault = lambda body, times: "400" if "question 3" in query_of(body) else ""
    inner = f"hyde:llm=openai_compatible:m,base_url={server.url},prices={prices}"
    found = measure(build(RETRIEVERS, {"name": "hybrid", "of": ["bm25", inner]}), shelf, questions(), 5, Context())
    assert found.notes[f"{inner}.llm_calls"] == 3
    assert list(found.degraded) == ["q3"]
    written = math.floor(len(json.dumps({"texts": ["a lamp"]})) / 4)
    assert found.cost.cost_per_query == pytest.approx(3 * written * 1000 / 1e6 / 4)


def test_the_command_compares_it_with_its_inner_retriever(
    server: LLMServer, ragbench: Callable[..., Any], tmp_path: Path
) -> None:
    texts = {"a": "A steel kettle that boils water.", "b": "A tent keeps the rain out.", "c": "A soft lead for dogs."}
    corpus, golden = tmp_path / "corpus.jsonl", tmp_path / "golden.jsonl"
    corpus.write_text("".join(json.dumps({"id": id_, "text": text}) + "\n" for id_, text in texts.items()))
    rows = [{"id": f"q{id_}", "text": f"Flurbelwisch {id_}", "evidence": [{"document_id": id_}]} for id_ in texts]
    golden.write_text("".join(json.dumps(row) + "\n" for row in rows))
    server.reply = Script({f"Flurbelwisch {id_}": [text] for id_, text in texts.items()})
    spec = f"hyde:of=dense,llm=openai_compatible:m,base_url={server.url}"
    words = ["eval", "--corpus", corpus, "--golden", golden, "--retriever", "dense", "--retriever", spec]
    words += ["--k", "1", "--metric", "hit@1", "--resamples", "200", "--cache", tmp_path / "cache"]
    # What the model gave nothing for is warned of, in the ledger, and never taken from the run store.
    server.fault = lambda body, times: "400" if query_of(body).endswith("b") else ""
    told = ragbench(*words, "--json").json
    arm = told["arms"][1]
    assert (arm["status"], arm["degraded_queries"], asked(server)) == ("ok", 1, 3)
    assert "qb" in arm["warnings"][0]
    assert told["ledger"]["counts"]["query-degraded"] == 1
    server.fault = never
    done = ragbench(*words)
    assert (done.code, asked(server)) == (0, 4), done.err
    assert "language model: 1 call, 2 answers from the cache" in " ".join(done.out.split())
    again = ragbench(*words, "--fresh", "--json")
    assert (again.code, asked(server)) == (0, 4), again.err
    plain, arm = again.json["arms"]
    assert arm["metrics"]["hit@1"]["mean"] == 1 > plain["metrics"]["hit@1"]["mean"]
    assert (arm["notes"]["llm_calls"], arm["notes"]["llm_cached"], arm["cost_per_query"]) == (0, 3, None)
