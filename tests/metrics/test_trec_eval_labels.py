"""trec_eval's other labels: preferences (-R prefs, qrels_prefs), judgement groups (-R qrels_jg), and z-scores (-Z)."""

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from ragbench.core.errors import SettingError
from ragbench.core.runs import Run
from ragbench.metrics.trec_eval.evaluate import TrecSettings, trec_evaluate_groups, trec_evaluate_preferences
from ragbench.metrics.trec_eval.names import NICKNAMES, measures

ITEMS = [f"d{i}" for i in range(9)]
ALL_PREFS = measures(["all_prefs"], labels="prefs")
Levels = dict[str, dict[str, dict[str, float]]]


def evaluated(preferences: dict[str, Levels], run: dict[str, dict[str, float]], **options: Any) -> dict[str, list[str]]:
    """The lines of each query, by query id, without the name."""
    found = trec_evaluate_preferences(Run.from_dict(run), preferences, ALL_PREFS, TrecSettings(**options), tag="t")
    lines: dict[str, list[str]] = {}
    for line in found.lines(per_query=True):
        name, query, value = line.split("\t")
        lines.setdefault(query, []).append(f"{name.strip()} {value}")
    return lines


@pytest.mark.parametrize(
    ("levels", "possible"),
    [
        # Examples of trec_eval's description of the format, whose preferences it counts.
        ({"u": {"1": {"a": 3, "b": 2, "c": 0, "d": 6, "e": 0, "f": 2}}}, 13),
        ({"u": {"1": {"a": 3, "b": 2, "c": 1}, "2": {"a": 2, "b": 1, "d": 3}}}, 6),
        ({"u": {"1": {"a": 3, "b": 2}}, "v": {"1": {"a": 0, "c": 6, "d": 2}, "2": {"a": 0, "b": 8}}}, 5),
        ({"u": {"1": {"a": 3, "b": 2, "c": 1}, "2": {"b": 5, "d": 4}}}, 5),
    ],
)
def test_the_preferences_of_a_group_are_counted(levels: Levels, possible: int) -> None:
    # In the second one, d is preferred to a, and so to c too: trec_eval's text counts five and forgets it.
    assert evaluated({"q": levels}, {"q": {"a": 1.0}})["q"][0] == f"prefs_num_prefs_poss {possible}"


def test_one_query_written_out() -> None:
    # Ranking: b, a (equal scores: by id ascending, so a, b), x. Retrieved: a, b; missed: c, d.
    # u: a 3 > b 1 > c 0, d 0; v: b 2 > a 1.
    levels = {"u": {"": {"a": 3.0, "b": 1.0, "c": 0.0, "d": 0.0}}, "v": {"": {"b": 2.0, "a": 1.0}}}
    lines = evaluated({"q": levels, "r": levels}, {"q": {"b": 2.0, "a": 2.0, "x": 1.0}}, complete=True)
    assert lines["q"] == [
        "prefs_num_prefs_poss 6",  # u: ab ac ad bc bd; v: ba
        "prefs_num_prefs_ful 5",
        "prefs_num_prefs_ful_ret 1",
        "prefs_simp 0.8333",
        "prefs_pair 0.9000",  # five pairs: ab one half, the others 1
        "prefs_avgjg 0.5000",  # u 5/5, v 0/1
        "prefs_avgjg_Rnonrel 0.9000",  # u: two relevant, two not: 5/5; v: two more relevant: (0 + 2 * 2) / (1 + 4)
        "prefs_simp_ret 0.5000",
        "prefs_pair_ret 0.5000",
        "prefs_avgjg_ret 0.5000",
        "prefs_avgjg_Rnonrel_ret 0.9000",  # u: (1 + 4) / (1 + 4), v: (0 + 4) / (1 + 4)
        "prefs_simp_imp 0.8333",
        "prefs_pair_imp 0.9000",
        "prefs_avgjg_imp 0.5000",
    ]
    assert lines["all"][:4] == ["runid t", "num_q 2", "prefs_num_prefs_poss 6", "prefs_num_prefs_ful 5"]
    assert lines["all"][5] == "prefs_simp 0.4167"


LEVELS = st.dictionaries(st.sampled_from(ITEMS), st.integers(0, 3).map(float), min_size=1, max_size=9)
RANKINGS = st.dictionaries(st.sampled_from(ITEMS), st.integers(0, 5).map(float), min_size=1, max_size=9)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from("uvw"), LEVELS, min_size=1), RANKINGS)
def test_the_simple_measures_by_enumeration(levels: dict[str, dict[str, float]], ranking: dict[str, float]) -> None:
    order = sorted(ranking, key=lambda item: (-ranking[item], item))

    def rank(item: str) -> int:
        return order.index(item) if item in ranking else len(order)

    wanted = {group: [(a, b) for a, b in permutations(own, 2) if own[a] > own[b]] for group, own in levels.items()}
    every = [pair for pairs in wanted.values() for pair in pairs]
    held = [rank(a) < rank(b) for a, b in every]
    both = [a in ranking and b in ranking for a, b in every]
    one = [a in ranking or b in ranking for a, b in every]
    shares = [sum(rank(a) < rank(b) for a, b in pairs) / len(pairs) if pairs else 0.0 for pairs in wanted.values()]
    lines = evaluated({"q": {group: {"": own} for group, own in levels.items()}}, {"q": ranking})["q"]
    found = dict(line.split() for line in lines)
    assert found["prefs_num_prefs_poss"] == str(len(every))
    assert found["prefs_num_prefs_ful"] == str(sum(held))
    assert found["prefs_num_prefs_ful_ret"] == str(sum(h and b for h, b in zip(held, both, strict=True)))
    assert found["prefs_simp"] == f"{sum(held) / len(every) if every else 0:.4f}"
    assert found["prefs_simp_ret"] == (
        f"{sum(h and b for h, b in zip(held, both, strict=True)) / sum(both) if any(both) else 0:.4f}"
    )
    assert found["prefs_simp_imp"] == f"{sum(held) / sum(one) if any(one) else 0:.4f}"
    assert float(found["prefs_avgjg"]) == pytest.approx(sum(shares) / len(shares), abs=1e-4)


def test_as_many_nonrelevant_items_as_relevant_ones() -> None:
    # One relevant item at rank 2, three that are not at ranks 1, 3 and (missed) last: the first of them is kept, and
    # trec_eval compares it with all four items, itself included. Fulfilled: none above it. Possible: 4.
    lines = evaluated({"q": {"u": {"": {"a": 1, "n": 0, "m": 0, "k": 0}}}}, {"q": {"n": 3.0, "a": 2.0, "m": 1.0}})["q"]
    assert "prefs_avgjg_Rnonrel 0.0000" in lines
    lines = evaluated({"q": {"u": {"": {"a": 1, "n": 0, "m": 0, "k": 0}}}}, {"q": {"a": 3.0, "n": 2.0, "m": 1.0}})["q"]
    assert "prefs_avgjg_Rnonrel 0.2500" in lines
    assert "prefs_avgjg_Rnonrel_ret 0.3333" in lines
    # In subgroups, the items that are left out have no preferences at all: only a before n is left.
    parts = {"q": {"u": {"1": {"a": 1.0, "n": 0.0, "m": 0.0}, "2": {"a": 1.0, "k": 0.0}}}}
    assert "prefs_avgjg_Rnonrel 1.0000" in evaluated(parts, {"q": {"a": 3.0, "n": 2.0, "m": 1.0}})["q"]


QRELS_JG = "1 u a 1\n1 u b 0\n1 v b 2\n1 v c 1\n2 u a 1\n3 u a 1\n"
RUN = "1 Q0 a 1 3 t\n1 Q0 x 2 2 t\n1 Q0 b 3 1 t\n2 Q0 b 1 2 t\n2 Q0 a 2 1 t\n"


@pytest.mark.parametrize("level", [1, 2])
def test_a_query_has_the_average_over_its_groups(level: int) -> None:
    run = {"1": {"a": 3.0, "x": 2.0, "b": 1.0}, "2": {"b": 2.0, "a": 1.0}}
    labels = {"1": {"u": {"a": 1, "b": 0}, "v": {"b": 2, "c": 1}}, "2": {"u": {"a": 1}}, "3": {"u": {"a": 1}}}
    asked = measures(["qrels_jg"], labels="qrels_jg")
    found = trec_evaluate_groups(Run.from_dict(run), labels, asked, TrecSettings(level=level))
    for query, own in labels.items():
        if query not in run:
            continue
        each = [
            pytrec_eval.RelevanceEvaluator({query: group}, {"map", "P", "Rprec_mult"}, relevance_level=level).evaluate(
                {query: run[query]}
            )[query]
            for group in own.values()
        ]
        at = found.query_ids.index(query)
        for measure, value in zip(found.measures, found.values[:, at], strict=True):
            if measure.counted:
                name = measure.name.replace("_avgjg", "")
                assert value == pytest.approx(sum(one[name] for one in each) / len(each)), measure.name
    assert found.query_ids == ["1", "2"]


def test_the_command_takes_them(ragbench: Any, tmp_path: Path) -> None:
    (tmp_path / "jg").write_text(QRELS_JG)
    (tmp_path / "prefs").write_text("1 u 1 a 2\n1 u 1 b 1\n1 u 2 b 4\n1 u 2 c 3\n")
    (tmp_path / "run").write_text(RUN)
    (tmp_path / "z").write_text("1 map 0.5 0.25\n2 map 0.5 0\n1 num_ret 1 2\n")
    command = ("metrics", "--format", "trec_eval", "-q")
    done = ragbench(*command, "-R", "qrels_jg", "-m", "map_avgjg", "-m", "P_avgjg.1", "jg", "run", cwd=tmp_path)
    assert done.out.splitlines() == [
        "map_avgjg             \t1\t0.5833",  # u: 1; v: 1/3 of 2 relevant
        "P_avgjg_1             \t1\t0.5000",
        "map_avgjg             \t2\t0.5000",
        "P_avgjg_1             \t2\t0.0000",
        "map_avgjg             \tall\t0.5417",
        "P_avgjg_1             \tall\t0.2500",
    ]
    done = ragbench(*command, "-R", "prefs", "-m", "prefs", "prefs", "run", cwd=tmp_path)
    assert done.out.splitlines()[-8:] == [
        "runid                 \tall\tt",
        "num_q                 \tall\t1",
        "prefs_num_prefs_poss  \tall\t3",
        "prefs_num_prefs_ful   \tall\t3",
        "prefs_num_prefs_ful_ret\tall\t1",
        "prefs_simp            \tall\t1.0000",
        "prefs_pair            \tall\t1.0000",
        "prefs_avgjg           \tall\t1.0000",
    ]
    same = ragbench(*command, "-R", "qrels_prefs", "-m", "prefs_num_prefs_poss", "jg", "run", cwd=tmp_path)
    assert same.out.splitlines()[0] == "prefs_num_prefs_poss  \t1\t2"
    (tmp_path / "qrels").write_text("1 0 a 1\n1 0 b 1\n2 0 a 1\n")
    scored = ragbench(*command, "-Z", "z", "-m", "map", "-m", "num_ret", "qrels", "run", cwd=tmp_path)
    assert scored.out.splitlines() == [  # map is .8333 and .5; the deviation 0 fits a value that equals the mean
        "num_ret               \t1\t1",
        "map                   \t1\t1.3333",
        "num_ret               \t2\t-1000000",
        "map                   \t2\t0.0000",
        "num_ret               \tall\t-999999",
        "map                   \tall\t0.6667",
    ]


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        ("1 u 1 a 2\n1 u 1 b\n", ("-R", "prefs"), "labels:2: 4 fields where 5 belong (query group"),
        ("1 u 1 a high\n", ("-R", "prefs"), "labels:1: 'high' is no number"),
        ("1 u 1 a 2\n1 u 1 a 1\n", ("-R", "prefs"), "group 'u' for query '1' has the level 1, and 2"),
        ("1 u 1 a 0\n1 u 2 a 1\n", ("-R", "prefs"), "a group gives an item level 0 always or never"),
        ("1 u 1 a 2\n1 u 1 b 1\n1 u 2 b 2\n1 u 2 a 1\n", ("-R", "prefs"), "the subgroups of 'u' contradict each other"),
        ("1 u a 2\n", ("-R", "qrels_jg", "-m", "map"), "map needs labels of the kind qrels, and these are qrels_jg"),
        ("1 u a 2\n", ("-m", "prefs_simp"), "measure prefs_simp needs labels of the kind prefs, and these are qrels"),
        ("", ("-R", "prefs"), "labels: there is no preference in it"),
    ],
)  # fmt: skip
def test_wrong_labels_are_named(
    ragbench: Any, tmp_path: Path, content: str, options: tuple[str, ...], says: str
) -> None:
    (tmp_path / "labels").write_text(content)
    (tmp_path / "run").write_text(RUN)
    done = ragbench("metrics", "--format", "trec_eval", *options, "labels", "run", cwd=tmp_path)
    assert (done.code, says in done.err) == (2, True), done.err


def test_the_table_takes_qrels_only(ragbench: Any, tmp_path: Path) -> None:
    done = ragbench("metrics", "-R", "prefs", "labels", "run", cwd=tmp_path)
    assert (done.code, "--labels needs --format trec_eval" in done.err) == (2, True), done.err
    with pytest.raises(SettingError, match="their measures: prefs, all_prefs"):
        measures(["official"], labels="prefs")
    assert "prefs_simp" not in NICKNAMES["all_trec"]
