"""Batches on Bedrock: a real S3 server (moto), and a small server for the jobs, which moto does not work on."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ragbench.models.llm.answers import AnswerStore
from ragbench.models.llm.base import Message, Request, Usage
from ragbench.models.llm.batch.bedrock import BedrockJobs
from ragbench.models.llm.batch.journal import Journal
from ragbench.models.llm.batch.plan import Model, plan_batches, tried
from ragbench.models.llm.batch.send import fetch, send

boto3: Any = pytest.importorskip("boto3")
moto_server: Any = pytest.importorskip("moto.server")
ROLE = "arn:aws:iam::123456789012:role/batch"
NOVA = "us.amazon.nova-lite-v1:0"


class Jobs:
    """The four job endpoints. A job is worked on when it is looked at for the second time."""

    def __init__(self, s3: Any) -> None:
        self.s3, self.jobs, self.created, self.drop_create = s3, dict[str, dict[str, Any]](), 0, 0
        self.url = ""

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        self.created += 1
        for arn, job in self.jobs.items():
            if job["clientRequestToken"] == body["clientRequestToken"]:
                return {"jobArn": arn}
        arn = f"arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/{len(self.jobs):012}"
        self.jobs[arn] = {**body, "jobArn": arn, "status": "Submitted", "submitTime": "2025-01-01T00:00:00Z"}
        return {"jobArn": arn}

    def look(self, arn: str) -> dict[str, Any]:
        job = self.jobs[arn]
        if job["status"] == "InProgress":
            self.work(job)
        elif job["status"] == "Submitted":
            job["status"] = "InProgress"
        return job

    def work(self, job: dict[str, Any]) -> None:
        bucket, key = job["inputDataConfig"]["s3InputDataConfig"]["s3Uri"].removeprefix("s3://").split("/", 1)
        lines = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read().splitlines()
        rows = []
        for row in reversed([json.loads(line) for line in lines]):
            asked = row["modelInput"]["messages"][0]["content"][0]["text"]
            if asked == "fail":
                rows.append({**row, "error": {"errorCode": 500, "errorMessage": "told to fail"}})
                continue
            message = {"role": "assistant", "content": [{"text": f"about {asked}"}]}
            output = {"output": {"message": message}, "stopReason": "end_turn",
                      "usage": {"inputTokens": 7, "outputTokens": 2}}  # fmt: skip
            rows.append({**row, "modelOutput": output})
        folder = job["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"].removeprefix("s3://").split("/", 1)[1]
        place = f"{folder}{job['jobArn'].rsplit('/', 1)[1]}"
        self.s3.put_object(
            Bucket=bucket, Key=f"{place}/input.jsonl.out", Body="\n".join(map(json.dumps, rows)).encode()
        )
        self.s3.put_object(Bucket=bucket, Key=f"{place}/manifest.json.out", Body=b"{}")
        job["status"] = "PartiallyCompleted" if any("error" in row for row in rows) else "Completed"


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Jobs]:
    moto = moto_server.ThreadedMotoServer(port=0, verbose=False)
    moto.start()
    _, port = moto.get_host_and_port()
    told = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{port}"}  # fmt: skip
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="batches")
    found = Jobs(s3)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
            path, _, query = self.path.partition("?")
            if self.command == "POST":
                told = found.create(json.loads(raw))
                if found.drop_create:
                    found.drop_create -= 1
                    self.connection.close()
                    return
            elif path.startswith("/model-invocation-jobs"):
                wanted = re.search(r"nameContains=([\w-]+)", query)
                told = {"invocationJobSummaries": [job for job in found.jobs.values()
                                                   if wanted and wanted[1] in job["jobName"]]}  # fmt: skip
            else:
                told = found.look(path.removeprefix("/model-invocation-job/").replace("%3A", ":").replace("%2F", "/"))
            content = json.dumps(told).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST

        def log_message(self, *args: object) -> None:
            return

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK", f"http://127.0.0.1:{http.server_port}")
    try:
        yield found
    finally:
        http.shutdown()
        http.server_close()
        moto.stop()


def test_a_job_goes_out_once_and_its_answers_come_back_by_record(jobs: Jobs, tmp_path: Path) -> None:
    service = BedrockJobs(NOVA, "s3://batches/run/one", ROLE)
    requests = [Request("test/1", (Message("user", text),)) for text in ("tents", "fail", "lamps")]
    journal = Journal.read(tmp_path)
    (batch,) = plan_batches(
        journal, Model(f"bedrock:{NOVA}", "f", None, service), requests, most_lines=10, structured=lambda key: True
    )
    # The reply to the first call is lost; the job is found by its name instead of being begun again.
    jobs.drop_create = 1
    batch = send(journal, batch, service)
    assert (jobs.created, len(jobs.jobs), batch.step) == (1, 1, "created")
    job = jobs.jobs[batch.id]
    assert (job["jobName"], job["modelId"], job["roleArn"]) == (batch.name, NOVA, ROLE)

    answers = AnswerStore(tmp_path / "answers.sqlite")
    # Another process: only what the journal says is known.
    journal = Journal.read(tmp_path)
    service = BedrockJobs(NOVA, batch.place["s3_uri"], region=batch.place["region"])
    while journal.batches[batch.name].step != "fetched":
        fetch(journal, journal.batches[batch.name], service, answers)
    done = journal.batches[batch.name]
    assert (done.state, done.answered, done.failed, done.reason) == ("PartiallyCompleted", 2, 1, "")
    for request, text in ((requests[0], "about tents"), (requests[2], "about lamps")):
        kept = answers.get(f"f:{request.fingerprint}")
        assert kept is not None
        assert (kept.text, kept.usage) == (text, Usage(7, 2))
    times, reasons = tried(journal)
    assert times == {f"f:{requests[1].fingerprint}": 1}
    assert reasons == {f"f:{requests[1].fingerprint}": "status 500: told to fail"}
    answers.close()
