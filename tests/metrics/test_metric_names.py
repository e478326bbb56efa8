from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragbench.core.errors import SettingError
from ragbench.metrics.alpha_ndcg import AlphaNDCG
from ragbench.metrics.ap import AveragePrecision
from ragbench.metrics.base import Metric
from ragbench.metrics.bin_g import BinG
from ragbench.metrics.bpm import BPM
from ragbench.metrics.bpref import Bpref
from ragbench.metrics.capped_recall import CappedRecall
from ragbench.metrics.compatibility import Compatibility
from ragbench.metrics.eleven_point import ElevenPoint
from ragbench.metrics.err import ERR
from ragbench.metrics.err_ia import IntentAwareERR
from ragbench.metrics.gm_map import GeometricMAP
from ragbench.metrics.hit import Hit
from ragbench.metrics.infap import InferredAP
from ragbench.metrics.inst import INST
from ragbench.metrics.iprec import InterpolatedPrecision
from ragbench.metrics.judged import Judged
from ragbench.metrics.mrr import ReciprocalRank
from ragbench.metrics.ndcg import NDCG
from ragbench.metrics.num_rel import NumRel
from ragbench.metrics.num_rel_ret import NumRelRet
from ragbench.metrics.num_ret import NumRet
from ragbench.metrics.parse import metric_names, parse, parse_all
from ragbench.metrics.precision import Precision
from ragbench.metrics.r_precision import RPrecision
from ragbench.metrics.rbp import RBP
from ragbench.metrics.rbp_residual import RBPResidual
from ragbench.metrics.recall import Recall
from ragbench.metrics.set_f import SetF
from ragbench.metrics.set_precision import SetPrecision
from ragbench.metrics.set_recall import SetRecall
from ragbench.plugins import METRICS, built_in

CUTS = st.integers(1, 10**6)
CUT_OR_NONE = st.none() | CUTS
LEVELS = st.integers(1, 9)
PATIENCE = st.floats(0.001, 0.999)
RISING = st.lists(st.integers(0, 50) | st.floats(0, 50), min_size=1, max_size=4).map(sorted)
GAINS = st.sampled_from(["linear", "exp"]) | RISING.filter(lambda rest: rest[-1] > 0).map(lambda rest: (0, *rest))
TOPS = st.none() | st.integers(1, 9)
WANTED = st.floats(0.5, 50)
BUILDS: dict[type[Metric], st.SearchStrategy[Metric]] = {
    Hit: st.builds(Hit, k=CUTS, level=LEVELS),
    Recall: st.builds(Recall, k=CUTS, level=LEVELS),
    CappedRecall: st.builds(CappedRecall, k=CUTS, level=LEVELS),
    Precision: st.builds(Precision, k=CUTS, level=LEVELS),
    ReciprocalRank: st.builds(ReciprocalRank, k=CUT_OR_NONE, level=LEVELS),
    AveragePrecision: st.builds(AveragePrecision, k=CUT_OR_NONE, level=LEVELS),
    NDCG: st.builds(NDCG, k=CUT_OR_NONE, gain=GAINS),
    RPrecision: st.builds(RPrecision, level=LEVELS),
    Bpref: st.builds(Bpref, level=LEVELS),
    Judged: st.builds(Judged, k=CUTS),
    RBP: st.builds(RBP, p=PATIENCE, level=LEVELS, k=CUT_OR_NONE),
    RBPResidual: st.builds(RBPResidual, p=PATIENCE, k=CUT_OR_NONE),
    SetPrecision: st.builds(SetPrecision, level=LEVELS),
    SetRecall: st.builds(SetRecall, level=LEVELS),
    SetF: st.builds(SetF, beta=st.floats(0.01, 100), level=LEVELS),
    NumRet: st.builds(NumRet),
    NumRel: st.builds(NumRel, level=LEVELS),
    NumRelRet: st.builds(NumRelRet, level=LEVELS),
    BinG: st.builds(BinG, level=LEVELS),
    InterpolatedPrecision: st.builds(InterpolatedPrecision, recall=st.floats(0, 1), level=LEVELS),
    ElevenPoint: st.builds(ElevenPoint, level=LEVELS),
    InferredAP: st.builds(InferredAP, level=LEVELS),
    GeometricMAP: st.builds(GeometricMAP, level=LEVELS),
    ERR: st.builds(ERR, k=CUT_OR_NONE, gain=GAINS, max_label=TOPS),
    INST: st.builds(INST, t=WANTED, gain=GAINS, max_label=TOPS),
    BPM: st.builds(BPM, k=CUTS, t=WANTED, gain=GAINS, max_label=TOPS),
    AlphaNDCG: st.builds(AlphaNDCG, k=CUTS, alpha=st.floats(0, 1)),
    IntentAwareERR: st.builds(IntentAwareERR, k=CUT_OR_NONE, gain=GAINS, max_label=TOPS),
    Compatibility: st.builds(Compatibility, p=PATIENCE),
}
ANY_METRIC = st.one_of(*BUILDS.values())


@given(ANY_METRIC, st.booleans())
def test_a_printed_metric_reads_back_as_itself(metric: Metric, judged_only: bool) -> None:
    metric = replace(metric, judged_only=judged_only)
    assert parse(str(metric)) == metric
    assert str(parse(str(metric))) == str(metric)
    assert parse(str(metric).upper()) == metric


def test_every_metric_is_covered_by_the_property_above() -> None:
    metrics = built_in(METRICS)
    assert len(metrics) == len(set(metrics.values()))
    assert set(metrics.values()) == set(BUILDS)
    assert set(metric_names()) >= {metric.name for metric in metrics.values()}
    names = [name for metric in metrics.values() for name in (metric.name, *metric.aliases)]
    assert len(names) == len(set(names)), "two metrics share a name"


def test_a_file_is_named_like_its_metric() -> None:
    for name, metric in built_in(METRICS).items():
        assert name in (metric.name, *metric.aliases)


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("nDCG@10", "ndcg@10"),
        ("ndcg_cut_10", "ndcg@10"),
        ("ndcg_cut.10", "ndcg@10"),
        ("NDCG", "ndcg"),
        ("nDCG(dcg='exp-log2')@10", "ndcg(gain=exp)@10"),
        ("ndcg_burges@5", "ndcg(gain=exp)@5"),
        ("ndcg(gain=linear)@10", "ndcg@10"),
        ("MRR@10", "mrr@10"),
        ("RR(rel=2)@10", "mrr(level=2)@10"),
        ("recip_rank", "mrr"),
        ("success@5", "hit@5"),
        ("success_5", "hit@5"),
        ("hit-rate@1", "hit@1"),
        ("P_10", "p@10"),
        ("Precision@10", "p@10"),
        ("MAP", "map"),
        ("map_cut_100", "map@100"),
        ("AP@100", "map@100"),
        ("Rprec", "rprec"),
        ("R-Precision", "rprec"),
        ("R@1000", "recall@1000"),
        ("recall_100", "recall@100"),
        ("recall( level = 2 ) @ 100", "recall(level=2)@100"),
        ("R_cap@100", "capped_recall@100"),
        ("Judged@10", "judged@10"),
        ("rbp(p=0.8)", "rbp(p=0.8)"),
        ("RBP(p=0.80,rel=1)", "rbp(p=0.8)"),
        ("rbp_residual(p=.5)@10", "rbp_residual(p=0.5)@10"),
        ("Bpref", "bpref"),
        ("IPrec@0.1", "iprec@0.1"),
        ("iprec_at_recall_0.10", "iprec@0.1"),
        ("iprec_at_recall.0.00", "iprec@0.0"),
        ("iprec(rel=2)@1", "iprec(level=2)@1.0"),
        ("11pt_avg", "11pt_avg"),
        ("infAP", "infap"),
        ("binG", "bing"),
        ("set_P", "set_p"),
        ("SetP", "set_p"),
        ("set_recall", "set_recall"),
        ("SetF(beta=2)", "set_f(beta=2.0)"),
        ("set_F", "set_f"),
        ("NumRelRet(rel=2)", "num_rel_ret(level=2)"),
        ("num_ret", "num_ret"),
        ("gm_map", "gm_map"),
        ("alpha_nDCG(alpha=0.5)@20", "alpha_ndcg@20"),
        ("alpha-nDCG@20", "alpha_ndcg@20"),
        ("ERR_IA@20", "err_ia@20"),
        ("ERR-IA@20", "err_ia@20"),
        ("GMAP", "gm_map"),
        ("ERR@20", "err@20"),
        ("err(max_label=4)@20", "err(max_label=4)@20"),
        ("ndcg(gains=0,1,3,7)@10", "ndcg(gain=0,1,3,7)@10"),
        ("ndcg(gain=0, 1.5, 3, judged_only=true)@10", "ndcg(judged_only=true,gain=0,1.5,3)@10"),
        ("INST(T=2, max_rel=3)", "inst(t=2.0,max_label=3)"),
        ("BPM(T=1)@20", "bpm@20"),
        ("Compat(p=0.9)", "compat(p=0.9)"),
        ("P(judged_only=True)@5", "p(judged_only=true)@5"),
    ],
)
def test_usual_spellings(written: str, printed: str) -> None:
    assert str(parse(written)) == printed


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("ndgc@10", "did you mean 'ndcg'"),
        ("ndcg@0", "k=0 must be a whole number from 1"),
        ("ndcg_cut_-5", "k=-5"),
        ("p@-1", "k=-1"),
        ("p@ten", "k='ten'"),
        ("p@2.5", "k=2.5"),
        ("p@", "k=''"),
        ("hit", "needs k, for example hit@10"),
        ("recall(level=0)@5", "level=0"),
        ("recall(level=x)@5", "level='x'"),
        ("recall(lvel=2)@5", "did you mean 'level'"),
        ("recall(level=2,level=3)@5", "given twice"),
        ("recall(level)@5", "expected key=value"),
        ("recall(k=5)", "after @"),
        ("ndcg(gain=exponential)@10", "gain='exponential' is no gain"),
        ("rbp", "needs p, for example rbp(p=0.8)"),
        ("rbp(p=1)", "between 0 and 1"),
        ("rbp(p=nan)", "between 0 and 1"),
        ("rprec@10", "takes no cut"),
        ("iprec", "needs recall, for example iprec@0.1"),
        ("iprec@1.5", "recall=1.5 must lie between 0 and 1"),
        ("iprec@x", "recall='x' must lie"),
        ("iprec(recall=0.1)", "recall: write the recall after @"),
        ("iprec(k=3)@0.1", "after @"),
        ("set_f(beta=0)", "beta=0 must be above 0"),
        ("set_f(beta=inf)", "beta=inf must be above 0"),
        ("set_p@10", "takes no cut"),
        ("alpha_ndcg(alpha=2)@10", "alpha=2 must lie between 0 and 1"),
        ("ndcg(gain=1,2)@10", "must be numbers for the labels 0, 1, ... that begin with 0 and never fall"),
        ("ndcg(gain=0,2,1)@10", "never fall"),
        ("ndcg(gain=0,x)@10", "never fall"),
        ("err(max_label=0)", "max_label=0 must be a whole number from 1"),
        ("inst(t=0)", "t=0 must be at least 0.5"),
        ("bpm(t=0)@5", "t=0 must be above 0"),
        ("map(judged_only=2)", "must be true or false"),
        ("ndcg@10@20", "cannot be read"),
        ("ndcg(gain=exp@10", "cannot be read"),
        ("", "cannot be read"),
    ],
)
def test_wrong_names_say_what_to_do(written: str, says: str) -> None:
    with pytest.raises(SettingError) as caught:
        parse(written)
    assert says in str(caught.value)


def test_settings_are_checked_however_a_metric_is_made() -> None:
    with pytest.raises(SettingError, match="k=0"):
        NDCG(k=0)
    with pytest.raises(SettingError, match="k=True"):
        Hit(k=True)
    with pytest.raises(SettingError, match="level"):
        Hit(k=1, level=2.0)  # type: ignore[arg-type]


def test_a_level_and_judged_only_hold_where_a_name_does_not_say() -> None:
    names = ["recall@5", "p(level=1)@5", "ndcg@10", "map(judged_only=false)", Bpref()]
    assert [str(m) for m in parse_all(names, level=2, judged_only=True)] == [
        "recall(judged_only=true,level=2)@5",
        "p(judged_only=true)@5",
        "ndcg(judged_only=true)@10",
        "map(level=2)",
        "bpref",
    ]


def test_lists_of_names() -> None:
    metrics = parse_all("ndcg(gain=exp)@10, rbp(p=0.8,level=2)@5, MRR@10, rr@10,")
    assert [str(m) for m in metrics] == ["ndcg(gain=exp)@10", "rbp(p=0.8,level=2)@5", "mrr@10"]
    assert parse_all([NDCG(k=10), "ndcg@10"]) == (NDCG(k=10),)
    assert parse_all(Bpref()) == (Bpref(),)
    with pytest.raises(SettingError, match="no metric is named"):
        parse_all(" , ")
