"""Jobs on SageMaker, against moto's server, with a runner that does what SageMaker does."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import ragbench as rb
from ragbench.cloud import s3, sagemaker
from ragbench.io.chunk_files import read_chunks
from ragbench.models import aws

boto3 = pytest.importorskip("boto3", reason="sends jobs")
CATALOG = Path(__file__).parents[2] / "datasets" / "shop" / "product_catalog.csv"
WHERE = {"s3": "s3://jobs/all", "image": "image", "role": "arn:aws:iam::123456789012:role/jobs", "install": False}
PREFIX = "/opt/ml/processing"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """A server with a bucket; the arguments of each job that is created."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="jobs")
    requests: list[dict[str, Any]] = []

    def session(what: str, params: Any) -> Any:
        found = aws.session(what, params)
        found.events.register("provide-client-params.sagemaker.CreateProcessingJob",
                              lambda params, **_: requests.append(params))  # fmt: skip
        return found

    monkeypatch.setattr(sagemaker, "session", session)
    yield requests
    server.stop()


def run_as_sagemaker(request: dict[str, Any], root: Path) -> int:
    """S3 to the folders of the job, its entry point as a process, and its outputs to S3."""
    store = s3.Store(boto3.client("s3", region_name="us-east-1"))

    def local(path: str) -> Path:
        return root / "processing" / path.removeprefix(PREFIX).lstrip("/")

    for one in request["ProcessingInputs"]:
        store.fetch(one["S3Input"]["S3Uri"].rstrip("/"), local(one["S3Input"]["LocalPath"]))
    _, script = request["AppSpecification"]["ContainerEntrypoint"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(root), **request["Environment"]}
    code = subprocess.run([sys.executable, str(local(script))], env=environment, check=False).returncode
    for one in request["ProcessingOutputConfig"]["Outputs"]:
        store.upload(local(one["S3Output"]["LocalPath"]), one["S3Output"]["S3Uri"])
    return code


def test_a_job_runs_and_is_fetched(sent: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "hidden")
    command = ["chunk", "--corpus", str(CATALOG), "--chunker=fixed:size=400", "--out", "c.parquet"]
    job = rb.jobs.submit(command, **WHERE, name="one", env=["SOME_KEY"], tags=["team=search"], price_per_hour=2.0,
                         max_cost=3.0)  # fmt: skip
    assert job.name == "ragbench-one"
    assert (job.seconds, job.most_cost) == (5400, 3.0)
    (request,) = sent
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 5400}
    assert request["Environment"] == {"SOME_KEY": "hidden"}
    assert "hidden" not in str(job.request)
    assert run_as_sagemaker(request, tmp_path / "ml") == 0
    (listed,) = rb.jobs.status(tags=["team=search"])
    assert (listed.name, listed.state, listed.command) == ("ragbench-one", "completed", "chunk")
    assert rb.jobs.status(tags=["team=other"]) == []
    fetched = rb.jobs.fetch("one", tmp_path / "got")
    assert fetched.files == 1
    rb.chunk(CATALOG, "fixed:size=400", out=tmp_path / "here.parquet")
    assert read_chunks(tmp_path / "got" / "c.parquet").fingerprint == read_chunks(tmp_path / "here.parquet").fingerprint
    with pytest.raises(rb.InputError, match="has this name already"):
        rb.jobs.submit(command, **WHERE, name="one")
    with pytest.raises(rb.InputError, match="exists already"):
        rb.jobs.fetch("one", tmp_path / "got")
    with pytest.raises(rb.InputError, match="has ended already"):
        rb.jobs.stop("one")
    assert rb.jobs.logs("one") == []


def test_errors_say_what_to_do(sent: list[dict[str, Any]]) -> None:
    command = ["chunk", "--corpus", str(CATALOG), "--out", "c.parquet"]
    with pytest.raises(rb.InputError, match=r"NoSuchBucket.*create the bucket"):
        rb.jobs.submit(command, **{**WHERE, "s3": "s3://missing/x"})
    with pytest.raises(rb.InputError, match="must be an ARN"):
        rb.jobs.submit(command, **{**WHERE, "role": "jobs"})
    with pytest.raises(rb.InputError, match="started no job of this name"):
        rb.jobs.status("nothing")
    with pytest.raises(rb.SettingError, match="takes no option --corpsu"):
        rb.jobs.submit(["chunk", "--corpsu", "x"], **WHERE)
    with pytest.raises(rb.InputError, match="not set here"):
        rb.jobs.submit(command, **WHERE, env=["NOT_SET_HERE"])
    with pytest.raises(rb.SettingError, match="needs price_per_hour="):
        rb.jobs.submit(command, **WHERE, max_cost=1.0)
    assert sent == []


def test_a_dry_run_sends_nothing() -> None:
    job = rb.jobs.submit(["chunk", "--corpus", str(CATALOG), "--out", "c.parquet"], **WHERE, dry_run=True)
    assert not job.sent
    assert job.request["ProcessingResources"] == {
        "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 30}
    }
