"""What ``doctor``, ``embed``, ``export``, ``index``, ``jobs`` and ``data`` print, and their help."""

from typing import TYPE_CHECKING

from ragbench.cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ragbench.cloud.base import Job
    from ragbench.core.checkup import Checkup
    from ragbench.corpus.checks.result import DataCheck
    from ragbench.engines.embed_stage import EmbeddedCorpus
    from ragbench.retrievers._vector_database import Indexed
    from ragbench.workflows.check_data import Options as CheckOptions
    from ragbench.workflows.data import Collections, FetchedCollection, FetchOptions, ListOptions
    from ragbench.workflows.doctor import Options as DoctorOptions
    from ragbench.workflows.embed import Options as EmbedOptions
    from ragbench.workflows.export import Exported
    from ragbench.workflows.export import Options as ExportOptions
    from ragbench.workflows.index import Options as IndexOptions
    from ragbench.workflows.jobs import FetchedJob, LogsOptions, StatusOptions, StopOptions, SubmitOptions, SubmittedJob
    from ragbench.workflows.jobs import FetchOptions as JobFetchOptions

HELP_EXPORT = """Write a golden set in another format, and list what that format cannot hold.

Example:
  ragbench export --golden golden/ --to beir --out beir/

Exit code 2: an error of usage or input."""


def show_export(options: "ExportOptions", exported: "Exported", output: Output) -> None:
    """Print what was written, and what was lost."""
    from ragbench.render.export import export_json, export_lines

    written = (exported.golden, exported.format, exported.out, exported.lost)
    if output.as_json:
        output.object(export_json(*written))
    else:
        for line in export_lines(*written):
            output.say(line)


HELP_EMBED = """Embed a corpus, and write its rows with their vectors to Parquet files.

Example:
  ragbench embed chunks.parquet --out vectors/
  ragbench embed prompts.parquet --columns text=prompt --kind query --out vectors/
  ragbench embed chunks/ --out vectors/ --engine ray --workers 8

Rows of Parquet files keep their columns and their order. Documents are cut into
chunks first. The same command after an interruption goes on with the parts that
are missing. Both engines write the same bytes.

Exit code 2: an error of usage or input."""


def show_embed(options: "EmbedOptions", done: "EmbeddedCorpus", output: Output) -> None:
    """Print how many rows were embedded, and where they are."""
    from ragbench.render.embedded import embedded_json, embedded_lines

    if output.as_json:
        output.object(embedded_json(done))
    else:
        for line in embedded_lines(done):
            output.say(line)


HELP_INDEX = """Embed documents, and write them into a collection of a vector database.

Example:
  ragbench index --corpus docs/ --into qdrant:path=db,collection=docs

The command prints the retriever that searches the collection. Keys and
passwords come from the environment. Exit code 2: an error of usage or input."""


def show_index(options: "IndexOptions", found: "Indexed", output: Output) -> None:
    """Print what was written, and the retriever that searches it."""
    from ragbench.render.indexed import indexed_json, indexed_lines

    if output.as_json:
        output.object(indexed_json(found))
    else:
        for line in indexed_lines(found):
            output.say(line)


HELP_JOBS_SUBMIT = """Run a command on a machine in the cloud.

Example:
  ragbench jobs submit --s3 s3://bucket/jobs --image IMAGE --role ARN
      --instance ml.g5.xlarge --price-per-hour 1.41 --max-cost 5 --extra pdf
      -- wattbot run --metadata metadata.csv --documents pdfs.zip --until embeddings --out run

ragbench uploads its own code, the files that the command names, and a list of the
packages that the job installs. Name the extras that the command needs with --extra.
Paths that begin with s3:// are read where they are. --dry-run prints the request as
JSON and sends nothing. Exit code 2: an error of usage or input."""


def show_jobs_submit(options: "SubmitOptions", job: "SubmittedJob", output: Output) -> None:
    """Print where the job is, how long it may run, and what to do next."""
    if output.as_json or not job.sent:
        output.object(
            {"version": 1, "name": job.name, "folder": job.folder, "sent": job.sent, "most_seconds": job.seconds,
             "most_cost": job.most_cost, "request": job.request}
        )  # fmt: skip
        return
    output.say(f"{job.name}: started; its files are in {job.folder}")
    cost = "" if job.most_cost is None else f"; the machine costs at most {job.most_cost:,.2f}"
    output.say(f"it may run for {job.seconds / 3600:,.2f} hours{cost}")
    output.say(f"next: ragbench jobs status {job.name}, then ragbench jobs fetch {job.name} --out FOLDER")


HELP_JOBS_STATUS = """Show the jobs that ragbench started, from any machine.

Example:
  ragbench jobs status
  ragbench jobs status ragbench-wattbot-run-20260301-101500"""


def show_jobs_status(options: "StatusOptions", jobs: "Sequence[Job]", output: Output) -> None:
    """Print a row for each job."""
    from ragbench.render.blocks import Block, terminal
    from ragbench.render.jobs import HEAD, job_json, job_rows

    if output.as_json:
        output.object({"version": 1, "jobs": [job_json(job) for job in jobs]})
    elif not jobs:
        output.say("no jobs in this account and region, or none with these tags")
    else:
        output.table(terminal([Block("", HEAD, tuple(job_rows(jobs)), align="lllll")]))


HELP_JOBS_LOGS = """Show the last lines that a job printed.

Example:
  ragbench jobs logs ragbench-wattbot-run-20260301-101500 --last 20"""


def show_jobs_logs(options: "LogsOptions", lines: "Sequence[str]", output: Output) -> None:
    """Print the lines."""
    if output.as_json:
        output.object({"version": 1, "name": options.name, "lines": list(lines)})
    else:
        output.lines("\n".join(lines) or "the job has printed nothing yet")


HELP_JOBS_FETCH = """Download what a job wrote.

Example:
  ragbench jobs fetch ragbench-wattbot-run-20260301-101500 --out runs/wattbot --wait

The folder appears when it is complete. If the download was interrupted, repeat the
command: it downloads what is missing. If the job failed or was stopped, you get what
it had written by then. Exit code 0: the job completed; 1: it failed or was stopped,
and its files were downloaded; 2: an error of usage or input."""


def show_jobs_fetch(options: "JobFetchOptions", fetched: "FetchedJob", output: Output) -> int | None:
    """Print where the files are, and why the job failed if it did."""
    from ragbench.render.jobs import job_json
    from ragbench.render.numbers import counted

    job = fetched.job
    if output.as_json:
        output.object({"version": 1, "job": job_json(job), "files": fetched.files, "out": str(fetched.out)})
    else:
        output.say(f"{job.name}: {job.state}, {counted(fetched.files, 'file')} in {fetched.out}")
        for line in fetched.log or job.reason.splitlines():
            output.say(f"  {line}")
    return 0 if job.state == "completed" else 1


HELP_JOBS_STOP = """Stop a job. What it has written is kept.

Example:
  ragbench jobs stop ragbench-wattbot-run-20260301-101500"""


def show_jobs_stop(options: "StopOptions", job: "Job", output: Output) -> None:
    """Print its state."""
    from ragbench.render.jobs import job_json

    if output.as_json:
        output.object({"version": 1, "job": job_json(job)})
    else:
        output.say(f"{job.name}: {job.state}")


HELP_DATA_LIST = """List the public test collections that can be fetched, with size, licence and checksum.

Example:
  ragbench data list"""
HELP_DATA_GET = """Fetch a public test collection. A broken download continues where it stopped.

Example:
  ragbench data get scifact

Exit code 2: an error of usage or input, or a download that fails."""


def show_data_list(options: "ListOptions", found: "Collections", output: Output) -> None:
    """Print the collections."""
    from ragbench.render.blocks import terminal
    from ragbench.render.collections import collections_blocks, collections_json

    if output.as_json:
        output.object(collections_json(found.collections, found.fetched, found.cache))
    else:
        output.table(terminal(collections_blocks(found.collections, found.fetched, found.cache)))


def show_data_get(options: "FetchOptions", found: "FetchedCollection", output: Output) -> None:
    """Print the checksum and the folder of the collection."""
    from ragbench.render.collections import fetched_json, fetched_lines

    if output.as_json:
        output.object(fetched_json(found.collection, found.fetched))
    else:
        for line in fetched_lines(found.fetched):
            output.say(line)


HELP_DATA_CHECK = """Check the rows of a catalogue before it is indexed.

Example:
  ragbench data check catalogue.csv
  ragbench data check catalogue.csv --write-schema schema.yaml
  ragbench data check catalogue.csv --schema schema.yaml --junit data.xml

A schema says for each column what it must hold: its type, repeats, empty cells,
lengths, HTML, wrong encodings, languages, near duplicates and age.
docs/guides/data-check.md describes the rules. Rows that break one are named by
their line. Without a schema, one is proposed from the rows and checked.

Exit code 0: pass; 1: a rule fails; 3: a rule had nothing to measure; 2: an error
of usage or input."""


def show_data_check(options: "CheckOptions", found: "DataCheck", output: Output) -> int:
    """Print the rules and the rows that break them, and write the JUnit file."""
    from ragbench.io.files import write_bytes
    from ragbench.render.blocks import terminal
    from ragbench.render.data_check import data_check_blocks, data_check_json, data_check_junit

    if options.junit is not None:
        write_bytes(options.junit, data_check_junit(found))
    if output.as_json:
        output.object(data_check_json(found))
    else:
        output.table(terminal(data_check_blocks(found)))
        if found.written is not None:
            output.say(f"written to {found.written}")
    return found.exit_code


HELP_DOCTOR = """Look for damaged files in what ragbench stored: paid answers, vectors, runs,
baselines and evaluations.

Example:
  ragbench doctor ~/.cache/ragbench
  ragbench doctor golden/docs --repair

Nothing is changed without --repair, which saves every answer that can be read
into a new file and removes damaged vectors and runs. Exit code 1: something is
damaged and was not repaired. Exit code 2: an error of usage or input."""


def show_doctor(options: "DoctorOptions", checkup: "Checkup", output: Output) -> int | None:
    """Print a row for each store, and what to do."""
    from ragbench.render.blocks import terminal
    from ragbench.render.doctor import doctor_blocks, doctor_json

    if output.as_json:
        output.object(doctor_json(checkup))
    else:
        output.table(terminal(doctor_blocks(checkup)))
    return None if checkup.healthy else 1
