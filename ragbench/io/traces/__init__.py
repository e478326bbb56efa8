"""Traces of a running system, in the files of OpenTelemetry, Phoenix, Langfuse and LangSmith.

Each kind of file has a reader of its own, all with the contract of `ragbench.io.traces.base`. They give spans that no
longer depend on the tool, and `ragbench.io.traces.requests` joins the spans of a trace to one request.
"""

from ragbench.io.traces.read import read_traces

__all__ = ["read_traces"]
