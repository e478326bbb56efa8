"""The page from Python is the page of the command."""

import json
from pathlib import Path
from typing import Any

import pytest

import ragbench as rb


def test_the_page_is_that_of_the_command(ragbench: Any, sample_data: Path, tmp_path: Path) -> None:
    shop, folder = sample_data / "shop", tmp_path / "shop"
    ragbench("eval", "--corpus", shop / "product_catalog.csv", "--golden", shop, "--retriever", "bm25", "--out", folder)
    texts = ("--corpus", shop / "product_catalog.csv", "--golden", shop)
    assert ragbench("report", folder, *texts, "--out", tmp_path / "command.html").code == 0
    made = rb.report(
        folder, out=tmp_path / "call.html", corpus=[shop / "product_catalog.csv"], golden=[shop],
        markdown=tmp_path / "comment.md", figures=tmp_path / "figures",
    )  # fmt: skip
    assert made.read_bytes() == (tmp_path / "command.html").read_bytes()
    assert "no second system" in (tmp_path / "comment.md").read_text("utf-8")
    assert sorted(path.suffix for path in (tmp_path / "figures").iterdir())[:1] == [".png"]


def test_a_path_by_itself_is_one_path(ragbench: Any, sample_data: Path, tmp_path: Path) -> None:
    shop, folder = sample_data / "shop", tmp_path / "shop"
    corpus = str(shop / "product_catalog.csv")
    ragbench("eval", "--corpus", corpus, "--golden", shop, "--retriever", "bm25", "--out", folder)
    one = rb.report(folder, out=tmp_path / "1.html", corpus=corpus, golden=str(shop))
    assert one.read_bytes() == rb.report(
        folder, out=tmp_path / "2.html", corpus=[corpus], golden=[shop]
    ).read_bytes()  # fmt: skip
    bare = rb.report(folder, out=tmp_path / "3.html", golden=shop, texts=False).read_text("utf-8")
    assert "The texts of the ranked items are not shown: excluded by texts=False.<" in bare
    with pytest.raises(rb.InputError, match="is a folder; name a file"):
        rb.report(folder, out=tmp_path)
    with pytest.raises(rb.InputError, match="name two files"):
        rb.report(folder, out=tmp_path / "1.html", markdown=tmp_path / "1.html")
    told = ragbench("report", folder, "--out", tmp_path / "1.html", "--markdown", tmp_path / "1.html")
    assert (told.code, "name two files" in told.err) == (2, True)
    results = folder / "results.json"
    content = json.loads(results.read_text("utf-8"))
    content["manifest"]["kind"] = "load"
    del content["checksum"]
    results.write_text(json.dumps(content), "utf-8")
    told = ragbench("report", folder, "--out", tmp_path / "1.html")
    assert (told.code, "a load has no queries to report on" in told.err) == (2, True)


def test_what_is_no_folder_or_system_is_named() -> None:
    with pytest.raises(rb.InputError, match="no evaluation is named"):
        rb.report(out="never.html")
    with pytest.raises(rb.InputError, match=r"runs\[0\] is 3; runs must be an evaluation, or a folder"):
        rb.report(3, out="never.html")  # type: ignore[arg-type]
    with pytest.raises(rb.InputError, match=r"systems\[0\] is a list; systems must be an evaluation"):
        rb.compare([])  # type: ignore[arg-type]


def test_a_text_by_itself_is_one_text(sample_data: Path, cache: Path) -> None:
    chunks = rb.chunk(rb.load_corpus(sample_data / "shop" / "product_catalog.csv"), "whole")
    golden = rb.load_golden(sample_data / "shop")
    alone = rb.evaluate(chunks, golden, "bm25", cache=cache)
    assert [one.name for one in alone.scored] == ["bm25"]
    found = rb.evaluate(chunks, golden, ["bm25", "bm25:k1=0.5"], cache=cache)
    compared = rb.compare(found, metrics="mrr@10", by="type", resamples=200)
    assert compared.settings.metrics == ("mrr@10",)
    assert compared.slices
    for wrong in ({"metric": "ndcg@10"}, ["ndcg@10"]):
        with pytest.raises(rb.InputError, match="a list with a mapping for each"):
            rb.gate(found.scored[0], found.scored[1], rules=wrong)  # type: ignore[arg-type]


def test_only_a_name_of_an_html_file_is_taken(ragbench: Any, tmp_path: Path) -> None:
    for name, reason in (("page.pdf", "ends in .pdf"), ("page", "has no ending")):
        with pytest.raises(rb.InputError, match=f"{name}': {reason}, but it is written as HTML"):
            rb.report(tmp_path, out=tmp_path / name)
        done = ragbench("report", tmp_path, "--out", tmp_path / name)
        assert (done.code, list(tmp_path.iterdir())) == (2, [])
        assert f"--out {tmp_path / name}: {reason}" in done.err
