"""moto's server in the place of AWS, and a runner that does what SageMaker does with a Processing job."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from ragbench.cloud import s3

ROLE = "arn:aws:iam::123456789012:role/jobs"
PREFIX = "/opt/ml/processing"
ACCOUNT, REGION = "123456789012", "us-east-1"
KEYS = {"AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}


@contextmanager
def serving(state: str = "Completed") -> Iterator[dict[str, str]]:
    """A server with a bucket ``jobs``: the variables by which AWS clients find it. Jobs begin in a state."""
    import boto3
    from moto.sagemaker import models
    from moto.server import ThreadedMotoServer

    class Begun(models.FakeProcessingJob):
        def __init__(self, **given: Any) -> None:
            super().__init__(**given)
            self.processing_job_status = state

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    with patch.object(models, "FakeProcessingJob", Begun):
        server.start()
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        # The state belongs to the process.
        urllib.request.urlopen(f"{url}/moto-api/reset", data=b"").close()
        client = boto3.client("s3", region_name=REGION, endpoint_url=url, aws_access_key_id="key",
                              aws_secret_access_key="secret")  # fmt: skip
        client.create_bucket(Bucket="jobs")
        try:
            yield {**KEYS, "AWS_ENDPOINT_URL": url}
        finally:
            server.stop()


def running_job(name: str) -> Any:
    """The job in the server; its attributes may be set."""
    from moto.sagemaker.models import sagemaker_backends

    return sagemaker_backends[ACCOUNT][REGION].processing_jobs[name]


def run_as_sagemaker(request: Mapping[str, Any], root: Path, **network: str) -> int:
    """S3 to the folders of the job, its entry point as a process, and its outputs to S3.

    Args:
        request: the arguments of ``create_processing_job``.
        root: stands for ``/opt/ml``.
        network: more variables, for what the job reaches.
    """
    import boto3

    store = s3.Store(boto3.client("s3", region_name=REGION))

    def local(path: str) -> Path:
        return root / "processing" / path.removeprefix(PREFIX).lstrip("/")

    for one in request["ProcessingInputs"]:
        store.fetch(one["S3Input"]["S3Uri"].rstrip("/"), local(one["S3Input"]["LocalPath"]))
    _, script = request["AppSpecification"]["ContainerEntrypoint"]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(root),
        "PIP_NO_INDEX": "1",
        **request["Environment"],
        **network,
    }
    code = subprocess.run([sys.executable, str(local(script))], env=environment, check=False).returncode
    job = running_job(request["ProcessingJobName"])
    job.processing_job_status = "Failed" if code else "Completed"
    message = root / "output" / "message"
    if code and message.is_file():
        job.exit_message = message.read_text(encoding="utf-8")
    for one in request["ProcessingOutputConfig"]["Outputs"]:
        store.upload(local(one["S3Output"]["LocalPath"]), one["S3Output"]["S3Uri"])
    return code


@contextmanager
def rights_checked() -> Iterator[None]:
    """The server checks the policies of whoever calls: actions and resources, not conditions."""
    from moto import settings

    with patch.object(settings, "INITIAL_NO_AUTH_ACTION_COUNT", 0):
        yield
