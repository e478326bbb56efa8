"""The documentation site: built without a warning, complete, and nothing in it comes from another host."""

import ast
import itertools
import re
from html import unescape
from html.parser import HTMLParser
from inspect import ismodule
from pathlib import Path

import pytest

import ragbench as rb
from ragbench.core.runs import Run
from ragbench.stats.icc import design_effect
from tests.docs.shown_commands import ROOT

from command_tree import leaves, paragraphs  # isort: skip

pytestmark = pytest.mark.slow
CONCEPTS = ROOT / "docs" / "concepts"
LOADS = {"src", "srcset", "data", "poster", "background", "action"}


class Loaded(HTMLParser):
    """What a page makes a browser fetch; links that a reader follows are none of it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in LOADS or (tag == "link" and name == "href"):
                self.found.append(value or "")


def read(site: Path, page: str) -> str:
    """The text of a page, without tags."""
    return unescape(re.sub(r"<[^>]+>", " ", (site / page).read_text(encoding="utf-8")))


def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 40
    for page in pages:
        parser = Loaded()
        parser.feed(page.read_text(encoding="utf-8"))
        assert parser.found
        assert not [one for one in parser.found if re.match(r"(\w+:)?//", one)], page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", sheet.read_text(encoding="utf-8")), sheet


def test_every_command_stands_there_with_its_options(site: Path) -> None:
    found = list(leaves())
    assert len(found) > 25
    text = read(site, "reference/cli.html")
    for name, command in found:
        assert name in text
        for parameter in command.params:
            if parameter.param_type_name == "option" and not getattr(parameter, "hidden", False):
                for spelling in parameter.opts:
                    assert re.search(rf"(?<![\w-]){spelling}(?![\w-])", text), f"{name} {spelling}"


def test_the_reference_holds_the_help_of_a_command(site: Path) -> None:
    text = " ".join(read(site, "reference/cli.html").split())
    for name, command in leaves():
        assert next(paragraphs(command))[0] in text, name


def test_every_public_name_and_contract_has_an_anchor(site: Path) -> None:
    api = (site / "reference/python.html").read_text(encoding="utf-8")
    values = {name: getattr(rb, name) for name in rb.__all__}
    anchors = {name: value.__name__ if ismodule(value) else f"ragbench.api.{name}" for name, value in values.items()}
    assert not [name for name, anchor in anchors.items() if f'id="{anchor}"' not in api]
    assert all(f'id="ragbench.api.wattbot.{name}"' in api for name in ("run", "score"))
    contracts = (site / "reference/contracts.html").read_text(encoding="utf-8")
    for name in ("retrievers.base.Retriever.index", "metrics.base.Metric", "answers.metrics.base.AnswerMetric",
                 "models.embed.base.Embedder.encode", "models.llm.base.LLM", "testing.check_retriever"):  # fmt: skip
        assert f'id="ragbench.{name}"' in contracts, name
    statistics = (site / "reference/statistics.html").read_text(encoding="utf-8")
    for path in (ROOT / "ragbench" / "stats").glob("[a-z]*.py"):
        assert f'id="ragbench.stats.{path.stem}"' in statistics


def test_links_of_the_pages_lead_to_files_in_the_repository_too() -> None:
    for page in (ROOT / "docs").rglob("*.md"):
        for link in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if "://" not in link:
                assert (page.parent / link).exists(), f"{page.name} links to {link}"


def sources_of(path: Path) -> list[str]:
    """What the docstrings of a file name after ``Source:``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = [tree, *(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef))]
    texts = [ast.get_docstring(node) or "" for node in nodes]
    return [" ".join(text.split("Source:", 1)[1].split()) for text in texts if "Source:" in text]


def test_the_page_on_statistics_names_the_sources_of_the_docstrings() -> None:
    page = " ".join((CONCEPTS / "statistics.md").read_text(encoding="utf-8").split("## Sources")[1].split())
    modules = (ROOT / "ragbench" / "stats").glob("[a-z]*.py")
    named = " ".join(" ".join(sources_of(path)) for path in modules)
    works = re.findall(r"(?:\| |; )([A-Z][^;|]*?) (\d{4})(?=[,; ])", page)
    assert len(works) > 40
    for authors, year in works:
        assert re.search(rf"{re.escape(authors)}\W+{year}", named), f"no docstring names {authors} {year}"
    for path in (ROOT / "ragbench" / "stats").glob("[a-z]*.py"):
        for source in sources_of(path):
            years = re.findall(r"\b1[789]\d\d\b|\b20\d\d\b", source)
            assert not years or any(year in page for year in years), f"{path.name}: {source}"


def test_the_figures_of_the_page_on_statistics() -> None:
    page = (CONCEPTS / "statistics.md").read_text(encoding="utf-8")
    # A test of `choose_test` repeats the simulation; here both texts must say the same.
    docstring = " ".join((ROOT / "ragbench/stats/choose.py").read_text(encoding="utf-8").split())
    for figure in ("18.3%", "5.1%"):
        assert figure in page
        assert figure in docstring
    assert "2.2 queries" in page
    assert design_effect(5, 0.3) == pytest.approx(2.2)


def test_the_figures_of_the_page_on_ties() -> None:
    page = (CONCEPTS / "ties.md").read_text(encoding="utf-8")
    relevant = {"b", "c"}

    def values(order: tuple[str, ...]) -> tuple[float, float, float]:
        first = min(rank for rank, item in enumerate(order, 1) if item in relevant)
        return float(first <= 2), 1 / first, len(relevant & set(order[:3])) / 2

    orders = [("a", *rest) for rest in itertools.permutations("bcd")]
    means = tuple(sum(column) / len(orders) for column in zip(*map(values, orders), strict=True))
    run = Run.from_dict({"q": {"a": 3, "b": 2, "c": 2, "d": 2}})
    judgements = rb.Judgements.from_dict({"q": {"b": 1, "c": 1}})
    names = ["hit@2", "mrr@10", "recall@3"]
    ours = [rb.score(run, judgements, names, ties=ties).values[0] for ties in ("trec", "expected")]
    assert ours[0] == pytest.approx(values(("a", "d", "c", "b")))
    assert ours[1] == pytest.approx(means)
    columns = (ours[0], values(("a", "b", "c", "d")), ours[1])
    for at, name in enumerate(names):
        shown = re.search(rf"^\| `{name}` \| (.*) \|$", page, flags=re.MULTILINE)
        assert shown
        assert [float(cell) for cell in shown[1].split(" | ")] == pytest.approx([c[at] for c in columns], abs=5e-4)
