"""The command that repeats an evaluation, as far as its manifest records it."""

import shlex
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ragbench.core.naming import split_name
from ragbench.io.inputs import Input, found
from ragbench.metrics.settings import EvaluationSettings
from ragbench.render.html.inputs import Evaluated

CORPUS, GOLDEN, ANSWERS, OUT, CONFIG = "CORPUS", "GOLDEN", "ANSWERS", "FOLDER", "CONFIG"
ANY_OUT = f"{OUT}: any new folder"
PREFERRED = ("BASELINE", "CANDIDATE")
"""Placeholders of the two sets of answers that a judge compared."""


def command(one: Evaluated, inputs: Mapping[str, Input]) -> tuple[str, tuple[str, ...]]:
    """Build the command, and explain each of its placeholders.

    Args:
        one: the evaluation.
        inputs: ``corpus``, ``golden`` and ``answers``, as far as they are at hand with the fingerprint that was
            evaluated.
    """
    if "preference" in one.manifest:
        return _prefer(one, inputs)
    return (_score if one.manifest.get("kind") == "answers" else _eval)(one, inputs)


def _eval(one: Evaluated, inputs: Mapping[str, Input]) -> tuple[str, tuple[str, ...]]:
    manifest = one.manifest
    chunks = manifest.get("chunks", {})
    if "chunkings" in manifest:
        systems = (
            f"{CONFIG}: corpus, golden set and systems with their chunkers, as arms[].setup in results.json has them"
        )
        words = ["ragbench", "eval", "--config", CONFIG, *_settings(manifest.get("settings", {}))]
        return _joined([*words, "--out", OUT]), (systems, ANY_OUT)
    words = ["ragbench", "eval", *(_input("corpus", inputs) if chunks else ()), *_input("golden", inputs)]
    for arm in one.content["arms"]:
        words += ["--retriever", _system(arm)]
    words += _settings(manifest.get("settings", {}))
    corpus = (
        f"{CORPUS}: the corpus of {chunks.get('documents', '?')} documents ({chunks.get('chunks', '?')} chunks, "
        f"fingerprint {chunks.get('fingerprint', 'not recorded')}); with --chunker, if it was cut otherwise than by "
        "default"
    )
    placeholders = _unless("corpus", inputs, corpus) if chunks else ()
    return _joined([*words, "--out", OUT]), (*placeholders, *_golden(manifest, inputs), ANY_OUT)


def _system(arm: Mapping[str, Any]) -> str:
    """Write a system as ``--retriever`` takes it."""
    name, setup = str(arm["name"]), arm.get("setup")
    if not isinstance(setup, Mapping) or not setup.get("named"):
        return name
    spec = str(setup["retriever"])
    whole = f"{name}={spec}"
    return whole if split_name(whole) == (name, spec) else spec


def _prefer(one: Evaluated, inputs: Mapping[str, Input]) -> tuple[str, tuple[str, ...]]:
    manifest = one.manifest
    known = manifest["preference"]
    words = ["ragbench", "prefer", *PREFERRED, *_input("golden", inputs)]
    words += [word for name in known["rubrics"] for word in ("--rubric", str(name))]
    words += ["--judge", str(manifest["judge"])]
    said = tuple(
        f"{place}: the answers {system['name']!r}, fingerprint {system['fingerprint']}"
        for place, system in zip(PREFERRED, known["systems"], strict=True)
    )
    return _joined([*words, "--out", OUT]), (*said, *_golden(manifest, inputs), ANY_OUT)


def _score(one: Evaluated, inputs: Mapping[str, Input]) -> tuple[str, tuple[str, ...]]:
    manifest = one.manifest
    answers = manifest.get("answers", {})
    documents = found(manifest, "corpus", one.folder) if "golden" in inputs else None
    words = ["ragbench", "score", *_input("answers", inputs)[1:], *_input("golden", inputs)]
    words += _input("corpus", {"corpus": documents}) if documents is not None else []
    for metric in manifest.get("metrics", {}):
        words += ["--metric", metric]
    if manifest.get("judge"):
        words += ["--judge", str(manifest["judge"])]
    settings = manifest.get("settings", {})
    for name in ("seed", "resamples"):
        if name in settings:
            words += [f"--{name}", str(settings[name])]
    said = (
        f"{ANSWERS}: the answers {answers.get('name', '')!r}, fingerprint {answers.get('fingerprint', 'not recorded')}"
    )
    return _joined([*words, "--out", OUT]), (*_unless("answers", inputs, said), *_golden(manifest, inputs), ANY_OUT)


def _golden(manifest: Mapping[str, Any], inputs: Mapping[str, Input]) -> tuple[str, ...]:
    golden = manifest.get("golden", {})
    fingerprint = golden.get("fingerprint", "not recorded")
    what = "labels" if golden.get("labels_only") else "golden set"
    return _unless("golden", inputs, f"{GOLDEN}: the {what} {golden.get('name', '')!r}, fingerprint {fingerprint}")


def _unless(name: str, inputs: Mapping[str, Input], text: str) -> tuple[str, ...]:
    return () if name in inputs else (text,)


def _input(name: str, inputs: Mapping[str, Input]) -> list[str]:
    """Return the option that names an input, and those that say how to read it; a placeholder if it is missing."""
    given = inputs.get(name)
    if given is None:
        return [f"--{name}", name.upper()]
    words = [f"--{name}", str(given.path)]
    for option, value in given.options.items():
        words.append(f"--golden-{option}" if name == "golden" and option in ("format", "columns") else _option(option))
        if isinstance(value, Mapping):
            words.append(",".join(f"{role}={column}" for role, column in value.items()))
        elif value is not True:
            words.append(str(value))
    return words


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _settings(settings: dict[str, Any]) -> list[str]:
    """Return the options that differ from their defaults."""
    defaults = {field.name: getattr(EvaluationSettings(), field.name) for field in fields(EvaluationSettings)}
    words: list[str] = []
    for name, value in sorted(settings.items()):
        default = defaults.get(name)
        if name not in defaults or value == (list(default) if isinstance(default, tuple) else default):
            continue
        option = _option(name)
        if name == "metrics":
            words += [word for metric in value for word in ("--metric", str(metric))]
        elif isinstance(value, bool):
            words += [option] if value else []
        elif isinstance(value, list):
            words += [option, ",".join(map(str, value))]
        else:
            words += [option, str(value)]
    return words


def _joined(words: list[str]) -> str:
    """Write the command with each option on a line of its own."""
    lines, line = list[str](), shlex.quote(words[0])
    for word in words[1:]:
        if word.startswith("--") and len(line) > 60:
            lines.append(line + " \\")
            line = "  " + shlex.quote(word)
        else:
            line += " " + shlex.quote(word)
    return "\n".join([*lines, line])
