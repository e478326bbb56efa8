"""Amazon SageMaker Processing jobs.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateProcessingJob.html.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ragbench.cloud.base import (
    CODE,
    ENTRY,
    INPUT,
    OUTPUT,
    PREFIX,
    TAG_COMMAND,
    TAG_FOLDER,
    Job,
    JobRequest,
    Platform,
)
from ragbench.cloud.s3 import Store, explained
from ragbench.core.errors import InputError, MissingExtra
from ragbench.core.spelling import given, named
from ragbench.models.aws import session

ROOT = "/opt/ml/processing"
LOG_GROUP = "/aws/sagemaker/ProcessingJobs"
NAME = re.compile(rf"{PREFIX}[A-Za-z0-9](-*[A-Za-z0-9])*")
LONGEST_NAME, LONGEST_VALUE = 63, 256
MOST_SECONDS = 5 * 86_400
STATES = {"InProgress": "running", "Stopping": "stopping", "Completed": "completed", "Failed": "failed",
          "Stopped": "stopped"}  # fmt: skip


@dataclass(frozen=True)
class SageMaker(Platform):
    """Runs each job on one machine as a SageMaker Processing job. Credentials come from the environment.

    Attributes:
        region: the region; that of the environment by default.
        profile: the profile of the credentials; that of the environment by default.
    """

    region: str | None = None
    profile: str | None = None

    @cached_property
    def _session(self) -> Any:
        params = {"region_name": self.region, "credentials_profile_name": self.profile}
        try:
            return session("SageMaker", params, given("platform", "sagemaker:region=REGION"))
        except ImportError as error:
            raise MissingExtra("jobs on SageMaker", "aws") from error

    @cached_property
    def _client(self) -> Any:
        return self._session.client("sagemaker")

    @property
    def store(self) -> Store:
        """S3."""
        return Store(self._session.client("s3"))

    def written(self, request: JobRequest) -> dict[str, object]:
        """The arguments of ``create_processing_job``.

        Raises:
            InputError: SageMaker does not accept a name, a value or the time limit.
        """
        self._check(request)
        machine = request.machine
        cluster: dict[str, object] = {
            "InstanceCount": 1, "InstanceType": machine.instance, "VolumeSizeInGB": machine.volume_gb,
        }  # fmt: skip
        outputs: dict[str, object] = {
            "Outputs": [
                {
                    "OutputName": name,
                    "S3Output": {
                        "S3Uri": f"{request.folder}/{OUTPUT}/{name}",
                        "LocalPath": f"{ROOT}/{OUTPUT}/{name}",
                        # If a job is stopped, S3 has what it paid for.
                        "S3UploadMode": "Continuous",
                    },
                }
                for name in request.outputs
            ]
        }
        if machine.kms_key is not None:
            cluster["VolumeKmsKeyId"] = outputs["KmsKeyId"] = machine.kms_key
        found: dict[str, object] = {
            "ProcessingJobName": request.name,
            "ProcessingInputs": [
                {
                    "InputName": name,
                    "S3Input": {
                        "S3Uri": uri,
                        "LocalPath": f"{ROOT}/{INPUT}/{name}",
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                        "S3DataDistributionType": "FullyReplicated",
                    },
                }
                for name, uri in request.inputs.items()
            ],
            "ProcessingOutputConfig": outputs,
            "ProcessingResources": {"ClusterConfig": cluster},
            "StoppingCondition": {"MaxRuntimeInSeconds": machine.max_seconds},
            "AppSpecification": {
                "ImageUri": machine.image,
                "ContainerEntrypoint": ["python3", f"{ROOT}/{INPUT}/{CODE}/{ENTRY}"],
            },
            "Environment": dict(request.environment),
            "RoleArn": machine.role,
            "Tags": [{"Key": key, "Value": value} for key, value in request.tags.items()],
        }
        if machine.subnets:
            found["NetworkConfig"] = {
                "VpcConfig": {"Subnets": list(machine.subnets), "SecurityGroupIds": list(machine.security_groups)}
            }
        return found

    def _check(self, request: JobRequest) -> None:
        if len(request.name) > LONGEST_NAME or not NAME.fullmatch(request.name):
            raise InputError(
                f"{request.name}: a job's name begins with ragbench-, has letters, digits and hyphens, and at most "
                f"{LONGEST_NAME} characters"
            )
        if not request.machine.role.startswith("arn:"):
            raise InputError(
                f"{request.machine.role}: the role must be an ARN, such as arn:aws:iam::123456789012:role/NAME"
            )
        if request.machine.max_seconds > MOST_SECONDS:
            raise InputError(f"SageMaker runs a Processing job for at most 120 hours; lower {named('max_hours')}")
        for name, value in request.environment.items():
            if len(value) > LONGEST_VALUE:
                raise InputError(
                    f"{name}: its value has {len(value)} characters, and SageMaker takes at most {LONGEST_VALUE}"
                )

    def submit(self, request: JobRequest) -> None:
        """Create the Processing job."""
        with explained(f"job {request.name} could not be started"):
            self._client.create_processing_job(**self.written(request))

    def find(self, name: str) -> Job | None:
        """Describe the Processing job."""
        try:
            with explained(f"job {name}"):
                return self._described(name)
        except InputError as error:
            if "Could not find" in str(error):
                return None
            raise

    def _described(self, name: str) -> Job | None:
        found = self._client.describe_processing_job(ProcessingJobName=name)
        tags = self._client.list_tags(ResourceArn=found["ProcessingJobArn"])["Tags"]
        return _job(found, {tag["Key"]: tag["Value"] for tag in tags})

    def jobs(self) -> list[Job]:
        """All Processing jobs that carry the tags of ragbench."""
        with explained("jobs could not be listed"):
            pages = self._client.get_paginator("list_processing_jobs").paginate(
                NameContains=PREFIX, SortBy="CreationTime", SortOrder="Descending"
            )
            names = [one["ProcessingJobName"] for page in pages for one in page["ProcessingJobSummaries"]]
            # Other jobs can have the prefix inside their names, and the user may not have the right to describe them.
            found = [self._described(name) for name in names if name.startswith(PREFIX)]
        return [job for job in found if job is not None]

    def logs(self, name: str, last: int) -> list[str]:
        """The last lines of the job in CloudWatch, from all of its streams."""
        client = self._session.client("logs")
        events: list[tuple[int, str]] = []
        try:
            with explained(f"logs of {name}"):
                streams = client.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=f"{name}/")
                for stream in streams["logStreams"]:
                    found = client.get_log_events(
                        logGroupName=LOG_GROUP, logStreamName=stream["logStreamName"], startFromHead=False,
                        limit=min(last, 10_000),
                    )  # fmt: skip
                    events += [(event["timestamp"], event["message"]) for event in found["events"]]
        except InputError as error:
            if "ResourceNotFoundException" in str(error):  # no job of this account has printed anything yet
                return []
            raise
        events.sort(key=lambda event: event[0])
        return [message for _, message in events[-last:]]

    def stop(self, name: str) -> None:
        """Stop the Processing job."""
        with explained(f"job {name} could not be stopped"):
            self._client.stop_processing_job(ProcessingJobName=name)


def _job(found: Mapping[str, Any], tags: Mapping[str, str]) -> Job | None:
    """A job that ragbench started; None for any other."""
    if TAG_FOLDER not in tags:
        return None
    status = found["ProcessingJobStatus"]
    reasons = [found.get("ExitMessage", ""), found.get("FailureReason", "")]
    return Job(
        found["ProcessingJobName"], STATES.get(status, status), tags.get(TAG_COMMAND, ""), tags[TAG_FOLDER],
        found.get("CreationTime"), found.get("ProcessingEndTime"), "\n".join(filter(None, reasons)), tags,
    )  # fmt: skip
