"""The benchmarks start, and their page is what their figures say; no time is asserted here."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from benchmarks import command, document, gpu
from benchmarks.coverage import bca_means
from benchmarks.figures import Figure, Options, Section, significant
from benchmarks.timing import FEWEST, in_turns
from ragbench.stats.bootstrap import bootstrap_means

ROOT = Path(__file__).resolve().parents[2]
MACHINE = {"processor": "Abacus 3", "cores": "2", "memory": "4 GiB", "system": "Ours", "python": "3.11"}


def report(*sections: Section, **machine: str) -> dict[str, object]:
    return {
        "schema_version": command.SCHEMA_VERSION,
        "date": "2020-01-01",
        "machine": MACHINE | machine,
        "versions": {"numpy": "2.2"},
        "sections": [section.to_json() for section in sections],
    }


QUALITY = Section(
    "quality",
    "Quality",
    "How it was done.",
    (
        Figure("Set, bm25", "nDCG@10", 0.5, interval=(0.4, 0.6), target="at least 0.6", met=False, peer="0.6 (theirs)"),
        Figure("Set, bm25", "MAP@100", 0.25),
        Figure("Set, dense", "nDCG@10", 0.75, target="at least 0.6", met=True),
    ),
)
SPEED = Section("gpu", "Card", "So.", (Figure("x", "speed", 1234.5, "/s", reason="no GPU here"),))


@pytest.mark.parametrize("name", command.MODULES)
def test_each_benchmark_can_be_run(name: str) -> None:
    module = importlib.import_module(f"benchmarks.{command.MODULES[name]}")
    assert callable(module.run)


def test_the_page_shows_targets_misses_and_the_rest() -> None:
    page = document.render([report(QUALITY, SPEED)])
    assert "Abacus 3, 2 cores, 4 GiB of memory, Ours, Python 3.11" in page
    assert (
        "**1 of 2 targets are met.**\n\nThese are missed:\n\n- Quality, Set, bm25, nDCG@10: 0.5000 [0.400, 0.600]"
        in page
    )
    assert "| Set, bm25 | nDCG@10 | 0.5000 [0.400, 0.600] | at least 0.6 | **missed** | 0.6 (theirs) |" in page
    assert "| Set, dense | nDCG@10 | 0.7500 | at least 0.6 | met |  |" in page
    assert "| Set, bm25 | 0.2500 |" in page
    assert "x, speed: No GPU here." in page


def test_a_later_file_replaces_sections_and_names_its_machine() -> None:
    faster = Section("gpu", "Card", "So.", (Figure("x", "speed", 99_000.0, "/s"),))
    page = document.render([report(QUALITY, SPEED), report(faster, processor="Abacus 4", gpu="Beads")])
    assert "99,000 /s" in page
    assert "1,234" not in page
    assert "**Measured on another machine** (2020-01-01): Abacus 4, 2 cores, 4 GiB of memory, Beads" in page


def test_sections_survive_json() -> None:
    assert Section.from_json(json.loads(json.dumps(QUALITY.to_json()))) == QUALITY


@pytest.mark.parametrize(
    ("value", "shown"), [(0.01234, "0.0123"), (1.234, "1.23"), (12.34, "12.3"), (1234.5, "1,234"), (0.0, "0")]
)
def test_three_digits_count(value: float, shown: str) -> None:
    assert significant(value) == shown


def test_jobs_take_turns() -> None:
    order: list[str] = []
    seconds = in_turns({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 0.0)
    assert [len(values) for values in seconds.values()] == [FEWEST, FEWEST]
    assert "".join(order[:6]) == "ababba"


def test_recall_forgives_ties_and_nothing_else() -> None:
    vectors = np.eye(4, dtype=np.float32)
    queries = np.array([[0.9, 0.5, 0.5, 0.1]], dtype=np.float32)
    truth = np.array([[0.9, 0.5]], dtype=np.float32), np.array([[0, 1]])
    assert gpu.recall_of(np.array([[0, 1]]), truth, vectors, queries) == 1.0
    assert gpu.recall_of(np.array([[0, 2]]), truth, vectors, queries) == 1.0
    assert gpu.recall_of(np.array([[0, 3]]), truth, vectors, queries) == 0.5


def test_without_faiss_numpy_finds_the_same() -> None:
    rng = np.random.default_rng(0)
    vectors, queries = gpu.unit(rng, 500), gpu.unit(rng, 30)
    scores, rows = gpu.cpu_search(vectors)[1](queries)
    again = gpu.by_numpy(vectors, queries)
    assert (rows == again[1]).all()
    assert np.allclose(scores, again[0], atol=1e-6)


def test_the_gpu_script_runs_without_a_gpu() -> None:
    if gpu.exact.__globals__["torch_gpu"](certain=True) or gpu.exact.__globals__["faiss_gpus"]():
        pytest.skip("there is a GPU here")
    said: list[str] = []
    section = gpu.run(Options(Path(), small=True, say=said.append))
    assert any("no GPU here" in line for line in said)
    assert [figure.unit for figure in section.figures] == ["queries/s"]
    assert "no GPU" in section.figures[0].reason


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["nonsense"], "no benchmark nonsense"), (["quality", "--data", "nowhere"], "there is no folder nowhere")],
)
def test_wrong_use_is_one_line(arguments: list[str], said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_page_in_docs_is_the_one_of_the_stored_figures() -> None:
    found = document.read(document.RESULTS)
    assert document.DOCUMENT.read_text(encoding="utf-8") == document.render([found])


def test_bca_is_that_of_scipy_for_single_rows() -> None:
    values = np.random.default_rng(5).exponential(1, size=(40, 2)) ** 2
    low, high = bca_means(values, np.arange(40), np.random.default_rng(0), resamples=40_000)
    for column in range(2):
        theirs = stats.bootstrap(
            (values[:, column],), np.mean, method="BCa", n_resamples=40_000, rng=np.random.default_rng(1)
        ).confidence_interval
        assert low[column] == pytest.approx(theirs.low, abs=0.03)
        assert high[column] == pytest.approx(theirs.high, abs=0.03)
    # The skew pulls both ends up; the percentile interval is elsewhere by more than the noise of that.
    plain = bootstrap_means(values, np.arange(40), np.random.default_rng(0), resamples=40_000)
    assert (high - plain[1] > 0.06).all()


def test_bca_takes_clusters_of_copies_for_one_value_each() -> None:
    values = np.random.default_rng(6).exponential(1, size=(25, 1))
    single = bca_means(values, np.arange(25), np.random.default_rng(0), resamples=2000)
    copies = bca_means(
        np.repeat(values, 4, axis=0), np.repeat(np.arange(25), 4), np.random.default_rng(0), resamples=2000
    )
    np.testing.assert_allclose(single, copies)


def test_bca_of_values_that_do_not_vary_or_are_not_there() -> None:
    values = np.c_[np.full(9, 0.1), np.full(9, np.nan), [1.0] + [np.nan] * 8]
    low, high = bca_means(values, np.arange(9), np.random.default_rng(0), resamples=100)
    assert low[0] == high[0] == pytest.approx(0.1)
    assert np.isnan(low[1:]).all()
    assert np.isnan(high[1:]).all()


def test_a_repeated_section_replaces_its_own_and_says_where_it_was_measured(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "results.json"
    sections = [Section(name, name, "", (Figure(name, "share", value=0.1),)) for name in ("quality", "ab")]
    command.write(path, sections)
    monkeypatch.setattr(command, "machine", lambda: {"processor": "another"})
    command.write(path, [Section("ab", "ab", "", (Figure("ab", "share", value=0.2),))])
    quality, repeated = json.loads(path.read_text())["sections"]
    assert (quality["name"], quality["figures"][0]["value"]) == ("quality", 0.1)
    assert (repeated["name"], repeated["figures"][0]["value"]) == ("ab", 0.2)
    assert repeated["measured"]["machine"] != quality["measured"]["machine"]
