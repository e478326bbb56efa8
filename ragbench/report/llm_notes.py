"""What the language models within an arm were asked, as a line for people."""

from collections.abc import Iterator, Mapping

from ragbench.harness.results import Arm

MARK = "llm_calls"


def llm_lines(arm: Arm) -> Iterator[str]:
    """A line for each language model within an arm; none for most arms."""
    for key in arm.notes:
        prefix, dot, last = key.rpartition(".")
        if last == MARK:
            told = {name: value for name, value in arm.notes.items() if name.rpartition(".")[0] == prefix}
            yield _line(f"{arm.name}: {prefix}" if dot else arm.name, arm, _named(told))


def _named(notes: Mapping[str, object]) -> dict[str, float]:
    found = {}
    for key, value in notes.items():
        name = key.rpartition(".")[2]
        if isinstance(value, int | float):
            found[name] = float(value)
    return found


def _line(name: str, arm: Arm, notes: Mapping[str, float]) -> str:
    calls = counted(notes[MARK], "call")
    cached = counted(notes.get("llm_cached", 0), "answer")
    when = ", when its run was stored" if arm.from_store else ""
    said = [calls, f"{cached} from the cache", counted(notes.get("llm_tokens", 0), "token")]
    if "llm_cost" in notes:
        said.append(f"{notes['llm_cost']:.4g} in cost")
    if arm.cost is not None and arm.cost.cost_per_query is not None:
        said.append(f"{arm.cost.cost_per_query:.3g} a query without the cache")
    line = f"{name}: language model{when}: {', '.join(said)}"
    if "llm_ms_p50" in notes:
        line += (
            f"; p50 {notes['llm_ms_p50']:,.0f} ms, p95 {notes['llm_ms_p95']:,.0f} ms a query, which the latency above "
            "leaves out"
        )
    if notes.get("unchanged"):
        line += f"; unchanged: {counted(notes['unchanged'], 'query', 'queries')}"
    return line


def counted(count: float, one: str, many: str = "") -> str:
    """``"1 call"``, ``"1,200 calls"``."""
    return f"{count:,.0f} {one if count == 1 else many or one + 's'}"
