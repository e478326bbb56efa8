"""``rb.data``: check a catalogue, list the public test collections, and fetch one."""

from ragbench.api.bind import call
from ragbench.workflows import check_data, data

list = call("data.list", data.ListOptions, data.run_list)
fetch = call("data.fetch", data.FetchOptions, data.run_fetch)
check = call(
    "data.check",
    check_data.Options,
    check_data.run,
    called={
        "corpus": "a path of a table or of documents, or a corpus, as rb.load_corpus(path) reads one",
        "schema": "a path of a schema, or a mapping with the rules of each column",
    },
)
