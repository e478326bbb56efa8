"""Ask for a query in another language."""

from ragbench.models.llm.prompt import DATA_RULE, Prompt
from ragbench.retrievers._prompts.texts import FORM, schema

TRANSLATE = Prompt(
    name="translate",
    version=1,
    system="You translate search queries into the language of the documents that are searched. " + DATA_RULE,
    template=(
        "Translate the query below into the language {to}, as a native speaker who searches such documents would "
        "type it. Keep names, numbers and codes as they are. A query that is in this language already is given "
        "unchanged.{about}\n\nQuery:\n{query}\n\n" + FORM
    ),
    schema=schema(),
    max_tokens=300,
)
