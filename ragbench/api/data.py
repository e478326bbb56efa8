"""``rb.data``: list the public test collections, and fetch one."""

from ragbench.api.bind import call
from ragbench.workflows import data

list = call("data.list", data.ListOptions, data.run_list)
fetch = call("data.fetch", data.FetchOptions, data.run_fetch)
