"""The HTML report in a real browser."""

import json
import re
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

sys.path += [str(Path(__file__).resolve().parent.parent / room) for room in ("models", "answers")]
from judge_replies import reply
from llm_server import LLMServer, serving

from ragbench.core.foreign import in_lines

expect = pytest.importorskip("playwright.sync_api", reason="pip install playwright").expect

Open = Callable[..., Any]
ROOT = Path(__file__).resolve().parents[2]
OPEN = "#table tbody button.open"
HOSTILE = [
    "<script>window.hit = 1</script>",
    '<img src=x onerror="window.hit = 2">',
    '<svg onload="window.hit = 3"><text>x</text></svg>',
    "</script><script>window.hit = 4</script>",
    "</title></style><h1>owned</h1>",
    "{{ 7 * 7 }} {% raw %} ${1} `tick`",
    "W" * 2_500,
    "\u202eright to left\u202c שלום עולם مرحبا بالعالم",
    "👩‍👩‍👧‍👦 family 🏳️‍🌈 \U0001f600",
    'javascript:window.hit=5 " onmouseover="window.hit=6',
]


@pytest.fixture(scope="module")
def shop(ragbench: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    corpus, golden = ROOT / "datasets" / "shop" / "product_catalog.csv", ROOT / "datasets" / "shop"
    arms = ("--retriever", "bm25", "--retriever", "bm25:stem=false", "--retriever", "bm25:b=0.2")
    assert ragbench("eval", "--corpus", corpus, "--golden", golden, *arms, "--out", folder / "run").code == 0
    page = folder / "report.html"
    done = ragbench("report", folder / "run", "--corpus", corpus, "--golden", golden, "--out", page)
    assert done.code == 0, done.err
    return page


@pytest.fixture(scope="module")
def hostile(ragbench: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    documents = [
        {"id": f"d{i} {text[:30]}".strip(), "title": text, "text": f"{text} common words here"}
        for i, text in enumerate(HOSTILE)
    ]
    rows = [
        {"id": f"q{i} {text[:20]}".strip(), "text": f"{text} common", "type": text[:40],
         "evidence": [{"document_id": documents[i]["id"], "start": 0, "end": len(text), "grade": 1}]}
        for i, text in enumerate(HOSTILE)
    ]  # fmt: skip
    for name, lines in (("corpus.jsonl", documents), ("golden.jsonl", rows)):
        (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    files = ("--corpus", folder / "corpus.jsonl", "--golden", folder / "golden.jsonl")
    arms = ("--retriever", "bm25", "--retriever", "bm25:stem=false")
    done = ragbench("eval", *files, *arms, "--level", "document", "--out", folder / "<b>run")
    assert done.code == 0, done.err
    page = folder / "report.html"
    done = ragbench("report", folder / "<b>run", *files, "--title", HOSTILE[0], "--out", page)
    assert done.code == 0, done.err
    return page


@pytest.fixture(scope="module")
def answered(ragbench: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Answers with a supported and a contradicted statement each, judged by rule."""
    folder = tmp_path_factory.mktemp("answered")
    golden = [
        {"id": f"q{n}", "text": f"What is stone {n}?", "answer": f"Stone {n} is grey.",
         "evidence": [{"document_id": f"d{n}"}]}
        for n in range(4)
    ]  # fmt: skip
    answers = [
        {"query_id": f"q{n}", "query": f"What is stone {n}?", "answer": f"Stone {n} is grey [2]. Stone {n} is red.",
         "sources": [{"id": "<s0>", "document_id": f"d{n}", "text": f"Rain falls on {n}."},
                     {"id": "<s1>", "document_id": f"d{n}", "text": f"Stone {n} is grey. Stone {n} is not red."}]}
        for n in range(4)
    ]  # fmt: skip
    for name, lines in (("golden.jsonl", golden), ("answers.jsonl", answers)):
        (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    with serving(LLMServer(reply=reply)) as server:
        done = ragbench(
            "score", folder / "answers.jsonl", "--golden", folder / "golden.jsonl", "--metric", "faithfulness",
            "--metric", "token_f1", "--judge", "openai_compatible:judge-7b", "--base-url", server.url,
            "--out", folder / "scores",
        )  # fmt: skip
    assert done.code == 0, done.err
    page = folder / "report.html"
    files = ("--golden", folder / "golden.jsonl", "--answers", folder / "answers.jsonl")
    done = ragbench("report", folder / "scores", *files, "--metric", "faithfulness", "--out", page)
    assert done.code == 0, done.err
    return page


def rows(page: Any) -> list[str]:
    return page.locator(OPEN).all_inner_texts()


def test_charts_are_drawn_without_an_error_or_a_request(shop: Path, watched: Open) -> None:
    seen = watched(shop)
    assert seen.charts_drawn() >= 5
    assert seen.page.locator("figure.chart svg").count() == seen.page.locator("figure.chart").count()
    assert seen.errors == []
    assert seen.asked == [shop.resolve().as_uri()]


def test_policy_forbids_requests(shop: Path, watched: Open) -> None:
    """A server that would answer is never asked, whatever a script tries."""
    reached: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reached.append(self.path)
            self.send_response(200)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        refused = watched(shop).page.evaluate(
            """async (base) => {
              const asked = async (make) => { try { return await make(); } catch { return "refused"; } };
              const loaded = (tag, name) => new Promise((done) => {
                const it = document.createElement(tag);
                it.onload = () => done("loaded"); it.onerror = () => done("refused");
                it[name] = base + tag; if (tag === "link") it.rel = "stylesheet";
                document.head.append(it); });
              const code = () => { try { return eval("1"); } catch { return "refused"; } };
              return [await asked(() => fetch(base + "fetch")), await loaded("img", "src"),
                      await loaded("script", "src"), await loaded("link", "href"), code()];
            }""",
            f"http://127.0.0.1:{server.server_address[1]}/",
        )
        server.shutdown()
    assert refused == ["refused"] * 5
    assert reached == []


def test_search_filters_and_counts(shop: Path, watched: Open) -> None:
    page = watched(shop).page
    golden = [json.loads(line) for line in (ROOT / "datasets/shop/golden.jsonl").read_text("utf-8").split("\n") if line]
    page.fill("#filter-text", "TENT")
    fitting = [row["text"] for row in golden if "tent" in (row["id"] + " " + row["text"]).lower()]
    assert 0 < len(fitting) < 40
    expect(page.locator("#shown")).to_have_text(f"{len(fitting)} of {len(golden)} queries")
    expect(page.locator(OPEN).first).to_have_text(fitting[0])
    drawn = rows(page)
    assert drawn == fitting[: len(drawn)]
    page.click("text=Clear")
    expect(page.locator("#shown")).to_have_text("198 queries")
    kind = golden[0]["type"]
    count = sum(row["type"] == kind for row in golden)
    page.select_option("#filter-slice", label=f"{kind} ({count})")
    expect(page.locator("#shown")).to_have_text(f"{count} of {len(golden)} queries")


def chip(page: Any, key: str) -> Any:
    return page.locator(f'.chip[data-key="{key}"]')


def values_of(shop: Path, arm: int) -> list[float]:
    """The values of the page's metric, as the evaluation has them."""
    from ragbench.comparison.references import read_references

    return [float(value) for value in read_references((str(shop.parent / "run"),))[arm].scores.column("ndcg@10")]


def test_chips_agree_with_the_verdict_and_the_scores(shop: Path, watched: Open) -> None:
    page = watched(shop).page
    row = page.locator("#leaderboard .board tbody tr").filter(has_text="stem=false")
    cells = row.locator("td").all_inner_texts()
    page.select_option("#filter-a", "0")
    page.select_option("#filter-b", "1")
    wins, ties, losses = (int(part) for part in next(cell for cell in cells if cell.count("/") == 2).split("/"))
    first, second = values_of(shop, 0), values_of(shop, 1)
    expected = {
        "b-better": wins, "a-better": losses, "differ": wins + losses,
        "only-a": sum(x > 0 and y == 0 for x, y in zip(first, second, strict=True)),
        "only-b": sum(y > 0 and x == 0 for x, y in zip(first, second, strict=True)),
        "failed-b": sum(y == 0 for y in second),
    }  # fmt: skip
    assert ties + wins + losses == sum(x == x and y == y for x, y in zip(first, second, strict=True))
    assert all(expected.values())
    for key, count in expected.items():
        assert chip(page, key).locator(".count").inner_text() == str(count)
        chip(page, key).click()
        expect(chip(page, key)).to_have_attribute("aria-pressed", "true")
        expect(page.locator("#shown")).to_have_text(f"{count} of 198 queries")


def test_failures_come_first_and_open_the_panel(shop: Path, watched: Open) -> None:
    seen = watched(shop)
    page = seen.page
    assert page.locator("#failures").bounding_box()["y"] < 900
    lists = page.locator(".failure")
    best = page.locator("#leaderboard .board tbody tr").first.locator("th").inner_text().split()[0]
    names = ["bm25", "bm25:stem=false", "bm25:b=0.2"]
    lowest = lists.first.locator(".value").all_inner_texts()
    values = sorted(value for value in values_of(shop, names.index(best)) if value == value)
    assert [float(text) for text in lowest] == [round(value, 3) for value in values[:5]]
    link = lists.first.locator("a").first
    text = link.inner_text()
    link.click()
    expect(page.locator("#panel:not([hidden]) #query-title")).to_have_text(text)
    assert page.is_visible("#leaderboard")
    page.locator(".failure button[data-chip]").first.click()
    expect(chip(page, "failed-b")).to_have_attribute("aria-pressed", "true")
    assert seen.errors == []


def test_a_cell_says_the_first_relevant_rank(shop: Path, watched: Open) -> None:
    page = watched(shop).page
    page.fill("#filter-text", "two-man tent below 2 kilos")
    cell = page.locator("#table tbody td[data-arm]").first
    cell.hover()
    lines = (shop.parent / "run" / "runs" / "bm25.trec").read_text("utf-8").split("\n")
    rank = next(line.split()[3] for line in lines if line.startswith("q002 Q0 P001 "))
    expect(page.locator("#tip")).to_have_text(f"bm25: ndcg@10 {cell.inner_text()}; first relevant at rank {rank}")
    assert re.search(r"\bs[0-6]\b", cell.get_attribute("class"))


def test_tabs_show_one_metric_by_cutoff(shop: Path, watched: Open) -> None:
    page = watched(shop).page
    tabs = page.locator('.tabs [role="tab"]')
    assert tabs.count() >= 3
    assert page.locator(".tab:visible").count() == 1
    tabs.first.focus()
    page.keyboard.press("ArrowRight")
    expect(tabs.nth(1)).to_have_attribute("aria-selected", "true")
    expect(page.locator(".tab").nth(1)).to_be_visible()
    expect(page.locator(".tab").first).to_be_hidden()


def test_sorting_by_value_and_by_text(shop: Path, watched: Open) -> None:
    page = watched(shop).page
    page.click('#table [data-sort="0"]')
    heading = page.locator('#table th:has([data-sort="0"])')
    expect(heading).to_have_attribute("aria-sort", "descending")
    values = [float(text) for text in page.locator("#table tbody tr td.figure:nth-child(4)").all_inner_texts()[:15]]
    assert values == sorted(values, reverse=True)
    page.click('#table [data-sort="0"]')
    expect(heading).to_have_attribute("aria-sort", "ascending")
    expect(page.locator("#said")).to_have_text("Sorted by bm25, ascending")
    lowest = [float(text) for text in page.locator("#table tbody tr td.figure:nth-child(4)").all_inner_texts()[:5]]
    assert lowest == [0.0] * 5
    page.click('#table [data-sort="id"]')
    expect(page.locator("#table tbody td.id").first).to_have_text("q001")


def test_rows_come_and_go_in_order_while_the_grid_scrolls(shop: Path, watched: Open) -> None:
    page = watched(shop).page
    ids = [f"q{number:03}" for number in range(1, 199)]
    height = page.evaluate("document.getElementById('table').scrollHeight")
    for top in (200, 700, 1_100, 5_000, 4_700, 4_300, 0):
        page.evaluate("(top) => { document.getElementById('table').scrollTop = top; }", top)
        seen = page.evaluate("""() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
          const box = document.getElementById("table"), { top, bottom } = box.getBoundingClientRect();
          const rows = [...box.querySelectorAll("tr[data-query]")].map((tr) => [
            Number(tr.getAttribute("aria-rowindex")), tr.querySelector(".id").textContent, tr.getBoundingClientRect()]);
          done({ rows: rows.map(([at, id]) => [at, id]), height: box.scrollHeight,
            first: rows[0][2].top - top, last: rows.at(-1)[2].bottom - bottom });
        })))""")
        at = [index for index, _ in seen["rows"]]
        assert at == list(range(at[0], at[-1] + 1)), top
        assert [id_ for _, id_ in seen["rows"]] == ids[at[0] - 2 : at[-1] - 1], top
        assert len(at) < 80
        assert seen["height"] == pytest.approx(height, abs=2)
        assert seen["first"] <= 60, top
        assert seen["last"] >= -60, top


def test_panel_shows_evidence_and_each_text_once(shop: Path, watched: Open) -> None:
    seen = watched(shop)
    page = seen.page
    page.fill("#filter-text", "two-man tent below 2 kilos")
    expect(page.locator("#shown")).to_have_text("1 of 198 queries")
    expect(page.locator(OPEN)).to_have_count(1)
    page.locator(OPEN).click()
    panel = page.locator("#panel:not([hidden])")
    names = ["bm25", "bm25:stem=false", "bm25:b=0.2"]
    ranks = panel.get_by_role("table", name="Rankings of the systems")
    expect(ranks.locator("thead th")).to_have_text(["rank", *names])
    evidence = panel.locator(".evidence-list mark").inner_text()
    assert evidence == "Two people, three seasons, 1.9 kg on the scale with every peg in the bag."
    found = panel.locator(".ranked.relevant").first
    assert found.locator("mark.evidence").inner_text() == evidence
    panel.get_by_text("Show all 20 ranks").click()
    seen_items = set()
    for at, name in enumerate(names):
        file = shop.parent / "run" / "runs" / f"{name.replace(':', '_')}.trec"
        ranked = [line.split()[2] for line in file.read_text("utf-8").split("\n") if line.startswith("q002 ")][:20]
        column = ranks.locator(f"tbody tr td:nth-child({at + 2}) .item")
        assert column.all_inner_texts() == ranked
        seen_items |= set(ranked)
    cards = panel.locator(".ranking .ranked .line > .item").all_text_contents()
    assert sorted(cards) == sorted(seen_items)
    # An item leads to its text, also from below the first ranks.
    last = ranks.locator("tbody tr").last.locator("button").first
    item = last.locator(".item").inner_text()
    last.click()
    assert page.evaluate("document.activeElement.querySelector('.item').textContent") == item
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    assert page.evaluate("document.activeElement.className") == "open"
    assert seen.errors == []


def test_keyboard_alone_opens_and_walks(shop: Path, watched: Open) -> None:
    page = watched(shop).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.locator("button.open").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    third = page.evaluate("document.activeElement.textContent")
    assert third == rows(page)[2]
    page.keyboard.press("End")
    assert page.evaluate("document.activeElement.closest('tr').getAttribute('aria-rowindex')") == "199"
    page.keyboard.press("Enter")
    page.wait_for_selector("#panel:not([hidden])")
    assert page.locator("#panel .buttons button").nth(1).is_disabled()
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile("#q=q197$"))
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.closest('tr').getAttribute('aria-rowindex')") == "198"


def test_address_of_a_query_opens_it(shop: Path, watched: Open) -> None:
    page = watched(shop).page
    page.goto(shop.resolve().as_uri() + "#q=q010")
    page.reload()
    page.wait_for_selector("#panel:not([hidden])")
    assert page.inner_text("#panel .query-top p").startswith("q010")


def test_address_that_changes_opens_another_query(shop: Path, watched: Open) -> None:
    page = watched(shop).page
    for wanted in ("q010", "q011"):
        page.evaluate("(id) => { location.hash = 'q=' + id; }", wanted)
        expect(page.locator("#panel .query-top p")).to_have_text(re.compile(f"^{wanted}"))
    page.evaluate("location.hash = 'q=%'")
    assert page.locator("#panel:not([hidden])").count() == 1


@pytest.mark.slow
def test_one_query_and_many_systems(ragbench: Any, watched: Open, tmp_path: Path) -> None:
    """The query stays legible beside twelve columns, and one query is called so."""
    documents = [{"id": f"d{n}", "text": f"the {word} stone is grey"} for n, word in enumerate(("big", "old", "wet"))]
    golden = [{"id": "q", "text": "which stone is the wet one", "evidence": [{"document_id": "d2"}]}]
    for name, lines in (("corpus.jsonl", documents), ("golden.jsonl", golden)):
        (tmp_path / name).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    files = ("--corpus", tmp_path / "corpus.jsonl", "--golden", tmp_path / "golden.jsonl")
    names = [f"bm25:k1={k},b={b},stem=false" for k in (0.5, 1.0, 1.5) for b in (0.1, 0.4, 0.7, 1.0)]
    arms = [word for name in names for word in ("--retriever", name)]
    assert ragbench("eval", *files, *arms, "--level", "document", "--out", tmp_path / "run").code == 0
    assert ragbench("report", tmp_path / "run", *files, "--out", tmp_path / "report.html").code == 0
    seen = watched(tmp_path / "report.html")
    page = seen.page
    assert page.inner_text("#shown") == "1 query"
    assert "[-" not in page.inner_text("#leaderboard")
    assert page.locator("#table button.open").bounding_box()["width"] > 200
    assert page.locator("#table").bounding_box()["height"] < 200
    heads = page.locator("#table thead .figure:not(.change) .name")
    assert heads.all_text_contents() == names
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    assert seen.errors == []


@pytest.mark.slow
def test_lengths_are_neither_better_nor_fractions(ragbench: Any, watched: Open, tmp_path: Path) -> None:
    golden = [{"id": f"q{n}", "text": f"Stone {n}?", "answer": "Grey."} for n in range(3)]
    (tmp_path / "golden.jsonl").write_text("".join(json.dumps(row) + "\n" for row in golden), encoding="utf-8")
    for name, words in (("short", 8), ("long", 21)):
        rows_ = [{"query_id": row["id"], "query": row["text"], "answer": "grey " * words} for row in golden]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows_), encoding="utf-8")
        scored = ragbench(
            "score", tmp_path / f"{name}.jsonl", "--golden", tmp_path / "golden.jsonl", "--metric", "length",
            "--out", tmp_path / "scores" / name,
        )  # fmt: skip
        assert scored.code == 0, scored.err
    folders = (tmp_path / "scores" / "short", tmp_path / "scores" / "long")
    done = ragbench("report", *folders, "--out", tmp_path / "report.html")
    assert done.code == 0, done.err
    page = watched(tmp_path / "report.html").page
    board = page.inner_text("#leaderboard")
    assert "21.0 [" in board  # All lengths are equal, but an interval is never a point.
    assert "best mean" not in board
    assert page.locator("#table tr[data-query]").first.locator(".figure").all_inner_texts() == ["8", "21", "−13"]
    assert page.locator("#table .up, #table .down").count() == 0
    assert chip(page, "b-better").inner_text().startswith("B higher")
    assert chip(page, "failed").count() == 0


@pytest.mark.slow
def test_dark_mode_by_the_system_and_by_hand(shop: Path, watched: Open) -> None:
    dark = watched(shop, color_scheme="dark")
    dark.charts_drawn()
    assert dark.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 24, 29)"
    assert dark.page.locator("figure.chart").first.get_attribute("data-drawn") == "dark"
    dark.page.click("#theme")
    assert dark.page.inner_text("#theme") == "Theme: light"
    assert dark.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    dark.page.wait_for_selector('figure[data-chart="0"][data-drawn="light"]')
    dark.page.reload()
    dark.page.wait_for_selector("html[data-ready]")
    assert dark.page.inner_text("#theme") == "Theme: light"
    assert dark.errors == []


@pytest.mark.parametrize("width", [390, *(pytest.param(width, marks=pytest.mark.slow) for width in (1280, 1920))])
def test_page_is_never_wider_than_the_screen(shop: Path, watched: Open, width: int) -> None:
    seen = watched(shop, viewport={"width": width, "height": 800})
    seen.charts_drawn()
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
    seen.page.locator("button.open").first.click()
    assert seen.page.evaluate("document.getElementById('panel').scrollWidth") <= width


@pytest.mark.slow
def test_hostile_text_stays_text(hostile: Path, watched: Open) -> None:
    seen = watched(hostile)
    page = seen.page
    seen.charts_drawn()
    assert page.title() == HOSTILE[0]
    assert page.inner_text("h1") == HOSTILE[0]
    for number, text in enumerate(HOSTILE):
        page.fill("#filter-text", f"q{number}")
        expect(page.locator("#shown")).to_have_text(f"1 of {len(HOSTILE)} queries")
        expect(page.locator(OPEN)).to_have_count(1)
        page.locator(OPEN).click()
        dialog = page.locator("#panel:not([hidden])")
        assert dialog.locator("#query-title").text_content() == in_lines(f"{text} common")
        marks = dialog.locator(".ranked.relevant").first.locator("mark.evidence")
        assert "".join(marks.all_text_contents()) == in_lines(text)
        page.keyboard.press("Escape")
    assert page.evaluate("window.hit") is None
    assert page.locator("img, [onload], [onerror], [onmouseover]").count() == 0
    assert page.locator("h1").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    assert seen.errors == []
    assert seen.asked == [hostile.resolve().as_uri()]


EXPRESSIONS = ("datum.x", "{{ 7 * 7 }}", "signal:alert(1)", "a.b[c]['d']", "'];window.hit=7;//", "\\u002e", "a\\.b")
"""Names that Vega could take for expressions, signals or paths of fields."""
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2028\u2066-\u2069\ud800-\udfff\ufeff]")


@pytest.mark.slow
def test_twenty_thousand_hostile_queries_open_without_an_error(ragbench: Any, watched: Open, tmp_path: Path) -> None:
    """Texts of queries, types and documents that aim at the page, its charts and its reader; one document has 1 MB."""
    texts = [
        *HOSTILE,
        *EXPRESSIONS,
        "\x1b]52;c;aGk=\x07\x1b[2J",
        "a\x00b",
        "\ud800half",
        "\u2028line\u2029",
        "\u2066\ufeff",
    ]
    count = 20_000
    documents = [{"id": f"d{at}", "title": text, "text": f"{text} common {at}"} for at, text in enumerate(texts)]
    documents[0]["text"] += " long" * 200_000
    queries = [
        {"id": f"q{at} {texts[at % len(texts)][:30]}", "text": f"{texts[at % len(texts)]} common {at}",
         "type": texts[at % len(texts)][:40], "evidence": [{"document_id": f"d{at % len(texts)}", "grade": 1}]}
        for at in range(count)
    ]  # fmt: skip
    for name, lines in (("corpus.jsonl", documents), ("golden.jsonl", queries)):
        (tmp_path / name).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    files = ("--corpus", tmp_path / "corpus.jsonl", "--golden", tmp_path / "golden.jsonl")
    arms = ("--retriever", "bm25", "--retriever", "bm25:stem=false", "--resamples", 200)
    done = ragbench("eval", *files, *arms, "--level", "document", "--out", tmp_path / "run")
    assert done.code == 0, done.err
    page = tmp_path / "report.html"
    assert ragbench("report", tmp_path / "run", *files, "--out", page).code == 0
    assert page.stat().st_size < 4_000_000
    seen = watched(page)
    assert seen.charts_drawn() > 3
    drawn = seen.page.locator("figure.chart text").all_text_contents()
    slices = seen.page.locator("#slices tbody th").all_text_contents()
    for text in EXPRESSIONS:
        assert text in slices
    seen.page.fill("#filter-text", f"q{count - 1}")
    expect(seen.page.locator("#shown")).to_have_text(f"1 of {count:,} queries")
    seen.page.locator(OPEN).first.click()
    expect(seen.page.locator("#panel:not([hidden]) #query-title")).to_be_visible()
    assert not UNSEEN.findall(seen.page.evaluate("document.body.innerText"))
    assert not UNSEEN.findall("".join(drawn))
    assert seen.page.evaluate("window.hit") is None
    assert seen.errors == []
    assert seen.asked == [page.resolve().as_uri()]


@pytest.mark.slow
def test_claims_are_coloured_by_support(answered: Path, watched: Open) -> None:
    seen = watched(answered)
    page = seen.page
    page.locator("button.open").nth(2).click()
    answer = page.locator("#panel:not([hidden]) .answered")
    assert answer.locator("p.answer").inner_text() == "Stone 2 is grey [2]. Stone 2 is red."
    assert answer.locator("mark.supported").inner_text() == "Stone 2 is grey [2]."
    assert answer.locator("mark.contradicted").inner_text() == "Stone 2 is red."
    assert "faithfulness" in answer.locator(".statements summary").inner_text()
    said = answer.locator(".statements li").all_inner_texts()
    assert "✓ supported Stone 2 is grey. (supported by <s1>)" in said[0]
    assert "✗ contradicted Stone 2 is red. (contradicted by <s1>)" in said[1]
    colours = [page.evaluate("(name) => getComputedStyle(document.querySelector(name)).backgroundColor", name)
               for name in ("#panel mark.supported", "#panel mark.contradicted")]  # fmt: skip
    assert colours[0] != colours[1]
    answer.locator("text=2 sources it was shown").click()
    assert answer.locator(".sources .passage").all_inner_texts() == [
        "Rain falls on 2.",
        "Stone 2 is grey. Stone 2 is not red.",
    ]
    assert seen.errors == []


@pytest.mark.slow
def test_print_shows_queries_on_white(shop: Path, watched: Open) -> None:
    seen = watched(shop, color_scheme="dark")
    seen.charts_drawn()
    content = seen.page.pdf()
    assert content.startswith(b"%PDF")
    seen.page.emulate_media(media="print")
    assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not seen.page.is_visible("#filters")
    assert seen.page.evaluate("getComputedStyle(document.querySelector('figure.chart svg')).filter").startswith(
        "invert"
    )


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_violation_of_accessibility(shop: Path, watched: Open, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python")
    seen = watched(shop, color_scheme=scheme, bypass_csp=True)
    seen.charts_drawn()
    found = axe.Axe().run(seen.page).response["violations"]
    seen.page.locator("button.open").nth(1).click()
    seen.page.wait_for_selector("#panel:not([hidden])")
    found += axe.Axe().run(seen.page).response["violations"]
    bad = [(one["id"], one["impact"], one["nodes"][0]["html"][:200], len(one["nodes"])) for one in found]
    assert [one for one in bad if one[1] in ("serious", "critical")] == []
