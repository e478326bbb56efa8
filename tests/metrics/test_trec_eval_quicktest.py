"""Every call of trec_eval's own `make quicktest`, on files of the same kinds: each line beside an independent value.

Most values are pytrec_eval's, which is trec_eval 9. Those that it cannot compute (parameters of some measures, and what
trec_eval 10 added or changed) are computed here by plain loops after the text of the C files. Preferences, judgement
groups and z-scores have more tests in `test_trec_eval_labels.py`.
"""

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytrec_eval

from ragbench.metrics.trec_eval.names import NICKNAMES
from tests.metrics.test_trec_eval import close, printed

Labels = dict[str, dict[str, int]]
Rankings = dict[str, dict[str, float]]
Values = dict[str, dict[str, float]]
PARAMETERS = (
    "-miprec_at_recall..10,.20,.25,.75,.50", "-m", "P.5,7,3", "-m", "recall.20,2000", "-m", "Rprec_mult.5.0,0.2,0.35",
    "-mutility.2,-1,0,0", "-m", "11pt_avg..25,.5,.75", "-mndcg.1=3,2=9,4=4.5", "-mndcg_cut.10,20,23.4",
    "-msuccess.2,5,20",
)  # fmt: skip
THEIRS = {name for name in NICKNAMES["all_trec"] if name not in ("relstring", "rbp", "rbp_resid", "unj")}
OURS = re.compile(r"(iprec_at_recall|11pt_avg|rbp|unj)")
"""Measures of which trec_eval 10 differs from 9, or which 9 does not have."""


class Files:
    """Labels and runs of the kinds of trec_eval's test folder: 150 items of three queries, and one query less."""

    def __init__(self, folder: Path) -> None:
        rng = np.random.default_rng(301)
        queries = ("301", "302", "303")
        self.run: Rankings = {
            q: {f"D{i}": float(score) for i, score in enumerate(rng.integers(1, 60, size=150).tolist())}
            for q in queries
        }
        self.run["999"] = {"D1": 1.0}
        judged = {q: [f"D{i}" for i in np.flatnonzero(rng.random(200) < 0.6)] for q in queries}
        self.qrels: Labels = {q: {d: int(rng.random() < 0.2) for d in items} for q, items in judged.items()}
        self.levels: Labels = {q: {d: int(rng.integers(-1, 4)) for d in items} for q, items in judged.items()}
        self.groups = {q: {g: {d: int(rng.random() < 0.3) for d in items[:90]} for g in ("1", "2", "3")}
                       for q, items in judged.items()}  # fmt: skip
        self.truncated: Rankings = {q: self.run[q] for q in queries[1:]}
        qrels = [f"{q} 0 {d} {label}" for q, row in self.qrels.items() for d, label in row.items()]
        run = list(_run_lines(self.run))
        names = ("map", "P_5", "num_rel_ret", "ndcg", "Rprec_mult_0.20")
        self.zscores = {
            (q, name): (float(rng.normal()), float(rng.integers(0, 3)) / 4) for q in queries for name in names
        }
        written = {
            "qrels.test": qrels,
            "qrels.comment.test": ["# labels", *qrels[:9], "# more of them", *qrels[9:]],
            "qrels.rel_level": [f"{q} 0 {d} {label}" for q, row in self.levels.items() for d, label in row.items()],
            "qrels.123": [f"{q} {g} {d} {label}" for q, groups in self.groups.items() for g, row in groups.items()
                          for d, label in row.items()],
            "results.test": run,
            "results.comment.test": ["# a run", *run[:5], "#", *run[5:]],
            "results.trunc": list(_run_lines(self.truncated)),
            "zscores_file": [f"{q} {name} {mean!r} {sd!r}" for (q, name), (mean, sd) in self.zscores.items()],
        }  # fmt: skip
        for name, lines in written.items():
            (folder / name).write_text("\n".join(lines) + "\n")


def _run_lines(run: Rankings) -> Iterator[str]:
    return (f"{q} Q0 {d} 0 {score:g} STANDARD" for q, row in run.items() for d, score in row.items())


def ranked(row: dict[str, float]) -> list[str]:
    """Items in the order of trec_eval: by score, then by id, both descending."""
    return sorted(sorted(row, reverse=True), key=lambda item: -row[item])


def top(run: Rankings, depth: int) -> Rankings:
    return {q: {item: row[item] for item in ranked(row)[:depth]} for q, row in run.items()}


def theirs(qrels: Labels, run: Rankings, asked: set[str], **options: Any) -> Values:
    return pytrec_eval.RelevanceEvaluator(qrels, asked, **options).evaluate(run)


def at_recall(labels: list[int], relevant: int, recall: float, least: int) -> float:
    """Interpolated precision of trec_eval 10, which rounds the number of items to the nearest one."""
    needed = math.floor(recall * relevant + 0.5)
    found, best = 0, 0.0
    for rank, label in enumerate(labels, start=1):
        found += label >= least
        if label >= least and found >= needed:
            best = max(best, found / rank)
    return best


def by_loops(qrels: Labels, run: Rankings, least: int) -> Values:
    """What trec_eval 10 adds or changes, for all_trec."""
    found: Values = {}
    for q, row in run.items():
        if q not in qrels:
            continue
        labels = [qrels[q].get(item, -1) for item in ranked(row)]
        relevant = sum(label >= least for label in qrels[q].values())
        points = {f"iprec_at_recall_{i / 10:.2f}": at_recall(labels, relevant, i / 10, least) for i in range(11)}
        most = max(1, *qrels[q].values())
        unjudged = [label < 0 for label in labels]
        found[q] = {
            **points,
            "11pt_avg": sum(points.values()) / 11,
            "rbp": 0.1 * sum(max(label, 0) / most * 0.9**i for i, label in enumerate(labels)),
            "rbp_resid": 0.1 * sum(0.9**i for i, one in enumerate(unjudged) if one)
            + (0.9 ** len(labels) if any(unjudged) else 0.0),
            **{f"unj_{k}": sum(unjudged[:k]) / k for k in (5, 10, 20)},
        }
    return found


def all_trec(qrels: Labels, run: Rankings, nine: bool, least: int = 1) -> Values:
    found = theirs(qrels, run, THEIRS, relevance_level=least)
    return found if nine else {q: {**row, **by_loops(qrels, run, least)[q]} for q, row in found.items()}


def relevance(found: list[str], qrels: Labels, run: Rankings, length: int) -> list[str]:
    """The lines without those of relstring, which are compared here."""
    name = "relstring" if length == 10 else f"relstring_{length}"
    for q in sorted(qrels):
        if q in run:
            signs = (qrels[q].get(item) for item in ranked(run[q])[:length])
            text = "".join("-" if one is None else "." if one < 0 else str(one) for one in signs)
            assert f"{name:<22}\t{q}\t'{text}'" in found
    return [line for line in found if not line.startswith("relstring")]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Files]:
    folder = tmp_path_factory.mktemp("test")
    return folder, Files(folder)


Lines = Callable[..., list[str]]


@pytest.fixture(params=["trec_eval-9", "trec_eval"])
def lines(request: pytest.FixtureRequest, files: tuple[Path, Files], ragbench: Any) -> Lines:
    """Run `ragbench metrics` with the words of a call of trec_eval."""

    def run(*words: str) -> list[str]:
        done = ragbench("metrics", "--format", request.param, *words, cwd=files[0])
        assert done.code == 0, done.err
        return list(done.out.splitlines())

    run.nine = request.param == "trec_eval-9"  # type: ignore[attr-defined]
    return run


def test_the_official_measures_with_and_without_comments(lines: Any, files: tuple[Path, Files]) -> None:
    given = files[1]
    names = {"runid", "num_q", *theirs(given.qrels, given.run, set(NICKNAMES["official"]))["301"]}
    values = {q: {name: row[name] for name in names if name in row}
              for q, row in all_trec(given.qrels, given.run, lines.nine).items()}  # fmt: skip
    expected = [line for line in printed(values, 3, "STANDARD") if "\tall\t" in line]
    close(lines("qrels.test", "results.test"), expected)
    assert lines("qrels.comment.test", "results.comment.test") == lines("qrels.test", "results.test")


def test_all_measures_and_single_queries(lines: Any, files: tuple[Path, Files]) -> None:
    given = files[1]
    expected = printed(all_trec(given.qrels, given.run, lines.nine), 3, "STANDARD")
    found = lines("-m", "all_trec", "-q", "qrels.test", "results.test")
    close(relevance(found, given.qrels, given.run, 10), expected)
    whole = [line for line in found if "\tall\t" in line]
    assert lines("-m", "all_trec", "qrels.test", "results.test") == whole


def test_a_run_without_a_query_averaged_over_all_of_them(lines: Any, files: tuple[Path, Files]) -> None:
    given = files[1]
    for words, run in (((), given.truncated), (("-M100",), top(given.truncated, 100))):
        found = lines("-m", "all_trec", "-q", "-c", *words, "qrels.test", "results.trunc")
        expected = printed(all_trec(given.qrels, run, lines.nine), 3, "STANDARD")
        close(relevance(found, given.qrels, run, 10), expected)


def test_a_higher_level_of_relevance(lines: Any, files: tuple[Path, Files]) -> None:
    given = files[1]
    found = lines("-m", "all_trec", "-mrelstring.20", "-q", "-l2", "qrels.rel_level", "results.test")
    expected = printed(all_trec(given.levels, given.run, lines.nine, least=2), 3, "STANDARD")
    close(relevance(found, given.levels, given.run, 20), expected)


def test_parameters_of_measures(lines: Any, files: tuple[Path, Files]) -> None:
    given, gains = files[1], {1: 3.0, 2: 9.0, 4: 4.5}
    known = {"P.5,7,3", "recall.20,2000", "Rprec_mult.5.0,0.2,0.35", "ndcg_cut.10,20,23.4", "success.2,5,20"}
    recalls = (0.1, 0.2, 0.25, 0.5, 0.75)
    names = {f"iprec_at_recall.{','.join(f'{one:.2f}' for one in recalls)}", "num_ret", "num_rel", "num_rel_ret"}
    values: Values = {}
    nine = theirs(given.qrels, given.run, known | names)
    for q, row in nine.items():
        labels = [given.qrels[q].get(item, 0) for item in ranked(given.run[q])]
        relevant, count = int(row["num_rel"]), {name: row.pop(name) for name in ("num_ret", "num_rel", "num_rel_ret")}
        points = {at: row[f"iprec_at_recall_{at:.2f}"] if lines.nine else at_recall(labels, relevant, at, 1)
                  for at in recalls}  # fmt: skip
        ideal = sorted((gains[label] for label in given.qrels[q].values() if label), reverse=True)
        dcg, best = (sum(gain / math.log2(i + 2) for i, gain in enumerate(one))
                     for one in ([gains.get(label, 0.0) for label in labels], ideal))  # fmt: skip
        values[q] = {
            **row,
            **{f"iprec_at_recall_{at:.2f}": value for at, value in points.items()},
            "utility_2,-1,0,0": 2 * count["num_rel_ret"] - (count["num_ret"] - count["num_rel_ret"]),
            "11pt_avg_.25,.5,.75": (points[0.25] + points[0.5] + points[0.75]) / 3,
            "ndcg_1=3,2=9,4=4.5": dcg / best,
        }
    found = lines("-q", *PARAMETERS, "qrels.test", "results.test")
    close([line for line in found if not line.startswith(("runid", "num_q"))], printed(values, 3, "STANDARD"))


def test_z_scores(lines: Any, files: tuple[Path, Files]) -> None:
    given, values = files[1], all_trec(files[1].qrels, files[1].run, lines.nine)
    for q, row in values.items():
        for name, value in row.items():
            mean, sd = given.zscores.get((q, name), (math.nan, 0.0))
            row[name] = (value - mean) / sd if sd else 0.0 if value == mean else -1e6
    found = lines("-q", "-m", "all_trec", "-Z", "zscores_file", "qrels.test", "results.test")
    expected = printed(values, 3, "STANDARD")
    close([line for line in found if not line.startswith("relstring")], expected)
    assert any("-1000000" in line for line in expected)


def test_judgement_groups(lines: Any, files: tuple[Path, Files]) -> None:
    given = files[1]
    values: Values = {}
    for q, groups in given.groups.items():
        each = [theirs({q: row}, given.run, {"map", "P", "Rprec_mult"})[q] for row in groups.values()]
        names = {name: re.sub(r"^(map|P|Rprec_mult)", r"\1_avgjg", name) for name in each[0]}
        values[q] = {ours: sum(one[name] for one in each) / 3 for name, ours in names.items()}
    found = lines("-m", "qrels_jg", "-q", "-R", "qrels_jg", "qrels.123", "results.test")
    assert found.pop(next(i for i, line in enumerate(found) if "runid" in line)).endswith("STANDARD")
    assert found.pop(next(i for i, line in enumerate(found) if "num_q" in line)).endswith("\t3")
    close(found, printed(values, 3, "STANDARD"))


def test_preferences_of_qrels(lines: Any, files: tuple[Path, Files]) -> None:
    # One group with two levels: every relevant item is preferred to every other judged one.
    given = files[1]
    found = lines("-m", "all_prefs", "-q", "-R", "qrels_prefs", "qrels.test", "results.test")
    for q, labels in given.qrels.items():
        order = sorted(given.run[q], key=lambda item: (-given.run[q][item], item))
        rank = {item: order.index(item) if item in given.run[q] else math.inf for item in labels}
        pairs = [(rank[a], rank[b]) for a in labels for b in labels if labels[a] > labels[b]]
        held, both = [a < b for a, b in pairs], [max(a, b) < math.inf for a, b in pairs]
        some = [min(a, b) < math.inf for a, b in pairs]
        kept = sum(h and b for h, b in zip(held, both, strict=True))
        shares = {"": sum(held) / len(pairs), "_ret": kept / sum(both), "_imp": sum(held) / sum(some)}
        counts = {"poss": len(pairs), "ful": sum(held), "ful_ret": kept}
        for name, count in counts.items():
            assert f"{f'prefs_num_prefs_{name}':<22}\t{q}\t{count}" in found
        for suffix, share in shares.items():
            for kind in ("simp", "pair", "avgjg"):
                assert f"{f'prefs_{kind}{suffix}':<22}\t{q}\t{share:.4f}" in found


PREFS = """# Levels of two annotators; the first compares the items in two rounds.
q1 ann 1 a 3
q1 ann 1 b 1
q1 ann 2 b 2
q1 ann 2 c 1
q1 bob 1 a 0
q1 bob 1 c 1
q2.none ann 1 a 1
q2.none ann 1 b 1
q3.missed ann 1 x 1
q3.missed ann 1 y 0
"""


def test_preferences_with_rounds(lines: Any, files: tuple[Path, Files]) -> None:
    (files[0] / "prefs.test").write_text(PREFS)
    run = {q: {"b": 3.0, "a": 2.0, "z": 1.0} for q in ("q1", "q2.none", "q3.missed")}
    (files[0] / "prefs.results.test").write_text("\n".join(_run_lines(run)) + "\n")
    found = lines("-m", "all_prefs", "-q", "-R", "prefs", "prefs.test", "prefs.results.test")
    # q1: ann prefers a to b, b to c, and so a to c; bob c to a. Ranking: b, a; c is missed. Kept: a, b before c.
    # By pair: ab 0 of 1, bc 1 of 1, ac 1 of 2. By group: ann 2/3, bob 0/1. With as many nonrelevant items as the three
    # of ann: (2 + 2 * 3) / (3 + 3 * 3), and bob 0/1. Of the retrieved items, bob has no relevant one: 0 / 0, and so 0.
    assert [line.split("\t")[2] for line in found if "\tq1\t" in line] == [
        "4", "2", "0", "0.5000", "0.5000", "0.3333", "0.3333",
        "0.0000", "0.0000", "0.0000", "0.0000", "0.5000", "0.5000", "0.3333",
    ]  # fmt: skip
    # No preference: with two relevant items and no other one, two by two are counted as fulfilled.
    assert [line.split("\t")[2] for line in found if "\tq2.none\t" in line] == [
        "0", "0", "0", *["0.0000"] * 3, "1.0000", *["0.0000"] * 3, "1.0000", *["0.0000"] * 3
    ]  # fmt: skip
    # Nothing of the one preference is retrieved.
    assert [line.split("\t")[2] for line in found if "\tq3.missed\t" in line] == ["1", "0", "0", *["0.0000"] * 11]
    assert "num_q                 \tall\t3" in found
    assert "prefs_num_prefs_poss  \tall\t5" in found


def test_judged_items_alone_and_the_count_of_others(lines: Any, files: tuple[Path, Files]) -> None:
    given = files[1]
    count = {q: sum(item not in given.qrels[q] for item in given.run[q]) for q in given.qrels}
    found = lines("-q", "-m", "num_nonjudged_ret", "qrels.test", "results.test")
    assert [int(line.split("\t")[2]) for line in found] == [*count.values(), sum(count.values())]
    judged = {q: {d: s for d, s in row.items() if d in given.qrels.get(q, {})} for q, row in given.run.items()}
    values = theirs(given.qrels, judged, {"map", "bpref", "P", "Rndcg"})
    close(lines("-q", "-J", "-m", "map", "-m", "bpref", "-m", "P", "-m", "Rndcg", "qrels.test", "results.test"),
          printed(values, 3, "STANDARD"))  # fmt: skip
