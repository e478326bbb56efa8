"""A prompt of the user's own for answers: a text file with ``{question}`` and ``{passages}``."""

from dataclasses import replace
from pathlib import Path

from ragbench.answers.answering import REPLY, SCHEMA
from ragbench.core.errors import InputError, did_you_mean
from ragbench.io.encoding import read_text
from ragbench.models.llm.prompt import DATA_RULE, PLACE, Prompt

NEEDED, ALLOWED = ("question", "passages"), ("question", "passages", "history")

OWN = Prompt(
    name="answer-own",
    version=1,
    system="You answer a question as the user's instructions say. " + DATA_RULE + "\n\n" + REPLY,
    template="{passages}{question}",
    schema=SCHEMA,
)
OWN_PLAIN = Prompt(
    name="answer-own-plain",
    version=1,
    system="You answer a question in plain text, as the user's instructions say. " + DATA_RULE,
    template="{passages}{question}",
    schema=None,
)


def read_prompt(path: Path, *, plain: bool) -> Prompt:
    """The prompt of a text file. Passages and question stand between fences in it, as in ragbench's own.

    Args:
        path: the file; ``{question}`` and ``{passages}`` must be in it, and ``{history}`` may be.
        plain: free text instead of a JSON object.

    Raises:
        InputError: there is no such file, a placeholder is missing, or one is unknown.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; name a text file with {{question}} and {{passages}}")
    text = read_text(path)[0].strip()
    found = set(PLACE.findall(text))
    unknown = sorted(found - set(ALLOWED))
    if unknown:
        raise InputError(f"{path}: {{{unknown[0]}}} cannot be filled{did_you_mean(unknown[0], ALLOWED)}")
    missing = [name for name in NEEDED if name not in found]
    if missing:
        raise InputError(f"{path}: {{{missing[0]}}} is missing; write it where the {missing[0]} should stand")
    return replace(OWN_PLAIN if plain else OWN, template=text)
