"""Every command, with files that are not what it asks for: an error in words, never a traceback."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragbench.cli import app
from ragbench.core.errors import RagbenchError

CORPUS = "id,text\na,red apples grow in the garden\nb,blue sky over the sea\n"
BAD = ("missing.csv", "folder.csv", "empty.csv", "binary", "wrong.csv", "deep.json")
COMMANDS = (
    "eval --corpus FILE --golden golden.jsonl --retriever bm25",
    "eval --corpus corpus.csv --golden FILE --retriever bm25",
    "eval --config FILE",
    "chunk --corpus FILE",
    "generate --corpus FILE --out made",
    "generate --corpus corpus.csv --seed-queries FILE --out made",
    "export --golden FILE --to trec --out made",
    "golden audit --corpus FILE --golden golden.jsonl --retriever bm25",
    "golden corpus --corpus corpus.csv --golden FILE --out made",
    "golden review export --corpus FILE --golden golden.jsonl --out made",
    "golden review import --golden golden.jsonl --decisions FILE --out made",
    "answer --answers FILE --golden golden.jsonl --out made",
    "answer --corpus corpus.csv --questions FILE --llm openai_compatible:m --base-url http://127.0.0.1:9 --out made",
    "answer --corpus corpus.csv --questions golden.jsonl --llm openai_compatible:m --base-url http://127.0.0.1:9 "
    "--dry-run --retriever bm25 --prices FILE",
    "score FILE --golden golden.jsonl",
    "score answers.csv --golden golden.jsonl --calibration FILE",
    "compare FILE FILE --qrels FILE",
    "gate --baseline FILE --candidate FILE --rules FILE",
    "baseline set main FILE",
    "report FILE --out made.html",
    "plan FILE FILE",
    "ab FILE",
    "judge check --labels FILE --metric column:score",
    "wattbot score --truth FILE --pred answers.csv",
    "wattbot score --truth FILE --pred FILE --compat lesson",
    "wattbot run --documents FILE --questions FILE --metadata FILE --out made",
    "load --url http://127.0.0.1:9/ask --questions FILE",
    "probe --url http://127.0.0.1:9/ask --cases FILE",
    "probe --llm openai_compatible:m --base-url http://127.0.0.1:9 --system FILE --cases FILE",
    "batch submit --corpus FILE --llm openai:m --out made",
    "batch status FILE",
    "batch fetch FILE",
    "data get own --url-list FILE --out made",
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("files")
    (folder / "corpus.csv").write_text(CORPUS, "utf-8")
    asked = [{"query_id": "q", "query": "apples", "relevant_product_id": "a"}]
    (folder / "golden.jsonl").write_text("".join(json.dumps(one) + "\n" for one in asked), "utf-8")
    (folder / "answers.csv").write_text("id,query,answer\nq,apples,red\n", "utf-8")
    (folder / "folder.csv").mkdir()
    (folder / "empty.csv").touch()
    (folder / "binary").write_bytes(bytes(range(256)) * 20)
    (folder / "wrong.csv").write_text("colour,size\nred,1\n", "utf-8")
    (folder / "deep.json").write_text("[" * 20_000, "utf-8")
    before = Path.cwd()
    os.chdir(folder)
    yield folder
    os.chdir(before)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_is_no_such_thing_is_told(
    command: str, files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAGBENCH_CACHE", str(files / "cache"))
    for bad in BAD:
        words = [str(files / bad) if word == "FILE" else word for word in command.split()]
        try:
            code = app(words, standalone_mode=False) or 0
        except (RagbenchError, OSError):  # main prints their words
            code = 2
        except SystemExit as stop:
            code = stop.code
        told = capsys.readouterr()
        assert code in (0, 1, 2, 3), words
        assert "Traceback" not in told.out + told.err, words
