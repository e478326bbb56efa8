"""Jobs in the cloud, for a terminal and as JSON."""

from collections.abc import Sequence
from typing import Any

from ragbench.cloud.base import Job

HEAD = ("job", "state", "command", "started", "reason")


def job_rows(jobs: Sequence[Job]) -> list[tuple[str, ...]]:
    """A row for each job, in the order of `HEAD`."""
    return [
        (job.name, job.state, job.command, f"{job.created:%Y-%m-%d %H:%M}" if job.created else "",
         next(reversed(job.reason.splitlines()), ""))
        for job in jobs
    ]  # fmt: skip


def job_json(job: Job) -> dict[str, Any]:
    """A job as an object."""
    return {
        "name": job.name, "state": job.state, "command": job.command, "folder": job.folder,
        "created": job.created.isoformat() if job.created else None,
        "ended": job.ended.isoformat() if job.ended else None, "reason": job.reason, "tags": dict(job.tags),
    }  # fmt: skip
