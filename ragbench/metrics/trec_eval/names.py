"""The measures that ``-m`` names: ``map``, ``P.5,10``, ``ndcg.1=3,2=9``, ``official``.

A name is the family, then its parameters behind a dot. Printed names are accepted too: ``P_5``, ``ndcg_cut_10``. The
order of `FAMILIES` is the order in which trec_eval prints them.

Source: trec_eval 10, ``measures.c`` and ``meas_init.c``.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ragbench.core.brief import brief
from ragbench.core.errors import SettingError, did_you_mean

Kind = Literal["plain", "ranks", "shares", "numbers", "gains"]
"""Parameters: none, cut-offs that are ranks, cut-offs that are shares, numbers of one value, or gains by label."""
Labels = Literal["qrels", "qrels_jg", "prefs"]
"""Kinds of labels: one for each item, one for each judgement group (such as an annotator) and item, or preferences."""
Summary = Literal["mean", "sum", "geometric", "queries", "run", "none"]
"""What is printed for all queries: a number over them, how many there are, the run's name, or nothing."""

CUTS = (5.0, 10.0, 15.0, 20.0, 30.0, 100.0, 200.0, 500.0, 1000.0)
TENTHS = tuple(i / 10 for i in range(11))
FIFTHS = tuple(i / 5 for i in range(1, 11))
PREFERENCE_COUNTS = ("prefs_num_prefs_poss", "prefs_num_prefs_ful", "prefs_num_prefs_ful_ret")
PREFERENCES = (
    "prefs_simp", "prefs_pair", "prefs_avgjg", "prefs_avgjg_Rnonrel",
    "prefs_simp_ret", "prefs_pair_ret", "prefs_avgjg_ret", "prefs_avgjg_Rnonrel_ret",
    "prefs_simp_imp", "prefs_pair_imp", "prefs_avgjg_imp",
)  # fmt: skip


@dataclass(frozen=True)
class Family:
    """A measure with any parameters.

    Attributes:
        kind: what its parameters are.
        default: its parameters if none are given.
        summary: what is printed for all queries.
        single: whether it is printed for single queries.
        labels: what it is computed from; None for any labels.
    """

    kind: Kind = "plain"
    default: tuple[float, ...] = ()
    summary: Summary = "mean"
    single: bool = True
    labels: Labels | None = "qrels"


FAMILIES: dict[str, Family] = {
    "runid": Family(summary="run", single=False, labels=None),
    "num_q": Family(summary="queries", single=False, labels=None),
    "num_ret": Family(summary="sum"),
    "num_rel": Family(summary="sum"),
    "num_rel_ret": Family(summary="sum"),
    "map": Family(),
    "gm_map": Family(summary="geometric", single=False),
    "Rprec": Family(),
    "bpref": Family(),
    "recip_rank": Family(),
    "iprec_at_recall": Family("shares", TENTHS),
    "P": Family("ranks", CUTS),
    "relstring": Family("numbers", (10.0,), summary="none"),
    "recall": Family("ranks", CUTS),
    "infAP": Family(),
    "gm_bpref": Family(summary="geometric", single=False),
    "Rprec_mult": Family("shares", FIFTHS),
    "utility": Family("numbers", (1.0, -1.0, 0.0, 0.0)),
    "11pt_avg": Family("numbers", TENTHS),
    "binG": Family(),
    "G": Family("gains"),
    "dcg": Family("gains"),
    "ideal_dcg": Family("gains"),
    "ndcg": Family("gains"),
    "ndcg_rel": Family("gains"),
    "Rndcg": Family("gains"),
    "ndcg_cut": Family("ranks", CUTS),
    "map_cut": Family("ranks", CUTS),
    "relative_P": Family("ranks", CUTS),
    "success": Family("ranks", (1.0, 5.0, 10.0)),
    "set_P": Family(),
    "set_relative_P": Family(),
    "set_recall": Family(),
    "set_map": Family(),
    "set_F": Family("numbers", (1.0,)),
    "num_nonrel_judged_ret": Family(summary="sum"),
    "num_nonjudged_ret": Family(summary="sum"),
    **dict.fromkeys(PREFERENCE_COUNTS, Family(summary="sum", labels="prefs")),
    **dict.fromkeys(PREFERENCES, Family(labels="prefs")),
    "map_avgjg": Family(labels="qrels_jg"),
    "P_avgjg": Family("ranks", CUTS, labels="qrels_jg"),
    "Rprec_mult_avgjg": Family("shares", FIFTHS, labels="qrels_jg"),
    "yaap": Family(),
    "rbp": Family("gains"),
    "rbp_resid": Family(),
    "unj": Family("ranks", (5.0, 10.0, 20.0)),
}
NOT_IN_ALL = ("num_nonjudged_ret", "dcg", "ideal_dcg", "yaap")
ONLY_TEN = ("num_nonjudged_ret", "dcg", "ideal_dcg", "rbp", "rbp_resid", "unj")
"""Measures that trec_eval 9 does not have."""
SETS = ("utility", "set_P", "set_recall", "set_relative_P", "set_map", "set_F")
OFFICIAL = tuple(FAMILIES)[: tuple(FAMILIES).index("P") + 1]
ANY = ("runid", "num_q")
ALL = tuple(name for name, family in FAMILIES.items() if family.labels in (None, "qrels") and name not in NOT_IN_ALL)
NICKNAMES: dict[str, tuple[str, ...]] = {
    "official": OFFICIAL,
    "set": (*OFFICIAL[:5], *SETS),
    "all_trec": ALL,
    "prefs": (*ANY, *PREFERENCE_COUNTS, *PREFERENCES[:3]),
    "all_prefs": (*ANY, *PREFERENCE_COUNTS, *PREFERENCES),
    "qrels_jg": (*ANY, "map_avgjg", "P_avgjg", "Rprec_mult_avgjg"),
}
PRINTED = re.compile(r"(?P<family>.+?)_(?P<cuts>[0-9.]+(?:,[0-9.]+)*)")


@brief
@dataclass(frozen=True)
class Measure:
    """One line of the output.

    Attributes:
        name: as it is printed.
        family: its name without parameters.
        given: its numbers, or its one cut-off.
        pairs: its gains by label.
    """

    name: str
    family: str
    given: tuple[float, ...] = ()
    pairs: Mapping[str, float] = field(default_factory=dict)

    @property
    def summary(self) -> Summary:
        """What is printed for all queries."""
        return FAMILIES[self.family].summary

    @property
    def single(self) -> bool:
        """Whether it is printed for single queries."""
        return FAMILIES[self.family].single

    @property
    def counted(self) -> bool:
        """Whether it has a value for each query."""
        return self.summary not in ("run", "queries", "none")


def measures(written: Iterable[str], *, nine: bool = False, labels: Labels = "qrels") -> tuple[Measure, ...]:
    """Return the measures of several ``-m``, in the order in which they are printed.

    Cut-offs that are given several times for a family are put together. Given parameters replace the default ones.

    Args:
        written: names, with parameters behind a dot.
        nine: whether trec_eval 9 is followed, which has fewer measures.
        labels: the kind of the labels.

    Raises:
        SettingError: a measure or parameter is unknown, or a measure is not computed from these labels.
    """
    asked: dict[str, list[str]] = {}
    for name in written:
        family, given = _split(name)
        for one in NICKNAMES.get(family, (family,)):
            if not (nine and one in ONLY_TEN and family in NICKNAMES):
                asked.setdefault(one, []).extend([given] if given else [])
    unfit = [family for family in asked if FAMILIES[family].labels not in (None, labels)]
    if unfit:
        fitting = ", ".join(name for name, families in NICKNAMES.items() if FAMILIES[families[-1]].labels == labels)
        raise SettingError(
            f"measure {unfit[0]} needs labels of the kind {FAMILIES[unfit[0]].labels}, and these are {labels}; their "
            f"measures: {fitting}"
        )
    found: list[Measure] = []
    for family in (family for family in FAMILIES if family in asked):
        found += _with_parameters(family, asked[family])
    return tuple(found)


def _split(written: str) -> tuple[str, str]:
    """Separate the family and its parameters."""
    family, dot, given = written.strip().partition(".")
    if dot and not given:
        raise SettingError(f"measure {written!r}: parameters are missing behind the dot, as in P.5,10")
    if family in FAMILIES or (family in NICKNAMES and not given):
        return family, given
    printed = PRINTED.fullmatch(written.strip())
    if printed and printed["family"] in FAMILIES and FAMILIES[printed["family"]].kind in ("ranks", "shares"):
        return printed["family"], printed["cuts"]
    raise SettingError(f"trec_eval has no measure {written!r}{did_you_mean(family, [*FAMILIES, *NICKNAMES])}")


def _with_parameters(family: str, given: list[str]) -> list[Measure]:
    about = FAMILIES[family]
    if about.kind == "plain":
        if given:
            raise SettingError(f"measure {family}.{given[0]}: {family} has no parameter")
        return [Measure(family, family)]
    if about.kind == "gains":
        pairs = dict(_pair(family, part) for part in given[0].split(",")) if given else {}
        return [Measure(f"{family}_{given[0]}" if given else family, family, pairs=pairs)]
    if about.kind == "numbers":
        numbers = tuple(_number(family, part) for part in given[0].split(",")) if given else about.default
        if len(numbers) != len(about.default) and family != "11pt_avg":
            raise SettingError(f"measure {family}.{given[0]}: {len(about.default)} numbers belong here")
        if family == "set_F" and numbers[0] <= 0:
            raise SettingError(f"measure {family}.{given[0]}: the parameter must be above 0")
        return [Measure(f"{family}_{given[0]}" if given else family, family, numbers)]
    cuts = sorted({_number(family, part) for text in given for part in text.split(",")}) if given else about.default
    if about.kind == "ranks":
        cuts = [float(int(cut)) for cut in cuts]
        if min(cuts) < 1:
            raise SettingError(f"measure {family}: a cut-off must be at least 1")
        return [Measure(f"{family}_{int(cut)}", family, (cut,)) for cut in dict.fromkeys(cuts)]
    return [Measure(f"{family}_{cut:3.2f}", family, (cut,)) for cut in cuts]


def _number(family: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if number != number or abs(number) == float("inf"):
        raise SettingError(f"measure {family}: {text!r} is no number; write parameters as in P.5,10")
    return number


def _pair(family: str, text: str) -> tuple[str, float]:
    key, equals, value = text.partition("=")
    if not equals or not (key.isdigit() or (family == "rbp" and key == "p")):
        raise SettingError(f"measure {family}: {text!r} is no gain of a label; write gains as in {family}.1=3,2=9")
    return key, _number(family, value)
