"""What commands talk to: a language model, a provider of batches, a RAG service, a retrieval service and a file server.

Each answers by rule, so that a question has one answer however often it is asked.
"""

import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from tests.io.object_stores import Store, moto, served

TESTS = Path(__file__).resolve().parents[1]
sys.path += [str(TESTS / name) for name in ("answers", "golden", "models")]

import generate_writer  # noqa: E402
import judge_replies  # noqa: E402
from batch_server import BatchServer, serving_batches  # noqa: E402
from llm_server import LLMServer, serving  # noqa: E402
from loopback import loopback  # noqa: E402


def said(body: dict[str, Any]) -> str:
    """What the model answers, whoever asks."""
    system, user = body["messages"][0]["content"], body["messages"][-1]["content"]
    if "electricity" in user or "energy" in system.lower():
        if "follows the schema: supporting_materials" in user:
            return json.dumps({"supporting_materials": "the words", "explanation": "so it follows"})
        return json.dumps({"answer": "1.26", "answer_value": "1.26", "ref_id": ["marrow2023"], "is_blank": False})
    if any(words in system for words in ("take an answer", "compare statements", "was useful")):
        return judge_replies.reply(body)
    if "compare two answers" in system:
        better = "first" if user.find("is red") > user.rfind("is grey") else "second"
        return json.dumps({"reasons": "it is shorter", "better": better})
    if "Question:\n" in user:
        return json.dumps({"answer": "It is grey [1].", "citations": [1], "is_unknown": False})
    if system.startswith(("You write search queries", "You examine", "You give")) or "DATA" in user:
        return generate_writer.answer(body)
    return "I'm sorry, but I can't help with that."


@dataclass
class Services:
    """The addresses, and what was asked and answered since `forget`."""

    model: LLMServer = field(default_factory=lambda: LLMServer(reply=said, latency=0.02))
    batches: BatchServer = field(default_factory=lambda: BatchServer(reply=generate_writer.answer, pause=0.01))
    url: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    archive: bytes = b""
    aws: dict[str, str] = field(default_factory=dict)
    open_: ExitStack = field(default_factory=ExitStack)

    def make_job(self) -> None:
        """Start a server in the place of AWS, where the job ``ragbench-one`` has ended; once."""
        if self.aws:
            return
        import pytest

        boto3 = pytest.importorskip("boto3", reason="fetches from S3")
        from tests.jobs.sagemaker_server import REGION, ROLE
        from tests.jobs.sagemaker_server import serving as serving_aws

        self.aws = self.open_.enter_context(serving_aws())
        settings: dict[str, Any] = {
            "region_name": REGION, "endpoint_url": self.aws["AWS_ENDPOINT_URL"],
            "aws_access_key_id": "key", "aws_secret_access_key": "secret",
        }  # fmt: skip
        store, service = boto3.client("s3", **settings), boto3.client("sagemaker", **settings)
        for number in range(5):
            body = b"".join(b'{"id": "%d"}\n' % (number * 7919 + line) for line in range(2000))
            store.put_object(Bucket="jobs", Key=f"all/ragbench-one/output/out/{number}.jsonl", Body=body)
        tags = {"folder": "s3://jobs/all/ragbench-one", "command": "embed", "outputs": "out"}
        service.create_processing_job(
            ProcessingJobName="ragbench-one", RoleArn=ROLE, AppSpecification={"ImageUri": "image"},
            ProcessingResources={
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 30}
            },
            Tags=[{"Key": f"ragbench:{key}", "Value": value} for key, value in tags.items()],
        )  # fmt: skip

    def forget(self) -> None:
        self.model.asked.clear()
        self.model.paid.clear()
        self.asked.clear()
        for seen in (self.batches.files, self.batches.batches, self.batches.asked, self.batches.paid):
            seen.clear()

    @cached_property
    def store(self) -> Store:
        """An object store, which takes seconds to start."""
        self.make_job()  # first: it resets all servers of moto in this process
        return self.open_.enter_context(served(self.open_.enter_context(moto())))

    @property
    def paid(self) -> Counter[str]:
        """How often each answer of a model was sent."""
        return self.model.paid + self.batches.paid


@contextmanager
def services() -> Iterator[Services]:
    every = Services()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
            whole, body = len(every.archive), every.archive[start:]
            self.send_response(206 if start else 200)
            self.send_header("etag", '"one"')
            if start:
                self.send_header("content-range", f"bytes {start}-{whole - 1}/{whole}")
            self._body(body)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            every.asked[body["query_id"]] += 1
            draw = random.Random(body["query"])
            if self.path == "/search":
                ids = draw.sample([f"d{n}" for n in range(100, 112)], 5)
                found: dict[str, Any] = {"results": [{"id": id_} for id_ in ids]}
            else:
                found = {"answer": f"Stone {draw.randint(1, 9)} is grey.", "sources": []}
            self.send_response(200)
            self._body(json.dumps(found).encode())

        def _body(self, content: bytes) -> None:
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            return

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:  # a client that was killed
                return

    with every.open_ as open_:
        open_.enter_context(serving(every.model))
        open_.enter_context(serving_batches(every.batches))
        every.url = open_.enter_context(loopback(Handler))
        yield every
