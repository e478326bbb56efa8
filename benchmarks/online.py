"""Error rates of online experiments: how often one without a difference is called significant at any of its looks."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from ragbench.stats.online.difference import Difference, difference
from ragbench.stats.online.quantiles import quantile_change
from ragbench.stats.online.sample import Sample, cuped, ratio, sample, smoothed_rate
from ragbench.stats.online.sequential import always_valid
from ragbench.stats.online.spending import Spending, boundaries
from ragbench.stats.online.tests import sample_ratio, sequential_sample_ratio

Array = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, int]], Array]
ALPHA, LOOKS = 0.05, 100
SHARES = {0.5: "50:50", 0.1: "90:10", 0.01: "99:1"}
SIZES = (1_000, 10_000, 100_000)
CELLS = 4_000_000
HOW = (
    "Any-look test: experiments without a difference have 100 looks at equal distances, with 1,000, 10,000 and "
    "100,000 units split 50:50, 90:10 and 99:1. Each line has the share that is significant at .05 at any look, in the "
    "worst of these layouts. Beside it is the same sequence with Welch's standard error alone, which ragbench used "
    "before. Power: 10,000 units, of which the challenger has 10%. Guardrails of two runs: one system is timed "
    "on the same queries twice; beside it is the plain comparison of the two percentiles, used before. Planned looks: "
    "simulated statistics at five equal looks, with the effect that one look finds with a power of .78."
)


def orders(share: float = 0.05, size: float = 1.0) -> Draw:
    """Order values: most units buy nothing, and the others a lognormal amount."""

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        bought = rng.random(shape) < share
        found = np.zeros(shape)
        found[bought] = size * rng.lognormal(0, 1, int(bought.sum()))
        return found

    return draw


def rate(share: float) -> Draw:
    """0 or 1."""
    return lambda rng, shape: (rng.random(shape) < share).astype(np.float64)


OUTCOMES: dict[str, Draw] = {
    "normal values": lambda rng, shape: rng.standard_normal(shape),
    "a rate of 1%": rate(0.01),
    "a rate of 5%": rate(0.05),
    "lognormal values": lambda rng, shape: rng.lognormal(0, 1, shape),
    "order values, 95% of them 0": orders(),
    "order values, 99% of them 0": orders(0.01),
    "Pareto values, exponent 2.5": lambda rng, shape: rng.pareto(2.5, shape),
}


@dataclass(frozen=True)
class Path:
    """Samples of one variant at every look, for many experiments.

    Attributes:
        n: (looks,) units.
        sums: (3, experiments, looks) sums of the values and their powers.
    """

    n: npt.NDArray[np.int64]
    sums: Array

    def sample(self, experiment: int, look: int) -> Sample:
        """The sample of one experiment at one look."""
        n = int(self.n[look])
        one, two, three = (self.sums[:, experiment, look] / max(n, 1)).tolist()
        variance = max(two - one * one, 0.0)
        return Sample(n, one, variance * n / max(n - 1, 1), three - 3 * one * two + 2 * one**3)


def path(draw: Draw, rng: np.random.Generator, experiments: int, units: int, looks: int = LOOKS) -> Path:
    """Draw experiments whose units come in equal steps."""
    ends = np.round(np.linspace(0, units, looks + 1)).astype(np.int64)
    sums = np.zeros((3, experiments, looks))
    rows = max(1, CELLS // units)
    for start in range(0, experiments, rows):
        stop = min(experiments, start + rows)
        values = draw(rng, (stop - start, units))
        for power in (1, 2, 3):
            parts = np.add.reduceat(values**power, np.minimum(ends[:-1], units - 1), axis=1)
            parts[:, np.diff(ends) == 0] = 0
            sums[power - 1, start:stop] = parts.cumsum(axis=1)
    return Path(ends[1:], sums)


def ever(
    control: Path, challenger: Path, compare: Callable[[Sample, Sample], Difference], binary: bool = False
) -> float:
    """The share of experiments that the any-look test calls significant at any look."""
    wrong = 0
    for at in range(control.sums.shape[1]):
        for look in range(len(control.n)):
            a, b = control.sample(at, look), challenger.sample(at, look)
            found = compare(smoothed_rate(a), smoothed_rate(b)) if binary else compare(a, b)
            if always_valid(found, (a.n, b.n)).p < ALPHA:
                wrong += 1
                break
    return wrong / control.sums.shape[1]


def by_welch(control: Sample, challenger: Sample) -> Difference:
    """The difference with Welch's standard error."""
    return Difference(challenger.mean - control.mean, float(np.hypot(control.error, challenger.error)), 0.0)


def layouts() -> Iterator[tuple[int, float]]:
    """Sizes and shares of the challenger at which it can have 100 units."""
    return ((size, share) for size in SIZES for share in SHARES if size * share >= 100)


def run(options: Options) -> Section:
    """All figures; about two minutes."""
    experiments = 20 if options.small else 1_000
    figures = [
        *any_look(experiments, options.say),
        *planned(20 * experiments),
        split(2 * experiments),
        *latency(experiments // 2),
    ]
    return Section("online", "Error rates of online experiments", HOW, tuple(figures))


def any_look(experiments: int, say: Callable[[str], None]) -> Iterator[Figure]:
    """The worst error rate of each outcome, those of ratios and CUPED, and power."""
    for name, draw in OUTCOMES.items():
        found, binary = [], name.startswith("a rate")
        for size, share in layouts():
            rng, count = np.random.default_rng(1), experiments if size < SIZES[-1] else max(experiments * 2 // 5, 1)
            small = round(size * share)
            pair = path(draw, rng, count, size - small), path(draw, rng, count, small)
            found.append((ever(*pair, difference, binary), ever(*pair, by_welch, binary), size, SHARES[share]))
        worst, before = max(found), max(found, key=lambda one: one[1])
        say(f"{name}: {worst}, Welch {before}")
        yield error_figure(f"any-look test: {name}", worst[0], f"Welch {before[1]:.3f} ({before[3]}, {before[2]:,})")
    for name, make in {"a ratio of totals": ratios, "order values with CUPED": with_cuped}.items():
        rates = [share_of(make, max(experiments // 4, 1), compare) for compare in (difference, by_welch)]
        say(f"{name}: {rates}")
        yield error_figure(f"any-look test: {name}, 90:10, 10,000 units, 30 looks", rates[0], f"Welch {rates[1]:.3f}")
    for what, better in {"7% buy instead of 5%": orders(0.07), "values twice as large": orders(size=2)}.items():
        rng = np.random.default_rng(2)
        pair = path(orders(), rng, experiments, 9_000), path(better, rng, experiments, 1_000)
        power, before_power = (ever(*pair, compare) for compare in (difference, by_welch))
        say(f"{what}: {power}, {before_power}")
        yield Figure(
            f"any-look test: order values, 95% of them 0, 90:10, {what}", "power", power,
            target="at least Welch's", met=power >= before_power, peer=f"Welch {before_power:.3f}",
        )  # fmt: skip


def planned(experiments: int) -> Iterator[Figure]:
    """Error rate and power of five planned looks, where one look has a power of .78."""
    rng = np.random.default_rng(5)
    times = np.arange(1, 6) / 5
    z = np.cumsum(rng.normal(size=(experiments, 5)) * np.sqrt(0.2), axis=1) / np.sqrt(times)
    fixed = 0.78
    drift = float(ndtri(1 - ALPHA / 2) + ndtri(fixed))
    spendings: tuple[tuple[Spending, float | None], ...] = (("obf", fixed - 0.03), ("pocock", None))
    for spending, least in spendings:
        limits = np.array(boundaries(times.tolist(), ALPHA, spending))
        wrong = float((np.abs(z) > limits).any(axis=1).mean())
        power = float((z + drift * np.sqrt(times) > limits).any(axis=1).mean())
        noise = 3 * (ALPHA / experiments) ** 0.5
        yield Figure(
            f"five planned looks, {spending}", "ever significant", wrong, target=f"at most {ALPHA:g}",
            met=wrong <= ALPHA + noise, peer="one look .050; a fixed test at five looks .142",
        )  # fmt: skip
        yield Figure(
            f"five planned looks, {spending}", "power", power, target="" if least is None else "within .03 of one look",
            met=None if least is None else power >= least, peer="one look .780; any-look test .50",
        )  # fmt: skip


def split(experiments: int) -> Figure:
    """How often daily looks for 30 days call a correct split broken."""
    rng = np.random.default_rng(6)
    wrong = plain = 0
    for _ in range(experiments):
        small = rng.binomial(500, 0.1, 30).cumsum().tolist()
        looks = [((500 * day - seen, seen), (90, 10)) for day, seen in enumerate(small, 1)]
        wrong += any(sequential_sample_ratio(*look).p < ALPHA for look in looks)
        plain += any(sample_ratio(*look).p < ALPHA for look in looks)
    value, before = wrong / experiments, plain / experiments
    return error_figure("check of a 90:10 split, 30 daily looks", value, f"chi-squared {before:.3f}", "ever rejected")


def latency(experiments: int) -> Iterator[Figure]:
    """How often a guardrail of 5% on a percentile calls an unchanged system broken, in the worst of the layouts."""
    rng = np.random.default_rng(4)
    for name, share in {"p50": 0.5, "p95": 0.95, "p99": 0.99}.items():
        found = []
        for queries, heavy, alike in product((100, 200, 500, 2_000), (False, True), (0.0, 0.8)):
            wrong = plain = 0
            for _ in range(experiments):
                shared = rng.normal(size=queries)
                before, after = (_times(rng, shared, heavy, alike) for _ in range(2))
                change = quantile_change(before, after, share)
                wrong += change.low is not None and change.low > 0.05
                plain += change.challenger > 1.05 * change.control
            found.append((wrong / experiments, plain / experiments))
        yield error_figure(
            f"guardrail {name}:max_increase=5%, 100 to 2,000 queries, lognormal and Pareto (exponent 1.5) times",
            max(wrong for wrong, _ in found), f"without an interval {max(plain for _, plain in found):.3f}", "broken",
        )  # fmt: skip


def _times(rng: np.random.Generator, shared: Array, heavy: bool, alike: float) -> Array:
    z = np.sqrt(alike) * shared + np.sqrt(1 - alike) * rng.normal(size=len(shared))
    return ndtr(-z) ** (-1 / 1.5) if heavy else np.exp(0.7 * z)  # type: ignore[no-any-return]


def error_figure(what: str, value: float, peer: str, measure: str = "ever significant") -> Figure:
    """A share of experiments without a difference that are ever called significant."""
    return Figure(what, measure, value, target=f"at most {ALPHA:g}", met=value <= ALPHA, peer=peer)


def ratios(rng: np.random.Generator, units: int) -> Callable[[slice], Sample | None]:
    """Clicks per session of units with few sessions."""
    sessions = 1.0 + rng.poisson(rng.gamma(0.5, 4, units))
    clicks = rng.binomial(sessions.astype(int), rng.beta(0.2, 4, units)).astype(np.float64)
    return lambda rows: ratio(clicks[rows], sessions[rows])


def with_cuped(rng: np.random.Generator, units: int) -> Callable[[slice], Sample | None]:
    """Order values that an earlier period explains in part; the slope is that of the whole experiment."""
    before = rng.lognormal(0, 1, units) * (rng.random(units) < 0.3)
    values = orders()(rng, (1, units))[0] * (1 + before)
    adjusted = cuped(values, before, np.zeros(units, dtype=np.int64)).values
    return lambda rows: sample(adjusted[rows])


def share_of(
    make: Callable[[np.random.Generator, int], Callable[[slice], Sample | None]],
    experiments: int,
    compare: Callable[[Sample, Sample], Difference],
) -> float:
    """The share of experiments that are significant at any of 30 looks; 9,000 and 1,000 units."""
    rng, wrong = np.random.default_rng(3), 0
    for _ in range(experiments):
        summary = make(rng, 10_000)
        for look in range(1, 31):
            a, b = summary(slice(0, 300 * look)), summary(slice(9_000, 9_000 + 100 * look // 3))
            if a and b and always_valid(compare(a, b), (a.n, b.n)).p < ALPHA:
                wrong += 1
                break
    return wrong / experiments


if __name__ == "__main__":
    sys.exit(main(only="online"))
