"""``rb.endpoint``: check the description of a RAG service."""

from ragbench.api.bind import call
from ragbench.workflows import endpoint

check = call("endpoint.check", endpoint.CheckOptions, endpoint.run_check)
