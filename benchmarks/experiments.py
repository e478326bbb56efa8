"""How long ``ragbench experiments`` takes over 500 evaluations."""

import json
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.command import main
from benchmarks.commands import processor_seconds, under
from benchmarks.figures import Options, Section
from benchmarks.startup import installed
from ragbench.io.evaluation_cards import CARD, FINISHED, write_card
from ragbench.io.scored_runs import RESULTS

EVALUATIONS, MOST = 500, 2.0
SHOP = Path(__file__).resolve().parents[1] / "datasets" / "shop"
SYSTEMS = ("stems=bm25", "words=bm25:stem=false", "k1=bm25:k1=1.2", "b=bm25:b=0.75")
HOW = (
    f"Four settings of BM25 are evaluated on the sample shop with all default metrics, and the folder is copied "
    f"{EVALUATIONS} times, an hour apart. `ragbench experiments` prints one table of all of them. The figures are "
    "processor times of whole processes, from start to exit, on a busy machine. The second one has no cards, as in "
    "folders of earlier versions, so the results are read in full."
)


def run(options: Options) -> Section:
    """With cards, and without them."""
    command, count = installed(), 5 if options.small else EVALUATIONS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        systems = [word for system in SYSTEMS for word in ("--retriever", system)]
        evaluate = [
            command,
            "eval",
            "--corpus",
            SHOP / "product_catalog.csv",
            "--golden",
            SHOP,
            *systems,
            "--out",
            "one",
        ]
        subprocess.run([str(word) for word in evaluate], cwd=folder, check=True, capture_output=True)
        results = json.loads((folder / "one" / RESULTS).read_text(encoding="utf-8"))
        began = datetime(2026, 1, 1, tzinfo=UTC)
        for number in range(count):
            other = folder / "reports" / f"run-{number:03}"
            shutil.copytree(folder / "one", other)
            results["manifest"][FINISHED] = (began + timedelta(hours=number)).isoformat()
            (other / RESULTS).write_text(json.dumps(results, indent=1), encoding="utf-8")
            write_card(results, other)
        table = [command, "experiments", "reports"]
        processor_seconds([command, "experiments", "one"], folder)  # compiles the modules
        options.say("  ragbench experiments")
        seconds = [processor_seconds(table, folder)]
        for card in folder.glob(f"reports/*/{CARD}"):
            card.unlink()
        seconds.append(processor_seconds(table, folder))
    figures = (
        under(f"ragbench experiments, {count} evaluations of four systems", seconds[0], MOST),
        under("the same without cards", seconds[1], MOST),
    )
    return Section("experiments", "A list of 500 evaluations", HOW, figures)


if __name__ == "__main__":
    sys.exit(main(only="experiments"))
