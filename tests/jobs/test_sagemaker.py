"""Jobs on SageMaker, against moto's server, with a runner that does what SageMaker does."""

import json
import os
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

import ragbench as rb
from ragbench.cloud import pack, s3
from ragbench.io.chunk_files import read_chunks
from ragbench.workflows.job_command import read_command
from tests.jobs.conftest import Calls
from tests.jobs.sagemaker_server import REGION, ROLE, rights_checked, run_as_sagemaker, running_job

boto3 = pytest.importorskip("boto3", reason="sends jobs")
CATALOG = Path(__file__).parents[2] / "datasets" / "shop" / "product_catalog.csv"
WHERE = {"s3": "s3://jobs/all", "image": "image", "role": ROLE, "install": False}
CHUNK = ["chunk", "--corpus", str(CATALOG), "--out", "c.parquet"]


@pytest.mark.slow
def test_a_job_runs_and_is_fetched(calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "hidden")
    command = ["chunk", "--corpus", str(CATALOG), "--chunker=fixed:size=400", "--out", "c.parquet"]
    job = rb.jobs.submit(command, **WHERE, name="one", env=["SOME_KEY"], tags=["team=search"], price_per_hour=2.0,
                         max_cost=3.0)  # fmt: skip
    assert job.name == "ragbench-one"
    assert (job.seconds, job.most_cost) == (5400, 3.0)
    (request,) = calls.of("CreateProcessingJob")
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
    assert rb.jobs.fetch("one", tmp_path / "got").files == 1
    assert len(calls.of("GetObject")) == 1
    (tmp_path / "got" / "c.parquet").write_bytes(b"changed")
    with pytest.raises(rb.InputError, match=r"c\.parquet: is not a file of this job, or was changed"):
        rb.jobs.fetch("one", tmp_path / "got")
    assert (tmp_path / "got" / "c.parquet").read_bytes() == b"changed"
    with pytest.raises(rb.InputError, match="has ended already"):
        rb.jobs.stop("one")
    assert rb.jobs.logs("one") == []


def test_errors_say_what_to_do(calls: Calls) -> None:
    command = CHUNK
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
    assert calls.of("CreateProcessingJob") == []


def test_a_dry_run_sends_nothing() -> None:
    job = rb.jobs.submit(["chunk", "--corpus", str(CATALOG), "--out", "c.parquet"], **WHERE, dry_run=True)
    assert not job.sent
    assert job.request["ProcessingResources"] == {
        "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 30}
    }


@pytest.mark.slow
def test_a_failed_job_says_why_and_keeps_what_it_wrote(calls: Calls, ragbench: Any, tmp_path: Path) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_text("colour,size\nred,1\n")
    rb.jobs.submit(["chunk", "--corpus", str(broken), "--out", "c.parquet"], **WHERE, name="wrong")
    assert run_as_sagemaker(calls.of("CreateProcessingJob")[0], tmp_path / "ml") == 2
    (job,) = rb.jobs.status()
    assert job.state == "failed"
    assert "broken.csv" in job.reason
    client = boto3.client("logs", region_name=REGION)
    group, stream = "/aws/sagemaker/ProcessingJobs", "ragbench-wrong/algo-1-1"
    client.create_log_group(logGroupName=group)
    client.create_log_stream(logGroupName=group, logStreamName=stream)
    now = int(time.time() * 1000)
    events = [{"timestamp": now + number, "message": f"line {number}"} for number in range(30)]
    client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
    assert rb.jobs.logs("wrong", last=2) == ["line 28", "line 29"]
    with pytest.raises(rb.InputError, match=r"failed and wrote nothing(?s:.*)line 29"):
        rb.jobs.fetch("wrong", tmp_path / "got")
    store = s3.Store(boto3.client("s3", region_name=REGION))
    store.write("half", f"{job.folder}/output/out/c.parquet.part")
    ragbench.environment.update(os.environ)
    done = ragbench("jobs", "fetch", "wrong", "--out", tmp_path / "got")
    assert done.code == 1
    assert "failed, 1 file" in done.out
    assert "line 29" in done.out
    assert (tmp_path / "got" / "c.parquet.part").read_text() == "half"


def test_a_running_job_is_stopped(calls: Calls, tmp_path: Path) -> None:
    rb.jobs.submit(CHUNK, **WHERE, name="long")
    running_job("ragbench-long").processing_job_status = "InProgress"
    with pytest.raises(rb.InputError, match="it is running"):
        rb.jobs.fetch("long", tmp_path / "got")
    other = {**calls.of("CreateProcessingJob")[0], "ProcessingJobName": "not-ragbench-long"}
    boto3.client("sagemaker", region_name=REGION).create_processing_job(**other)
    assert [job.name for job in rb.jobs.status()] == ["ragbench-long"]
    assert not [one for one in calls.of("DescribeProcessingJob") if one["ProcessingJobName"].startswith("not")]
    assert rb.jobs.stop("long").state == "stopped"
    assert calls.of("StopProcessingJob") == [{"ProcessingJobName": "ragbench-long"}]
    with pytest.raises(rb.InputError, match="has ended already"):
        rb.jobs.stop("long")


@pytest.mark.slow
def test_an_interrupted_fetch_goes_on(calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = rb.jobs.submit(CHUNK, **WHERE, name="many")
    store = s3.Store(boto3.client("s3", region_name=REGION))
    for number in range(4):
        store.write(f"part {number}", f"{job.folder}/output/out/{number}.txt")
    whole = s3.replacing
    begun: list[Path] = []

    def interrupted(path: Path) -> AbstractContextManager[Path]:
        begun.append(path)
        if len(begun) == 3:
            raise KeyboardInterrupt
        return whole(path)

    monkeypatch.setattr(s3, "replacing", interrupted)
    with pytest.raises(KeyboardInterrupt):
        rb.jobs.fetch("many", tmp_path / "got")
    assert not (tmp_path / "got").exists()
    monkeypatch.setattr(s3, "replacing", whole)
    calls.clear()
    assert rb.jobs.fetch("many", tmp_path / "got").files == 4
    assert sorted(one["Key"][-5:] for one in calls.of("GetObject")) == ["2.txt", "3.txt"]
    assert {path.name: path.read_text() for path in (tmp_path / "got").iterdir()} == {
        f"{number}.txt": f"part {number}" for number in range(4)
    }
    assert [path.name for path in tmp_path.iterdir()] == ["got"]


def test_an_output_that_leads_out_of_the_folder_is_refused(calls: Calls, tmp_path: Path) -> None:
    job = rb.jobs.submit(CHUNK, **WHERE, name="out")
    boto3.client("s3", region_name=REGION).put_object(
        Bucket="jobs", Key=f"{s3.split(job.folder)[1]}/output/out/a/../../x", Body=b"x"
    )
    with pytest.raises(rb.InputError, match="leads out of"):
        rb.jobs.fetch("out", tmp_path / "got")


def test_an_input_is_also_named_by_its_place() -> None:
    for words in (["embed", str(CATALOG), "--out", "rows"], ["embed", "--out", "rows", str(CATALOG)]):
        command = read_command(words)
        assert command.inputs == {"corpus": CATALOG}
        assert {"path": f"input/corpus/{CATALOG.name}"} in command.words
        assert command.outputs == ["out"]
    with pytest.raises(rb.SettingError, match="embed needs CORPUS"):
        read_command(["embed", "--out", "rows"])
    with pytest.raises(rb.SettingError, match="takes no word 'more'"):
        read_command(["embed", str(CATALOG), "more", "--out", "rows"])


def test_urls_of_a_command() -> None:
    def inputs(corpus: str) -> tuple[object, dict[str, Any]]:
        command = read_command(["chunk", "--corpus", corpus, "--out", "c.jsonl"])
        return command.words[2], command.inputs

    assert inputs("s3://b/docs/") == ({"path": "input/corpus"}, {"corpus": "s3://b/docs/"})
    assert inputs("s3://b/a.pdf") == ({"path": "input/corpus/a.pdf"}, {"corpus": "s3://b/a.pdf"})
    assert inputs(CATALOG.as_uri()) == ({"path": f"input/corpus/{CATALOG.name}"}, {"corpus": CATALOG})
    assert inputs("gs://b/docs") == ("gs://b/docs", {})
    for secret in ("s3://KEY:SECRET@b/docs/", "s3://b/docs?X-Amz-Signature=SECRET"):
        with pytest.raises(rb.InputError, match="URL") as refused:
            inputs(secret)
        assert "SECRET" not in str(refused.value)
    with pytest.raises(rb.SettingError, match="jobs write into s3="):
        read_command(["chunk", "--corpus", str(CATALOG), "--out", "s3://b/c.jsonl"])


def test_an_answer_takes_its_prompt_along_and_asks_the_service_that_it_names(tmp_path: Path) -> None:
    prompt, url = tmp_path / "short.txt", "https://rag.example.org/ask"
    prompt.write_text("{question} {passages}")
    command = read_command(["answer", "--prompt", str(prompt), "--endpoint", url, "--out", "run"])
    assert command.words[1:5] == ["--prompt", {"path": "input/prompt/short.txt"}, "--endpoint", url]
    assert command.inputs == {"prompt": prompt}


def test_a_job_gets_published_versions_of_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    version = pack.importlib.metadata.distribution("numpy").version
    monkeypatch.setattr(pack.importlib.metadata.Distribution, "version", f"{version}+cpu")
    assert f"numpy=={version}" in pack.pinned()


@pytest.mark.slow
def test_embed_runs_as_a_job(calls: Calls, tmp_path: Path) -> None:
    (tmp_path / "three.csv").write_text("id,text\na,red apples\nb,a blue sky\nc,a green tent\n")
    rb.jobs.submit(["embed", str(tmp_path / "three.csv"), "--out", "rows"], **WHERE, name="rows")
    assert run_as_sagemaker(calls.of("CreateProcessingJob")[0], tmp_path / "ml") == 0
    rb.jobs.fetch("rows", tmp_path / "got")
    assert [path.name for path in (tmp_path / "got").glob("*.parquet")] == ["part-00000.parquet"]


def test_a_missing_right_is_named(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    iam = boto3.client("iam", region_name=REGION)
    iam.create_user(UserName="reader")
    iam.put_user_policy(UserName="reader", PolicyName="list", PolicyDocument=json.dumps({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sagemaker:ListProcessingJobs", "Resource": "*"}],
    }))  # fmt: skip
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    with rights_checked():
        assert rb.jobs.status() == []
        with pytest.raises(rb.InputError, match=r"sagemaker:DescribeProcessingJob.*your credentials lack this right"):
            rb.jobs.submit(CHUNK, **WHERE, name="one")
    assert calls.of("CreateProcessingJob") == []
