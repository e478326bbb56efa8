"""docs/guides/sagemaker.md shows what is printed, and the rights that its commands need."""

import json
import os
import re
import shlex
import zipfile
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

import ragbench as rb
from tests.docs.shown_commands import BLOCK
from tests.jobs.conftest import Call, Calls
from tests.jobs.sagemaker_server import ACCOUNT, REGION, ROLE, run_as_sagemaker, running_job
from tests.models.llm_server import LLMServer, serving

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "guides" / "sagemaker.md").read_text(encoding="utf-8")
CATALOG = ROOT / "datasets" / "shop" / "product_catalog.csv"
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d")
RIGHTS = {
    "CreateProcessingJob": ("sagemaker:CreateProcessingJob", "sagemaker:AddTags", "iam:PassRole"),
    "HeadObject": ("s3:GetObject",),
    "ListObjectsV2": ("s3:ListBucket",),
    "CreateMultipartUpload": ("s3:PutObject",),
    "UploadPart": ("s3:PutObject",),
    "CompleteMultipartUpload": ("s3:PutObject",),
}
"""What an operation needs, where it is not the right of its name. Source: Service Authorization Reference of AWS."""


def policy(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(PAGE.split(f'title="{name}"\n')[1].split("```")[0])
    return found


def answer(body: Mapping[str, Any]) -> str:
    """Every question has the same answer; the evidence too."""
    if "follows the schema: supporting_materials" in body["messages"][-1]["content"]:
        return json.dumps({"supporting_materials": "the excerpt", "explanation": "It stands there."})
    return json.dumps({"answer": "5", "answer_value": "5", "ref_id": ["marrow2023"], "is_blank": False})


@pytest.mark.slow
def test_the_page_shows_what_is_printed(
    ragbench: Any, calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "datasets").symlink_to(ROOT / "datasets")
    with zipfile.ZipFile(tmp_path / "reports.zip", "w") as archive:
        for path in sorted((ROOT / "datasets" / "energy_ai" / "pdf").iterdir()):
            archive.write(path, path.name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    ragbench.environment.update(os.environ)
    blocks = [(command, shown) for language, command, shown in BLOCK.findall(PAGE) if language == "console"]
    assert len(blocks) == 6
    run = 0
    with serving(LLMServer(reply=answer)) as server:
        for command, shown in blocks:
            done = ragbench(*shlex.split(command.replace("\\\n", " "))[1:])
            assert done.code == 0, done.err
            if "--dry-run" in command:
                assert json.loads(done.out)["most_seconds"] == 7826
                assert not calls
            elif shown:
                printed, expected = (
                    [line.rstrip() for line in TIME.sub("", text).strip().splitlines()] for text in (done.out, shown)
                )
                assert printed == expected
            else:
                raise AssertionError(f"{command} shows no output")
            requests = calls.of("CreateProcessingJob")
            for request in requests[run:]:
                assert run_as_sagemaker(request, tmp_path / f"ml{run}", OPENAI_BASE_URL=server.url) == 0
                run += 1
    assert run == 2
    rows = (tmp_path / "runs/answers/wattbot_solutions.csv").read_text(encoding="utf-8")
    assert "marrow2023" in rows
    assert (tmp_path / "runs/answers/embeddings.npy").read_bytes() == (
        tmp_path / "runs/reports/embeddings.npy"
    ).read_bytes()


def use_everything(folder: Path) -> None:
    """Every kind of call that ragbench jobs makes."""
    where = {"s3": "s3://jobs/wattbot", "image": "image", "role": ROLE, "install": False}
    large = folder / "large.csv"
    large.write_bytes(b"id,text\n" + b"1,word\n" * 1_300_000)  # above 8 MB, which boto3 uploads in parts
    rb.jobs.submit(["chunk", "--corpus", str(large), "--out", "c.jsonl"], **where, name="one")
    rb.jobs.submit(["chunk", "--corpus", str(CATALOG), "--out", "c.jsonl"], **where, name="two", resume_from="one")
    running_job("ragbench-two").processing_job_status = "InProgress"
    rb.jobs.stop("two")
    rb.jobs.status()
    rb.jobs.logs("two")
    boto3 = pytest.importorskip("boto3")
    boto3.client("s3", region_name=REGION).put_object(
        Bucket="jobs", Key="wattbot/ragbench-one/output/out/c.jsonl", Body=b"{}\n"
    )
    rb.jobs.fetch("one", folder / "got")
    client = boto3.client("logs", region_name=REGION)
    client.create_log_group(logGroupName="/aws/sagemaker/ProcessingJobs")
    client.create_log_stream(logGroupName="/aws/sagemaker/ProcessingJobs", logStreamName="ragbench-two/algo-1")
    rb.jobs.logs("two")


def needed(call: Call) -> Iterator[tuple[str, str]]:
    """The rights of a call, and what each one is for."""
    name = call.params.get("ProcessingJobName") or call.params.get("ResourceArn", "").rpartition("/")[2]
    for right in RIGHTS.get(call.operation, (f"{call.service}:{call.operation}",)):
        if right == "iam:PassRole":
            yield right, call.params["RoleArn"]
        elif right == "s3:ListBucket":
            assert call.params["Prefix"].startswith("wattbot/")  # the condition of the policy
            yield right, f"arn:aws:s3:::{call.params['Bucket']}"
        elif call.service == "s3":
            yield right, f"arn:aws:s3:::{call.params['Bucket']}/{call.params['Key']}"
        elif call.service == "logs":
            yield right, f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{call.params['logGroupName']}:log-stream:x"
        else:
            yield right, f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:processing-job/{name}"


def several(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


@pytest.mark.slow
def test_the_policy_allows_what_ragbench_calls_and_no_more(calls: Calls, tmp_path: Path) -> None:
    use_everything(tmp_path)
    granted = [(action, one["Resource"]) for one in policy("submitter.json")["Statement"]
               for action in several(one["Action"])]  # fmt: skip
    used = {pair for call in calls for pair in needed(call)}
    refused = [pair for pair in used if not any(pair[0] == right and fnmatchcase(pair[1], on) for right, on in granted)]
    assert refused == []
    assert {right for right, _ in granted} == {right for right, _ in used}


def test_the_policy_of_the_role_reads_and_writes_the_folder_of_jobs_only() -> None:
    rights = {action: one["Resource"] for one in policy("role.json")["Statement"] for action in several(one["Action"])}
    assert rights["s3:GetObject"] == rights["s3:PutObject"] == "arn:aws:s3:::jobs/wattbot/*"
    assert not [action for action in rights if "*" in action]
    assert [action for action, on in rights.items() if on == "*"] == ["ecr:GetAuthorizationToken"]
