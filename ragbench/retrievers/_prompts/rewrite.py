"""Ask for one query that finds more than the user's own."""

from ragbench.models.llm.prompt import DATA_RULE, Prompt
from ragbench.retrievers._prompts.texts import FORM, schema

REWRITE = Prompt(
    name="rewrite",
    version=1,
    system="You turn what users type into queries that a search engine answers well. " + DATA_RULE,
    template=(
        "Rewrite the query below as one query for a search engine: spelling corrected, abbreviations written out "
        "beside their short form, politeness and filler left out, the thing that is looked for named. Keep every "
        "condition, name and number, and the language of the query.{about}\n\nQuery:\n{query}\n\n" + FORM
    ),
    schema=schema(),
    max_tokens=300,
)
