"""``ragbench probe``: the robustness of a RAG service, or of a model with its system prompt."""

from typing import TYPE_CHECKING

from ragbench.cli.output import Output

if TYPE_CHECKING:
    from ragbench.workflows.probe import Options, Probed, WrittenDocuments

HELP = """Probe a RAG service, or a model with a system prompt: injections, false premises, private data.

Example:
  ragbench probe --url http://localhost:8080/ask --floor 0.9 --out reports/probe

The service answers as docs/reference/answers-http.md describes. With --llm, the
command probes a model with the system prompt of --system instead; documents
replace {context} in it. --max-cost and --max-tokens hold for this run.

Some cases need planted documents in the collection of the service. 'ragbench
probe --write-documents DIR' writes them; use a test collection. Rules judge
first, and --judge decides what depends on phrases. The commands compare and gate
take the folder of --out (metric probe_pass, by type).

Exit code 0: done, and every --floor is reached; 1: a floor is not reached; 2: an
error of usage or input; 3: too few cases to decide."""

CODES = {"fail": 1, "inconclusive": 3}


def show(options: "Options", result: "Probed | WrittenDocuments", output: Output) -> int:
    """Print the rates and the failing cases. Give 1 if a floor is not reached, 3 if that cannot be decided."""
    from ragbench.core.errors import RagbenchError
    from ragbench.render.probe import model_line, probe_json, probe_tables
    from ragbench.workflows.probe import WrittenDocuments

    if isinstance(result, WrittenDocuments):
        _show_documents(result, output)
        return 0
    for model, totals in result.totals.items():
        output.error(model_line(model, totals))
    if output.as_json:
        output.object(probe_json(result.outcome, result.name, result.judge))
    else:
        output.table(probe_tables(result.outcome, result.name, result.judge, show=options.show))
    if options.out is not None:
        output.say(f"written to {options.out}")
    if result.evaluation.stopped:
        raise RagbenchError(result.evaluation.stopped)
    return CODES.get(result.outcome.verdict or "pass", 0)


def _show_documents(written: "WrittenDocuments", output: Output) -> None:
    if output.as_json:
        output.object({"documents": len(written.documents), "written_to": str(written.path)})
        return
    output.say(f"{len(written.documents)} documents, some with planted instructions: for a test collection only")
    output.say(f"written to {written.path}")
