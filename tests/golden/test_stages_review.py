"""Review stages, one by one, on drafts whose fate is known by reading them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import benchmarks.public_collections as public
from ragbench import plugins
from ragbench.core.context import Context
from ragbench.core.documents import Chunk, Chunks, Corpus, Document
from ragbench.core.errors import SettingError
from ragbench.core.goldens import Evidence, Span
from ragbench.corpus.load import load_corpus
from ragbench.golden.drafts import Draft, Opinion
from ragbench.golden.generate import Job, Settings, build_stages, generate
from ragbench.golden.overlap import overlaps
from ragbench.golden.review import review
from ragbench.golden.stages.base import ReviewContext
from ragbench.golden.stages.overlap import Overlap, longest_run
from ragbench.golden.stages.round_trip import survival
from ragbench.golden.writer import DRAFT
from ragbench.io.golden_files import read_golden
from ragbench.models.embed.minilm import MiniLM
from ragbench.models.llm.base import Answer, Asker, Request
from ragbench.stats.jaccard import similar_sets

TEXTS = {
    "kettle": ("Morva kettle", "The kettle holds 1.7 litres. It switches itself off when the water boils."),
    "tent": ("Tarn tent", "The tent sleeps two people and weighs 1.9 kg. Its floor is waterproof nylon."),
    "lamp": ("Glim lamp", "A head lamp that runs thirty hours on low and is charged over a cable."),
}
CORPUS = Corpus(tuple(Document(id_, text, title) for id_, (title, text) in TEXTS.items()))
CHUNKS = Chunks.of(Chunk(f"{id_}#0", id_, text, 0, len(text), title) for id_, (title, text) in TEXTS.items())


class Ruled:
    """Answers by rule and remembers what it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers, self.asked = list(answers), list[Request]()

    async def ask(self, request: Request) -> Answer:
        self.asked.append(request)
        return self.answers.pop(0)


def draft(text: str = "how much water does it take", **changes: object) -> Draft:
    made = Draft(text, text, "question", "1.7 litres", ("holds 1.7 litres",), ("kettle#0",),
                 evidence=(Evidence("kettle", 11, 27),))  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def seen_by(**askers: Asker) -> ReviewContext:
    return ReviewContext(CORPUS, CHUNKS, askers, 0, Context())


def reviewed(spec: str, *drafts: Draft, askers: Mapping[str, Asker] | None = None) -> list[Opinion]:
    return asyncio.run(plugins.build(plugins.STAGES, spec).review(drafts, seen_by(**(askers or {}))))


def verdicts(spec: str, *drafts: Draft) -> list[bool]:
    return [opinion.accepted for opinion in reviewed(spec, *drafts)]


def test_schema() -> None:
    leak = " ".join(DRAFT.system.split()[20:34])
    masked = Draft("s", "a sentence", "masked-sentence", None, (), ("kettle#0",), evidence=(Evidence("kettle"),))
    cases = [
        (draft(), True), (masked, True), (draft(" "), False), (draft("a\x00b"), False), (draft(type="admin"), False),
        (draft(answer=None), False), (draft(quotes=(), evidence=()), False), (draft(f"kettle {leak}"), False),
        (draft(answer=f"I was told: {leak}"), False), (draft("what is === DATA 12"), False),
        (draft(type="unanswerable", quotes=(), evidence=()), True), (draft(type="unanswerable"), False),
    ]  # fmt: skip
    assert verdicts("schema", *(item for item, _ in cases)) == [kept for _, kept in cases]


def test_length() -> None:
    texts = ["kettle", "small kettle", "word " * 64, "word " * 65]
    assert verdicts("length", *map(draft, texts)) == [False, True, True, False]
    with pytest.raises(SettingError, match="min <= max"):
        plugins.build(plugins.STAGES, "length:min_words=9,max_words=3")


def test_language_rejects_the_certain_cases_and_abstains_on_the_rest() -> None:
    english = ["tent under 2 kg for two people", "cotton percale or linen for hot nights", "IP65", "moka pot induction"]
    assert verdicts("language", *map(draft, english)) == [True] * 4
    german = "kann man das Zelt auch allein aufbauen"
    assert verdicts("language", draft(german), draft(german, language="de")) == [False, True]
    assert verdicts("language", draft(english[0], language="de"), draft(german, language="xx")) == [False, True]


def test_located() -> None:
    both = (Evidence("kettle", 0, 20), Evidence("tent", 0, 20))
    pair = {"type": "multi-evidence", "chunk_ids": ("kettle#0", "tent#0")}
    opinions = reviewed("located", draft(), draft(quotes=("it sings",), evidence=()), draft(**pair, evidence=both),
                        draft(**pair), draft(type="unanswerable", quotes=(), evidence=()))  # fmt: skip
    assert [opinion.accepted for opinion in opinions] == [True, False, True, False, True]
    assert "1 of 1 quotes" in opinions[1].reason
    assert opinions[3].reason == "no evidence from the chunk tent#0"


def test_overlap_flags_copies_and_keeps_the_share() -> None:
    copied = draft("It switches itself off when the water boils, does it not?")
    masked = draft(copied.text, masked=(Span("kettle", 29, 74),))
    opinions = reviewed("overlap:max_run=7", copied, draft("kettle with automatic stop"), masked)
    assert [opinion.accepted for opinion in opinions] == [False, True, True]
    assert opinions[0].detail["run"] == 8
    # Of kettle, automatic and stop only the first stands in the source.
    assert opinions[1].detail == {"share": 0.3333, "run": 1}
    assert longest_run(["a", "b", "c", "d"], ["x", "b", "c", "y", "a", "b"]) == 2


def test_overlap_rejects_what_shares_no_word_with_its_source() -> None:
    texts = ["quantum bananas dancing", "boiled water, then silence", "kettles that switch off", "IP65"]
    assert verdicts("overlap", *map(draft, texts)) == [False, True, True, False]
    assert verdicts("overlap:min_share=0", draft(texts[0])) == [True]
    assert verdicts("overlap:min_share=0.7", draft("automatic kettle, quiet")) == [False]
    # Stems of two languages cannot be compared, and a language without a stemmer is not judged.
    assert verdicts("overlap", draft("Bananen tanzen", language="de"), draft("踊るバナナ", language="ja")) == [
        True,
        True,
    ]
    assert verdicts("overlap", draft(texts[0], masked=(Span("kettle", 29, 74),))) == [True]
    for wrong in ("min_share=-0.1", "min_share=0.5,max_share=0.5"):
        with pytest.raises(SettingError, match="min_share must be 0 or more and below max_share"):
            plugins.build(plugins.STAGES, f"overlap:{wrong}")


def around(document: Document, evidence: Evidence) -> str:
    """The title, and the text or what a chunk around the evidence has of it."""
    part = slice(None) if evidence.end is None else slice(max(0, evidence.start - 500), evidence.end + 500)
    return f"{document.title} {document.text[part]}"


def test_fewer_than_one_in_a_hundred_human_queries_fall_below_the_floor(shared_data: Path, sample_data: Path) -> None:
    """Against the best of their relevant documents, pooled over eight collections."""
    read = {
        "scifact": (public.scifact, "scifact"), "cacm": (public.cacm, "cacm"), "med": (public.med, "classic/med"),
        "cranfield": (public.cranfield, "classic/cran"), "adi": (public.adi, "classic/adi"),
        "squad2": (public.squad2, "squad2"), "chunk_spans": (public.chunk_spans, "chunk_spans"),
    }  # fmt: skip
    sets = [function(shared_data / folder) for function, folder in read.values()]
    shop = sample_data / "shop"
    sets.append((load_corpus(shop / "product_catalog.csv").corpus, read_golden(shop)))
    floor, below, queries = Overlap().min_share, 0, 0
    for corpus, golden in sets:
        pairs = [
            (row, item.text, around(corpus.by_id[e.document_id], e))
            for row, item in enumerate(list(golden)[:1500])
            for e in item.evidence
            if e.grade > 0 and e.document_id in corpus.by_id
        ]
        shares = overlaps([text for _, text, _ in pairs], [text for _, _, text in pairs])
        best: dict[int, float] = {}
        for (row, _, _), share in zip(pairs, shares.tolist(), strict=True):
            best[row] = max(share, best.get(row, 0.0))
        below += sum(share < floor for share in best.values())
        queries += len(best)
    assert queries > 2000
    assert 0.005 < below / queries < 0.01


def test_standalone() -> None:
    pointing = [
        "what does this product weigh",
        "according to the passage, how long",
        "Does it fold?",
        "what is stated in the text",
    ]
    named = ["does this tent from Tarn fold", "what is a head torch and is it waterproof", "tents like these"]
    assert verdicts("standalone", *map(draft, pointing)) == [False] * 4
    assert verdicts("standalone", *(draft(text, chunk_ids=("tent#0",)) for text in named)) == [True] * 3
    # Its name makes "this product" clear.
    assert verdicts("standalone", draft("is this product the Morva kettle")) == [True]
    assert verdicts("standalone", draft("was wiegt dieses Produkt", language="de")) == [False]


def test_duplicates_by_words_and_by_meaning() -> None:
    texts = ["light tent for two people", "for two people: light tent", "a lightweight two person tent",
             "screws 5 x 60 mm of steel", "screws 5 x 80 mm of steel", "kettle that switches off"]  # fmt: skip
    lexical = "duplicate:embedder=null"
    assert verdicts(lexical, *map(draft, texts)) == [True, False, True, True, True, True]
    opinions = reviewed("duplicate:cosine=0.8", *map(draft, texts))
    assert [opinion.accepted for opinion in opinions] == [True, False, False, True, True, True]
    assert "light tent for two people" in opinions[2].reason


def test_only_queries_with_the_same_numbers_are_embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    embedded: list[str] = []
    encode = MiniLM.encode

    def seen(self: MiniLM, texts: Sequence[str], *rest: object) -> object:
        embedded.extend(texts)
        return encode(self, texts, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(MiniLM, "encode", seen)
    texts = ["a tent for 2 people", "a tent for 3 people", "a tent for 3 persons", "a tent", "a shelter"]
    assert verdicts("duplicate:cosine=0.9", *map(draft, texts)) == [True, True, False, True, True]
    assert embedded == texts[1:]


def test_lexical_pairs_are_all_pairs() -> None:
    sets = [frozenset(f"{n % 7} {n % 5} {n % 3} a b".split()) for n in range(60)]
    found = {(at, other) for at, row in similar_sets(sets, 0.6).items() for other in row}
    every = {(i, j) for i in range(60) for j in range(i) if len(sets[i] & sets[j]) / len(sets[i] | sets[j]) >= 0.6}
    assert found == every


def test_round_trip_keeps_the_rank_in_every_retriever() -> None:
    asked = [draft("litres of the kettle"), draft("people who sleep in a tent", id="wrong"),
             draft("open", type="unanswerable", quotes=(), evidence=())]  # fmt: skip
    opinions = reviewed('round_trip:retrievers=["bm25","bm25:k1=0.5"],k=1', *asked)
    assert [opinion.accepted for opinion in opinions] == [True, False, True]
    assert opinions[0].detail["ranks"] == {"bm25": 1, "bm25:k1=0.5": 1}
    assert verdicts('round_trip:retrievers=["bm25"],k=1,reject=false', *asked) == [True] * 3
    kept = [replace(item, opinions=(opinion,)) for item, opinion in zip(asked, opinions, strict=True)]
    assert survival(kept) == {"bm25": 0.5, "bm25:k1=0.5": 0.5}


def said(valid: bool, certainty: str = "certain") -> Answer:
    return Answer({"reason": f"valid is {valid}", "valid": valid, "certainty": certainty}, cost=0.5)


def test_the_second_opinion_sees_doubtful_items_only_and_may_overrule() -> None:
    drafts = [
        draft(text) for text in ("sure yes", "sure no", "doubtful yes", "no, upheld", "judge failed", "second failed")
    ]
    judge = Ruled(
        said(True), said(False), said(True, "doubtful"), said(False), Answer(None, "cut off", raw="{"), said(False)
    )
    second = Ruled(
        Answer({"argument": "it is fine", "reason": "better", "valid": True}),
        Answer({"argument": "it is vague", "reason": "vague", "valid": False}),
        Answer({"argument": "fine", "reason": "not fine", "valid": False}),
        Answer({"argument": "fine", "reason": "fine", "valid": True}),
        Answer(None, "no answer"),
    )
    stages = build_stages(("judge", "reconsider"))
    done = asyncio.run(review(drafts, stages, seen_by(judge=judge, reconsider=second)))
    assert [item.rejected_by for item in done] == [None, None, "reconsider", "reconsider", None, "reconsider"]
    assert len(judge.asked) == 6
    assert len(second.asked) == 5
    # Both opinions are kept, and what the judge cost.
    assert [(o.stage, o.accepted) for o in done[1].opinions] == [("judge", False), ("reconsider", True)]
    assert done[1].opinions[1].detail == {"argument": "it is fine", "overruled": True}
    assert done[0].opinions[0].cost == 0.5
    assert done[4].opinions[0].detail["raw"] == "{"
    assert "the judge's opinion stands" in done[5].opinions[1].reason


def test_the_judge_of_an_unanswerable_query_sees_the_nearest_passages() -> None:
    judge = Ruled(said(True))
    asked = draft("tent for two with a heater", type="unanswerable", quotes=(), evidence=(), chunk_ids=("lamp#0",))
    reviewed("judge:nearest=1", asked, askers={"judge": judge})
    text = judge.asked[0].messages[1].text
    assert "The tent sleeps two people" in text
    assert "A head lamp" in text
    assert "meant to have no answer" in text


def test_a_final_rejection_is_shown_to_no_later_stage() -> None:
    judge = Ruled(said(True))
    stages = build_stages(("length", "judge"))
    done = asyncio.run(review([draft("kettle"), draft("small kettle")], stages, seen_by(judge=judge)))
    assert [item.rejected_by for item in done] == ["length", None]
    assert len(judge.asked) == 1


def test_stages_are_checked_before_anything_runs() -> None:
    with pytest.raises(SettingError, match="no stage 'lenght'; did you mean 'length'"):
        build_stages(("lenght",))
    with pytest.raises(SettingError, match="named twice"):
        build_stages(("length", "length:max_words=9"))


def test_masked_sentences_go_through_the_same_review() -> None:
    job = Job(CORPUS, CHUNKS, range(3), (), Settings(per_chunk=1), {}, {})
    stages = build_stages(("schema", "length", "located"))
    generated = asyncio.run(generate(job, stages, Context()))
    assert generated.accepted
    assert all(item.masked and [o.stage for o in item.opinions] == ["schema", "length", "located"]
               for item in generated.accepted)  # fmt: skip
