"""Bedrock's batch inference: input and output in S3, one model invocation job per batch.

Source of the protocol: Amazon Bedrock user guide, "Process multiple prompts with batch inference".
"""

import importlib
import json
import os
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from ragbench.core.errors import MissingExtra, SettingError
from ragbench.io.atomic import replacing
from ragbench.models.llm.base import Request
from ragbench.models.llm.batch.base import BatchService, Result, Seen
from ragbench.models.llm.batch.bedrock_input import family

ENDED = {"Completed", "Failed", "Stopped", "PartiallyCompleted", "Expired"}
S3 = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>.*?))?/?$")


class BedrockJobs(BatchService):
    """Batches of one model on Bedrock.

    Args:
        model: id, inference profile or ARN.
        s3_uri: folder in S3 for input and output.
        role_arn: the role that Bedrock takes on to read and write there; needed to begin a batch only.
        region: of Bedrock and of the bucket; empty for that of the environment.

    Raises:
        SettingError: a model of an unknown family, no S3 folder, no region.
        MissingExtra: boto3 is not installed.
    """

    most_bytes = 1_000_000_000
    least_lines = 100

    def __init__(self, model: str, s3_uri: str, role_arn: str = "", region: str = "") -> None:
        self.model, self.role_arn, self._family = model, role_arn, family(model)
        place = S3.match(s3_uri)
        if place is None:
            raise SettingError(
                f"batches of {model!r} need a folder in S3, as s3://bucket/folder (--s3-uri); it is {s3_uri!r}"
            )
        self.bucket, self._prefix = place["bucket"], f"{place['prefix']}/" if place["prefix"] else ""
        try:
            boto3: Any = importlib.import_module("boto3")
        except ImportError as error:
            raise MissingExtra(f"language model {model!r}", "aws") from error
        self._session = boto3.Session(region_name=region or os.environ.get("AWS_REGION"))
        if not self._session.region_name:
            raise SettingError(f"batches of {model!r} need a region: set AWS_REGION")
        self.place = {"s3_uri": s3_uri, "region": str(self._session.region_name)}

    @cached_property
    def _jobs(self) -> Any:
        return self._session.client("bedrock", config=_no_retries())

    @cached_property
    def _s3(self) -> Any:
        return self._session.client("s3", config=_no_retries())

    def record_id(self, number: int, key: str) -> str:
        """Eleven letters and digits, as Bedrock documents it: the line's number."""
        return f"R{number:010}"

    def line(self, id_: str, request: Request, *, structured: bool) -> dict[str, object]:
        """``recordId`` and the body in the model's own format."""
        return {"recordId": id_, "modelInput": self._family.body(request, structured=structured)}

    def upload(self, path: Path, name: str) -> str:
        """URI of the object; a second upload replaces the first."""
        key = f"{self._prefix}{name}/input.jsonl"
        self._s3.upload_file(str(path), self.bucket, key)
        return f"s3://{self.bucket}/{key}"

    def find_upload(self, path: Path, name: str) -> str | None:
        """None: uploading again replaces what is there by the same bytes."""
        return None

    def create(self, name: str, upload: str) -> str:
        """ARN of the begun job. The name is also the token by which Bedrock knows a repeated call."""
        if not self.role_arn:
            raise SettingError(f"batches of {self.model!r} need a role that Bedrock takes on (--role-arn)")
        made = self._jobs.create_model_invocation_job(
            jobName=name,
            roleArn=self.role_arn,
            clientRequestToken=name,
            modelId=self.model,
            inputDataConfig={"s3InputDataConfig": {"s3InputFormat": "JSONL", "s3Uri": upload}},
            outputDataConfig={"s3OutputDataConfig": {"s3Uri": f"s3://{self.bucket}/{self._output(name)}"}},
        )
        return str(made["jobArn"])

    def find(self, name: str, upload: str) -> str | None:
        """By its name."""
        for page in self._jobs.get_paginator("list_model_invocation_jobs").paginate(nameContains=name):
            for job in page.get("invocationJobSummaries", []):
                if job["jobName"] == name:
                    return str(job["jobArn"])
        return None

    def look(self, batch: str) -> Seen:
        """State, and how many records are done where Bedrock says so."""
        seen = self._jobs.get_model_invocation_job(jobIdentifier=batch)
        state = str(seen["status"])
        return Seen(state, state in ENDED, state == "Failed", str(seen.get("message", "")),
                    seen.get("processedRecordCount"))  # fmt: skip

    def download(self, batch: str, name: str, path: Path) -> None:
        """Every output file below the batch's folder."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self._output(name))
        keys = sorted(found["Key"] for page in pages for found in page.get("Contents", []))
        with replacing(path) as temporary, temporary.open("wb") as file:
            for key in keys:
                if key.endswith(".jsonl.out"):
                    for piece in self._s3.get_object(Bucket=self.bucket, Key=key)["Body"].iter_chunks():
                        file.write(piece)
                    file.write(b"\n")

    def results(self, path: Path) -> Iterator[Result]:
        """One per record."""
        with path.open("rb") as file:
            for line in file:
                if line.strip():
                    yield self._result(line)

    def _output(self, name: str) -> str:
        return f"{self._prefix}{name}/output/"

    def _result(self, line: bytes) -> Result:
        try:
            row: Any = json.loads(line)
            id_, output, error = str(row["recordId"]), row.get("modelOutput"), row.get("error")
        except (ValueError, KeyError, AttributeError, TypeError):
            return Result("", None, "a line of the results cannot be read")
        if error or not isinstance(output, dict):
            told = error if isinstance(error, dict) else {}
            return Result(
                id_, None, f"status {told.get('errorCode', '?')}: {told.get('errorMessage', 'no output')}"[:500]
            )
        try:
            return Result(id_, self._family.response(output))
        except (KeyError, IndexError, TypeError, AttributeError, ValueError) as fault:
            return Result(
                id_, None, f"the output is none of this family of models: {json.dumps(output)[:300]} ({fault})"
            )


def _no_retries() -> Any:
    config: Any = importlib.import_module("botocore.config")
    return config.Config(retries={"total_max_attempts": 1, "mode": "standard"})
