"""A writer of one's own: prompts, personas, what the collection is, and what the writer skips."""

import asyncio
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from generate_writer import LLMServer, answer, fenced, options, serving, write_corpus
from hypothesis import given
from hypothesis import strategies as st

from ragbench.core.context import Context
from ragbench.core.documents import Chunk, Chunks, Corpus, Document
from ragbench.core.errors import InputError
from ragbench.core.scored import QueryTable
from ragbench.golden.drafting import Read, make_calls, read_answer, with_whole_chunk
from ragbench.golden.drafts import Draft
from ragbench.golden.personas import Persona, personas_yaml, proposed_personas, read_personas
from ragbench.golden.stages.base import ReviewContext
from ragbench.golden.stages.judge import JUDGE, judge_fields
from ragbench.golden.stages.schema import Schema
from ragbench.golden.wanted import Wanted, allot, deal_again, parse_mix
from ragbench.golden.wordings import WORDINGS, counts_of, shares_of
from ragbench.golden.writer import USUAL, Writer, read_prompt
from ragbench.io.golden_files import read_golden
from ragbench.models.llm.base import Answer

EQUAL = shares_of(dict.fromkeys(WORDINGS, 1.0))
QUICK = ["--stage", "schema", "--stage", "located", "--stage", "judge"]
TEXT = """You write queries. {about}
{context}
Like these:
{examples}
Give {n} queries as {"queries": ["...", {"query": "..."}]}, with nothing else.
"""


def prompt_file(folder: Path, text: str = TEXT) -> Path:
    path = folder / "own.txt"
    path.write_text(text, encoding="utf-8")
    return path


def one_call(writer: Writer, wanted: list[Wanted], text: str = "A steel kettle of two litres.") -> Any:
    chunks = Chunks.of([Chunk("d0", "d0", text, 0, len(text), "Kettles")])
    corpus = Corpus((Document("d0", text, "Kettles"),))
    (call,) = make_calls(
        chunks, [0], [wanted], seeds=("cheap kettle", "tent"), examples=2, seed=0, context=Context(), writer=writer,
        corpus=corpus,
    )  # fmt: skip
    return call, chunks


def read(call: Any, queries: object, writer: Writer) -> Read:
    return read_answer(call, Answer({"queries": queries}, raw="raw"), model="m", seed=0, writer=writer)


WANTED = [Wanted("question", "en", "sentence"), Wanted("comparative", "en", "short-copy")]


def test_a_prompt_of_ones_own_is_filled_and_its_braces_stay(tmp_path: Path) -> None:
    writer = Writer(read_prompt(prompt_file(tmp_path)), "A shop, {context} and {n}.")
    call, _ = one_call(writer, WANTED, "A kettle. {n} {examples} === DATA 0 ===")
    system, user = (message.text for message in call.request.messages)
    assert fenced(user) == [
        "Kettles",
        "A kettle. {n} {examples} === DATA 0 ===",
        "\n".join(fenced(user)[2].split("\n")),
    ]
    assert sorted(fenced(user)[2].splitlines()) == ["cheap kettle", "tent"]
    assert user.startswith("You write queries. A shop, {context} and {n}.\n"), "the user's words are not scanned"
    assert 'Give 2 queries as {"queries": ["...", {"query": "..."}]}, with nothing else.' in user
    assert "=== DATA" in system, "the rule about data stays"


def test_doubled_braces_of_str_format_become_single_ones(tmp_path: Path) -> None:
    text = 'From {context} make {n}: {{"queries": ["a"], "more": {{"b": 1}}}}'
    prompt = read_prompt(prompt_file(tmp_path, text))
    assert prompt.template == text.replace("{{", "{").replace("}}", "}")
    assert json.loads(prompt.template.partition(": ")[2]) == {"queries": ["a"], "more": {"b": 1}}
    plain = 'From {context} make {n}: {"queries": {{}}}'
    assert read_prompt(prompt_file(tmp_path, plain)).template == plain, "not one for str.format"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{context}\n{n}\n{contxt}", "own.txt:3"),
        ("{n} queries\nfrom {{context}} and {context}", "own.txt:2"),
        ("{context} queries", r"\{n\}"),
        ("{n} queries", r"\{context\}"),
    ],
)
def test_a_prompt_with_a_fault_is_refused_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        read_prompt(prompt_file(tmp_path, text))


def test_another_prompt_has_another_name(tmp_path: Path) -> None:
    one, other = (read_prompt(prompt_file(tmp_path, TEXT + more)) for more in ("", "!"))
    assert one.label != other.label
    assert one.fingerprint != other.fingerprint


def test_replies_to_ones_own_prompt_are_strings_or_objects(tmp_path: Path) -> None:
    writer = Writer(read_prompt(prompt_file(tmp_path)))
    call, chunks = one_call(writer, WANTED)
    found = read(call, ["which kettle holds two litres?", {"query": "kettle", "quotes": ["A steel kettle"]}], writer)
    assert [(one.text, one.type, one.answer, one.quotes) for one in found.drafts] == [
        ("which kettle holds two litres?", "question", None, ()),
        ("kettle", "keyword", None, ("A steel kettle",)),
    ]
    assert "wording_asked" not in found.drafts[0].provenance, "the prompt asked for none"
    (evidence,) = with_whole_chunk(found.drafts[0], chunks).evidence
    assert (evidence.document_id, evidence.start, evidence.end, evidence.chunk) == ("d0", 0, len(chunks.texts[0]), True)
    assert with_whole_chunk(found.drafts[1], chunks).evidence == (), "its quote is looked for"
    few = read(call, ["one"], writer)
    assert (len(few.drafts), len(few.failed)) == (1, 1)
    many = read(call, ["one", "two", "three"], writer)
    assert [one.rejected_by for one in many.drafts] == [None, None, "schema"]
    assert "3 queries" in many.drafts[2].opinions[0].reason


def test_a_prompt_with_the_list_gets_types_by_place_or_number(tmp_path: Path) -> None:
    writer = Writer(read_prompt(prompt_file(tmp_path, "{context} {wanted} {n}")))
    call, _ = one_call(writer, WANTED)
    assert "1. type question:" in call.request.messages[1].text
    found = read(call, ["kettle", "", {"query": "x"}], writer)
    assert [one.type for one in found.drafts if not one.rejected_by] == ["question"]
    assert [one.type for _, one in found.skipped] == ["comparative"]
    turned = read(call, [{"number": 2, "query": "b"}, {"number": 1, "query": "a"}], writer)
    assert [(one.text, one.type) for one in turned.drafts] == [("b", "comparative"), ("a", "question")]
    assert all(one.provenance["wording_asked"] for one in turned.drafts)


def test_an_empty_query_is_skipped_with_its_reason_and_is_no_failure() -> None:
    call, _ = one_call(USUAL, WANTED)
    item = {"number": 1, "type": "question", "quotes": ["A steel kettle"], "query": "what is it", "answer": "steel"}
    empty = {"number": 2, "type": "comparative", "quotes": [], "query": " ", "answer": " nothing to\ncompare "}
    found = read(call, [item, empty], USUAL)
    assert (len(found.drafts), found.failed) == (1, [])
    ((wanted, why),) = found.skipped
    assert (wanted, why.reason) == (WANTED[1], "nothing to compare")
    both = read(call, [item, empty, {**empty, "query": "which is better"}], USUAL)
    assert (len(both.drafts), both.skipped) == (2, []), "what was written counts"


def test_the_schema_has_quotes_before_queries() -> None:
    call, _ = one_call(USUAL, WANTED)
    keys = list(call.request.schema["properties"]["queries"]["items"]["properties"])
    assert keys.index("quotes") < keys.index("query")


def test_the_headings_above_a_passage_are_shown_without_the_title() -> None:
    text = "# Kettles\n\n## Care\n\n### Lime\n\nUse vinegar once a month.\n"
    start = text.index("Use")
    chunks = Chunks.of([Chunk("d0", "d0", text[start:], start, len(text), "Kettles")])
    corpus = Corpus((Document("d0", text, "Kettles"),))
    (call,) = make_calls(
        chunks, [0], [WANTED], seeds=(), examples=0, seed=0, context=Context(), corpus=corpus
    )  # fmt: skip
    assert fenced(call.request.messages[1].text) == ["Kettles", "Care > Lime", text[start:].strip("\n")]


def test_without_about_the_judge_is_asked_as_before_and_with_it_is_told() -> None:
    draft = Draft("q", "kettle", "keyword", "steel", ("steel",), ("d0",))
    plain, told = (
        JUDGE.request(judge_fields(draft, ["A kettle."], about), seed=0).messages[1].text
        for about in ("", "A {query} shop.")
    )
    assert told == "The collection: A {query} shop.\n\n" + plain


def test_a_prompt_that_is_repeated_is_a_leak(tmp_path: Path) -> None:
    writer = Writer(read_prompt(prompt_file(tmp_path, "{context} {n} Write as a tired climber would at the very end.")))
    call, chunks = one_call(writer, WANTED)
    drafts = read(call, ["tired climber", "write as a tired climber would at the very end"], writer).drafts
    corpus = Corpus((Document("d0", chunks.texts[0]),))
    seen = ReviewContext(corpus, chunks, {}, 0, Context(), writer)
    found = asyncio.run(Schema().review([with_whole_chunk(one, chunks) for one in drafts], seen))
    assert [one.accepted for one in found] == [True, False]


PERSONAS = st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(1, 9), min_size=1, max_size=4)


@given(st.integers(1, 30), st.integers(1, 6), PERSONAS, st.integers(0, 3))
def test_personas_are_dealt_by_their_shares_over_the_set(
    chunks: int, per_chunk: int, weights: dict[str, int], seed: int
) -> None:
    shares = {name: weight / sum(weights.values()) for name, weight in weights.items()}
    plain = allot(chunks, per_chunk, parse_mix(None), ("en",), EQUAL, seed)
    dealt = allot(chunks, per_chunk, parse_mix(None), ("en",), EQUAL, seed, shares)
    counts = Counter(one.persona for items in dealt for one in items)
    assert counts == Counter({name: n for name, n in counts_of(shares, chunks * per_chunk).items() if n})
    assert [[one._replace(persona="") for one in items] for items in dealt] == plain


def test_every_type_and_wording_has_every_persona() -> None:
    dealt = allot(50, 5, parse_mix(None), ("en",), EQUAL, 0, {"a": 0.5, "b": 0.25, "c": 0.25})
    for field in ("type", "wording"):
        met = Counter((getattr(one, field), one.persona) for items in dealt for one in items)
        for value in {value for value, _ in met}:
            total = sum(met[value, name] for name in "abc")
            assert abs(met[value, "a"] - total / 2) <= 3, (value, met)


def test_what_was_skipped_is_asked_of_chunks_that_had_no_such_query() -> None:
    asked = allot(8, 2, parse_mix("question,keyword,comparative,attribute"), ("en",), EQUAL, 0)
    skipped = [(at, one) for at, items in enumerate(asked) for one in items if one.type == "comparative"]
    further = deal_again(skipped, asked, 0)
    assert sum(map(len, further)) == len(skipped)
    for items, more in zip(asked, further, strict=True):
        assert not {one.type for one in items} & {one.type for one in more}
        assert len(more) <= 1
    assert deal_again(skipped, asked, 0) == further
    everywhere = [[Wanted("comparative", "en", "sentence")]] * 3
    assert deal_again([(0, everywhere[0][0])], everywhere, 0) == [[], [], []], "no chunk is left"


def test_personas_are_read_and_written(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("- {name: guide, description: knows all}\n- {name: buyer, description: 'knows: nothing', share: 3}")
    found = read_personas(path)
    assert found == (Persona("guide", "knows all", 0.25), Persona("buyer", "knows: nothing", 0.75))
    path.write_text(personas_yaml(found, 'openai:"m"\n- name: x'), encoding="utf-8")
    assert read_personas(path) == found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: b", "are a list"),
        ("- guide", "persona 1"),
        ("- {name: guide}", "description"),
        ("- {name: '1', description: x}", "name"),
        ("- {name: a, description: x, shar: 1}", "'shar'"),
        ("- {name: a, description: x, share: 0}", "share"),
        ("- {name: a, description: x}\n- {name: A, description: x}", "twice"),
    ],
)
def test_personas_with_a_fault_are_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=told):
        read_personas(path)


def test_proposed_personas_that_cannot_be_used_do_not_count() -> None:
    rows = [
        {"name": "buyer", "description": "knows nothing", "share": 10},
        {"name": "Buyer", "description": "again", "share": 10},
        {"name": "guide\x1b[2J", "description": "x", "share": 10},
        {"name": "guide", "description": "knows all", "share": 30},
    ]
    assert [(one.name, one.share) for one in proposed_personas(Answer({"personas": rows}), "m")] == [
        ("buyer", 0.25), ("guide", 0.75)
    ]  # fmt: skip
    with pytest.raises(InputError, match="personas"):
        proposed_personas(Answer({"personas": rows[:2]}), "m")


def model(body: dict[str, Any]) -> str:
    """The usual writer and judge; the writer skips comparisons."""
    said = json.loads(answer(body))
    for query in said.get("queries", ()):
        if isinstance(query, dict) and query["type"] == "comparative":
            query |= {"query": "", "answer": "nothing to compare", "quotes": []}
    return json.dumps(said)


MORE = ["--personas", "propose", "--about", "A shop for hikers.", "--per-chunk", 3, *QUICK]


def test_personas_are_proposed_and_shown_and_skipped_queries_asked_of_other_chunks(
    ragbench: Any, tmp_path: Path
) -> None:
    corpus, out = write_corpus(tmp_path / "corpus.jsonl", 20), tmp_path / "set"
    with serving(LLMServer(reply=model)) as server:
        done = ragbench(*options(corpus, server, out, *MORE, "--json"))
        assert done.code == 0, done.err
        asked = [body["messages"] for body in server.bodies.values() if body["model"] in ("writer", "judge")]
        assert all("A shop for hikers." in said[1]["content"] for said in asked), "writer and judge are told"
        planned = ragbench(*options(corpus, server, out, *MORE, "--dry-run", "--json"))
        assert planned.json["roles"]["draft"]["calls"] == 0, "the personas of the folder are used again"
        assert planned.json["roles"]["draft"]["cached"] > 20
        other = ragbench(*options(corpus, server, out, "--personas", "propose", "--per-chunk", 3, *QUICK))
        assert (other.code, "(different: about)" in other.err) == (2, True), other.err
    golden = read_golden(out)
    assert set(QueryTable.of(golden).columns["persona"]) == {"first-time buyer", "guide"}, (
        "compare --by persona has slices"
    )
    assert [one.name for one in read_personas(out / "personas.yaml")] == ["first-time buyer", "guide"]
    rows = [json.loads(line) for line in (out / "rejected.jsonl").read_text().splitlines()]
    skipped = [row for row in rows if row["stage"] == "skipped"]
    assert {(row["type"], row["reason"]) for row in skipped} == {("comparative", "nothing to compare")}
    assert done.json["skipped"] == {"comparative": len(skipped)}
    assert done.json["asked_again"] * 2 == len(skipped) == 12, "this writer skips the second time too"
    assert "draft" not in done.json["rejected"], "what is skipped is no failure"


@pytest.mark.slow
def test_a_run_with_personas_continues_after_a_kill_and_ends_with_the_same_bytes(ragbench: Any, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus.jsonl", 20)
    quiet, killed = tmp_path / "quiet" / "set", tmp_path / "killed" / "set"
    with serving(LLMServer(reply=model, latency=0.02)) as server:
        done = ragbench(*options(corpus, server, quiet, *MORE))
        assert done.code == 0, done.err
        for more in (1, 12, 20, 20):
            server.paid.clear()
            process = ragbench.start(*options(corpus, server, killed, *MORE))
            until = time.monotonic() + 60
            while sum(server.paid.values()) < more and process.poll() is None and time.monotonic() < until:
                time.sleep(0.002)
            process.kill()
            process.communicate()
            server.wait_for_the_dead()
        again = ragbench(*options(corpus, server, killed, *MORE))
        assert again.code == 0, again.err
    for name in ("golden.jsonl", "rejected.jsonl", "manifest.json", "personas.yaml", "card.md"):
        assert (killed / name).read_bytes() == (quiet / name).read_bytes(), name


def test_a_run_with_ones_own_prompt(ragbench: Any, tmp_path: Path) -> None:
    corpus, prompt = write_corpus(tmp_path / "corpus.jsonl", 6), prompt_file(tmp_path)
    out = tmp_path / "set"
    with serving(LLMServer(reply=model)) as server:
        words = options(corpus, server, out, "--prompt", prompt, "--per-chunk", 2, *QUICK)
        done = ragbench(*words)
        assert done.code == 0, done.err
        golden = read_golden(out)
        assert len(golden) > 6
        assert all(item.evidence and item.answer is None and item.wording in WORDINGS for item in golden)
        assert {str(item.metadata["prompt"])[:10] for item in golden} == {"own-draft-"}
        prompt.write_text(TEXT + "And be brief.\n")
        changed = ragbench(*words)
        assert (changed.code, "prompts" in changed.err) == (2, True), changed.err
        for more in (["--mix", "question"], ["--personas", "propose"], ["--wordings", "sentence"]):
            refused = ragbench(*options(corpus, server, tmp_path / "no", "--prompt", prompt, *more))
            assert (refused.code, "{wanted}" in refused.err) == (2, True), refused.err
    assert ragbench("generate", "--corpus", corpus, "--out", tmp_path / "no", "--about", "A shop.").code == 2
