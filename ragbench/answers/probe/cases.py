"""The cases of a robustness suite, read from a file of JSON lines."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from ragbench.core.brief import brief
from ragbench.core.errors import InputError, SettingError, did_you_mean
from ragbench.core.goldens import GoldenItem, GoldenSet
from ragbench.core.ledger import first_ten
from ragbench.core.spelling import named
from ragbench.io.tables import json_rows

Refusal = Literal["expected", "allowed", "wrong"]
REGEX = "re:"
CASE_KEYS = {"id", "category", "question", "pass", "rules", "documents"}
PATTERNS = ("must_not", "tool_words", "corrected_by", "fact")
RULE_KEYS = {"refusal", "secrets", *PATTERNS}


@dataclass(frozen=True)
class PlantedDocument:
    """A document that a case needs in the collection (or in the prompt, if a model is asked)."""

    id: str
    title: str
    text: str


@brief
@dataclass(frozen=True)
class Rules:
    """Rules that decide without a language model. A pattern is a string without regard to case, or ``re:`` and a regex.

    Attributes:
        refusal: ``expected``: refusing or abstaining passes, anything else fails; ``wrong``: refusing fails.
        must_not: the case fails if one occurs.
        secrets: the case fails if one occurs, whatever is between its letters and digits.
        tool_words: like ``must_not``. The syntax of tool calls of common models fails too.
        corrected_by: the case passes if one occurs or the system refuses or abstains; otherwise it fails.
        fact: the case passes if one occurs; otherwise it fails. It decides only in cases whose
            ``refusal`` is ``wrong``, without ``corrected_by``. In others it shows that the planted document was read.
    """

    refusal: Refusal = "allowed"
    must_not: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    tool_words: tuple[str, ...] = ()
    corrected_by: tuple[str, ...] = ()
    fact: tuple[str, ...] = ()


@brief
@dataclass(frozen=True)
class Case:
    """One question, and the rules for passing it.

    Attributes:
        id: unique.
        category: the kind of trial.
        question: the question to ask.
        passes: what counts as passing, in words for readers and for the judge.
        rules: the same, as far as rules can express it.
        documents: documents that must be in the collection for the case to test anything.
    """

    id: str
    category: str
    question: str
    passes: str
    rules: Rules = field(default_factory=Rules)
    documents: tuple[PlantedDocument, ...] = ()

    @property
    def golden(self) -> GoldenItem:
        """Turn the case into a golden item. Its rules and documents count for the set's fingerprint."""
        stated = {"pass": self.passes, "rules": vars(self.rules), "documents": [vars(d) for d in self.documents]}
        return GoldenItem(self.id, self.question, self.category, metadata={"probe": stated})


def golden_of(cases: Sequence[Case]) -> GoldenSet:
    """Turn the cases into a golden set whose types are the categories."""
    return GoldenSet(tuple(case.golden for case in cases), "probes")


def read_cases(path: Path) -> tuple[Case, ...]:
    """Read the cases of a file, in its order.

    Raises:
        InputError: the file cannot be read, or a line is not a case. The message names file and line.
    """
    cases = tuple(_case(row, where) for where, _, row in json_rows(path))
    if not cases:
        raise InputError(f"{path}: holds no case")
    twice = sorted(id_ for id_, n in Counter(case.id for case in cases).items() if n > 1)
    if twice:
        raise InputError(f"{path}: {len(twice)} ids occur twice: {first_ten(twice)}")
    planted(cases)
    return cases


def categories_of(cases: Sequence[Case]) -> tuple[str, ...]:
    """The categories in the order in which they occur."""
    return tuple(dict.fromkeys(case.category for case in cases))


def in_categories(cases: Sequence[Case], wanted: Sequence[str]) -> tuple[Case, ...]:
    """The cases of these categories; all if none is named.

    Raises:
        SettingError: there is no such category.
    """
    known = categories_of(cases)
    for name in wanted:
        check_category(name, known, "categories")
    return tuple(case for case in cases if not wanted or case.category in wanted)


def check_category(name: str, known: Sequence[str], option: str) -> None:
    """Check that the category exists.

    Raises:
        SettingError: it does not exist.
    """
    if name not in known:
        raise SettingError(f"{named(option)}: no case is of category {name!r}{did_you_mean(name, known)}")


def planted(cases: Sequence[Case]) -> tuple[PlantedDocument, ...]:
    """The documents that the cases need, each once.

    Raises:
        InputError: two documents with the same id differ.
    """
    found: dict[str, PlantedDocument] = {}
    for case in cases:
        for document in case.documents:
            if found.setdefault(document.id, document) != document:
                raise InputError(f"case {case.id!r}: another case has a document {document.id!r} with another text")
    return tuple(found.values())


def _case(row: Mapping[str, object], where: str) -> Case:
    _check_keys(row, CASE_KEYS, where)
    rules = row.get("rules", {})
    documents = row.get("documents", [])
    if not isinstance(rules, dict) or not isinstance(documents, list):
        raise InputError(f"{where}: 'rules' must be an object and 'documents' a list")
    passes = _text(row, "pass", where)
    if "{" in passes or "}" in passes:
        raise InputError(f"{where}: 'pass' must be without braces, it becomes part of a prompt")
    return Case(
        _text(row, "id", where),
        _text(row, "category", where),
        _text(row, "question", where),
        passes,
        _rules(rules, where),
        tuple(_document(document, where) for document in documents),
    )


def _rules(row: Mapping[str, object], where: str) -> Rules:
    _check_keys(row, RULE_KEYS, f"{where}: rules")
    refusal = row.get("refusal", "allowed")
    if refusal not in get_args(Refusal):
        raise InputError(f"{where}: rules: refusal is {refusal!r}; it must be one of {', '.join(get_args(Refusal))}")
    lists = {name: _strings(row, name, where) for name in (*PATTERNS, "secrets")}
    for name in PATTERNS:
        for pattern in lists[name]:
            _check_pattern(pattern, f"{where}: rules: {name}")
    if any(not any(sign.isalnum() for sign in secret) for secret in lists["secrets"]):
        raise InputError(f"{where}: rules: a secret needs letters or digits")
    if refusal == "allowed" and not any(lists[name] for name in lists if name != "fact"):
        raise InputError(f"{where}: rules: nothing in them can fail; give refusal, must_not, secrets or corrected_by")
    return Rules(refusal, **lists)  # type: ignore[arg-type]


def _check_pattern(pattern: str, where: str) -> None:
    try:
        found = re.compile(pattern.removeprefix(REGEX)) if pattern.startswith(REGEX) else None
    except re.error as error:
        raise InputError(f"{where}: {pattern!r} is not a regular expression: {error}") from error
    if found is not None and found.match(""):
        raise InputError(f"{where}: {pattern!r} matches any answer")


def _document(row: object, where: str) -> PlantedDocument:
    if not isinstance(row, dict):
        raise InputError(f"{where}: a document must be an object with id, title and text")
    _check_keys(row, {"id", "title", "text"}, f"{where}: documents")
    return PlantedDocument(*(_text(row, name, where) for name in ("id", "title", "text")))


def _check_keys(row: Mapping[str, object], known: set[str], where: str) -> None:
    for key in row:
        if key not in known:
            raise InputError(f"{where}: key {key!r} is not known{did_you_mean(key, sorted(known))}")


def _text(row: Mapping[str, object], key: str, where: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{where}: {key!r} must be a text that is not empty")
    return value


def _strings(row: Mapping[str, object], key: str, where: str) -> tuple[str, ...]:
    value = row.get(key, [])
    if not isinstance(value, list) or not all(isinstance(one, str) and one.strip() for one in value):
        raise InputError(f"{where}: rules: {key!r} must be a list of texts that are not empty")
    return tuple(value)
