"""A pytest plugin for tests that evaluate a retriever. They pass, fail or are inconclusive, as in ``ragbench gate``.

    from ragbench.pytest_plugin import assert_retrieval

    def test_search_finds_the_products():
        assert_retrieval(search, "golden/", "ndcg@10", at_least=0.7, corpus="docs/")

pytest loads this module in every run, so it imports nothing but pytest. What an assertion needs is imported when a
test calls one. `ragbench.testing` is something else: it helps the authors of retrievers.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import pytest

if TYPE_CHECKING:
    from ragbench.comparison.gate.result import Gate
    from ragbench.core.documents import Chunks, Corpus
    from ragbench.core.goldens import GoldenSet
    from ragbench.core.scored import ScoredRun
    from ragbench.pytest_plugin.session import Session

__all__ = ["InconclusiveWarning", "assert_no_regression", "assert_retrieval", "evaluated"]

Inconclusive = Literal["warn", "xfail", "fail", "pass"]
CHOICES = get_args(Inconclusive)
"""What an inconclusive assertion does."""
INI = {
    "ragbench_corpus": "documents that the systems of the tests search",
    "ragbench_golden": "golden set of the tests",
    "ragbench_metrics": "metrics beside the usual ones, separated by spaces",
    "ragbench_inconclusive": "what an inconclusive assertion does: warn (default), xfail, fail or pass",
    "ragbench_report": "HTML file for the report of a run",
}
MARKER = "ragbench(golden=None, corpus=None, inconclusive=None): a test of retrieval, with defaults for its assertions"


class InconclusiveWarning(UserWarning):
    """There are too few queries to decide an assertion."""


def assert_retrieval(
    system: object,
    golden: "Path | str | GoldenSet | None" = None,
    metric: str = "ndcg@10",
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    slice: str | None = None,
    corpus: "Path | str | Corpus | Chunks | None" = None,
    name: str | None = None,
    inconclusive: Inconclusive | None = None,
) -> "Gate":
    """Assert that the mean of a metric keeps a limit, by its confidence interval.

    Args:
        system: what to evaluate: the name of a retriever with its settings, a function that takes a query and k,
            rankings by query, a retriever of another library, or an evaluation (``FOLDER::ARM``, or an object).
        golden: path of the golden set, or the set; by default that of the marker, then that of the configuration.
        metric: name of the metric.
        at_least: the mean must be at least this.
        at_most: the mean must be at most this.
        slice: use only the queries with ``COLUMN=VALUE``.
        corpus: path of the documents, or documents or chunks; the default is found as that of ``golden``.
        name: name of the system. Systems of one run with the same name, golden set and corpus are the same.
        inconclusive: what happens if the queries cannot decide: ``"warn"``, ``"xfail"``, ``"fail"`` or ``"pass"``.

    Returns:
        The decision, as `ragbench.gate` returns it.

    Raises:
        AssertionError: the limit is not kept, the system did not run, or the assertion is inconclusive and that fails.
        RagbenchError: the golden set, the corpus or the metric cannot be used.
    """
    __tracebackhide__ = True
    from ragbench.core.errors import SettingError

    limits = {key: limit for key, limit in (("min", at_least), ("max", at_most)) if limit is not None}
    if not limits:
        raise SettingError("assert_retrieval: give at_least or at_most")
    where = {} if slice is None else {"slice": slice}
    rules = [{"metric": metric, key: limit, **where} for key, limit in limits.items()]
    return _current().decide(system, golden, corpus, name, None, {"rules": rules}, inconclusive)


def assert_no_regression(
    system: object,
    golden: "Path | str | GoldenSet | None" = None,
    baseline: object = None,
    *,
    margin: Mapping[str, float] | None = None,
    rules: Path | str | Sequence[Mapping[str, object]] | None = None,
    allow: Sequence[str] = (),
    corpus: "Path | str | Corpus | Chunks | None" = None,
    name: str | None = None,
    inconclusive: Inconclusive | None = None,
) -> "Gate":
    """Assert that a system loses no more against a baseline than a margin accepts.

    Args:
        system: what to evaluate, as in `assert_retrieval`.
        golden: path of the golden set, or the set; by default that of the marker, then that of the configuration.
        baseline: a name of ``ragbench baseline set``, ``FOLDER::ARM``, an evaluation, or another system, which is then
            evaluated too.
        margin: accepted loss by metric; ``{"ndcg@10": 0.02}`` if neither this nor ``rules`` is given.
        rules: rules of a gate: the path of a file, or a list of mappings.
        allow: what may differ from a stored baseline: ``"golden"``, ``"corpus"`` or ``"settings"``.
        corpus: path of the documents, or documents or chunks; the default is found as that of ``golden``.
        name: name of the system. Systems of one run with the same name, golden set and corpus are the same.
        inconclusive: what happens if the queries cannot decide: ``"warn"``, ``"xfail"``, ``"fail"`` or ``"pass"``.

    Returns:
        The decision, as `ragbench.gate` returns it.

    Raises:
        AssertionError: a rule is broken, a system did not run, or the assertion is inconclusive and that fails.
        RagbenchError: an input cannot be used.
    """
    __tracebackhide__ = True
    from ragbench.core.errors import SettingError

    if baseline is None:
        raise SettingError(
            "assert_no_regression: give a baseline: a name of 'ragbench baseline set', FOLDER::ARM or another system"
        )
    given = {"rules": rules, "margin": margin or (), "allow": tuple(allow)}
    return _current().decide(system, golden, corpus, name, baseline, given, inconclusive)


def evaluated(
    system: object,
    golden: "Path | str | GoldenSet | None" = None,
    *,
    corpus: "Path | str | Corpus | Chunks | None" = None,
    name: str | None = None,
) -> "ScoredRun":
    """Return the scores of a system. It is evaluated once in a run of the tests, however many of them ask for it.

    Args:
        system: what to evaluate, as in `assert_retrieval`.
        golden: path of the golden set, or the set; by default that of the marker, then that of the configuration.
        corpus: path of the documents, or documents or chunks; the default is found as that of ``golden``.
        name: name of the system.

    Raises:
        AssertionError: the system did not run.
        RagbenchError: an input cannot be used.
    """
    __tracebackhide__ = True
    return _current().scored(system, golden, corpus, name).run


_SESSIONS: "list[Session]" = []
"""The sessions of pytest in this process; one, unless a test runs pytest itself."""


def _current() -> "Session":
    from ragbench.core.errors import SettingError

    if not _SESSIONS:
        raise SettingError(
            "this assertion works in a run of pytest; elsewhere, call rb.evaluate and rb.gate. If you switched off "
            "the loading of plugins, run pytest with -p ragbench.pytest_plugin"
        )
    return _SESSIONS[-1]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options of the command line and of the configuration file."""
    group = parser.getgroup("ragbench", "tests of retrieval")
    group.addoption("--ragbench-report", metavar="FILE", help="write an HTML report of the systems that were evaluated")
    group.addoption("--ragbench-inconclusive", choices=CHOICES, help="what an inconclusive assertion does")
    for name, text in INI.items():
        parser.addini(name, text, default="")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and begin a session."""
    from ragbench.pytest_plugin.session import Session

    config.addinivalue_line("markers", MARKER)
    given = config.getini("ragbench_inconclusive")
    if given and given not in CHOICES:
        raise pytest.UsageError(f"ragbench_inconclusive is {given!r}; it must be one of {', '.join(CHOICES)}")
    _SESSIONS.append(Session(config))


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the session."""
    for session in [one for one in _SESSIONS if one.config is config]:
        _SESSIONS.remove(session)
        session.close()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where the evaluations of this run are."""
    node.workerinput["ragbench_folder"] = str(_current().folder)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Remember which test runs: its marker has defaults."""
    _current().item = item


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print every decision, and write the report."""
    session = _current()
    if session.used:
        from ragbench.pytest_plugin.summary import summarise

        summarise(session, terminalreporter)


@pytest.fixture
def ragbench_corpus() -> "Path | Corpus | Chunks":
    """The corpus of the marker, or of the configuration: a path, unless the marker has the object itself."""
    found: Path | Corpus | Chunks = _current().default("corpus")
    return found


@pytest.fixture
def ragbench_golden() -> "GoldenSet":
    """The golden set of the marker, or of the configuration."""
    found: GoldenSet = _current().golden()
    return found
