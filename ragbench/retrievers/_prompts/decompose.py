"""Ask for the simple questions that a query is made of."""

from ragbench.models.llm.prompt import DATA_RULE, Prompt
from ragbench.retrievers._prompts.texts import FORM, schema

DECOMPOSE = Prompt(
    name="decompose",
    version=1,
    system=(
        "You split queries that need facts from several places into questions that one passage each can answer. "
        + DATA_RULE
    ),
    template=(
        "Split the query below into at most {count}. Each must be understood by itself: name the thing instead of "
        "writing 'it' or 'the former'. Where the query asks for one fact only, give the query itself as the only "
        "text. Keep the language of the query.{about}\n\nQuery:\n{query}\n\n" + FORM
    ),
    schema=schema(),
    max_tokens=150,
)
