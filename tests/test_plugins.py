"""A wrong setting of a plugin is refused in one way, whatever the kind of plugin."""

import dataclasses
from typing import Any, get_type_hints

import pytest

from ragbench.core.errors import SettingError
from ragbench.plugins import CHUNKERS, KINDS, METRICS, RETRIEVERS, Kind, Spec, build, built_in

PLUGINS = [
    pytest.param(kind, name, plugin, id=f"{kind.word}-{name}")
    for kind in KINDS
    if kind is not METRICS  # their names have a form of their own
    for name, plugin in built_in(kind).items()
]


@pytest.mark.parametrize(("kind", "name", "plugin"), PLUGINS)
def test_a_value_of_the_wrong_kind_is_refused_in_our_words(kind: Kind, name: str, plugin: type[Any]) -> None:
    hints = get_type_hints(plugin)
    for setting in (field.name for field in dataclasses.fields(plugin) if field.init):
        if hints[setting] is Any or "Mapping" in str(hints[setting]):
            continue
        with pytest.raises(SettingError, match=f"{setting} is a dict; it must be ") as refused:
            build(kind, {"name": name, setting: {"x": 1}})
        assert "Input should" not in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "spec", "said"),
    [
        (RETRIEVERS, "hybrid:of=x", "of is 'x'; it must be a list of texts (default: [bm25, dense])"),
        (RETRIEVERS, "bm25:k1=high", "k1 is 'high'; it must be a number (default: 0.9)"),
        (RETRIEVERS, "hybrid:weights=[a,b]", "weights[0] is 'a'; weights must be a list of numbers"),
        (
            RETRIEVERS,
            "http:url=u,header_env={a: [b]}",
            "header_env['a'] is a list; header_env must be a mapping from a text to a text",
        ),
        (RETRIEVERS, "hybrid:fusion=z", "fusion is 'z'; it must be 'rrf', 'minmax' or 'zscore' (default: rrf)"),
        (RETRIEVERS, "command", "command is missing; it must be a text or a list of texts"),
        (CHUNKERS, "fixed:size=1.5", "size is 1.5; it must be a whole number (default: 1200)"),
    ],
)
def test_what_a_wrong_setting_must_be(kind: Kind, spec: str, said: str) -> None:
    with pytest.raises(SettingError) as refused:
        build(kind, spec)
    assert str(refused.value) == f"{kind.word} {spec!r}: {said}"


def test_a_colon_without_settings_is_the_plain_name() -> None:
    assert Spec.parse("bm25:") == Spec.parse("bm25")
