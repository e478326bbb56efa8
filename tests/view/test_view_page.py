"""The viewer in a real browser."""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path += [str(Path(__file__).resolve().parent.parent / "models")]
from stream_server import DROP, Streaming, streaming

from ragbench.core.foreign import in_lines

playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")

SHOP = Path(__file__).resolve().parents[2] / "datasets" / "shop"
CATALOG = SHOP / "product_catalog.csv"
HOSTILE = [
    "<script>window.hit = 1</script>",
    '<img src=x onerror="window.hit = 2">',
    '<svg onload="window.hit = 3"><text>x</text></svg>',
    "</script></textarea></title><h1>owned</h1>",
    "event: done\n\ndata: {}\n\n{{ 7 * 7 }}",
    "W" * 2_500,
    "\u202eright to left\u202c שלום עולם",
    "👩‍👩‍👧‍👦 family 🏳️‍🌈 \U0001f600",
]


def id_of(text: str) -> str:
    return " ".join(text[:25].split())


class Seen:
    """A page, with everything it asked for and complained of."""

    def __init__(self, browser: Any, viewer: Any, **options: object) -> None:
        self.base = viewer.base
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.page = self.context.new_page()
        self.asked: list[str] = []
        self.errors: list[str] = []
        self.context.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda line: self.errors.append(line.text) if line.type == "error" else None)
        self.go(viewer.address)

    def go(self, path: str) -> None:
        self.page.goto(path if path.startswith("http") else self.base + path)
        self.page.wait_for_selector("html[data-ready]")

    def outside(self) -> list[str]:
        return [url for url in self.asked if not url.startswith((self.base + "/", "data:"))]

    def ask(self, question: str) -> None:
        self.page.fill("#question", question)
        self.page.press("#question", "Enter")
        self.page.wait_for_selector("#result[data-done]")


@pytest.fixture
def see(browser: Any) -> Iterator[Callable[..., Seen]]:
    opened: list[Seen] = []

    def begin(viewer: Any, **options: object) -> Seen:
        opened.append(Seen(browser, viewer, **options))
        return opened[-1]

    yield begin
    for one in opened:
        one.context.close()


@pytest.fixture
def shop(start: Any, runs: Path, golden: Path) -> Any:
    viewer = start(runs, "--corpus", CATALOG, "--golden", golden)
    viewer.table = golden.parent / "shop.review.csv"
    return viewer


@pytest.fixture
def hostile(start: Any, ragbench: Any, tmp_path: Path) -> Any:
    documents = [{"id": f"d{i} {id_of(text)}", "title": text, "text": f"{text} common words here"}
                 for i, text in enumerate(HOSTILE)]  # fmt: skip
    rows = [{"id": f"q{i} {id_of(text)}", "text": f"{text} common", "type": text[:40],
             "evidence": [{"document_id": f"d{i} {id_of(text)}"}]} for i, text in enumerate(HOSTILE)]  # fmt: skip
    for name, lines in (("corpus.jsonl", documents), ("golden.jsonl", rows)):
        (tmp_path / name).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    files = ("--corpus", tmp_path / "corpus.jsonl", "--golden", tmp_path / "golden.jsonl")
    out = tmp_path / "runs" / "<img src=x onerror=alert(1)>"
    done = ragbench("eval", *files, "--retriever", "bm25", "--level", "document", "--out", out)
    assert done.code == 0, done.err
    return start(tmp_path / "runs", *files)


def rows(path: Path) -> dict[str, dict[str, str]]:
    return {row["id"]: row for row in csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline=""))}


@pytest.mark.slow
def test_choose_compare_open_a_query_and_decide(shop: Any, see: Any) -> None:
    seen = see(shop)
    page = seen.page
    assert page.url == shop.base + "/"
    assert page.locator(".run.broken").count() == 3
    assert page.locator("#compare").is_disabled()
    for box in page.locator('input[name="runs"]').all():
        box.check()
    page.click("#compare")
    inside = page.frame_locator("#page")
    inside.locator("html[data-ready]").wait_for()
    assert inside.locator("#leaderboard .board tbody tr").count() == 3
    inside.locator('figure[data-chart="0"][data-drawn] svg').wait_for()
    inside.locator("body").evaluate("() => { location.hash = '#q=q002'; }")
    inside.locator("#panel:not([hidden])").wait_for()
    page.wait_for_selector("#mark:text-is('Review q002')")
    page.click("#mark")
    page.wait_for_selector("#review[open]")
    assert page.inner_text("#review-title") == "two-man tent below 2 kilos"
    page.check("text=edit its text")
    page.click("#review button[type=submit]")
    page.wait_for_selector("#review-fault:has-text('the text is that of the query')")
    page.fill("#edited", "tent for two under 2 kg")
    page.fill("#comment", "shorter")
    page.click("#review button[type=submit]")
    page.wait_for_selector("#review", state="hidden")
    row = rows(shop.table)["q002"]
    assert (row["decision"], row["edited_text"], row["comment"]) == ("edit", "tent for two under 2 kg", "shorter")
    # A refused decision is told on the page, and Chromium notes the reply's status too.
    assert [error for error in seen.errors if "422" not in error] == []
    assert seen.outside() == []


@pytest.mark.slow
def test_address_with_a_bare_percent_is_read_as_it_was_typed(shop: Any, see: Any) -> None:
    seen = see(shop)
    key = seen.page.locator('input[name="runs"]').first.get_attribute("value")
    seen.go(f"/report?runs={key}#q=100%")
    seen.page.wait_for_selector("#mark:text-is('Review 100%')")
    seen.go(f"/queries?run={key}#q=100%")
    assert seen.errors == []


@pytest.mark.slow
def test_query_list_searches_marks_and_leads_to_the_report(shop: Any, see: Any) -> None:
    seen = see(shop)
    page = seen.page
    page.click('[aria-label="Queries of first"]')
    page.wait_for_selector("#list li")
    assert page.inner_text("#shown") == "198 queries, 0 in review"
    assert page.locator("#list li").count() == 50
    page.click("#more")
    assert page.locator("#list li").count() == 100
    page.select_option("#sort", "apart")
    page.fill("#filter", "q010")
    page.locator("#list button").first.press("Enter")
    page.wait_for_selector("#review[open]")
    page.keyboard.press("Tab")
    page.locator('#review input[value="marked"]').press("ArrowRight")
    assert page.locator('#review input[value="accept"]').is_checked()
    page.select_option("#grade", "2")
    page.click("#review button[type=submit]")
    page.wait_for_selector("#list .tag.accept")
    assert page.evaluate("document.activeElement.className") == "query"
    assert rows(shop.table)["q010"]["grade"] == "2"
    page.reload()
    page.wait_for_selector("#list .tag.accept, #list li")
    page.select_option("#state", "done")
    assert page.locator("#list li .item").all_inner_texts() == ["q010"]
    page.click("#list a")
    inside = page.frame_locator("#page")
    inside.locator("#panel:not([hidden])").wait_for()
    assert inside.locator("#panel .query-top p").inner_text().startswith("q010")
    assert seen.errors == []


@pytest.mark.slow
def test_items_are_graded_by_keys_beside_the_evidence(shop: Any, see: Any) -> None:
    seen = see(shop)
    page = seen.page
    page.click('[aria-label="Queries of first"]')
    page.wait_for_selector("#list li")
    page.locator("#list button").nth(1).click()
    page.wait_for_selector('#review[data-shown="q002"]')
    # The panel is beside the list, which stays usable.
    list_, panel = page.locator("main").bounding_box(), page.locator("#review").bounding_box()
    assert list_["x"] + list_["width"] <= panel["x"] + 1
    assert "1.9 kg on the scale" in page.inner_text("#review-evidence")
    item = page.locator("#review-items li:has(.tag:text-is('unjudged'))").first
    place = int(item.evaluate("one => [...one.parentNode.children].indexOf(one)"))
    for _ in range(place + 1):
        page.keyboard.press("j")
    page.keyboard.press("2")
    assert item.locator('[aria-pressed="true"]').inner_text() == "2"
    assert page.is_checked('#review input[value="accept"]')
    page.keyboard.press("n")
    page.wait_for_selector('#review[data-shown="q003"]')
    row = rows(shop.table)["q002"]
    assert row["decision"] == "accept"
    assert row["labels"].startswith("2 P")
    page.keyboard.press("r")
    page.keyboard.press("Escape")
    page.wait_for_selector("#review", state="hidden")
    assert list(rows(shop.table)) == ["q002"]
    page.locator("#list button").nth(1).click()
    page.wait_for_selector('#review[data-shown="q002"]')
    assert item.locator('[aria-pressed="true"]').inner_text() == "2"
    assert seen.errors == []


def test_upload_ask_and_see_it_stream(shop: Any, see: Any) -> None:
    seen = see(shop)
    page = seen.page
    page.click("text=Playground")
    page.wait_for_selector("html[data-ready]")
    page.evaluate("""() => {
      window.order = [];
      const note = (name) => { if (!window.order.includes(name)) window.order.push(name); };
      new MutationObserver(() => {
        if (document.querySelector('#sources li')) note('sources');
        if (document.querySelector('#answer p')) note('answer');
        if (document.getElementById('kind').textContent) note('done');
      }).observe(document.getElementById('result'), { childList: true, subtree: true });
    }""")
    seen.ask("Which tent is for two people?")
    assert set(page.evaluate("window.order")) == {"sources", "answer", "done"}
    assert page.locator("#sources li").count() == 5
    assert {text.lower() for text in page.locator("#sources mark").all_inner_texts()} <= {
        "tent",
        "tents",
        "two",
        "people",
    }
    assert page.inner_text("#kind").startswith("Extract: ")
    page.set_input_files("#upload", [
        {"name": "zebra.md", "mimeType": "text/markdown", "buffer": b"# Zoo\n\nThe zebra Zuri lives in the paddock."},
        {"name": "no.exe", "mimeType": "application/octet-stream", "buffer": b"MZ"},
    ])  # fmt: skip
    page.wait_for_selector("#uploads li")
    assert "only text, Markdown, HTML, PDF" in page.inner_text("#upload-faults")
    assert page.input_value("#corpus") == "-1"
    seen.ask("Where does the zebra live?")
    assert "Zuri" in page.inner_text("#answer")
    page.locator("#answer a").first.click()
    assert page.evaluate("document.querySelector(':target').id") == "source-1"
    other = see(shop)
    other.go("/playground")
    other.page.select_option("#corpus", "-1")
    other.ask("Where does the zebra live?")
    assert "no files here yet" in other.page.inner_text("#fault")
    page.click("#clear")
    page.wait_for_selector("#uploads li", state="detached")
    assert [error for error in seen.errors if "422" not in error] == []
    assert seen.outside() == other.outside() == []


@pytest.mark.slow
def test_two_retrievers_answer_side_by_side(start: Any, tmp_path: Path, see: Any) -> None:
    seen = see(start(tmp_path, "--corpus", CATALOG, "--retriever", "bm25", "--retriever", "bm25:stem=false"))
    seen.go("/playground")
    page = seen.page
    page.select_option("#retriever-2", "1")
    seen.ask("cheap tents for campers")
    assert page.locator("#side-title, #side-title-2").all_inner_texts() == ["bm25", "bm25:stem=false"]
    lists = [page.locator(f"#{name} .item").all_inner_texts() for name in ("sources", "sources-2")]
    assert lists[0] != lists[1]
    alone = [page.locator(f"#{name} li:has(.tag) .item").all_inner_texts() for name in ("sources", "sources-2")]
    assert alone == [[one for one in mine if one not in other] for mine, other in (lists, lists[::-1])]
    left, right = page.locator("#side").bounding_box(), page.locator("#side-2").bounding_box()
    assert left["x"] + left["width"] <= right["x"]
    page.locator("#answer-2 a").first.click()
    assert page.evaluate("document.querySelector(':target').closest('#side-2') !== null")
    page.select_option("#retriever-2", "")
    seen.ask("cheap tents for campers")
    assert page.locator("#side-2").is_hidden()
    assert page.locator("#sources li .tag").count() == 0
    assert seen.errors == []


WATCH = """() => {
  window.seen = [];
  const answer = document.getElementById('answer');
  new MutationObserver(() => {
    const now = [answer.textContent, answer.getAttribute('aria-busy'), document.getElementById('stop').hidden];
    if (now[0] && JSON.stringify(now) !== JSON.stringify(window.seen.at(-1))) window.seen.push(now);
  }).observe(document.getElementById("result"),
             { childList: true, subtree: true, characterData: true, attributes: true });
}"""


def model(server: Streaming) -> tuple[str, ...]:
    return ("--corpus", str(CATALOG), "--llm", "openai_compatible:small", "--base-url", server.url)


@pytest.mark.slow
def test_answer_is_seen_while_it_is_written_as_text_with_links_to_its_sources(
    start: Any, tmp_path: Path, see: Any
) -> None:
    steps = ["Two: <img src=x ", 0.3, 'onerror="window.hit=1"> [1', 0.3, "] and [2, 99] or [a](javascript:1)."]
    with streaming(Streaming(lambda body, times: steps)) as server:
        seen = see(start(tmp_path, *model(server)))
        seen.go("/playground")
        page = seen.page
        page.evaluate(WATCH)
        seen.ask("Which tent is for two people?")
    whole = "".join(step for step in steps if isinstance(step, str))
    states = page.evaluate("window.seen")
    texts = list(dict.fromkeys(text for text, _, _ in states))
    assert len(texts) == 3
    assert all(whole.startswith(text) for text in texts)
    assert texts[-1] == whole
    # Held back from screen readers until it is whole; it can be stopped until then.
    assert {(busy, hidden) for text, busy, hidden in states if text != whole} == {("true", False)}
    assert states[-1][1] is None
    assert page.locator("#answer").get_attribute("aria-live") == "polite"
    assert page.locator("#answer a").evaluate_all("all => all.map(one => [one.textContent, one.hash])") == [
        ["1", "#source-1"],
        ["2", "#source-2"],
    ]
    assert page.inner_text("#kind").startswith("Written by openai_compatible:small from these sources.")
    assert "cites [99] of 5 sources" in page.inner_text("#kind")
    assert page.locator("#answer img").count() == 0
    assert page.evaluate("window.hit") is None
    assert seen.errors == []


@pytest.mark.slow
def test_stop_ends_the_answer_at_the_model_and_keeps_what_arrived(start: Any, tmp_path: Path, see: Any) -> None:
    slow = ["first words ", *(step for _ in range(200) for step in ("more ", 0.1))]
    with streaming(Streaming(lambda body, times: ["Half of", 0.2, DROP] if times else slow)) as server:
        seen = see(start(tmp_path, *model(server)))
        seen.go("/playground")
        page = seen.page
        page.fill("#question", "tent")
        page.press("#question", "Enter")
        page.wait_for_selector("#answer:has-text('first words')")
        assert page.inner_text("#stage") == "openai_compatible:small is writing …"
        page.focus("#stop")
        page.keyboard.press("Enter")
        page.wait_for_selector("#result[data-done]")
        assert page.inner_text("#stage") == "Stopped."
        assert "first words" in page.inner_text("#answer")
        assert page.inner_text("#kind") == "The answer above is incomplete."
        assert page.evaluate("document.activeElement.id") == "send"
        page.wait_for_timeout(1500)
        assert len(server.gone) == 1
        seen.ask("tent")
        assert page.inner_text("#answer") == "Half of"
        assert "broke off after 7 characters" in page.inner_text("#fault")
        assert page.inner_text("#kind") == "The answer above is incomplete."
    assert seen.errors == []


@pytest.mark.slow
def test_dark_mode_is_shared_with_the_report(shop: Any, see: Any) -> None:
    seen = see(shop, color_scheme="dark")
    colour = "getComputedStyle(document.body).backgroundColor"
    assert seen.page.evaluate(colour) == "rgb(21, 24, 29)"
    seen.page.click("#theme")
    assert seen.page.evaluate(colour) == "rgb(255, 255, 255)"
    seen.page.click('[aria-label="Report of first"]')
    inside = seen.page.frame_locator("#page")
    inside.locator("html[data-ready]").wait_for()
    assert inside.locator("#theme").inner_text() == "Theme: light"
    inside.locator("#theme").click()
    seen.page.wait_for_selector('html[data-theme="dark"]')
    assert seen.page.evaluate(colour) == "rgb(21, 24, 29)"
    assert seen.errors == []


@pytest.mark.slow
def test_hostile_text_stays_text(hostile: Any, see: Any) -> None:
    seen = see(hostile)
    page = seen.page
    page.click(".links >> text=Queries")
    page.wait_for_selector("#list li")
    texts = [f"{text} common" for text in HOSTILE]
    assert page.locator("#list button").evaluate_all("all => all.map(one => one.textContent)") == [
        *map(in_lines, texts)
    ]
    for number, text in enumerate(texts):
        page.locator("#list button").nth(number).click()
        assert page.locator("#review-title").evaluate("one => one.textContent") == in_lines(text)
        page.check('#review input[value="reject"]')
        page.fill("#comment", text)
        page.click("#review button[type=submit]")
        page.wait_for_selector("#review", state="hidden")
    page.reload()
    page.wait_for_selector("#list .tag.reject")
    assert page.locator("#list .tag.reject").count() == len(HOSTILE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    seen.go("/playground")
    page.select_option("#k", "20")
    page.set_input_files("#upload", [{"name": '<img src=x onerror="window.hit=9">.txt', "mimeType": "text/plain",
                                      "buffer": "\n".join(HOSTILE).encode()}])  # fmt: skip
    page.wait_for_selector("#uploads li")
    page.select_option("#corpus", "0")
    seen.ask("common <script>window.hit = 7</script>")
    shown = page.locator("#sources .passage").evaluate_all("all => all.map(one => one.textContent)")
    assert sorted(shown) == sorted(in_lines(f"{text} common words here") for text in HOSTILE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    page.select_option("#corpus", "-1")
    seen.ask("family")
    assert page.evaluate("window.hit") is None
    assert page.locator("img, svg, [onload], [onerror]").count() == 0
    assert seen.errors == []
    assert seen.outside() == []


@pytest.mark.parametrize("width", [390, pytest.param(1920, marks=pytest.mark.slow)])
def test_pages_are_never_wider_than_the_screen(shop: Any, see: Any, width: int) -> None:
    seen = see(shop, viewport={"width": width, "height": 800})
    page = seen.page
    pages = ["/", page.get_attribute('[aria-label="Queries of first"]', "href"), "/playground",
             page.get_attribute('[aria-label="Report of first"]', "href")]  # fmt: skip
    for path in pages:
        seen.go(path)
        if path == "/playground":
            seen.ask("tent for two")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_violation_of_accessibility(shop: Any, see: Any, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python")
    seen = see(shop, color_scheme=scheme, bypass_csp=True)
    page = seen.page
    found = axe.Axe().run(page).response["violations"]
    queries = page.get_attribute('[aria-label="Queries of first"]', "href")
    seen.go(page.get_attribute('[aria-label="Report of first"]', "href"))
    page.frame_locator("#page").locator("html[data-ready]").wait_for()
    found += axe.Axe().run(page).response["violations"]
    seen.go(queries)
    page.wait_for_selector("#list li")
    found += axe.Axe().run(page).response["violations"]
    page.locator("#list button").first.click()
    page.wait_for_selector("#review[data-shown]")
    found += axe.Axe().run(page).response["violations"]
    seen.go("/playground")
    seen.ask("tent for two")
    found += axe.Axe().run(page).response["violations"]
    seen.go("/report?runs=0")
    bad = [(one["id"], one["impact"], one["nodes"][0]["html"][:200], len(one["nodes"])) for one in found]
    assert [one for one in bad if one[1] in ("serious", "critical")] == []


@pytest.mark.slow
def test_server_that_is_gone_is_told(shop: Any, see: Any) -> None:
    seen = see(shop)
    seen.go("/playground")
    assert shop.stop() == 0
    seen.page.fill("#question", "tent")
    seen.page.click("#send")
    seen.page.wait_for_selector("#result[data-done]")
    assert "does not answer" in seen.page.inner_text("#fault")
