"""How a chart appears in a notebook: its specification for front ends that draw it, and a picture for all others."""

from typing import Any

RENDERER = "ragbench"
MIME_TYPE = "application/vnd.vegalite.v6+json"
SCALE = 1.0
"""Pixels of the picture for each of the chart."""


def draw_without_network() -> None:
    """Make altair show charts in that way, unless the user has chosen another one.

    Altair's own default is a page that loads its scripts from another host:
    nothing is seen without a network, nor where scripts of notebooks do not run.
    """
    import altair as alt

    if RENDERER not in alt.renderers.names():
        alt.renderers.register(RENDERER, _bundle)
    if alt.renderers.active == "default":
        alt.renderers.enable(RENDERER)


def _bundle(spec: dict[str, Any], **options: Any) -> Any:
    from altair.utils.mimebundle import spec_to_mimebundle
    from altair.vegalite.v6.display import VEGALITE_VERSION

    picture, size = spec_to_mimebundle(
        spec, format="png", mode="vega-lite", vegalite_version=VEGALITE_VERSION, scale_factor=SCALE, **options
    )
    return {MIME_TYPE: spec, **picture, "text/plain": f"Chart: {_title(spec)}"}, size


def _title(spec: dict[str, Any]) -> str:
    title = spec.get("title", "")
    text = title.get("text", "") if isinstance(title, dict) else title
    return " ".join(text) if isinstance(text, list) else str(text)
