"""The library that draws the charts, as one script without needs of its own."""

from functools import lru_cache
from pathlib import Path

from ragbench.io.atomic import replacing


@lru_cache
def vega_script(cache: Path) -> str:
    """Vega, Vega-Lite and vega-embed, minified (0.9 MB).

    Bundling takes seconds, so the script is kept under the version of the package that bundles it.
    """
    from importlib.metadata import version

    kept = cache / "javascript" / f"vega-{version('vl-convert-python')}.js"
    try:
        return kept.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        pass
    import vl_convert

    script: str = vl_convert.javascript_bundle()  # type: ignore[call-arg]
    with replacing(kept) as path:
        path.write_text(script, encoding="utf-8", newline="\n")
    return script
