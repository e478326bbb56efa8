"""The command that repeats an evaluation, as far as its manifest tells it."""

import shlex
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ragbench.harness.settings import Settings
from ragbench.report.html.inputs import Evaluated

CORPUS, GOLDEN, ANSWERS, OUT = "CORPUS", "GOLDEN", "ANSWERS", "FOLDER"
ANY_OUT = f"{OUT}: any new folder"


def command(one: Evaluated, named: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """The command, and what each of its placeholders stands for.

    Args:
        one: the evaluation.
        named: its inputs as the user named them for the report, as far as their fingerprints fit.
    """
    return (_score if one.manifest.get("kind") == "answers" else _eval)(one, named)


def _eval(one: Evaluated, named: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    manifest = one.manifest
    words = ["ragbench", "eval", "--corpus", named.get("--corpus", CORPUS), "--golden", named.get("--golden", GOLDEN)]
    if "--chunker" in named:
        words += ["--chunker", named["--chunker"]]
    for arm in one.content["arms"]:
        words += ["--retriever", arm["name"]]
    words += _settings(manifest.get("settings", {}))
    chunks = manifest.get("chunks", {})
    corpus = (
        f"{CORPUS}: the corpus of {chunks.get('documents', '?')} documents ({chunks.get('chunks', '?')} chunks, "
        f"fingerprint {chunks.get('fingerprint', 'not recorded')}); with --chunker, if it was cut otherwise than by "
        "default"
    )
    return _joined([*words, "--out", OUT]), (*_unless("--corpus", named, corpus), *_golden(manifest, named), ANY_OUT)


def _score(one: Evaluated, named: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    manifest = one.manifest
    answers = manifest.get("answers", {})
    words = ["ragbench", "score", named.get(ANSWERS, ANSWERS), "--golden", named.get("--golden", GOLDEN)]
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
    return _joined([*words, "--out", OUT]), (*_unless(ANSWERS, named, said), *_golden(manifest, named), ANY_OUT)


def _golden(manifest: Mapping[str, Any], named: Mapping[str, str]) -> tuple[str, ...]:
    golden = manifest.get("golden", {})
    fingerprint = golden.get("fingerprint", "not recorded")
    return _unless("--golden", named, f"{GOLDEN}: the golden set {golden.get('name', '')!r}, fingerprint {fingerprint}")


def _unless(option: str, named: Mapping[str, str], text: str) -> tuple[str, ...]:
    return () if option in named else (text,)


def _settings(settings: dict[str, Any]) -> list[str]:
    """Options for what differs from the default."""
    defaults = {field.name: getattr(Settings(), field.name) for field in fields(Settings)}
    words: list[str] = []
    for name, value in sorted(settings.items()):
        default = defaults.get(name)
        if name not in defaults or value == (list(default) if isinstance(default, tuple) else default):
            continue
        option = f"--{name.replace('_', '-')}"
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
    """One command; options on lines of their own."""
    lines, line = list[str](), shlex.quote(words[0])
    for word in words[1:]:
        if word.startswith("--") and len(line) > 60:
            lines.append(line + " \\")
            line = "  " + shlex.quote(word)
        else:
            line += " " + shlex.quote(word)
    return "\n".join([*lines, line])
