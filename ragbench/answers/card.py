"""The card of a set of answers: how they were made and how many there are."""

from collections.abc import Mapping

from ragbench.core.answers import AnswerSet


def counts(answers: AnswerSet) -> dict[str, int]:
    """How many were answered, abstained from and failed, and how many answers cite nothing."""
    said = [item for item in answers if not (item.failure or item.abstained)]
    return {
        "queries": len(answers),
        "answered": len(said),
        "abstained": sum(item.abstained for item in answers),
        "failed": sum(bool(item.failure) for item in answers),
        "without_citation": sum(not item.cited for item in said),
    }


def card(answers: AnswerSet) -> str:
    """The card, Markdown; nothing in it was measured, so that a resumed run gives the same bytes."""
    rows = [f"| {what.replace('_', ' ')} | {count} |" for what, count in counts(answers).items()]
    parts = [
        f"# Answers {_plain(answers.name)}",
        _how(answers.manifest),
        "| | queries |\n|---|---|\n" + "\n".join(rows),
    ]
    left_out = answers.ledger.counts()
    if left_out:
        lines = [
            f"| {code} | {count} | {_plain(answers.ledger.of(code)[0].reason)} |" for code, count in left_out.items()
        ]
        parts += ["## Ledger", "| code | entries | first reason |\n|---|---|---|\n" + "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


def _how(made: Mapping[str, object]) -> str:
    if "endpoint" in made:
        return f"Made by `ragbench answer --endpoint`, asking `{_plain(str(made['endpoint']))}`."
    retriever, model, settings = (made.get(key) for key in ("retriever", "model", "settings"))
    if not (isinstance(retriever, Mapping) and isinstance(model, Mapping) and isinstance(settings, Mapping)):
        return "Answers made elsewhere, taken in by `ragbench answer --answers`."
    prompt = made.get("prompt")
    label = ", ".join(prompt) if isinstance(prompt, Mapping) else ""
    threshold = settings.get("min_score")
    return (
        f"Made by `ragbench answer`: retriever `{_plain(str(retriever.get('name')))}`, model "
        f"`{_plain(str(model.get('name')))}`, prompt {label}, {settings.get('k')} passages shown"
        + ("" if threshold is None else f", abstaining below a best score of {threshold}")
        + f", seed {settings.get('seed')}."
    )


def _plain(text: str) -> str:
    """Text of others, made harmless in Markdown."""
    flat = " ".join(text.split())[:160]
    return "".join(f"\\{char}" if char in "|<>[]`*\\" else char for char in flat)
