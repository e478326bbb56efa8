"""Batches on Bedrock, with requests and responses in the native format of each model family.

Sources: Amazon Bedrock user guide, "Anthropic Claude Messages API"; Amazon Nova user guide, "Complete request schema".
"""

import importlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from ragbench.core.errors import MissingExtra, SettingError
from ragbench.io.files import replacing
from ragbench.models.llm.base import LLMError, Request, Response, Usage
from ragbench.models.llm.batch.base import BatchService, Result, Seen
from ragbench.models.llm.openai_wire import FORM, spoken

TOOL_DESCRIPTION = "Gives the answer."


class Family(NamedTuple):
    """The request format of a family of models, and the reader of its output."""

    body: Callable[..., dict[str, object]]
    response: Callable[[Mapping[str, Any]], Response]


def family(model: str) -> Family:
    """The family of a model id, inference profile or ARN.

    Raises:
        SettingError: the family is unknown.
    """
    for mark, found in FAMILIES.items():
        if mark in model:
            return found
    raise SettingError(
        f"language model {model!r}: batches on Bedrock take the model's own format, which is known for "
        f"{' and '.join(sorted(FAMILIES))} models only; use another model, or ragbench generate without a batch"
    )


def _tool_schema(request: Request, structured: bool) -> Mapping[str, object] | None:
    """The schema, if a tool can enforce it."""
    schema = request.schema
    return schema if structured and schema is not None and schema.get("type") == "object" else None


def _anthropic(request: Request, *, structured: bool) -> dict[str, object]:
    schema = _tool_schema(request, structured)
    said = spoken(request, in_prompt=schema is None)
    body: dict[str, object] = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "messages": [{"role": role, "content": [{"type": "text", "text": text}]}
                     for role, text in said if role != "system"],
    }  # fmt: skip
    system = "\n\n".join(text for role, text in said if role == "system")
    if system:
        body["system"] = system
    if schema is not None:
        body["tools"] = [{"name": FORM, "description": TOOL_DESCRIPTION, "input_schema": dict(schema)}]
        body["tool_choice"] = {"type": "tool", "name": FORM}
    return body


def _anthropic_response(output: Mapping[str, Any]) -> Response:
    blocks, usage = output["content"], output.get("usage") or {}
    called = [block["input"] for block in blocks if block.get("type") == "tool_use" and block.get("name") == FORM]
    text = "".join(block.get("text") or "" for block in blocks if block.get("type") == "text")
    return Response(
        json.dumps(called[0], ensure_ascii=False) if called else text,
        Usage.reported(usage.get("input_tokens"), usage.get("output_tokens")),
        str(output.get("stop_reason") or "stop"),
    )


def _nova(request: Request, *, structured: bool) -> dict[str, object]:
    schema = _tool_schema(request, structured)
    said = spoken(request, in_prompt=schema is None)
    body: dict[str, object] = {
        "schemaVersion": "messages-v1",
        "messages": [{"role": role, "content": [{"text": text}]} for role, text in said if role != "system"],
        "inferenceConfig": {"maxTokens": request.max_tokens, "temperature": request.temperature},
    }
    system = [{"text": text} for role, text in said if role == "system"]
    if system:
        body["system"] = system
    if schema is not None:
        spec = {"name": FORM, "description": TOOL_DESCRIPTION, "inputSchema": {"json": dict(schema)}}
        body["toolConfig"] = {"tools": [{"toolSpec": spec}], "toolChoice": {"tool": {"name": FORM}}}
    return body


def _nova_response(output: Mapping[str, Any]) -> Response:
    blocks, usage = output["output"]["message"]["content"], output.get("usage") or {}
    called = [block["toolUse"]["input"] for block in blocks if block.get("toolUse", {}).get("name") == FORM]
    return Response(
        json.dumps(called[0], ensure_ascii=False) if called else "".join(block.get("text") or "" for block in blocks),
        Usage.reported(usage.get("inputTokens"), usage.get("outputTokens")),
        str(output.get("stopReason") or "stop"),
    )


FAMILIES = {"anthropic.": Family(_anthropic, _anthropic_response), "amazon.nova": Family(_nova, _nova_response)}


ENDED = {"Completed", "Failed", "Stopped", "PartiallyCompleted", "Expired"}
S3 = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>.*?))?/?$")


class BedrockJobs(BatchService):
    """Batches of one model on Bedrock.

    Args:
        model: id, inference profile or ARN.
        s3_uri: folder in S3 for input and output.
        role_arn: the role that Bedrock assumes to read and write there; needed only to create a batch.
        region: region of Bedrock and of the bucket; empty uses the environment's.

    Raises:
        SettingError: the model's family is unknown, or the S3 folder or the region is missing.
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
        """The line's number as eleven letters and digits, as Bedrock requires."""
        return f"R{number:010}"

    def line(self, id_: str, request: Request, *, structured: bool) -> dict[str, object]:
        """``recordId`` and the body in the model's own format."""
        return {"recordId": id_, "modelInput": self._family.body(request, structured=structured)}

    def upload(self, path: Path, name: str) -> str:
        """Upload the file and return the URI of the object. A second upload replaces the first."""
        key = f"{self._prefix}{name}/input.jsonl"
        self._s3.upload_file(str(path), self.bucket, key)
        return f"s3://{self.bucket}/{key}"

    def find_upload(self, path: Path, name: str) -> str | None:
        """None, since uploading again replaces the object by the same bytes."""
        return None

    def create(self, name: str, upload: str) -> str:
        """Create the job and return its ARN. The name is also the token by which Bedrock recognises a repeated call."""
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
        """State of the job, and the number of finished records if Bedrock reports it."""
        seen = self._jobs.get_model_invocation_job(jobIdentifier=batch)
        state = str(seen["status"])
        return Seen(state, state in ENDED, state == "Failed", str(seen.get("message", "")),
                    seen.get("processedRecordCount"))  # fmt: skip

    def download(self, batch: str, name: str, path: Path) -> None:
        """Download every output file below the batch's folder."""
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
        except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
            return Result("", None, "a line of the results cannot be read")
        if error or not isinstance(output, dict):
            reported = error if isinstance(error, dict) else {}
            return Result(
                id_, None, f"status {reported.get('errorCode', '?')}: {reported.get('errorMessage', 'no output')}"[:500]
            )
        try:
            return Result(id_, self._family.response(output))
        except (KeyError, IndexError, TypeError, AttributeError, ValueError, LLMError) as fault:
            return Result(
                id_, None, f"the output is none of this family of models: {json.dumps(output)[:300]} ({fault})"
            )


def _no_retries() -> Any:
    config: Any = importlib.import_module("botocore.config")
    return config.Config(retries={"total_max_attempts": 1, "mode": "standard"})
