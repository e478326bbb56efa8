"""Ask for passages that would answer a query."""

from ragbench.models.llm.prompt import DATA_RULE, Prompt
from ragbench.retrievers._prompts.texts import FORM, schema

HYDE = Prompt(
    name="hyde",
    version=1,
    system=(
        "You write passages as they could stand in the documents of a collection. Their wording matters, since they "
        "are used to find real passages like them; whether their facts are true does not. " + DATA_RULE
    ),
    template=(
        "Write {count} that would answer the query below, of 50 to 100 words each, in the language and the style of "
        "such documents. No introduction, no remark on the query.{about}\n\nQuery:\n{query}\n\n" + FORM
    ),
    schema=schema(),
    max_tokens=400,
)
