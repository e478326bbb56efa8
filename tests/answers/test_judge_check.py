"""A judge against people: labels of every form, hand arithmetic, honest thresholds, people's own disagreement."""

import json
from pathlib import Path

import numpy as np
import pytest

from ragbench.answers.judge_check.check import CheckSettings, JudgeCheck, check_judge
from ragbench.answers.judge_check.label_files import read_labels
from ragbench.answers.judge_check.labels import Labelled, LabelSet, Vote, Words
from ragbench.answers.judge_check.signal import Signal, signal_of
from ragbench.answers.judge_check.threshold import best_threshold, chosen_threshold, share_of_yes
from ragbench.core.answers import Answered
from ragbench.core.errors import InputError, SettingError
from ragbench.render.judge import threshold_sentence
from ragbench.stats.rogan_gladen import rogan_gladen


def label_set(votes: list[str], clusters: list[str] | None = None, **metadata: list[str]) -> LabelSet:
    """One answer a string of y and n."""
    return LabelSet(
        tuple(
            Labelled(
                Answered(f"a{at}", "", "word " * (at % 7 + 1), metadata={k: v[at] for k, v in metadata.items()}),
                tuple(Vote(f"p{person}", vote == "y") for person, vote in enumerate(said)),
                clusters[at] if clusters else f"c{at}",
                f"a{at}",
            )
            for at, said in enumerate(votes)
        ),
        "made",
    )


def check(labels: LabelSet, scores: list[float], **settings: object) -> JudgeCheck:
    signal = Signal("column:s", "s", np.array(scores), bool(settings.pop("lower_is_better", False)))
    return check_judge(labels, signal, CheckSettings(resamples=200, **settings))  # type: ignore[arg-type]


def test_figures_by_hand() -> None:
    # Yes of people: 6, no: 4. The judge finds 4 of the 6, and 3 of the 4.
    found = check(
        label_set(["y"] * 6 + ["n"] * 4), [0.9, 0.8, 0.7, 0.6, 0.4, 0.3, 0.1, 0.2, 0.45, 0.55], threshold=0.5
    ).figures
    assert (found.true_positive, found.false_negative, found.true_negative, found.false_positive) == (4, 2, 3, 1)
    assert found.sensitivity.mean == pytest.approx(4 / 6)
    assert found.specificity.mean == pytest.approx(3 / 4)
    assert found.accuracy.mean == pytest.approx(0.7)
    assert found.commoner == 0.6
    chance = 0.6 * 0.5 + 0.4 * 0.5
    assert found.kappa.mean == pytest.approx((0.7 - chance) / (1 - chance))
    # Pairs in order: .9, .8, .7, .6 beat all 4; .4 beats .1, .2; .3 beats .1, .2.
    assert found.auc.mean == pytest.approx((4 * 4 + 2 + 2) / 24)


def test_low_scores_may_mean_yes() -> None:
    votes = ["y"] * 6 + ["n"] * 6
    scores = [0.1, 0.2, 0.3, 0.2, 0.1, 0.7, 0.8, 0.9, 0.6, 0.7, 0.9, 0.2]
    up = check(label_set(votes), [1 - score for score in scores], threshold=0.5)
    down = check(label_set(votes), scores, threshold=0.5, lower_is_better=True)
    assert up.figures == down.figures
    assert down.shown_threshold == 0.5
    assert up.people is None


def test_the_threshold_is_the_best_and_of_several_the_middle_one() -> None:
    scores, positive = np.array([1.0, 2, 3, 4, 5, 6]), np.array([False, False, False, True, True, True])
    assert best_threshold(scores, positive) == 3.5
    with pytest.raises(InputError, match="every answer has the score 2"):
        best_threshold(np.full(3, 2.0), positive[:3])


def test_cross_validation_does_not_flatter_a_judge_that_knows_nothing() -> None:
    rng = np.random.default_rng(0)
    honest, flattered = [], []
    for _ in range(60):
        scores, positive = rng.random(40), np.arange(40) % 2 == 0
        found = chosen_threshold(scores, positive, np.arange(40), rng)
        honest.append((found.verdicts == positive).mean())
        flattered.append(((scores >= found.value) == positive).mean())
    assert np.mean(flattered) > 0.57
    assert np.mean(honest) < 0.53


def test_the_rate_that_is_corrected_uses_the_thresholds_that_measured_the_errors() -> None:
    """The threshold of all labels with the errors of the folds' thresholds covers 86% here."""
    rng = np.random.default_rng(5)
    covered = shipped = 0
    runs, share, n = 200, 0.85, 200
    for _ in range(runs):
        positive = rng.random(n) < share
        scores = rng.normal(size=n) + 1.5 * positive
        later = rng.normal(size=400) + 1.5 * (rng.random(400) < share)
        found = chosen_threshold(scores, positive, np.arange(n), rng)
        true_yes, true_no = int((found.verdicts & positive).sum()), int((~found.verdicts & ~positive).sum())
        errors = (400, true_yes, int(positive.sum()), true_no, int((~positive).sum()))
        rates = [
            rogan_gladen(float(yes.sum()), *errors) for yes in (share_of_yes(later, found.each), later >= found.value)
        ]
        covered += (rates[0].low or 0) <= share <= (rates[0].high or 1)
        shipped += (rates[1].low or 0) <= share <= (rates[1].high or 1)
    assert covered / runs >= 0.92
    assert shipped / runs <= 0.91


def test_the_share_of_yes_by_hand() -> None:
    found = share_of_yes(np.array([0.1, 0.5, 0.55, 0.7]), np.array([0.6, 0.5, 0.5, 0.6]))
    assert found.tolist() == [0, 0.5, 0.5, 1]


def test_folds_keep_clusters_whole() -> None:
    # Each cluster has a score of its own and one label; with clusters split, every verdict would be right.
    rng = np.random.default_rng(1)
    clusters = np.repeat(np.arange(12), 5)
    positive = np.repeat(rng.permutation(12) % 2 == 0, 5)
    found = chosen_threshold(np.repeat(rng.random(12), 5), positive, clusters, rng)
    for cluster in range(12):
        assert len(set(found.verdicts[clusters == cluster])) == 1


def test_two_clusters_of_a_kind_are_needed_to_choose_a_threshold() -> None:
    with pytest.raises(InputError, match="threshold="):
        check(label_set(["y", "y", "n", "n"], ["a", "a", "b", "b"]), [0.9, 0.8, 0.2, 0.1])
    assert check(label_set(["y", "n"] * 3), [1, 0, 1, 0, 0, 0]).threshold.how == "binary"


def test_people_by_hand() -> None:
    labels = label_set(["yyy", "yyn", "nnn", "ynn", "yn", "y"])
    found = check(labels, [0.9, 0.8, 0.1, 0.7, 0.6, 0.2], threshold=0.5)
    people = found.people
    assert people is not None
    assert (people.items, people.votes, people.persons, people.tied) == (5, 14, 3, 1)
    assert people.unanimous.mean == pytest.approx(2 / 5)
    # Verdicts yes yes no yes yes; shares 1, 2/3, 0, 1/3, 1/2.
    assert people.judge_person.mean == pytest.approx((1 + 2 / 3 + 1 + 1 / 3 + 1 / 2) / 5)
    # One against two: yyy 3 right, nnn 3 right, in the others only the odd one out has a majority against it.
    # A pair has one other each, which differs.
    assert people.person_others.n == 3 + 1 + 3 + 1 + 2
    assert people.person_others.mean == pytest.approx(6 / 10)
    # The verdict against the same majorities: yyy 3 of 3, yyn (others yes) 1, nnn 3 of 3, ynn (others no) 0, yn 1 of 2.
    assert people.judge_others.mean == pytest.approx((3 + 1 + 3 + 0 + 1) / 10)
    # The tied answer is in no figure, the one with a single label is.
    assert found.figures.n == 5
    shares, scores = np.array([1, 2 / 3, 0, 1 / 3, 1 / 2]), np.array([0.9, 0.8, 0.1, 0.7, 0.6])
    assert people.soft_error == pytest.approx(((shares - scores) ** 2).mean())
    assert people.soft_error_constant == pytest.approx(shares.var())


def test_missing_scores_are_counted_and_bound_the_accuracy() -> None:
    found = check(label_set(["y", "y", "n", "n", "y"]), [0.9, 0.1, 0.2, 0.1, float("nan")], threshold=0.5)
    assert found.unscored == 1
    assert found.accuracy_bounds == (3 / 5, 4 / 5)


def test_slices() -> None:
    labels = label_set(["y", "n"] * 6, lang=["en"] * 6 + ["de"] * 6)
    found = check(labels, [0.9, 0.1] * 3 + [0.1, 0.9] * 3, threshold=0.5, slices=("lang",))
    by_name = {(one.by, one.part): one.figures for one in found.slices}
    assert by_name["lang", "en"].accuracy.mean == 1.0
    assert by_name["lang", "de"].accuracy.mean == 0.0
    lengths = [one.figures.n for one in found.slices if one.by == "answer length"]
    assert sum(lengths) == 12
    with pytest.raises(SettingError, match="did you mean 'lang'"):
        check(labels, [0.9, 0.1] * 6, threshold=0.5, slices=("lan",))


def test_one_kind_of_label_is_no_check() -> None:
    with pytest.raises(InputError, match="say yes to all 2"):
        check(label_set(["y", "y"]), [0.1, 0.2], threshold=0.5)


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_forms_of_votes(tmp_path: Path) -> None:
    forms: list[object] = [
        ["yes", "no", 1],
        "yes;no;yes",
        '["yes", "no", "yes"]',
        {"ann": "yes", "bob": "no", "eve": "yes"},
        [{"worker_id": 1, "response": "yes"}, {"worker_id": 2, "response": "no"}, {"annotator": "x", "label": True}],
    ]
    rows = [{"id": f"q{at}", "answer": "a", "votes": form} for at, form in enumerate(forms)]
    found = read_labels([write(tmp_path / "votes.jsonl", rows)])
    assert [[vote.positive for vote in one.votes] for one in found] == [[True, False, True]] * 5
    assert [vote.person for vote in found.items[3].votes] == ["ann", "bob", "eve"]
    assert [vote.person for vote in found.items[4].votes] == ["1", "2", "x"]


def test_a_row_per_annotator_and_several_answers_to_a_query(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text(
        "id,answer,annotator,label,score\nq1,one,ann,yes,1\nq1,one,bob,no,1\nq1,two,ann,no,0\nq2,x,ann,,1\n"
    )
    found = read_labels([path])
    assert [(one.item.query_id, len(one.votes)) for one in found] == [("q1#1", 2), ("q1#2", 1)]
    assert found.clusters.tolist() == [0, 0]
    assert found.ledger.counts() == {"label-left-out": 1}
    assert signal_of(found, "column:score").values.tolist() == [1.0, 0.0]


def test_own_words_for_labels(tmp_path: Path) -> None:
    path = tmp_path / "words.csv"
    path.write_text("answer,label,document\na,Full,d1\nb,Partial,d1\nc,Generic,d2\nd,None,d3\n")
    found = read_labels([path], words=Words(positive=("full",), leave_out=("generic",)))
    assert found.shares.tolist() == [1.0, 0.0, 0.0]
    assert found.clusters.tolist() == [0, 0, 1]
    with pytest.raises(InputError, match=r"words.csv:2: the label 'Full' is neither yes nor no"):
        read_labels([path])


def test_several_files_are_one_set(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"id": "q1", "answer": "a", "label": True, "document": "d"}]
    found = read_labels([write(tmp_path / "one.jsonl", rows), write(tmp_path / "two.jsonl", rows)])
    assert [one.item.query_id for one in found] == ["one/q1", "two/q1"]
    assert found.clusters.tolist() == [0, 1]
    assert found.slices == ("set",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("answer,score\na,1\n", "holds neither a label nor votes"),
        ("answer,label,votes\na,1,1\n", "holds both a label and votes"),
        ("id,answer,label\n,a,yes\n", "labels.csv:2: 'id' is empty"),
        ("answer,votes\na,[\n", "the votes are no JSON"),
        ("answer,votes\na,;\n", "the list of votes is empty"),
        ("answer,label\n", "no labelled answer"),
        ("answer,label\na,\n", "not one answer has a label"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=message.replace("[", r"\[")):
        read_labels([path])


@pytest.mark.shared_data
def test_published_collections(shared_data: Path) -> None:
    sentences = read_labels([shared_data / "qags" / "data" / "mturk_cnndm.jsonl"], format="qags")
    assert (len(sentences), int(sentences.clusters.max()) + 1) == (714, 235)
    assert {len(one.votes) for one in sentences} == {3}
    # The TRUE benchmark counts 235 and 239 summaries, 48.1% and 48.5% of them consistent.
    for name, number, share in (("cnndm", 235, 0.481), ("xsum", 239, 0.485)):
        whole = read_labels([shared_data / "qags" / "data" / f"mturk_{name}.jsonl"], format="qags-summary")
        assert len(whole) == number
        assert whole.shares.mean() == pytest.approx(share, abs=5e-4)
    begin = read_labels([shared_data / "begin" / "cmu-dog" / "begin_dev_cmu.tsv"], format="begin")
    assert (len(begin), int(begin.shares.sum())) == (337, 59)
    assert begin.ledger.counts() == {"label-left-out": 79}
    with pytest.raises(InputError, match="no file of BEGIN"):
        read_labels([shared_data / "begin" / "README.md"], format="begin")


def test_another_file_is_no_qags(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"other.jsonl:1: no line of QAGS"):
        read_labels([write(tmp_path / "other.jsonl", [{"article": "a", "summary": "b"}])], format="qags")


def test_the_soft_error_of_a_judge_that_always_says_no() -> None:
    votes = ["yyy", "yyn", "yyy", "nnn"]  # shares 1, 2/3, 1, 0
    squares = (1 + 4 / 9 + 1 + 0) / 4
    never = check(label_set(votes), [0.0] * 4).people
    assert never is not None
    assert never.soft_error == pytest.approx(squares)
    # Low means yes, so a score of 1 says no.
    turned = check(label_set(votes), [1.0] * 4, lower_is_better=True).people
    assert turned is not None
    assert turned.soft_error == pytest.approx(squares)
    # Scores below 0 (logarithms of probabilities) are no shares.
    logs = check(label_set(votes), [-0.1, -0.4, -0.2, -0.9], threshold=-0.5).people
    assert logs is not None
    assert logs.soft_error is None


def test_a_threshold_is_not_chosen_on_a_single_other_score() -> None:
    with pytest.raises(InputError, match="nearly every answer has the score"):
        check(label_set(["y", "n", "y", "n"]), [0.7, 0.3, 0.7, 0.7])


def test_who_labels_an_answer_twice_is_not_two_people(tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("id,answer,annotator,label\n1,a,p,yes\n1,a,p,no\n1,a,q,yes\n2,b,p,no\n2,b,q,no\n")
    found = read_labels([table])
    assert [(one.item.query_id, [vote.person for vote in one.votes]) for one in found] == [
        ("1#1", ["p", "q"]), ("1#2", ["p"]), ("2", ["p", "q"]),
    ]  # fmt: skip
    assert found.items[0].cluster == found.items[1].cluster


def test_without_ids_rows_of_one_answer_are_found_by_what_they_say(tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("query,answer,annotator,label\nQ,a,p,yes\nQ,a,q,no\nQ,b,p,no\nR,a,p,no\n,a,p,no\n,a,q,no\n")
    found = read_labels([table])
    assert [len(one.votes) for one in found] == [2, 1, 1, 1, 1]
    assert found.clusters.tolist() == [0, 0, 1, 2, 3]  # two answers to one query are alike


def test_thresholds_of_scores_below_zero_keep_their_sign() -> None:
    scores = [-0.9, -0.8, -0.7, -0.3, -0.2, -0.1]
    sentence = threshold_sentence(check(label_set(["y"] * 3 + ["n"] * 3), scores, lower_is_better=True))
    assert "up to a score of -.500" in sentence
    assert "thresholds -.55" in sentence
