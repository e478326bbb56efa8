"""Check the rows of a table: one result for each rule, with the rows that break it."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from ragbench.core.brief import brief
from ragbench.corpus.checks.schema import ColumnRules, Schema
from ragbench.corpus.checks.table import Table
from ragbench.corpus.checks.values import is_mojibake, is_null, parse_value
from ragbench.corpus.clean import html_in
from ragbench.corpus.languages import name_of, sure_language_of
from ragbench.stats.jaccard import similar_sets

Outcome = Literal["pass", "fail", "inconclusive"]
SAMPLE = 2_000
"""Texts of a column whose language is found, taken at equal distances."""
COMPARED = 100
"""Earlier texts that a text is compared with, in the search for near duplicates: those that share its rarest words."""
SHOWN = 80
"""Characters of a value that a finding keeps."""
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Finding:
    """A row that breaks a rule.

    Attributes:
        where: place of the row, such as ``catalogue.csv:17``.
        problem: what is wrong with it.
        value: the beginning of the value.
    """

    where: str
    problem: str
    value: str = ""


@brief
@dataclass(frozen=True)
class Checked:
    """What a rule found.

    Attributes:
        rule: its name, such as ``null`` or ``type``.
        column: the column; empty for a rule of the whole table.
        outcome: ``inconclusive`` if there was nothing to measure.
        found: what was measured.
        allowed: what the schema allows.
        findings: every row that breaks the rule, also where the schema allows so many.
    """

    rule: str
    column: str
    outcome: Outcome
    found: str
    allowed: str
    findings: tuple[Finding, ...] = ()

    @property
    def name(self) -> str:
        """``price: type``."""
        return f"{self.column}: {self.rule}" if self.column else self.rule


def check_table(table: Table, schema: Schema, today: date) -> list[Checked]:
    """Check the whole table and every column, in the order of the schema. Columns without rules get the defaults.

    Args:
        table: the rows.
        schema: the rules.
        today: the day from which the age of dates counts.
    """
    found = list(_whole(table, schema))
    for name, rules in schema.columns.items():
        if name in table.columns:
            found += _Column(table, name, rules, schema, today).checked()
        elif rules.required:
            found.append(Checked("required", name, "fail", "missing", "there"))
    for name in table.columns:
        if name not in schema.columns and schema.other_columns == "allow":
            found += _Column(table, name, ColumnRules(), schema, today).defaults()
    return found


def _whole(table: Table, schema: Schema) -> Iterator[Checked]:
    rows = len(table)
    yield Checked("rows", "", "pass" if rows >= schema.min_rows else "fail", f"{rows:,}", f">= {schema.min_rows:,}")
    if table.encoding and schema.encoding == "utf-8":
        good = table.encoding.replace("-sig", "") == "utf-8"
        yield Checked("encoding", "", "pass" if good else "fail", table.encoding.replace("-sig", ""), "utf-8")
    if table.short:
        findings = tuple(Finding(place, "has fewer cells than the header") for place in table.short)
        yield Checked("cells", "", "fail", f"{len(findings):,} too short", "as many as the header has", findings)
    others = [name for name in table.columns if name not in schema.columns]
    if schema.other_columns == "refuse" and schema.columns:
        findings = tuple(Finding(table.name, f"the schema has no column {name!r}") for name in others)
        yield Checked("columns", "", "fail" if others else "pass", f"{len(others)} others", "none", findings)


class _Column:
    """One column while it is checked."""

    def __init__(self, table: Table, name: str, rules: ColumnRules, schema: Schema, today: date) -> None:
        self._name, self._rules, self._schema, self._today = name, rules, schema, today
        self._values = list(zip(table.places, table.columns[name], strict=True))
        self._present = [(where, value) for where, value in self._values if not is_null(value, schema.null)]

    def defaults(self) -> Iterator[Checked]:
        """The rules of a column that the schema does not name."""
        yield self._null()
        if any(isinstance(value, str) for _, value in self._present):
            yield self._share("html", self._rules.max_html, self._html())
            yield self._share("mojibake", self._rules.max_mojibake, self._mojibake())

    def checked(self) -> Iterator[Checked]:
        """The rules that the schema has for the column."""
        rules = self._rules
        yield self._null()
        parsed = [(where, value, parse_value(value, rules.type, rules.format)) for where, value in self._present]
        wrong = [_finding(where, one.fault, value) for where, value, one in parsed if one.fault]
        yield self._all("type", rules.type, wrong)
        sound = [(where, value, one.value) for where, value, one in parsed if not one.fault]
        if rules.unique:
            yield self._all("unique", "no repeats", list(self._repeats()))
        if rules.values is not None:
            known = {str(value) for value in rules.values}
            others = [
                _finding(where, "is not an allowed value", v) for where, v in self._present if str(v) not in known
            ]
            yield self._all("values", f"{len(known)} values", others)
        if rules.type == "text":
            yield from self._text([(where, str(value)) for where, value, _ in sound])
        elif rules.min is not None or rules.max is not None:
            yield from self._bounds(sound)
        if rules.type == "date":
            yield from self._ages([(where, value, day) for where, value, day in sound if isinstance(day, datetime)])

    def _text(self, texts: Sequence[tuple[str, str]]) -> Iterator[Checked]:
        rules = self._rules
        low, high = rules.min_length, rules.max_length
        if low is not None or high is not None:
            allowed = f"{low or 0:,} to {high:,}" if high is not None else f">= {low:,}"
            wrong = [
                _finding(where, f"has {len(text):,} characters", text)
                for where, text in texts
                if len(text) < (low or 0) or (high is not None and len(text) > high)
            ]
            yield self._all("length", f"{allowed} characters", wrong)
        if rules.pattern is not None:
            form = re.compile(rules.pattern)
            wrong = [_finding(where, "does not match", text) for where, text in texts if not form.fullmatch(text)]
            yield self._all("pattern", rules.pattern, wrong)
        yield self._share("html", rules.max_html, self._html())
        yield self._share("mojibake", rules.max_mojibake, self._mojibake())
        if rules.languages:
            yield from self._languages(texts)
        if rules.max_near_duplicates is not None:
            found = list(_near(texts, self._schema.similarity))
            yield self._share("near duplicates", rules.max_near_duplicates, found)

    def _null(self) -> Checked:
        largest = self._schema.max_null if self._rules.max_null is None else self._rules.max_null
        findings = [Finding(where, "is empty") for where, value in self._values if is_null(value, self._schema.null)]
        found = self._share("null", largest, findings, of=len(self._values))
        return replace(found, outcome="pass") if found.outcome == "inconclusive" else found

    def _share(self, rule: str, largest: float, findings: Sequence[Finding], *, of: int | None = None) -> Checked:
        """A rule that allows a share of the rows to break it."""
        count = len(self._present) if of is None else of
        if not count:
            return Checked(rule, self._name, "inconclusive", "no value", f"<= {largest:.3g}")
        share = len(findings) / count
        outcome: Outcome = "pass" if share <= largest else "fail"
        return Checked(
            rule, self._name, outcome, f"{len(findings):,} of {count:,} ({share:.2%})", f"<= {largest:.2%}",
            tuple(findings),
        )  # fmt: skip

    def _all(self, rule: str, allowed: str, wrong: Sequence[Finding]) -> Checked:
        """A rule that no row may break."""
        if not self._present:
            return Checked(rule, self._name, "inconclusive", "no value", allowed)
        found = f"{len(wrong):,} of {len(self._present):,} break it" if wrong else "all"
        return Checked(rule, self._name, "fail" if wrong else "pass", found, allowed, tuple(wrong))

    def _repeats(self) -> Iterator[Finding]:
        first: dict[str, str] = {}
        for where, value in self._present:
            before = first.setdefault(str(value), where)
            if before != where:
                yield _finding(where, f"repeats {before}", value)

    def _html(self) -> list[Finding]:
        return [
            _finding(where, f"has HTML (tags: {found.tags}, entities: {found.entities})", value)
            for where, value in self._present
            if isinstance(value, str) and (found := html_in(value))
        ]

    def _mojibake(self) -> list[Finding]:
        return [
            _finding(where, "was decoded by another encoding than it was written in", value)
            for where, value in self._present
            if isinstance(value, str) and is_mojibake(value)
        ]

    def _bounds(self, sound: Sequence[tuple[str, object, object]]) -> Iterator[Checked]:
        rules = self._rules
        low, high = (None if one is None else parse_value(one, rules.type).value for one in (rules.min, rules.max))
        if rules.type != "date":
            low, high = rules.min, rules.max
        allowed = " and ".join(
            f"{sign} {bound}" for sign, bound in ((">=", rules.min), ("<=", rules.max)) if bound is not None
        )
        wrong = [
            _finding(where, "is out of range", value)
            for where, value, one in sound
            if (low is not None and one < low) or (high is not None and one > high)  # type: ignore[operator]
        ]
        yield self._all("range", allowed, wrong)

    def _ages(self, dates: Sequence[tuple[str, object, datetime]]) -> Iterator[Checked]:
        newest, oldest = self._rules.newest_days, self._rules.oldest_days
        if newest is None and oldest is None:
            return
        end = datetime.combine(self._today, time.max, tzinfo=UTC)
        ages = [(where, value, math.floor((end - moment) / timedelta(days=1))) for where, value, moment in dates]
        future = [_finding(where, "lies in the future", value) for where, value, age in ages if age < 0]
        yield self._all("not in the future", f"<= {self._today}", future)
        past = [one for one in ages if one[2] >= 0]
        if newest is not None:
            allowed = f"<= {newest:g} days"
            if past:
                where, value, age = min(past, key=lambda one: one[2])
                late = [] if age <= newest else [_finding(where, f"is the newest date, {age} days old", value)]
                outcome: Outcome = "fail" if late else "pass"
                yield Checked("newest", self._name, outcome, f"age in days: {age}", allowed, tuple(late))
            else:
                yield Checked("newest", self._name, "inconclusive", "no date", allowed)
        if oldest is not None:
            old = [_finding(where, f"is {age} days old", value) for where, value, age in past if age > oldest]
            yield self._all("age", f"<= {oldest:g} days", old)

    def _languages(self, texts: Sequence[tuple[str, str]]) -> Iterator[Checked]:
        count = min(SAMPLE, len(texts))
        sample = [texts[at * len(texts) // count] for at in range(count)]
        decided = [(where, text, code) for where, text in sample if (code := sure_language_of(text))]
        for code, least in self._rules.languages.items():
            rule, allowed = f"in {name_of(code)}", f">= {least:.2%}"
            if not decided:
                yield Checked(rule, self._name, "inconclusive", "no text is long enough", allowed)
                continue
            others = tuple(
                _finding(where, f"is in {name_of(found)}", text)
                for where, text, found in decided
                if found not in self._rules.languages
            )
            share = sum(found == code for _, _, found in decided) / len(decided)
            yield Checked(
                rule, self._name, "pass" if share >= least else "fail", f"{share:.2%} of {len(decided):,} decided",
                allowed, others,
            )  # fmt: skip


def _near(texts: Sequence[tuple[str, str]], similarity: float) -> Iterator[Finding]:
    """Rows whose words are nearly those of an earlier row. Equal sets of words are compared once."""
    rows: Mapping[frozenset[str], list[int]] = {}
    for at, (_, text) in enumerate(texts):
        words = frozenset(_WORD.findall(text.casefold()))
        if words:
            rows.setdefault(words, []).append(at)  # type: ignore[attr-defined]
    sets = list(rows)
    alike = similar_sets(sets, similarity, most=COMPARED)
    found: dict[int, tuple[int, float]] = {}
    for at, words in enumerate(sets):
        first, *rest = rows[words]
        found.update((row, (first, 1.0)) for row in rest)
        if at in alike:
            other, share = min(alike[at].items(), key=lambda pair: (-pair[1], pair[0]))
            found[first] = (rows[sets[other]][0], share)
    for row in sorted(found):
        other, share = found[row]
        where, text = texts[row]
        yield _finding(where, f"has {share:.0%} of its words in common with {texts[other][0]}", text)


def _finding(where: str, problem: str, value: object) -> Finding:
    return Finding(where, problem, str(value)[:SHOWN])
