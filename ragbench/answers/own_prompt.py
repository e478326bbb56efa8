"""A prompt of the user's own for answers: a text file with ``{question}`` and ``{passages}``."""

from dataclasses import replace
from pathlib import Path

from ragbench.answers.answering import REPLY, SCHEMA
from ragbench.models.llm.own_prompt import read_template
from ragbench.models.llm.prompt import DATA_RULE, Prompt

NEEDED = {"question": "the question", "passages": "the passages"}

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
    text = read_template(path, NEEDED, ("history",))
    return replace(OWN_PLAIN if plain else OWN, template=text)
