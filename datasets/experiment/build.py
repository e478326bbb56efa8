"""Writes ``events.csv``: an invented experiment with a known effect. ``--check`` compares instead.

python datasets/experiment/build.py
"""

import csv
import io
import sys
from pathlib import Path

import numpy as np

SEED = 20260301
USERS = 4_000
DAYS = 14
START = np.datetime64("2026-03-02T00:00:00")
CONVERSION = {"control": 0.10, "treatment": 0.15}
"""Chance that a user of average interest orders at all."""
LATENCY_FACTOR = {"control": 1.0, "treatment": 1.01}
OUTPUT = Path(__file__).resolve().parent / "events.csv"
HEAD = ["timestamp", "user_id", "variant_id", "clicked", "converted", "order_value", "latency_ms", "spend_before"]


def events() -> str:
    """The file's text: one row per search; an order belongs to the last search of a user who orders."""
    rng = np.random.default_rng(SEED)
    rows = []
    for number in range(USERS):
        variant = "control" if rng.random() < 0.5 else "treatment"
        interest = rng.gamma(0.8, 1.25)
        before = 0.0 if rng.random() < 0.1 else interest * rng.lognormal(3.0, 0.3)
        orders = rng.random() < min(0.95, CONVERSION[variant] * interest)
        searches = 1 + rng.poisson(0.8)
        begin = rng.uniform(0, DAYS - 1) * 86_400
        moments = np.sort(begin + rng.uniform(0, 86_400, searches))
        for at, moment in enumerate(moments):
            last = at == searches - 1
            value = f"{interest * rng.lognormal(3.3, 0.3):.2f}" if orders and last else ""
            latency = LATENCY_FACTOR[variant] * rng.lognormal(5.0, 0.35)
            clicked = int(rng.random() < 0.35 + 0.05 * (variant == "treatment"))
            stamp = str(START + np.timedelta64(int(moment), "s"))
            rows.append(
                [
                    stamp,
                    f"u{number:05d}",
                    variant,
                    clicked,
                    int(orders and last),
                    value,
                    f"{latency:.1f}",
                    f"{before:.2f}",
                ]
            )
    rows.sort()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEAD)
    writer.writerows(rows)
    return text.getvalue()


def main() -> int:
    """Write the file, or say whether it is as it would be written."""
    text = events()
    if "--check" in sys.argv[1:]:
        same = OUTPUT.read_text(encoding="utf-8") == text
        print("events.csv is as build.py writes it" if same else "events.csv differs from what build.py writes")
        return 0 if same else 1
    OUTPUT.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
