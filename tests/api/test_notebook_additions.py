"""Audits, names of systems, and charts that need no network."""

import io
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import ragbench as rb
from ragbench.api.notebook import PPI, bars, packed
from ragbench.render.charts.theme import config


@pytest.fixture(scope="module")
def shop(sample_data: Path) -> tuple[rb.Corpus, rb.GoldenSet]:
    return rb.load_corpus(sample_data / "shop" / "product_catalog.csv"), rb.load_golden(sample_data / "shop")


def test_an_audit_finds_what_the_command_finds(
    ragbench: object, shop: tuple[rb.Corpus, rb.GoldenSet], sample_data: Path, cache: Path
) -> None:
    corpus, golden = shop
    audited = rb.audit(golden, corpus, retrievers=["bm25"], cache=cache)
    words = ["--golden", sample_data / "shop", "--corpus", sample_data / "shop" / "product_catalog.csv"]
    printed = ragbench("golden", "audit", *words, "--retriever", "bm25", "--json").json  # type: ignore[operator]
    assert audited.to_pandas().to_dict("records") == printed["findings"]
    html = audited._repr_html_()
    for finding in audited.findings:
        assert finding.code in html


def test_what_an_audit_found_stays_text(shop: tuple[rb.Corpus, rb.GoldenSet], cache: Path) -> None:
    item = rb.GoldenItem("<script>", "<img src=x>", type="<b>", evidence=(rb.Evidence("<i>gone</i>"),))
    audited = rb.audit(rb.GoldenSet((item,), "<u>"), shop[0], retrievers=["bm25"], cache=cache)
    assert audited.findings[0].severity == "error"
    html = audited._repr_html_()
    assert "&lt;i&gt;gone" in html
    assert not any(tag in html for tag in ("<script", "<img", "<i>", "<u>"))


def test_systems_can_be_given_names(shop: tuple[rb.Corpus, rb.GoldenSet], cache: Path) -> None:
    corpus, golden = shop
    chunks = rb.chunk(corpus, "whole")
    named = rb.evaluate(chunks, golden, {"old": "bm25", "new": "bm25:stem=false"}, cache=cache)
    plain = rb.evaluate(chunks, golden, ["bm25", "bm25:stem=false"], cache=cache)
    assert [arm.name for arm in named.arms] == ["old", "new"]
    assert [one.candidate for one in named.comparisons[:1]] == ["new"]
    assert [arm.metrics for arm in named.arms] == [arm.metrics for arm in plain.arms]
    with pytest.raises(rb.SettingError, match="'old': k1 is -1"):
        rb.evaluate(chunks, golden, {"old": "bm25:k1=-1"}, cache=cache)


def test_a_chart_is_shown_without_a_network(shop: tuple[rb.Corpus, rb.GoldenSet], cache: Path) -> None:
    corpus, golden = shop
    chart = rb.evaluate(rb.chunk(corpus, "whole"), golden, ["bm25"], cache=cache).plot.leaderboard()
    bundle, size = chart._repr_mimebundle_()
    assert sorted(bundle) == ["application/vnd.vegalite.v6+json", "image/png", "text/plain"]
    assert bundle["image/png"].startswith(b"\x89PNG")
    assert size["image/png"]["width"] > 600
    assert bundle["application/vnd.vegalite.v6+json"] == chart.to_dict()
    assert "ndcg@10" in bundle["text/plain"]
    with alt.renderers.enable("svg"):  # the user's own choice stands
        assert sorted(chart._repr_mimebundle_()) == ["image/svg+xml"]


def test_a_packed_picture_has_the_same_pixels(shop: tuple[rb.Corpus, rb.GoldenSet], cache: Path) -> None:
    corpus, golden = shop
    chart = rb.evaluate(rb.chunk(corpus, "whole"), golden, ["bm25"], cache=cache).plot.leaderboard()
    with alt.renderers.enable("png", ppi=PPI):
        loose = chart._repr_mimebundle_()[0]["image/png"]
    with alt.renderers.enable("ragbench"):
        tight = chart._repr_mimebundle_()[0]["image/png"]
    assert tight == packed(loose)
    assert len(tight) < len(loose) / 2
    pixels = [np.asarray(Image.open(io.BytesIO(png))) for png in (loose, tight)]
    assert (pixels[0] == pixels[1]).all()
    Image.open(io.BytesIO(tight)).verify()


def test_a_notebook_stores_no_repr(shop: tuple[rb.Corpus, rb.GoldenSet]) -> None:
    corpus, golden = shop
    for shown in (corpus, golden, rb.chunk(corpus, "whole")):
        bundle = shown._repr_mimebundle_()
        assert bundle["text/html"] == shown._repr_html_()
        assert len(bundle["text/plain"]) < 300


def test_every_chart_of_systems_can_be_drawn(shop: tuple[rb.Corpus, rb.GoldenSet], cache: Path) -> None:
    corpus, golden = shop
    evaluation = rb.evaluate(rb.chunk(corpus, "whole"), golden, ["bm25", "bm25:stem=false"], cache=cache)
    compared = rb.compare(evaluation, by=["type"])
    names = ("leaderboard", "tradeoff", "by_k", "slices", "rank_changes", "overlap")
    charts = [getattr(evaluation.plot, name)() for name in names]
    for chart in (*charts, compared.plot.differences(), compared.plot.slices()):
        bundle, _ = chart._repr_mimebundle_()  # a selection that no layer makes would be an error here
        assert len(bundle["image/png"]) > 5000
        for param in bundle["application/vnd.vegalite.v6+json"].get("params", ()):
            assert param.get("views") != []
    light, dark = (evaluation.plot.by_k(theme=theme).to_dict() for theme in ("light", "dark"))
    assert light["config"]["style"].items() >= config("light")["style"].items()
    assert dark["config"]["axis"] != light["config"]["axis"]


def test_progress_tells_nothing_of_missing_widgets(recwarn: pytest.WarningsRecorder) -> None:
    with bars("work", 3) as advance:
        advance(3)
    assert not recwarn.list


def test_times_of_a_frame_may_be_text(sample_data: Path) -> None:
    path = sample_data / "experiment" / "events.csv"
    frame = pd.read_csv(path)
    assert rb.ab(frame).plan == rb.ab(path).plan
    assert rb.ab(frame).plan.per_day == pytest.approx(290, abs=1)
    untimed = rb.ab(frame.assign(timestamp="some day"))
    assert untimed.plan.per_day is None
    assert any("holds no dates" in note for note in untimed.notes)
