"""Read the rules of a gate from a YAML file; every fault is named with its line."""

import math
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import yaml

from ragbench.comparison.gate.rules import KINDS, Part, Rule, Rules
from ragbench.core.errors import InputError, SettingError, did_you_mean
from ragbench.core.kinds import misfit, refusal
from ragbench.plain_yaml import NotPlain, compose_yaml

CHANCES = ("false_alarms", "false_passes")
TOP = ("rules", *CHANCES, "gates", "inconclusive")
Fault = tuple[int, str]
DEEPEST = 10
"""Largest depth of lists and mappings; rules have three levels."""


def read_rules(path: Path) -> Rules:
    """Read the rules of a file.

    Raises:
        InputError: the file cannot be read or is not YAML.
        SettingError: keys or values are wrong; the message lists every fault with file and line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: the rules cannot be read ({getattr(error, 'strerror', None) or error})") from error
    return parse_rules(text, str(path))


def parse_rules(text: str, source: str) -> Rules:
    """Read the rules of a text. Messages name ``source``."""
    try:
        content, node = compose_yaml(text, DEEPEST)
    except NotPlain as error:
        raise SettingError(f"{source}:{error.line}: {error.problem}") from error
    except (yaml.YAMLError, ValueError, TypeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{source}:{mark.line + 1}" if mark else source
        raise InputError(f"{where}: no YAML: {getattr(error, 'problem', None) or error}") from error
    if not isinstance(node, yaml.MappingNode) or not isinstance(content, dict):
        raise SettingError(f"{source}: expected 'rules:' and a list below it; it holds {_kind(content)}")
    lines = _lines(node)
    faults: list[Fault] = list(_repeated(node))
    faults += _unknown_keys(content, TOP, lines, "")
    rules = _rules(content, node, lines, faults)
    settings: dict[str, Any] = {key: _chance(key, content[key], lines, faults) for key in CHANCES if key in content}
    settings |= {"inconclusive": content["inconclusive"]} if "inconclusive" in content else {}
    if "gates" in content:
        settings["gates"] = _count("gates", content["gates"], lines, faults)
    if not faults:
        found = Rules(rules=tuple(rules), source=source, **settings)
        faults += [(lines.get(key, 1), f"{key} {message}") for key, message in found.faults()]
        if not faults:
            return found
    listed = sorted(set(faults))
    raise SettingError("\n".join(f"{source}:{line}: {message}" for line, message in listed))


def _rules(content: dict[str, Any], node: yaml.MappingNode, lines: dict[str, int], faults: list[Fault]) -> list[Rule]:
    written = content.get("rules")
    at = lines.get("rules", 1)
    if not isinstance(written, list) or not written:
        said = "is missing" if "rules" not in content else f"holds {_kind(written)}"
        faults.append((at, f"rules {said}; write a list with at least one rule, such as '- metric: ndcg@10'"))
        return []
    nodes = next(value for key, value in node.value if key.value == "rules").value
    found = []
    for number, (given, where) in enumerate(zip(written, nodes, strict=True), 1):
        rule = _rule(number, given, where, faults)
        if rule is not None:
            found.append(rule)
    return found


def _rule(number: int, given: Any, node: yaml.Node, faults: list[Fault]) -> Rule | None:
    start = node.start_mark.line + 1
    if not isinstance(given, dict) or not isinstance(node, yaml.MappingNode):
        faults.append((start, f"rule {number} is {_kind(given)}; write it as key: value"))
        return None
    lines = _lines(node)
    words = (*KINDS, *get_args(Part))
    kinds = [key for key in words if key in given]
    if len(kinds) == 1 and kinds[0] in get_args(Part):
        # "ttft: p95" is a rule on a part of the latency.
        word = kinds.pop()
        given = {"latency": given[word], "part": word} | {key: value for key, value in given.items() if key != word}
        lines |= {"latency": lines.get(word, start), "part": lines.get(word, start)}
        kinds = ["latency"]
    if len(kinds) != 1:
        near = "" if kinds else did_you_mean(str(next(iter(given), "")), words)
        said = f"has {' and '.join(kinds)}; give one of them" if kinds else f"has none of {', '.join(words)}{near}"
        faults.append((start, f"rule {number} {said}"))
        return None
    kind = KINDS[kinds[0]]
    names = {field.name for field in fields(kind)}
    found = _unknown_keys(given, names, lines, "")
    found += _wrong_values(kind, given, lines, start)
    if not found:
        rule: Rule = kind(**given)
        found = [(lines.get(key, start), f"{key} {said}".strip()) for key, said in rule.faults()]
    faults += [(line, f"rule {number}: {said}") for line, said in found]
    return None if found else rule


def _wrong_values(kind: type[Rule], given: dict[Any, Any], lines: dict[str, int], start: int) -> Iterator[Fault]:
    """Find missing keys, and values of the wrong type."""
    hints = get_type_hints(kind)
    for field in fields(kind):
        if field.name not in given:
            if field.default is MISSING:
                yield start, f"{field.name} is missing"
            continue
        value, line = given[field.name], lines.get(field.name, start)
        if value is None:
            yield line, f"{field.name} is empty"
            continue
        wrong = misfit(value, hints[field.name], field.name)
        if wrong is not None:
            yield line, refusal(field.name, wrong, hints[field.name]).removesuffix(" or None")
            continue
        if isinstance(value, float) and not math.isfinite(value):
            yield line, f"{field.name} is {value}; write a finite number"


def _chance(key: str, value: Any, lines: dict[str, int], faults: list[Fault]) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        faults.append((lines.get(key, 1), f"{key} is {value!r}; a chance above 0 and below 0.5"))
        return 0.0
    return float(value)


def _count(key: str, value: Any, lines: dict[str, int], faults: list[Fault]) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        faults.append((lines.get(key, 1), f"{key} is {value!r}; a whole number"))
        return 1
    return value


def _lines(node: yaml.MappingNode) -> dict[str, int]:
    return {str(key.value): key.start_mark.line + 1 for key, _ in node.value}


def _unknown_keys(content: dict[Any, Any], known: Any, lines: dict[str, int], before: str) -> list[Fault]:
    return [
        (lines.get(str(key), 1), f"{before}unknown key {key!r}{did_you_mean(str(key), known)}")
        for key in content
        if key not in known
    ]


def _repeated(node: yaml.Node) -> Iterator[Fault]:
    """Find keys that occur twice in one mapping, where YAML would silently keep the last."""
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in seen:
                yield line, f"key {key.value!r} is here again; it is first in line {seen[key.value]}"
            seen.setdefault(str(key.value), line)
            yield from _repeated(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeated(value)


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "keys and values"
    return "an empty list" if value == [] else "a list" if isinstance(value, list) else f"{value!r}"
