"""``ragbench report`` as a user runs it."""

import html
import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

import ragbench as rb
from ragbench.core.errors import MissingExtra
from ragbench.render.vega import vega_script

ROOT = Path(__file__).resolve().parents[2]
CORPUS, GOLDEN = ROOT / "datasets" / "shop" / "product_catalog.csv", ROOT / "datasets" / "shop"
FILES = ("--corpus", CORPUS, "--golden", GOLDEN)


@pytest.fixture(scope="module")
def evaluated(ragbench: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("evaluated") / "run"
    arms = ("--retriever", "bm25", "--retriever", "bm25:stem=false")
    assert ragbench("eval", *FILES, *arms, "--k", "1,5,10", "--resamples", 1000, "--out", out).code == 0
    return out


def texts_of(page: str, part: str) -> str:
    """What stands in one section, without markup."""
    found = re.search(rf'<section id="{part}".*?</section>', page, re.DOTALL)
    assert found is not None
    text = re.sub(r"<[^>]*>", " ", found[0].replace("<wbr>", ""))
    return html.unescape(re.sub(r"\s+", " ", text))


def test_page_says_what_compare_says(ragbench: Any, evaluated: Path, tmp_path: Path) -> None:
    out = tmp_path / "sub" / "report.html"
    done = ragbench("report", evaluated, *FILES, "--out", out)
    assert done.code == 0, done.err
    assert done.out.startswith(f"written to {out} (")
    page = out.read_text("utf-8")
    compared = ragbench("compare", evaluated, "--json").json
    assert compared["sentences"][0] in texts_of(page, "verdict")
    results = json.loads((evaluated / "results.json").read_text("utf-8"))
    for arm in results["arms"]:
        mean = f"{arm['metrics']['ndcg@10']['mean']:.3f}".lstrip("0")
        assert f"{arm['name']} " in texts_of(page, "leaderboard")
        assert mean in texts_of(page, "leaderboard")
    assert "2 × no-relevant" in texts_of(page, "issues")
    assert results["manifest"]["golden"]["fingerprint"] in texts_of(page, "golden")


def test_same_input_gives_the_same_bytes(ragbench: Any, evaluated: Path, tmp_path: Path) -> None:
    pages = [tmp_path / "a.html", tmp_path / "b.html"]
    for page, run in zip(pages, (ragbench, ragbench.process), strict=True):
        assert run("report", evaluated, *FILES, "--out", page).code == 0
    assert pages[0].read_bytes() == pages[1].read_bytes()


def test_command_of_the_manifest_repeats_the_evaluation(ragbench: Any, evaluated: Path, tmp_path: Path) -> None:
    out, again = tmp_path / "report.html", tmp_path / "again"
    assert ragbench("report", evaluated, *FILES, "--out", out).code == 0
    found = re.search(r'<code id="command-0">(.*?)</code>', out.read_text("utf-8"), re.DOTALL)
    assert found is not None
    words = shlex.split(html.unescape(found[1]).replace("\\\n", " "))
    assert words[:2] == ["ragbench", "eval"]
    assert words[-2:] == ["--out", "FOLDER"]
    assert ragbench(*words[1:-1], again).code == 0
    assert (again / "scores.parquet").read_bytes() == (evaluated / "scores.parquet").read_bytes()
    metrics = [
        [arm["metrics"] for arm in json.loads((folder / "results.json").read_text("utf-8"))["arms"]]
        for folder in (evaluated, again)
    ]
    assert metrics[0] == metrics[1]


def test_without_texts_the_page_says_what_is_missing(ragbench: Any, evaluated: Path, tmp_path: Path) -> None:
    done = ragbench("report", evaluated, "--no-texts", "--out", tmp_path / "report.html")
    assert done.code == 0, done.err
    assert "excluded by --no-texts" in done.out
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "Evidence and reference answers are not shown" in texts_of(page, "verdict")
    assert "CORPUS: the corpus of 166 documents" in texts_of(page, "manifest")


def test_texts_that_do_not_fit_are_refused(ragbench: Any, evaluated: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text(CORPUS.read_text("utf-8").replace("tent", "boat"), encoding="utf-8")
    golden = tmp_path / "golden.jsonl"
    golden.write_text((GOLDEN / "golden.jsonl").read_text("utf-8").replace("tent", "boat"), encoding="utf-8")
    for option, path, part in (("--corpus", other, "chunks"), ("--golden", golden, "golden")):
        done = ragbench("report", evaluated, option, path, "--out", tmp_path / "report.html")
        assert done.code == 2
        results = json.loads((evaluated / "results.json").read_text("utf-8"))
        assert f"{option} {path}: its fingerprint is" in done.err
        assert results["manifest"][part]["fingerprint"] in done.err
        assert not (tmp_path / "report.html").exists()
    done = ragbench("report", evaluated, "--answers", GOLDEN / "golden.jsonl", "--out", tmp_path / "report.html")
    assert done.code == 2


def test_one_system_of_two_folders_with_other_chunks(ragbench: Any, evaluated: Path, tmp_path: Path) -> None:
    one = tmp_path / "one.html"
    done = ragbench("report", f"{evaluated}::bm25", *FILES, "--title", "<i>Only one</i>", "--out", one)
    assert done.code == 0, done.err
    page = one.read_text("utf-8")
    assert "There is no second system to compare it with." in texts_of(page, "verdict")
    assert "<title>&lt;i&gt;Only one&lt;/i&gt;</title>" in page
    cut = tmp_path / "cut"
    arms = ("--retriever", "bm25", "--level", "document", "--chunker", "recursive:size=200,overlap=0")
    assert ragbench("eval", *FILES, *arms, "--k", "1,5,10", "--resamples", 1000, "--out", cut).code == 0
    both = tmp_path / "both.html"
    done = ragbench("report", f"{evaluated}::bm25", cut, *FILES, "--chunker", "auto", "--out", both)
    assert done.code == 0, done.err
    assert "note: " not in done.out
    page = both.read_text("utf-8")
    assert f"{evaluated}::bm25" in texts_of(page, "leaderboard")
    assert "--chunker recursive:size=200,overlap=0" in texts_of(page, "manifest")


def test_a_system_that_did_not_run_is_named(ragbench: Any, tmp_path: Path) -> None:
    out = tmp_path / "run"
    arms = ("--retriever", "bm25", "--retriever", "http:url=http://127.0.0.1:9/search,retries=0")
    assert ragbench("eval", *FILES, *arms, "--out", out).code == 2
    done = ragbench("report", out, *FILES, "--out", tmp_path / "report.html")
    assert done.code == 0, done.err
    assert "did not run: " in texts_of((tmp_path / "report.html").read_text("utf-8"), "leaderboard")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((ROOT / "pyproject.toml",), "is a file; name a folder that 'ragbench eval --out' wrote"),
        (("nowhere",), "name a folder that 'ragbench eval --out' wrote"),
        (("RUN::bm52",), "has no system 'bm52'; did you mean 'bm25'?"),
        (("RUN", "RUN"), "is named twice"),
        (("RUN", "--metric", "ndcg@7"), "--metric ndcg@7"),
        (("RUN", "--baseline", "dense"), "no system has that name"),
        (("RUN", "--corpus", "nothing.csv"), "nothing.csv: no such file or folder"),
    ],
)
def test_wrong_input(ragbench: Any, evaluated: Path, tmp_path: Path, words: tuple[object, ...], said: str) -> None:
    written = [str(word).replace("RUN", str(evaluated)) for word in words]
    done = ragbench("report", *written, "--out", tmp_path / "report.html")
    assert done.code == 2
    assert said in done.err
    assert not (tmp_path / "report.html").exists()


def test_figures_beside_the_page(ragbench: Any, evaluated: Path, tmp_path: Path) -> None:
    folder = tmp_path / "figures"
    done = ragbench("report", evaluated, "--out", tmp_path / "report.html", "--figures", folder)
    assert done.code == 0, done.err
    charts = len(re.findall(r'<figure class="chart"', (tmp_path / "report.html").read_text("utf-8")))
    pictures = {path.stem for path in folder.glob("*.svg")}
    assert {path.stem for path in folder.glob("*.png")} == pictures
    # The page has tables with bars and colours for these.
    in_tables = {name for name in pictures if name == "leaderboard" or name.startswith("slice")}
    assert len(in_tables) == 3
    assert len(pictures) == charts + 3


def test_a_page_needs_no_extra_and_figures_name_theirs(
    ragbench: Any, evaluated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("vl_convert", "altair"):
        monkeypatch.setitem(sys.modules, name, None)
    vega_script.cache_clear()
    done = ragbench("report", evaluated, "--out", tmp_path / "report.html")
    assert done.code == 0, done.err
    assert '<figure class="chart"' in (tmp_path / "report.html").read_text("utf-8")
    assert ragbench("experiments", evaluated, "--out", tmp_path / "chart.html").code == 0
    assert "window.vegaEmbed=" in (tmp_path / "chart.html").read_text("utf-8")
    done = ragbench("report", evaluated, "--out", tmp_path / "more.html", "--figures", tmp_path / "figures")
    assert done.code == 2
    assert "ragbench[charts]" in done.err
    with pytest.raises(MissingExtra, match=r"ragbench\[charts\]"):
        rb.load_evaluation(evaluated).plot.leaderboard()
