"""Put the script that draws the charts of a report into the package, so that users need not install what bundles it."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SCRIPT = "ragbench/render/vega.js"


class VegaScript(BuildHookInterface[Any]):
    """Bundles Vega, Vega-Lite and vega-embed (BSD-3-Clause) from vl-convert, which `build-system.requires` pins."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the script before the files of a wheel, a source distribution or an editable install are listed."""
        import vl_convert

        Path(self.root, SCRIPT).write_text(vl_convert.javascript_bundle(), encoding="utf-8", newline="\n")
        build_data["artifacts"].append(f"/{SCRIPT}")
