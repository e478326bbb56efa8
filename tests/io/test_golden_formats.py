import json
from pathlib import Path

import pytest

import datasets
from ragbench.core.documents import Corpus, Document
from ragbench.core.errors import InputError, SettingError
from ragbench.core.goldens import Evidence, GoldenItem, GoldenSet, Span
from ragbench.corpus.load import load_corpus
from ragbench.io.golden_files import detect, read_golden, write_golden

GOLDEN = GoldenSet(
    (
        GoldenItem("q1", "red tent", "attribute", "The Fell.", (Evidence("P1", grade=2), Evidence("P2", grade=-1))),
        GoldenItem("q2", "warm bag", evidence=(Evidence("P2", 3, 9),), masked=(Span("P1", 0, 4),)),
    ),
    "shop",
)


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def beir(folder: Path) -> Path:
    queries = [{"_id": "1", "text": "one", "metadata": {"m": 1}}, {"_id": 2, "text": "two"}]
    queries += [{"_id": "3", "text": ""}, {"_id": "4", "text": "four"}]
    put(folder / "queries.jsonl", "".join(json.dumps(row) + "\n" for row in queries))
    put(
        folder / "qrels" / "test.tsv",
        "query-id\tcorpus-id\tscore\n1\ta b\t2\n1\tb\t-1\n1\tb\t-1\n2\ta b\t0\n9\ta b\t1\n",
    )
    put(folder / "qrels" / "train.tsv", "query-id\tcorpus-id\tscore\n3\tb\t1\n")
    return folder


def test_beir_keeps_labels_and_counts_what_has_no_partner(tmp_path: Path) -> None:
    golden = read_golden(beir(tmp_path / "set"))
    assert golden.name == "set"
    assert [item.id for item in golden] == ["1", "2"]
    assert golden.items[0].evidence == (Evidence("a b", grade=2), Evidence("b", grade=-1))
    assert golden.items[0].metadata == {"m": 1}
    assert golden.ledger.counts() == {"other-split": 1, "repeated-label": 1, "unjudged": 1, "unknown-query": 1}
    assert golden.ledger.of("unjudged")[0].item == "4"
    assert golden.ledger.of("unknown-query")[0].item == "9"
    with pytest.raises(InputError, match="the query has no text"):
        read_golden(tmp_path / "set", split="train")
    with pytest.raises(InputError, match="no split 'tset'; did you mean 'test'"):
        read_golden(tmp_path / "set", split="tset")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("1\ta\thigh", r"test\.tsv:2: the label of item 'a' for query '1' is 'high'"),
        ("1\ta", r"test\.tsv:2: 2 fields where 3 belong"),
        ("1\ta\t1\n1\ta\t2", r"test\.tsv:3: item 'a' is labelled 2 for query '1', and 1 further up"),
        ("7\ta\t1", "share no query id"),
        ("", "there is no label in it"),
    ],
)
def test_a_wrong_beir_row_is_named(tmp_path: Path, row: str, says: str) -> None:
    beir(tmp_path)
    put(tmp_path / "qrels" / "test.tsv", f"query-id\tcorpus-id\tscore\n{row}\n")
    with pytest.raises(InputError, match=says):
        read_golden(tmp_path)


def test_beir_is_written_with_the_corpus_and_its_losses_are_told(tmp_path: Path) -> None:
    corpus = Corpus((Document("P1", "text", "title"), Document("P2", "other")))
    lost = write_golden(GOLDEN, tmp_path, "beir", split="dev", corpus=corpus)
    assert [(entry.item, entry.reason) for entry in lost.entries] == [("q2", "the format cannot hold: spans, masked")]
    again = read_golden(tmp_path)
    assert [item.evidence for item in again] == [
        (Evidence("P1", grade=2), Evidence("P2", grade=-1)),
        (Evidence("P2"),),
    ]
    assert again.items[0].metadata == {"type": "attribute", "answer": "The Fell."}
    assert json.loads((tmp_path / "corpus.jsonl").read_text().splitlines()[0])["title"] == "title"


TOPICS = """<top>
<num> Number: 1
<title> airbus
subsidies
<desc> Description:
How much?
<narr> Narrative: Relevant if told.
</top>
<top><num>2</num><title></title><desc>South <b</desc></top>
"""


def test_trec_topics_and_labels(tmp_path: Path) -> None:
    put(tmp_path / "qrels.txt", "1 0 a 1\n2 0 b 0\n")
    topics = put(tmp_path / "topics.txt", TOPICS.replace("<title></title>", ""))
    golden = read_golden(tmp_path)
    assert [item.text for item in golden] == ["airbus subsidies", "South"]
    assert golden.items[0].metadata == {"description": "How much?", "narrative": "Relevant if told."}
    assert read_golden(tmp_path / "qrels.txt").items == golden.items
    put(tmp_path / "queries.tsv", "1\tone\n")
    with pytest.raises(InputError, match=r"2 could be: queries\.tsv, topics\.txt; name it by the option queries"):
        read_golden(tmp_path)
    assert read_golden(tmp_path, queries=tmp_path / "queries.tsv").ledger.counts() == {"unknown-query": 1}
    topics.write_text(TOPICS)
    with pytest.raises(InputError, match=r"topics\.txt:9: the query has no text"):
        read_golden(tmp_path, queries=topics)


def test_trec_round_trip(tmp_path: Path) -> None:
    lost = write_golden(GOLDEN, tmp_path, "trec")
    assert lost.counts() == {"not-written": 1}
    assert [item.text for item in read_golden(tmp_path)] == ["red tent", "warm bag"]
    with pytest.raises(InputError, match="'a b'"):
        write_golden(GoldenSet((GoldenItem("a b", "x", evidence=(Evidence("d"),)),)), tmp_path, "trec")


SIMPLE = """{"query": "red tent", "relevant_product_id": "P1", "source_chunk_id": "P1#2", "difficulty": 3}
{"query": "two bags", "relevant_product_id": ["P1", "P2"], "type": "use-case"}
"""


def test_simple_lines(tmp_path: Path) -> None:
    path = put(tmp_path / "set.jsonl", SIMPLE)
    one, two = read_golden(path).items
    assert (one.id, one.evidence, one.source) == ("q0001", (Evidence("P1"),), "P1")
    assert one.metadata == {"source_chunk_id": "P1#2", "difficulty": 3}
    assert (two.id, two.evidence, two.source, two.type) == ("q0002", (Evidence("P1"), Evidence("P2")), None, "use-case")
    assert one.exclude == ()
    assert read_golden(path, exclude_source=True).items[0].exclude == ("P1#2",)
    write_golden(read_golden(path), tmp_path / "again.jsonl", "simple")
    assert read_golden(tmp_path / "again.jsonl").items == (one, two)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"query": ""}', r"set\.jsonl:2: the query has no text"),
        ('{"relevant_product_id": "P1"}', r"set\.jsonl:2: the query has no text"),
        ('{"query": "x", "relevant_product_id": {"a": 1}}', r"set\.jsonl:2: 'relevant_product_id' must be a string"),
        ('{"query": "x", "label": "good"}', r"set\.jsonl:2: the label is 'good'"),
        ('{"query": "a", "relevant_product_id": "P", "label": 2}', "labelled 2 for query 'a', and 1 further up"),
    ],
)
def test_a_wrong_simple_line_is_named(tmp_path: Path, line: str, says: str) -> None:
    path = put(tmp_path / "set.jsonl", '{"query": "a", "relevant_product_id": "P"}\n' + line + "\n")
    with pytest.raises(InputError, match=says):
        read_golden(path)


def test_tables_group_the_rows_of_a_query(tmp_path: Path) -> None:
    path = put(tmp_path / "set.csv", 'question;document;label\n"one; two";a;2\n"one; two";b;-1\nthree;a;1.0\n')
    golden = read_golden(path)
    assert [(item.id, item.text) for item in golden] == [("q0001", "one; two"), ("q0002", "three")]
    assert golden.items[0].evidence == (Evidence("a", grade=2), Evidence("b", grade=-1))
    assert not golden.ledger.entries
    extra = read_golden(put(tmp_path / "extra.csv", "query,document,rank\none,a,1\none,b,2\n"))
    assert extra.items[0].metadata == {"rank": "1"}
    assert extra.ledger.counts() == {"metadata-differs": 1}
    named = read_golden(path, columns={"query": "document", "document": "question"})
    assert {item.text for item in named} == {"a", "b"}
    with pytest.raises(SettingError, match="no column 'documents'; did you mean 'document'"):
        read_golden(path, columns={"query": "documents"})
    with pytest.raises(InputError, match="no column holds the query"):
        read_golden(put(tmp_path / "other.csv", "a,b\n1,2\n"))
    with pytest.raises(InputError, match=r"other\.csv:2: \d cells"):
        read_golden(put(tmp_path / "other.csv", "query,document\n1,2,3\n"))
    with pytest.raises(InputError, match=r"other\.csv:3: query 'x' reads 'b' here and 'a'"):
        read_golden(put(tmp_path / "other.csv", "id,query,document\nx,a,d\nx,b,d\n"))


def test_squad_spans_and_unanswerable_questions(tmp_path: Path) -> None:
    context = "Rollo led the Norse."
    answers = [{"text": "Rollo", "answer_start": 0}] * 2 + [{"text": "Norse", "answer_start": 3}]
    questions = [
        {"id": "a", "question": "Who?", "answers": answers, "is_impossible": False},
        {"id": "b", "question": "When?", "answers": [], "is_impossible": True},
    ]
    data = [
        {"title": "The_Normans", "paragraphs": [{"context": "No.", "qas": []}, {"context": context, "qas": questions}]}
    ]
    path = put(tmp_path / "s.json", json.dumps({"version": "v2.0", "data": data}))
    golden, corpus = read_golden(path), load_corpus(path, "squad").corpus
    assert [document.id for document in corpus] == ["The_Normans#0", "The_Normans#1"]
    one, two = golden.items
    assert (one.evidence, one.answer, one.source) == ((Evidence("The_Normans#1", 0, 5),), "Rollo", "The_Normans#1")
    assert (two.evidence, two.metadata) == ((), {"is_impossible": True})
    assert golden.ledger.counts() == {"span-mismatch": 1}
    assert not write_golden(golden, tmp_path / "out", "squad", corpus=corpus).entries
    again = read_golden(tmp_path / "out" / "squad.json")
    texts = load_corpus(tmp_path / "out" / "squad.json", "squad").corpus.by_id
    assert [(i.id, i.answer, texts[i.source or ""].text) for i in again] == [
        ("a", "Rollo", context),
        ("b", None, context),
    ]
    with pytest.raises(InputError, match="by corpus="):
        write_golden(golden, tmp_path / "out", "squad")
    with pytest.raises(InputError, match="'data' must be a list"):
        read_golden(put(tmp_path / "other.json", "{}"))


def test_hugging_face_columns_recognised_named_and_split(tmp_path: Path) -> None:
    rows = {"question": ["one", "two"], "doc_id": ["a", "b"], "fold": [1, 2]}
    table = datasets.Dataset.from_dict(rows)
    datasets.DatasetDict({"train": table, "dev": table}).save_to_disk(str(tmp_path / "many"))
    golden = read_golden(tmp_path / "many", split="dev")
    assert next((i.text, i.evidence, i.metadata) for i in golden) == ("one", (Evidence("a"),), {"fold": 1})
    with pytest.raises(InputError, match="no split 'test'"):
        read_golden(tmp_path / "many")
    table.rename_column("question", "frage").save_to_disk(str(tmp_path / "one"))
    assert len(read_golden(tmp_path / "one", columns={"query": "frage"})) == 2
    with pytest.raises(InputError, match="has no splits"):
        read_golden(tmp_path / "one", split="test")


def test_the_format_is_told_from_the_files_or_the_choice_explained(tmp_path: Path) -> None:
    beir(tmp_path / "both")
    put(tmp_path / "both" / "golden.jsonl", '{"id": "a", "text": "x"}\n')
    with pytest.raises(InputError, match=r"could be native or beir: choose one by --golden-format or format="):
        read_golden(tmp_path / "both")
    assert len(read_golden(tmp_path / "both", "native")) == 1
    with pytest.raises(InputError, match=r"name the folder that holds queries\.jsonl and qrels/"):
        detect(tmp_path / "both" / "queries.jsonl")
    with pytest.raises(InputError, match="could be native or simple"):
        detect(put(tmp_path / "x.jsonl", '{"query": "a", "text": "b"}\n'))
    with pytest.raises(InputError, match="neither 'text'"):
        detect(put(tmp_path / "x.jsonl", '{"prompt": "a"}\n'))
    with pytest.raises(InputError, match=r"it holds .*is in no known golden set format. Known are native: "):
        detect(tmp_path)
    with pytest.raises(InputError, match="no such file or folder"):
        read_golden(tmp_path / "nowhere")
    with pytest.raises(InputError, match="is a folder: the format 'squad' is one file"):
        read_golden(tmp_path, "squad")


@pytest.mark.parametrize("format", ["native", "beir", "trec", "simple", "squad", "hf"])
def test_a_written_folder_is_read_back_without_naming_its_format(tmp_path: Path, format: str) -> None:
    corpus = Corpus((Document("P1", "a red tent"), Document("P2", "a warm sleeping bag")), "shop")
    write_golden(GOLDEN, tmp_path / "set", format, corpus=corpus)
    assert detect(tmp_path / "set") == format
    golden = read_golden(tmp_path / "set")
    assert golden.name in ("set", "shop")
    assert golden.items[-1].text == "warm bag"


def test_formats_and_options_that_do_not_exist(tmp_path: Path) -> None:
    path = put(tmp_path / "x.jsonl", '{"id": "a", "text": "x"}\n')
    with pytest.raises(SettingError, match="no golden set format 'biier'; did you mean 'beir'"):
        read_golden(path, "biier")
    with pytest.raises(SettingError, match=r"the format 'native' has no option 'split' \(for: beir, hf\)"):
        read_golden(path, split="test")
    with pytest.raises(SettingError, match="can only be read"):
        write_golden(GOLDEN, tmp_path / "out", "table")
    with pytest.raises(InputError, match="cannot be written to"):
        write_golden(GOLDEN, path / "inside", "native")
