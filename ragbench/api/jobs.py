"""``rb.jobs``: run a command on a machine in the cloud."""

from ragbench.api.bind import call
from ragbench.workflows import jobs

submit = call("jobs.submit", jobs.SubmitOptions, jobs.run_submit)
status = call("jobs.status", jobs.StatusOptions, jobs.run_status)
logs = call("jobs.logs", jobs.LogsOptions, jobs.run_logs)
fetch = call("jobs.fetch", jobs.FetchOptions, jobs.run_fetch)
stop = call("jobs.stop", jobs.StopOptions, jobs.run_stop)
