"""trec_eval's measures and output, line by line against pytrec_eval, which is trec_eval 9."""

import gzip
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from ragbench.core.errors import InputError, SettingError
from ragbench.core.judgements import Judgements
from ragbench.core.runs import Run
from ragbench.metrics.trec_eval.evaluate import TrecSettings, trec_evaluate
from ragbench.metrics.trec_eval.names import FAMILIES, NICKNAMES, measures

NINE = [name for name in NICKNAMES["all_trec"] if name not in ("relstring", "runid", "rbp", "rbp_resid", "unj")]
ITEMS = st.sampled_from([f"d{i}" for i in range(30)] + ["D", "é", "日本"])
QUERIES = st.sampled_from(["q1", "q10", "q2", "é", "1"])
SCORES = st.integers(-3, 3).map(float) | st.sampled_from([1.0, 1.0 + 1e-9]) | st.floats(-5, 5)
QRELS = st.dictionaries(QUERIES, st.dictionaries(ITEMS, st.integers(-1, 4), min_size=1, max_size=30), min_size=1)
RUNS = st.dictionaries(QUERIES, st.dictionaries(ITEMS, SCORES, min_size=1, max_size=30), min_size=1)


def expected_lines(
    qrels: dict[str, dict[str, int]],
    rankings: dict[str, dict[str, float]],
    asked: set[str],
    *,
    tag: str = "tag",
    complete: bool = False,
    **options: Any,
) -> list[str]:
    """The lines that trec_eval -q prints, from the values of pytrec_eval and the rules of its C code."""
    # pytrec_eval crashes on a query whose labels are all negative.
    by_query = pytrec_eval.RelevanceEvaluator(qrels, asked, **options).evaluate(rankings)
    return printed(by_query, len(qrels) if complete else len(by_query), tag)


def printed(by_query: dict[str, dict[str, float]], whole: int, tag: str) -> list[str]:
    """The lines that trec_eval -q prints of these values, for means over so many queries."""
    order = [name.split(".")[0] for name in FAMILIES]

    def family(name: str) -> str:
        return max((one for one in order if name == one or name.startswith(f"{one}_")), key=len)

    queries = sorted(by_query)
    names = sorted(by_query[queries[0]], key=lambda name: (order.index(family(name)), cut(name)))
    lines = []
    for query in queries:
        for name in names:
            if name not in ("runid", "num_q", "gm_map", "gm_bpref"):
                value = by_query[query][name]
                lines.append(f"{name:<22}\t{query}\t{shown(name, value)}")
    for name in names:
        if name == "runid":
            lines.append(f"{name:<22}\tall\t{tag}")
            continue
        if name == "num_q":
            lines.append(f"{name:<22}\tall\t{whole}")
            continue
        total = 0.0
        for query in queries:
            total += by_query[query][name]
        if name.startswith("gm_"):
            total = math.exp((total + (whole - len(queries)) * math.log(1e-5)) / whole)
        elif not name.startswith("num_"):
            total /= whole
        lines.append(f"{name:<22}\tall\t{shown(name, total)}")
    return lines


def cut(name: str) -> float:
    try:
        return float(name.rpartition("_")[2])
    except ValueError:
        return 0.0


def shown(name: str, value: float) -> str:
    return str(int(value)) if name.startswith("num_") else f"{value:.4f}"


def close(ours: list[str], theirs: list[str]) -> None:
    """Equal lines; a value may differ by one in the fourth digit, where the sums of two programs straddle a half."""
    assert [line.rsplit("\t", 1)[0] for line in ours] == [line.rsplit("\t", 1)[0] for line in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        if mine != other:
            numbers = [float(line.rsplit("\t", 1)[1]) for line in (mine, other)]
            assert abs(numbers[0] - numbers[1]) < 1.01e-4, (mine, other)


@settings(max_examples=200, deadline=None)
@given(QRELS, RUNS, st.integers(1, 3), st.booleans(), st.booleans())
def test_every_line_is_trec_evals(
    qrels: dict[str, dict[str, int]],
    rankings: dict[str, dict[str, float]],
    level: int,
    complete: bool,
    judged_only: bool,
) -> None:
    qrels = {q: labels for q, labels in qrels.items() if max(labels.values()) >= level}
    # With -J and nothing judged trec_eval divides 0 by 0.
    rankings = {
        q: row
        for q, row in rankings.items()
        if not judged_only or any(qrels.get(q, {}).get(item, -1) >= 0 for item in row)
    }
    if set(qrels).isdisjoint(rankings):
        return
    run = Run.from_dict(rankings).at_precision("single")
    how = TrecSettings(complete=complete, level=level, judged_only=judged_only, nine=True)
    found = trec_evaluate(run, Judgements.from_dict(qrels), measures(NINE, nine=True), how, tag="tag")
    theirs = expected_lines(
        qrels, rankings, set(NINE), complete=complete, relevance_level=level, judged_docs_only_flag=judged_only
    )
    close(list(found.lines(per_query=True)), [line for line in theirs if not line.startswith("runid")])


def test_queries_without_a_relevant_item_count_as_in_trec_eval() -> None:
    qrels = {"q1": {"a": 0, "b": 0}, "q2": {"a": 1}}
    rankings = {"q1": {"a": 2.0, "b": 1.0}, "q2": {"b": 3.0, "a": 1.0}, "q3": {"a": 1.0}}
    found = trec_evaluate(
        Run.from_dict(rankings), Judgements.from_dict(qrels), measures(["official"]), TrecSettings(nine=True), tag="t"
    )
    theirs = expected_lines(qrels, rankings, set(NICKNAMES["official"]), tag="t")
    assert list(found.lines(per_query=True)) == theirs
    assert "map                   \tall\t0.2500" in theirs


PARAMETERS = [
    "iprec_at_recall..10,.20,.25,.75,.50", "P.5,7,3", "recall.20,2000", "Rprec_mult.5.0,0.2,0.35", "utility.2,-1,0,0",
    "11pt_avg..25,.5,.75", "ndcg.1=3,2=9,4=4.5", "ndcg_cut.10,20,23.4", "success.2,5,20",
]  # fmt: skip


def test_parameters_give_the_names_that_trec_eval_prints() -> None:
    assert [one.name for one in measures(PARAMETERS)] == [
        "iprec_at_recall_0.10", "iprec_at_recall_0.20", "iprec_at_recall_0.25", "iprec_at_recall_0.50",
        "iprec_at_recall_0.75", "P_3", "P_5", "P_7", "recall_20", "recall_2000", "Rprec_mult_0.20", "Rprec_mult_0.35",
        "Rprec_mult_5.00", "utility_2,-1,0,0", "11pt_avg_.25,.5,.75", "ndcg_1=3,2=9,4=4.5", "ndcg_cut_10",
        "ndcg_cut_20", "ndcg_cut_23", "success_2", "success_5", "success_20",
    ]  # fmt: skip
    assert [one.name for one in measures(["P_5", "ndcg_cut_10", "iprec_at_recall_0.00"])] == [
        "iprec_at_recall_0.00", "P_5", "ndcg_cut_10"
    ]  # fmt: skip
    assert [one.name for one in measures(["all_trec", "relstring.20"]) if one.family == "relstring"] == ["relstring_20"]


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("ndcg@10", "no measure 'ndcg@10'"),
        ("mapp", "did you mean 'map'"),
        ("P.0", "at least 1"),
        ("P.ten", "'ten' is no number"),
        ("map.5", "map has no parameter"),
        ("P.", "parameters are missing"),
        ("utility.1,2", "4 numbers belong here"),
        ("ndcg.1", "no gain of a label"),
        ("set_F.0", "must be above 0"),
    ],
)
def test_a_wrong_measure_is_named(written: str, says: str) -> None:
    with pytest.raises(SettingError, match=says):
        measures([written])


def test_the_measures_with_gains_written_out() -> None:
    # Found: x (no label), b (2), a (1), n (0); c (1) is missed. Gains of labels 1 and 2: 3 and 9.
    judgements = Judgements.from_dict({"q": {"a": 1, "b": 2, "c": 1, "n": 0, "p": -1}})
    run = Run.from_dict({"q": {"x": 4.0, "b": 3.0, "a": 2.0, "n": 1.0, "p": 0.5}})
    log = math.log2
    dcg = 9 / log(3) + 3 / log(4)
    ideal = 9 + 3 / log(3) + 3 / log(4)
    asked = measures(
        ["ndcg.1=3,2=9", "dcg.1=3,2=9", "ideal_dcg.1=3,2=9", "rbp", "rbp_resid", "unj.2", "relstring", "yaap"]
    )
    found = trec_evaluate(run, judgements, asked, TrecSettings())
    values = dict(zip([one.name for one in asked], found.values[:, 0].tolist(), strict=True))
    assert values["dcg_1=3,2=9"] == pytest.approx(dcg)
    assert values["ideal_dcg_1=3,2=9"] == pytest.approx(ideal)
    assert values["ndcg_1=3,2=9"] == pytest.approx(dcg / ideal)
    assert values["rbp"] == pytest.approx(0.1 * (0.9 * 1 + 0.9**2 * 0.5))  # labels scaled to 0, 1/2 and 1
    assert values["rbp_resid"] == pytest.approx(0.9**5 + 0.1 * (1 + 0.9**4))
    assert values["unj_2"] == 0.5
    assert values["yaap"] == pytest.approx(math.log((1 + 1 / 2 + 2 / 3) / (1 + 3 - 1 / 2 - 2 / 3)))
    assert found.strings["relstring"] == ["-210."]


def test_ten_rounds_a_recall_point_to_the_nearest_item() -> None:
    # R = 3: recall .4 takes 1.2 items, which is 2 in trec_eval 9 (floor of 2.1) and 1 in trec_eval 10.
    judgements = Judgements.from_dict({"q": {"a": 1, "b": 1, "c": 1}})
    run = Run.from_dict({"q": {"a": 5.0, "x": 4.0, "b": 3.0, "y": 2.0, "c": 1.0}})
    asked = measures(["iprec_at_recall.0.4"])
    assert trec_evaluate(run, judgements, asked, TrecSettings()).summary.tolist() == [1.0]
    assert trec_evaluate(run, judgements, asked, TrecSettings(nine=True)).summary.tolist() == [2 / 3]


def test_a_run_of_other_queries_is_an_error() -> None:
    with pytest.raises(InputError, match="no query is both judged and in the run"):
        trec_evaluate(
            Run.from_dict({"p": {"a": 1.0}}), Judgements.from_dict({"q": {"a": 1}}), measures(["map"]), TrecSettings()
        )


QRELS_FILE = """# labels of three queries
q2 0 d1 1
q2 0 d2 0
q10 0 d1 2
q10\t0\td3\t1
q10 0 d4 -1
q1 0 d9 0
q3 0 d1 1
"""
RUN_FILE = """# a run
q2 Q0 d2 1 1.5 first

q2 Q0 d1 2 1.5 first and more
q2  Q0  d7 3 .5 first
q10\tQ0\td3\t1\t2e0\tfirst
q10 Q0 d1 2 1.99999999999 first
q10 Q0 d4 2 1 first
q1 Q0 d9 1 1 last
q8 Q0 d9 1 1 last # of a query without labels
"""


def test_small_files_as_the_command_prints_them(ragbench: Any, tmp_path: Path) -> None:
    (tmp_path / "qrels").write_text(QRELS_FILE)
    (tmp_path / "run").write_text(RUN_FILE)
    qrels = {"q2": {"d1": 1, "d2": 0}, "q10": {"d1": 2, "d3": 1, "d4": -1}, "q1": {"d9": 0}, "q3": {"d1": 1}}
    rankings = {
        "q2": {"d2": 1.5, "d1": 1.5, "d7": 0.5},
        "q10": {"d3": 2.0, "d1": 1.99999999999, "d4": 1.0},
        "q1": {"d9": 1.0},
        "q8": {"d9": 1.0},
    }
    official = set(NICKNAMES["official"])
    command = ("metrics", "--format", "trec_eval-9", tmp_path / "qrels", tmp_path / "run")
    for options, more in (((), {}), (("-c",), {"complete": True}), (("-l2",), {"relevance_level": 2})):
        theirs = expected_lines(qrels, rankings, official, tag="last", **more)
        done = ragbench(*command, "-q", *options)
        assert (done.code, done.out.splitlines()) == (0, theirs)
        assert ragbench(*command, *options).out.splitlines() == [line for line in theirs if "\tall\t" in line]
        assert ragbench(*command, "-qn", *options).out.splitlines() == [
            line for line in theirs if "\tall\t" not in line
        ]
    shallow = ragbench(*command, "-M1", "-m", "num_ret", "-m", "P_1").out.splitlines()
    assert shallow == ["num_ret               \tall\t3", "P_1                   \tall\t0.3333"]


def test_standard_input_and_compressed_files_read_the_same(ragbench: Any, tmp_path: Path) -> None:
    (tmp_path / "qrels.gz").write_bytes(gzip.compress(QRELS_FILE.encode()))
    (tmp_path / "run").write_text(RUN_FILE)
    plain = ragbench("metrics", "--format", "trec_eval", tmp_path / "qrels.gz", tmp_path / "run")
    code = "from ragbench.cli import main; main()"
    command = [sys.executable, "-c", code, "metrics", "--format", "trec_eval", str(tmp_path / "qrels.gz"), "-"]
    piped = subprocess.run(command, input=gzip.compress(RUN_FILE.encode()), capture_output=True, check=True)
    assert plain.code == 0
    assert piped.stdout.decode() == plain.out


def test_the_table_and_its_json(ragbench: Any, tmp_path: Path) -> None:
    (tmp_path / "qrels").write_text(QRELS_FILE)
    (tmp_path / "a.run").write_text(RUN_FILE)
    (tmp_path / "b.run").write_text("q2 Q0 d1 1 1.5 b\nq3 Q0 d1 1 1 b\n")
    asked = ("metrics", tmp_path / "qrels", tmp_path / "a.run", tmp_path / "b.run", "-m", "mrr", "-m", "p@1")
    shown = ragbench(*asked)
    # q1 has nothing relevant; a lacks q3, b lacks q10: each counts as 0. a: (1/2 + 1 + 0) / 3, b: (1 + 0 + 1) / 3.
    assert "mrr     .5000  .6667" in shown.out
    assert "p@1     .3333  .6667" in shown.out
    assert "a: 1 of its queries are not judged and are skipped: q8" in shown.out
    assert "b: nothing is ranked for 1 of the queries, which count as 0: q10" in shown.out
    found = ragbench(*asked, "-q", "--json").json
    assert [one["name"] for one in found["runs"]] == ["a", "b"]
    assert found["runs"][0]["metrics"]["mrr"] == {"mean": pytest.approx(0.5), "n": 3}
    assert found["runs"][0]["queries"]["q1"] == {"mrr": None, "p@1": None}
    at_two = ragbench(*asked, "-l", "2", "-J", "--json").json["runs"][0]["metrics"]
    assert at_two == {
        "mrr(judged_only=true,level=2)": {"mean": 0.5, "n": 1}, "p(judged_only=true,level=2)@1": {"mean": 0.0, "n": 1}
    }  # fmt: skip
    trec = ragbench(*asked[:3], "--format", "trec_eval", "-m", "map", "-m", "gm_map", "-q", "--json").json["runs"][0]
    assert (trec["run_id"], set(trec["metrics"]), set(trec["queries"]["q2"])) == ("last", {"map", "gm_map"}, {"map"})
