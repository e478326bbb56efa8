"""Ask for other wordings of a query."""

from ragbench.models.llm.prompt import DATA_RULE, Prompt
from ragbench.retrievers._prompts.texts import FORM, schema

MULTI_QUERY = Prompt(
    name="multi-query",
    version=1,
    system=(
        "You know how search in document collections fails: the documents say the same in other words. " + DATA_RULE
    ),
    template=(
        "Write {count} for the query below that ask for exactly the same in different words: synonyms, technical and "
        "everyday terms, a question and mere search words. Add no condition and drop none. Keep names, numbers and "
        "the language of the query.{about}\n\nQuery:\n{query}\n\n" + FORM
    ),
    schema=schema(),
    max_tokens=150,
)
