"""Whether a difference holds whatever the wording of the queries.

A golden set that was written from documents asks in several wordings, from paraphrases to copies of the documents'
terms. How users ask is one more wording, and nobody knows which. So a system is better if the difference over all
queries is significant, is not small, and no wording contradicts it (`ragbench.core.verdicts.lasting`).
`docs/concepts/validity.md` has the error rates, and how the rule was chosen. The differences by wording also predict
the difference in a further one.

Ranks, groups and posteriors are about the mean over all wordings of this kind (`p_of_pairs`, `wording_errors`). Its
error is that of the same few wordings, so it has few degrees of freedom.
"""

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from ragbench.core.scored import QueryTable
from ragbench.core.verdicts import PREDICTED, TRIFLE, AcrossWordings, Verdict, WordingDifference
from ragbench.golden.wordings import CLAUSE_WRITER, WORDINGS, WRITER
from ragbench.stats.clusters import cluster_index, clustered_means
from ragbench.stats.distributions import t_above, t_quantile
from ragbench.stats.prediction import FEWEST_VALUES, FurtherMean, contradicting, equal_means_p, further_mean, groups_of
from ragbench.stats.repeats import RunErrors

COLUMN = "wording"
"""The column of the queries that has their wording."""

Values = npt.NDArray[np.float64]
Texts = npt.NDArray[np.str_]


def across_wordings(
    differences: Values,
    clusters: npt.NDArray[np.int64],
    wordings: Texts,
    confidence: float,
    unit: Callable[[float], float] = float,
) -> AcrossWordings | None:
    """Compare two systems by wording. The result is None with fewer than three wordings of ten queries or more.

    Args:
        differences: (n,) candidate minus baseline.
        clusters: (n,) resampling unit of each query.
        wordings: (n,) wording of each query.
        confidence: confidence of the intervals by wording.
        unit: converts a difference for print.
    """
    order = list(WORDINGS)
    groups = sorted(groups_of(wordings), key=lambda one: order.index(one[0]) if one[0] in order else len(order))
    if not groups:
        return None
    parts, means, errors = [], [], []
    for name, rows in groups:
        found = clustered_means(differences[rows, None], cluster_index(clusters[rows].tolist()))
        mean, error, df = float(found.means[0]), float(found.errors[0]), float(found.df[0])
        low, high, p = None, None, 1.0
        if error > 0:
            reach = float(t_quantile((1 + confidence) / 2, df)) * error
            low, high, p = unit(mean - reach), unit(mean + reach), 2 * float(t_above(abs(mean) / error, df))
        parts.append(WordingDifference(name, len(rows), unit(mean), low, high, p))
        means.append(mean)
        errors.append(error)
    counts = np.array([float(part.n) for part in parts])
    further = further_mean(np.array(means), counts)
    trifle = np.array([TRIFLE * differences.std(ddof=1)])
    against = contradicting(np.array(means)[:, None], counts, trifle)[:, 0]
    opposed = tuple(part.wording for part, is_against in zip(parts, against.tolist(), strict=True) if is_against)
    low, high = further.interval(PREDICTED)
    equal = equal_means_p(np.array(means), np.array(errors))
    return AcrossWordings(tuple(parts), opposed, further.same_sign, unit(low), unit(high), equal)


def further_wording(differences: Values, wordings: Texts) -> FurtherMean | None:
    """Predict the mean difference in a further wording; None with fewer than three wordings of ten queries or more.

    Each wording weighs as much as it has queries, as in the mean over all queries.
    """
    groups = groups_of(wordings)
    if not groups:
        return None
    means = np.array([differences[rows].mean() for _, rows in groups])
    return further_mean(means, np.array([float(len(rows)) for _, rows in groups]))


def p_of_pairs(values: Values, wordings: Texts) -> Values | None:
    """(k, k) p-values that two systems have the same mean over all wordings of this kind; 1 on the diagonal.

    None with fewer than three wordings of ten queries or more.

    Args:
        values: (n, k) values of k systems, without NaN.
        wordings: (n,) wording of each query.
    """
    groups = groups_of(wordings)
    if not groups:
        return None
    means = np.array([values[rows].mean(axis=0) for _, rows in groups])
    weights = np.array([float(len(rows)) for _, rows in groups])
    p = np.ones((values.shape[1], values.shape[1]))
    for i, j in combinations(range(values.shape[1]), 2):
        p[i, j] = p[j, i] = further_mean(means[:, i] - means[:, j], weights).p
    return p


def wording_errors(differences: Values, clusters: npt.NDArray[np.int64], wordings: Texts) -> RunErrors | None:
    """The part of the squared error of a mean difference that all queries of a wording share.

    Wordings are to queries what runs are: queries of a wording vary together, and a clustered error does not see that.
    So `ragbench.stats.repeats.with_runs` adds this part to it. None with fewer than three wordings of ten queries or
    more.

    Args:
        differences: (n,) without NaN.
        clusters: (n,) resampling unit of each query.
        wordings: (n,) wording of each query.
    """
    further = further_wording(differences, wordings)
    if further is None:
        return None
    groups = groups_of(wordings)
    total = sum(len(rows) for _, rows in groups)
    errors = np.array([
        clustered_means(differences[rows, None], cluster_index(clusters[rows].tolist())).errors[0]
        for _, rows in groups
    ])  # fmt: skip
    shares = np.array([len(rows) / total for _, rows in groups])
    within = float(np.nan_to_num((shares * errors) ** 2).sum())
    squares = further.error_of_mean**2
    return RunErrors(*(np.array([part]) for part in (max(squares - within, 0.0), within, squares, further.df)))


def wordings_of(queries: QueryTable, rows: npt.NDArray[np.int64]) -> Texts | None:
    """(n,) Wording of each of these queries; None if one of them has none."""
    column = queries.columns.get(COLUMN)
    if column is None:
        return None
    found = [column[row] for row in rows.tolist()]
    return None if None in found else np.array([str(one) for one in found])


def asks_in_wordings(queries: QueryTable) -> bool:
    """Whether verdicts on these queries are over wordings: there are three of ten queries or more."""
    wordings = wordings_of(queries, np.arange(len(queries)))
    return wordings is not None and bool(groups_of(wordings))


def are_masked(queries: QueryTable) -> bool:
    """Whether all queries are masked sentences or clauses."""
    return set(queries.types) <= {WRITER, CLAUSE_WRITER}


def written_from_documents(queries: QueryTable) -> bool:
    """Whether the queries are masked, or each has a wording: then no user asked them."""
    return are_masked(queries) or wordings_of(queries, np.arange(len(queries))) is not None


def one_wording(queries: QueryTable, verdicts: Sequence[Verdict]) -> list[str]:
    """Warn if verdicts on queries that were written from documents do not tell whether they depend on the wording."""
    tested = [one for one in verdicts if one.difference is not None and not one.same_run]
    if not tested or any(one.wordings is not None for one in tested) or not written_from_documents(queries):
        return []
    elsewhere = any(one.human is not None or one.item == "document" for one in tested)
    if elsewhere and asks_in_wordings(queries):
        return [
            "warning: the queries were written from documents in several wordings, and these verdicts do not ask "
            "whether a further wording would show the same difference: labels of annotators and means by document do "
            "not check it"
        ]
    return [
        f"warning: the queries were written from documents in fewer than three wordings of {FEWEST_VALUES} queries, so "
        "nothing shows whether these differences depend on the wording. Queries of users may decide otherwise: "
        "generate the set again with all wordings, or label some queries of your users"
    ]
