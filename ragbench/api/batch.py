"""``rb.batch``: make a golden set through a provider's batch API."""

from ragbench.api.bind import call, call_then
from ragbench.api.calls import golden_of
from ragbench.core.goldens import GoldenSet
from ragbench.workflows import batch
from ragbench.workflows.batch import Submitted
from ragbench.workflows.generate import GenerateResult, Plan


def _golden_or_state(result: Submitted | GenerateResult | Plan) -> Submitted | GoldenSet | Plan:
    return result if isinstance(result, Submitted) else golden_of(result)


submit = call_then("batch.submit", batch.SubmitOptions, batch.run_submit, _golden_or_state)
status = call("batch.status", batch.StatusOptions, batch.run_status)
fetch = call("batch.fetch", batch.FetchOptions, batch.run_fetch)
